//! `${…}` in scalars: parsed once, when the file is read.

use std::ops::Range;

use crate::diagnostic::{Diagnostic, Span};

use super::Style;

/// Maximum nesting of defaults.
const MAX_DEPTH: usize = 16;

/// A scalar with references in it.
///
/// One without any parts refers to a scalar whose problem has been reported already: it is never filled, and nothing more
/// is said of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// Text and references in turn. `$$` has become `$` in the text.
    pub parts: Vec<Part>,
    /// How the whole was written.
    pub style: Style,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// As it is written.
    Text(String),
    /// `${path:-default}`.
    Reference(Reference),
}

/// Filters, such as `|urlencode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// Percent-encodes everything but letters, digits, `-`, `.`, `_` and `~`: for a part of a URL.
    UrlEncode,
    /// Removes blanks and line breaks at both ends.
    Trim,
}

impl Filter {
    const ALL: [Self; 2] = [Self::UrlEncode, Self::Trim];

    /// Its name after the `|`.
    pub fn name(self) -> &'static str {
        match self {
            Self::UrlEncode => "urlencode",
            Self::Trim => "trim",
        }
    }

    /// The filtered text.
    pub fn apply(self, text: &str) -> String {
        match self {
            Self::UrlEncode => percent_encoding::utf8_percent_encode(text, RESERVED).to_string(),
            Self::Trim => text.trim().to_owned(),
        }
    }
}

/// Characters that must be encoded in a part of a URL.
const RESERVED: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The path and the filters of `secrets.X|trim|urlencode`. None if a filter is unknown.
fn filtered(text: &str) -> Option<(String, Vec<Filter>)> {
    let mut filters = Vec::new();
    let mut path = text.trim();
    while let Some((rest, name)) = path.rsplit_once('|') {
        let name = name.trim();
        // In the path of an observation, it may be anything.
        if !name.chars().all(|c| c.is_ascii_lowercase()) {
            break;
        }
        filters.insert(0, Filter::ALL.into_iter().find(|filter| filter.name() == name)?);
        path = rest.trim_end();
    }
    Some((path.to_owned(), filters))
}

/// `${path:-default}`: what is between the braces.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// Such as `vars.api`, `env.STAGING_URL`, `secrets.TOKEN`, `inputs.url`, `main.commit`, `items.db.main.json.id`.
    pub path: String,
    /// The filters that are applied to the value, in order.
    pub filters: Vec<Filter>,
    /// Used if the value is missing or empty. It may contain references.
    pub default: Option<Vec<Part>>,
    /// From the `$` to the `}`.
    pub span: Span,
}

impl Template {
    /// Replaces a scalar whose problem has been reported.
    pub(super) fn refused() -> Self {
        Self { parts: Vec::new(), style: Style::Plain }
    }

    /// Whether it refers to a scalar whose problem has been reported.
    pub fn is_refused(&self) -> bool {
        self.parts.is_empty()
    }
}

/// Every reference in the parts, those in defaults too, in order.
pub(super) fn references<'a>(parts: &'a [Part], found: &mut Vec<&'a Reference>) {
    for part in parts {
        if let Part::Reference(reference) = part {
            found.push(reference);
            references(reference.default.as_deref().unwrap_or_default(), found);
        }
    }
}

/// Whether the parts are small enough, as [`super::Node::fits`] has it.
pub(super) fn fits(parts: &[Part], depth: usize, left: &mut usize) -> bool {
    depth > 0
        && parts.iter().all(|part| {
            let (size, default) = match part {
                Part::Text(text) => (1 + text.len() / 32, [].as_slice()),
                Part::Reference(reference) => (1, reference.default.as_deref().unwrap_or_default()),
            };
            let is_small = *left >= size;
            *left = left.saturating_sub(size);
            is_small && fits(default, depth - 1, left)
        })
}

/// The first word of a reference, such as an alias, and the path after it.
pub fn head(path: &str) -> (&str, &str) {
    let end = path.find(['.', '[']).unwrap_or(path.len());
    let (head, rest) = path.split_at(end);
    (head, rest.strip_prefix('.').unwrap_or(rest))
}

/// The parts of a scalar's text. `raw` is what is in the file at `span`: places are exact where what the text says
/// is found there word by word, and the whole scalar's else.
pub(super) fn parts(text: &str, raw: &str, span: Span) -> Result<Vec<Part>, Box<Diagnostic>> {
    let mut scan = Scan { text, at: 0, dollars: Vec::new() };
    let mut parts = scan.parts(0).map_err(|trouble| {
        // A problem reaches at least from its `$`; search for that after the previous ones.
        let mut finder = Finder::new(raw, span);
        for dollars in scan.dollars.iter().filter(|dollars| dollars.end <= trouble.place.start) {
            finder.find(&text[dollars.clone()]);
        }
        let place = finder.find(&text[trouble.place]).unwrap_or(span);
        Box::new(Diagnostic::error(trouble.title).at(place).help(trouble.help))
    })?;
    let mut finder = Finder::new(raw, span);
    // Both are in the order of the text.
    let mut places = scan.dollars.iter().map(|dollars| (dollars.start, finder.find(&text[dollars.clone()])));
    for part in &mut parts {
        if let Part::Reference(reference) = part {
            let outer = reference.span.start;
            let place = places.find(|(start, _)| *start == outer as usize).and_then(|(_, place)| place);
            reference.relocate(outer, place, span);
        }
    }
    Ok(parts)
}

impl Reference {
    /// From a place in the scalar's text to one in the file.
    fn relocate(&mut self, outer: u32, place: Option<Span>, scalar: Span) {
        self.span = place.map_or(scalar, |place| Span {
            file: place.file,
            start: place.start + (self.span.start - outer),
            end: place.start + (self.span.end - outer),
        });
        for part in self.default.iter_mut().flatten() {
            if let Part::Reference(reference) = part {
                reference.relocate(outer, place, scalar);
            }
        }
    }
}

/// Finds pieces of a scalar's text, one after the other, in the file.
struct Finder<'a> {
    raw: &'a str,
    at: usize,
    span: Span,
    /// How many more misses are allowed: each searches all of the rest.
    misses: u8,
}

impl<'a> Finder<'a> {
    fn new(raw: &'a str, span: Span) -> Self {
        Self { raw, at: 0, span, misses: 16 }
    }

    fn find(&mut self, piece: &str) -> Option<Span> {
        if self.misses == 0 {
            return None;
        }
        let Some(start) = self.raw[self.at..].find(piece).map(|found| self.at + found) else {
            self.misses -= 1;
            return None;
        };
        self.at = start + piece.len();
        let offset = |at: usize| self.span.start + u32::try_from(at).expect("a file is at most 16 MiB");
        Some(Span { file: self.span.file, start: offset(start), end: offset(self.at) })
    }
}

/// The problem of a scalar's `${…}`.
struct Trouble {
    place: Range<usize>,
    title: &'static str,
    help: &'static str,
}

/// Reads a scalar's text from left to right. Spans are offsets in the text here.
struct Scan<'a> {
    text: &'a str,
    at: usize,
    /// The position of each outermost `${…}` and `$$`.
    dollars: Vec<Range<usize>>,
}

impl Scan<'_> {
    /// Up to the end, or, inside a default, up to the `}` that closes it.
    fn parts(&mut self, depth: usize) -> Result<Vec<Part>, Trouble> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut open_braces = 0_usize;
        loop {
            let rest = &self.text[self.at..];
            let next = rest.find(|c| c == '$' || depth > 0 && (c == '{' || c == '}')).unwrap_or(rest.len());
            text.push_str(&rest[..next]);
            self.at += next;
            let rest = &rest[next..];
            if rest.starts_with("${") {
                if !text.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut text)));
                }
                let start = self.at;
                parts.push(Part::Reference(self.reference(depth)?));
                self.dollar(start, depth);
                continue;
            }
            let Some(c) = rest.chars().next() else { break };
            match c {
                '}' if open_braces == 0 => break,
                '}' => open_braces -= 1,
                '{' => open_braces += 1,
                '$' if rest.starts_with("$$") => {
                    self.at += 1;
                    self.dollar(self.at - 1, depth);
                }
                _ => {}
            }
            text.push(c);
            self.at += 1;
        }
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        parts.shrink_to_fit();
        Ok(parts)
    }

    fn dollar(&mut self, start: usize, depth: usize) {
        if depth == 0 {
            // A `$$` is noted before its second dollar is passed.
            let end = self.at.max(start + 2);
            self.dollars.push(start..end);
        }
    }

    fn reference(&mut self, depth: usize) -> Result<Reference, Trouble> {
        let start = self.at;
        let trouble = |end, title, help| Err(Trouble { place: start..end, title, help });
        let unclosed = "a `${` is not closed";
        let how = "close it with `}`; write `$$` for a dollar";
        if depth == MAX_DEPTH {
            return trouble(start + 2, "defaults inside defaults are too many", "name the inner ones in `vars`");
        }
        self.at += 2;
        let rest = &self.text[self.at..];
        let bytes = rest.as_bytes();
        let Some(end) = (0..bytes.len())
            .find(|&at| bytes[at] == b'}' || bytes[at..].starts_with(b":-") || bytes[at..].starts_with(b"${"))
        else {
            return trouble(start + 2, unclosed, how);
        };
        let Some((path, filters)) = filtered(&rest[..end]) else {
            let (title, help) = ("unknown filter", "the filters are `urlencode` and `trim`");
            return trouble(self.at + end, title, help);
        };
        self.at += end;
        if bytes[end] == b'$' {
            return trouble(
                self.at + 2,
                "a reference cannot be part of the path of another",
                "only a default may: `${a:-${b}}`",
            );
        }
        let default = if bytes[end] == b':' {
            self.at += 2;
            Some(self.parts(depth + 1)?)
        } else {
            None
        };
        if !self.text[self.at..].starts_with('}') {
            return trouble(start + 2, unclosed, how);
        }
        self.at += 1;
        if path.is_empty() {
            return trouble(
                self.at,
                "a `${}` without a name",
                "write what to take, such as `${vars.api}`; write `$$` for a dollar",
            );
        }
        let is_variable = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
        if path.strip_prefix("env.").is_some_and(|name| !is_variable(name)) {
            let help = "a name has letters, digits and `_`; a default is written `${env.NAME:-VALUE}`";
            return trouble(self.at, "not the name of an environment variable", help);
        }
        let offset = |at: usize| u32::try_from(at).expect("a file is at most 16 MiB");
        Ok(Reference { path, filters, default, span: Span { file: 0, start: offset(start), end: offset(self.at) } })
    }
}
