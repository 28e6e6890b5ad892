//! Why a node can't be read as a type.

use serde::de::{self, Expected, Unexpected};

use crate::diagnostic::{self, Span, suggestion};

use super::Node;
use super::reading::Skipped;

/// The place of an error: what to show, and what to leave out so that the rest can be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Location {
    pub span: Span,
    pub skipped: Skipped,
}

#[derive(Debug)]
pub(super) enum ErrorKind {
    /// A follow-on error, which is not reported.
    Consequence,
    /// A hole, with the paths of its references. Empty for one whose problem has been reported.
    Unresolved(Vec<String>),
    Missing(&'static str),
    Wrong {
        title: String,
        help: Option<String>,
    },
    /// A value of the wrong type, or out of range: the form of the setting helps.
    Misfit {
        title: String,
        help: Option<String>,
    },
    /// A value of a type that the setting does not have.
    Mistyped {
        expected: String,
        found: String,
    },
    /// A value of the right type, but not a valid one.
    Invalid(String),
}

#[derive(Debug)]
pub(super) struct Error {
    pub what: ErrorKind,
    pub place: Option<Location>,
}

impl Error {
    pub(super) fn wrong(title: impl Into<String>, help: Option<String>) -> Self {
        Self { what: ErrorKind::Wrong { title: title.into(), help }, place: None }
    }

    /// The innermost place wins.
    pub(super) fn at(mut self, span: Span, node: &Node) -> Self {
        self.place.get_or_insert(Location { span, skipped: Skipped::of(node) });
        self
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{:?}", self.what)
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self::wrong(message.to_string(), None)
    }

    fn invalid_value(found: Unexpected, expected: &dyn Expected) -> Self {
        Self { what: ErrorKind::Invalid(format!("invalid value: {found}, expected {expected}")), place: None }
    }

    fn missing_field(field: &'static str) -> Self {
        Self { what: ErrorKind::Missing(field), place: None }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let near = suggestion(variant, expected.iter().copied()).filter(|_| expected.len() > MAX_LISTED);
        let help = near.unwrap_or_else(|| diagnostic::expected(expected));
        Self::wrong(format!("invalid value `{variant}`"), Some(help))
    }

    fn invalid_type(found: Unexpected, expected: &dyn Expected) -> Self {
        let found = match found {
            Unexpected::Bool(_) => "true or false".to_owned(),
            Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number".to_owned(),
            Unexpected::Str(_) => "text".to_owned(),
            Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
            Unexpected::Seq => "a list".to_owned(),
            Unexpected::Map => "a map".to_owned(),
            other => other.to_string(),
        };
        let expected = expectation(&expected.to_string()).to_owned();
        Self { what: ErrorKind::Mistyped { expected, found }, place: None }
    }
}

/// If there are at most this many valid values, all of them are listed.
const MAX_LISTED: usize = 10;

/// serde's word for a type, as a user knows it.
fn expectation(expected: &str) -> &str {
    match expected {
        "a string" => "text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "u8" | "u16" | "u32" | "u64" | "usize" | "i32" | "i64" => "a whole number",
        "f64" => "a number",
        other if other.starts_with("struct ") => "a map",
        other => other,
    }
}
