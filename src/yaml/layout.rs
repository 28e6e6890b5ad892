//! Mistakes in the layout of lines: indentation, `- ` and `: `.

use std::ops::Range;

use granit_parser::ErrorKind;

use super::fault::{Fault, Hint};

/// How many lines before a fault are searched for the others of its level.
const MAX_LINES: usize = 500;

/// A line with content.
#[derive(Clone, Copy)]
struct Line<'a> {
    /// Where its content begins.
    start: usize,
    /// How far it is indented.
    column: usize,
    /// Without indentation, and what is blank at its end.
    content: &'a str,
}

impl<'a> Line<'a> {
    /// The line of a text that begins at a place. None if it is blank or a comment.
    fn new(begin: usize, line: &'a str) -> Option<Self> {
        let content = line.trim_start_matches(' ');
        let column = line.len() - content.len();
        let content = content.trim_end();
        (!content.is_empty() && !content.starts_with('#')).then_some(Self { start: begin + column, column, content })
    }

    fn is_entry(self) -> bool {
        self.content == "-" || self.content.starts_with("- ")
    }

    /// The column of its key, after any `- `, and what begins there.
    fn key(self) -> (usize, &'a str) {
        let mut content = self.content;
        while let Some(rest) = content.strip_prefix("- ") {
            content = rest.trim_start_matches(' ');
        }
        (self.column + self.content.len() - content.len(), content)
    }

    fn has_colon(self) -> bool {
        let (_, content) = self.key();
        content.contains(": ") || content.ends_with(':')
    }

    /// Its name in a message.
    fn name(self) -> &'a str {
        match self.is_entry() {
            true => "-",
            false => self.content.split(": ").next().unwrap_or_default().trim_end_matches(':'),
        }
    }

    fn place(self) -> Range<usize> {
        self.start..self.start + self.name().len().max(1)
    }
}

/// The indentation of the line with this place.
pub(super) fn column(text: &str, at: usize) -> usize {
    let begin = text[..at].rfind('\n').map_or(0, |end| end + 1);
    text[begin..].len() - text[begin..].trim_start_matches(' ').len()
}

/// The same, with any `- ` before the content.
pub(super) fn key_column(text: &str, at: usize) -> usize {
    let begin = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let line = text[begin..].lines().next().unwrap_or_default();
    Line::new(begin, line).map_or(0, |line| line.key().0)
}

/// Whether a place is where the content of its line begins.
pub(super) fn is_first_of_line(text: &str, at: usize) -> bool {
    text[..at].rsplit('\n').next().unwrap_or_default().trim().is_empty()
}

/// The likely cause of a fault in the layout.
pub(super) fn of(fault: &Fault) -> Option<Hint> {
    let is_layout = matches!(
        fault.kind,
        ErrorKind::MappingValueNotAllowed
            | ErrorKind::ExpectedBlockMappingKey
            | ErrorKind::ExpectedBlockSequenceEntry
            | ErrorKind::ExpectedDocumentStart
            | ErrorKind::ExpectedNodeContent
            | ErrorKind::SimpleKeyExpected
            | ErrorKind::InvalidSimpleKey
            | ErrorKind::InvalidIndentation
            | ErrorKind::BlockSequenceEntryNotAllowed
            | ErrorKind::MappingKeyNotAllowed
    );
    if !is_layout {
        return None;
    }
    let (line, before) = lines(fault.text, fault.at)?;
    after_bracket(fault, line)
        .or_else(|| no_space(line))
        .or_else(|| before.last().copied().filter(|_| !line.is_entry()).and_then(|last| unlike_a_key(last, line)))
        .or_else(|| several_lines(line, &before))
        .or_else(|| (!line.is_entry() && !line.has_colon()).then(|| not_a_key(line)))
        .or_else(|| mixed(fault, line, &before))
        .or_else(|| indented(line, &before))
}

/// The line of a fault, or the last one, and those before it.
fn lines(text: &str, at: usize) -> Option<(Line<'_>, Vec<Line<'_>>)> {
    let end = text[at..].find('\n').map_or(text.len(), |end| at + end);
    let mut begin = end;
    let mut found: Vec<Line> = Vec::new();
    for line in text[..end].rsplit('\n').take(MAX_LINES) {
        begin -= line.len();
        found.extend(Line::new(begin, line));
        begin = begin.saturating_sub(1);
    }
    found.reverse();
    Some((found.pop()?, found))
}

/// `title: [new] API`: a text that begins like a list.
fn after_bracket(fault: &Fault, line: Line) -> Option<Hint> {
    let Fault { text, at, .. } = *fault;
    let close =
        text[line.start..at.max(line.start)].trim_end().chars().next_back().filter(|c| matches!(c, ']' | '}'))?;
    let title = format!("text after the closing `{close}`");
    Some(Hint::new(title, at..at + 1, "quote the whole value, such as `\"[new] API\"`"))
}

/// `-id: x`, and `id:x`.
fn no_space(line: Line) -> Option<Hint> {
    let after = line.content.strip_prefix('-').filter(|after| after.starts_with(char::is_alphabetic));
    after.map(|_| {
        Hint::new("missing space after `-`", line.start..line.start + 1, "an entry of a list begins with `- `")
    })
}

/// A line that should be a key, before one that is.
fn unlike_a_key(last: Line, line: Line) -> Option<Hint> {
    if let Some(hint) = no_space(last) {
        return Some(hint);
    }
    let (column, content) = last.key();
    if last.has_colon() || column != line.column {
        return None;
    }
    let start = last.start + column - last.column;
    match content.split_once(':') {
        Some((key, _)) if !key.contains(' ') => {
            let place = start + key.len()..start + key.len() + 1;
            Some(Hint::new("missing space after `:`", place, format!("write `{key}: …`")))
        }
        _ => Some(not_a_key(Line { start, column, content })),
    }
}

fn not_a_key(line: Line) -> Hint {
    let first = line.content.split(' ').next().unwrap_or_default();
    let title = format!("missing `:` after `{first}`");
    let help = "a key ends with `:`; if this continues the text above, indent it further than its key";
    Hint::new(title, line.start..line.start + first.len(), help)
}

/// The first line of a text after `|` or `>` that is not indented.
fn several_lines(line: Line, before: &[Line]) -> Option<Hint> {
    let last = before.last()?;
    let (column, _) = last.key();
    let header = last.content.rsplit(": ").next()?;
    let is_header = header.starts_with(['|', '>']) && header.trim_end_matches(['-', '+']).len() <= 2;
    (is_header && line.column <= column && !line.has_colon()).then(|| {
        let title = format!("the text after `{header}` is not indented");
        let help = format!("indent its lines by {} or more", spaces(column + 2));
        Hint::new(title, line.start..line.start + line.content.len(), help)
    })
}

/// A key among the entries of a list, or an entry among keys.
fn mixed(fault: &Fault, line: Line, before: &[Line]) -> Option<Hint> {
    let start = *fault.open.last()?;
    let begin = fault.text[..start].rfind('\n').map_or(0, |end| end + 1);
    let is_list = fault.text[start..].starts_with("- ");
    if start - begin != line.column || is_list == line.is_entry() {
        return None;
    }
    let keys = before.iter().rev().filter(|other| other.has_colon()).map(|other| other.key().0);
    let above = keys.take(1).find(|column| *column != line.column);
    let (title, help) = match (is_list, above) {
        (true, Some(column)) => (
            format!("the key `{}` is among the entries of a list", line.name()),
            format!("indent it by {} like the keys above, or begin it with `- `", spaces(column)),
        ),
        (true, None) => (
            format!("the key `{}` is among the entries of a list", line.name()),
            "indent it like the keys that it belongs to, or begin it with `- `".to_owned(),
        ),
        (false, _) => (
            "an entry `- ` is among the keys of a map".to_owned(),
            "a list is below its key; a key that belongs to an entry is indented further than its `-`".to_owned(),
        ),
    };
    Some(Hint::new(title, line.place(), help))
}

/// A line that is indented differently from those of its level.
fn indented(line: Line, before: &[Line]) -> Option<Hint> {
    let like = |other: &Line| match line.is_entry() {
        true => other.is_entry().then_some(other.column),
        false => other.has_colon().then(|| other.key().0),
    };
    let columns = before.iter().rev().filter_map(like);
    let nearest = columns.min_by_key(|column| column.abs_diff(line.column)).filter(|column| *column != line.column)?;
    let others = if line.is_entry() { "the entries" } else { "the keys" };
    let title = match line.column {
        0 => format!("`{}` is not indented, {others} above by {}", line.name(), spaces(nearest)),
        column => format!("`{}` is indented by {}, {others} above by {nearest}", line.name(), spaces(column)),
    };
    Some(Hint::new(title, line.place(), "indent all of one level by the same number of spaces"))
}

fn spaces(number: usize) -> String {
    format!("{number} {}", if number == 1 { "space" } else { "spaces" })
}
