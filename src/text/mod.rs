//! Makes foreign text safe to print: for a terminal, as JSON, as a word of a shell.

pub mod json;
pub mod shell;

use std::borrow::Cow;

/// The text on one line, with every character escaped that could deceive a reader or a terminal: control characters,
/// line ends, direction marks, invisible characters.
pub fn visible(text: &str) -> Cow<'_, str> {
    escape(text, is_hidden)
}

/// The same for several lines: line feeds and tabs are kept.
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    escape(text, |c| !matches!(c, '\n' | '\t') && is_hidden(c))
}

fn escape(text: &str, escapes: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&escapes) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            c if !escapes(c) => out.push(c),
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

/// Whether a character makes a line look as if it said something else: <https://trojansource.codes>.
pub fn is_reordering(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_deceive_a_terminal_is_shown_as_an_escape() {
        assert_eq!(visible("ok\u{1b}[31mred\nnext\u{202e}gnp.exe"), "ok\\u{1b}[31mred\\nnext\\u{202e}gnp.exe");
        assert!(matches!(visible("grün ✓ 日本 👩\u{200d}💻"), Cow::Borrowed(_)));
    }

    #[test]
    fn lines_and_tabs_are_kept_where_they_are_wanted() {
        assert_eq!(visible_lines("a\tb\n\u{9b}31m\u{7f}\r\n"), "a\tb\n\\u{9b}31m\\u{7f}\\r\n");
    }
}
