//! `${…}` in scalars: found once, filled from outside, never able to change the structure of the file.

use crate::diagnostic::{Diagnostic, Span};

use super::Node;

/// A scalar with references in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// Text and references in turn. `$$` has become `$` in the text.
    pub parts: Vec<Part>,
    /// How the whole was written.
    pub style: super::Style,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// As it stands.
    Text(String),
    /// `${path:-default}`.
    Reference(Reference),
}

/// `${path:-default}`: what stands between the braces.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// Such as `vars.api`, `env.STAGING_URL`, `secrets.TOKEN`, `inputs.url`, `main.commit`, `items.db.main.json.id`.
    pub path: String,
    /// What to take when there is nothing there (or an empty text). It may hold references itself.
    pub default: Option<Vec<Part>>,
    /// From the `$` to the `}`.
    pub span: Span,
}

/// What a scope says of a reference.
#[derive(Debug, Clone)]
pub enum Lookup {
    /// This stands there. Any kind of node when the reference is the whole scalar; else it must be a scalar.
    Found(Node),
    /// Nothing stands there, so the default is taken; without one, the hole stays.
    Missing,
    /// It can't be known yet: the hole stays, with its default.
    Later,
    /// There can never be such a thing.
    Wrong(Box<Diagnostic>),
}

/// The node with every reference filled that `lookup` knows. What cannot be filled stays a hole.
///
/// Problems are `Lookup::Wrong` and a list or map in the middle of a text.
pub fn fill(_node: &Node, _lookup: &mut dyn FnMut(&Reference) -> Lookup, _problems: &mut Vec<Diagnostic>) -> Node {
    todo!()
}
