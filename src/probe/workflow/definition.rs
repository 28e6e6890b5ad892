//! A workflow file as GitHub reads it: what starts it, its jobs, and why it would be refused.

use crate::diagnostic::{Diagnostic, Sources, suggestion};
use crate::yaml::{Node, parse_plain};

/// What may start a workflow: <https://docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows>.
const EVENTS: &[&str] = &[
    "branch_protection_rule",
    "check_run",
    "check_suite",
    "create",
    "delete",
    "deployment",
    "deployment_status",
    "discussion",
    "discussion_comment",
    "fork",
    "gollum",
    "image_version",
    "issue_comment",
    "issues",
    "label",
    "merge_group",
    "milestone",
    "page_build",
    "project",
    "project_card",
    "project_column",
    "public",
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "pull_request_target",
    "push",
    "registry_package",
    "release",
    "repository_dispatch",
    "schedule",
    "status",
    "watch",
    "workflow_call",
    "workflow_dispatch",
    "workflow_run",
];

/// What a workflow file says.
#[derive(Debug, Default, PartialEq)]
pub struct Definition {
    /// Its name.
    pub name: Option<String>,
    /// The events that start it, in the order of the file.
    pub triggers: Vec<String>,
    /// The cron lines of its schedule.
    pub schedules: Vec<String>,
    /// The ids of its jobs, in the order of the file.
    pub jobs: Vec<String>,
    /// Why GitHub would not run it, with lines.
    pub problems: Vec<String>,
}

impl Definition {
    /// Reads the text of a file of this name.
    pub fn read(file: &str, text: &str) -> Definition {
        let mut sources = Sources::default();
        let number = sources.add(file, text);
        let mut problems = Vec::new();
        let root = parse_plain(&sources, number, &mut problems);
        let mut reader = Reader { definition: Definition::default(), sources: &sources };
        if let Some(root) = root {
            reader.root(&root);
        }
        let told = problems.iter().map(|problem| told(problem, &sources));
        reader.definition.problems.splice(0..0, told.collect::<Vec<_>>());
        reader.definition
    }

    /// Whether it starts only when somebody, or a program, asks for it.
    pub fn is_dispatch_only(&self) -> bool {
        self.triggers == ["workflow_dispatch"]
    }
}

fn told(problem: &Diagnostic, sources: &Sources) -> String {
    match problem.span() {
        Some(span) => format!("line {}: {}", sources.locate(span).line, problem.title()),
        None => problem.title().to_owned(),
    }
}

struct Reader<'a> {
    definition: Definition,
    sources: &'a Sources,
}

impl Reader<'_> {
    fn problem(&mut self, at: &Node, words: impl std::fmt::Display) {
        let line = self.sources.locate(at.span).line;
        self.definition.problems.push(format!("line {line}: {words}"));
    }

    fn root(&mut self, root: &Node) {
        if root.entries().is_empty() {
            return self.problem(root, format!("it is {}, not a workflow: a map with `on` and `jobs`", root.kind()));
        }
        self.definition.name = root.get("name").and_then(Node::text).map(str::to_owned);
        match root.get("on") {
            Some(on) => self.on(on),
            None => self.problem(root, "it has no `on`, which says what starts it"),
        }
        match root.get("jobs") {
            Some(jobs) => self.jobs(jobs),
            None => self.problem(root, "it has no `jobs`"),
        }
    }

    /// `on: push`, `on: [push, release]` or `on: { push: …, schedule: … }`.
    fn on(&mut self, on: &Node) {
        let maps = on.entries().iter().map(|(key, node)| (key.text.to_string(), node));
        let lists = on.elements().iter().map(|node| (node.text().unwrap_or_default().to_owned(), node));
        let single = on.text().filter(|_| !on.is_null()).map(|text| (text.to_owned(), on));
        let events: Vec<(String, &Node)> = maps.chain(lists).chain(single).collect();
        if events.is_empty() {
            self.problem(on, "`on` names no event");
        }
        for (event, node) in events {
            if !EVENTS.contains(&event.as_str()) {
                let meant = suggestion(&event, EVENTS.iter().copied());
                let meant = meant.map(|meant| format!(": {meant}")).unwrap_or_default();
                self.problem(node, format!("`{event}` is no event that GitHub knows{meant}"));
            }
            if event == "schedule" {
                let lines = node.elements().iter().filter_map(|entry| entry.get("cron")?.text());
                self.definition.schedules = lines.map(str::to_owned).collect();
                if self.definition.schedules.is_empty() {
                    self.problem(node, "`schedule` has no `cron`");
                }
            }
            self.definition.triggers.push(event);
        }
    }

    fn jobs(&mut self, jobs: &Node) {
        if jobs.entries().is_empty() {
            self.problem(jobs, "`jobs` has no job");
        }
        self.definition.jobs = jobs.entries().iter().map(|(key, _)| key.text.to_string()).collect();
        for (key, job) in jobs.entries() {
            let id = &*key.text;
            let is_named = id.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
            if !is_named {
                self.problem(job, format!("`{id}` can't be the id of a job"));
            }
            if job.get("uses").is_none() {
                if job.get("runs-on").is_none_or(Node::is_null) {
                    self.problem(job, format!("the job `{id}` has neither `runs-on` nor `uses`"));
                }
                if job.get("steps").is_none_or(|steps| steps.elements().is_empty()) {
                    self.problem(job, format!("the job `{id}` has no steps"));
                }
            }
            let Some(needs) = job.get("needs") else { continue };
            for need in needs.elements().iter().chain(std::iter::once(needs)).filter_map(Node::text) {
                if jobs.get(need).is_none() {
                    self.problem(needs, format!("the job `{id}` needs `{need}`, which is not there"));
                }
            }
        }
    }
}
