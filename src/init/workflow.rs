//! Items for the workflows of GitHub Actions.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use crate::yaml::Node;

use super::draft::{Draft, Part, Proposal, literal};
use super::repository::{Repository, file_name};

/// Maximum number of workflows.
const WORKFLOWS: usize = 50;

/// The address of a repository on GitHub.
static ORIGIN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^\s*url\s*=\s*(?:https://(?:[^@/\s]*@)?|git@|ssh://git@)github\.com[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?\s*$")
        .expect("it is well formed")
});
/// Names of workflows that test what is merged.
static TESTS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)^(?:ci|main|build|tests?|checks?|verify)\b").expect("it is well formed"));
/// Names of workflows that a release depends on.
static RELEASE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)deploy|release|publish|ci|build|test|docker|image|e2e").expect("it is well formed")
});
/// If there are more workflows than this, only those that a release depends on are named.
const FEW: usize = 6;

/// Adds an item for all workflows, and proposes one for the last run of the one that tests.
pub fn propose(repository: &mut Repository, draft: &mut Draft) {
    let is_workflow = |path: &str| {
        path.strip_prefix(".github/workflows/")
            .is_some_and(|name| !name.contains('/') && (name.ends_with(".yml") || name.ends_with(".yaml")))
    };
    let mut probes: Vec<Value> = Vec::new();
    let mut tests: Option<(String, String, String)> = None;
    let mut files = repository.paths(is_workflow);
    if files.len() > FEW && files.iter().any(|path| RELEASE.is_match(file_name(path))) {
        files.retain(|path| RELEASE.is_match(file_name(path)));
    }
    for path in files.into_iter().take(WORKFLOWS) {
        let Some(file) = repository.quiet_yaml(&path) else { continue };
        let Some(root) = file.documents.first() else { continue };
        let is_dispatched = triggers(root) == ["workflow_dispatch"];
        let own = literal(&repository.setting(&path));
        probes.push(match is_dispatched {
            true => json!({ "use": "workflow-dispatch-only", "with": { "path": own } }),
            false => json!({ "workflow": { "path": own } }),
        });
        let starts = triggers(root).iter().any(|trigger| trigger == "push");
        let branch = branch(root);
        if starts
            && (tests.is_none()
                || TESTS.is_match(file_name(&path)) && !tests.as_ref().is_some_and(|(name, ..)| TESTS.is_match(name)))
        {
            tests = Some((file_name(&path).to_owned(), path, branch));
        }
    }
    if !probes.is_empty() {
        let id = draft.id("workflows", Part::Delivery);
        let title = "Workflows of GitHub Actions are valid";
        draft.push(Proposal::new(Part::Delivery, id, title, ".github/workflows", probes));
    }
    if let Some((name, path, branch)) = tests {
        let origin = repository.hidden_text(".git/config");
        let repo = origin.as_deref().and_then(|text| ORIGIN.captures(text)).map(|found| found[1].to_owned());
        let item = Proposal::new(
            Part::Delivery,
            draft.id("last workflow run", Part::Delivery),
            format!("The last run of {name} passed"),
            path,
            vec![json!({
                "github": {
                    "repo": repo.clone().unwrap_or_else(|| "OWNER/REPOSITORY".to_owned()),
                    "workflow": literal(&name),
                    "branch": branch,
                    "token": draft.secret("GITHUB_TOKEN", "a token that may read the runs of workflows"),
                }
            })],
        );
        draft.push(match repo {
            Some(_) => item.doubtful("it needs a token: set GITHUB_TOKEN"),
            None => item.held("name the repository on GitHub, and set GITHUB_TOKEN"),
        });
    }
}

/// The branch that a workflow tests.
fn branch(root: &Node) -> String {
    let branches = root.at_path("on.push.branches").map(Node::elements).unwrap_or_default();
    let names: Vec<&str> =
        branches.iter().filter_map(Node::text).filter(|name| !name.contains(['*', '!', '$', '['])).collect();
    let usual = names.iter().find(|name| ["main", "master"].contains(*name));
    usual.or(names.first()).map_or_else(|| "main".to_owned(), |name| (*name).to_owned())
}

/// The events that start a workflow.
fn triggers(root: &Node) -> Vec<String> {
    let Some(on) = root.get("on") else { return Vec::new() };
    let keys = on.entries().iter().map(|(key, _)| key.text.to_string());
    let names = on.text().into_iter().chain(on.elements().iter().filter_map(Node::text)).map(ToOwned::to_owned);
    keys.chain(names).collect()
}
