//! Reads the tree of a workflow file, and notes every problem that GitHub would refuse it for.

use crate::diagnostic::{Diagnostic, Sources, Span, closest};
use crate::yaml::{Node, Value};

use super::Definition;
use super::expression;

/// How many problems are kept.
const MAX_PROBLEMS: usize = 50;

const ROOT: &[&str] =
    &["name", "description", "run-name", "on", "permissions", "env", "defaults", "concurrency", "jobs"];

/// The scopes of a token.
const SCOPES: &[&str] = &[
    "actions",
    "artifact-metadata",
    "attestations",
    "checks",
    "contents",
    "copilot-requests",
    "deployments",
    "discussions",
    "id-token",
    "issues",
    "models",
    "packages",
    "pages",
    "pull-requests",
    "repository-projects",
    "security-events",
    "statuses",
    "vulnerability-alerts",
];

/// A file that is being read.
pub struct Reader<'a> {
    /// The definition so far.
    pub definition: Definition,
    sources: &'a Sources,
    /// The problems that were not kept.
    more: usize,
}

impl<'a> Reader<'a> {
    /// A reader of one of these texts.
    pub fn new(sources: &'a Sources) -> Self {
        Self { definition: Definition::default(), sources, more: 0 }
    }

    /// The definition, with YAML errors before all other problems.
    pub fn finish(mut self, unreadable: &[Diagnostic]) -> Definition {
        let lines = unreadable.iter().map(|problem| match problem.span() {
            Some(span) => format!("line {}: {}", self.sources.locate(span).line, problem.title()),
            None => problem.title().to_owned(),
        });
        self.definition.problems.splice(0..0, lines.collect::<Vec<_>>());
        if self.more > 0 {
            self.definition.problems.push(format!("… and {} more", self.more));
        }
        self.definition
    }

    /// Notes a problem.
    pub fn problem(&mut self, at: Span, words: impl std::fmt::Display) {
        if self.definition.problems.len() >= MAX_PROBLEMS {
            self.more += 1;
            return;
        }
        let line = self.sources.locate(at).line;
        self.definition.problems.push(format!("line {line}: {words}"));
    }

    /// Notes a word that is not known, with the one that was probably meant.
    pub fn unknown(&mut self, at: Span, words: &str, word: &str, known: impl IntoIterator<Item = &'static str>) {
        match closest(word, known) {
            Some(near) => self.problem(at, format!("{words}: did you mean `{near}`?")),
            None => self.problem(at, words),
        }
    }

    /// Whether the node is a map. Its keys must be known, and none may be without a value.
    pub fn keys(&mut self, node: &Node, place: &str, known: &[&'static str]) -> bool {
        if !matches!(node.value, Value::Map(_)) {
            self.problem(node.span, format!("{place} must be a map, not {}", node.kind()));
            return false;
        }
        for (key, _) in node.entries().iter().filter(|(key, _)| !known.contains(&&*key.text)) {
            self.unknown(key.span, &format!("unknown key `{}` in {place}", key.text), &key.text, known.iter().copied());
        }
        true
    }

    /// The whole file.
    pub fn root(&mut self, root: &Node) {
        if root.entries().is_empty() {
            return self
                .problem(root.span, format!("a workflow must be a map with `on` and `jobs`, not {}", root.kind()));
        }
        self.keys(root, "a workflow", ROOT);
        self.definition.name = root.get("name").and_then(Node::text).map(str::to_owned);
        match root.get("on") {
            Some(on) => self.on(on),
            None => self.problem(root.span, "`on` is missing: it says what starts the workflow"),
        }
        self.common(root, "the workflow");
        match root.get("jobs") {
            Some(jobs) => self.jobs(jobs),
            None => self.problem(root.span, "`jobs` is missing"),
        }
        self.expressions(root);
    }

    /// The keys that both a workflow and a job may have.
    pub fn common(&mut self, node: &Node, place: &str) {
        if let Some(permissions) = node.get("permissions") {
            self.permissions(permissions);
        }
        if let Some(env) = node.get("env").filter(|env| !is_expression(env)) {
            self.variables(env, place);
        }
        if let Some(defaults) = node.get("defaults")
            && self.keys(defaults, "`defaults`", &["run"])
            && let Some(run) = defaults.get("run").filter(|run| !is_expression(run))
        {
            self.keys(run, "`defaults.run`", &["shell", "working-directory"]);
        }
        match node.get("concurrency") {
            Some(concurrency) if matches!(concurrency.value, Value::Map(_)) => {
                self.keys(concurrency, "`concurrency`", &["group", "cancel-in-progress", "queue"]);
                if concurrency.get("group").is_none_or(Node::is_null) {
                    self.problem(concurrency.span, "`concurrency` needs a `group`");
                }
            }
            Some(concurrency) if concurrency.is_null() || matches!(concurrency.value, Value::List(_)) => {
                self.problem(concurrency.span, "`concurrency` must be text or a map with `group`");
            }
            Some(_) | None => {}
        }
    }

    /// The variables of `env`.
    pub fn variables(&mut self, env: &Node, place: &str) {
        if !matches!(env.value, Value::Map(_)) {
            return self.problem(env.span, format!("`env` of {place} must be a map, not {}", env.kind()));
        }
        for (key, value) in env.entries().iter().filter(|(_, value)| value.text().is_none()) {
            self.problem(value.span, format!("`{}` in `env` must be text, not {}", key.text, value.kind()));
        }
    }

    fn permissions(&mut self, permissions: &Node) {
        if matches!(permissions.text(), Some("read-all" | "write-all")) {
            return;
        }
        if !matches!(permissions.value, Value::Map(_)) {
            return self.problem(permissions.span, "`permissions` must be `read-all`, `write-all` or a map");
        }
        self.keys(permissions, "`permissions`", SCOPES);
        for (key, level) in permissions.entries() {
            let levels: &[&str] = match &*key.text {
                "copilot-requests" | "id-token" => &["write", "none"],
                "models" | "vulnerability-alerts" => &["read", "none"],
                _other => &["read", "write", "none"],
            };
            if !level.text().is_some_and(|text| levels.contains(&text)) {
                self.problem(level.span, format!("`{}` in `permissions` must be {}", key.text, levels.join(" or ")));
            }
        }
    }

    /// Every `${{ … }}` in the file. YAML nests only so deep.
    fn expressions(&mut self, node: &Node) {
        match &node.value {
            Value::Scalar(scalar) => {
                if let Err(problem) = expression::check(&scalar.text) {
                    self.problem(node.span, problem);
                }
            }
            Value::Unresolved(_) => {}
            Value::List(elements) => elements.iter().for_each(|node| self.expressions(node)),
            Value::Map(entries) => entries.iter().for_each(|(_, node)| self.expressions(node)),
        }
    }
}

/// Whether a value is one expression, which can be anything.
pub fn is_expression(node: &Node) -> bool {
    node.text().is_some_and(|text| text.trim_start().starts_with("${{") && text.trim_end().ends_with("}}"))
}
