//! The requests of one observation, and obvious problems in the answers.

use jiff::Timestamp;
use serde::Deserialize;

use crate::client::Fault;
use crate::probe::workflow::Definition;

use super::GitHub;
use super::client::{Client, header, read, refusal};
use super::seen::{GitHubSeen, Head, Issues, LastRun, Quota, Secrets, TokenSeen, WorkflowState};
use super::setting::{Labelled, Repository};

#[derive(Deserialize)]
struct Limits {
    resources: Resources,
}

#[derive(Deserialize)]
struct Resources {
    core: Core,
}

#[derive(Deserialize)]
struct Core {
    limit: u64,
    remaining: u64,
    reset: i64,
}

#[derive(Deserialize)]
struct WorkflowAnswer {
    state: String,
    name: String,
}

#[derive(Deserialize)]
struct Runs {
    workflow_runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    status: String,
    conclusion: Option<String>,
    head_sha: String,
    head_branch: Option<String>,
    event: String,
    run_number: u64,
    created_at: String,
    html_url: String,
    // Null where a fork was deleted since.
    head_repository: Option<NamedRepository>,
}

#[derive(Deserialize)]
struct NamedRepository {
    full_name: String,
}

#[derive(Deserialize)]
struct Commit {
    sha: String,
}

#[derive(Deserialize)]
struct SecretPage {
    secrets: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Issue {
    number: u64,
    title: String,
    pull_request: Option<serde::de::IgnoredAny>,
}

impl GitHub {
    /// Everything that is requested.
    pub(super) async fn observe_with(&self, client: &Client<'_>, now: Timestamp) -> Result<GitHubSeen, Fault> {
        let mut seen = GitHubSeen::default();
        // This request does not count towards the quota, and every token may send it.
        let reply = client.get("/rate_limit", &[]).await?;
        // GitHub Enterprise answers 404 if rate limits are off. It has verified the token before that.
        if reply.status != 404 {
            seen.quota = Some(quota(&read::<Limits>(&reply)?.resources.core));
        }
        if self.login.token.is_some() {
            let expires = header(&reply, "github-authentication-token-expiration").and_then(time);
            let scopes = header(&reply, "x-oauth-scopes").map(|scopes| scopes.split(',').map(str::trim));
            seen.token = Some(TokenSeen {
                expires: expires.map(|at| at.to_string()),
                days_left: expires.map(|at| (at.as_second() - now.as_second()).div_euclid(86_400)),
                scopes: scopes.map(|scopes| scopes.filter(|scope| !scope.is_empty()).map(str::to_owned).collect()),
            });
        }
        if let Some(quota) = seen.quota.as_ref().filter(|quota| quota.remaining == 0) {
            seen.problems.push(format!("no request is left until {}", quota.resets));
        }
        let Some(repo) = &self.repo else { return Ok(seen) };
        if let Some(name) = &self.head {
            let reply = client.get(&format!("/repos/{}/commits/{name}", repo.name()), &[]).await?;
            // GitHub answers this for an unknown name.
            if reply.status == 422 {
                seen.problems.push(format!("no branch or tag `{name}` exists"));
            } else {
                let commit = read::<Commit>(&reply)?.sha;
                seen.head = Some(Head { short: commit.chars().take(7).collect(), commit });
            }
        }
        if let Some(file) = &self.workflow {
            let workflow = self.workflow(client, repo, file).await?;
            seen.problems.extend(self.workflow_problem(file, &workflow));
            seen.workflow = Some(workflow);
        }
        if let Some(wanted) = &self.secrets {
            let secrets = self.secrets(client, repo, wanted).await?;
            seen.problems.extend(secrets.missing.iter().map(|name| format!("the secret {name} is missing")));
            seen.secrets = Some(secrets);
        }
        if let Some(labelled) = &self.issues {
            let issues = issues(client, repo, labelled).await?;
            if issues.count == 0 {
                let label =
                    labelled.label.as_ref().map(|label| format!(" with the label `{label}`")).unwrap_or_default();
                seen.problems.push(format!("no issue{label} (state: {})", labelled.state.word()));
            }
            seen.issues = Some(issues);
        }
        Ok(seen)
    }

    async fn workflow(&self, client: &Client<'_>, repo: &Repository, file: &str) -> Result<WorkflowState, Fault> {
        let base = format!("/repos/{}/actions/workflows", repo.name());
        let reply = client.get(&format!("{base}/{file}"), &[]).await?;
        if reply.status == 404 {
            // A token that may read the list may read all of it, so the entry really does not exist.
            let list = client.get(&base, &[("per_page", "1")]).await?;
            return if list.is_ok() { Ok(WorkflowState::default()) } else { Err(refusal(&list)) };
        }
        let known: WorkflowAnswer = read(&reply)?;
        let mut query = vec![("exclude_pull_requests", "true")];
        query.extend(self.branch.as_deref().map(|branch| ("branch", branch)));
        query.extend(self.commit.as_deref().map(|commit| ("head_sha", commit)));
        let is_wanted = |page: Runs| page.workflow_runs.into_iter().find(|run| self.is_wanted(run, repo));
        let run = client.find(&format!("{base}/{file}/runs"), &query, is_wanted).await?;
        let definition = self.definition(client, repo, file).await?;
        Ok(WorkflowState {
            exists: true,
            state: Some(known.state),
            name: Some(known.name),
            dispatch_only: definition.as_ref().map(Definition::is_dispatch_only),
            triggers: definition.map(|definition| definition.triggers),
            run: run.map(last),
        })
    }

    /// A run of a pull request from a fork is in the list too, under the name of the fork's own branch. And a server that
    /// does not know a filter gives all runs.
    fn is_wanted(&self, run: &Run, repo: &Repository) -> bool {
        run.head_repository.as_ref().is_some_and(|head| head.full_name.eq_ignore_ascii_case(repo.name()))
            && self.commit.as_ref().is_none_or(|commit| commit.eq_ignore_ascii_case(&run.head_sha))
            && self.branch.as_ref().is_none_or(|branch| run.head_branch.as_ref() == Some(branch))
    }

    /// The workflow file, if it may be read.
    async fn definition(
        &self,
        client: &Client<'_>,
        repo: &Repository,
        file: &str,
    ) -> Result<Option<Definition>, Fault> {
        let path = format!("/repos/{}/contents/.github/workflows/{file}", repo.name());
        let at = self.commit.as_deref().or(self.branch.as_deref()).map(|name| ("ref", name));
        let reply = client.get_raw(&path, at.as_slice()).await?;
        match reply.status {
            403 | 404 => Ok(None),
            _ if reply.is_ok() => Ok(Some(Definition::read(file, &String::from_utf8_lossy(&reply.body)))),
            _ => Err(refusal(&reply)),
        }
    }

    fn workflow_problem(&self, file: &str, seen: &WorkflowState) -> Option<String> {
        let state = seen.state.as_deref();
        match (state, &seen.run) {
            (None, _) => Some(format!("no workflow {file} is on the default branch")),
            (Some(state), _) if state != "active" => Some(format!("{file} is {state}")),
            (Some(_), None) if self.commit.is_some() || self.branch.is_some() => {
                let names = [self.commit.as_deref(), self.branch.as_deref()];
                Some(format!("{file} has not run for {}", names.into_iter().flatten().collect::<Vec<_>>().join(" on ")))
            }
            (Some(_), None) => None,
            (Some(_), Some(run)) => match run.conclusion.as_deref() {
                Some("success") => None,
                Some(end) => Some(format!("the last run of {file} ended with {end}: {}", run.url)),
                None => Some(format!("the last run of {file} has not ended ({}): {}", run.status, run.url)),
            },
        }
    }

    async fn secrets(&self, client: &Client<'_>, repo: &Repository, wanted: &[String]) -> Result<Secrets, Fault> {
        let repo = format!("/repos/{}", repo.name());
        let mut pages: Vec<SecretPage> = client.pages(&format!("{repo}/actions/secrets"), &[]).await?;
        // A repository without an organisation may have no such list.
        let shared = format!("{repo}/actions/organization-secrets");
        if client.get(&shared, &[("per_page", "1")]).await?.status != 404 {
            pages.extend(client.pages::<SecretPage>(&shared, &[]).await?);
        }
        if let Some(environment) = &self.environment {
            pages.extend(client.pages::<SecretPage>(&format!("{repo}/environments/{environment}/secrets"), &[]).await?);
        }
        let mut names: Vec<String> = pages.into_iter().flat_map(|page| page.secrets).map(|named| named.name).collect();
        names.sort();
        names.dedup();
        let is_missing = |wanted: &&String| !names.iter().any(|name| name.eq_ignore_ascii_case(wanted));
        let missing = wanted.iter().filter(is_missing).cloned().collect();
        Ok(Secrets { names, missing })
    }
}

async fn issues(client: &Client<'_>, repo: &Repository, labelled: &Labelled) -> Result<Issues, Fault> {
    let mut query = vec![("state", labelled.state.word())];
    query.extend(labelled.label.as_deref().map(|label| ("labels", label)));
    let pages: Vec<Vec<Issue>> = client.pages(&format!("/repos/{}/issues", repo.name()), &query).await?;
    // GitHub counts pull requests among the issues.
    let found: Vec<Issue> = pages.into_iter().flatten().filter(|issue| issue.pull_request.is_none()).collect();
    Ok(Issues {
        count: found.len(),
        numbers: found.iter().map(|issue| issue.number).collect(),
        titles: found.into_iter().map(|issue| issue.title).collect(),
    })
}

fn quota(core: &Core) -> Quota {
    let resets = Timestamp::from_second(core.reset).map(|at| at.to_string()).unwrap_or_default();
    Quota { limit: core.limit, remaining: core.remaining, resets }
}

fn last(run: Run) -> LastRun {
    LastRun {
        status: run.status,
        conclusion: run.conclusion,
        commit: run.head_sha,
        branch: run.head_branch,
        event: run.event,
        number: run.run_number,
        created: run.created_at,
        url: run.html_url,
    }
}

/// `2026-03-01 00:00:00 UTC`, or with an offset such as `+0100` instead.
fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim().replace(" UTC", " +0000");
    Timestamp::strptime("%Y-%m-%d %H:%M:%S %z", text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_expiry_of_a_token_is_read_in_both_forms() {
        for text in ["2026-03-01 10:00:00 UTC", "2026-03-01 11:00:00 +0100"] {
            assert_eq!(time(text).map(|at| at.to_string()).as_deref(), Some("2026-03-01T10:00:00Z"), "{text}");
        }
        assert_eq!(time("soon"), None);
    }
}
