//! The parts of the demo that can be broken, and what all of them agree on.

use std::collections::BTreeSet;

/// The commit that is deployed, and that main is at.
pub const COMMIT: &str = "0f1d7aa";

/// The token that the demo's Grafana knows.
pub const GRAFANA_TOKEN: &str = "glsa_gate-demo-grafana-token_0";

/// The token that the demo's GitHub knows.
pub const GITHUB_TOKEN: &str = "ghp_gateDemoGithubToken0000000000000000";

/// The password that the demo's Redis wants.
pub const REDIS_PASSWORD: &str = "gate-demo-password";

/// What can be broken, by the id of the item that turns red, and what happens then.
pub static PARTS: &[(&str, &str)] = &[
    ("images", "the API runs another commit than main, and so does the image"),
    ("db-head", "the last migration was not applied"),
    ("redis", "Redis is a replica that takes no writes"),
    ("grafana", "the dashboard `M4.5 Failure` is not provisioned"),
    ("logs", "no line of the backend has arrived in the central log store"),
    ("secrets", "the Slack webhook still is `changeme`"),
    ("ci-parity", "the workflow also runs on every push"),
    ("healthz", "the API says 503"),
    ("simulate", "a simulation without a key is answered, but not stored"),
    ("replay", "replaying a trace fails"),
    ("rate-limit", "the free tier has no limit"),
    ("idempotency", "a request that is sent twice is done twice"),
    ("retention", "the retention job has not run"),
    ("mismatch", "a mismatch opens no issue"),
    ("metrics", "nobody counts what the rate limit refuses"),
    ("k6", "the slowest requests cross their threshold"),
    ("e2e", "one of the end-to-end tests fails"),
    ("nftables", "a rule of the firewall would not survive a reboot"),
    ("backups", "the newest backup is nine days old"),
    ("alerts", "Alertmanager is not ready"),
    ("runbook", "nobody has written the recovery steps"),
];

/// The parts that are broken this time.
#[derive(Debug, Clone, Default)]
pub struct Broken(BTreeSet<String>);

impl Broken {
    /// These parts.
    pub fn new(parts: impl IntoIterator<Item = String>) -> Self {
        Self(parts.into_iter().collect())
    }

    /// Whether this part is.
    pub fn is(&self, part: &str) -> bool {
        self.0.contains(part)
    }
}
