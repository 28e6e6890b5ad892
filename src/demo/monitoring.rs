//! The monitoring of the demo: a Grafana, a Prometheus, a Loki and an Alertmanager, as far as a checklist needs them.

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::part::{Broken, GRAFANA_TOKEN};
use super::server::{Reply, Request, Service};

/// A Prometheus with a Grafana in front of it, and a Loki.
pub struct Monitoring {
    /// The parts that are broken.
    pub broken: Broken,
    /// The current time.
    pub now: Timestamp,
}

/// An Alertmanager.
pub struct Alertmanager {
    /// The parts that are broken.
    pub broken: Broken,
    /// The current time.
    pub now: Timestamp,
}

const DASHBOARDS: [&str; 4] = ["AOS Traces", "M4 Workflow", "M4.5 Failure", "Basic"];

/// Every metric that is scraped: its name and its value.
const METRICS: [(&str, &str); 5] = [
    ("aos_rate_limit_allowed_total", "60"),
    ("aos_rate_limit_blocked_total", "5"),
    ("aos_redis_up", "1"),
    ("aos_traces_total", "128"),
    ("redis_connected", "1"),
];

/// The path at which Grafana proxies to Prometheus.
const PROXY: &str = "/api/datasources/proxy/uid/prometheus";

impl Service for Monitoring {
    fn answer(&self, request: Request) -> BoxFuture<'_, Reply> {
        Box::pin(async move {
            match request.path.as_str() {
                "/api/health" => Reply::json(&json!({ "database": "ok", "version": "11.3.0", "commit": "0" })),
                "/-/ready" => Reply::text("Prometheus Server is Ready.\n"),
                "/api/v1/query" => self.query(&request),
                "/loki/api/v1/query" => self.lines(),
                path if !request.has_token(GRAFANA_TOKEN) && path.starts_with("/api/") => {
                    Reply::json(&json!({ "message": "Unauthorized" })).status(401)
                }
                "/api/search" => self.search(&request),
                path if path.strip_prefix(PROXY) == Some("/api/v1/query") => self.query(&request),
                path => match path.strip_prefix("/api/dashboards/uid/") {
                    Some(uid) => Reply::json(&json!({ "meta": { "provisioned": true }, "dashboard": { "uid": uid } })),
                    None => Reply::not_found(),
                },
            }
        })
    }
}

impl Monitoring {
    fn search(&self, request: &Request) -> Reply {
        let is_first = request.parameters.get("page").is_none_or(|page| page == "1");
        let titles = DASHBOARDS.iter().filter(|title| **title != "M4.5 Failure" || !self.broken.is("grafana"));
        let found: Vec<Value> = titles
            .filter(|_| is_first)
            .map(|title| {
                let uid = title.to_lowercase().replace([' ', '.'], "-");
                json!({ "uid": uid, "title": title, "type": "dash-db", "url": format!("/d/{uid}") })
            })
            .collect();
        Reply::json(&Value::Array(found))
    }

    /// How many lines have arrived, as Loki counts them: none is not a sample.
    fn lines(&self) -> Reply {
        let sample = json!({ "metric": {}, "value": [self.now.as_second(), "42"] });
        let found = if self.broken.is("logs") { vec![] } else { vec![sample] };
        Reply::json(&json!({ "status": "success", "data": { "resultType": "vector", "result": found } }))
    }

    /// Of PromQL it supports a name alone, `timestamp(NAME)`, and `{__name__=~"PREFIX.+"}`.
    fn query(&self, request: &Request) -> Reply {
        let Some(query) = request.parameters.get("query") else {
            let error = json!({ "status": "error", "errorType": "bad_data", "error": "no query" });
            return Reply::json(&error).status(400);
        };
        let prefix = query.strip_prefix("{__name__=~\"").and_then(|rest| rest.strip_suffix(".+\"}"));
        let timestamp = query.strip_prefix("timestamp(").and_then(|rest| rest.strip_suffix(')'));
        let query = timestamp.unwrap_or(query);
        let wanted = |name: &str| prefix.map_or(name == query, |prefix| name.starts_with(prefix));
        let is_lost = |name: &str| name == "aos_rate_limit_blocked_total" && self.broken.is("metrics");
        let at = self.now.as_second();
        let found: Vec<Value> = METRICS
            .iter()
            .filter(|(name, _)| wanted(name) && !is_lost(name))
            .map(|(name, value)| match timestamp {
                None => json!({ "metric": { "__name__": name, "job": "aos" }, "value": [at, value] }),
                Some(_) => json!({ "metric": { "job": "aos" }, "value": [at, at.to_string()] }),
            })
            .collect();
        Reply::json(&json!({ "status": "success", "data": { "resultType": "vector", "result": found } }))
    }
}

impl Service for Alertmanager {
    fn answer(&self, request: Request) -> BoxFuture<'_, Reply> {
        Box::pin(async move {
            let is_ready = !self.broken.is("alerts");
            match request.path.as_str() {
                "/-/healthy" => Reply::text("OK"),
                "/-/ready" if is_ready => Reply::text("OK"),
                "/-/ready" => Reply::text("").status(503),
                "/api/v2/status" => Reply::json(&json!({
                    "cluster": { "name": "01", "status": if is_ready { "ready" } else { "settling" },
                        "peers": [{ "name": "01", "address": "127.0.0.1:9094" }] },
                    "versionInfo": { "version": "0.27.0" },
                    "config": { "original": "route: { receiver: slack }" },
                    "uptime": self.now.to_string(),
                })),
                "/api/v2/receivers" => Reply::json(&json!([{ "name": "slack" }, { "name": "pager" }])),
                "/api/v2/alerts" | "/api/v2/silences" => Reply::json(&json!([])),
                _ => Reply::not_found(),
            }
        })
    }
}
