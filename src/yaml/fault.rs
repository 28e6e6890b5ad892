//! A fault in a text that is not YAML, and what to say of it.

use std::ops::Range;

use granit_parser::ErrorKind;

/// How deep lists and maps may nest, aliases followed.
pub(super) const MAX_DEPTH: usize = 64;

/// A likely cause.
#[derive(Debug)]
pub(super) struct Hint {
    pub title: String,
    pub place: Range<usize>,
    pub help: String,
}

impl Hint {
    pub(super) fn new(title: impl Into<String>, place: Range<usize>, help: impl Into<String>) -> Self {
        Self { title: title.into(), place, help: help.into() }
    }
}

/// The text, what the parser says of it, and where.
pub(super) struct Fault<'a> {
    pub text: &'a str,
    pub kind: &'a ErrorKind,
    pub at: usize,
    /// Where the lists and maps begin that are not complete, the innermost last.
    pub open: &'a [usize],
}
