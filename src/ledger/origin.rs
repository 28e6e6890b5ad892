//! Where a run comes from: the commit of the checklist's repository, the machine, the person, the CI job.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::env::Env;
use crate::run::Run;

/// How long Git may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Where a run comes from, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The commit that is checked out where the checklist lies.
    pub commit: Option<String>,
    /// The machine's name.
    pub host: Option<String>,
    /// Who runs it.
    pub user: Option<String>,
    /// A link to the CI job.
    pub ci: Option<String>,
}

impl Origin {
    /// Finds out. `root` is the folder that holds `checklists/`.
    pub async fn find(root: &Path, env: &Env) -> Self {
        let commit = git(root, &["rev-parse", "--verify", "--quiet", "HEAD"]).await;
        let commit = commit.ok().map(|commit| commit.trim().to_owned()).filter(|commit| !commit.is_empty());
        Self { commit, host: env.host(), user: env.user(), ci: ci(env) }
    }

    /// Writes it into the run.
    pub fn sign(self, run: &mut Run) {
        (run.commit, run.host, run.user, run.ci) = (self.commit, self.host, self.user, self.ci);
    }
}

/// What Git prints, asked so that it changes nothing and waits for nobody.
///
/// # Errors
/// Why it says nothing, in words.
pub async fn git(folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(["--no-optional-locks", "--no-pager", "-c", "core.fsmonitor=false"]);
    command.args(arguments).stdin(Stdio::null()).env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0").kill_on_drop(true);
    let output = match tokio::time::timeout(TIMEOUT, command.output()).await {
        Ok(Ok(output)) => output,
        Ok(Err(problem)) if problem.kind() == std::io::ErrorKind::NotFound => {
            return Err("git is not installed".to_owned());
        }
        Ok(Err(problem)) => return Err(format!("cannot run git: {problem}")),
        Err(_) => return Err("git did not answer in time".to_owned()),
    };
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let first = said.lines().next().unwrap_or("git says nothing of why").trim_start_matches("fatal: ");
    Err(first.to_owned())
}

/// The link to the job, in the words of GitHub, GitLab and Jenkins.
fn ci(env: &Env) -> Option<String> {
    let set = |name: &str| env.var(name).filter(|value| !value.is_empty());
    let github = || {
        let (server, repo, run) = (set("GITHUB_SERVER_URL")?, set("GITHUB_REPOSITORY")?, set("GITHUB_RUN_ID")?);
        Some(format!("{server}/{repo}/actions/runs/{run}"))
    };
    github().or_else(|| set("CI_JOB_URL").or_else(|| set("BUILD_URL")).map(ToOwned::to_owned))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn link(vars: &[(&str, &str)]) -> Option<String> {
        let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        ci(&Env::with(vars, PathBuf::new()))
    }

    #[test]
    fn the_job_is_linked_in_the_words_of_each_ci() {
        let github = [
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "acme/aos"),
            ("GITHUB_RUN_ID", "42"),
            ("BUILD_URL", "http://jenkins/1"),
        ];
        assert_eq!(link(&github).as_deref(), Some("https://github.com/acme/aos/actions/runs/42"));
        assert_eq!(link(&[("CI_JOB_URL", "https://gitlab/job/7")]).as_deref(), Some("https://gitlab/job/7"));
        assert_eq!(link(&[("BUILD_URL", "http://jenkins/1"), ("CI_JOB_URL", "")]).as_deref(), Some("http://jenkins/1"));
        assert_eq!(link(&[]), None);
    }
}
