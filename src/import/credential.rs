//! Credentials in a list: an imported checklist is read by others, and kept in Git.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::{Value, json};

use crate::checklist::sets_credential;
use crate::text::cells;
use crate::text::credential::TOKEN;

/// The replacement of a credential.
const HIDDEN: &str = "***";

/// Passwords of addresses, up to the last `@` before the path, and of commands.
static PASSWORDS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let options = [
        r#"curl\b[^\n`]*?\s(?:-u|--user)[ =]?(?<quote>["']?)[^\s:"'`]+:"#,
        r#"(?:mysql|mysqldump|mysqladmin|mariadb)\b[^\n`|;&]*?\s-p(?<quote>["']?)"#,
        r#"redis-cli\b[^\n`|;&]*?\s(?:-a|--pass)[ =]+(?<quote>["']?)"#,
        r#"(?:docker|podman) login\b[^\n`|;&]*?\s(?:-p|--password)[ =]?(?<quote>["']?)"#,
        r#"sshpass[ \t]+-p[ \t]*(?<quote>["']?)"#,
        r#"(?i:password is):?[ \t]+(?<quote>[`"'])"#,
    ];
    let address = r"\b[A-Za-z][\w+.-]*://[^\s/:@`]*:(?<value>[^\s/@`]+(?:@[^\s/?#@`]+)*)@";
    let option = |option: &str| regex(&format!(r#"\b{option}(?<value>[^\s"'`]+)"#));
    [regex(address)].into_iter().chain(options.map(option)).collect()
});
/// The user of an address without a password, and `vault login TOKEN`.
static TOKENS: LazyLock<[Regex; 2]> = LazyLock::new(|| {
    [regex(r#"\b(?i:https?)://(?<value>[^\s/:?#`"'<>]+):?@"#), regex(r"\bvault login[ \t]+(?<value>s\.\w{6,})")]
});
/// `curl -b NAME=VALUE`.
static COOKIE: LazyLock<Regex> =
    LazyLock::new(|| regex(r#"\bcurl\b[^\n`]*?\s(?:-b|--cookie)[ =]?(?<quote>["']?)[\w.-]+=["']?(?<value>[^\s"'`]+)"#));
/// A private key, up to its end or its last long line.
static KEY: LazyLock<Regex> = LazyLock::new(|| {
    let gap = r"(?:[\s>]|\\[nr])*";
    let line = r"(?:(?:Proc-Type|DEK-Info|Comment): [^\n]*|[A-Za-z0-9+/=]{16,})";
    regex(&format!(
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?<value>(?:{gap}{line})+)(?:(?<last>{gap}[A-Za-z0-9+/=]*){gap}-----END)?"
    ))
});
static KEY_LINE: LazyLock<Regex> = LazyLock::new(|| regex(r"[A-Za-z0-9+/=][^\r\n]*"));
/// `token=…`, `"password": "…"`, `Authorization: Bearer …`, `--api-key …`, and `Bearer …` alone.
static SETTINGS: LazyLock<[Regex; 3]> = LazyLock::new(|| {
    let value = r#"(?<quote>["']?)(?:(?i:bearer|basic|token|apikey)[ \t]+)?(?<value>[^\s"'`&#<>|,;)\]}\\]+)"#;
    [
        regex(&format!(r#"(?<key>[A-Za-z][\w-]*)["']?[ \t]*(?<sign>[:=])[ \t]*{value}(?<more>[^\s`])?"#)),
        regex(&format!(r"--(?<key>[a-z][\w-]*)[ \t]+{value}")),
        regex(r#"\b(?<key>(?i:bearer))[ \t]+(?<quote>["']?)(?<value>[^\s"'`&#<>|,;)\]}\\]+)"#),
    ]
});
/// The name of a variable, not the value.
static NAME: LazyLock<Regex> = LazyLock::new(|| regex(r"^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$"));
/// An address with what is hidden in it.
static LOGIN: LazyLock<Regex> = LazyLock::new(|| regex(r"^(?i:(https?://))(?:([^\s/:@]+):)?\*\*\*:?@"));
static QUERY: LazyLock<Regex> = LazyLock::new(|| regex(r"([?&]([\w.-]+)=)\*\*\*"));
static HOST: LazyLock<Regex> = LazyLock::new(|| regex(r"^(?i:https?)://(?:[^\s/@]*@)?([\w.-]+)"));
/// The line below the head of a table.
static RULE: LazyLock<Regex> = LazyLock::new(|| regex(r"^[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?$"));
/// Hidden values in a command.
static BEARER: LazyLock<Regex> = LazyLock::new(|| regex(r"(?i)\bbearer\s+\*\*\*"));
static USER: LazyLock<Regex> = LazyLock::new(|| regex(r#"\s(?:-u|--user)[ =]?["']?([^\s:"'`]+):\*\*\*"#));

/// Markup around the value of a cell.
const MARKUP: [char; 2] = ['`', '*'];

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
    let mut text = without_keys(text, &mut replaced);
    let named = |what: &'static str| move |_: &Captures| Some(what.to_owned());
    for pattern in PASSWORDS.iter() {
        text = replace(text, pattern, named("a password"), &mut replaced);
    }
    for pattern in TOKENS.iter().chain([&*TOKEN]) {
        text = replace(text, pattern, named("a token"), &mut replaced);
    }
    text = replace(text, &COOKIE, named("a cookie"), &mut replaced);
    for pattern in SETTINGS.iter() {
        text = replace(text, pattern, setting, &mut replaced);
    }
    text = without_cells(text, &mut replaced);
    replaced.sort_by_key(|found| found.line);
    (text, replaced)
}

/// The text with `***` for every line of a private key: the lines after it keep their numbers.
fn without_keys<'t>(text: &'t str, replaced: &mut Vec<Replaced>) -> Cow<'t, str> {
    KEY.replace_all(text, |found: &Captures| {
        let whole = found.get(0).expect("it was found");
        let value = found.name("value").expect("it has one");
        let end = found.name("last").unwrap_or(value).end();
        let line = 1 + text[..whole.start()].matches('\n').count();
        replaced.push(Replaced { line, what: "a private key".to_owned() });
        let lines = KEY_LINE.replace_all(&text[value.start()..end], HIDDEN);
        format!("{}{lines}{}", &text[whole.start()..value.start()], &text[end..whole.end()])
    })
}

/// The text with `***` in the columns of tables whose head names a credential, such as `Password`.
fn without_cells<'t>(text: Cow<'t, str>, replaced: &mut Vec<Replaced>) -> Cow<'t, str> {
    let mut out = String::new();
    // The credential that each column of this table has, by its head; none outside of a table.
    let mut columns: Vec<Option<&str>> = Vec::new();
    let (mut head, mut copied, mut at) = ("", 0, 0);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if !line.contains('|') {
            columns.clear();
        } else if RULE.is_match(line.trim_end()) {
            let is_credential = |cell: &&str| sets_credential(&cell.replace(' ', "_"), "a value of some length");
            let names = cells(head).into_iter().map(|(_, cell)| cell.trim_matches(MARKUP));
            columns = names.map(|name| Some(name).filter(is_credential)).collect();
        }
        for ((start, cell), name) in cells(line).into_iter().zip(&columns) {
            let value = cell.trim_start_matches(MARKUP);
            let start = start + cell.len() - value.len();
            let cell = value.trim_end_matches(MARKUP);
            let Some(name) = name.filter(|_| !cell.contains(['/', ' ']) && looks_secret(cell) && !is_example(cell))
            else {
                continue;
            };
            replaced.push(Replaced { line: number + 1, what: format!("the value of `{name}`") });
            out.push_str(&text[copied..at + start]);
            out.push_str(HIDDEN);
            copied = at + start + cell.len();
        }
        (head, at) = (line, at + line.len());
    }
    if copied == 0 {
        return text;
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
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
    // Such as `token=abc`: too short to be one.
    let is_whole = found["quote"].is_empty() && found.name("more").is_none();
    let is_word = is_whole && value.len() <= 3 && value.chars().all(|c| c.is_ascii_alphabetic());
    (is_credential && !is_word && (is_set || looks_secret(value))).then(|| format!("the value of `{key}`"))
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
    let login = LOGIN.captures(address);
    let named = login.as_ref().and_then(|found| found.get(2)).map(|user| user.as_str().to_owned());
    let option = || USER.captures(words).map(|found| found[1].to_owned());
    if let Some(user) = named.or_else(|| login.is_none().then(option)?) {
        settings["user"] = user.into();
        settings["password"] = secret("password").into();
    } else if login.is_some() {
        settings["user"] = secret("user").into();
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
