//! `logs`: do the log lines of a service arrive in the log store, and does a new one?

mod emit;
mod store;

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use tokio::time::{Instant, sleep};

use crate::yaml::Duration;

use super::{Context, Fault, Probe};
use crate::client::api::Api;
use crate::client::http::{HttpUrl, Login, Request};
use emit::{Emit, marker};

/// How long to wait before looking for a line again.
const AGAIN: std::time::Duration = std::time::Duration::from_millis(500);

/// Counts log lines of the last minutes. With `emit`, makes the service log a line first, and waits until it has
/// arrived.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Logs {
    /// The log store: `loki`, `elasticsearch` or `opensearch`.
    store: Store,
    /// Its URL, such as `http://loki.staging.example:3100`.
    url: HttpUrl,
    /// Which lines: for Loki a query in LogQL such as `{app="api"}`; for the others one in the syntax of
    /// `query_string`, such as `service.name:api`. Default: all lines.
    query: Option<String>,
    /// The index of Elasticsearch or OpenSearch, such as `logs-*`.
    index: Option<String>,
    /// The field with the time of a line. Default: `@timestamp`.
    timestamp: Option<String>,
    /// How far back to look, such as `15m`. Default: `15m`.
    since: Option<Duration>,
    /// A request after which the service logs a line with a marker. Then only lines with that marker are counted,
    /// repeatedly until there is one or the probe's `timeout` is over.
    emit: Option<Emit>,
    /// The tenant of Loki, sent as `X-Scope-OrgID`.
    tenant: Option<String>,
    #[serde(rename = "..", default)]
    #[schemars(flatten)]
    login: Login,
}

/// The store of the logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum Store {
    /// Grafana Loki.
    Loki,
    /// Elasticsearch.
    Elasticsearch,
    /// OpenSearch, with the same API.
    Opensearch,
}

/// The lines that were found.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct LogsSeen {
    /// Number of lines; with `emit`, of those with the marker.
    pub count: u64,
    /// The marker, with `emit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
    /// The status of the answer to `emit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emitted: Option<u16>,
    /// Time from that request until the line was found, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrived_ms: Option<u64>,
    /// Warnings of the store, such as one about a partial answer. Default expectation: none.
    pub warnings: Vec<String>,
    /// Number of shards that were searched: 0 if no index has that name. Only for Elasticsearch and OpenSearch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shards: Option<u64>,
}

impl Probe for Logs {
    const KIND: &'static str = "logs";
    const EXPECT: &'static str = "{ count: { at_least: 1 }, warnings: { length: 0 } }";
    const EFFECTS: Option<&'static str> = Some("With `emit`, a request is sent that has the service log a line.");
    const EXAMPLE: &'static str = r#"logs: { store: loki, url: "${env.LOKI_URL}", query: '{app="api"}', emit: { url: "https://api.staging.example/healthz?marker={marker}" } }
expect: { arrived_ms: { at_most: 30000 } }
timeout: 1m
"#;
    const TAKES_VIA: bool = true;
    type Observation = LogsSeen;

    async fn observe(&self, cx: &Context) -> Result<LogsSeen, Fault> {
        let Some(emit) = &self.emit else { return self.count(cx, None).await };
        // Time is left for the last count.
        let deadline = Instant::now() + cx.timeout.mul_f32(0.9);
        let marker = marker();
        // The store first: if it can't be reached, nothing should be logged.
        self.count(cx, Some(&marker)).await?;
        let begun = Instant::now();
        let emitted = emit.send(cx, &marker).await?;
        loop {
            let mut seen = self.count(cx, Some(&marker)).await?;
            let is_over = Instant::now() + AGAIN >= deadline;
            if seen.count > 0 || is_over {
                let arrived = begun.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
                seen.arrived_ms = (seen.count > 0).then_some(arrived);
                seen.emitted = Some(emitted);
                seen.marker = Some(marker);
                return Ok(seen);
            }
            sleep(AGAIN).await;
        }
    }

    fn evidence(&self, seen: &LogsSeen) -> String {
        let line = match (&seen.marker, seen.count) {
            (Some(_), 0) => "the line did not arrive".to_owned(),
            (Some(_), _) => "the line arrived".to_owned(),
            (None, 0) => format!("no lines in {}", self.since()),
            (None, _) => format!("lines in the last {}", self.since()),
        };
        match seen.warnings.first() {
            None => line,
            Some(warning) => format!("{line}, with a warning: {warning}"),
        }
    }

    fn advice(&self, seen: &LogsSeen) -> Option<String> {
        if let Some(warning) = seen.warnings.first() {
            return Some(format!("the store warns: {warning}"));
        }
        if seen.count > 0 {
            return None;
        }
        if seen.shards == Some(0) {
            return Some("no index has that name: a pattern that matches none is answered with 0".to_owned());
        }
        Some(match seen.emitted {
            Some(status @ 400..) => {
                format!("the request that should be logged got {status}: is its URL right, and is it logged at all?")
            }
            Some(_) => "does the service log this request with its query, is the shipper running, does `query` match \
                        its lines, and is the probe's `timeout` long enough for a line to arrive?"
                .to_owned(),
            None => "is the shipper running, and does `query` match the lines of this service?".to_owned(),
        })
    }

    fn has_effects(&self) -> bool {
        self.emit.is_some()
    }

    fn is_insecure(&self) -> bool {
        self.login.insecure || self.emit.as_ref().is_some_and(Emit::is_insecure)
    }

    fn reproduce(&self) -> Option<Vec<String>> {
        Some(self.login.curl(&self.request(None)))
    }
}

impl<'de> Deserialize<'de> for Logs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let probe = Logs::deserialize(deserializer)?;
        probe.validate().map_err(D::Error::custom)?;
        Ok(probe)
    }
}

impl Logs {
    fn validate(&self) -> Result<(), &'static str> {
        match self.store {
            Store::Loki => {
                if self.query.as_deref().is_none_or(|query| !query.trim_start().starts_with('{')) {
                    return Err("Loki wants a `query` that begins with labels: `{app=\"api\"}`");
                }
                if self.index.is_some() || self.timestamp.is_some() {
                    return Err("`index` and `timestamp` are of Elasticsearch and OpenSearch: Loki has none");
                }
            }
            Store::Elasticsearch | Store::Opensearch => {
                if self.tenant.is_some() {
                    return Err("`tenant` is of Loki");
                }
                match self.index.as_deref() {
                    None | Some("") => return Err("an `index` is wanted, such as `logs-*`"),
                    Some(index) if index.contains(['/', '?', '#', ' ']) || index.starts_with('_') => {
                        return Err("this is not a name of an index");
                    }
                    Some(_) => {}
                }
            }
        }
        if self.since.is_some_and(|since| since.0 < std::time::Duration::from_secs(1)) {
            return Err("`since` is at least a second");
        }
        self.login.validate(&self.url)
    }

    fn since(&self) -> Duration {
        self.since.unwrap_or(Duration(std::time::Duration::from_secs(15 * 60)))
    }

    fn api(&self) -> Api<'_> {
        let name = match self.store {
            Store::Loki => "Loki",
            Store::Elasticsearch => "Elasticsearch",
            Store::Opensearch => "OpenSearch",
        };
        Api { name, url: &self.url, access: self.login.access(), options: self.login.options() }
    }

    fn request(&self, marker: Option<&str>) -> Request {
        let (api, seconds) = (self.api(), self.since().0.as_secs());
        let query = self.query.as_deref();
        match self.store {
            Store::Loki => {
                let query = query.expect("it is refused at load without one");
                store::loki(&api, query, seconds, self.tenant.as_deref(), marker)
            }
            Store::Elasticsearch | Store::Opensearch => {
                let index = self.index.as_deref().expect("it is refused at load without one");
                let field = self.timestamp.as_deref().unwrap_or("@timestamp");
                store::elasticsearch(&api, index, field, query, seconds, marker)
            }
        }
    }

    async fn count(&self, cx: &Context, marker: Option<&str>) -> Result<LogsSeen, Fault> {
        let reply = self.api().send(cx, self.request(marker)).await?;
        let seen: Result<LogsSeen, Fault> = match self.store {
            Store::Loki => store::count_of_loki(&reply),
            Store::Elasticsearch | Store::Opensearch => store::count_of_elasticsearch(&reply),
        };
        seen
    }
}
