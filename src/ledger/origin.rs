//! The origin of a run: the commit of the checklist's repository, the machine, the person, the CI job.

use std::path::Path;

use crate::client::git::git;
use crate::env::Env;
use crate::run::Run;

/// The origin of a run, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The commit that is checked out in the folder of the checklist.
    pub commit: Option<String>,
    /// Whether tracked files differ from it.
    pub dirty: Option<bool>,
    /// The machine's name.
    pub host: Option<String>,
    /// Who runs it.
    pub user: Option<String>,
    /// A link to the CI job.
    pub ci: Option<String>,
}

impl Origin {
    /// Finds the origin. `root` is the folder that contains `checklists/`.
    pub async fn find(root: &Path, env: &Env) -> Self {
        let commit = git(root, &["rev-parse", "--verify", "--quiet", "HEAD"], env).await;
        let commit = commit.ok().map(|commit| commit.trim().to_owned()).filter(|commit| !commit.is_empty());
        let dirty = match commit {
            Some(_) => git(root, &["status", "--porcelain", "--untracked-files=no"], env).await.ok(),
            None => None,
        };
        let dirty = dirty.map(|listed| !listed.trim().is_empty());
        Self { commit, dirty, host: env.host(), user: env.user(), ci: ci(env) }
    }

    /// Writes it into the run.
    pub fn sign(self, run: &mut Run) {
        (run.commit, run.dirty) = (self.commit, self.dirty);
        (run.host, run.user, run.ci) = (self.host, self.user, self.ci);
    }
}

/// The link to the job, from the variables of GitHub, GitLab and Jenkins.
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
