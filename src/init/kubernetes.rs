//! Manifests of Kubernetes: workloads with their probes, and the public names of ingresses.

use std::sync::LazyLock;

use regex::Regex;

use crate::yaml::Node;

use super::compose::is_compose;
use super::facts::{Facts, Host, Route, Service};
use super::repository::{Repository, Yaml};

/// Maximum number of manifests.
const FILES: usize = 1000;
/// Maximum number of workloads.
const WORKLOADS: usize = 200;

static MATCH: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"Host\(\s*[`"']([^`"',)]+)[`"']"#).expect("it is well formed"));

/// The names that Kubernetes accepts.
static NAME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^[a-z0-9][a-z0-9.-]{0,252}$").expect("it is well formed"));

/// Adds the workloads and public names of all manifests.
pub fn read(repository: &mut Repository, facts: &mut Facts) {
    let is_yaml = |path: &str| {
        (path.ends_with(".yaml") || path.ends_with(".yml")) && !path.starts_with(".github/") && !is_compose(path)
    };
    for path in repository.paths(is_yaml).into_iter().take(FILES) {
        // Most YAML files are something else: their problems are not reported.
        let Some(file) = repository.quiet_yaml(&path).filter(|file| file.text().contains("apiVersion:")) else {
            continue;
        };
        for document in &file.documents {
            manifest(&file, document, facts);
        }
    }
}

fn manifest(file: &Yaml, document: &Node, facts: &mut Facts) {
    let name = document.at_path("metadata.name").and_then(Node::text).unwrap_or_default();
    let is_template = !NAME.is_match(name);
    let kind = document.get("kind").and_then(Node::text).unwrap_or_default();
    let from = file.at(document.span.start);
    match kind {
        "Deployment" | "StatefulSet" | "DaemonSet" if !is_template && facts.services.len() < WORKLOADS => {
            let containers = document.at_path("spec.template.spec.containers").map(Node::elements).unwrap_or_default();
            let namespace =
                document.at_path("metadata.namespace").and_then(Node::text).filter(|name| NAME.is_match(name));
            let health = containers.iter().find_map(|container| probe(file, container));
            facts.services.push(Service {
                name: name.to_owned(),
                from,
                image: containers.first().and_then(|container| container.get("image")?.text()).map(ToOwned::to_owned),
                health,
                // The arguments that kubectl needs.
                command: format!("{}/{name} {}", kind.to_ascii_lowercase(), namespace.unwrap_or("default")),
                is_in_cluster: true,
                ..Service::default()
            });
        }
        "Ingress" => ingress(file, document, facts),
        "IngressRoute" => {
            let points = document.at_path("spec.entryPoints").map(Node::elements).unwrap_or_default();
            let is_tls = document.at_path("spec.tls").is_some()
                || points.iter().any(|point| point.text().is_some_and(|point| point == "websecure"));
            for route in document.at_path("spec.routes").map(Node::elements).unwrap_or_default() {
                let Some(rule) = route.get("match") else { continue };
                let hosts = MATCH.captures_iter(rule.text().unwrap_or_default()).map(|found| found[1].to_owned());
                let service = route.at_path("services[0].name").and_then(Node::text).map(ToOwned::to_owned);
                let from = file.at(rule.span.start);
                hosts.for_each(|name| {
                    add(
                        facts,
                        Host { name, service: service.clone(), is_tls, path: "/".to_owned(), from: from.clone() },
                    )
                });
            }
        }
        "HTTPRoute" => {
            for host in document.at_path("spec.hostnames").map(Node::elements).unwrap_or_default() {
                let Some(name) = host.text() else { continue };
                let service = document.at_path("spec.rules[0].backendRefs[0].name").and_then(Node::text);
                let (name, service) = (name.to_owned(), service.map(ToOwned::to_owned));
                add(facts, Host { name, service, is_tls: true, path: "/".to_owned(), from: file.at(host.span.start) });
            }
        }
        _ => {} // not reached from outside
    }
}

/// The HTTP request by which the cluster checks a container.
fn probe(file: &Yaml, container: &Node) -> Option<Route> {
    let probe = ["readinessProbe", "livenessProbe", "startupProbe"]
        .iter()
        .find_map(|probe| container.get(probe)?.get("httpGet"))?;
    let path = probe.get("path").and_then(Node::text).unwrap_or("/");
    let path = path.split('?').next().unwrap_or_default();
    Some(Route { port: None, path: path.to_owned(), from: file.at(probe.span.start) })
}

fn ingress(file: &Yaml, document: &Node, facts: &mut Facts) {
    let secured: Vec<&str> = document
        .at_path("spec.tls")
        .map(Node::elements)
        .unwrap_or_default()
        .iter()
        .flat_map(|tls| tls.get("hosts").map(Node::elements).unwrap_or_default())
        .filter_map(Node::text)
        .collect();
    for rule in document.at_path("spec.rules").map(Node::elements).unwrap_or_default() {
        let Some(host) = rule.get("host") else { continue };
        let name = host.text().unwrap_or_default();
        for path in rule.at_path("http.paths").map(Node::elements).unwrap_or_default().iter().take(16) {
            let service = path.at_path("backend.service.name").or_else(|| path.at_path("backend.serviceName"));
            let own = path
                .get("path")
                .and_then(Node::text)
                .filter(|path| !path.contains(['(', '*', '$', '?']))
                .unwrap_or("/");
            add(
                facts,
                Host {
                    name: name.to_owned(),
                    service: service.and_then(Node::text).map(ToOwned::to_owned),
                    is_tls: secured.contains(&name),
                    path: own.to_owned(),
                    from: file.at(host.span.start),
                },
            );
        }
    }
}

/// Adds a name that can be reached from outside.
fn add(facts: &mut Facts, host: Host) {
    let is_plain = !host.name.is_empty() && !host.name.contains(['{', '*', '$', '<', ' ']);
    let is_known = facts.hosts.iter().any(|known| known.name == host.name && known.path == host.path);
    if is_plain && !is_known {
        facts.hosts.push(host);
    }
}
