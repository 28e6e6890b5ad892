//! The hosts that an item connects to, as far as its settings name them before it runs.

use url::Url;

use crate::checklist::Item;
use crate::yaml::{Node, Part, Value};

use super::fill::Scope;
use super::secrets::Secrets;

/// Host and port of each server in the settings of an item's probes and of its cleanup, each once.
pub fn hosts(item: &Item, scope: &Scope, secrets: &Secrets) -> Vec<String> {
    let mut hosts: Vec<String> = Vec::new();
    for probe in item.all_probes() {
        let settings = probe.settings.node();
        let text = |key: &str| settings.get(key).and_then(|node| text(node, scope, secrets));
        let url = text("url").and_then(|url| of_url(&url));
        let address = text("address").map(|address| address.to_ascii_lowercase());
        let host = text("host").map(|host| with_port(&host, text("port").as_deref().or(port(probe.kind.name()))));
        let found = [url, address, host].into_iter().flatten().find(|host| !hosts.contains(host));
        hosts.extend(found);
    }
    hosts
}

/// The text of a setting, up to the first value that comes from the item itself.
fn text(node: &Node, scope: &Scope, secrets: &Secrets) -> Option<String> {
    if let Ok(filled) = scope.fill(node, secrets) {
        return filled.text().map(str::to_owned);
    }
    match &node.value {
        Value::Unresolved(template) => match template.parts.first()? {
            Part::Text(text) => Some(text.clone()).filter(|text| has_whole_host(text)),
            Part::Reference(_) => None,
        },
        Value::Scalar(_) | Value::List(_) | Value::Map(_) => None,
    }
}

/// Whether the beginning of a URL goes further than its host.
fn has_whole_host(text: &str) -> bool {
    text.split_once("://").is_some_and(|(_, rest)| rest.contains(['/', '?', '#']))
}

/// Host and port of a URL; none if it does not lead to the network.
fn of_url(text: &str) -> Option<String> {
    let url = Url::parse(text.trim()).ok()?;
    let host = url.host_str().filter(|host| !host.is_empty())?.to_ascii_lowercase();
    // As in `postgresql+asyncpg`.
    let scheme = url.scheme().split('+').next().unwrap_or_default();
    let given = url.port_or_known_default().map(|port| port.to_string());
    Some(with_port(&host, given.as_deref().or(port(scheme))))
}

fn with_port(host: &str, port: Option<&str>) -> String {
    port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The default port of a scheme or kind that the `url` crate does not know.
fn port(scheme: &str) -> Option<&'static str> {
    match scheme {
        "postgres" | "postgresql" => Some("5432"),
        "mysql" | "mariadb" => Some("3306"),
        "redis" | "rediss" => Some("6379"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{has_whole_host, of_url};

    #[test]
    fn urls_of_one_server_name_one_host() {
        for (url, expected) in [
            ("http://API.staging.example/a?b", Some("api.staging.example:80")),
            ("https://me:secret@api.example/", Some("api.example:443")),
            ("http://api.example:8080", Some("api.example:8080")),
            ("http://[::1]:9090/x", Some("[::1]:9090")),
            ("postgresql+asyncpg://u:p@DB/app", Some("db:5432")),
            ("postgres://db:5432/other", Some("db:5432")),
            ("rediss://:p@cache/0", Some("cache:6379")),
            ("mysql://db/app", Some("db:3306")),
            ("sqlite:///data/app.db", None),
            ("not a URL", None),
        ] {
            assert_eq!(of_url(url).as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn the_beginning_of_a_url_names_a_host_only_when_it_is_complete() {
        assert!(has_whole_host("http://api.example/orders/"));
        assert!(!has_whole_host("http://api."));
        assert!(!has_whole_host("/orders"));
    }
}
