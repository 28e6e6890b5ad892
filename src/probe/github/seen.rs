//! What is seen of GitHub.

use schemars::JsonSchema;
use serde::Serialize;

/// What GitHub says. Only what was asked for is there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct GitHubSeen {
    /// What is plainly wrong: a workflow that is not there, not active, or whose last run has not succeeded; a secret
    /// that is missing; no issue with the label; no request left.
    pub problems: Vec<String>,
    /// The token, which GitHub has accepted. Absent where none was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenSeen>,
    /// How many requests are left. Absent where GitHub Enterprise does not count them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<Quota>,
    /// The commit of `head`. Absent where no branch or tag has that name.
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
    /// The first 7 characters of it.
    pub short: String,
}

/// A token that is accepted.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TokenSeen {
    /// When it expires, such as `2026-03-01T00:00:00Z`. Absent where it does not, or GitHub does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// How many whole days are left until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days_left: Option<i64>,
    /// The scopes of a classic token, such as `repo`. Absent for all others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
}

/// How often GitHub may be asked.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Quota {
    /// How often in an hour.
    pub limit: u64,
    /// How often still.
    pub remaining: u64,
    /// When it is `limit` again, such as `2025-12-06T11:00:00Z`.
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
    /// The events that start it, by its file at `commit`, at `branch`, or on the default branch. Absent where the token
    /// may not read files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub triggers: Option<Vec<String>>,
    /// Whether `workflow_dispatch` is all that starts it. Absent where `triggers` is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dispatch_only: Option<bool>,
    /// Its last run for `commit` and `branch`. Absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<LastRun>,
}

/// The last run of a workflow.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct LastRun {
    /// `completed`, or where it is: `queued`, `in_progress` and so on.
    pub status: String,
    /// How it ended: `success`, `failure`, `cancelled` and so on. Absent while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conclusion: Option<String>,
    /// The commit that it ran for.
    pub commit: String,
    /// The branch that it ran for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// What started it, such as `push`.
    pub event: String,
    /// Its number.
    pub number: u64,
    /// When it was started first, such as `2025-12-06T10:00:00Z`.
    pub created: String,
    /// Its page.
    pub url: String,
}

/// The names of secrets. Nobody but a workflow can read their values.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Secrets {
    /// All of them, in order: of the repository, of its organisation where they are shared, and of the environment.
    pub names: Vec<String>,
    /// Those asked for that are not there.
    pub missing: Vec<String>,
}

/// Issues, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Issues {
    /// How many there are.
    pub count: usize,
    /// Their titles.
    pub titles: Vec<String>,
    /// Their numbers.
    pub numbers: Vec<u64>,
}
