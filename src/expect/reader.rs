//! Parses the value of a path in the checklist to a matcher, and reports every problem at its place.

use std::sync::LazyLock;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::diagnostic::{Diagnostic, Span, closest, expected};
use crate::yaml::{self, Key, Node, Style};

use super::argument::{self, Target, empty, wants};
use super::expected::Expected;
use super::failure::wanted;
use super::matcher::{Limit, Matcher, Relation};
use super::operator::{names, operator_named};
use super::shape::{Kind, Shape};

/// The possible values of a length.
static LENGTH: LazyLock<Value> = LazyLock::new(|| json!({ "type": "integer", "minimum": 0 }));

/// Reads a matcher. None if it has unresolved references, or a problem, which has been reported then.
pub fn matcher(node: &Node, target: &Target, problems: &mut Vec<Diagnostic>) -> Option<Matcher> {
    match &node.value {
        yaml::Value::Unresolved(_) => None,
        yaml::Value::Scalar(scalar) => {
            if !target.is_filled && scalar.style == Style::Quoted && target.shape.may_be_any() {
                problems.extend(as_text(node, &scalar.text, target));
            }
            argument::value(node, target, problems).map(Matcher::Equals)
        }
        yaml::Value::List(_) => argument::value(node, target, problems).map(Matcher::Equals),
        yaml::Value::Map(entries) if entries.is_empty() => {
            let problem = Diagnostic::error("an empty map asserts nothing").at(node.span);
            problems.push(problem.help("to ask for an empty map write `{ length: 0 }`"));
            None
        }
        yaml::Value::Map(entries) if is_counts(entries, &target.shape) => {
            argument::value(node, target, problems).map(Matcher::Equals)
        }
        yaml::Value::Map(entries) => operators(entries, target, problems),
    }
}

/// The warning for a text such as `">= 3"` where a number is possible as well.
fn as_text(node: &Node, text: &str, target: &Target) -> Option<Diagnostic> {
    let bounds = argument::bounds_in(text)?;
    let problem = Diagnostic::warning(format!("{} is compared with the text `{text}`", target.words())).at(node.span);
    let path = target.path;
    Some(
        problem
            .help(format!("for a number write `{path}: {bounds}`; for the text, `{path}: {{ equals: \"{text}\" }}`")),
    )
}

/// Whether a map without operators means equality to one whose keys are data, such as `{ "200": 60, "429": 5 }`.
fn is_counts(entries: &[(Key, Node)], shape: &Shape) -> bool {
    shape.may_be(Kind::Map)
        && shape.is_free_map()
        && entries.iter().all(|(key, _)| operator_named(&key.text).is_none() && closest(&key.text, names()).is_none())
}

/// Reads operators, all of which must hold.
pub fn operators(entries: &[(Key, Node)], target: &Target, problems: &mut Vec<Diagnostic>) -> Option<Matcher> {
    let mut read: Vec<(Span, Option<Matcher>)> = Vec::with_capacity(entries.len());
    for (key, node) in entries {
        read.push((key.span, operator(key, node, target, problems)));
    }
    if !target.is_filled {
        contradictions(&read, target, problems);
    }
    if let [(span, Some(Matcher::Bound(relation, limit)))] = read.as_slice()
        && always_holds(*relation, limit, target)
    {
        let title = format!(
            "{} is always {}, so it asserts nothing",
            target.words(),
            wanted(&Matcher::Bound(*relation, limit.clone()))
        );
        problems.push(Diagnostic::error(title).at(*span));
        return None;
    }
    let mut read = read.into_iter().map(|(_, matcher)| matcher).collect::<Option<Vec<Matcher>>>()?;
    if read.len() == 1 { read.pop() } else { Some(Matcher::All(read)) }
}

fn operator(key: &Key, node: &Node, target: &Target, problems: &mut Vec<Diagnostic>) -> Option<Matcher> {
    let name = &*key.text;
    let is_possible = |kinds: &[Kind]| kinds.iter().any(|kind| target.shape.may_be(*kind));
    let possible = match name {
        "matches" | "starts_with" | "ends_with" | "newer_than" | "version" => is_possible(&[Kind::Text]),
        "contains" | "length" => is_possible(&[Kind::Text, Kind::List, Kind::Map]),
        "every" | "some" => is_possible(&[Kind::List]),
        _ => true,
    };
    if !possible {
        let help = (matches!(name, "every" | "some") && target.shape.may_be(Kind::Map))
            .then(|| format!("the values of a map, as a list: `$.{}.*`", target.path));
        problems.push(target.never(&format!("satisfy `{name}`"), key.span).maybe_help(help));
        return None;
    }
    let relation = |relation, problems: &mut Vec<Diagnostic>| {
        Some(Matcher::Bound(relation, argument::limit(name, relation, node, target, problems)?))
    };
    match name {
        "equals" => argument::value(node, target, problems).map(Matcher::Equals),
        "not" => Some(Matcher::Not(Box::new(matcher(node, target, problems)?))),
        "one_of" => one_of(node, target, problems),
        "at_least" => relation(Relation::AtLeast, problems),
        "at_most" => relation(Relation::AtMost, problems),
        "above" => relation(Relation::Above, problems),
        "below" => relation(Relation::Below, problems),
        "contains" => parts(node, target, problems).map(Matcher::Contains),
        "matches" => argument::regex(node, problems).map(Matcher::Matches),
        "starts_with" => argument::text(name, node, problems).map(Matcher::StartsWith),
        "ends_with" => argument::text(name, node, problems).map(Matcher::EndsWith),
        "length" => {
            let target = Target { part: "the length of ", shape: Shape::of(&LENGTH), ..*target };
            Some(Matcher::Length(Box::new(matcher(node, &target, problems)?)))
        }
        "every" => Some(Matcher::Every(Box::new(matcher(node, &element(target)?, problems)?))),
        "some" => Some(Matcher::Some(Box::new(matcher(node, &element(target)?, problems)?))),
        "newer_than" => argument::age(node, problems).map(Matcher::NewerThan),
        "version" => argument::range(node, problems).map(Matcher::Version),
        "exists" => {
            let problem = Diagnostic::error("`exists` belongs directly under a path").at(key.span);
            problems.push(problem.help(format!("such as `{}: {{ exists: false }}`", target.path)));
            None
        }
        _ => {
            problems.push(unknown_operator(key, target));
            None
        }
    }
}

fn element<'a>(target: &Target<'a>) -> Option<Target<'a>> {
    Some(Target { part: "an element of ", shape: target.shape.element(None)?, ..*target })
}

fn one_of(node: &Node, target: &Target, problems: &mut Vec<Diagnostic>) -> Option<Matcher> {
    match &node.value {
        yaml::Value::Unresolved(_) => None,
        yaml::Value::List(choices) if choices.is_empty() => {
            problems.push(Diagnostic::error("an empty list matches nothing").at(node.span));
            None
        }
        yaml::Value::List(choices) => {
            let read: Vec<Option<Expected>> =
                choices.iter().map(|choice| argument::value(choice, target, problems)).collect();
            Some(Matcher::OneOf(read.into_iter().collect::<Option<_>>()?))
        }
        yaml::Value::Scalar(_) | yaml::Value::Map(_) => {
            problems.push(wants("one_of", "a list", node).help("such as `{ one_of: [200, 204] }`"));
            None
        }
    }
}

/// The parts that a value must contain: one, or each of several.
fn parts(node: &Node, target: &Target, problems: &mut Vec<Diagnostic>) -> Option<Vec<Expected>> {
    match &node.value {
        yaml::Value::Unresolved(_) => None,
        yaml::Value::List(parts) if parts.is_empty() => {
            problems.push(empty("contains", node.span));
            None
        }
        yaml::Value::List(parts) => {
            let read: Vec<Option<Expected>> = parts.iter().map(|one| part(one, target, problems)).collect();
            read.into_iter().collect()
        }
        yaml::Value::Scalar(_) | yaml::Value::Map(_) => Some(vec![part(node, target, problems)?]),
    }
}

fn part(node: &Node, target: &Target, problems: &mut Vec<Diagnostic>) -> Option<Expected> {
    // An empty text is in every text, but is a valid element of a list.
    if node.text() == Some("") && target.shape.may_be(Kind::Text) {
        problems.push(empty("contains", node.span));
        return None;
    }
    let element = target.shape.element(None);
    let is_text_enough = target.shape.may_be(Kind::Text) || target.shape.may_be(Kind::Map);
    match element {
        Some(shape) if !is_text_enough => {
            argument::value(node, &Target { part: "an element of ", shape, ..*target }, problems)
        }
        Some(shape) => {
            argument::value(node, &Target { part: "a part of ", shape: shape.or_text(), ..*target }, problems)
        }
        None => argument::value(node, &Target { part: "a part of ", shape: Shape::text(), ..*target }, problems),
    }
}

fn unknown_operator(key: &Key, target: &Target) -> Diagnostic {
    let problem = Diagnostic::error(format!("unknown operator `{}`", key.text)).at(key.span);
    if closest(&key.text, names()).is_some() {
        return problem.suggest(&key.text, names(), "");
    }
    let Target { path, .. } = target;
    let is_known = target.shape.names(&key.text);
    let operators = (!is_known).then(|| expected(&names().collect::<Vec<_>>()));
    let problem = problem.maybe_help(operators);
    if target.part.is_empty() && target.shape.field(&key.text).is_ok() {
        let is_plain = key.text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
        let field = if is_plain { format!("{path}.{}", key.text) } else { format!("'{path}[\"{}\"]'", key.text) };
        return problem
            .help(format!("for a field of that name write `{field}: …`"))
            .help(format!("to compare the whole map write `{path}: {{ equals: {{ … }} }}`"));
    }
    problem
}

/// Whether all possible numbers are within the limit.
fn always_holds(relation: Relation, limit: &Limit, target: &Target) -> bool {
    let Limit::Number(limit) = limit else { return false };
    let (least, most) = target.shape.bounds();
    let holds = |limit: f64| match relation {
        Relation::AtLeast => least >= limit,
        Relation::Above => least > limit,
        Relation::AtMost => most <= limit,
        Relation::Below => most < limit,
    };
    target.shape.is_number() && limit.as_f64().is_some_and(holds)
}

/// Operators that can't hold together.
fn contradictions(read: &[(Span, Option<Matcher>)], target: &Target, problems: &mut Vec<Diagnostic>) {
    let known: Vec<(Span, &Matcher)> =
        read.iter().filter_map(|(span, matcher)| Some((*span, matcher.as_ref()?))).collect();
    for (at, (span, one)) in known.iter().enumerate() {
        if let Some((other_span, other)) = known[..at].iter().find(|(_, other)| exclude(one, other)) {
            let problem = Diagnostic::error(format!("{} can never be both", target.words())).at(*span);
            problems.push(problem.label(wanted(one)).also(*other_span, wanted(other)));
        }
    }
}

/// Whether no value satisfies both.
fn exclude(one: &Matcher, other: &Matcher) -> bool {
    match (one, other) {
        (Matcher::Bound(one, limit), Matcher::Bound(other, other_limit)) => {
            // Two limits on the same side never contradict each other.
            let limit = match limit {
                Limit::Number(number) => Value::Number(number.clone()),
                Limit::Time(time) => Value::String(time.to_string()),
            };
            if is_lower(*one) == is_lower(*other) {
                return false;
            }
            let Some(order) = other_limit.order(&limit) else { return true };
            let is_past = if is_lower(*one) { order.is_gt() } else { order.is_lt() };
            is_past || order.is_eq() && (is_strict(*one) || is_strict(*other))
        }
        (Matcher::Equals(expected), other) | (other, Matcher::Equals(expected)) => {
            // Times are compared during the run.
            let is_fixed = !other.depends_on_time() && expected.is_simple();
            is_fixed && !expected.readings().iter().any(|value| other.holds(value, Timestamp::UNIX_EPOCH))
        }
        _ => false,
    }
}

fn is_lower(relation: Relation) -> bool {
    matches!(relation, Relation::AtLeast | Relation::Above)
}

fn is_strict(relation: Relation) -> bool {
    matches!(relation, Relation::Above | Relation::Below)
}
