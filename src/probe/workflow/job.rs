//! The jobs of a workflow: their keys and steps, and the order of `needs`.
//!
//! <https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax>

use std::collections::{HashMap, HashSet};

use crate::diagnostic::Span;
use crate::yaml::{Node, Value};

use super::reader::{Reader, is_expression};

const JOB: &[&str] = &[
    "name",
    "needs",
    "if",
    "runs-on",
    "permissions",
    "environment",
    "concurrency",
    "outputs",
    "env",
    "defaults",
    "steps",
    "timeout-minutes",
    "cancel-timeout-minutes",
    "strategy",
    "continue-on-error",
    "container",
    "services",
    "snapshot",
];

/// The keys of a job that calls another workflow.
const CALL: &[&str] = &["name", "needs", "if", "permissions", "concurrency", "strategy", "uses", "with", "secrets"];

const STEP: &[&str] = &["name", "id", "if", "timeout-minutes", "continue-on-error", "env", "background"];

/// The actions of a step, and the further keys of each.
const ACTIONS: [(&str, &[&str]); 5] =
    [("run", &["shell", "working-directory"]), ("uses", &["with"]), ("wait", &[]), ("wait-all", &[]), ("cancel", &[])];

const CONTAINER: &[&str] = &["image", "options", "env", "ports", "volumes", "credentials", "entrypoint", "command"];

impl Reader<'_> {
    /// All jobs.
    pub(super) fn jobs(&mut self, jobs: &Node) {
        if jobs.entries().is_empty() {
            return self.problem(jobs.span, "`jobs` has no job");
        }
        self.definition.jobs = jobs.entries().iter().map(|(key, _)| key.text.to_string()).collect();
        let mut ids: HashMap<String, Span> = HashMap::new();
        for (key, job) in jobs.entries() {
            let id = &*key.text;
            if !is_id(id) {
                self.problem(key.span, format!("`{id}` is not a valid job id: use letters, digits, `-` and `_`"));
            }
            // GitHub compares ids without case.
            if ids.insert(id.to_ascii_lowercase(), key.span).is_some() {
                self.problem(key.span, format!("duplicate job id `{id}`"));
            }
            self.job(id, job);
        }
        self.needs(jobs);
    }

    fn job(&mut self, id: &str, job: &Node) {
        let place = format!("the job `{id}`");
        if !matches!(job.value, Value::Map(_)) {
            return self.problem(job.span, format!("{place} must be a map, not {}", job.kind()));
        }
        if job.get("uses").is_some() {
            self.keys(job, &format!("{place}, which calls a workflow"), CALL);
        } else {
            self.keys(job, &place, JOB);
            if job.get("runs-on").is_none_or(Node::is_null) {
                self.problem(job.span, format!("{place} has neither `runs-on` nor `uses`"));
            }
            match job.get("steps").filter(|steps| !steps.elements().is_empty()) {
                Some(steps) => self.steps(&place, steps),
                None => self.problem(job.span, format!("{place} has no steps")),
            }
        }
        self.common(job, &place);
        if let Some(strategy) = job.get("strategy").filter(|strategy| !is_expression(strategy)) {
            self.keys(strategy, &format!("`strategy` of {place}"), &["matrix", "fail-fast", "max-parallel"]);
            self.matrix(&place, strategy);
        }
        if let Some(container) = job.get("container").filter(|node| matches!(node.value, Value::Map(_))) {
            self.keys(container, &format!("`container` of {place}"), CONTAINER);
        }
        for (name, service) in job.get("services").map(Node::entries).unwrap_or_default() {
            if matches!(service.value, Value::Map(_)) {
                self.keys(service, &format!("the service `{}`", name.text), CONTAINER);
            }
        }
        if let Some(environment) = job.get("environment").filter(|node| matches!(node.value, Value::Map(_))) {
            self.keys(environment, &format!("`environment` of {place}"), &["name", "url", "deployment"]);
        }
        if let Some(runner) = job.get("runs-on").filter(|node| matches!(node.value, Value::Map(_))) {
            self.keys(runner, &format!("`runs-on` of {place}"), &["group", "labels"]);
        }
    }

    fn matrix(&mut self, place: &str, strategy: &Node) {
        let Some(matrix) = strategy.get("matrix").filter(|matrix| !is_expression(matrix)) else { return };
        if !matches!(matrix.value, Value::Map(_)) {
            return self.problem(matrix.span, format!("`matrix` of {place} must be a map, not {}", matrix.kind()));
        }
        for (key, value) in matrix.entries().iter().filter(|(_, value)| !is_expression(value)) {
            // An axis without values gives no job.
            let may_be_empty = matches!(&*key.text, "include" | "exclude");
            if !matches!(&value.value, Value::List(list) if may_be_empty || !list.is_empty()) {
                self.problem(value.span, format!("`{}` in `matrix` of {place} must be a list of values", key.text));
            }
        }
    }

    fn steps(&mut self, place: &str, steps: &Node) {
        let mut ids = HashSet::new();
        for (number, step) in (1..).zip(steps.elements()) {
            let place = format!("step {number} of {place}");
            if !matches!(step.value, Value::Map(_)) {
                self.problem(step.span, format!("{place} must be a map, not {}", step.kind()));
                continue;
            }
            let actions: Vec<_> = ACTIONS.iter().filter(|(key, _)| step.get(key).is_some()).collect();
            let known = STEP.iter().chain(actions.iter().flat_map(|(key, more)| std::iter::once(key).chain(*more)));
            let known: Vec<&'static str> = match actions.len() {
                // The unknown key may be a misspelled form of a missing one.
                0 => known.chain(&["run", "uses", "with", "shell", "working-directory"]).copied().collect(),
                _ => known.copied().collect(),
            };
            self.keys(step, &place, &known);
            match actions.as_slice() {
                [] => self.problem(step.span, format!("{place} does nothing: it needs `run` or `uses`")),
                [(key @ ("run" | "uses"), _)] => {
                    let text = step.get(key).filter(|value| !value.is_null()).and_then(Node::text);
                    if text.is_none_or(|text| text.trim().is_empty()) {
                        self.problem(step.span, format!("`{key}` of {place} must be text"));
                    }
                }
                [_waits] => {}
                [(one, _), (other, _), ..] => {
                    self.problem(step.span, format!("{place} has both `{one}` and `{other}`: make it two steps"));
                }
            }
            if let Some(id) = step.get("id").and_then(Node::text) {
                if !is_id(id) {
                    self.problem(step.span, format!("`{id}` is not a valid step id: use letters, digits, `-` and `_`"));
                }
                if !ids.insert(id.to_ascii_lowercase()) {
                    self.problem(step.span, format!("duplicate step id `{id}`"));
                }
            }
            if let Some(env) = step.get("env").filter(|env| !is_expression(env)) {
                self.variables(env, &place);
            }
            if let Some(with) =
                step.get("with").filter(|with| !matches!(with.value, Value::Map(_)) && !is_expression(with))
            {
                self.problem(with.span, format!("`with` of {place} must be a map, not {}", with.kind()));
            }
        }
    }

    /// Whether every needed job exists, and whether there is an order in which all can run.
    fn needs(&mut self, jobs: &Node) {
        let entries = jobs.entries();
        let numbers: HashMap<String, usize> =
            entries.iter().zip(0..).map(|((key, _), number)| (key.text.to_ascii_lowercase(), number)).collect();
        let mut waits = vec![0_usize; entries.len()];
        let mut freed: Vec<Vec<usize>> = vec![Vec::new(); entries.len()];
        for (number, (key, job)) in entries.iter().enumerate() {
            let Some(needs) = job.get("needs") else { continue };
            if matches!(needs.value, Value::Map(_)) || needs.is_null() {
                self.problem(needs.span, format!("`needs` of the job `{}` must be text or a list of text", key.text));
            }
            for need in needs.elements().iter().chain([needs]).filter_map(Node::text).filter(|need| !need.is_empty()) {
                match numbers.get(&need.to_ascii_lowercase()) {
                    Some(needed) => {
                        waits[number] += 1;
                        freed[*needed].push(number);
                    }
                    None => {
                        self.problem(
                            needs.span,
                            format!("the job `{}` needs `{need}`, which does not exist", key.text),
                        );
                    }
                }
            }
        }
        // Jobs that can run one after the other, without recursion: a file may hold a chain of thousands.
        let mut ready: Vec<usize> = (0..entries.len()).filter(|number| waits[*number] == 0).collect();
        let mut ended = 0;
        while let Some(number) = ready.pop() {
            ended += 1;
            for next in std::mem::take(&mut freed[number]) {
                waits[next] -= 1;
                if waits[next] == 0 {
                    ready.push(next);
                }
            }
        }
        if ended < entries.len() {
            let waiting = entries.iter().zip(&waits).filter(|(_, waits)| **waits > 0);
            let names: Vec<String> = waiting.map(|((key, _), _)| format!("`{}`", key.text)).collect();
            let more = if names.len() > 5 { format!(" and {} more", names.len() - 5) } else { String::new() };
            let names = names[..names.len().min(5)].join(", ");
            self.problem(jobs.span, format!("`needs` form a cycle: {names}{more} can never start"));
        }
    }
}

/// Whether this may be the id of a job or a step.
fn is_id(id: &str) -> bool {
    id.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && id.len() <= 100
        && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}
