//! Ports and health check of the service that a Dockerfile builds.

use super::facts::{Facts, Port, Service};
use super::health;
use super::repository::{Repository, file_name, folder_of};

/// Adds facts from the Dockerfiles to the services that are built in their folders. If no file names any service, the
/// repository's own Dockerfile is one.
pub fn read(repository: &mut Repository, facts: &mut Facts) {
    let files = repository.paths(|path| file_name(path) == "Dockerfile");
    for path in files {
        let built: Vec<usize> = (0..facts.services.len())
            .filter(|at| facts.services[*at].build.as_deref() == Some(folder_of(&path)))
            .collect();
        let is_alone = facts.services.is_empty() && !path.contains('/');
        if built.is_empty() && !is_alone {
            continue;
        }
        let Some(text) = repository.text(&path) else { continue };
        let mut service =
            Service { name: "app".to_owned(), from: path.clone(), build: Some(String::new()), ..Service::default() };
        instructions(&path, &text, &mut service);
        for at in built {
            let known = &mut facts.services[at];
            known.inner.extend(&service.inner);
            known.health = known.health.take().or_else(|| service.health.clone());
            known.has_check |= service.has_check;
        }
        if is_alone && !service.inner.is_empty() {
            service.ports = service.inner.iter().map(|port| Port::same(*port)).collect();
            facts.services.push(service);
        }
    }
}

fn instructions(path: &str, text: &str, service: &mut Service) {
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let mut whole = line.trim().to_owned();
        while whole.ends_with('\\') {
            whole.pop();
            let Some((_, next)) = lines.next() else { break };
            whole.push_str(next.trim());
        }
        let (instruction, rest) = whole.split_once(char::is_whitespace).unwrap_or((&whole, ""));
        match instruction.to_ascii_uppercase().as_str() {
            // Another stage begins: only the last one is run.
            "FROM" => (service.inner, service.health, service.has_check) = (Vec::new(), None, false),
            "EXPOSE" => {
                let ports =
                    rest.split_whitespace().filter_map(|port| port.trim_end_matches("/tcp").parse::<u16>().ok());
                service.inner.extend(ports.take(16));
            }
            "HEALTHCHECK" => {
                service.has_check = !rest.trim_start().starts_with("NONE");
                service.health = health::route(rest, &format!("{path}:{}", number + 1));
            }
            _ => {} // irrelevant for how to reach it
        }
    }
}
