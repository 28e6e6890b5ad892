//! A miniature staging stack inside the process, on free ports of loopback: what `gate demo` runs its checklists against.

mod api;
mod database;
mod folder;
mod github;
mod host;
mod monitoring;
mod part;
mod redis;
mod registry;
mod server;

use std::path::Path;

use anyhow::Context as _;
use jiff::Timestamp;
use tokio::task::JoinSet;

use api::{Api, Issues};
use github::GitHub;
use monitoring::{Alertmanager, Monitoring};
use part::{COMMIT, GITHUB_TOKEN, GRAFANA_TOKEN};
use registry::Registry;

pub use part::{Broken, PARTS};

/// The base of its checklists.
pub const BASE: &str = include_str!("../../checklists/_aos.yaml");

/// The checklists that can be run against it, by name.
pub const CHECKLISTS: [(&str, &str); 2] = [
    ("staging", include_str!("../../checklists/staging.yaml")),
    ("production", include_str!("../../checklists/production.yaml")),
];

/// The running stack. Dropping it stops all of it.
#[derive(Debug)]
pub struct Stack {
    /// The environment variables with its addresses.
    pub vars: Vec<(&'static str, String)>,
    _tasks: JoinSet<()>,
}

/// Starts the stack, with its files and the checklists in this folder. `path` is where programs are found.
///
/// # Errors
/// When the folder can't be written, or loopback has no free port.
pub async fn start(folder: &Path, broken: &Broken, path: &str, now: Timestamp) -> anyhow::Result<Stack> {
    folder::write(folder, broken, now).context("writing the demo's files")?;
    let database = database::create(folder, broken, now).await.context("making the demo's database")?;
    let issues = Issues::default();
    let mut tasks = JoinSet::new();
    let api =
        Api::new(&database, broken.clone(), Issues::clone(&issues)).await.context("opening the demo's database")?;
    let api = server::serve(api, &mut tasks).await?;
    let monitoring = server::serve(Monitoring { broken: broken.clone(), now }, &mut tasks).await?;
    let alertmanager = server::serve(Alertmanager { broken: broken.clone(), now }, &mut tasks).await?;
    let github = server::serve(GitHub { issues }, &mut tasks).await?;
    let registry = server::serve(Registry { broken: broken.clone() }, &mut tasks).await?;
    let host = host::write(folder, broken).context("writing the demo's host")?;
    let redis = redis::serve(broken, &mut tasks).await?;
    let webhook = if broken.is("secrets") { "changeme" } else { "https://hooks.slack.example/services/T0/B0/gatedemo" };
    let path = format!("{}:{path}", host.display());
    let vars = vec![
        ("RELEASE", COMMIT.to_owned()),
        ("STAGING_URL", api.clone()),
        ("PRODUCTION_URL", api),
        ("IMAGE", format!("{}/acme/aos:main", registry.trim_start_matches("http://"))),
        ("NFTABLES_CONF", folder.join("nftables.conf").display().to_string()),
        ("PATH", path),
        ("PROMETHEUS_URL", monitoring.clone()),
        ("LOKI_URL", monitoring.clone()),
        ("BACKUPS", folder.join("backups").display().to_string()),
        ("GRAFANA_URL", monitoring),
        ("ALERTMANAGER_URL", alertmanager),
        ("GITHUB_API_URL", github),
        ("REDIS_HOST", "127.0.0.1".to_owned()),
        ("REDIS_TLS", "false".to_owned()),
        ("MISMATCH_PATIENCE", "1s".to_owned()),
        ("DATABASE_URL", database),
        ("REDIS_URL", redis),
        ("GRAFANA_TOKEN", GRAFANA_TOKEN.to_owned()),
        ("GITHUB_TOKEN", GITHUB_TOKEN.to_owned()),
        ("SLACK_MISMATCH_WEBHOOK", webhook.to_owned()),
    ];
    Ok(Stack { vars, _tasks: tasks })
}
