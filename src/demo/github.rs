//! A GitHub for the demo: one repository, its main branch, a workflow, and the issues that mismatches open.

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::api::Issues;
use super::part::{COMMIT, GITHUB_TOKEN};
use super::server::{Reply, Request, Service};

/// The API of a GitHub with `acme/aos`.
pub struct GitHub {
    /// Its issues.
    pub issues: Issues,
}

impl Service for GitHub {
    fn answer(&self, request: Request) -> BoxFuture<'_, Reply> {
        Box::pin(async move {
            if !request.has_token(GITHUB_TOKEN) {
                return Reply::json(&json!({ "message": "Bad credentials" })).status(401);
            }
            let reply = match request.path.strip_prefix("/repos/acme/aos") {
                Some("") => Reply::json(&json!({ "full_name": "acme/aos", "default_branch": "main" })),
                Some("/commits/main") => Reply::json(&json!({ "sha": COMMIT, "commit": { "message": "Release" } })),
                Some("/issues") => self.issues(&request),
                Some(_) | None if request.path == "/user" => Reply::json(&json!({ "login": "aos-bot" })),
                Some(_) | None if request.path == "/rate_limit" => {
                    let core = json!({ "limit": 5000, "remaining": 4990, "reset": 4_102_444_800_u64, "used": 10 });
                    Reply::json(&json!({ "resources": { "core": core }, "rate": core }))
                }
                Some(_) | None => Reply::not_found(),
            };
            reply.header("x-ratelimit-limit", "5000").header("x-ratelimit-remaining", "4990")
        })
    }
}

impl GitHub {
    fn issues(&self, request: &Request) -> Reply {
        let issues = self.issues.lock().expect("no holder of this lock panics");
        let label = request.parameters.get("labels");
        let has_label = |issue: &&Value| label.is_none_or(|label| issue["labels"][0]["name"] == **label);
        Reply::json(&issues.iter().filter(has_label).cloned().collect())
    }
}
