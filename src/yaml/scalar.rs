//! Writes text as YAML scalars and comments that read back as the same text.

use std::fmt::Write;

use serde_json::Value;

use crate::text::is_hidden;

/// Words that YAML, or an older version of it, does not read as text.
const WORDS: [&str; 11] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", ".inf", ".nan"];

/// Text in double quotes, in which a dollar is itself.
pub fn quoted(text: &str) -> String {
    escaped(&text.replace('$', "$$"))
}

/// Text in double quotes as JSON writes it, which YAML reads too.
fn escaped(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    // JSON leaves some characters as they are that YAML does not allow.
    let mut out = String::with_capacity(quoted.len());
    for c in quoted.chars() {
        match c {
            c if c > '\u{ffff}' && is_hidden(c) => code(&mut out, 'U', 8, c),
            c if is_hidden(c) => code(&mut out, 'u', 4, c),
            c => out.push(c),
        }
    }
    out
}

fn code(out: &mut String, letter: char, digits: usize, c: char) {
    write!(out, "\\{letter}{:0digits$x}", u32::from(c)).expect("a string takes all");
}

/// Text of several lines as a block, if YAML keeps each of its characters; else in quotes.
pub fn block(source: &str, indent: usize) -> String {
    let is_plain = |c: char| c == '\n' || !is_hidden(c);
    let is_kept = source.contains('\n')
        && source.chars().all(is_plain)
        && !source.starts_with([' ', '\n'])
        && !source.ends_with('\n');
    if !is_kept {
        return quoted(source);
    }
    let mut out = "|-".to_owned();
    for line in source.replace('$', "$$").lines() {
        out.push('\n');
        if !line.is_empty() {
            write!(out, "{:indent$}{line}", "").expect("a string takes all");
        }
    }
    out
}

/// Text that stays on the line of its comment.
pub fn comment(text: &str) -> String {
    text.chars().map(|c| if is_hidden(c) { ' ' } else { c }).collect()
}

/// A value on one line, such as `{ url: "${vars.api}/healthz" }`. A `${…}` in it is a reference.
pub fn flow(value: &Value) -> String {
    match value {
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let entries: Vec<String> =
                map.iter().map(|(key, value)| format!("{}: {}", word(key), flow(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Value::Array(elements) => format!("[{}]", elements.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::String(text) => word(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// A value as lines in which nothing is longer than `width`, if it can be split. A `${…}` in it is a reference.
pub fn lines(value: &Value, width: usize) -> Vec<String> {
    let is_short = |value: &Value| flow(value).chars().count() <= width;
    let below = |value: &Value| lines(value, width.saturating_sub(2));
    match value {
        Value::Object(map) if !map.is_empty() => map
            .iter()
            .flat_map(|(key, value)| {
                let key = word(key);
                match value {
                    value if !value.is_object() && !value.is_array() || is_short(value) => {
                        vec![format!("{key}: {}", flow(value))]
                    }
                    value => std::iter::once(format!("{key}:"))
                        .chain(below(value).into_iter().map(|line| format!("  {line}")))
                        .collect(),
                }
            })
            .collect(),
        Value::Array(elements) if !elements.is_empty() => elements
            .iter()
            .flat_map(|element| {
                let lines = if is_short(element) { vec![flow(element)] } else { below(element) };
                lines.into_iter().enumerate().map(|(at, line)| format!("{}{line}", if at == 0 { "- " } else { "  " }))
            })
            .collect(),
        Value::Object(_) | Value::Array(_) | Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {
            vec![flow(value)]
        }
    }
}

/// Text without quotes if it has no other meaning in YAML.
fn word(text: &str) -> String {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-' | ' ');
    let begins = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '/');
    let is_plain = text.trim_start_matches('.').starts_with(begins)
        && text.chars().all(is_letter)
        && !text.ends_with(' ')
        && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    if is_plain { text.to_owned() } else { escaped(text) }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_on_one_line_has_quotes_where_it_needs_them() {
        let value = json!({ "url": "${vars.api}/x", "query": "SELECT 1", "path": ".github/a.yml", "ok": ["yes", "Ada", "1e3"],
                            "json.status": 200, "a b:": null, "odd": "\u{feff}x", "end": "a ", "inf": ".inf", "dot": ".5" });
        assert_snapshot!(flow(&value), @r#"{ url: "${vars.api}/x", query: SELECT 1, path: .github/a.yml, ok: ["yes", Ada, "1e3"], json.status: 200, "a b:": null, odd: "\ufeffx", end: "a ", inf: ".inf", dot: ".5" }"#);
    }
}
