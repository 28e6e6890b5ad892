//! `redis`: does a Redis server answer, does it accept writes, and what does it report?

mod connection;
mod fault;
mod info;
mod setting;
mod write;

use std::path::PathBuf;

use redis::{ServerError, Value, cmd};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

pub use info::{Persistence, Role};
pub use setting::{Parts, RedisUrl};

use super::{Context, Exclusive, Fault, Probe, SameFact};
use connection::{Answer, Connection};
use info::Info;

/// Sends `PING` to a Redis server (or Valkey, or a compatible one) and reads its `INFO`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Redis {
    #[serde(rename = "..", deserialize_with = "setting::required")]
    #[schemars(flatten, with = "Parts")]
    url: RedisUrl,
    /// Also write, read and delete a key of its own (`gate:probe:…`, which expires after a minute in any case).
    /// Default: `false`.
    #[serde(default)]
    write: bool,
    /// Don't verify TLS. Every report shows it.
    #[serde(default)]
    insecure: bool,
    /// A file of PEM certificates to trust besides the system's, such as `deploy/ca.pem`.
    ca: Option<PathBuf>,
}

/// The answers of a Redis server. Fields from `INFO` are absent if the user may not run it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct RedisSeen {
    /// The host in the URL (`localhost` for a socket), such as `eu1-quiet-fox-12345.upstash.io`.
    pub host: String,
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// Whether it answered `PING` with `PONG`.
    pub pong: bool,
    /// The error that it answered instead: `LOADING`, `MASTERDOWN`, `MISCONF` or `BUSY`; or `CLUSTERDOWN`, if it
    /// answered but is a node of a cluster whose `cluster_state` is not `ok`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Time until the answer to `PING`, in milliseconds.
    pub latency_ms: u64,
    /// Whether gate's own key could be written, read back and deleted. Only with `write: true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writable: Option<bool>,
    /// Why not: `READONLY`, `OOM`, `MISCONF`, `NOPERM`, `MOVED`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write_error: Option<String>,
    /// Its role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Its version, such as `7.0.15`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Number of bytes that its data uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used_memory: Option<u64>,
    /// Maximum number of bytes for its data; 0 means no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maxmemory: Option<u64>,
    /// The policy when its memory is full, such as `noeviction` or `allkeys-lru`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maxmemory_policy: Option<String>,
    /// Number of connected clients, including this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connected_clients: Option<u64>,
    /// Number of connected replicas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connected_replicas: Option<u64>,
    /// For a replica: whether it is connected to its master.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master_link_up: Option<bool>,
    /// Whether it is still loading its data from the disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loading: Option<bool>,
    /// How its data is persisted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persistence: Option<Persistence>,
}

impl Probe for Redis {
    const KIND: &'static str = "redis";
    const EXCLUSIVE: &'static [Exclusive] = &[("url", &["host", "port", "user", "password", "database", "tls"])];
    const EXPECT: &'static str = "{ pong: true, error: { exists: false } }";
    const SAME_FACT: &'static [SameFact] = &[("pong", &["error"])];
    const PRESENT: Option<(&'static str, &'static str)> = Some(("pong", "true"));
    const EXAMPLE: &'static str = r#"redis: { url: "${secrets.REDIS_URL}", write: true }
expect: { writable: true }
"#;
    const EFFECTS: Option<&'static str> = Some("With `write`, a key of its own is written and removed.");
    const TAKES_VIA: bool = true;
    type Observation = RedisSeen;

    async fn observe(&self, cx: &Context) -> Result<RedisSeen, Fault> {
        let target = self.url.target();
        let ca = self.ca.as_ref().map(|file| cx.path(file));
        let mut connection = Connection::open(target, ca.as_deref(), self.insecure, cx).await?;
        let start = Instant::now();
        let pong = connection.ask(&cmd("PING")).await?;
        let latency_ms = start.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
        let (host, tls) = (target.host.clone(), target.is_tls);
        let mut seen = RedisSeen { host, tls, latency_ms, ..RedisSeen::default() };
        match pong {
            Ok(answer) => seen.pong = text(Some(Ok(answer))) == "PONG",
            Err(error) if is_state(&error) => seen.error = Some(error.code().to_owned()),
            Err(error) => return Err(fault::refused(&error, target)),
        }
        if self.write {
            let written = write::round_trip(&mut connection).await?;
            seen.writable = Some(written.is_ok());
            seen.write_error = written.err();
        }
        // Last, as some proxies close the connection when they get it.
        let info = connection.ask(&cmd("INFO")).await;
        let info = text(info.ok());
        let info = Info::parse(&info);
        seen.describe(&info);
        // Any node answers PING, also if a part of the keys has no node. No permission to ask is not reported.
        if info.is("cluster_enabled", "1") == Some(true)
            && let Ok(answer) = connection.ask(cmd("CLUSTER").arg("INFO")).await?
            && Info::parse(&text(Some(Ok(answer)))).is("cluster_state", "ok") == Some(false)
        {
            seen.error.get_or_insert_with(|| "CLUSTERDOWN".to_owned());
        }
        Ok(seen)
    }

    fn evidence(&self, seen: &RedisSeen) -> String {
        let answer = seen.error.clone().unwrap_or_else(|| "PONG".to_owned());
        let role = seen.role.map(|role| match role {
            Role::Master => "master".to_owned(),
            Role::Replica => "replica".to_owned(),
            Role::Sentinel => "sentinel".to_owned(),
        });
        let writable = match (seen.writable, &seen.write_error) {
            (None, _) => None,
            (Some(true), _) => Some("writable".to_owned()),
            (Some(false), Some(error)) => Some(format!("not writable ({error})")),
            (Some(false), None) => Some("not writable".to_owned()),
        };
        let parts = [Some(answer), role, seen.version.clone(), writable];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    fn advice(&self, seen: &RedisSeen) -> Option<String> {
        let code = seen.error.as_deref().or(seen.write_error.as_deref())?;
        let advice = match code {
            "LOADING" => "it is reading its data from the disk after a start: look again later, as `eventually` does",
            "MASTERDOWN" => "it is a replica that has lost its master, and may not serve old data: see to the master",
            "MISCONF" => "its last snapshot failed, so it takes no writes: its log says why; often the disk is full",
            "BUSY" => "a script has kept it busy for seconds: `SCRIPT KILL` stops it",
            "READONLY" => "it is a replica: connect to its master",
            "OOM" => "its memory is full and `maxmemory-policy` evicts nothing: raise `maxmemory` or remove keys",
            "NOPERM" => "the user may not write: permit `+set +get +del ~gate:probe:*`, or leave `write` out",
            "NOREPLICAS" => "too few replicas are connected for what `min-replicas-to-write` demands",
            "MOVED" => "it is a node of a cluster that takes no writes itself: connect to a master",
            "CLUSTERDOWN" => "its cluster has slots that nobody serves: `CLUSTER INFO` says more",
            _ => return None,
        };
        Some(advice.to_owned())
    }

    fn has_effects(&self) -> bool {
        self.write
    }

    fn is_insecure(&self) -> bool {
        self.insecure && self.url.target().is_tls
    }

    fn reproduce(&self) -> Option<Vec<String>> {
        let mut argv = vec!["redis-cli".to_owned()];
        argv.extend(self.url.target().cli());
        if self.insecure {
            argv.push("--insecure".to_owned());
        }
        if let Some(ca) = &self.ca {
            argv.extend(["--cacert".to_owned(), ca.display().to_string()]);
        }
        argv.push("PING".to_owned());
        Some(argv)
    }
}

impl RedisSeen {
    fn describe(&mut self, info: &Info) {
        self.role = info.role();
        self.version = info.version();
        self.used_memory = info.number("used_memory");
        self.maxmemory = info.number("maxmemory");
        self.maxmemory_policy = info.text("maxmemory_policy").map(str::to_owned);
        self.connected_clients = info.number("connected_clients");
        self.connected_replicas = info.number("connected_slaves");
        self.master_link_up = info.is("master_link_status", "up");
        self.loading = info.is("loading", "1");
        self.persistence = info.persistence();
    }
}

/// Whether an error says something about the server's state. Others only say that the user has no permission.
fn is_state(error: &ServerError) -> bool {
    matches!(error.code(), "LOADING" | "MASTERDOWN" | "MISCONF" | "BUSY")
}

fn text(answer: Option<Answer>) -> String {
    match answer {
        Some(Ok(Value::BulkString(bytes))) => String::from_utf8_lossy(&bytes).into_owned(),
        Some(Ok(Value::VerbatimString { text, .. } | Value::SimpleString(text))) => text,
        _ => String::new(),
    }
}
