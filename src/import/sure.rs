//! Lines in which every word is understood: only these become probes that run.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use super::credential::request;

/// A label before the line, which adds no meaning.
const HEAD: &str = r"(?:(?:ci|workflows?|github actions|secrets?|env|config|docs?|documentation|runbooks?|health|smoke|http|files?)\s*:\s*)?";

static STATUS: LazyLock<Regex> = LazyLock::new(|| {
    line(
        r"(?:GET |curl (?:-[sSfi]+ )?)?(https?://[^\s$<>@\\]+|/(?:[\w./~%?=&+-]|=\*{3})*) (?:returns|gives|answers|responds with) (?:HTTP )?([1-5]\d\d)(?: OK)?",
    )
});
static WORKFLOW: LazyLock<Regex> = LazyLock::new(|| {
    line(
        r"(?:workflow )?((?:\.github/workflows/)?[\w.-]+\.ya?ml) (?:exists|is there|is present|present)( \(workflow_dispatch only\)|, workflow_dispatch only)?",
    )
});
static CI: LazyLock<Regex> = LazyLock::new(|| regex(r"(?i)^(?:ci|workflows?|github actions)\s*:|^workflow "));
static FILE: LazyLock<Regex> =
    LazyLock::new(|| line(r"((?:[\w-][\w.-]*/)*[\w-][\w.-]*\.\w+) (?:exists|is there|is present|present|is in place)"));
static NAMES: LazyLock<Regex> = LazyLock::new(|| line(r"(NAME(?:(?: IS)?(?: and |, and |, |; )NAME)*(?: IS)?)"));
static NAME: LazyLock<Regex> = LazyLock::new(|| regex(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b"));
static SET: LazyLock<Regex> = LazyLock::new(|| regex(r"(?i)\b(?:present|set|exists?|defined)\b"));

/// Words that negate a line, or limit it.
static NEGATED: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)\b(?:no|not|never|none|nor|without|neither|nothing|cannot|\w+n['’]t|avoid|removed?|delet\w*|forbidden|absent|gone|old|legacy|obsolete|deprecated|unused|except|unless|until)\b|~~",
    )
});
static ASSIGNMENT: LazyLock<Regex> = LazyLock::new(|| regex(r"\w=[^=\s]"));
/// Words about another place, or a condition.
static ELSEWHERE: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?i)\b(?:prod|production|vault|only|if|when|in|on|at|inside|from)\b(?: |$)|="));

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("it is well formed")
}

/// A pattern of a whole line.
fn line(pattern: &str) -> Regex {
    let name = r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+";
    let is = "(?:(?:is |are )?(?:present|set|exists?|defined))";
    regex(&format!("^(?i:{HEAD})(?:{})\\.?$", pattern.replace("NAME", name).replace("IS", is)))
}

/// Whether words require a value of a variable, such as `MOCK_REDIS=false`.
pub fn is_assignment(words: &str) -> bool {
    ASSIGNMENT.is_match(words)
}

/// Whether words say that something must not be the case, or with exceptions.
pub fn is_negated(words: &str) -> bool {
    NEGATED.is_match(words)
}

/// Whether the words around a line, such as its headings, make its meaning unclear.
pub fn is_doubtful(words: &str) -> bool {
    is_negated(words) || ELSEWHERE.is_match(words)
}

/// The probes of a line of which every word is understood.
pub fn probes(title: &str) -> Option<Vec<Value>> {
    // Backticks only mark code; inside words their meaning is unknown.
    let bare = title.replace('`', "");
    if let Some(found) = STATUS.captures(&bare) {
        let (place, status) = (&found[1], found[2].parse::<u64>().ok()?);
        let url = if place.starts_with('/') { format!("${{env.STAGING_URL}}{place}") } else { place.to_owned() };
        return Some(vec![json!({ "http": request(&url, ""), "expect": { "status": status } })]);
    }
    if let Some(found) = WORKFLOW.captures(&bare) {
        let path = &found[1];
        let is_dispatched = found.get(2).is_some();
        if is_dispatched || CI.is_match(&bare) || path.contains('/') {
            let path = format!(".github/workflows/{}", path.trim_start_matches(".github/workflows/"));
            return Some(vec![match is_dispatched {
                true => json!({ "use": "workflow-dispatch-only", "with": { "path": path } }),
                false => json!({ "workflow": { "path": path } }),
            }]);
        }
    }
    if let Some(found) = FILE.captures(&bare).filter(|_| title.contains('`')) {
        return Some(vec![json!({ "file": { "path": &found[1] } })]);
    }
    let names: Vec<&str> = NAME.find_iter(&bare).map(|name| name.as_str()).collect();
    if NAMES.is_match(&bare) && SET.is_match(&NAME.replace_all(&bare, "")) {
        return Some(vec![json!({ "use": "secrets-present", "with": { "names": names } })]);
    }
    None
}
