//! The parts of the demo that can be broken, and what they have in common.

use std::collections::BTreeSet;

/// The commit that is deployed, and that main is at.
pub const COMMIT: &str = "0f1d7aa";

/// The token that the demo's Grafana knows.
pub const GRAFANA_TOKEN: &str = "glsa_gate-demo-grafana-token_0";

/// The token that the demo's GitHub knows.
pub const GITHUB_TOKEN: &str = "ghp_gateDemoGithubToken0000000000000000";

/// The password of the demo's Redis.
pub const REDIS_PASSWORD: &str = "gate-demo-password";

/// The parts that can be broken, by the id of the item that turns red, and the effect of each.
pub static PARTS: &[(&str, &str)] = &[
    ("images", "the API and its image are built from a different commit than main"),
    ("db-head", "the last migration was not applied"),
    ("redis", "Redis is a replica and rejects writes"),
    ("grafana", "the dashboard `M4.5 Failure` is not provisioned"),
    ("logs", "the central log store has no log lines from the backend"),
    ("secrets", "the Slack webhook is still `changeme`"),
    ("ci-parity", "the workflow also runs on every push"),
    ("healthz", "the API returns 503"),
    ("simulate", "a simulation without a key succeeds, but is not stored"),
    ("replay", "replaying a trace fails"),
    ("rate-limit", "the free tier has no rate limit"),
    ("idempotency", "a repeated request is processed twice"),
    ("retention", "the retention job has not run"),
    ("mismatch", "a mismatch does not open an issue"),
    ("metrics", "requests rejected by the rate limit are not counted"),
    ("k6", "the slowest requests exceed their threshold"),
    ("e2e", "one end-to-end test fails"),
    ("nftables", "a firewall rule would not survive a reboot"),
    ("backups", "the newest backup is nine days old"),
    ("alerts", "Alertmanager is not ready"),
    ("runbook", "the runbook has no recovery steps"),
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
