//! `grafana`: which dashboards exist, and is Grafana healthy?

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, TryStreamExt, stream};
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Context, Fault, Probe};
use crate::client::api::Api;
use crate::client::http::{HttpUrl, Login};
use crate::text::json;

/// How many dashboards a page holds: every version supports it.
const PAGE: usize = 1_000;
/// More pages than any Grafana has: paging that never ends stops here.
const MAX_PAGES: usize = 50;

/// Counts the dashboards of a Grafana, across all pages, without folders.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Grafana {
    /// The URL of Grafana, such as `https://grafana.staging.example`, with the path that it is served under.
    url: HttpUrl,
    /// Only dashboards in the folder with this title or uid. Default: all folders.
    folder: Option<String>,
    /// Only dashboards with this tag.
    tag: Option<String>,
    /// Check for every dashboard whether it comes from a provisioning file: one more request each. Default: `false`.
    #[serde(default)]
    details: bool,
    #[serde(rename = "..", default)]
    #[schemars(flatten)]
    login: Login,
}

/// The dashboards and health of a Grafana.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct GrafanaSeen {
    /// The dashboards that these credentials may see.
    pub dashboards: Dashboards,
    /// The version of Grafana, if it reports it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Status of Grafana's own database: `ok` or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
}

/// Dashboards, in the order of their titles.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Dashboards {
    /// Number of dashboards.
    pub count: usize,
    /// Their titles.
    pub titles: Vec<String>,
    /// Their uids.
    pub uids: Vec<String>,
    /// The titles of their folders. Dashboards without a folder are in `General`.
    pub folders: BTreeSet<String>,
    /// The titles of the dashboards that come from a provisioning file, with `details: true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provisioned: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Health {
    database: Option<String>,
    version: Option<String>,
}

#[derive(Deserialize)]
struct Found {
    uid: String,
    title: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(rename = "folderUid")]
    folder_uid: Option<String>,
    #[serde(rename = "folderTitle")]
    folder_title: Option<String>,
}

#[derive(Deserialize)]
struct Details {
    meta: Meta,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(default)]
    provisioned: bool,
}

impl Probe for Grafana {
    const KIND: &'static str = "grafana";
    const EXPECT: &'static str = "{ dashboards.count: { at_least: 1 } }";
    const EXAMPLE: &'static str = r#"grafana: { url: "${env.GRAFANA_URL}", token: "${secrets.GRAFANA_TOKEN}" }
expect: { dashboards.titles: { contains: [AOS Traces, M4 Workflow] } }
"#;
    const TAKES_VIA: bool = true;
    type Observation = GrafanaSeen;

    async fn observe(&self, cx: &Context) -> Result<GrafanaSeen, Fault> {
        let api = self.api();
        // It answers 503 with the same body when the database fails. Behind a proxy it may be missing.
        let health = api.send(cx, api.get("/api/health", &[])).await?;
        let health = json::parse(&health.body).unwrap_or(Health { database: None, version: None });
        let found = self.search(cx, &api).await?;
        let provisioned = if self.details { Some(provisioned(cx, &api, &found).await?) } else { None };
        let dashboards = Dashboards {
            count: found.len(),
            titles: found.iter().map(|found| found.title.clone()).collect(),
            uids: found.iter().map(|found| found.uid.clone()).collect(),
            folders: found.iter().map(|found| found.folder().to_owned()).collect(),
            provisioned,
        };
        Ok(GrafanaSeen { dashboards, version: health.version, database: health.database })
    }

    fn evidence(&self, seen: &GrafanaSeen) -> String {
        let mut line = match seen.dashboards.count {
            1 => "1 dashboard".to_owned(),
            count => format!("{count} dashboards"),
        };
        if let Some(provisioned) = &seen.dashboards.provisioned {
            line += &format!(", {} provisioned", provisioned.len());
        }
        if let Some(database) = seen.database.as_ref().filter(|database| *database != "ok") {
            line += &format!(", database {database}");
        }
        line
    }

    fn field_advice(&self, seen: &GrafanaSeen) -> Vec<(&'static str, String)> {
        if seen.dashboards.count > 0 {
            return Vec::new();
        }
        let advice = "Grafana answers an empty list also where the credentials may see nothing: \
                      has the service account the role Viewer, in this organisation and folder?";
        vec![("dashboards", advice.to_owned())]
    }

    fn is_insecure(&self) -> bool {
        self.login.insecure
    }

    fn reproduce(&self) -> Option<Vec<String>> {
        let request = self.api().get("/api/search", &[("type", "dash-db"), ("limit", "1000")]);
        Some(self.login.curl(&request))
    }
}

impl<'de> Deserialize<'de> for Grafana {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let probe = Grafana::deserialize(deserializer)?;
        probe.login.validate(&probe.url).map_err(D::Error::custom)?;
        Ok(probe)
    }
}

impl Grafana {
    fn api(&self) -> Api<'_> {
        Api { name: "Grafana", url: &self.url, access: self.login.access(), options: self.login.options() }
    }

    /// Every dashboard once, in the order of titles.
    async fn search(&self, cx: &Context, api: &Api<'_>) -> Result<Vec<Found>, Fault> {
        let mut by_uid: BTreeMap<String, Found> = BTreeMap::new();
        let limit = PAGE.to_string();
        for page in 1..=MAX_PAGES {
            let page = page.to_string();
            let mut query = vec![("type", "dash-db"), ("limit", limit.as_str()), ("page", page.as_str())];
            query.extend(self.tag.as_deref().map(|tag| ("tag", tag)));
            let found: Vec<Found> = api.send(cx, api.get("/api/search", &query)).await?.json()?;
            let before = by_uid.len();
            by_uid.extend(found.into_iter().map(|found| (found.uid.clone(), found)));
            // A short page is not the end where a proxy or a version has a smaller limit of its own, and a version
            // that knows no pages gives the first one again.
            if by_uid.len() == before {
                let mut found: Vec<Found> = by_uid.into_values().filter(|found| self.is_wanted(found)).collect();
                found.sort_by(|a, b| (&a.title, &a.uid).cmp(&(&b.title, &b.uid)));
                return Ok(found);
            }
        }
        Err(Fault::new(format!("Grafana has more than {MAX_PAGES} pages of dashboards")))
    }

    fn is_wanted(&self, found: &Found) -> bool {
        let folder = self
            .folder
            .as_ref()
            .is_none_or(|folder| found.folder() == folder || found.folder_uid.as_ref() == Some(folder));
        found.kind == "dash-db" && folder
    }
}

impl Found {
    /// The folder. A dashboard without a folder is shown in `General`.
    fn folder(&self) -> &str {
        self.folder_title.as_deref().unwrap_or("General")
    }
}

async fn provisioned(cx: &Context, api: &Api<'_>, found: &[Found]) -> Result<Vec<String>, Fault> {
    let asked: Vec<_> = found.iter().map(|found| if_provisioned(cx, api, found)).collect();
    let answers: Vec<Option<String>> = stream::iter(asked).buffered(8).try_collect().await?;
    Ok(answers.into_iter().flatten().collect())
}

async fn if_provisioned(cx: &Context, api: &Api<'_>, found: &Found) -> Result<Option<String>, Fault> {
    let reply = api.send(cx, api.get(&format!("/api/dashboards/uid/{}", found.uid), &[])).await?;
    Ok(reply.json::<Details>()?.meta.provisioned.then(|| found.title.clone()))
}
