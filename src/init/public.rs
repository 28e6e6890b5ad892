//! Items for the names under which services are public.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::json;

use super::draft::{Draft, Part, Proposal, literal};
use super::facts::{Facts, Host};
use super::image::{self, Software};

/// Maximum number of names that become items.
const HOSTS: usize = 40;

/// Names that can't be reached from outside.
static RESERVED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:^|\.)(?:localhost|example(?:\.(?:com|org|net))?|local|test|invalid|internal|lan|localdomain)$")
        .expect("it is well formed")
});
/// Matches valid names, with variables filled in.
static NAME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(?:[\w.-]|\$\{env\.\w+(?::-[\w.-]*)?\})+$").expect("it is well formed"));

/// Adds an item for every public name.
pub fn propose(facts: &Facts, draft: &mut Draft) {
    let service = |host: &Host| facts.services.iter().find(|own| host.service.as_ref() == Some(&own.name));
    let is_tool = |host: &Host| service(host).is_some_and(|own| own.is_job || image::of(own) == Some(Software::Tool));
    // Beside a name with TLS, one without it is for developers.
    let is_beside = |host: &Host| {
        !host.is_tls
            && host.service.is_some()
            && facts.hosts.iter().any(|other| other.is_tls && other.service == host.service)
    };
    let is_wanted = |host: &&Host| NAME.is_match(&host.name) && !is_tool(host) && !is_beside(host);
    for host in facts.hosts.iter().filter(is_wanted).take(HOSTS) {
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
    // A name with a variable is not known yet: then the service behind it says more.
    let shown = match (host.name.contains("${env."), &host.service) {
        (false, _) => host.name.clone(),
        (true, Some(service)) => format!("{service}: its public address"),
        (true, None) => "The public address".to_owned(),
    };
    let words = if host.name.contains("${env.") { host.service.as_deref().unwrap_or_default() } else { &host.name };
    let id = draft.id(&format!("public {words}{}", host.path.trim_end_matches('/')), Part::Public);
    let what = if host.is_tls { "answers, and its certificate is good for 14 days" } else { "answers" };
    let path = if path == "/" || host.name.contains("${env.") { "" } else { path };
    let title = format!("{shown}{path} {what}");
    let item = Proposal::new(Part::Public, id, title, &host.from, probes);
    if host.name.contains("${env.") {
        return item.doubtful("the name depends on a variable: set it, or write the name out");
    }
    if RESERVED.is_match(&host.name) {
        return item.doubtful("this is an example or a local name: write the public one");
    }
    item
}
