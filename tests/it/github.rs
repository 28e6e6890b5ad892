//! A fake GitHub API: workflows, runs, secrets and issues in pages, and its many kinds of refusals.

use gate::probe::Probe;
use gate::probe::github::{GitHub, GitHubSeen};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{self, HttpServer, Request, Response};
use crate::observe::{observe, probe, refused};

const COMMIT: &str = "0f1d7aa0f1d7aa0f1d7aa0f1d7aa0f1d7aa0f1d7";

/// A GitHub with these answers for paths that `special` does not handle.
fn github(special: impl Fn(&Request) -> Option<Response> + Send + Sync + 'static) -> HttpServer {
    harness::http(move |request| special(&request).unwrap_or_else(|| usual(&request)))
}

fn usual(request: &Request) -> Response {
    if request.header("authorization") != Some("Bearer ghp_good") {
        return Response::json(&json!({ "message": "Bad credentials", "status": "401" })).status(401);
    }
    let page = request.parameter("page").map_or(1, |page| page.parse().expect("a number"));
    let path = request.path.strip_prefix("/api/v3").unwrap_or(&request.path);
    match path.strip_prefix("/repos/acme/aos").unwrap_or(path) {
        "/rate_limit" => Response::json(&json!({
            "resources": { "core": { "limit": 5000, "remaining": 4999, "reset": 1_764_000_000, "used": 1 } }, "rate": {},
        }))
        .header("github-authentication-token-expiration", "2100-01-01 00:00:00 UTC")
        .header("x-oauth-scopes", "repo, workflow"),
        "/actions/workflows/e2e.yml" => {
            Response::json(&json!({ "id": 1, "name": "E2E", "path": ".github/workflows/e2e.yml", "state": "active" }))
        }
        "/actions/workflows/e2e.yml/runs" => Response::json(&json!({ "total_count": 1, "workflow_runs": [{
            "status": "completed", "conclusion": "success", "head_sha": COMMIT, "head_branch": "main",
            "event": "workflow_dispatch", "run_number": 7, "created_at": "2025-12-06T10:00:00Z",
            "html_url": "https://github.com/acme/aos/actions/runs/1",
            "head_repository": { "full_name": "acme/aos" },
        }] })),
        "/contents/.github/workflows/e2e.yml" => Response::text("on: workflow_dispatch\njobs: {}\n"),
        "/actions/workflows" => Response::json(&json!({ "total_count": 1, "workflows": [] })),
        "/actions/secrets" => secrets(&["GITHUB_PAT", "SLACK_WEBHOOK"]),
        "/actions/organization-secrets" => secrets(&["SHARED"]),
        "/environments/staging/secrets" => secrets(&["DATABASE_URL"]),
        "/issues" => issues(request, page),
        _ => Response::json(&json!({ "message": "Not Found", "status": "404" })).status(404),
    }
}

fn secrets(names: &[&str]) -> Response {
    let secrets: Vec<Value> = names.iter().map(|name| json!({ "name": name, "created_at": "2025-01-01" })).collect();
    Response::json(&json!({ "total_count": names.len(), "secrets": secrets }))
}

/// Two pages of issues, with a pull request among them.
fn issues(request: &Request, page: u32) -> Response {
    assert_eq!(request.parameter("labels").as_deref(), Some("mismatch"));
    assert_eq!(
        (request.parameter("state").as_deref(), request.parameter("per_page").as_deref()),
        (Some("open"), Some("100"))
    );
    if page > 1 {
        return Response::json(&json!([{ "number": 3, "title": "parity of trace 3" }]));
    }
    let first =
        json!([{ "number": 9, "title": "parity of trace 9" }, { "number": 8, "title": "a fix", "pull_request": {} }]);
    let host = request.header("host").expect("HTTP/1.1");
    let query = &request.query;
    let next = format!("<http://{host}{}?{query}&page=2>; rel=\"next\"", request.path);
    Response::json(&first).header("link", &next)
}

fn settings(server: &HttpServer, more: Value) -> Value {
    let mut settings = json!({ "url": server.url(), "repo": "acme/aos", "token": "ghp_good" });
    let all = settings.as_object_mut().expect("it is a map");
    all.extend(more.as_object().expect("it is a map").clone());
    settings
}

fn seen(server: &HttpServer, more: Value) -> Result<GitHubSeen, String> {
    observe::<GitHub>(settings(server, more))
}

fn reported(more: Value, seen: &GitHubSeen) -> String {
    let server = github(|_| None);
    let probe: GitHub = probe(settings(&server, more));
    format!("{} | {}", probe.evidence(seen), probe.advice(seen).unwrap_or_default())
}

#[test]
fn a_workflow_is_seen_with_its_last_run_and_what_starts_it() {
    let server = github(|_| None);
    let more = json!({ "workflow": "e2e.yml", "branch": "main", "commit": COMMIT });
    let seen = seen(&server, more.clone()).expect("it answers");
    assert_snapshot!(serde_json::to_string(&seen.workflow).expect("it is JSON"), @r#"{"exists":true,"state":"active","name":"E2E","triggers":["workflow_dispatch"],"dispatch_only":true,"run":{"status":"completed","conclusion":"success","commit":"0f1d7aa0f1d7aa0f1d7aa0f1d7aa0f1d7aa0f1d7","branch":"main","event":"workflow_dispatch","number":7,"created":"2025-12-06T10:00:00Z","url":"https://github.com/acme/aos/actions/runs/1"}}"#);
    assert_snapshot!(reported(more, &seen), @"e2e.yml active, last run success |");
    let run = server.requests().into_iter().find(|request| request.path.ends_with("/runs")).expect("it was asked");
    assert_eq!(run.parameter("head_sha").as_deref(), Some(COMMIT));
    assert_eq!(run.header("x-github-api-version"), Some("2022-11-28"));
    assert_eq!(run.header("accept"), Some("application/vnd.github+json"));
}

#[test]
fn a_workflow_that_does_not_do_what_it_should_is_a_problem() {
    let workflow = |special: fn(&Request) -> Option<Response>, more: Value| {
        let server = github(special);
        let mut all = json!({ "workflow": "e2e.yml" });
        all.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
        seen(&server, all).map(|seen| seen.problems.join("; "))
    };
    let state = |request: &Request| {
        request
            .path
            .ends_with("/e2e.yml")
            .then(|| Response::json(&json!({ "name": "E2E", "state": "disabled_inactivity" })))
    };
    assert_snapshot!(workflow(state, json!({})).expect("it answers"), @"e2e.yml is disabled_inactivity");
    let failed = |request: &Request| {
        let run = json!({ "status": "in_progress", "conclusion": null, "head_sha": COMMIT, "head_branch": "main",
            "event": "push", "run_number": 8, "created_at": "2025-12-06T10:00:00Z", "html_url": "https://github.com/r/8",
            "head_repository": { "full_name": "Acme/AOS" } });
        request.path.ends_with("/runs").then(|| Response::json(&json!({ "workflow_runs": [run] })))
    };
    assert_snapshot!(workflow(failed, json!({})).expect("it answers"), @"the last run of e2e.yml has not ended (in_progress): https://github.com/r/8");
    let fork = |request: &Request| {
        let run = |number: u64, end: &str, repo: &Value| {
            json!({ "status": "completed", "conclusion": end, "head_sha": COMMIT,
            "head_branch": "main", "event": "pull_request", "run_number": number, "created_at": "2025-12-06T10:00:00Z",
            "html_url": "https://github.com/r/9", "head_repository": repo })
        };
        let runs = [
            run(10, "success", &json!({ "full_name": "mallory/aos" })),
            run(9, "success", &Value::Null),
            run(8, "failure", &json!({ "full_name": "acme/aos" })),
        ];
        request.path.ends_with("/runs").then(|| Response::json(&json!({ "workflow_runs": runs })))
    };
    assert_snapshot!(workflow(fork, json!({ "branch": "main" })).expect("it answers"), @"the last run of e2e.yml ended with failure: https://github.com/r/9");
    // The server returns a run of another branch.
    assert_snapshot!(workflow(|_| None, json!({ "branch": "fix" })).expect("it answers"), @"e2e.yml has not run for fix");
    let absent = |request: &Request| request.path.ends_with("/e2e.yml").then(|| Response::json(&json!({})).status(404));
    assert_snapshot!(workflow(absent, json!({})).expect("the list can be seen: it is really not there"), @"no workflow e2e.yml is on the default branch");
    let hidden = |request: &Request| {
        request.path.contains("/actions/").then(|| Response::json(&json!({ "message": "Not Found" })).status(404))
    };
    assert_snapshot!(workflow(hidden, json!({})).expect_err("it is unknown"), @"
    GitHub has no /repos/acme/aos/actions/workflows, or does not show it to this token (404: Not Found)
    help: is the name right, and may this token see it?
    ");
}

#[test]
fn secrets_are_of_the_repository_the_organisation_and_the_environment() {
    let server = github(|_| None);
    let more = json!({ "secrets": ["slack_webhook", "SHARED", "DATABASE_URL"], "environment": "staging" });
    assert_eq!(seen(&server, more).expect("it answers").problems, Vec::<String>::new());
    let more = json!({ "secrets": ["SLACK_WEBHOOK", "DATABASE_URL"] });
    let seen = seen(&server, more.clone()).expect("it answers");
    assert_eq!(
        seen.secrets.as_ref().map(|secrets| secrets.names.join(" ")).as_deref(),
        Some("GITHUB_PAT SHARED SLACK_WEBHOOK")
    );
    assert_snapshot!(reported(more, &seen), @"1 of 2 secrets | the secret DATABASE_URL is missing");
}

#[test]
fn issues_are_counted_through_all_pages_without_pull_requests() {
    let server = github(|_| None);
    let more = json!({ "issues": { "label": "mismatch" } });
    let seen = seen(&server, more.clone()).expect("it answers");
    assert_snapshot!(serde_json::to_string(&seen.issues).expect("it is JSON"), @r#"{"count":2,"titles":["parity of trace 9","parity of trace 3"],"numbers":[9,3]}"#);
    assert_snapshot!(reported(more.clone(), &seen), @"2 issues |");
    let empty = github(|request| request.path.ends_with("/issues").then(|| Response::json(&json!([]))));
    let none = self::seen(&empty, more).expect("it answers");
    assert_snapshot!(none.problems.join("; "), @"no issue with the label `mismatch` (state: open)");
}

#[test]
fn a_token_is_accepted_until_it_expires() {
    let server = github(|_| None);
    let token = |token: &str| observe::<GitHub>(json!({ "url": format!("{}/api/v3", server.url()), "token": token }));
    let seen = token("ghp_good").expect("it is accepted");
    let token_seen = seen.token.clone().expect("one was given");
    assert_eq!(token_seen.expires.as_deref(), Some("2100-01-01T00:00:00Z"));
    assert!(token_seen.days_left.is_some_and(|days| days > 20_000), "{token_seen:?}");
    assert_eq!(token_seen.scopes, Some(vec!["repo".to_owned(), "workflow".to_owned()]));
    assert_eq!(seen.quota.as_ref().map(|quota| (quota.limit, quota.remaining)), Some((5000, 4999)));
    let probe: GitHub = probe(json!({ "token": "ghp_good" }));
    assert_snapshot!(probe.evidence(&seen), @"token accepted, expires 2100-01-01");
    assert_snapshot!(token("ghp_old").expect_err("it is revoked"), @"
    GitHub does not accept the credentials (401: Bad credentials)
    help: have they expired or been revoked, and are they for this server?
    ");
}

#[test]
fn refusals_of_github_are_errors_that_say_what_to_do() {
    let refused = |response: fn() -> Response| {
        let server = github(move |request| request.path.ends_with("/issues").then(response));
        seen(&server, json!({ "issues": { "label": "mismatch" } })).expect_err("it is refused")
    };
    assert_snapshot!(refused(|| Response::json(&json!({ "message": "API rate limit exceeded" })).status(403)
        .header("x-ratelimit-remaining", "0").header("x-ratelimit-reset", "1764000000")), @"
    GitHub's rate limit is exceeded until 2025-11-24T16:00:00Z
    help: retry later, or use a token that nothing else uses; without a token, the limit is 60 requests an hour for each address
    ");
    assert_snapshot!(refused(|| Response::json(&json!({ "message": "slow down" })).status(429).header("retry-after", "60")), @"
    rate limited by GitHub for 60s
    help: retry later, with fewer requests at once
    ");
    assert_snapshot!(refused(|| Response::json(&json!({ "message": "You have exceeded a secondary rate limit." })).status(403)), @"
    rate limited by GitHub
    help: retry in a minute, with fewer requests at once
    ");
    assert_snapshot!(refused(|| Response::json(&json!({ "message": "Resource not accessible by personal access token" })).status(403)
        .header("x-accepted-github-permissions", "issues=read")), @"
    GitHub does not permit this (403: Resource not accessible by personal access token)
    help: the token needs the permission issues=read
    ");
    assert_snapshot!(refused(|| Response::json(&json!({ "message": "Resource protected by organization SAML enforcement" })).status(403)
        .header("x-github-sso", "required; url=https://github.com/orgs/acme/sso?x=1")), @"
    GitHub does not permit this (403: Resource protected by organization SAML enforcement)
    help: the organization requires single sign-on: authorize the token for it
    ");
    assert_snapshot!(refused(|| Response::json(&json!({ "message": "Not Found" })).status(404)), @"
    GitHub has no /repos/acme/aos/issues, or does not show it to this token (404: Not Found)
    help: is the name right, and may this token see it?
    ");
    assert_snapshot!(refused(|| Response::json(&json!({ "message": "Moved Permanently" })).status(301)), @"
    GitHub has moved /repos/acme/aos/issues (301: Moved Permanently)
    help: was the repository renamed? Write its new name
    ");
    assert_snapshot!(refused(|| Response::json(&json!({ "message": "Issues has been disabled" })).status(410)), @"this is turned off in the repository (410: Issues has been disabled)");
}

#[test]
fn the_token_does_not_follow_a_link_to_another_origin() {
    let elsewhere = harness::http(|_| Response::json(&json!([])));
    let link = format!("<{}/issues?page=2>; rel=\"next\"", elsewhere.url());
    let server = github(move |request| {
        request.path.ends_with("/issues").then(|| Response::json(&json!([])).header("link", &link))
    });
    let error = seen(&server, json!({ "issues": { "label": "mismatch" } })).expect_err("it may not go there");
    assert_snapshot!(error, @"GitHub says that its next page is on another origin, where the credentials must not go");
    assert_eq!(elsewhere.requests(), []);
}

#[test]
fn pages_without_end_come_to_an_end() {
    let server = github(|request| {
        let next = format!("<http://{}/repos/acme/aos/issues>; rel=\"next\"", request.header("host")?);
        request.path.ends_with("/issues").then(|| Response::json(&json!([])).header("link", &next))
    });
    let error = seen(&server, json!({ "issues": { "label": "mismatch" } })).expect_err("it never ends");
    assert_snapshot!(error, @"GitHub has more than 20 pages of /repos/acme/aos/issues");
}

#[test]
fn invalid_settings_are_refused_at_load() {
    assert_snapshot!(refused::<GitHub>(json!({})), @"nothing to check: set `token`, or `repo` and `head`, `workflow`, `secrets` or `issues`");
    assert_snapshot!(refused::<GitHub>(json!({ "repo": "acme" })), @"`acme` is not a repository: write `owner/name`");
    assert_snapshot!(refused::<GitHub>(json!({ "repo": "acme/.." , "token": "x" })), @"`acme/..` is not a repository: write `owner/name`");
    assert_snapshot!(refused::<GitHub>(json!({ "url": "https://github.com", "token": "x" })), @"the API of github.com is at https://api.github.com");
    assert_snapshot!(refused::<GitHub>(json!({ "repo": "a/b", "workflow": ".github/workflows/x.yml" })), @"`workflow` wants the name of its file alone, such as `ci.yml`");
    assert_snapshot!(refused::<GitHub>(json!({ "repo": "a/b", "workflow": "x.yml", "commit": "0f1d7aa" })), @"`commit` wants the whole id: GitHub finds no run by the first characters of it");
    assert_snapshot!(refused::<GitHub>(json!({ "repo": "a/b", "token": "x", "commit": COMMIT })), @"nothing to check in the repository: set `head`, `workflow`, `secrets` or `issues`");
}
