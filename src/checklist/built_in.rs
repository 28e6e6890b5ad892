//! The built-in library of checks, compiled in. A user's own `checks/` folder takes precedence over it.

/// Every built-in check: its name and its text. A new one adds its row here.
pub static BUILT_IN: &[(&str, &str)] = &[
    ("alembic-at-head", include_str!("../../checks/alembic-at-head.yaml")),
    ("alertmanager-ready", include_str!("../../checks/alertmanager-ready.yaml")),
    ("backup-fresh", include_str!("../../checks/backup-fresh.yaml")),
    ("deployed-commit", include_str!("../../checks/deployed-commit.yaml")),
    ("e2e-report", include_str!("../../checks/e2e-report.yaml")),
    ("grafana-dashboards", include_str!("../../checks/grafana-dashboards.yaml")),
    ("http-health", include_str!("../../checks/http-health.yaml")),
    ("idempotency", include_str!("../../checks/idempotency.yaml")),
    ("k6-baseline", include_str!("../../checks/k6-baseline.yaml")),
    ("logs-arrive", include_str!("../../checks/logs-arrive.yaml")),
    ("nftables-persistent", include_str!("../../checks/nftables-persistent.yaml")),
    ("prometheus-metrics", include_str!("../../checks/prometheus-metrics.yaml")),
    ("rate-limit", include_str!("../../checks/rate-limit.yaml")),
    ("redis-writable", include_str!("../../checks/redis-writable.yaml")),
    ("retention-log", include_str!("../../checks/retention-log.yaml")),
    ("runbook", include_str!("../../checks/runbook.yaml")),
    ("secrets-present", include_str!("../../checks/secrets-present.yaml")),
    ("tls-expiry", include_str!("../../checks/tls-expiry.yaml")),
    ("upstash-redis", include_str!("../../checks/upstash-redis.yaml")),
    ("workflow-dispatch-only", include_str!("../../checks/workflow-dispatch-only.yaml")),
];

#[cfg(test)]
mod tests {
    use super::BUILT_IN;

    #[test]
    fn every_file_in_the_folder_has_its_row() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/checks");
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .expect("the folder is part of the source")
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".yaml").map(ToOwned::to_owned))
            .collect();
        names.sort();
        assert_eq!(BUILT_IN.iter().map(|(name, _)| *name).collect::<Vec<_>>(), names);
    }
}
