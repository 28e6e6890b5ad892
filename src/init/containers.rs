//! Items for services that can't be reached from outside: Docker and Kubernetes know their state.

use std::collections::{BTreeMap, HashSet};

use serde_json::json;

use super::draft::{Draft, Part, Proposal, literal};
use super::facts::Service;
use super::repository::Repository;

/// Adds one item for all services of a kind.
pub fn propose(services: &[&Service], repository: &Repository, draft: &mut Draft) {
    let (cluster, compose): (Vec<&Service>, Vec<&Service>) = services.iter().partition(|service| service.is_in_cluster);
    // Services of one file that are checked in the same way make one item.
    let mut groups: BTreeMap<(&str, bool), Vec<&Service>> = BTreeMap::new();
    for service in compose.into_iter().filter(|service| !service.is_optional) {
        groups.entry((service.file(), !service.has_check)).or_default().push(service);
    }
    for ((file, is_unchecked), services) in groups {
        let (word, mut expect) = match is_unchecked {
            true => ("running", json!({})),
            false => ("healthy", json!({ "json.Health": "healthy" })),
        };
        expect["json.State"] = "running".into();
        let docker = docker(repository, file);
        let argv: Vec<&str> = docker.iter().map(String::as_str).chain(["ps", "--format", "json", "${each}"]).collect();
        let probe = json!({ "command": { "argv": argv, "read_only": true }, "expect": expect });
        let id = draft.id(word, Part::Services);
        let from = services.first().map(|first| first.from.clone()).unwrap_or_default();
        let mut item = Proposal::new(Part::Services, id, format!("${{each}} is {word}"), from, vec![probe]);
        item.each = services.iter().map(|service| service.name.as_str().into()).collect();
        item.hint = Some(format!("{} logs ${{each}}", docker.join(" ")));
        draft.push(item.doubtful("no port is published: gate must run on the machine of the containers, with Docker"));
    }
    workloads(&cluster, draft);
}

/// The command of Docker for the services of a file: it looks for the file in the folder that it runs in.
pub fn docker(repository: &Repository, file: &str) -> Vec<String> {
    let named = file.contains('/').then(|| ["--file".to_owned(), literal(&repository.setting(file))]);
    ["docker", "compose"].map(ToOwned::to_owned).into_iter().chain(named.into_iter().flatten()).collect()
}

/// Workloads of Kubernetes.
fn workloads(services: &[&Service], draft: &mut Draft) {
    let Some(first) = services.first() else { return };
    let argv = ["kubectl", "rollout", "status", "${each.workload}", "--namespace=${each.namespace}", "--timeout=5s"];
    let probe = json!({ "command": { "argv": argv, "read_only": true } });
    let id = draft.id("rolled out", Part::Services);
    let mut item = Proposal::new(Part::Services, id, "${each.name} is rolled out", &first.from, vec![probe]);
    let mut names: HashSet<&str> = HashSet::new();
    for service in services.iter().filter(|service| names.insert(&service.name)) {
        let (workload, namespace) = service.command.split_once(' ').unwrap_or((&service.command, "default"));
        item.each.push(json!({ "name": service.name, "workload": workload, "namespace": namespace }));
    }
    draft.push(item.held("gate must run where kubectl reaches the cluster"));
}
