//! The requirements of an item, kept with its result so that a later run can detect weaker ones.

use sha2::{Digest, Sha256};

use crate::diagnostic::Sources;
use crate::run::{Demand, Demands, ProbeRequirement, Requirements};
use crate::yaml::Node;

use super::{BUILT_IN, Checklist, Item, ProbeTask, RetryPolicy, Secret, SecretSource, source};

/// The requirements of a checklist, without its secrets.
pub fn demands(checklist: &Checklist) -> Demands {
    let redactor = &checklist.redactor;
    let items = checklist.items().map(|item| Demand {
        id: item.id.to_string(),
        advisory: item.advisory,
        deferred: item.deferred.as_ref().map(|why| redactor.redact(why).into_owned()),
        source: Some(source(item, checklist)),
        requirements: Some(requirements(item, &checklist.secrets, &checklist.sources)),
    });
    let gaps = checklist.gaps.iter().cloned().map(|mut gap| {
        gap.gap = redactor.redact(&gap.gap).into_owned();
        gap
    });
    Demands { items: items.collect(), gaps: gaps.collect(), is_partial: false }
}

/// The requirements of an item.
pub fn requirements(item: &Item, secrets: &[Secret], sources: &Sources) -> Requirements {
    let mut used: Vec<(String, String)> = Vec::new();
    for reference in item.unresolved().flat_map(Node::references) {
        let Some(name) = reference.path.strip_prefix("secrets.") else { continue };
        let Some(secret) = secrets.iter().find(|secret| secret.name == name) else { continue };
        if !used.iter().any(|(known, _)| known == name) {
            used.push((name.to_owned(), digest(&words(&secret.source))));
        }
    }
    let own = item.probes.iter().map(|task| probe(task, sources));
    // A kind of its own: it is compared with the cleanup of before, not with probes.
    let cleanup = item.cleanup.iter().map(|task| probe(task, sources));
    let cleanup = cleanup.map(|one| ProbeRequirement { kind: format!("cleanup {}", one.kind), ..one });
    Requirements { probes: own.chain(cleanup).collect(), secrets: used }
}

fn probe(task: &ProbeTask, sources: &Sources) -> ProbeRequirement {
    let expectations = task.expectations.node().unwrap_or(&task.info.expect);
    let insecure = task.settings.node().get("insecure").and_then(Node::text);
    ProbeRequirement {
        kind: task.kind.name().to_owned(),
        check: task.used.as_ref().map(|used| used.check.to_string()),
        is_own_check: task.used.as_ref().is_some_and(|used| {
            let text = &sources.get(task.span.file).text;
            !BUILT_IN.iter().any(|(name, ours)| *name == &*used.check && ours == text)
        }),
        expectations: expectations
            .entries()
            .iter()
            .map(|(path, matcher)| (path.text.to_string(), digest(&matcher.to_text_json().to_string())))
            .collect(),
        timeout_ms: u64::try_from(task.timing.timeout.as_millis()).unwrap_or(u64::MAX),
        attempts: match task.timing.retry {
            RetryPolicy::Never => 1,
            RetryPolicy::Retry { attempts, .. } => attempts,
            RetryPolicy::Eventually { .. } => 0,
        },
        insecure: insecure.is_some_and(|text| text.eq_ignore_ascii_case("true")),
    }
}

fn words(source: &SecretSource) -> String {
    match source {
        SecretSource::Env(name) => format!("env {name}"),
        SecretSource::File(path) => format!("file {}", path.display()),
        SecretSource::Command(argv) => format!("command {}", argv.join("\0")),
    }
}

/// Enough of a SHA-256 to detect a change.
fn digest(text: &str) -> String {
    hex::encode(&Sha256::digest(text)[..8])
}
