//! A JSON value in one line that a terminal and a table can bear.

use std::fmt::{self, Write};

use serde_json::Value;

use crate::text::is_hidden;

/// The longest line that an observed value is given, in characters.
pub const LONG: usize = 200;

/// The same inside a sentence.
pub const SHORT: usize = 80;

/// The value as JSON in one line of at most `limit` characters. However large the value, only the beginning of it is read.
pub fn brief(value: &Value, limit: usize) -> String {
    let mut line = Line { text: String::new(), left: limit };
    // An error says that the line is full, not that something went wrong.
    let whole = write_value(&mut line, value).is_ok();
    if !whole {
        let last = line.text.char_indices().next_back().map_or(0, |(at, _)| at);
        line.text.truncate(last);
        line.text.push('…');
    }
    line.text
}

/// A text in quotes, in one line of at most `limit` characters.
pub fn quoted(text: &str, limit: usize) -> String {
    let mut line = Line { text: String::new(), left: limit };
    if write_text(&mut line, text).is_err() {
        let last = line.text.char_indices().next_back().map_or(0, |(at, _)| at);
        line.text.truncate(last);
        line.text.push('…');
    }
    line.text
}

/// A text without quotes, in one line. With quotes where they are needed to see where it begins and ends.
pub fn bare(text: &str) -> String {
    let is_plain =
        !text.is_empty() && text.trim() == text && !text.contains([',', '"', '\\']) && !text.contains(is_hidden);
    if is_plain && text.chars().count() <= SHORT { text.to_owned() } else { quoted(text, SHORT) }
}

/// A word for the type of a value.
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

/// The value, with its type if it could be misread: `"200" (text)`.
pub fn named(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) => brief(value, SHORT),
        Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            format!("{} ({})", brief(value, SHORT), kind(value))
        }
    }
}

/// The most names of fields that are listed.
const MAX_NAMES: usize = 8;

/// The names of the fields of a map: `status, version`, or `no fields`.
pub fn names(fields: &serde_json::Map<String, Value>) -> String {
    if fields.is_empty() {
        return "no fields".to_owned();
    }
    let mut names: Vec<String> = fields.keys().take(MAX_NAMES).map(|name| bare(name)).collect();
    if fields.len() > MAX_NAMES {
        names.push("…".to_owned());
    }
    names.join(", ")
}

/// `a`, `a and b`, `a, b and c`.
pub fn join(words: &[String], last: &str) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}

/// Text of at most this number of characters.
struct Line {
    text: String,
    left: usize,
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            self.left = self.left.checked_sub(1).ok_or(fmt::Error)?;
            self.text.push(c);
        }
        Ok(())
    }
}

fn write_value(line: &mut Line, value: &Value) -> fmt::Result {
    match value {
        Value::Null => line.write_str("null"),
        Value::Bool(yes) => write!(line, "{yes}"),
        Value::Number(number) => write!(line, "{number}"),
        Value::String(text) => write_text(line, text),
        Value::Array(elements) => {
            line.write_char('[')?;
            for (at, element) in elements.iter().enumerate() {
                line.write_str(if at == 0 { "" } else { ", " })?;
                write_value(line, element)?;
            }
            line.write_char(']')
        }
        Value::Object(entries) => {
            line.write_char('{')?;
            for (at, (key, value)) in entries.iter().enumerate() {
                line.write_str(if at == 0 { "" } else { ", " })?;
                write_text(line, key)?;
                line.write_str(": ")?;
                write_value(line, value)?;
            }
            line.write_char('}')
        }
    }
}

fn write_text(line: &mut Line, text: &str) -> fmt::Result {
    line.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => line.write_str("\\\"")?,
            '\\' => line.write_str("\\\\")?,
            '\n' => line.write_str("\\n")?,
            '\r' => line.write_str("\\r")?,
            '\t' => line.write_str("\\t")?,
            c if is_hidden(c) => write!(line, "\\u{:04x}", u32::from(c))?,
            c => line.write_char(c)?,
        }
    }
    line.write_char('"')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{LONG, brief};

    #[test]
    fn a_value_is_one_line_in_which_nothing_acts_on_the_terminal() {
        let value = json!({"a": [1, 1.5, null, true], "b": "x\n\u{1b}[31m\u{9b}\u{202e}\"\\é"});
        insta::assert_snapshot!(brief(&value, LONG), @r#"{"a": [1, 1.5, null, true], "b": "x\n\u001b[31m\u009b\u202e\"\\é"}"#);
    }

    #[test]
    fn a_long_value_is_cut_at_the_limit() {
        assert_eq!(brief(&json!("abcdefgh"), 10), "\"abcdefgh\"");
        assert_eq!(brief(&json!("abcdefghi"), 10), "\"abcdefgh…");
        assert_eq!(brief(&json!(vec!["é"; 1_000_000]), LONG).chars().count(), LONG);
    }
}
