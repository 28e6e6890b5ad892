//! Escapes foreign text, so that it is plain text in Markdown.

use crate::text::visible;

/// Between two characters that a website would join to a link. It is invisible; a backslash would not prevent GitHub
/// from making links of mail addresses, mentions and issue numbers.
pub const BREAK: &str = "<!-- -->";

/// Text of a probe as one line of Markdown that is only text: no emphasis, link, mention, HTML, code or table cell
/// starts or ends in it.
///
/// It must not be at the start of a line: a `-` or `1.` would be a list there.
pub fn escape(text: &str) -> String {
    let text = visible(text);
    let mut out = String::with_capacity(text.len() + 16);
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        let rest = &text[at + c.len_utf8()..];
        let after = rest.chars().next().unwrap_or(' ');
        match c {
            // Entities: with a backslash before it, a `>` would still end a tag that the title left open.
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '[' | ']' | '|' | '~' | '$' | '^' => out.extend(['\\', c]),
            // In the middle of a word it is not an emphasis: `014_trace_mismatches` stays readable.
            '_' if !(before.is_alphanumeric() && after.is_alphanumeric()) => out.push_str("\\_"),
            // GitHub makes links of bare addresses: `https://…`, `www.…`.
            ':' if after == '/' => out.push_str("\\:"),
            '.' if before.eq_ignore_ascii_case(&'w') => out.push_str("\\."),
            c => out.push(c),
        }
        if is_reference(&text[..at], c, rest) {
            out.push_str(BREAK);
        }
        before = c;
    }
    out
}

/// Whether a mail address, a mention, or the number of an issue or merge request continues after this character.
fn is_reference(before: &str, c: char, rest: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match c {
        // A mention at the start of a word; else an address, which has a dot in its domain.
        '@' if before.ends_with(is_word) || before.ends_with(['.', '+', '-']) => {
            let domain = rest.split(|c: char| !is_word(c) && !matches!(c, '.' | '-')).next().unwrap_or_default();
            domain.trim_end_matches('.').contains('.')
        }
        '@' => rest.starts_with(is_word),
        '#' | '!' => rest.starts_with(|c: char| c.is_ascii_digit()),
        '-' => before.to_ascii_uppercase().ends_with("GH") && rest.starts_with(|c: char| c.is_ascii_digit()),
        _ => false,
    }
}

/// Markdown of the checklist's author, on one line.
pub fn line(markdown: &str) -> String {
    let joined = markdown.split_whitespace().collect::<Vec<_>>().join(" ");
    visible(&joined).into_owned()
}

/// Markdown of the checklist's author in a table cell: an unescaped bar would end the cell, even in backticks.
pub fn cell(markdown: &str) -> String {
    let mut out = String::new();
    let mut is_escaped = false;
    for c in line(markdown).chars() {
        if c == '|' && !is_escaped {
            out.push('\\');
        }
        is_escaped = c == '\\' && !is_escaped;
        out.push(c);
    }
    if is_escaped {
        out.push('\\'); // or it would escape the bar that ends the cell
    }
    out
}
