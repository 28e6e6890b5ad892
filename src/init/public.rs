//! Items for the names under which services are public.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::json;

use super::draft::{Draft, Part, Proposal, literal};
use super::facts::{Facts, Host};

/// So many names become items.
const HOSTS: usize = 40;

/// Names that nobody outside can ask for.
static RESERVED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:^|\.)(?:localhost|example(?:\.(?:com|org|net))?|local|test|invalid|internal|lan|localdomain)$")
        .expect("it is well formed")
});
/// What can be a name, once variables are filled in.
static NAME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(?:[\w.-]|\$\{env\.\w+(?::-[\w.-]*)?\})+$").expect("it is well formed"));

/// Adds an item for every public name.
pub fn propose(facts: &Facts, draft: &mut Draft) {
    for host in facts.hosts.iter().filter(|host| NAME.is_match(&host.name)).take(HOSTS) {
        let item = item(host, facts, draft);
        draft.push(item);
    }
}

fn item(host: &Host, facts: &Facts, draft: &mut Draft) -> Proposal {
    let scheme = if host.is_tls { "https" } else { "http" };
    let service = host.service.as_ref().and_then(|name| facts.services.iter().find(|service| service.name == *name));
    let health = service.and_then(|service| service.health.as_ref()).filter(|_| host.path == "/");
    let path = health.map_or(&host.path, |route| &route.path);
    let mut settings = json!({ "url": format!("{scheme}://{}{}", host.name, literal(path)) });
    if path == "/" {
        settings["redirects"] = 5.into();
    }
    let mut probes = vec![json!({ "http": settings })];
    if host.is_tls {
        probes.push(json!({ "use": "tls-expiry", "with": { "address": format!("{}:443", host.name) } }));
    }
    let shown = host.name.replace("${env.", "${");
    let id = draft.id(&format!("public {}{}", shown, host.path.trim_end_matches('/')), Part::Public);
    let what = if host.is_tls { "answers, and its certificate is good for 14 days" } else { "answers" };
    let title = format!("{shown}{} {what}", if path == "/" { "" } else { path });
    let item = Proposal::new(Part::Public, id, title, &host.from, probes);
    if host.name.contains("${env.") {
        return item.doubtful("the name depends on a variable: set it, or write the name out");
    }
    if RESERVED.is_match(&host.name) {
        return item.doubtful("this is an example or a local name: write the public one");
    }
    item
}
