//! `github`: is a token valid, does a workflow run and succeed, which secrets and issues exist?

mod client;
mod observe;
mod seen;
mod setting;

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::{Context, Fault, Probe};
use crate::client::api::Api;
use crate::client::http::{HttpUrl, Login};

use client::Client;

pub use seen::{GitHubSeen, Head, Issues, LastRun, Quota, Secrets, TokenSeen, WorkflowState};
pub use setting::{IssueState, Labelled, Repository};

/// Reads from GitHub, or GitHub Enterprise, what the settings name: a workflow, secrets, issues; and always whether the
/// token is valid, until when, and how many requests are left.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct GitHub {
    /// The URL of the API. Default: `https://api.github.com`; for GitHub Enterprise, such as
    /// `https://github.example/api/v3`.
    #[serde(default = "setting::github")]
    url: HttpUrl,
    /// The repository, such as `acme/aos`.
    repo: Option<Repository>,
    /// Read the commit of this branch or tag, such as `main`: `${alias.head.commit}`.
    head: Option<String>,
    /// Check the workflow with this file, such as `e2e-parity-check.yml`: its state, its triggers, and its last run.
    workflow: Option<String>,
    /// Only runs of the workflow on this branch count, such as `main`. Default: any.
    branch: Option<String>,
    /// Only runs of the workflow for this commit count: the full id, such as `${main.commit}`.
    commit: Option<String>,
    /// The names of secrets that Actions must have, such as `[SLACK_WEBHOOK]`. The token needs the permission to read
    /// secrets, which shows only their names.
    secrets: Option<Vec<String>>,
    /// Also count the secrets of this environment, such as `staging`.
    environment: Option<String>,
    /// Search issues, such as `{ label: mismatch }`. Set how many, or which, in `expect`: the default is at least one.
    issues: Option<Labelled>,
    #[serde(rename = "..", default)]
    #[schemars(flatten)]
    login: Login,
}

impl Probe for GitHub {
    const KIND: &'static str = "github";
    const EXPECT: &'static str = "{ problems: { length: 0 } }";
    const EXAMPLE: &'static str = r#"github: { repo: acme/aos, issues: { label: mismatch }, token: "${secrets.GITHUB_TOKEN}" }
expect: { issues.titles: { some: { contains: parity } }, token.days_left: { at_least: 14 } }
"#;
    const TAKES_VIA: bool = true;
    type Observation = GitHubSeen;

    async fn observe(&self, cx: &Context) -> Result<GitHubSeen, Fault> {
        self.observe_with(&Client { cx, api: self.api() }, cx.env.now()).await
    }

    fn evidence(&self, seen: &GitHubSeen) -> String {
        let mut parts = Vec::new();
        if let (Some(head), Some(name)) = (&seen.head, &self.head) {
            parts.push(format!("{name} at {}", head.short));
        }
        if let (Some(workflow), Some(file)) = (&seen.workflow, &self.workflow) {
            let run = workflow.run.as_ref().map(|run| run.conclusion.as_ref().unwrap_or(&run.status));
            let run = run.map(|end| format!(", last run {end}")).unwrap_or_default();
            parts.push(format!("{file} {}{run}", workflow.state.as_deref().unwrap_or("does not exist")));
        }
        if let (Some(secrets), Some(wanted)) = (&seen.secrets, &self.secrets) {
            parts.push(format!("{} of {} secrets", wanted.len() - secrets.missing.len(), wanted.len()));
        }
        if let Some(issues) = &seen.issues {
            parts.push(format!("{} {}", issues.count, if issues.count == 1 { "issue" } else { "issues" }));
        }
        if parts.is_empty() {
            let expires = seen.token.as_ref().and_then(|token| token.expires.as_deref());
            parts.push(match (&seen.token, expires.and_then(|at| at.split('T').next())) {
                (Some(_), Some(day)) => format!("token accepted, expires {day}"),
                (Some(_), None) => "token accepted".to_owned(),
                (None, _) => "GitHub answers".to_owned(),
            });
        }
        parts.join("; ")
    }

    fn advice(&self, seen: &GitHubSeen) -> Option<String> {
        (!seen.problems.is_empty()).then(|| seen.problems.join("; "))
    }

    fn is_insecure(&self) -> bool {
        self.login.insecure
    }

    fn reproduce(&self) -> Option<Vec<String>> {
        let repo = self.repo.as_ref().map(|repo| format!("/repos/{}", repo.name())).unwrap_or_default();
        let path = match (&self.workflow, &self.secrets, &self.issues) {
            (None, None, None) if self.head.is_some() => {
                format!("{repo}/commits/{}", self.head.as_deref().unwrap_or_default())
            }
            (Some(file), _, _) => format!("{repo}/actions/workflows/{file}"),
            (None, Some(_), _) => format!("{repo}/actions/secrets"),
            (None, None, Some(_)) => format!("{repo}/issues"),
            (None, None, None) => "/rate_limit".to_owned(),
        };
        Some(self.login.curl(&self.api().get(&path, &[])))
    }
}

impl GitHub {
    fn api(&self) -> Api<'_> {
        Api { name: "GitHub", url: &self.url, access: self.login.access(), options: self.login.options() }
    }

    /// Why the settings are not valid.
    fn problem(&self) -> Option<String> {
        let is_whole = |id: &str| id.len() >= 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_file = |name: &str| !name.is_empty() && !name.contains(['/', '?', '#', '%']) && name != "..";
        let is_ref = |name: &str| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/');
            !name.is_empty() && name.chars().all(is_plain) && !name.contains("..")
        };
        let wants_repo =
            self.head.is_some() || self.workflow.is_some() || self.secrets.is_some() || self.issues.is_some();
        let words = match self {
            _ if self.url.url().host_str() == Some("github.com") => {
                "the API of github.com is at https://api.github.com"
            }
            _ if self.repo.is_none() && wants_repo => "`repo` is missing",
            _ if self.repo.is_none() && self.login.token.is_none() => {
                "nothing to check: set `token`, or `repo` and `head`, `workflow`, `secrets` or `issues`"
            }
            _ if self.repo.is_some() && !wants_repo => {
                "nothing to check in the repository: set `head`, `workflow`, `secrets` or `issues`"
            }
            _ if self.workflow.is_none() && (self.branch.is_some() || self.commit.is_some()) => {
                "`branch` and `commit` select the run of a `workflow`: set `workflow`, too"
            }
            _ if self.secrets.is_none() && self.environment.is_some() => {
                "`environment` adds its secrets to `secrets`: set `secrets`, too"
            }
            _ if self.workflow.as_deref().is_some_and(|file| !is_file(file)) => {
                "`workflow` wants the name of its file alone, such as `ci.yml`"
            }
            _ if self.commit.as_deref().is_some_and(|commit| !is_whole(commit)) => {
                "`commit` wants the whole id: GitHub finds no run by the first characters of it"
            }
            _ if self.head.as_deref().is_some_and(|name| !is_ref(name)) => {
                "`head` must be the name of a branch or a tag, such as `main`"
            }
            _ if self.secrets.as_deref().is_some_and(<[String]>::is_empty) => "`secrets` names none",
            _ if self.environment.as_deref().is_some_and(|name| !is_file(name)) => {
                "`environment` can't be the name of one"
            }
            _ => return None,
        };
        Some(words.to_owned())
    }
}

impl<'de> Deserialize<'de> for GitHub {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let probe = GitHub::deserialize(deserializer)?;
        probe.login.validate(&probe.url).map_err(D::Error::custom)?;
        match probe.problem() {
            Some(problem) => Err(D::Error::custom(problem)),
            None => Ok(probe),
        }
    }
}
