//! Items for services that nothing outside can reach: Docker and Kubernetes know their state.

use std::collections::HashSet;

use serde_json::json;

use super::draft::{Draft, Part, Proposal};
use super::facts::Service;

/// Adds one item for all services of a kind.
pub fn propose(services: &[&Service], draft: &mut Draft) {
    let (cluster, compose): (Vec<&Service>, Vec<&Service>) = services.iter().partition(|service| service.is_in_cluster);
    let (checked, unchecked): (Vec<&Service>, Vec<&Service>) =
        compose.into_iter().filter(|service| !service.is_optional).partition(|service| service.has_check);
    for (services, word, health) in [(checked, "healthy", Some("healthy")), (unchecked, "running", None)] {
        let Some(first) = services.first() else { continue };
        let argv = ["docker", "compose", "ps", "--format", "json", "${each}"];
        let mut expect = json!({ "json.State": "running" });
        if let Some(health) = health {
            expect["json.Health"] = health.into();
        }
        let probe = json!({ "command": { "argv": argv, "read_only": true }, "expect": expect });
        let id = draft.id(word, Part::Services);
        let mut item = Proposal::new(Part::Services, id, format!("${{each}} is {word}"), &first.from, vec![probe]);
        item.each = services.iter().map(|service| service.name.as_str().into()).collect();
        item.hint = Some("docker compose logs ${each}".to_owned());
        draft.push(item.doubtful("no port is published: gate must run on the machine of the containers, with Docker"));
    }
    workloads(&cluster, draft);
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
