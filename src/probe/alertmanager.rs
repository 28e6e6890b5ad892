//! `alertmanager`: is an Alertmanager ready, whom would it tell, and what is it telling now?

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Context, Fault, Probe};
use crate::client::api::Api;
use crate::client::http::{Access, Headers, HttpUrl, Request, Token, curl, one_login, options};

/// Looks at one Alertmanager: its readiness, its cluster, its receivers, alerts and silences.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Alertmanager {
    /// Where Alertmanager is, such as `http://alertmanager.staging.example:9093`, with the path that it is served under.
    url: HttpUrl,
    /// Look only at alerts and silences that match all of these, such as `severity="critical"`. All of them if absent.
    #[serde(default)]
    filter: Vec<String>,
    /// What to send as `Authorization: Bearer …`.
    token: Option<Token>,
    /// The user for basic authentication.
    user: Option<String>,
    /// The password for basic authentication.
    password: Option<String>,
    /// Headers to send, such as `X-Scope-OrgID: staging`.
    #[serde(default)]
    headers: Headers,
    /// Don't verify TLS. Every report shows it.
    #[serde(default)]
    insecure: bool,
    /// A file of PEM certificates to trust besides the system's.
    ca: Option<PathBuf>,
}

/// What an Alertmanager says of itself. While it is not ready, only that is known.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AlertmanagerSeen {
    /// Whether it says that it is ready to take alerts.
    pub ready: bool,
    /// Its cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<Cluster>,
    /// Its version, such as `0.27.0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// When it was started, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<String>,
    /// The names of those whom it can tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receivers: Option<Vec<String>>,
    /// The alerts that it has now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alerts: Option<Alerts>,
    /// The silences that are in force or will be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silences: Option<Silences>,
}

/// The nodes that tell each other what was told already.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Cluster {
    /// `ready`; `settling` while it looks for its peers; `disabled` where it is meant to be alone.
    pub status: String,
    /// How many nodes there are, itself among them. 0 where it is meant to be alone.
    pub peers: usize,
    /// Their addresses, such as `10.1.2.3:9094`.
    pub addresses: Vec<String>,
}

/// Alerts.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Alerts {
    /// How many are active: neither silenced nor inhibited.
    pub count: usize,
    /// The names of the active ones, each once.
    pub names: BTreeSet<String>,
    /// How many are active of each severity, by the label `severity`. What has no such label is under `none`.
    pub by_severity: BTreeMap<String, usize>,
    /// How many are silenced or inhibited.
    pub suppressed: usize,
}

/// Silences.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Silences {
    /// How many are in force.
    pub count: usize,
    /// How many will be later.
    pub pending: usize,
    /// Those in force.
    pub active: Vec<Silence>,
}

/// A silence.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Silence {
    /// What it silences, such as `alertname="HighLatency", job=~"api.*"`.
    pub matchers: String,
    /// Who made it.
    pub created_by: String,
    /// Why.
    pub comment: String,
    /// When it ends, in RFC 3339.
    pub ends: String,
}

// Of `GET /api/v2/status`, `config.original` is left where it is: it holds the passwords of every receiver.
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
struct Kept {
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
    const EXPECT: &'static str = "{ ready: true, cluster.status: { one_of: [ready, disabled] } }";
    const EXAMPLE: &'static str = r#"alertmanager: { url: "${env.ALERTMANAGER_URL}", filter: ['severity="critical"'] }
expect: { cluster.status: ready, receivers: { contains: [pager] }, alerts.count: 0 }
"#;
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
        // A proxy or a login page says 200 to `/-/ready` too: only the API's own answer shows who is there.
        let status: Status = api.send(cx, api.get("/api/v2/status", &[])).await?.json()?;
        let receivers: Vec<Named> = api.send(cx, api.get("/api/v2/receivers", &[])).await?.json()?;
        let filter: Vec<_> = self.filter.iter().map(|filter| ("filter", filter.as_str())).collect();
        let alerts: Vec<Alert> = api.send(cx, api.get("/api/v2/alerts", &filter)).await?.json()?;
        let silences: Vec<Kept> = api.send(cx, api.get("/api/v2/silences", &filter)).await?.json()?;
        let mut receivers: Vec<String> = receivers.into_iter().map(|receiver| receiver.name).collect();
        receivers.sort();
        Ok(AlertmanagerSeen {
            ready: true,
            cluster: Some(cluster(status.cluster)),
            version: status.version_info.map(|info| info.version),
            started: status.uptime,
            receivers: Some(receivers),
            alerts: Some(of_alerts(&alerts)),
            silences: Some(of_silences(silences)),
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
        let silence = seen.silences.as_ref()?.active.first()?;
        Some(format!("a silence is in force: {} until {} ({})", silence.matchers, silence.ends, silence.created_by))
    }

    fn is_insecure(&self) -> bool {
        self.insecure
    }

    fn reproduce(&self) -> Option<Vec<String>> {
        // Not the status: a person would have the configuration's passwords on the screen.
        Some(curl(&self.is_ready(), self.insecure, self.ca.as_ref()))
    }
}

impl<'de> Deserialize<'de> for Alertmanager {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let probe = Alertmanager::deserialize(deserializer)?;
        let (token, user, password) = (probe.token.is_some(), probe.user.is_some(), probe.password.is_some());
        one_login(&probe.url, token, user, password, &probe.headers).map_err(D::Error::custom)?;
        Ok(probe)
    }
}

impl Alertmanager {
    fn api(&self) -> Api<'_> {
        let access = Access {
            token: self.token.as_ref(),
            user: self.user.as_deref(),
            password: self.password.as_deref(),
            headers: Some(&self.headers),
        };
        Api { name: "Alertmanager", url: &self.url, access, options: options(self.insecure, self.ca.as_ref()) }
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
        // `unprocessed` too: it has only just come, and will be told.
        seen.count += 1;
        seen.names.extend(alert.labels.get("alertname").cloned());
        let severity = alert.labels.get("severity").map_or("none", String::as_str);
        *seen.by_severity.entry(severity.to_owned()).or_default() += 1;
    }
    seen
}

fn of_silences(silences: Vec<Kept>) -> Silences {
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
    Silences { count: active.len(), pending, active }
}

impl Matcher {
    /// As Alertmanager itself writes it.
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
