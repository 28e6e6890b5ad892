//! The events that may start a workflow, and the filters of each.
//!
//! <https://docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows>

use crate::yaml::{Node, Value};

use super::cron;
use super::reader::Reader;

/// An event: the filters that it knows, and its activity types.
struct Event {
    name: &'static str,
    filters: &'static [&'static str],
    types: &'static [&'static str],
}

const BRANCHES: &[&str] = &["types", "branches", "branches-ignore"];
const BRANCHES_AND_PATHS: &[&str] = &["types", "branches", "branches-ignore", "paths", "paths-ignore"];
const PUSH: &[&str] = &["branches", "branches-ignore", "tags", "tags-ignore", "paths", "paths-ignore"];
const TYPES: &[&str] = &["types"];
const CHANGES: &[&str] = &["created", "edited", "deleted"];
const PULL_REQUEST: &[&str] = &[
    "assigned",
    "unassigned",
    "labeled",
    "unlabeled",
    "opened",
    "edited",
    "closed",
    "reopened",
    "synchronize",
    "converted_to_draft",
    "locked",
    "unlocked",
    "enqueued",
    "dequeued",
    "milestoned",
    "demilestoned",
    "ready_for_review",
    "review_requested",
    "review_request_removed",
    "auto_merge_enabled",
    "auto_merge_disabled",
];
const ISSUES: &[&str] = &[
    "opened",
    "edited",
    "deleted",
    "transferred",
    "pinned",
    "unpinned",
    "closed",
    "reopened",
    "assigned",
    "unassigned",
    "labeled",
    "unlabeled",
    "locked",
    "unlocked",
    "milestoned",
    "demilestoned",
    "typed",
    "untyped",
];
const DISCUSSION: &[&str] = &[
    "created",
    "edited",
    "deleted",
    "transferred",
    "pinned",
    "unpinned",
    "labeled",
    "unlabeled",
    "locked",
    "unlocked",
    "category_changed",
    "answered",
    "unanswered",
];

const fn event(name: &'static str, filters: &'static [&'static str], types: &'static [&'static str]) -> Event {
    Event { name, filters, types }
}

/// Every event, in alphabetical order. One without activity types takes any.
const EVENTS: &[Event] = &[
    event("branch_protection_rule", TYPES, CHANGES),
    event("check_run", TYPES, &["created", "rerequested", "completed", "requested_action"]),
    event("check_suite", TYPES, &["completed"]),
    event("create", &[], &[]),
    event("delete", &[], &[]),
    event("deployment", &[], &[]),
    event("deployment_status", &[], &[]),
    event("discussion", TYPES, DISCUSSION),
    event("discussion_comment", TYPES, CHANGES),
    event("fork", &[], &[]),
    event("gollum", &[], &[]),
    event("image_version", &["types", "names", "versions"], &["created", "ready", "deleted"]),
    event("issue_comment", TYPES, CHANGES),
    event("issues", TYPES, ISSUES),
    event("label", TYPES, CHANGES),
    event("merge_group", BRANCHES, &["checks_requested"]),
    event("milestone", TYPES, &["created", "closed", "opened", "edited", "deleted"]),
    event("page_build", &[], &[]),
    event("project", TYPES, &["created", "closed", "reopened", "edited", "deleted"]),
    event("project_card", TYPES, &["created", "moved", "converted", "edited", "deleted"]),
    event("project_column", TYPES, &["created", "updated", "moved", "deleted"]),
    event("public", &[], &[]),
    event("pull_request", BRANCHES_AND_PATHS, PULL_REQUEST),
    event("pull_request_review", TYPES, &["submitted", "edited", "dismissed"]),
    event("pull_request_review_comment", TYPES, CHANGES),
    event("pull_request_target", BRANCHES_AND_PATHS, PULL_REQUEST),
    event("push", PUSH, &[]),
    event("registry_package", TYPES, &["published", "updated"]),
    event("release", TYPES, &["published", "unpublished", "created", "edited", "deleted", "prereleased", "released"]),
    event("repository_dispatch", TYPES, &[]),
    event("schedule", &["cron", "timezone"], &[]),
    event("status", &[], &[]),
    event("watch", TYPES, &["started"]),
    event("workflow_call", &["inputs", "secrets", "outputs"], &[]),
    event("workflow_dispatch", &["inputs"], &[]),
    event(
        "workflow_run",
        &["types", "workflows", "branches", "branches-ignore"],
        &["requested", "completed", "in_progress"],
    ),
];

impl Reader<'_> {
    /// `on: push`, `on: [push, release]` or `on: { push: …, schedule: … }`.
    pub(super) fn on(&mut self, on: &Node) {
        let maps = on.entries().iter().map(|(key, node)| (key.text.to_string(), node));
        let lists = on.elements().iter().map(|node| (node.text().unwrap_or_default().to_owned(), node));
        let single = on.text().filter(|_| !on.is_null()).map(|text| (text.to_owned(), on));
        let events: Vec<(String, &Node)> = maps.chain(lists).chain(single).collect();
        if events.is_empty() {
            self.problem(on.span, "`on` names no event");
        }
        let has_settings = matches!(on.value, Value::Map(_));
        for (name, node) in events {
            match EVENTS.iter().find(|event| event.name == name) {
                Some(event) => self.event(event, node, has_settings),
                None => {
                    let names = EVENTS.iter().map(|event| event.name);
                    self.unknown(node.span, &format!("unknown event `{name}`"), &name, names);
                }
            }
            self.definition.triggers.push(name);
        }
    }

    fn event(&mut self, event: &Event, node: &Node, has_settings: bool) {
        let name = event.name;
        match name {
            "schedule" => return self.schedule(node, has_settings),
            "workflow_run" if node.get("workflows").is_none_or(is_empty) => {
                self.problem(node.span, "`workflow_run` needs `workflows`");
            }
            _other => {}
        }
        if !has_settings || node.is_null() {
            return;
        }
        if !self.keys(node, &format!("`{name}`"), event.filters) {
            return;
        }
        for kind in ["branches", "tags", "paths"] {
            let ignored = format!("{kind}-ignore");
            if node.get(kind).is_some() && node.get(&ignored).is_some() {
                self.problem(node.span, format!("`{name}` has both `{kind}` and `{ignored}`: use one of them"));
            }
        }
        for (key, value) in node.entries().iter().filter(|(key, _)| is_filter(&key.text)) {
            if is_empty(value) || matches!(value.value, Value::Map(_)) {
                self.problem(key.span, format!("`{}` of `{name}` must be text or a list of text", key.text));
            }
        }
        let types = node.get("types");
        for kind in types.into_iter().flat_map(|types| types.elements().iter().chain([types])) {
            let Some(text) = kind.text().filter(|text| !event.types.is_empty() && !event.types.contains(text)) else {
                continue;
            };
            self.unknown(kind.span, &format!("`{name}` has no type `{text}`"), text, event.types.iter().copied());
        }
        if let Some(inputs) = node.get("inputs") {
            self.inputs(inputs, name);
        }
    }

    fn schedule(&mut self, node: &Node, has_settings: bool) {
        let entries = if has_settings { node.elements() } else { &[] };
        let lines: Vec<(&Node, &str)> = entries.iter().filter_map(|e| Some((e, e.get("cron")?.text()?))).collect();
        self.definition.schedules = lines.iter().map(|(_, line)| (*line).to_owned()).collect();
        if lines.is_empty() || lines.len() < entries.len() {
            self.problem(node.span, "`schedule` needs a list of entries with `cron`");
        }
        for entry in entries {
            self.keys(entry, "an entry of `schedule`", &["cron", "timezone"]);
        }
        for (entry, line) in lines {
            if let Err(problem) = cron::check(line) {
                self.problem(entry.span, format!("`cron: {line}`: {problem}"));
            }
        }
    }

    /// The inputs of `workflow_dispatch` and `workflow_call`.
    fn inputs(&mut self, inputs: &Node, event: &str) {
        let is_call = event == "workflow_call";
        let kinds: &[&str] = match is_call {
            true => &["string", "boolean", "number"],
            false => &["string", "boolean", "number", "choice", "environment"],
        };
        for (key, input) in inputs.entries() {
            let place = format!("the input `{}`", key.text);
            let is_map = match is_call {
                true => self.keys(input, &place, &["description", "type", "required", "default"]),
                false => {
                    input.is_null()
                        || self.keys(input, &place, &["description", "type", "required", "default", "options"])
                }
            };
            match input.get("type") {
                None if is_call && is_map => self.problem(key.span, format!("{place} needs a `type`")),
                Some(kind) if !kind.text().is_some_and(|text| kinds.contains(&text)) => {
                    self.problem(kind.span, format!("the type of {place} must be one of {}", kinds.join(", ")));
                }
                Some(kind) if kind.text() == Some("choice") && input.get("options").is_none_or(is_empty) => {
                    self.problem(kind.span, format!("{place} is a `choice` and needs `options`"));
                }
                Some(_) | None => {}
            }
        }
    }
}

/// Whether this key of an event holds patterns or names.
fn is_filter(key: &str) -> bool {
    !matches!(key, "inputs" | "secrets" | "outputs")
}

/// Whether nothing is written there.
fn is_empty(node: &Node) -> bool {
    node.is_null() || node.text() == Some("") || matches!(&node.value, Value::List(list) if list.is_empty())
}
