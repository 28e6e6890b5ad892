//! `workflow`: would GitHub accept this workflow file, and what triggers it?

mod cron;
mod definition;
mod event;
mod expression;
mod job;
mod reader;

use std::path::{Component, Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::file::observe;
use super::{Context, Fault, Probe};

pub use definition::Definition;

/// How much of a file is read: GitHub accepts no larger ones.
const MAX_SIZE: usize = 1 << 20;

/// Validates the file of a GitHub Actions workflow. It is parsed as YAML, so that comments and text don't count.
///
/// The keys of the workflow, its jobs and steps are checked, and events, inputs, permissions, cron lines, job and step
/// ids, the order of `needs`, and that each `${{` is closed. Not checked, since only GitHub knows it: the values of
/// expressions, whether actions, called workflows, runners, environments and secrets exist, and the types of single
/// values.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Workflow {
    /// Its path, such as `.github/workflows/e2e-parity-check.yml`. Relative to the folder that contains `checklists/`.
    path: PathBuf,
}

/// The definition in a workflow file.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct WorkflowSeen {
    /// Whether the file exists.
    pub exists: bool,
    /// Whether GitHub would accept it as a workflow: it is in the right folder, and `problems` is empty.
    pub valid: bool,
    /// Why GitHub would not accept it, with lines.
    pub problems: Vec<String>,
    /// Its name, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The events that trigger it, such as `push`, in the order of the file, whichever of the three forms `on` has.
    pub triggers: Vec<String>,
    /// Whether `workflow_dispatch` is its only trigger.
    pub dispatch_only: bool,
    /// The cron lines of its schedule.
    pub schedules: Vec<String>,
    /// The ids of its jobs, in the order of the file.
    pub jobs: Vec<String>,
}

impl Probe for Workflow {
    const KIND: &'static str = "workflow";
    const EXPECT: &'static str = "{ valid: true }";
    const PRESENT: Option<(&'static str, &'static str)> = Some(("exists", "true"));
    const EXAMPLE: &'static str = r#"workflow: { path: .github/workflows/e2e-parity-check.yml }
expect: { dispatch_only: true, jobs: { contains: parity } }
"#;
    type Observation = WorkflowSeen;

    async fn observe(&self, cx: &Context) -> Result<WorkflowSeen, Fault> {
        let path = cx.path(&self.path);
        let found = tokio::task::spawn_blocking(move || observe(&path, MAX_SIZE)).await;
        let found = found.map_err(|_| Fault::new("reading the file failed"))??;
        let text = found.content.as_ref().filter(|content| !content.truncated).and_then(|content| content.text());
        let mut definition = match (found.kind, text) {
            (Some("file"), Some(text)) => Definition::read(&self.path.display().to_string(), text),
            (Some("file"), None) => refused("it is not text of at most 1 MiB"),
            (None | Some("broken link"), _) => Definition::default(),
            (Some(kind), _) => refused(&format!("it is a {kind}, not a file")),
        };
        let exists = !matches!(found.kind, None | Some("broken link"));
        if exists {
            definition.problems.extend(misplaced(&cx.path(&self.path)));
        }
        Ok(WorkflowSeen {
            exists,
            valid: exists && definition.problems.is_empty(),
            dispatch_only: definition.is_dispatch_only(),
            problems: definition.problems,
            name: definition.name,
            triggers: definition.triggers,
            schedules: definition.schedules,
            jobs: definition.jobs,
        })
    }

    fn evidence(&self, seen: &WorkflowSeen) -> String {
        if !seen.exists {
            return format!("`{}` does not exist", self.path.display());
        }
        let jobs = match seen.jobs.len() {
            1 => "1 job".to_owned(),
            count => format!("{count} jobs"),
        };
        let validity = if seen.valid { "" } else { ", not valid" };
        match seen.triggers.as_slice() {
            [] => format!("nothing starts it{validity}"),
            [only] => format!("on {only} only, {jobs}{validity}"),
            triggers => format!("on {}, {jobs}{validity}", triggers.join(", ")),
        }
    }

    fn advice(&self, seen: &WorkflowSeen) -> Option<String> {
        if !seen.exists {
            return Some(format!(
                "`{}` does not exist: is the path relative to the right folder?",
                self.path.display()
            ));
        }
        if !seen.problems.is_empty() {
            return Some(seen.problems.join("; "));
        }
        let others: Vec<&str> =
            seen.triggers.iter().map(String::as_str).filter(|event| *event != "workflow_dispatch").collect();
        (!others.is_empty())
            .then(|| format!("`on` also has {}, which start it without anybody asking", others.join(", ")))
    }
}

fn refused(problem: &str) -> Definition {
    Definition { problems: vec![problem.to_owned()], ..Definition::default() }
}

/// Why GitHub, or a forge that follows it, does not find a workflow at this place.
fn misplaced(path: &Path) -> Option<String> {
    let extension = path.extension().and_then(|extension| extension.to_str());
    if !matches!(extension, Some("yml" | "yaml")) {
        return Some("its name does not end in `.yml` or `.yaml`, so GitHub ignores it".to_owned());
    }
    let folders: Vec<&str> = path.parent()?.components().filter_map(name).collect();
    let is_found = matches!(folders.as_slice(), [.., ".github" | ".gitea" | ".forgejo", "workflows"]);
    (!is_found).then(|| "it is not directly in `.github/workflows`, where GitHub looks for workflows".to_owned())
}

fn name(component: Component<'_>) -> Option<&str> {
    match component {
        Component::Normal(name) => name.to_str(),
        Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => None,
    }
}
