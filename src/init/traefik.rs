//! The public names that the labels of Traefik give to services.

use std::sync::LazyLock;

use regex::Regex;

use super::facts::Host;
use super::variable::filled;

static ROUTER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^traefik\.http\.routers\.([^.]+)\.(.+)$").expect("it is well formed"));
static HOST: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"(?i)Host\(\s*[`"']([^`"',)]+)[`"']"#).expect("it is well formed"));
static PREFIX: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"(?i)Path(?:Prefix)?\(\s*[`"'](/[\w./-]*)[`"']"#).expect("it is well formed"));

/// The hosts of a service. Each label has its key, its value, and where it is.
pub fn hosts(service: &str, labels: &[(String, String, String)]) -> Vec<Host> {
    let mut hosts: Vec<Host> = Vec::new();
    for (key, value, from) in labels {
        let key = filled(key).plain.unwrap_or_else(|| key.replace(['$', '{', '}'], ""));
        let Some(router) = ROUTER.captures(&key).filter(|found| &found[2] == "rule") else { continue };
        let Some(name) = HOST.captures(value).and_then(|found| filled(&found[1]).template) else { continue };
        let own = format!("traefik.http.routers.{}.", &router[1]);
        let is_tls = labels.iter().any(|(other, value, _)| {
            let other = filled(other).plain.unwrap_or_else(|| other.replace(['$', '{', '}'], ""));
            let setting = other.strip_prefix(&own).unwrap_or_default();
            let is_secure =
                setting == "entrypoints" && ["websecure", "https", "443"].iter().any(|word| value.contains(word));
            setting.starts_with("tls") && value != "false" || is_secure
        });
        let path = PREFIX.captures(value).map_or_else(|| "/".to_owned(), |found| found[1].to_owned());
        match hosts.iter_mut().find(|host| host.name == name && host.path == path) {
            Some(host) => host.is_tls |= is_tls,
            None => hosts.push(Host { name, service: Some(service.to_owned()), is_tls, path, from: from.clone() }),
        }
    }
    hosts
}
