//! A serde `Deserializer` over the tree, and a reader that finds every problem, not just the first.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::diagnostic::{Diagnostic, Span};

use super::Node;

/// A value and where it stood, for fields whose place is needed later.
#[derive(Debug, Clone, PartialEq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stood.
    pub span: Span,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Spanned<T> {
    fn deserialize<D: serde::Deserializer<'de>>(_deserializer: D) -> Result<Self, D::Error> {
        todo!()
    }
}

/// A whole subtree as it stands, for what is read later.
impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: serde::Deserializer<'de>>(_deserializer: D) -> Result<Self, D::Error> {
        todo!()
    }
}

/// Reads a `T`. `None` when anything is wrong; then each problem has been told, with its place. A hole is a problem.
pub fn read<T: DeserializeOwned>(_node: &Node, _problems: &mut Vec<Diagnostic>) -> Option<T> {
    todo!()
}

/// Tells every problem that reading a `T` would meet, passing over what is not filled yet.
/// `Some` only when there are no holes in the way and nothing is wrong.
pub fn read_with_holes<T: DeserializeOwned>(_node: &Node, _problems: &mut Vec<Diagnostic>) -> Option<T> {
    todo!()
}
