//! Items for services: each by its kind, at its published address.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::compose;
use super::containers;
use super::database;
use super::draft::{Connection, Draft, Part, Proposal, literal};
use super::facts::{Facts, Port, Route, Service};
use super::health;
use super::image::{self, Software};
use super::repository::Repository;

/// Ports at which services usually speak HTTP.
const WEB: [u16; 20] = [
    80, 443, 1337, 3000, 3001, 4000, 4200, 5000, 5001, 5173, 5174, 7000, 8000, 8001, 8008, 8080, 8081, 8090, 8888, 9000,
];
/// Names of services that others connect to first.
const FIRST: [&str; 6] = ["api", "backend", "server", "web", "app", "gateway"];

/// Adds an item for every service that keeps running.
pub fn propose(repository: &Repository, facts: &Facts, draft: &mut Draft) {
    let primary = primary(&facts.services);
    let mut items: HashMap<&str, String> = HashMap::new();
    let mut unpublished: Vec<&Service> = Vec::new();
    for service in facts.services.iter().filter(|service| !service.is_job) {
        let is_primary = primary == Some(service.name.as_str());
        let found = item(service, is_primary, facts, draft);
        if let Found::Unpublished = found {
            unpublished.push(service);
        }
        let asked = service.health.as_ref().filter(|_| is_primary).and_then(|route| Some((route.port?, &*route.path)));
        let mut proposal = match (found, asked) {
            (Found::Item(proposal), _) => *proposal,
            (Found::Unpublished, Some((port, path))) => http(service, &port.to_string(), path, None, draft)
                .doubtful("no file publishes the port: say in `vars` where the service is"),
            (Found::Unpublished, None) | (Found::Nothing, _) => continue,
        };
        items.entry(&service.name).or_insert_with(|| proposal.id.clone());
        let docker = containers::docker(repository, service.file()).join(" ");
        proposal.hint = compose::is_compose(service.file()).then(|| format!("{docker} logs {}", service.name));
        draft.push(if service.is_optional { proposal.doubtful("it does not run by default") } else { proposal });
        if let Some(version) = version(service, is_primary, facts, draft) {
            draft.push(version);
        }
    }
    containers::propose(&unpublished, repository, draft);
    let services: Vec<&Service> = facts.services.iter().filter(|service| items.contains_key(&*service.name)).collect();
    for (own, other) in acyclic(&services, facts, &items) {
        let item = draft.proposals.iter_mut().find(|item| item.id == own);
        item.into_iter().for_each(|item| item.needs.push(other.clone()));
    }
}

/// The result for a service.
enum Found {
    /// An item of its own.
    Item(Box<Proposal>),
    /// It can't be reached from outside.
    Unpublished,
    /// Nothing to check here.
    Nothing,
}

impl From<Option<Proposal>> for Found {
    fn from(item: Option<Proposal>) -> Self {
        item.map_or(Self::Unpublished, |item| Self::Item(Box::new(item)))
    }
}

/// The own service that a route without a port most likely belongs to.
fn primary(services: &[Service]) -> Option<&str> {
    let own = services.iter().filter(|service| {
        (service.build.is_some() || image::of(service).is_none()) && !service.is_job && !service.is_in_cluster
    });
    let rank = |service: &&Service| {
        let name = FIRST.iter().position(|first| service.name.contains(first)).unwrap_or(FIRST.len());
        (service.ports.is_empty(), name)
    };
    own.min_by_key(rank).map(|service| service.name.as_str())
}

fn item(service: &Service, is_primary: bool, facts: &Facts, draft: &mut Draft) -> Found {
    if service.is_in_cluster {
        return Found::Unpublished;
    }
    match image::of(service) {
        Some(Software::Tool) => Found::Nothing,
        Some(Software::Sql { dialect, port }) => sql(service, facts, dialect, port, draft).into(),
        Some(Software::Redis) => redis(service, facts, draft).into(),
        Some(Software::Http { port, path, expect }) => {
            let Some(outer) = service.outer(port).or_else(|| service.outer(service.health.as_ref()?.port?)) else {
                return other(service, is_primary, facts, draft).into();
            };
            let path = service.health.as_ref().map_or(path, |route| &route.path);
            Some(http(service, outer, path, expect, draft)).into()
        }
        Some(Software::Tcp(port)) => service.outer(port).map(|outer| tcp(service, outer, draft)).into(),
        // Their own items check more than whether they answer.
        Some(Software::Prometheus | Software::Grafana | Software::Alertmanager) => Found::Nothing,
        None => other(service, is_primary, facts, draft).into(),
    }
}

fn sql(service: &Service, facts: &Facts, dialect: &'static str, port: u16, draft: &mut Draft) -> Option<Proposal> {
    let settings = match service.outer(port) {
        Some(outer) => database::sql(service, facts, dialect, outer, draft),
        None => {
            let (name, from) = database::sql_url(facts)?;
            Map::from_iter([("url".to_owned(), draft.secret(name, from).into())])
        }
    };
    let id = draft.id(&service.name, Part::Services);
    let mut query = settings.clone();
    query.insert("query".to_owned(), "SELECT 1".into());
    let title = format!("{}: the database answers a query", service.name);
    let proposal = Proposal::new(Part::Services, id.clone(), title, &service.from, vec![json!({ "sql": query })]);
    let proposal = by_url(proposal, &settings);
    draft.databases.push(Connection { item: id, settings });
    Some(proposal)
}

fn redis(service: &Service, facts: &Facts, draft: &mut Draft) -> Option<Proposal> {
    let settings = match service.outer(6379) {
        Some(outer) => database::redis(service, outer, draft),
        None => {
            let (name, from) = database::redis_url(facts)?;
            Map::from_iter([("url".to_owned(), draft.secret(name, from).into())])
        }
    };
    let title = format!("{}: Redis answers", service.name);
    let id = draft.id(&service.name, Part::Services);
    let probe = json!({ "redis": &settings });
    Some(by_url(Proposal::new(Part::Services, id, title, &service.from, vec![probe]), &settings))
}

/// A URL that services use among themselves names a host that is unknown outside.
fn by_url(proposal: Proposal, settings: &Map<String, Value>) -> Proposal {
    match settings.contains_key("url") {
        true => proposal.todo("the service publishes no port: the host in the URL must be one that gate can reach"),
        false => proposal,
    }
}

/// A service of which only its ports are known, and perhaps a route.
fn other(service: &Service, is_primary: bool, facts: &Facts, draft: &mut Draft) -> Option<Proposal> {
    let asked = service.health.as_ref().and_then(|route| Some((service.outer(route.port?)?, route.path.as_str())));
    if let Some((outer, path)) = asked {
        return Some(http(service, outer, path, None, draft));
    }
    let ports = service.ports.iter().filter(|port| port.inner != 443 || service.ports.len() == 1);
    let is_web = |port: &&Port| WEB.contains(&port.inner) || port.number.is_some_and(|number| WEB.contains(&number));
    let web = ports.clone().find(is_web);
    let web = web.or_else(|| ports.clone().next().filter(|_| service.build.is_some() && service.ports.len() == 1));
    let Some(Port { outer, .. }) = web else {
        return service.ports.first().map(|port| tcp(service, &port.outer, draft));
    };
    if let Some(route) = mentioned(service, is_primary, facts, |path| !health::is_version(path)) {
        let proposal = http(service, outer, &route.path, None, draft);
        return Some(Proposal { from: format!("{}; {}", service.from, route.from), ..proposal });
    }
    let path = service.health.as_ref().map_or("/", |route| &route.path);
    let proposal = http(service, outer, path, None, draft);
    Some(match path {
        "/" => {
            let proposal = proposal.todo("name the route that says whether the service is healthy");
            Proposal { is_guessed: true, ..proposal }
        }
        _ => proposal,
    })
}

/// The route of a service that a document mentions.
fn mentioned<'a>(
    service: &Service,
    is_primary: bool,
    facts: &'a Facts,
    is_wanted: impl Fn(&str) -> bool,
) -> Option<&'a Route> {
    let is_own = |route: &&Route| match route.port {
        Some(port) => service.ports.iter().any(|own| own.number == Some(port) || own.inner == port && is_primary),
        None => is_primary,
    };
    facts.routes.iter().filter(|route| is_wanted(&route.path)).find(is_own)
}

fn version(service: &Service, is_primary: bool, facts: &Facts, draft: &mut Draft) -> Option<Proposal> {
    let route = mentioned(service, is_primary, facts, health::is_version)?;
    let variable = draft.variables.iter().find(|own| own.name == variable_name(&service.name))?;
    let url = format!("${{vars.{}}}{}", variable.name, literal(&route.path));
    let id = draft.id(&format!("{} version", service.name), Part::Services);
    let title = format!("{}: {} names the release", service.name, route.path);
    let proposal = Proposal::new(Part::Services, id, title, &route.from, vec![json!({ "http": { "url": url } })]);
    Some(proposal.todo("expect the release here, such as `json.version: ${env.RELEASE}`"))
}

fn http(service: &Service, outer: &str, path: &str, expect: Option<Value>, draft: &mut Draft) -> Proposal {
    let name = variable_name(&service.name);
    let scheme = if matches!(outer, "443" | "8443") { "https" } else { "http" };
    let own = name.to_ascii_uppercase();
    draft.variable(
        &name,
        format!("${{env.{}_{own}_URL:-{scheme}://127.0.0.1:{outer}}}", draft.prefix.clone()),
        &service.from,
    );
    let mut settings = json!({ "url": format!("${{vars.{name}}}{}", literal(path)) });
    if path == "/" {
        settings["redirects"] = 5.into(); // of a page for people, such as one that wants a login first
    }
    let mut probe = json!({ "http": settings });
    if let Some(expect) = expect {
        probe["expect"] = expect;
    }
    let from = service.health.as_ref().map_or_else(|| service.from.clone(), |route| route.from.clone());
    let title =
        if path == "/" { format!("{} answers", service.name) } else { format!("{}: {path} answers", service.name) };
    let id = draft.id(&service.name, Part::Services);
    Proposal::new(Part::Services, id, title, from, vec![probe])
}

fn tcp(service: &Service, outer: &str, draft: &mut Draft) -> Proposal {
    database::host(draft, &service.from);
    let title = format!("{} accepts connections", service.name);
    let probe = json!({ "tcp": { "address": format!("${{vars.host}}:{outer}") } });
    let id = draft.id(&service.name, Part::Services);
    Proposal::new(Part::Services, id, title, &service.from, vec![probe])
}

/// The name of the variable with the address of a service.
pub fn variable_name(service: &str) -> String {
    let name: String =
        service.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name != "host";
    if is_name { name } else { format!("service_{name}") }
}

/// The items of the services that a service waits for: through those that have no item.
fn waits_for(service: &Service, facts: &Facts, items: &HashMap<&str, String>) -> Vec<String> {
    let mut found = Vec::new();
    let mut seen: HashSet<&str> = HashSet::from([service.name.as_str()]);
    let mut open: Vec<&str> = service.needs.iter().rev().map(String::as_str).collect();
    while let Some(name) = open.pop() {
        if !seen.insert(name) {
            continue;
        }
        match items.get(name) {
            Some(id) => found.push(id.clone()),
            None => {
                let other = facts.services.iter().find(|other| other.name == name);
                open.extend(other.into_iter().flat_map(|other| other.needs.iter().rev().map(String::as_str)));
            }
        }
    }
    found
}

/// The needs of each item, without those that would form a cycle.
fn acyclic(services: &[&Service], facts: &Facts, items: &HashMap<&str, String>) -> Vec<(String, String)> {
    let needs: HashMap<&str, Vec<String>> =
        services.iter().map(|service| (&*items[&*service.name], waits_for(service, facts, items))).collect();
    let mut kept = Vec::new();
    let mut begun: HashSet<&str> = HashSet::new();
    let mut done: HashSet<&str> = HashSet::new();
    for service in services {
        // Each open item with how many of its needs were followed.
        let mut open: Vec<(&str, usize)> = vec![(&items[&*service.name], 0)];
        while let Some((own, at)) = open.last_mut() {
            begun.insert(own);
            let Some(other) = needs[own].get(*at).filter(|_| !done.contains(own)) else {
                done.insert(own);
                open.pop();
                continue;
            };
            *at += 1;
            let is_circle = begun.contains(&**other) && !done.contains(&**other);
            if !is_circle {
                kept.push(((*own).to_owned(), other.clone()));
                open.push((other, 0));
            }
        }
    }
    kept
}
