//! Likely causes of text that is not YAML, and how to fix them.

use std::ops::Range;

/// A likely cause.
#[derive(Debug)]
pub(super) struct Hint {
    pub title: String,
    pub place: Range<usize>,
    pub help: &'static str,
}

/// The likely cause of the parser's error at `at`, if its message or the text there shows one.
pub(super) fn of(text: &str, at: usize, message: &str) -> Option<Hint> {
    tab(text, at, message)
        .or_else(|| reference(text, at))
        .or_else(|| colon(text, at))
        .or_else(|| first_character(text, at, message))
}

/// A tab in the indentation. The parser may notice it at the end of the line before.
fn tab(text: &str, at: usize, message: &str) -> Option<Hint> {
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let mut line_start = start;
    for line in text[start..].split_inclusive('\n').take(2) {
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(tab) = line[..indent].find('\t')
            && (line_start <= at || message.contains("tab"))
        {
            let place = line_start + tab..line_start + tab + 1;
            let title = "a tab in the indentation".to_owned();
            return Some(Hint { title, place, help: "use spaces: YAML allows no tabs there" });
        }
        line_start += line.len();
    }
    None
}

/// `{ url: ${vars.api} }`: inside `{…}` and `[…]`, a brace ends a text without quotes.
fn reference(text: &str, at: usize) -> Option<Hint> {
    if !(text[..at].ends_with('$') && text[at..].starts_with('{')) {
        return None;
    }
    let line = text[at..].lines().next().unwrap_or_default();
    let place = at - 1..at + line.find('}').map_or(1, |end| end + 1);
    let title = "unquoted `${…}` inside `{…}` or `[…]`".to_owned();
    Some(Hint { title, place, help: "quote the whole value, such as `\"${vars.api}/healthz\"`" })
}

/// `title: Deploy: step two`: a text without quotes ends at the second colon.
fn colon(text: &str, at: usize) -> Option<Hint> {
    let line = text[..at].rsplit('\n').next().unwrap_or_default();
    let is_colon = text[at..].starts_with(": ") || text[at..].starts_with(":\n");
    let is_second = line.contains(": ");
    let title = "unquoted `: ` in a value".to_owned();
    let help = "quote the value, such as `\"Deploy: step two\"`";
    (is_colon && is_second).then(|| Hint { title, place: at..at + 1, help })
}

/// `owner: @sre`: some characters cannot start a text without quotes.
fn first_character(text: &str, at: usize, message: &str) -> Option<Hint> {
    let first = text[at..].chars().next().filter(|c| matches!(c, '@' | '`' | '%'))?;
    let title = format!(
        "a value without quotes cannot start with {}",
        if first == '`' { "a backtick".to_owned() } else { format!("`{first}`") }
    );
    message.contains("character").then(|| Hint {
        title,
        place: at..at + 1,
        help: "quote the value, such as `\"@sre\"`",
    })
}
