//! Expectations: a map from paths in an observation to matchers. Judging happens only here.
//!
//! Nothing here does I/O; the time is a parameter.

mod argument;
mod cut;
mod defaults;
mod expected;
mod failure;
mod matcher;
mod operator;
mod path;
mod reader;
mod reference;
mod shape;
#[cfg(test)]
mod tests;
mod truth;
mod words;

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::diagnostic::{Diagnostic, Span};
use crate::yaml::{self, Key, Node};

pub use cut::Truncation;
pub use defaults::{SameFact, in_force};
pub use operator::{OPERATORS, Operator, Takes, json_schema};
pub use reference::{astray, take};

use argument::Target;
use cut::{Extent, Relation};
use matcher::Matcher;
use path::{JSON, Missing, Path, To};
use shape::Shape;
use truth::Truth;
use words::{LONG, SHORT, brief};

/// One entry of `expect`.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// Where the path is in the file.
    pub span: Span,
    /// Whether it is a default of the kind of probe.
    pub is_default: bool,
    /// Shared by all places that state the same.
    assertion: Arc<Assertion>,
}

/// A rule for a path.
#[derive(Debug)]
struct Assertion {
    path: Path,
    rule: Rule,
    /// Whether the path collects values from the JSON that was read, among others.
    collects_json: bool,
}

/// The rule for a path.
#[derive(Debug)]
enum Rule {
    /// It must not exist.
    Absent,
    /// It must exist.
    Present,
    /// It must match. A missing value never matches, not even a `not`.
    Matches(Matcher),
}

/// The result of one expectation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The path as written.
    pub path: String,
    /// The expected value, in words: `at least 4`, `200`, `to contain "M4"`.
    pub expected: String,
    /// The value there, as JSON shortened to a line, or `nothing`.
    pub observed: String,
    /// The outcome.
    pub outcome: Outcome,
}

/// The outcome of an expectation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is met.
    Holds,
    /// It is not met, with the reason in one line such as `dashboards.titles: "M4.5 Failure" not found`.
    Fails(String),
    /// It depends on a part that was not read: why, and the setting that raises the limit.
    Unknown(String, Option<&'static str>),
}

/// Reads `expect:` against the JSON Schema of the observation. An unknown field, a matcher that can never hold
/// (`status: "200"`), an unknown operator, a bad regex: each is a problem at its place. An empty map asserts nothing
/// and is a problem.
///
/// An expectation with unresolved references is checked as far as it is known, and left out: read it again when they
/// are filled.
pub fn read(expect: &Node, schema: &Value, problems: &mut Vec<Diagnostic>) -> Vec<Expectation> {
    expectations(expect, schema, false, problems)
}

/// The same for a map whose references are resolved, during a run.
pub fn read_filled(expect: &Node, schema: &Value, problems: &mut Vec<Diagnostic>) -> Vec<Expectation> {
    expectations(expect, schema, true, problems)
}

/// The same `expect`, in which each value that is filled in during the run is the argument of `equals`: the answer of a
/// server is compared, and can't bring operators of its own.
pub fn with_equals(expect: &Node) -> Node {
    let yaml::Value::Map(entries) = &expect.value else { return expect.clone() };
    let entries = entries.iter().map(|(path, node)| (path.clone(), matcher_with_equals(node))).collect();
    Node { value: yaml::Value::Map(entries), ..expect.clone() }
}

fn matcher_with_equals(node: &Node) -> Node {
    let value = match &node.value {
        yaml::Value::Unresolved(_) => {
            yaml::Value::Map([(Key { span: node.span, text: "equals".into() }, node.clone())].into())
        }
        yaml::Value::Map(entries) => yaml::Value::Map(
            entries
                .iter()
                .map(|(key, node)| {
                    match operator::operator_named(&key.text).is_some_and(|known| known.takes == Takes::Matcher) {
                        true => (key.clone(), matcher_with_equals(node)),
                        false => (key.clone(), node.clone()),
                    }
                })
                .collect(),
        ),
        yaml::Value::Scalar(_) | yaml::Value::List(_) => return node.clone(),
    };
    Node { value, ..node.clone() }
}

fn expectations(expect: &Node, schema: &Value, is_filled: bool, problems: &mut Vec<Diagnostic>) -> Vec<Expectation> {
    match &expect.value {
        yaml::Value::Unresolved(_) => Vec::new(),
        yaml::Value::Map(entries) if entries.is_empty() => {
            problems.push(Diagnostic::error("an empty `expect` asserts nothing").at(expect.span).help(
                "leave `expect` out to keep the defaults of this kind of probe, or name a path, such as `status: 200`",
            ));
            Vec::new()
        }
        yaml::Value::Map(entries) => {
            let mut expectations = Vec::with_capacity(entries.len());
            expectations
                .extend(entries.iter().filter_map(|(key, node)| expectation(key, node, schema, is_filled, problems)));
            expectations
        }
        yaml::Value::Scalar(_) | yaml::Value::List(_) => {
            let title = format!("`expect` must be a map from paths to expected values, not {}", expect.kind());
            problems.push(Diagnostic::error(title).at(expect.span).help("such as `expect: { status: 200 }`"));
            Vec::new()
        }
    }
}

fn expectation(
    key: &Key,
    node: &Node,
    schema: &Value,
    is_filled: bool,
    problems: &mut Vec<Diagnostic>,
) -> Option<Expectation> {
    let path = match Path::read(key) {
        Ok(path) => path,
        Err(problem) => {
            problems.push(*problem);
            return None;
        }
    };
    let shape = match shape_at(&path, key, schema) {
        Ok(shape) => shape,
        Err(problem) => {
            problems.push(*problem);
            // The expected value may have mistakes of its own.
            let target = Target { path: &path.text, part: "", shape: Shape::anything(), is_filled };
            let _unknown = rule(node, &target, problems);
            return None;
        }
    };
    let rule = rule(node, &Target { path: &path.text, part: "", shape, is_filled }, problems)?;
    let collects_json = path.collects_json && Shape::of(schema).names(JSON);
    let assertion = Arc::new(Assertion { path, rule, collects_json });
    Some(Expectation { span: key.span, is_default: false, assertion })
}

/// The possible types at the path.
fn shape_at<'a>(path: &Path, key: &Key, schema: &'a Value) -> Result<Shape<'a>, Box<Diagnostic>> {
    let mut shape = Shape::of(schema);
    for step in &path.steps {
        let span = path::within(key.span, &path.text, step.range.clone());
        shape = match &step.to {
            To::Field(name) => {
                let rest = &path.text[step.range.start..];
                shape.field(name).map_err(|barren| {
                    let problem = argument::no_field(name, rest, span, &barren, &shape);
                    let is_index = shape.is_list() && name.chars().all(|c| c.is_ascii_digit());
                    let parent = path.text[..step.range.start].trim_end_matches('.');
                    let meant = format!("did you mean `{parent}[{name}]{}`?", &path.text[step.range.end..]);
                    Box::new(if is_index { problem.label(meant) } else { problem })
                })?
            }
            To::Index(index) => shape.element(Some(*index)).ok_or_else(|| {
                let parent = path.text[..step.range.start].trim_end();
                let problem = Diagnostic::error(format!("`{parent}` is not a list")).at(span);
                Box::new(problem.label(format!("it is {}", shape.words())))
            })?,
        };
    }
    Ok(if path.branches() { Shape::list() } else { shape })
}

fn rule(node: &Node, target: &Target, problems: &mut Vec<Diagnostic>) -> Option<Rule> {
    let Some((key, exists)) = node.entries().iter().find(|(key, _)| &*key.text == "exists") else {
        return reader::matcher(node, target, problems).map(Rule::Matches);
    };
    let others: Vec<(Key, Node)> = node.entries().iter().filter(|(other, _)| other != key).cloned().collect();
    let matcher = if others.is_empty() { None } else { Some(reader::operators(&others, target, problems)) };
    let exists = match (&exists.value, exists.text()) {
        (yaml::Value::Unresolved(_), _) => return None,
        (_, Some(text)) if text.eq_ignore_ascii_case("true") => true,
        (_, Some(text)) if text.eq_ignore_ascii_case("false") => false,
        _ => {
            problems.push(argument::wants("exists", "true or false", exists));
            return None;
        }
    };
    match (exists, matcher) {
        (true, None) => Some(Rule::Present),
        (true, Some(matcher)) => matcher.map(Rule::Matches),
        (false, None) => Some(Rule::Absent),
        (false, Some(_)) => {
            let other = others.first().expect("there is a matcher because there are others");
            let title = format!("what is not there can't satisfy `{}`", other.0.text);
            problems.push(Diagnostic::error(title).at(other.0.span).also(key.span, "nothing is to be there"));
            None
        }
    }
}

impl Expectation {
    /// The path as written.
    pub fn path(&self) -> &str {
        &self.assertion.path.text
    }

    /// The same where the file states it again.
    #[must_use]
    pub fn at(&self, span: Span) -> Self {
        Self { span, ..self.clone() }
    }

    /// The expected value, as it follows the word "expected": `at least 4`, `200`, `to contain "M4"`.
    pub fn describe(&self) -> String {
        match &self.assertion.rule {
            Rule::Absent => "none".to_owned(),
            Rule::Present => "a value".to_owned(),
            Rule::Matches(matcher) => failure::wanted(matcher),
        }
    }

    /// Judges an observation, with the parts that were cut at a limit.
    pub fn judge(&self, observation: &Value, cuts: &[Truncation], now: Timestamp) -> Judgement {
        let Assertion { path: at, rule, .. } = &*self.assertion;
        let found = at.find(observation);
        let cut = cuts.iter().find_map(|cut| Some((cut, cut.relation(at)?)));
        let unparsed = self.unparsed(observation);
        let extent = match cut {
            None if unparsed.is_some() => Extent::Part,
            None => Extent::Whole,
            Some((_, Relation::FromEnd)) => Extent::Nothing,
            Some((_, Relation::Partial)) => Extent::Part,
            // A value that was found was read; a missing one may only not have been read.
            Some((_, Relation::Below(steps))) => match &found {
                Err(missing) if missing.step <= steps => Extent::Nothing,
                Ok(_) | Err(_) => Extent::Whole,
            },
        };
        // A JSONPath that finds nothing gives an empty list. That is nothing to exist, but a length to be judged.
        let is_there = found.as_ref().is_ok_and(|found| !at.branches() || found.as_array() != Some(&Vec::new()));
        let is_known =
            extent == Extent::Whole || extent == Extent::Part && is_there && found != Ok(Cow::Owned(Value::Null));
        let path = &at.text;
        let truth = match (rule, &found) {
            _ if extent == Extent::Nothing => Truth::Unread,
            (Rule::Absent | Rule::Present, _) if !is_known => Truth::Unread,
            (Rule::Absent, Ok(_)) => (!is_there).into(),
            (Rule::Absent, Err(missing)) => missing.is_absent.into(),
            (Rule::Present, _) => is_there.into(),
            (Rule::Matches(_), Err(_)) if extent == Extent::Part => Truth::Unread,
            (Rule::Matches(_), Err(_)) => Truth::Fails,
            (Rule::Matches(matcher), Ok(value)) => matcher.judge(value, extent, now),
        };
        let outcome = match (truth, cut) {
            (Truth::Holds, _) => Outcome::Holds,
            (Truth::Unread, Some((cut, _))) => {
                let expected = self.describe();
                Outcome::Unknown(format!("{path}: expected {expected}, but {}", cut.read), cut.setting)
            }
            (Truth::Unread, None) if let Some(why) = unparsed => {
                Outcome::Fails(format!("{path}: expected {}, but {why}", self.describe()))
            }
            (Truth::Fails | Truth::Inapplicable | Truth::Unread, _) => Outcome::Fails(match (rule, &found) {
                (Rule::Absent, Ok(value)) => format!("{path}: expected none, got {}", brief(value, SHORT)),
                (Rule::Absent, Err(Missing { why: Some(why), .. })) => format!("{path}: expected none, but {why}"),
                (_, Err(missing)) => missing.words(path),
                (Rule::Present, Ok(_)) => format!("{path}: not found"),
                (Rule::Matches(matcher), Ok(value)) => {
                    // In `$.a[*].b[2]` the last index would be read as a part of the JSONPath.
                    let subject = if at.branches() { &format!("({path})") } else { path };
                    failure::failure(matcher, subject, value, now)
                }
            }),
        };
        let observed = found.map_or_else(|_| "nothing".to_owned(), |value| brief(&value, LONG));
        Judgement { path: path.clone(), expected: self.describe(), observed, outcome }
    }

    /// Why values that the path would collect from JSON are not known: none was read, or it has no fields.
    fn unparsed(&self, observation: &Value) -> Option<String> {
        match observation.get(JSON) {
            _ if !self.assertion.collects_json => None,
            None => Some(format!("`{JSON}` is missing: what was read is not JSON")),
            Some(Value::Object(_) | Value::Array(_)) => None,
            Some(other) => Some(format!("`{JSON}` is {}", words::kind(other))),
        }
    }
}

impl Judgement {
    /// Why it is not met. None if it is.
    pub fn reason(&self) -> Option<&str> {
        match &self.outcome {
            Outcome::Holds => None,
            Outcome::Fails(why) | Outcome::Unknown(why, _) => Some(why),
        }
    }
}
