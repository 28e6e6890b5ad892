//! Fits text to a width.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

pub use crate::text::wrap;

/// Number of columns of the text.
pub fn width(text: &str) -> usize {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) { text.len() } else { text.width() }
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
    use proptest::prelude::ProptestConfig;

    use super::*;
    use crate::text::visible;

    #[test]
    fn text_is_broken_between_words_and_a_long_word_inside() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("sha256:abcdef end", 6), ["sha256", ":abcde", "f end"]);
        assert_eq!(wrap("日本語 x", 4), ["日本", "語 x"]);
        assert_eq!(wrap("", 4), [""]);
    }

    proptest::proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

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
    fn cut_text_says_so() {
        assert_eq!([cut("abcd", 4), cut("abcde", 4), cut("日本語", 4)], ["abcd", "abc…", "日…"]);
    }

    #[test]
    fn durations_are_short() {
        assert_eq!([340, 1_240, 123_000, 3_900_000].map(duration), ["340ms", "1.24s", "2m 03s", "1h 05m"]);
    }
}
