//! Makes foreign text safe to print: for a terminal, as JSON, as a word of a shell.

pub mod credential;
pub mod error;
pub mod json;
mod lines;
pub mod number;
pub mod shell;

use std::borrow::Cow;

pub use lines::{cells, wrap};

/// The bytes without the UTF-8 byte order mark, which .NET and Windows write: it is not a part of the text.
pub fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// The text on one line, with every character escaped that could deceive a reader or a terminal: control characters,
/// line ends, direction marks, invisible characters.
pub fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, |_, c| is_hidden(c))
}

/// The same for several lines: line ends and tabs are kept.
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |at, c| match c {
        '\n' | '\t' => false,
        '\r' => !text[at + 1..].starts_with('\n'),
        c => is_hidden(c),
    })
}

/// The same lines with as many characters as before, so that columns stay: each hidden one is replaced by `\u{fffd}`.
pub fn masked_lines(text: &str) -> String {
    let is_end = |at: usize| matches!(text.as_bytes()[at..], [b'\n' | b'\t', ..] | [b'\r', b'\n', ..]);
    text.char_indices().map(|(at, c)| if is_hidden(c) && !is_end(at) { '\u{fffd}' } else { c }).collect()
}

/// The text with all characters escaped for which this is true at their position.
fn escaped(text: &str, is_odd: impl Fn(usize, char) -> bool) -> Cow<'_, str> {
    if !text.char_indices().any(|(at, c)| is_odd(at, c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for (at, c) in text.char_indices() {
        match c {
            c if !is_odd(at, c) => out.push(c),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => out.extend(c.escape_unicode()),
        }
    }
    Cow::Owned(out)
}

/// Whether a character is invisible or changes how others look. Joiners and variation selectors are not: names and
/// emoji are written with them, and they move nothing.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || is_reordering(c)
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether a character makes a line look different from its content: <https://trojansource.codes>.
pub fn is_reordering(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_could_deceive_a_reader_are_escaped() {
        assert_eq!(visible("ok\u{1b}[31mred\nnext\u{202e}gnp.exe"), "ok\\u{1b}[31mred\\nnext\\u{202e}gnp.exe");
        assert!(matches!(visible("grün ✓ 日本 👩\u{200d}💻"), Cow::Borrowed(_)));
    }

    #[test]
    fn masked_text_keeps_its_columns() {
        assert_eq!(masked_lines("a\tb\u{9b}31m\u{202e}\r\nc\r"), "a\tb\u{fffd}31m\u{fffd}\r\nc\u{fffd}");
    }

    #[test]
    fn lines_and_tabs_are_kept_where_they_are_wanted() {
        assert_eq!(visible_lines("a\tb\n\u{9b}31m\u{7f}\r\n"), "a\tb\n\\u{9b}31m\\u{7f}\r\n");
        assert_eq!(visible_lines("a\rb\r\r\nc\r"), "a\\rb\\r\r\nc\\r");
        assert!(matches!(visible_lines("a\tb\n"), Cow::Borrowed(_)));
    }
}
