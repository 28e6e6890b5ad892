//! Items for Prometheus, Grafana and Alertmanager, with what their own files require.

use serde_json::{Map, Value, json};

use crate::text::credential::looks_secret;
use crate::yaml::Node;

use super::draft::{Draft, Part, Proposal, literal};
use super::facts::{Facts, Service};
use super::image::{self, Software};
use super::repository::{Repository, file_name};

/// Maximum number of dashboards, jobs and receivers.
const NAMES: usize = 30;
/// Maximum number of files that are searched for dashboards.
const FILES: usize = 200;

/// Adds an item for each of them with a service or a configuration in the repository.
pub fn propose(repository: &mut Repository, facts: &Facts, draft: &mut Draft) {
    prometheus(repository, facts, draft);
    grafana(repository, facts, draft);
    alertmanager(repository, facts, draft);
}

fn prometheus(repository: &mut Repository, facts: &Facts, draft: &mut Draft) {
    let (jobs, file) = named(repository, "prometheus", |root| {
        let jobs = root.get("scrape_configs")?.elements();
        Some(jobs.iter().filter_map(|job| Some(job.get("job_name")?.text()?.to_owned())).collect())
    });
    let service = service(facts, &Software::Prometheus);
    let Some(from) = service.map(|service| service.from.clone()).or(file) else { return };
    let url = address(facts, service, "prometheus", 9090, &from, draft);
    let probe = json!({ "prometheus": { "url": url.0, "query": "up" }, "expect": { "values": { "every": 1 } } });
    let id = draft.id("prometheus", Part::Monitoring);
    let title = match jobs.is_empty() {
        true => "Prometheus: every target is up".to_owned(),
        false => format!("Prometheus: every target is up ({})", jobs.join(", ")),
    };
    draft.push(placed(Proposal::new(Part::Monitoring, id, title, from, vec![probe]), url.1));
}

fn alertmanager(repository: &mut Repository, facts: &Facts, draft: &mut Draft) {
    let (receivers, file) = named(repository, "alertmanager", |root| {
        let receivers = root.get("receivers")?.elements();
        Some(receivers.iter().filter_map(|receiver| Some(receiver.get("name")?.text()?.to_owned())).collect())
    });
    let service = service(facts, &Software::Alertmanager);
    let Some(from) = service.map(|service| service.from.clone()).or(file) else { return };
    let url = address(facts, service, "alertmanager", 9093, &from, draft);
    let mut probe = json!({ "alertmanager": { "url": url.0 } });
    if !receivers.is_empty() {
        let receivers: Vec<String> = receivers.iter().map(|name| literal(name)).collect();
        probe["expect"] = json!({ "receivers": { "contains": receivers } });
    }
    let id = draft.id("alertmanager", Part::Monitoring);
    let title = "Alertmanager is ready and knows its receivers";
    draft.push(placed(Proposal::new(Part::Monitoring, id, title, from, vec![probe]), url.1));
}

fn grafana(repository: &mut Repository, facts: &Facts, draft: &mut Draft) {
    let is_dashboard = |path: &str| path.ends_with(".json") && (path.contains("grafana") || path.contains("dashboard"));
    let mut titles: Vec<String> = Vec::new();
    let mut file = None;
    for path in repository.paths(is_dashboard).into_iter().take(FILES) {
        let Some(text) = repository.text(&path) else { continue };
        let Ok(json) = serde_json::from_str::<Value>(&text) else { continue };
        let is_own = |json: &Value| json["panels"].is_array() || json["rows"].is_array();
        let json = if is_own(&json) { &json } else { &json["dashboard"] };
        let Some(title) = json["title"].as_str().filter(|_| is_own(json)) else { continue };
        if !titles.iter().any(|known| known == title) && titles.len() < NAMES && !looks_secret(title) {
            titles.push(title.to_owned());
        }
        file.get_or_insert(path);
    }
    titles.sort();
    let service = service(facts, &Software::Grafana);
    let Some(from) = service.map(|service| service.from.clone()).or(file) else { return };
    let (url, is_known) = address(facts, service, "grafana", 3000, &from, draft);
    let id = draft.id("grafana", Part::Monitoring);
    if titles.is_empty() {
        let probe = json!({ "http": { "url": format!("{url}/api/health") }, "expect": { "json.database": "ok" } });
        let item = Proposal::new(Part::Monitoring, id, "Grafana and its database are healthy", from, vec![probe]);
        return draft.push(placed(item, is_known));
    }
    let mut settings = Map::from_iter([("url".to_owned(), url.into())]);
    credentials(service, &mut settings, draft);
    let count = titles.len();
    let titles: Vec<String> = titles.iter().map(|title| literal(title)).collect();
    let probe = json!({ "grafana": settings, "expect": { "dashboards.titles": { "contains": titles } } });
    let title = format!("Grafana has the dashboards of this repository ({count})");
    draft.push(placed(Proposal::new(Part::Monitoring, id, title, from, vec![probe]), is_known));
}

/// The credentials for Grafana.
fn credentials(service: Option<&Service>, settings: &mut Map<String, Value>, draft: &mut Draft) {
    let has = |name: &str| service.is_some_and(|service| service.settings.contains_key(name));
    let value = |name: &str| service.and_then(|service| service.settings.get(name)?.clone());
    if value("GF_AUTH_ANONYMOUS_ENABLED").as_deref() == Some("true") {
        return;
    }
    if !has("GF_SECURITY_ADMIN_PASSWORD") {
        let token = draft.secret("GRAFANA_TOKEN", "the token of a service account of Grafana that may read");
        settings.insert("token".to_owned(), token.into());
        return;
    }
    let user = value("GF_SECURITY_ADMIN_USER").unwrap_or_else(|| "admin".to_owned());
    settings.insert("user".to_owned(), user.into());
    let value = value("GF_SECURITY_ADMIN_PASSWORD").unwrap_or_default();
    // A reference, with or without a default.
    let name = value.strip_prefix("${env.").and_then(|rest| rest.split([':', '}']).next());
    let from = service.map(|service| service.from.clone()).unwrap_or_default();
    let password = draft.secret(
        name.unwrap_or("GF_SECURITY_ADMIN_PASSWORD"),
        &format!("{from}: the password of Grafana's administrator"),
    );
    settings.insert("password".to_owned(), password.into());
}

/// The service that runs this.
fn service<'a>(facts: &'a Facts, what: &Software) -> Option<&'a Service> {
    let is_it = |service: &&Service| !service.is_in_cluster && image::of(service).as_ref() == Some(what);
    facts.services.iter().find(is_it)
}

/// The reference to the address of a service, and whether the repository says where it is.
fn address(
    facts: &Facts,
    service: Option<&Service>,
    name: &str,
    port: u16,
    from: &str,
    draft: &mut Draft,
) -> (String, bool) {
    let own = |service: &Service| {
        service.outer(port).or(service.ports.first().map(|port| port.outer.as_str())).map(ToOwned::to_owned)
    };
    let outer = service.and_then(own);
    let is_known = outer.is_some();
    // A proxy may publish its port.
    let proxies = || facts.services.iter().filter(|_| service.is_some()).find_map(|proxy| proxy.outer(port));
    let outer = outer.or_else(|| proxies().map(ToOwned::to_owned));
    let variable = format!("{}_{}_URL", draft.prefix, name.to_ascii_uppercase());
    let value = match outer {
        Some(outer) => format!("${{env.{variable}:-http://127.0.0.1:{outer}}}"),
        None => format!("${{env.{variable}}}"),
    };
    draft.variable(name, value, from);
    (format!("${{vars.{name}}}"), is_known)
}

fn placed(item: Proposal, is_known: bool) -> Proposal {
    if is_known { item } else { item.doubtful("no file says where it is: set the variable of its address in `vars`") }
}

/// Names in the first configuration that has some, and its path.
fn named(
    repository: &mut Repository,
    program: &str,
    names: impl Fn(&Node) -> Option<Vec<String>>,
) -> (Vec<String>, Option<String>) {
    let is_own = |path: &str| {
        let name = file_name(path);
        name.contains(program) && (name.ends_with(".yml") || name.ends_with(".yaml"))
            || path.contains(&format!("{program}/")) && (name == "config.yml" || name == "config.yaml")
    };
    for path in repository.paths(is_own) {
        let Some(file) = repository.quiet_yaml(&path) else { continue };
        if let Some(mut names) = file.documents.first().and_then(&names) {
            names.retain(|name| !looks_secret(name));
            names.truncate(NAMES);
            return (names, Some(path));
        }
    }
    (Vec::new(), None)
}
