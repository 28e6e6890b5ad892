//! `alertmanager`: is an Alertmanager ready, what are its receivers, and what is firing?

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Context, Fault, Probe};
use crate::client::api::Api;
use crate::client::http::{HttpUrl, Login, Request};

/// Checks an Alertmanager: its readiness, cluster, receivers, alerts and silences.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Alertmanager {
    /// The URL of Alertmanager, such as `http://alertmanager.staging.example:9093`, with the path that it is served
    /// under.
    url: HttpUrl,
    /// Count only alerts and silences that match all of these, such as `severity="critical"`. Default: all of them.
    #[serde(default)]
    filter: Vec<String>,
    #[serde(rename = "..", default)]
    #[schemars(flatten)]
    login: Login,
}

/// The state of an Alertmanager. While it is not ready, only that is known.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AlertmanagerSeen {
    /// Whether it reports that it is ready.
    pub ready: bool,
    /// Its cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<Cluster>,
    /// Its version, such as `0.27.0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// When it started, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<String>,
    /// The names of its receivers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receivers: Option<Vec<String>>,
    /// Its alerts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alerts: Option<Alerts>,
    /// Its silences, active and pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silences: Option<Silences>,
}

/// The nodes of its cluster, which share what was already sent.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Cluster {
    /// `ready`; `settling` while it looks for its peers; `disabled` if clustering is off.
    pub status: String,
    /// Number of nodes, including itself. 0 if clustering is off.
    pub peers: usize,
    /// Their addresses, such as `10.1.2.3:9094`.
    pub addresses: Vec<String>,
}

/// Alerts.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Alerts {
    /// Number of active alerts: neither silenced nor inhibited.
    pub count: usize,
    /// The names of the active alerts, each once.
    pub names: BTreeSet<String>,
    /// Number of active alerts by the label `severity`. Those without the label are under `none`.
    pub by_severity: BTreeMap<String, usize>,
    /// Number of silenced or inhibited alerts.
    pub suppressed: usize,
}

/// Silences.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Silences {
    /// Number of active silences.
    pub count: usize,
    /// Number of silences that begin later.
    pub pending: usize,
    /// Number of active silences, whatever `filter` is, that match every alert, such as `alertname=~".+"` or
    /// `alertname!="Watchdog"`: then nobody is notified.
    pub over_everything: usize,
    /// The active silences.
    pub active: Vec<Silence>,
}

/// A silence.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Silence {
    /// Its matchers, such as `alertname="HighLatency", job=~"api.*"`.
    pub matchers: String,
    /// Who created it.
    pub created_by: String,
    /// Its comment.
    pub comment: String,
    /// When it ends, in RFC 3339.
    pub ends: String,
}

// Of `GET /api/v2/status`, `config.original` is not read: it contains the passwords of every receiver.
#[derive(Deserialize)]
struct Status {
    cluster: ClusterStatus,
    uptime: Option<String>,
    #[serde(rename = "versionInfo")]
    version_info: Option<VersionInfo>,
}

#[derive(Deserialize)]
struct ClusterStatus {
    status: String,
    #[serde(default)]
    peers: Vec<Peer>,
}

#[derive(Deserialize)]
struct Peer {
    address: String,
}

#[derive(Deserialize)]
struct VersionInfo {
    version: String,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Alert {
    labels: BTreeMap<String, String>,
    status: State,
}

#[derive(Deserialize)]
struct State {
    state: String,
}

#[derive(Deserialize)]
struct SilenceAnswer {
    status: State,
    matchers: Vec<Matcher>,
    #[serde(rename = "createdBy", default)]
    created_by: String,
    #[serde(default)]
    comment: String,
    #[serde(rename = "endsAt")]
    ends: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Matcher {
    name: String,
    value: String,
    is_regex: bool,
    // Absent before 0.22, and then true.
    is_equal: Option<bool>,
}

impl Probe for Alertmanager {
    const KIND: &'static str = "alertmanager";
    const EXPECT: &'static str = "{ ready: true, cluster.status: { one_of: [ready, disabled] }, \
                                  silences.over_everything: 0 }";
    const EXAMPLE: &'static str = r#"alertmanager: { url: "${env.ALERTMANAGER_URL}", filter: ['severity="critical"'] }
expect: { cluster.status: ready, receivers: { contains: [pager] }, alerts.count: 0 }
"#;
    const TAKES_VIA: bool = true;
    type Observation = AlertmanagerSeen;

    async fn observe(&self, cx: &Context) -> Result<AlertmanagerSeen, Fault> {
        let api = self.api();
        let ready = api.send(cx, self.is_ready()).await?;
        if ready.status == 503 {
            return Ok(AlertmanagerSeen {
                ready: false,
                cluster: None,
                version: None,
                started: None,
                receivers: None,
                alerts: None,
                silences: None,
            });
        }
        if !ready.is_ok() {
            return Err(ready.fault());
        }
        // A proxy or a login page returns 200 for `/-/ready`, too: only the API's own answer shows that it is
        // Alertmanager.
        let status: Status = api.send(cx, api.get("/api/v2/status", &[])).await?.json()?;
        let receivers: Vec<Named> = api.send(cx, api.get("/api/v2/receivers", &[])).await?.json()?;
        let filter: Vec<_> = self.filter.iter().map(|filter| ("filter", filter.as_str())).collect();
        let alerts: Vec<Alert> = api.send(cx, api.get("/api/v2/alerts", &filter)).await?.json()?;
        let silences: Vec<SilenceAnswer> = api.send(cx, api.get("/api/v2/silences", &filter)).await?.json()?;
        // The filter would hide a silence of everything, which has another label in its matchers.
        let over_everything = match filter.as_slice() {
            [] => over_everything(&silences),
            [_, ..] => {
                let all: Vec<SilenceAnswer> = api.send(cx, api.get("/api/v2/silences", &[])).await?.json()?;
                over_everything(&all)
            }
        };
        let mut receivers: Vec<String> = receivers.into_iter().map(|receiver| receiver.name).collect();
        receivers.sort();
        Ok(AlertmanagerSeen {
            ready: true,
            cluster: Some(cluster(status.cluster)),
            version: status.version_info.map(|info| info.version),
            started: status.uptime,
            receivers: Some(receivers),
            alerts: Some(of_alerts(&alerts)),
            silences: Some(of_silences(silences, over_everything)),
        })
    }

    fn evidence(&self, seen: &AlertmanagerSeen) -> String {
        let Some(cluster) = &seen.cluster else { return "not ready".to_owned() };
        let mut line = match (cluster.status.as_str(), cluster.peers) {
            ("disabled", _) => "ready, a single node".to_owned(),
            (status, 1) => format!("{status}, 1 peer"),
            (status, peers) => format!("{status}, {peers} peers"),
        };
        if let Some(receivers) = &seen.receivers {
            line += &match receivers.as_slice() {
                [receiver] => format!(", receiver {receiver}"),
                receivers if receivers.len() > 4 => format!(", {} receivers", receivers.len()),
                receivers => format!(", receivers {}", receivers.join(" ")),
            };
        }
        if seen.silences.as_ref().is_some_and(|silences| silences.over_everything > 0) {
            line += ", every alert silenced";
        }
        line
    }

    fn advice(&self, seen: &AlertmanagerSeen) -> Option<String> {
        let Some(cluster) = &seen.cluster else {
            return Some("it has only just started, or can't read its configuration: its log says which".to_owned());
        };
        if cluster.status == "settling" {
            let advice = "it looks for its peers, which takes a while after a start: \
                          where it stays so, can the nodes reach each other on the cluster's port (9094)?";
            return Some(advice.to_owned());
        }
        let silences = seen.silences.as_ref()?;
        if silences.over_everything > 0 {
            return Some(
                "a silence matches every alert, so nobody is notified: `amtool silence query` lists it".to_owned(),
            );
        }
        let silence = silences.active.first()?;
        Some(format!("a silence is in force: {} until {} ({})", silence.matchers, silence.ends, silence.created_by))
    }

    fn is_insecure(&self) -> bool {
        self.login.insecure
    }

    fn reproduce(&self) -> Option<Vec<String>> {
        // Not the status: it would print the configuration's passwords on the screen.
        Some(self.login.curl(&self.is_ready()))
    }
}

impl<'de> Deserialize<'de> for Alertmanager {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let probe = Alertmanager::deserialize(deserializer)?;
        probe.login.validate(&probe.url).map_err(D::Error::custom)?;
        Ok(probe)
    }
}

impl Alertmanager {
    fn api(&self) -> Api<'_> {
        Api { name: "Alertmanager", url: &self.url, access: self.login.access(), options: self.login.options() }
    }

    fn is_ready(&self) -> Request {
        self.api().get("/-/ready", &[])
    }
}

fn cluster(status: ClusterStatus) -> Cluster {
    let mut addresses: Vec<String> = status.peers.into_iter().map(|peer| peer.address).collect();
    addresses.sort();
    Cluster { status: status.status, peers: addresses.len(), addresses }
}

fn of_alerts(alerts: &[Alert]) -> Alerts {
    let mut seen = Alerts { count: 0, names: BTreeSet::new(), by_severity: BTreeMap::new(), suppressed: 0 };
    for alert in alerts {
        if alert.status.state == "suppressed" {
            seen.suppressed += 1;
            continue;
        }
        // `unprocessed` too: it has just arrived, and will be sent.
        seen.count += 1;
        seen.names.extend(alert.labels.get("alertname").cloned());
        let severity = alert.labels.get("severity").map_or("none", String::as_str);
        *seen.by_severity.entry(severity.to_owned()).or_default() += 1;
    }
    seen
}

/// Number of active silences that match every alert.
fn over_everything(silences: &[SilenceAnswer]) -> usize {
    let is_over_everything = |silence: &&SilenceAnswer| {
        silence.status.state == "active" && silence.matchers.iter().all(Matcher::matches_every_alert)
    };
    silences.iter().filter(is_over_everything).count()
}

fn of_silences(silences: Vec<SilenceAnswer>, over_everything: usize) -> Silences {
    let pending = silences.iter().filter(|silence| silence.status.state == "pending").count();
    let active = silences.into_iter().filter(|silence| silence.status.state == "active");
    let mut active: Vec<Silence> = active
        .map(|silence| Silence {
            matchers: silence.matchers.iter().map(Matcher::written).collect::<Vec<_>>().join(", "),
            created_by: silence.created_by,
            comment: silence.comment,
            ends: silence.ends,
        })
        .collect();
    active.sort_by(|a, b| (&a.matchers, &a.ends).cmp(&(&b.matchers, &b.ends)));
    Silences { count: active.len(), pending, over_everything, active }
}

impl Matcher {
    /// Whether it matches every alert that has the label, or for `alertname` all but a few.
    fn matches_every_alert(&self) -> bool {
        let values: &[&str] = match self.name.as_str() {
            "alertname" => &["HighLatency", "NodeDown2", "KubePodCrashLooping"],
            _ => &["critical", "node-1.example:9100", "api/v2", "Zone 3"],
        };
        let is_equal = self.is_equal.unwrap_or(true);
        let matches = |value: &str| match self.is_regex {
            false => self.value == value,
            // As Alertmanager anchors it.
            true => Regex::new(&format!("^(?:{})$", self.value)).is_ok_and(|pattern| pattern.is_match(value)),
        };
        // `env!="prod"` still lets `prod` through; without one value, as in `env!=""`, nothing is left.
        let lets_some_through = !is_equal && self.name != "alertname" && !matches("");
        !lets_some_through && values.iter().all(|value| matches(value) == is_equal)
    }

    /// As Alertmanager writes it.
    fn written(&self) -> String {
        let operator = match (self.is_equal.unwrap_or(true), self.is_regex) {
            (true, false) => "=",
            (false, false) => "!=",
            (true, true) => "=~",
            (false, true) => "!~",
        };
        format!("{}{operator}{:?}", self.name, self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::Matcher;

    #[test]
    fn a_matcher_that_leaves_nothing_out_is_recognised() {
        let matches = |name: &str, operator: &str, value: &str| {
            Matcher {
                name: name.to_owned(),
                value: value.to_owned(),
                is_regex: operator.ends_with('~'),
                is_equal: Some(operator.starts_with('=')),
            }
            .matches_every_alert()
        };
        for (name, operator, value) in [
            ("alertname", "=~", ".+"),
            ("alertname", "=~", ".*"),
            ("alertname", "=~", "[A-Za-z0-9]+"),
            ("alertname", "!=", "Watchdog"),
            ("alertname", "!~", "Watchdog|InfoInhibitor"),
            ("alertname", "!=", ""),
            ("severity", "=~", ".+|"),
            ("job", "!=", ""),
        ] {
            assert!(matches(name, operator, value), "{name}{operator}{value}");
        }
        for (name, operator, value) in [
            ("alertname", "=", "Disk"),
            ("alertname", "=~", "Node.*"),
            ("alertname", "!~", ".+"),
            ("severity", "=~", "warning|info"),
            ("env", "!=", "prod"),
            ("env", "!~", "prod|staging"),
            ("job", "=", ""),
        ] {
            assert!(!matches(name, operator, value), "{name}{operator}{value}");
        }
    }
}
