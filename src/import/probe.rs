//! How an item could be checked, as far as its words show: a proposal for a person to read.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use super::credential::request;

static URL: LazyLock<Regex> = LazyLock::new(|| regex(r#"(?i:https?)://(?:(?:[^\s/:@`]+:)?\*{3}:?@)?[^\s`"'<>)$@]+"#));
static PATH_OF_URL: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?:curl\s+(?:-\S+\s+)*|GET\s+|^`?)(/(?:[\w./~%?=&+-]|=\*{3})*)"));
static RETURNS: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?i)\b(?:returns?|gives|answers|is|responds with)\s+(?:HTTP )?([1-5]\d\d)\b"));
static WORKFLOW: LazyLock<Regex> = LazyLock::new(|| regex(r"\.github/workflows/([\w.-]+\.ya?ml)"));
static YAML: LazyLock<Regex> = LazyLock::new(|| regex(r"`([\w-][\w.-]*\.ya?ml)`"));
static CI: LazyLock<Regex> = LazyLock::new(|| regex(r"(?i)\b(?:ci|workflows?|github actions)\b"));
static PATH: LazyLock<Regex> = LazyLock::new(|| regex(r"`((?:[\w-][\w.-]*/)+[\w-][\w.-]*\.\w+)`"));
static VARIABLE: LazyLock<Regex> = LazyLock::new(|| regex(r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b"));
static REVISION: LazyLock<Regex> = LazyLock::new(|| regex(r"\b([0-9a-f]{12}|\d{3,}_\w+)\b"));
static METRIC: LazyLock<Regex> = LazyLock::new(|| regex(r"`?([a-z][a-z0-9]*_[a-z0-9_]+)\s*==\s*(\d{1,15})`?"));
static LIMIT: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?i)(\d{1,6})\s+allowed,?\s+(?:and\s+)?(\d{1,6})\s+(?:blocked|refused)"));
static COUNT: LazyLock<Regex> = LazyLock::new(|| regex(r"(?i)`?\b([a-z_]\w*)`?\s+has\s+(\d{1,15})\s+(?:entries|rows)"));
static DASHBOARDS: LazyLock<Regex> = LazyLock::new(|| regex(r"(?i)(\d{1,6})\s+dashboards[^(]*(?:\(([^()]+)\))?"));
static PORT: LazyLock<Regex> = LazyLock::new(|| regex(r"(?i)\bport\s+(\d{1,5})\b"));
static DATABASE: LazyLock<Regex> = LazyLock::new(|| regex(r"(?i)\b(?:postgres(?:ql)?|mysql|mariadb)(?:\+\w+)?://"));

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("it is well formed")
}

/// The probes of an item. None if the words don't show any. A value that may contain a password is always a secret.
pub fn proposal(title: &str) -> Option<Vec<Value>> {
    let low = title.to_lowercase();
    let probe = status(title)
        .or_else(|| workflow(title))
        .or_else(|| alembic(title, &low))
        .or_else(|| metric(title))
        .or_else(|| grafana(title, &low))
        .or_else(|| rows(title))
        .or_else(|| limit(title))
        .or_else(|| Some(json!({ "file": { "path": &PATH.captures(title)?[1] } })))
        .or_else(|| variables(title))
        .or_else(|| service(title, &low))?;
    Some(vec![probe])
}

/// `curl /healthz returns 200`, or a whole address.
fn status(title: &str) -> Option<Value> {
    let status: u64 = RETURNS.captures(title)?[1].parse().ok()?;
    let url = match (URL.find(title), PATH_OF_URL.captures(title)) {
        (Some(url), _) => url.as_str().to_owned(),
        (None, Some(path)) => format!("${{env.STAGING_URL}}{}", &path[1]),
        (None, None) => return None,
    };
    Some(json!({ "http": request(&url, title), "expect": { "status": status } }))
}

fn workflow(title: &str) -> Option<Value> {
    let name = WORKFLOW.captures(title).or_else(|| YAML.captures(title).filter(|_| CI.is_match(title)))?;
    let path = format!(".github/workflows/{}", &name[1]);
    Some(json!({ "workflow": { "path": path } }))
}

fn alembic(title: &str, low: &str) -> Option<Value> {
    let expect = match REVISION.captures(title) {
        Some(found) => json!({ "at_head": true, "current": [found[1]] }),
        None => json!({ "at_head": true }),
    };
    let settings = json!({ "url": "${secrets.DATABASE_URL}", "config": "alembic.ini" });
    low.contains("alembic").then(|| json!({ "alembic": settings, "expect": expect }))
}

fn metric(title: &str) -> Option<Value> {
    let found = METRIC.captures(title)?;
    let value: u64 = found[2].parse().ok()?;
    let settings = json!({ "url": "${env.PROMETHEUS_URL}", "query": &found[1] });
    Some(json!({ "prometheus": settings, "expect": { "values": { "every": value } } }))
}

fn grafana(title: &str, low: &str) -> Option<Value> {
    let found = DASHBOARDS.captures(title).filter(|_| low.contains("grafana"))?;
    let count: u64 = found[1].parse().ok()?;
    let mut expect = json!({ "dashboards.count": { "at_least": count } });
    if let Some(titles) = found.get(2) {
        let titles: Vec<&str> = titles.as_str().split(',').map(str::trim).collect();
        expect["dashboards.titles"] = json!({ "contains": titles });
    }
    let settings = json!({ "url": "${env.GRAFANA_URL}", "token": "${secrets.GRAFANA_TOKEN}" });
    Some(json!({ "grafana": settings, "expect": expect }))
}

fn rows(title: &str) -> Option<Value> {
    let found = COUNT.captures(title)?;
    let count: u64 = found[2].parse().ok()?;
    let settings = json!({ "url": "${secrets.DATABASE_URL}", "query": format!("SELECT count(*) FROM {}", &found[1]) });
    Some(json!({ "sql": settings, "expect": { "value": { "at_least": count } } }))
}

fn limit(title: &str) -> Option<Value> {
    let found = LIMIT.captures(title)?;
    let (allowed, blocked): (u64, u64) = (found[1].parse().ok()?, found[2].parse().ok()?);
    let settings = json!({ "url": "${env.STAGING_URL}/", "requests": allowed + blocked });
    Some(json!({ "burst": settings, "expect": { "by_status": { "200": allowed, "429": blocked } } }))
}

/// Variables that are named and are not addresses of servers.
fn variables(title: &str) -> Option<Value> {
    let is_known = |name: &&str| !["REDIS_URL", "DATABASE_URL"].contains(name);
    let names: Vec<&str> = VARIABLE.find_iter(title).map(|found| found.as_str()).filter(is_known).collect();
    (!names.is_empty()).then(|| json!({ "use": "secrets-present", "with": { "names": names } }))
}

/// A server that is mentioned.
fn service(title: &str, low: &str) -> Option<Value> {
    if low.trim_start_matches('`').starts_with("redis") {
        let mut redis = match PORT.captures(title).and_then(|found| found[1].parse::<u16>().ok()) {
            Some(port) => json!({ "host": "${env.REDIS_HOST}", "port": port }),
            None => json!({ "url": "${secrets.REDIS_URL}" }),
        };
        if !low.contains("writ") {
            return Some(json!({ "redis": redis }));
        }
        redis["write"] = json!(true);
        return Some(json!({ "redis": redis, "expect": { "writable": true } }));
    }
    let is_database = DATABASE.is_match(title) || low.contains("database_url");
    is_database.then(|| json!({ "sql": { "url": "${secrets.DATABASE_URL}", "query": "SELECT 1" } }))
}
