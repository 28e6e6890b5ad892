//! The observation of `github`.

use schemars::JsonSchema;
use serde::Serialize;

/// The answers of GitHub. Only requested ones are set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct GitHubSeen {
    /// Problems that were found: a workflow that does not exist, is not active, or whose last run has not succeeded; a
    /// missing secret; no issue with the label; no requests left.
    pub problems: Vec<String>,
    /// The token, which GitHub has accepted. Absent without a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenSeen>,
    /// The rate limit. Absent if GitHub Enterprise has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<Quota>,
    /// The commit of `head`. Absent if no branch or tag has that name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<Head>,
    /// The workflow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow: Option<WorkflowState>,
    /// The secrets of Actions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secrets: Option<Secrets>,
    /// The issues, without pull requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issues: Option<Issues>,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Head {
    /// Its full ID.
    pub commit: String,
    /// Its first 7 characters.
    pub short: String,
}

/// A token that is accepted.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TokenSeen {
    /// When it expires, such as `2026-03-01T00:00:00Z`. Absent if it does not, or GitHub does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// Number of whole days until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days_left: Option<i64>,
    /// The scopes of a classic token, such as `repo`. Absent for all others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
}

/// The rate limit of GitHub's API.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Quota {
    /// Number of requests an hour.
    pub limit: u64,
    /// Number of requests left.
    pub remaining: u64,
    /// When it is reset, such as `2025-12-06T11:00:00Z`.
    pub resets: String,
}

/// A workflow, as GitHub knows it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct WorkflowState {
    /// Whether GitHub knows it: its file is, or was, on the default branch.
    pub exists: bool,
    /// `active`, `disabled_manually`, `disabled_inactivity` and so on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The events that trigger it, according to its file at `commit`, at `branch`, or on the default branch. Absent if
    /// the token may not read files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub triggers: Option<Vec<String>>,
    /// Whether `workflow_dispatch` is its only trigger. Absent if `triggers` is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dispatch_only: Option<bool>,
    /// Its last run for `commit` and `branch`. Absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<LastRun>,
}

/// The last run of a workflow.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct LastRun {
    /// `completed`, or its current state: `queued`, `in_progress` and so on.
    pub status: String,
    /// Its result: `success`, `failure`, `cancelled` and so on. Absent while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conclusion: Option<String>,
    /// The commit that it ran for.
    pub commit: String,
    /// The branch that it ran for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The event that triggered it, such as `push`.
    pub event: String,
    /// Its number.
    pub number: u64,
    /// When it first started, such as `2025-12-06T10:00:00Z`.
    pub created: String,
    /// The URL of its page.
    pub url: String,
}

/// The names of secrets. Only a workflow can read their values.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Secrets {
    /// All of them, in order: of the repository, of its organization if they are shared with it, and of the
    /// environment.
    pub names: Vec<String>,
    /// The requested secrets that do not exist.
    pub missing: Vec<String>,
}

/// Issues, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Issues {
    /// Number of issues.
    pub count: usize,
    /// Their titles.
    pub titles: Vec<String>,
    /// Their numbers.
    pub numbers: Vec<u64>,
}
