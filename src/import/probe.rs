//! How an item could be looked at, as far as its words tell.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

/// Probes for an item.
#[derive(Debug)]
pub struct Proposal {
    /// Entries of `probes`.
    pub probes: Vec<Value>,
    /// Whether they say all that the item says: then they stand in the checklist; else as a remark.
    pub is_sure: bool,
}

static URL: LazyLock<Regex> = LazyLock::new(|| regex(r#"https?://[^\s`"'<>)$]+"#));
static CURL: LazyLock<Regex> = LazyLock::new(|| regex(r"curl\s+(?:-\S+\s+)*(/[^\s`$]*)"));
static RETURNS: LazyLock<Regex> = LazyLock::new(|| regex(r"(?i)\b(?:returns?|gives|answers|is)\s+(\d{3})\b"));
static WORKFLOW: LazyLock<Regex> = LazyLock::new(|| regex(r"`(?:\.github/workflows/)?([\w.-]+\.ya?ml)`"));
static PATH: LazyLock<Regex> = LazyLock::new(|| regex(r"`((?:[\w.-]+/)+[\w.-]+\.\w+)`"));
static VARIABLE: LazyLock<Regex> = LazyLock::new(|| regex(r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b"));
static THERE: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?i)\b(?:exists?|present|created|in place|is there|available|set|configured)\b"));
static REVISION: LazyLock<Regex> = LazyLock::new(|| regex(r"\b([0-9a-f]{12}|\d{3,}_\w+)\b"));
static METRIC: LazyLock<Regex> = LazyLock::new(|| regex(r"`?([a-z][a-z0-9]*_[a-z0-9_]+)\s*==\s*(\d+)`?"));
static LIMIT: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?i)(\d+)\s+allowed,?\s+(?:and\s+)?(\d+)\s+(?:blocked|refused)"));
static COUNT: LazyLock<Regex> = LazyLock::new(|| regex(r"(?i)`?(\w+)`?\s+has\s+(\d+)\s+(?:entries|rows)"));
static DASHBOARDS: LazyLock<Regex> = LazyLock::new(|| regex(r"(?i)(\d+)\s+dashboards[^(]*(?:\(([^()]+)\))?"));

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("it is well formed")
}

/// Whether the words say more than one thing: a probe of the first would be green while the second is not so.
fn says_more(low: &str) -> bool {
    [" with ", " and ", ", ", "; "].iter().any(|word| low.contains(word))
}

/// What could be looked at. Nothing where the words tell nothing.
pub fn proposal(title: &str) -> Option<Proposal> {
    let unsure = |probe| Some(Proposal { probes: vec![probe], is_sure: false });
    let low = title.to_lowercase();
    if let Some(found) = status(title) {
        return Some(Proposal { probes: vec![found], is_sure: !says_more(&low) });
    }
    if let (Some(found), true) = (WORKFLOW.captures(title), THERE.is_match(title)) {
        let expect = if low.contains("workflow_dispatch only") { json!({ "dispatch_only": true }) } else { json!({}) };
        let path = format!(".github/workflows/{}", &found[1]);
        return Some(Proposal { is_sure: !says_more(&low), ..workflow(&path, &expect) });
    }
    if low.contains("alembic") {
        let expect = match REVISION.captures(title) {
            Some(found) => json!({ "at_head": true, "current": [found[1]] }),
            None => json!({ "at_head": true }),
        };
        return unsure(json!({
            "alembic": { "url": "${env.DATABASE_URL}", "config": "alembic.ini" }, "expect": expect,
        }));
    }
    if let Some(found) = METRIC.captures(title) {
        let value: Value = found[2].parse::<u64>().map_or(Value::Null, Value::from);
        return unsure(json!({
            "prometheus": { "url": "${env.PROMETHEUS_URL}", "query": found[1] }, "expect": { "values": { "every": value } },
        }));
    }
    if let Some(found) = DASHBOARDS.captures(title).filter(|_| low.contains("grafana")) {
        let count: u64 = found[1].parse().unwrap_or(1);
        let mut expect = json!({ "dashboards.count": { "at_least": count } });
        if let Some(titles) = found.get(2) {
            let titles: Vec<&str> = titles.as_str().split(',').map(str::trim).collect();
            expect["dashboards.titles"] = json!({ "contains": titles });
        }
        return unsure(
            json!({ "grafana": { "url": "${env.GRAFANA_URL}", "token": "${env.GRAFANA_TOKEN}" }, "expect": expect }),
        );
    }
    if let Some(found) = COUNT.captures(title) {
        let count: u64 = found[2].parse().unwrap_or(1);
        let query = format!("SELECT count(*) AS count FROM {}", &found[1]);
        return unsure(json!({
            "sql": { "url": "${env.DATABASE_URL}", "query": query }, "expect": { "rows[0].count": { "at_least": count } },
        }));
    }
    if let Some(found) = LIMIT.captures(title) {
        let (allowed, blocked) = (found[1].parse().unwrap_or(0_u64), found[2].parse().unwrap_or(0_u64));
        let expect = json!({ "by_status": { "200": allowed, "429": blocked } });
        return unsure(json!({
            "burst": { "url": "${env.STAGING_URL}/", "requests": allowed + blocked }, "expect": expect,
        }));
    }
    if let Some(found) = PATH.captures(title) {
        // A script that is there is not yet one that was run, and a text is not yet one that says what it should.
        let is_sure = THERE.is_match(title) && !says_more(&low);
        return Some(Proposal { probes: vec![json!({ "file": { "path": found[1] } })], is_sure });
    }
    let variables: Vec<&str> = VARIABLE.find_iter(title).map(|found| found.as_str()).collect();
    if !variables.is_empty() {
        // Several variables may be named, and nothing else.
        let rest = VARIABLE.replace_all(title, "").to_lowercase();
        let is_sure = THERE.is_match(title) && ![" with ", " and "].iter().any(|word| rest.contains(word));
        return Some(Proposal { probes: vec![json!({ "env": { "names": variables } })], is_sure });
    }
    if low.contains("redis") {
        return unsure(
            json!({ "redis": { "url": "${env.REDIS_URL}", "write": true }, "expect": { "pong": true, "writable": true } }),
        );
    }
    None
}

/// `curl /healthz returns 200`, or a whole address: an item that says no status is not known by it alone.
fn status(title: &str) -> Option<Value> {
    let status: u64 = RETURNS.captures(title)?[1].parse().ok()?;
    let url = match (URL.find(title), CURL.captures(title)) {
        (Some(url), _) => url.as_str().to_owned(),
        (None, Some(curl)) => format!("${{env.STAGING_URL}}{}", &curl[1]),
        (None, None) => return None,
    };
    Some(json!({ "http": { "url": url }, "expect": { "status": status } }))
}

fn workflow(path: &str, expect: &Value) -> Proposal {
    let mut probe = json!({ "workflow": { "path": path } });
    if expect != &json!({}) {
        probe["expect"] = expect.clone();
    }
    Proposal { probes: vec![probe], is_sure: true }
}
