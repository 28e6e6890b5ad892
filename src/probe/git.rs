//! `git`: which commit does a name refer to, and does the working tree have changes?

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Context, Fault, Probe, Truncation};

use crate::client::git::Git as Program;

/// How many changed files are named.
const MAX_CHANGES: usize = 50;

/// The longest first line of a message that is kept, in characters.
const MAX_SUBJECT: usize = 200;

/// Reads a local Git repository with the `git` program. It fetches nothing: `origin/main` is what was fetched last.
/// With `as: main`, later probes can use `${main.commit}` and `${main.short}`. No hook, filter or other program that
/// the repository names is run.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Git {
    /// The folder of the repository, or one in it, such as `backend`. A relative one starts at the default. Default: the
    /// folder that contains `checklists/`.
    #[serde(default)]
    dir: PathBuf,
    /// The name of the commit, such as `origin/main`, `v1.4.0` or `refs/heads/main`. Default: `HEAD`.
    #[serde(rename = "ref", default = "head")]
    reference: String,
    /// Another name to compare it with, such as `origin/main`; the result is in `ahead` and `behind`.
    against: Option<String>,
}

/// A commit, and the working tree.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct GitSeen {
    /// The full id of the commit that `ref` refers to.
    pub commit: String,
    /// Its first seven characters, or more if seven are ambiguous.
    pub short: String,
    /// The first line of its message.
    pub subject: String,
    /// When it was committed, such as `2025-12-06T10:00:00Z`.
    pub committed: String,
    /// The tags of the commit, in order. A clone may have been made without tags.
    pub tags: Vec<String>,
    /// The branch that is checked out. Absent for a detached HEAD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Whether a commit is checked out instead of a branch, as in CI.
    pub detached: bool,
    /// Whether the working tree has changes, or files that are neither tracked nor ignored. Changes inside submodules
    /// don't count. Absent in a repository without a working tree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dirty: Option<bool>,
    /// The first 50 changes, as in `git status --porcelain`, such as ` M src/main.rs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Vec<String>>,
    /// Number of commits of `ref` that are not in `against`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ahead: Option<u64>,
    /// Number of commits of `against` that are not in `ref`. 0 means that `ref` contains all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub behind: Option<u64>,
    /// Whether it is a shallow clone.
    pub shallow: bool,
}

/// The kind of repository.
struct Repository {
    is_bare: bool,
    is_shallow: bool,
}

impl Probe for Git {
    const KIND: &'static str = "git";
    const EXPECT: &'static str = "{ commit: { exists: true } }";
    const EXAMPLE: &'static str = r#"git: { ref: HEAD, against: origin/main }
as: head
expect: { dirty: false, ahead: 0, behind: 0 }
"#;
    type Observation = GitSeen;

    async fn observe(&self, cx: &Context) -> Result<GitSeen, Fault> {
        let git = Program::named(&cx.env, self.folder(cx))?;
        let said = git.ask(&["rev-parse", "--is-bare-repository", "--is-shallow-repository"]).await?;
        let is = |line: usize| said.text.lines().nth(line) == Some("true");
        let repository = Repository { is_bare: is(0), is_shallow: is(1) };
        let commit = find(&git, &repository, &self.reference).await?;
        let short = git.ask(&["rev-parse", "--short=7", &commit]).await?.text;
        let (ahead, behind) = match &self.against {
            Some(against) => distance(&git, &repository, &commit, against).await?,
            None => (None, None),
        };
        let (committed, subject) = message(&git, &commit).await?;
        let points_at = format!("--points-at={commit}");
        let tags = git.ask(&["for-each-ref", &points_at, "--format=%(refname:lstrip=2)", "refs/tags"]).await?.text;
        let branch = git.run(&["symbolic-ref", "--quiet", "--short", "HEAD"]).await?;
        let branch = (branch.code == 0).then_some(branch.text);
        let changes = if repository.is_bare { None } else { Some(changes(&git).await?) };
        Ok(GitSeen {
            commit,
            short,
            subject,
            committed,
            tags: tags.lines().map(str::to_owned).collect(),
            detached: branch.is_none(),
            branch,
            dirty: changes.as_ref().map(|changes| !changes.is_empty()),
            changes,
            ahead,
            behind,
            shallow: repository.is_shallow,
        })
    }

    fn evidence(&self, seen: &GitSeen) -> String {
        let mut line = format!("commit {}", seen.short);
        if let (Some(ahead), Some(behind), Some(against)) = (seen.ahead, seen.behind, &self.against) {
            line += &match (ahead, behind) {
                (0, 0) => format!(", the same as {against}"),
                (ahead, behind) => format!(", {ahead} ahead of and {behind} behind {against}"),
            };
        }
        line
    }

    fn cuts(&self, seen: &GitSeen) -> Vec<Truncation> {
        let mut cuts = Vec::new();
        if seen.changes.as_ref().is_some_and(|changes| changes.len() >= MAX_CHANGES) {
            cuts.push(Truncation::new(&["changes"], format!("only the first {MAX_CHANGES} were read"), None));
        }
        if seen.subject.chars().count() >= MAX_SUBJECT {
            cuts.push(Truncation::new(
                &["subject"],
                format!("only the first {MAX_SUBJECT} characters were read"),
                None,
            ));
        }
        cuts
    }

    fn field_advice(&self, seen: &GitSeen) -> Vec<(&'static str, String)> {
        let changes = seen.changes.as_deref().unwrap_or_default();
        let first: Vec<&str> = changes.iter().take(3).map(|change| change.trim()).collect();
        let more = if changes.len() > first.len() { " and more" } else { "" };
        let advice = format!("the working tree has changes: {}{more}", first.join(", "));
        if changes.is_empty() { Vec::new() } else { vec![("dirty", advice.clone()), ("changes", advice)] }
    }

    fn reproduce(&self) -> Option<Vec<String>> {
        let commit = format!("{}^{{commit}}", self.reference);
        let dir = if self.dir.as_os_str().is_empty() { Path::new(".") } else { &self.dir };
        Some(["git", "-C", &dir.display().to_string(), "rev-parse", "--verify", &commit].map(str::to_owned).to_vec())
    }
}

impl Git {
    fn folder(&self, cx: &Context) -> PathBuf {
        // Joining nothing would leave a slash at the end.
        if self.dir.as_os_str().is_empty() { cx.dir.to_path_buf() } else { cx.path(&self.dir) }
    }
}

impl<'de> Deserialize<'de> for Git {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let probe = Git::deserialize(deserializer)?;
        for name in std::iter::once(&probe.reference).chain(&probe.against) {
            // Git would take a name that begins with a dash for an option.
            if name.is_empty() || name.starts_with('-') || name.contains(|c: char| c.is_control()) {
                return Err(D::Error::custom(format!("`{}` can't be the name of a commit", name.escape_debug())));
            }
        }
        Ok(probe)
    }
}

/// The id of the commit that a name refers to.
async fn find(git: &Program<'_>, repository: &Repository, name: &str) -> Result<String, Fault> {
    let said = git.run(&["rev-parse", "--verify", &format!("{name}^{{commit}}")]).await?;
    if said.errors.contains("is ambiguous") {
        return Err(Fault::new(format!("`{name}` is ambiguous in this repository"))
            .help(format!("write `refs/heads/{name}`, `refs/tags/{name}` or the full id")));
    }
    if said.code == 0 {
        return Ok(said.text);
    }
    if !said.errors.contains("Needed a single revision") && !said.errors.contains("unknown revision") {
        return Err(git.fault(&said));
    }
    if git.run(&["rev-parse", "--verify", "--quiet", "HEAD"]).await?.code != 0 && name == "HEAD" {
        return Err(Fault::new("the repository has no commit yet, or what is checked out is gone"));
    }
    let fault = Fault::new(format!("commit `{name}` not found in this repository"));
    Err(if repository.is_shallow {
        fault.help("it is a shallow clone, which lacks history, branches and tags: fetch more (`fetch-depth: 0` in CI)")
    } else {
        fault.help("was it fetched? Run `git fetch --all --tags`")
    })
}

/// How far a commit is ahead of and behind another.
async fn distance(
    git: &Program<'_>,
    repository: &Repository,
    commit: &str,
    against: &str,
) -> Result<(Option<u64>, Option<u64>), Fault> {
    let other = find(git, repository, against).await?;
    if other == *commit {
        return Ok((Some(0), Some(0)));
    }
    if repository.is_shallow {
        return Err(Fault::new(format!("how far it is from `{against}` is not known in a shallow clone"))
            .help("fetch the whole history: `git fetch --unshallow`, or `fetch-depth: 0` in CI"));
    }
    let range = format!("{commit}...{other}");
    let said = git.ask(&["rev-list", "--left-right", "--count", &range, "--"]).await?;
    let mut counts = said.text.split_whitespace().map(|count| count.parse().ok());
    Ok((counts.next().flatten(), counts.next().flatten()))
}

/// When it was committed, and the first line of its message: read from the commit itself, as `git log` may start what
/// verifies signatures.
async fn message(git: &Program<'_>, commit: &str) -> Result<(String, String), Fault> {
    let said = git.ask(&["cat-file", "commit", commit]).await?;
    let (head, body) = said.text.split_once("\n\n").unwrap_or((&said.text, ""));
    let seconds = head.lines().find_map(|line| line.strip_prefix("committer ")?.rsplit(' ').nth(1)?.parse().ok());
    let committed = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
    let committed = committed.ok_or_else(|| Fault::new(format!("commit {commit} does not say when it was made")))?;
    let subject = body.trim_start().lines().next().unwrap_or_default();
    Ok((committed.to_string(), subject.chars().take(MAX_SUBJECT).collect()))
}

/// The differences from the commit that is checked out.
async fn changes(git: &Program<'_>) -> Result<Vec<String>, Fault> {
    // Looking into submodules would run git there, with their own configuration.
    let arguments =
        ["status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=normal", "--ignore-submodules=dirty"];
    let said = git.ask(&arguments).await?;
    Ok(said.text.split('\0').filter(|line| !line.is_empty()).take(MAX_CHANGES).map(str::to_owned).collect())
}

fn head() -> String {
    "HEAD".to_owned()
}
