//! Credentials in a list: an imported checklist is read by others, and kept in Git.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::{Value, json};

use crate::checklist::sets_credential;
use crate::text::credential::TOKEN;

/// The replacement of a credential.
const HIDDEN: &str = "***";

/// Passwords of addresses, and of `curl -u NAME:PASSWORD`.
static PASSWORDS: LazyLock<[Regex; 2]> = LazyLock::new(|| {
    [
        regex(r"\b[A-Za-z][\w+.-]*://[^\s/:@`]*:(?<value>[^\s/@`]+)@"),
        regex(r#"\bcurl\b[^\n`]*?\s(?:-u|--user)[ =]?["']?[^\s:"'`]+:(?<value>[^\s"'`]+)"#),
    ]
});
/// `token=…`, `"password": "…"`, `Authorization: Bearer …`, `--api-key …`, and `Bearer …` alone.
static SETTINGS: LazyLock<[Regex; 3]> = LazyLock::new(|| {
    let value = r#"(?<quote>["']?)(?:(?i:bearer|basic|token|apikey)[ \t]+)?(?<value>[^\s"'`&#<>|,;)\]}\\]+)"#;
    [
        regex(&format!(r#"(?<key>[A-Za-z][\w-]*)["']?[ \t]*(?<sign>[:=])[ \t]*{value}"#)),
        regex(&format!(r"--(?<key>[a-z][\w-]*)[ \t]+{value}")),
        regex(r#"\b(?<key>(?i:bearer))[ \t]+(?<quote>["']?)(?<value>[^\s"'`&#<>|,;)\]}\\]+)"#),
    ]
});
/// The name of a variable, not the value.
static NAME: LazyLock<Regex> = LazyLock::new(|| regex(r"^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$"));
/// An address with what is hidden in it.
static LOGIN: LazyLock<Regex> = LazyLock::new(|| regex(r"^(https?://)([^\s/:@]+):\*\*\*@"));
static QUERY: LazyLock<Regex> = LazyLock::new(|| regex(r"([?&]([\w.-]+)=)\*\*\*"));
static HOST: LazyLock<Regex> = LazyLock::new(|| regex(r"^https?://(?:[^\s/@]*@)?([\w.-]+)"));
/// Hidden values in a command.
static BEARER: LazyLock<Regex> = LazyLock::new(|| regex(r"(?i)\bbearer\s+\*\*\*"));
static USER: LazyLock<Regex> = LazyLock::new(|| regex(r#"\s(?:-u|--user)[ =]?["']?([^\s:"'`]+):\*\*\*"#));

/// Words in place of a credential: an example, or what a list says about it.
const WORDS: [&str; 21] = [
    "bad", "changeme", "empty", "example", "expired", "false", "invalid", "missing", "no", "none", "null", "off", "on",
    "optional", "present", "redacted", "required", "set", "true", "wrong", "yes",
];

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("it is well formed")
}

/// A credential that was replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// Its line, from 1.
    pub line: usize,
    /// Its name for a message, such as `a password`.
    pub what: String,
}

/// The text with `***` for every credential in it, and what was replaced.
pub fn hidden(text: &str) -> (Cow<'_, str>, Vec<Replaced>) {
    let mut replaced = Vec::new();
    let mut text = Cow::Borrowed(text);
    let named = |what: &'static str| move |_: &Captures| Some(what.to_owned());
    for pattern in PASSWORDS.iter() {
        text = replace(text, pattern, named("a password"), &mut replaced);
    }
    text = replace(text, &TOKEN, named("a token"), &mut replaced);
    for pattern in SETTINGS.iter() {
        text = replace(text, pattern, setting, &mut replaced);
    }
    replaced.sort_by_key(|found| found.line);
    (text, replaced)
}

/// Replaces the values that a pattern finds and `what` has words for.
fn replace<'t>(
    text: Cow<'t, str>,
    pattern: &Regex,
    what: impl Fn(&Captures) -> Option<String>,
    replaced: &mut Vec<Replaced>,
) -> Cow<'t, str> {
    let (mut line, mut counted, mut at, mut copied) = (1, 0, 0, 0);
    let mut out = String::new();
    while let Some(found) = pattern.captures_at(&text, at) {
        let value = found.name("value").or(found.get(0)).expect("it was found");
        let Some(what) = what(&found).filter(|_| !is_example(value.as_str())) else {
            at = value.start(); // the value may be the name of another
            continue;
        };
        line += text[counted..value.start()].matches('\n').count();
        counted = value.start();
        replaced.push(Replaced { line, what });
        out.push_str(&text[copied..value.start()]);
        out.push_str(HIDDEN);
        let end = quoted_end(&found, &text).unwrap_or(value.end());
        (at, copied) = (end, end);
    }
    if copied == 0 {
        return text;
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

/// Where a value in quotes ends, which may have blanks.
fn quoted_end(found: &Captures, text: &str) -> Option<usize> {
    let quote = found.name("quote").filter(|quote| !quote.is_empty())?;
    let line = text[quote.end()..].lines().next()?;
    Some(quote.end() + line.find(quote.as_str())?).filter(|end| *end >= found["value"].len() + quote.end())
}

/// The words for the value of a setting, if that is a credential.
fn setting(found: &Captures) -> Option<String> {
    let (key, value) = (&found["key"], &found["value"]);
    let is_set = found.name("sign").is_some_and(|sign| sign.as_str() == "=") || !found["quote"].is_empty();
    let is_header = key.eq_ignore_ascii_case("bearer");
    let is_credential = is_header || sets_credential(key, value);
    (is_credential && (is_set || looks_secret(value))).then(|| format!("the value of `{key}`"))
}

/// Whether a value does not look like a word of a sentence, such as that after `Token: rotated`.
fn looks_secret(value: &str) -> bool {
    let has = |is: fn(char) -> bool| value.contains(is);
    let has_both_cases = has(|c| c.is_ascii_uppercase()) && has(|c| c.is_ascii_lowercase()) && value.len() >= 20;
    let has_digits = has(|c| c.is_ascii_digit()) && has(|c| c.is_ascii_alphabetic()) && value.len() >= 6;
    (has_both_cases || has_digits) && !value.contains("://") && !NAME.is_match(value)
}

fn is_example(value: &str) -> bool {
    value.starts_with(['$', '<', '{', '*', '…', '.'])
        || value.contains(HIDDEN)
        || value.chars().all(|c| c == 'x')
        || WORDS.contains(&value.to_ascii_lowercase().as_str())
}

/// The settings of a request to an address: what is hidden in it, or in the command around it, is a secret, named after
/// the host.
pub fn request(address: &str, words: &str) -> Value {
    let host = HOST.captures(address).map_or("staging", |found| found.get(1).expect("it has one").as_str());
    let secret = |key: &str| format!("${{secrets.{}}}", name(&format!("{host}_{key}")));
    let url = LOGIN.replace(address, "$1");
    let url = QUERY.replace_all(&url, |found: &Captures| format!("{}{}", &found[1], secret(&found[2])));
    let mut settings = json!({ "url": url });
    let login = LOGIN.captures(address).map(|found| found[2].to_owned());
    let option = || USER.captures(words).map(|found| found[1].to_owned());
    if let Some(user) = login.or_else(option) {
        settings["user"] = user.into();
        settings["password"] = secret("password").into();
    } else if BEARER.is_match(words) {
        settings["token"] = secret("bearer_token").into();
    }
    settings
}

/// Words as the name of a secret.
fn name(words: &str) -> String {
    let name: String =
        words.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("HOST_{name}") } else { name }
}
