//! The services of Compose files: images, ports, health checks, what they depend on.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use crate::yaml::Node;

use super::facts::{Facts, Port, Service};
use super::health;
use super::image;
use super::repository::{Repository, Yaml, file_name, folder_of};
use super::traefik;
use super::variable::filled;

static FILE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:(?:docker-)?compose|docker-stack)((?:[.-][\w-]+)*)\.ya?ml$").expect("it is well formed")
});
/// Names of files that describe something other than a deployment.
static ELSE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)(?:^|[./_-])(?:tests?|ci|dev|develop\w*|debug|e2e|examples?|samples?|fixtures?|testdata)(?:[./_-]|$)",
    )
    .expect("it is well formed")
});
static JOB: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:^|[_-])(?:migrat\w*|prestart|init|seed|setup|bootstrap|create-?buckets?)(?:$|[_-])")
        .expect("it is well formed")
});
/// The names of services that Compose accepts.
static NAME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$").expect("it is well formed"));
/// A variable without a default.
static NEEDED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?:^|[^$])\$\{([A-Za-z_]\w*)(?::?\?[^}]*)?\}").expect("it is well formed"));
/// Maximum size of a range of ports.
const RANGE: u16 = 16;
/// Maximum number of dependencies of a service.
const NEEDS: usize = 50;
/// Maximum number of services.
const SERVICES: usize = 300;

/// Whether a file is a Compose file.
pub fn is_compose(path: &str) -> bool {
    FILE.is_match(file_name(path))
}

/// Adds the services of all Compose files.
pub fn read(repository: &mut Repository, facts: &mut Facts) {
    let all = repository.paths(is_compose);
    let rank = |path: &String| match FILE.captures(file_name(path)).map(|found| found[1].to_owned()).as_deref() {
        Some("") => 0,
        Some(".override") => 1,
        Some(_) | None => 2,
    };
    let is_other = |path: &String| ELSE.is_match(folder_of(path)) || rank(path) == 2 && ELSE.is_match(file_name(path));
    let (others, mut files): (Vec<String>, Vec<String>) = all.into_iter().partition(is_other);
    if files.is_empty() {
        files = others;
    }
    files.sort_by_key(|path| (path.matches('/').count(), folder_of(path).to_owned(), rank(path)));
    let main = files.first().map(|path| folder_of(path).to_owned()).unwrap_or_default();
    for path in files {
        let Some(file) = repository.yaml(&path) else { continue };
        // Another file may describe the same services for another purpose.
        let is_same = folder_of(&path) == main && rank(&path) < 2;
        for found in NEEDED.captures_iter(file.text()) {
            facts.name(&found[1], &path);
        }
        for document in &file.documents {
            let named = document.get("name").and_then(Node::text).filter(|name| NAME.is_match(name));
            facts.project = facts.project.take().or(named.map(ToOwned::to_owned));
            services(&file, document, is_same, facts);
        }
    }
    for service in facts.services.iter_mut().filter(|service| service.is_on_host) {
        let own = image::of(service).and_then(|what| what.port()).into_iter().chain(service.inner.iter().copied());
        let ports: Vec<Port> = own.map(Port::same).collect();
        service.ports.extend(ports);
    }
    let jobs: Vec<bool> = facts.services.iter().map(|service| service.is_job || JOB.is_match(&service.name)).collect();
    facts.services.iter_mut().zip(jobs).for_each(|(service, is_job)| service.is_job = is_job);
}

fn services(file: &Yaml, document: &Node, is_same: bool, facts: &mut Facts) {
    let Some(all) = document.get("services") else { return };
    let mut done: Vec<String> = Vec::new();
    for (key, node) in all.entries() {
        let name = key.text.to_string();
        if !NAME.is_match(&name) || facts.services.len() >= SERVICES {
            continue;
        }
        let base = node.get("extends").and_then(|extends| extends.text().or_else(|| extends.get("service")?.text()));
        let base = base.and_then(|base| all.get(base));
        let mut service = Service { name, from: file.at(key.span.start), ..Service::default() };
        let folder = folder_of(&file.path);
        base.into_iter().chain([node]).for_each(|node| read_service(file, node, folder, &mut service));
        done.extend(completed(node));
        facts.hosts.extend(traefik::hosts(&service.name, &labels(file, node)));
        match facts.service_mut(&service.name) {
            Some(known) if is_same => merge(known, service),
            Some(_) => {}
            None => facts.services.push(service),
        }
    }
    for name in done {
        if let Some(service) = facts.service_mut(&name) {
            service.is_job = true;
        }
    }
}

/// Reads the keys of a service over those known so far.
fn read_service(file: &Yaml, node: &Node, folder: &str, service: &mut Service) {
    if let Some(image) = node.get("image").and_then(Node::text) {
        service.image = Some(filled(image).plain.unwrap_or_else(|| image.to_owned()));
    }
    if let Some(build) = node.get("build") {
        let context = build.text().or_else(|| build.get("context")?.text()).unwrap_or(".");
        service.build = Some(join(folder, context));
    }
    for port in node.get("ports").map(Node::elements).unwrap_or_default() {
        let known = &mut service.ports;
        published(port).into_iter().for_each(|port| {
            if !known.contains(&port) {
                known.push(port)
            }
        });
    }
    service.is_on_host |= node.get("network_mode").and_then(Node::text) == Some("host");
    let exposed = node.get("expose").map(Node::elements).unwrap_or_default();
    service.inner.extend(exposed.iter().filter_map(|port| port.text()?.parse::<u16>().ok()));
    if let Some(check) = node.get("healthcheck") {
        let test = check.get("test").map(words).unwrap_or_default();
        service.has_check =
            !matches!(test.as_str(), "" | "NONE") && check.get("disable").and_then(Node::text) != Some("true");
        service.health = health::route(&test, &file.at(check.span.start)).or_else(|| service.health.take());
    }
    let needs = node.get("depends_on").map(names).unwrap_or_default();
    service.needs.extend(needs.into_iter().filter(|need| *need != service.name).take(NEEDS));
    for (key, value) in pairs(node.get("environment")) {
        service.settings.insert(key, value);
    }
    for key in ["entrypoint", "command"] {
        if let Some(own) = node.get(key) {
            service.command = format!("{} {}", service.command, words(own));
        }
    }
    service.is_optional |= node.get("profiles").is_some_and(|profiles| !profiles.elements().is_empty());
    service.is_optional |= node.at_path("deploy.replicas").and_then(Node::text) == Some("0");
}

/// Merges an override.
fn merge(known: &mut Service, own: Service) {
    known.image = own.image.or_else(|| known.image.take());
    known.build = own.build.or_else(|| known.build.take());
    known.health = own.health.or_else(|| known.health.take());
    known.has_check |= own.has_check;
    own.ports.into_iter().for_each(|port| {
        if !known.ports.contains(&port) {
            known.ports.push(port)
        }
    });
    known.inner.extend(own.inner);
    known.needs.extend(own.needs);
    known.settings.extend(own.settings);
    known.command.push_str(&own.command);
}

/// The services that must complete before this one starts.
fn completed(node: &Node) -> Vec<String> {
    let is_end = |node: &Node| node.get("condition").and_then(Node::text) == Some("service_completed_successfully");
    let entries = node.get("depends_on").map(Node::entries).unwrap_or_default();
    entries.iter().filter(|(_, node)| is_end(node)).map(|(key, _)| key.text.to_string()).collect()
}

/// The names in a list, or the keys of a map.
fn names(node: &Node) -> Vec<String> {
    let keys = node.entries().iter().map(|(key, _)| key.text.to_string());
    keys.chain(node.elements().iter().filter_map(|name| Some(name.text()?.to_owned()))).collect()
}

/// A command, on one line.
fn words(node: &Node) -> String {
    let words: Vec<&str> = node.text().into_iter().chain(node.elements().iter().filter_map(Node::text)).collect();
    words.join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Settings as a map, or a list of `KEY=VALUE`, with the values as gate writes them.
fn pairs(node: Option<&Node>) -> BTreeMap<String, Option<String>> {
    let Some(node) = node else { return BTreeMap::new() };
    let value = |text: &str| filled(text).template;
    let entries = node
        .entries()
        .iter()
        .map(|(key, node)| (key.text.to_string(), node.text().filter(|_| !node.is_null()).and_then(value)));
    let elements = node.elements().iter().filter_map(|element| {
        let text = element.text()?;
        let (key, own) = text.split_once('=').map_or((text, None), |(key, own)| (key, Some(own)));
        Some((key.to_owned(), own.and_then(value)))
    });
    entries.chain(elements).collect()
}

/// The labels of a service, with their places.
fn labels(file: &Yaml, node: &Node) -> Vec<(String, String, String)> {
    let maps = [node.get("labels"), node.at_path("deploy.labels")];
    let mut labels = Vec::new();
    for map in maps.into_iter().flatten() {
        let at = |node: &Node| file.at(node.span.start);
        let entries = map
            .entries()
            .iter()
            .filter_map(|(key, node)| Some((key.text.to_string(), node.text()?.to_owned(), at(node))));
        labels.extend(entries);
        labels.extend(map.elements().iter().filter_map(|element| {
            let (key, value) = element.text()?.split_once('=')?;
            Some((key.to_owned(), value.to_owned(), at(element)))
        }));
    }
    labels
}

/// The ports that an entry of `ports` publishes over TCP.
fn published(node: &Node) -> Vec<Port> {
    if !node.entries().is_empty() {
        let is_tcp = node.get("protocol").and_then(Node::text).is_none_or(|protocol| protocol == "tcp");
        let inner = node.get("target").and_then(Node::text).and_then(|text| filled(text).plain?.parse::<u16>().ok());
        let port =
            node.get("published").and_then(Node::text).zip(inner).and_then(|(outer, inner)| one_port(outer, inner));
        return port.filter(|_| is_tcp).into_iter().collect();
    }
    let Some(text) = node.text() else { return Vec::new() };
    let Some(text) = text.strip_suffix("/tcp").or(Some(text).filter(|text| !text.contains("/udp"))) else {
        return Vec::new();
    };
    // `8000` alone is published at an unknown port.
    let Some((before, inner)) = split_port(text) else { return Vec::new() };
    let outer = split_port(before).map_or(before, |(_, outer)| outer);
    let Some(inner) = filled(inner).plain.as_deref().and_then(range) else { return Vec::new() };
    match filled(outer).plain.as_deref().and_then(range) {
        Some(outer) if outer.len() > 1 && outer.len() == inner.len() => {
            let ports = outer.zip(inner).take(usize::from(RANGE));
            ports.map(|(outer, inner)| Port { outer: outer.to_string(), number: Some(outer), inner }).collect()
        }
        Some(_) | None if inner.len() == 1 => one_port(outer, *inner.start()).into_iter().collect(),
        Some(_) | None => Vec::new(),
    }
}

/// The port that a text names, which may be a variable.
fn one_port(outer: &str, inner: u16) -> Option<Port> {
    let read = filled(outer);
    let number = read.plain.as_deref().and_then(|text| text.parse::<u16>().ok());
    let is_known = number.is_some() || read.plain.is_none();
    let outer = read.template.filter(|_| is_known && inner > 0)?;
    Some(Port { outer, number, inner })
}

/// The text before and after its last colon that is not in a variable.
fn split_port(text: &str) -> Option<(&str, &str)> {
    let mut open = 0_usize;
    let colon = text.char_indices().rev().find(|(_, c)| {
        match c {
            '}' => open += 1,
            '{' => open = open.saturating_sub(1),
            _ => {}
        }
        *c == ':' && open == 0
    });
    colon.map(|(at, _)| (&text[..at], &text[at + 1..]))
}

fn range(text: &str) -> Option<std::ops::RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse::<u16>().ok()?, last.parse::<u16>().ok()?);
    (first > 0 && first <= last).then_some(first..=last)
}

/// A folder that a file names, with `/` at its end.
fn join(folder: &str, context: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in context.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.iter().map(|part| format!("{part}/")).collect()
}
