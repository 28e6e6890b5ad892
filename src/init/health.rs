//! Finds health routes in commands and texts.

use std::sync::LazyLock;

use regex::Regex;

use super::facts::Route;

/// An address of this machine, with a scheme or a port.
static LOCAL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\])(?::(\d{1,5}))?|\b(?:localhost|127\.0\.0\.1|0\.0\.0\.0):(\d{1,5}))(/[\w./~-]*)?")
        .expect("it is well formed")
});
/// A path about health, as a whole word.
static HEALTH: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^/(?:[\w-]+/)*(?:-/)?(?:health[\w-]*|ready\w*|live\w*|liveness\w*|readiness\w*|ping|status|up|heartbeat|version|_cluster/health)/?$")
        .expect("it is well formed")
});
/// A path in a text: in backticks, quotes or brackets, or after a method.
static PATH: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"(?:[`"'(]|\bGET )(/[\w./-]{1,80})(?:[`"')\s]|$)"#).expect("it is well formed"));

/// The route of an HTTP request that a health check makes.
pub fn route(command: &str, from: &str) -> Option<Route> {
    let found = LOCAL.captures(command)?;
    let port = match found.get(1).or(found.get(2)) {
        Some(port) => Some(port.as_str().parse().ok()?),
        None if found[0].starts_with("https") => Some(443),
        None => Some(80),
    };
    // A port alone may be of any protocol.
    let is_request = found[0].starts_with("http") || found.get(3).is_some();
    let path = found.get(3).map_or("/", |path| path.as_str()).to_owned();
    is_request.then(|| Route { port, path, from: from.to_owned() })
}

/// Whether the name of a path is about health or the version.
pub fn is_health(path: &str) -> bool {
    HEALTH.is_match(path)
}

/// Whether the name of a path is about the version.
pub fn is_version(path: &str) -> bool {
    path.trim_end_matches('/').ends_with("version")
}

/// The routes about health and versions that a line of a text mentions.
pub fn mentioned(line: &str, from: &str) -> Vec<Route> {
    let local = LOCAL.captures_iter(line).filter_map(|found| {
        let port = found.get(1).or(found.get(2)).and_then(|port| port.as_str().parse().ok());
        Some((port, found.get(3)?.as_str().to_owned()))
    });
    let bare = PATH.captures_iter(line).map(|found| (None, found[1].to_owned()));
    let all = local.chain(bare).map(|(port, path)| Route {
        port,
        path: path.trim_end_matches('.').to_owned(),
        from: from.to_owned(),
    });
    all.filter(|route| is_health(&route.path)).collect()
}

#[cfg(test)]
mod tests {
    use super::{mentioned, route};

    #[test]
    fn the_request_of_a_health_check_is_found() {
        let cases = [
            ("CMD curl -f http://localhost:8000/health", "8000/health"),
            ("CMD-SHELL wget -qO- 127.0.0.1:3000/-/ready || exit 1", "3000/-/ready"),
            ("curl -f http://localhost || exit 1", "80/"),
            ("curl -k https://127.0.0.1/x?token=abc", "443/x"),
            ("pg_isready -h localhost -p 5432", ""),
            ("nc -z localhost:5432", ""),
            ("curl http://localhost:99999/", ""),
        ];
        for (command, expected) in cases {
            let found = route(command, "f").map(|route| format!("{}{}", route.port.unwrap_or_default(), route.path));
            assert_eq!(found.unwrap_or_default(), expected, "{command}");
        }
    }

    #[test]
    fn routes_about_health_are_found_in_a_text() {
        let found = |line| -> Vec<String> { mentioned(line, "f").into_iter().map(|route| route.path).collect() };
        assert_eq!(found("see http://localhost:8000/healthz."), ["/healthz"]);
        assert_eq!(found("`GET /api/v1/version` and `/users`"), ["/api/v1/version"]);
        assert_eq!(found("in /usr/status and \"/health\""), ["/health"]);
    }
}
