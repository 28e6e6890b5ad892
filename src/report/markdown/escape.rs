//! Text from outside as markdown that says that text and nothing else.

use crate::text::visible;

/// What a probe returned, as one line of markdown that can be nothing but text: no emphasis, link, HTML, code or table
/// cell begins or ends in it.
///
/// It must not start a line: a `-` or `1.` there would be a list.
pub fn escape(text: &str) -> String {
    let text = visible(text);
    let mut out = String::with_capacity(text.len() + 16);
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let after = rest.peek().copied().unwrap_or(' ');
        match c {
            // Entities: with a backslash before it, a `>` would still end a tag that the title left open.
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '[' | ']' | '|' | '~' | '$' | '^' => out.extend(['\\', c]),
            // In the middle of a word it is no emphasis: `014_trace_mismatches` stays readable.
            '_' if !(before.is_alphanumeric() && after.is_alphanumeric()) => out.push_str("\\_"),
            // GitHub makes links of bare addresses: `https://…`, `www.…`.
            ':' if after == '/' => out.push_str("\\:"),
            '.' if before == 'w' => out.push_str("\\."),
            c => out.push(c),
        }
        before = c;
    }
    out
}

/// Markdown of the checklist's author, on one line.
pub fn line(markdown: &str) -> String {
    let joined = markdown.split_whitespace().collect::<Vec<_>>().join(" ");
    visible(&joined).into_owned()
}

/// Markdown of the checklist's author in a cell of a table: a bar that is not escaped yet would end the cell, even one
/// that stands in backticks.
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
