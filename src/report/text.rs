//! Text from outside, made harmless and fitted to a width.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The text on one line, with everything shown that could deceive a reader or a terminal: control characters, line
/// ends, direction marks, invisible characters.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_hidden(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Whether it has no look of its own, or changes that of others. Joiners and variation selectors stay: names and emoji
/// are written with them, and they move nothing.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// How many columns the text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text in lines of at most this many columns: broken between words where possible, inside one where not. Nothing
/// is lost but the blanks at which it is broken. At least one line.
pub fn wrap(text: &str, limit: usize) -> Vec<String> {
    let limit = limit.max(2); // a wide character takes two columns
    if width(text) <= limit {
        return vec![text.trim_end().to_owned()];
    }
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split_inclusive(' ') {
        let bare = word.trim_end_matches(' ');
        if used > 0 && used + width(bare) > limit {
            lines.push(std::mem::take(&mut line).trim_end().to_owned());
            used = 0;
        }
        for c in word.chars() {
            let columns = c.width().unwrap_or(0);
            if used + columns > limit {
                lines.push(std::mem::take(&mut line).trim_end().to_owned());
                used = 0;
                if c == ' ' {
                    continue;
                }
            }
            line.push(c);
            used += columns;
        }
    }
    if !line.trim_end().is_empty() || lines.is_empty() {
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// The text cut to at most this many columns, with `…` where something is missing.
pub fn cut(text: &str, limit: usize) -> String {
    if width(text) <= limit {
        return text.to_owned();
    }
    let mut used = 1;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used <= limit
    };
    let mut out: String = text.chars().take_while(fits).collect();
    out.push('…');
    out
}

/// A duration for people: `340ms`, `1.24s`, `2m 03s`, `1h 05m`.
pub fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms}ms"),
        1_000..60_000 => format!("{}.{:02}s", ms / 1_000, ms % 1_000 / 10),
        60_000..3_600_000 => format!("{}m {:02}s", ms / 60_000, ms % 60_000 / 1_000),
        _ => format!("{}h {:02}m", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}

/// `1 item`, `2 items`.
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
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
    fn text_is_broken_between_words_and_a_long_word_inside() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("sha256:abcdef end", 6), ["sha256", ":abcde", "f end"]);
        assert_eq!(wrap("日本語 x", 4), ["日本", "語 x"]);
        assert_eq!(wrap("", 4), [""]);
    }

    proptest::proptest! {
        #[test]
        fn no_line_is_wider_than_the_limit_and_no_word_is_lost(text in "\\PC{0,60}", limit in 2usize..40) {
            let text = visible(&text).into_owned();
            let lines = wrap(&text, limit);
            for line in &lines {
                let columns: usize = line.chars().filter_map(UnicodeWidthChar::width).sum();
                proptest::prop_assert!(columns <= limit, "{line:?}");
            }
            let letters = |text: &str| text.chars().filter(|c| *c != ' ' ).collect::<String>();
            proptest::prop_assert_eq!(letters(&lines.concat()).replace(char::is_whitespace, ""), letters(&text).replace(char::is_whitespace, ""));
        }
    }

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!([cut("abcd", 4), cut("abcde", 4), cut("日本語", 4)], ["abcd", "abc…", "日…"]);
    }

    #[test]
    fn durations_are_short() {
        assert_eq!([340, 1_240, 123_000, 3_900_000].map(duration), ["340ms", "1.24s", "2m 03s", "1h 05m"]);
    }
}
