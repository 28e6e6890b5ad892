//! YAML text → a tree that knows the position of each word → any `Deserialize` type, with every problem reported at its place.
//!
//! This is the only place that knows the parser crate.

mod de;
mod error;
mod events;
mod fault;
mod fill;
mod hint;
mod layout;
mod parse;
mod plain;
mod read;
mod reading;
mod scalar;
mod spanned;
mod template;
mod unit;
mod write;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::diagnostic::Span;

use plain::Plain;

pub use fill::{Lookup, fill, fill_and_note};
pub use parse::{parse, parse_foreign, parse_plain};
pub use read::{read, read_with_holes};
pub use scalar::{block, comment, flow, lines, quoted};
pub use spanned::Spanned;
pub use template::{Filter, Part, Reference, Template, head};
pub use unit::{Duration, Pause, Size, invalid_size};
pub use write::write;

/// A value and where it is. Cloning is cheap: what is below is shared.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it is. What an alias refers to keeps the place of its anchor.
    pub span: Span,
    /// The value.
    pub value: Value,
    /// The original text, if references in it were filled in.
    pub written: Option<Arc<Template>>,
}

/// The value of a node.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A scalar whose text is known.
    Scalar(Scalar),
    /// A scalar with `${…}` in it that could not be filled yet.
    Unresolved(Arc<Template>),
    /// A list.
    List(Arc<[Node]>),
    /// A map, in the order of the file. Keys are unique.
    Map(Arc<[(Key, Node)]>),
}

/// A scalar: its text, and how it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Scalar {
    /// The text with escapes resolved, and folded.
    pub text: Arc<str>,
    /// How it was written.
    pub style: Style,
}

/// How a scalar was written, which decides whether `60` may be a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without quotes: the core schema decides (`null`, `true`, `60`, `1.5`, or else text).
    Plain,
    /// In quotes, or a block: text.
    Quoted,
    /// Without quotes and filled from outside (`${env.X}`): text, or a number or bool where one is expected.
    Filled,
}

/// The key of a map's entry. Keys are text; a key such as `200` is the text `200`.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// Where it is.
    pub span: Span,
    /// Its text.
    pub text: Arc<str>,
}

impl Node {
    /// A value as it is written.
    pub fn new(span: Span, value: Value) -> Self {
        Self { span, value, written: None }
    }

    /// The value under this key of a map.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|(name, _)| &*name.text == key).map(|(_, node)| node)
    }

    /// A map's entries; none for anything else.
    pub fn entries(&self) -> &[(Key, Node)] {
        match &self.value {
            Value::Map(entries) => entries,
            Value::Scalar(_) | Value::Unresolved(_) | Value::List(_) => &[],
        }
    }

    /// The value at a path such as `db.hosts[0]`; the node itself for an empty one.
    pub fn at_path(&self, path: &str) -> Option<&Node> {
        if path.is_empty() {
            return Some(self);
        }
        if let Some((at, rest)) = path.strip_prefix('[').and_then(|path| path.split_once(']')) {
            let element = self.elements().get(at.parse::<usize>().ok()?)?;
            return element.at_path(rest.strip_prefix('.').unwrap_or(rest));
        }
        let (first, rest) = head(path);
        if let Some(found) = self.get(first).and_then(|node| node.at_path(rest)) {
            return Some(found);
        }
        // A key may contain dots, as labels of Kubernetes do.
        self.get(path).or_else(|| {
            let mut ends = path.match_indices(['.', '[']).map(|(at, _)| at).filter(|at| *at > first.len());
            let rest = |at: usize| path[at..].strip_prefix('.').unwrap_or(&path[at..]);
            ends.find_map(|at| self.get(&path[..at])?.at_path(rest(at)))
        })
    }

    /// The map with the entries of these keys alone.
    #[must_use]
    pub fn only(&self, keys: &[&str]) -> Node {
        let entries = self.entries().iter().filter(|(key, _)| keys.contains(&&*key.text)).cloned().collect();
        Node::new(self.span, Value::Map(entries))
    }

    /// A list's elements; none for anything else.
    pub fn elements(&self) -> &[Node] {
        match &self.value {
            Value::List(elements) => elements,
            Value::Scalar(_) | Value::Unresolved(_) | Value::Map(_) => &[],
        }
    }

    /// A scalar's text.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) => Some(&scalar.text),
            Value::Unresolved(_) | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Whether it is `null`, `~` or nothing at all.
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(Scalar { text, style: Style::Plain }) if Plain::of(text) == Plain::Null)
    }

    /// A word for its type in messages: `a map`, `a list`, `text`, `a number`, …
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Map(_) => "a map",
            Value::List(_) => "a list",
            Value::Unresolved(_) => "a value that is filled in later",
            Value::Scalar(scalar) => match scalar.to_json() {
                serde_json::Value::Null => "nothing",
                serde_json::Value::Bool(_) => "true or false",
                serde_json::Value::Number(_) => "a number",
                _ => "text",
            },
        }
    }

    /// Whether there is a hole in it.
    pub fn has_holes(&self) -> bool {
        match &self.value {
            Value::Scalar(_) => false,
            Value::Unresolved(_) => true,
            Value::List(elements) => elements.iter().any(Node::has_holes),
            Value::Map(entries) => entries.iter().any(|(_, node)| node.has_holes()),
        }
    }

    /// Whether references in it were filled in.
    pub fn is_filled(&self) -> bool {
        let is_below =
            || self.elements().iter().chain(self.entries().iter().map(|(_, node)| node)).any(Node::is_filled);
        self.written.is_some() || is_below()
    }

    /// Whether it is small enough: at most `depth` levels, and at most as many nodes as are left. Those are counted down.
    ///
    /// Subtrees may be shared, so a short file can make a tree that is too large to walk through.
    pub fn fits(&self, depth: usize, left: &mut usize) -> bool {
        let size = match &self.value {
            Value::Scalar(scalar) => 1 + scalar.text.len() / 32,
            Value::Unresolved(_) | Value::List(_) | Value::Map(_) => 1,
        };
        if depth == 0 || *left < size {
            return false;
        }
        *left -= size;
        match &self.value {
            Value::Scalar(_) => true,
            Value::Unresolved(template) => template::fits(&template.parts, depth - 1, left),
            Value::List(elements) => elements.iter().all(|node| node.fits(depth - 1, left)),
            Value::Map(entries) => entries.iter().all(|(_, node)| node.fits(depth - 1, left)),
        }
    }

    /// Every reference in it that is not filled, in order.
    pub fn references(&self) -> Vec<&Reference> {
        let mut found = Vec::new();
        self.gather(false, &mut found);
        found
    }

    /// Every reference that was written in it, filled or not, in order.
    pub fn written_references(&self) -> Vec<&Reference> {
        let mut found = Vec::new();
        self.gather(true, &mut found);
        found
    }

    fn gather<'a>(&'a self, as_written: bool, found: &mut Vec<&'a Reference>) {
        match (&self.written, &self.value) {
            (Some(written), _) if as_written => template::references(&written.parts, found),
            (_, Value::Scalar(_)) => {}
            (_, Value::Unresolved(template)) => template::references(&template.parts, found),
            (_, Value::List(elements)) => elements.iter().for_each(|node| node.gather(as_written, found)),
            (_, Value::Map(entries)) => entries.iter().for_each(|(_, node)| node.gather(as_written, found)),
        }
    }

    /// Its value as JSON: plain scalars by the core schema, all others as text. Holes are `null`.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Scalar(scalar) => scalar.to_json(),
            Value::Unresolved(_) => serde_json::Value::Null,
            Value::List(elements) => elements.iter().map(Node::to_json).collect(),
            Value::Map(entries) => entries.iter().map(|(key, node)| (key.text.to_string(), node.to_json())).collect(),
        }
    }

    /// A tree for a JSON value, all at this place. Text is [`Style::Filled`] so that it may become a number.
    pub fn from_json(value: &serde_json::Value, span: Span) -> Node {
        fill::from_json(value, span)
    }
}

impl Scalar {
    /// Its value as JSON. [`Style::Filled`] is text here. A number that JSON lacks, such as `.nan`, is its text.
    pub fn to_json(&self) -> serde_json::Value {
        let text = || serde_json::Value::from(&*self.text);
        match self.style {
            Style::Quoted | Style::Filled => text(),
            Style::Plain => match Plain::of(&self.text) {
                Plain::Null => serde_json::Value::Null,
                Plain::Bool(bool) => bool.into(),
                Plain::Unsigned(number) => number.into(),
                Plain::Signed(number) => number.into(),
                Plain::Float(number) => serde_json::Number::from_f64(number).map_or_else(text, Into::into),
                Plain::Text => text(),
            },
        }
    }
}
