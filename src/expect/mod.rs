//! What an observation must be: a map from a path in it to a matcher. Judging happens here and nowhere else.
//!
//! Nothing here does I/O; the time is given.

use jiff::Timestamp;
use serde_json::Value;

use crate::diagnostic::{Diagnostic, Span};
use crate::yaml::Node;

/// One entry of `expect`.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// Where the path stands in the file.
    pub span: Span,
}

/// What came of one expectation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The path as written.
    pub path: String,
    /// What was expected, in words: `at least 4`, `200`, `contains "M4"`.
    pub expected: String,
    /// What stood there, as JSON shortened to a line, or `nothing`.
    pub observed: String,
    /// Why it does not hold, in one line such as `dashboards.titles lacks "M4.5 Failure"`. `None` when it holds.
    pub failure: Option<String>,
}

/// Reads `expect:` against the JSON Schema of the observation. An unknown field, a matcher that can never hold
/// (`status: "200"`), an unknown operator, a bad regex: each is a problem at its place. Holes are accepted as they
/// are: such an expectation must be read again when they are filled. An empty map asserts nothing and is a problem.
pub fn read(_expect: &Node, _schema: &Value, _problems: &mut Vec<Diagnostic>) -> Vec<Expectation> {
    todo!()
}

impl Expectation {
    /// Judges an observation.
    pub fn judge(&self, _observation: &Value, _now: Timestamp) -> Judgement {
        todo!()
    }
}
