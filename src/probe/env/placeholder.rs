//! Values that only hold the place of a real one.

use std::sync::LazyLock;

use regex::Regex;

/// What counts as a placeholder when it is all that there is.
const WHOLE: &[&str] = &[
    "todo",
    "tbd",
    "fixme",
    "replace",
    "change",
    "placeholder",
    "dummy",
    "example",
    "sample",
    "none",
    "null",
    "undefined",
    "redacted",
    "unset",
    "notset",
];

/// Whether a value, trimmed and not empty, still waits for the real one.
pub fn is_placeholder(value: &str) -> bool {
    static UNEXPANDED: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"\$\{[A-Za-z_][^}]*\}|\{\{[^{}]*\}\}|^\$[A-Za-z_][A-Za-z0-9_]*$|^%[A-Za-z_][A-Za-z0-9_]*%$|\$\([^)]*\)",
        )
        .expect("it is written well")
    });
    let lower = value.trim_matches(['"', '\'']).to_ascii_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.is_empty() // `***`, `...`, `???`
        || is_crossed_out(&lower)
        || lower.starts_with('<') && lower.ends_with('>')
        || UNEXPANDED.is_match(value)
        || WHOLE.contains(&words.concat().as_str())
        || words.iter().any(|word| matches!(*word, "changeme" | "changethis" | "replaceme" | "placeholder" | "fillme"))
        || words.windows(2).any(|pair| matches!(pair, ["change" | "replace", "me" | "this"] | ["fill", "me"]))
        || is_yours(&words)
}

/// `xxx`, `XXXX-XXXX`.
fn is_crossed_out(lower: &str) -> bool {
    lower.len() >= 3 && lower.chars().all(|c| c == 'x' || c == '-')
}

/// `your-api-key-here`, `<insert> your token`, `https://your-domain.com`; but not just any `your` in a sentence.
fn is_yours(words: &[&str]) -> bool {
    let thing = |word: &str| {
        ["key", "token", "secret", "password", "domain", "host", "url", "project", "org", "account", "api", "client"]
            .iter()
            .any(|thing| word.starts_with(thing))
    };
    words.first() == Some(&"your")
        || words.contains(&"your") && words.last() == Some(&"here")
        || words.windows(2).any(|pair| pair[0] == "your" && thing(pair[1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_has_filled_in_is_a_placeholder() {
        for value in [
            "changeme",
            "CHANGE-ME",
            "change_me",
            "ChangeMe!",
            "todo",
            "TODO",
            "tbd",
            "xxx",
            "XXXX-XXXX",
            "***",
            "...",
            "<your-token>",
            "<token>",
            "your-api-key-here",
            "YOUR_TOKEN",
            "sk-your-key-here",
            "placeholder",
            "dummy",
            "example",
            "null",
            "\"changeme\"",
            "postgres://app:changeme@db/app",
            "https://your-domain.com",
            "https://hooks.example/services/REPLACE_ME",
            "${DATABASE_URL}",
            "postgres://u:${PASSWORD}@h/d",
            "$TOKEN",
            "{{ token }}",
            "%TOKEN%",
            "${X:-y}",
            "$(cat /run/secret)",
        ] {
            assert!(is_placeholder(value), "{value}");
        }
    }

    #[test]
    fn what_only_resembles_one_is_a_value() {
        for value in [
            "1",
            "0",
            "false",
            "x",
            "pa$$word",
            "$2b$12$abcdefghijklmnopqrstuv",
            "hunter2",
            "glsa_AbCxxx",
            "postgres://gate:p%40ss@127.0.0.1:5432/gate",
            "https://staging.example/api",
            "example-corp-production",
            "{\"a\":{\"b\":1}}",
            "tell us your story",
            "dummy-auth.internal",
            "todo-service",
            "a<b>c",
        ] {
            assert!(!is_placeholder(value), "{value}");
        }
    }
}
