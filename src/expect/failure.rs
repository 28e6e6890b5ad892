//! Descriptions of what a matcher expects, and why a value does not match.

use jiff::Timestamp;
use serde_json::Value;

use super::cut::Extent;
use super::expected::Expected;
use super::matcher::{Limit, Matcher, Relation, SKEW, contains, length, time, version};
use super::truth::Truth;
use super::words::{self, SHORT, brief, join, named, quoted};

/// The expectation of a matcher, as it follows the word "expected": `200`, `at least 4`, `to contain "M4"`.
pub fn wanted(matcher: &Matcher) -> String {
    match matcher {
        Matcher::Equals(expected) => shown(expected),
        Matcher::Not(inner) => refused(inner),
        Matcher::OneOf(choices) => list(choices, "or"),
        Matcher::Bound(relation, limit) => format!("{} {}", side(*relation), bound(limit)),
        Matcher::Contains(parts) => format!("to contain {}", list(parts, "and")),
        Matcher::Matches(regex) => format!("to match /{}/", plain(regex.as_str())),
        Matcher::StartsWith(start) => format!("to start with {}", quoted(start, SHORT)),
        Matcher::EndsWith(end) => format!("to end with {}", quoted(end, SHORT)),
        Matcher::Length(inner) if is_zero(inner) => "to be empty".to_owned(),
        Matcher::Length(inner) => format!("length {}", wanted(inner)),
        Matcher::Every(inner) => format!("every element {}", to_be(inner)),
        Matcher::Some(inner) => format!("at least one element {}", to_be(inner)),
        Matcher::NewerThan(age) => format!("newer than {age}"),
        Matcher::Version(range) => format!("version {range}"),
        Matcher::All(all) => join(&all.iter().map(wanted).collect::<Vec<_>>(), "and"),
    }
}

/// The expectation of a `not` of a matcher.
fn refused(matcher: &Matcher) -> String {
    match matcher {
        Matcher::Some(inner) => format!("no element {}", to_be(inner)),
        Matcher::Not(_) | Matcher::All(_) => format!("not ({})", wanted(matcher)),
        Matcher::Equals(_)
        | Matcher::OneOf(_)
        | Matcher::Bound(..)
        | Matcher::Contains(_)
        | Matcher::Matches(_)
        | Matcher::StartsWith(_)
        | Matcher::EndsWith(_)
        | Matcher::Length(_)
        | Matcher::Every(_)
        | Matcher::NewerThan(_)
        | Matcher::Version(_) => format!("not {}", wanted(matcher)),
    }
}

/// The expectation of a matcher for an element: `to be 1`, `to contain "M4"`.
fn to_be(matcher: &Matcher) -> String {
    match matcher {
        Matcher::Length(inner) if !is_zero(inner) => format!("to have {}", wanted(matcher)),
        Matcher::Not(inner) => format!("not {}", to_be(inner)),
        Matcher::All(all) => join(&all.iter().map(to_be).collect::<Vec<_>>(), "and"),
        Matcher::Every(_) | Matcher::Some(_) => format!("to have {}", wanted(matcher)),
        Matcher::Equals(_) | Matcher::OneOf(_) | Matcher::Bound(..) | Matcher::NewerThan(_) | Matcher::Version(_) => {
            format!("to be {}", wanted(matcher))
        }
        Matcher::Contains(_)
        | Matcher::Matches(_)
        | Matcher::StartsWith(_)
        | Matcher::EndsWith(_)
        | Matcher::Length(_) => wanted(matcher),
    }
}

/// Why the matcher does not hold for this value, which `subject` names: `status: expected 200, got 503`.
pub fn failure(matcher: &Matcher, subject: &str, value: &Value, now: Timestamp) -> String {
    let got = |found: String| format!("{subject}: expected {}, got {found}", wanted(matcher));
    let judge = |matcher: &Matcher| matcher.judge(value, Extent::Whole, now);
    match matcher {
        Matcher::Equals(expected) => not_equal(subject, value, expected),
        Matcher::OneOf(choices) => match choices.as_slice() {
            [only] => not_equal(subject, value, only),
            _ => got(brief(value, SHORT)),
        },
        Matcher::Contains(parts) if judge(matcher) == Truth::Fails => lacks(subject, value, parts),
        Matcher::Length(inner) => match (length(value), value) {
            (Some(_), Value::Array(elements)) if is_zero(inner) && elements.iter().all(Value::is_string) => {
                let words: Vec<String> = elements.iter().filter_map(Value::as_str).map(words::bare).collect();
                format!("{subject}: {}", words.join(", "))
            }
            (Some(_), _) if is_zero(inner) => got(brief(value, SHORT)),
            (Some(length), _) => got(format!("length {length}")),
            (None, _) => got(misfit(matcher, value, now)),
        },
        Matcher::Every(inner) => every(matcher, inner, subject, value, now),
        Matcher::Some(inner) => match value.as_array().map(Vec::as_slice) {
            Some([]) => got("an empty list".to_owned()),
            Some([only]) => failure(inner, &format!("{subject}[0]"), only, now),
            Some(_) => got(brief(value, SHORT)),
            None => got(misfit(matcher, value, now)),
        },
        // Limits on both sides are described together.
        Matcher::All(all) if all.iter().all(|one| matches!(one, Matcher::Bound(..))) => {
            got(misfit(matcher, value, now))
        }
        Matcher::All(all) => {
            let broken = all.iter().filter(|matcher| !judge(matcher).holds());
            broken.map(|matcher| failure(matcher, subject, value, now)).collect::<Vec<_>>().join("; ")
        }
        Matcher::NewerThan(_) => match time(value) {
            Some(time) if time.duration_since(now) <= SKEW => {
                got(format!("{} ({:#} ago)", brief(value, SHORT), rounded(now, time)))
            }
            Some(_) | None => got(misfit(matcher, value, now)),
        },
        Matcher::Not(_)
        | Matcher::Bound(..)
        | Matcher::Contains(_)
        | Matcher::Matches(_)
        | Matcher::StartsWith(_)
        | Matcher::EndsWith(_)
        | Matcher::Version(_) => got(misfit(matcher, value, now)),
    }
}

/// The value, and why the matcher can't be applied to it, if it can't.
fn misfit(matcher: &Matcher, value: &Value, now: Timestamp) -> String {
    let why = (matcher.judge(value, Extent::Whole, now) == Truth::Inapplicable).then(|| unfit(matcher, value, now));
    why.flatten().map_or_else(|| brief(value, SHORT), |why| format!("{} ({why})", brief(value, SHORT)))
}

/// Why the matcher can't be applied to this value.
fn unfit(matcher: &Matcher, value: &Value, now: Timestamp) -> Option<String> {
    let why = match matcher {
        Matcher::Not(inner) => return unfit(inner, value, now),
        Matcher::All(all) => {
            let mut unfit_ones = all.iter().filter(|one| one.judge(value, Extent::Whole, now) == Truth::Inapplicable);
            return unfit_ones.find_map(|one| unfit(one, value, now));
        }
        Matcher::Equals(_) | Matcher::OneOf(_) => words::kind(value),
        Matcher::Bound(_, Limit::Number(_)) => "not a number",
        Matcher::Bound(_, Limit::Time(_)) => "not an RFC 3339 timestamp",
        Matcher::NewerThan(_) => match time(value) {
            Some(time) => return Some(format!("{:#} in the future", rounded(time, now))),
            None => "not an RFC 3339 timestamp",
        },
        Matcher::Version(_) => match value.as_str().and_then(version) {
            Some(_) => "a pre-release",
            None => "not a version such as 1.2.3",
        },
        Matcher::Matches(_) | Matcher::StartsWith(_) | Matcher::EndsWith(_) => "not text",
        Matcher::Contains(_) | Matcher::Length(_) => words::kind(value),
        Matcher::Every(_) | Matcher::Some(_) => match value.as_array().map(Vec::as_slice) {
            None => "not a list",
            Some([]) => "an empty list",
            Some(_) => "an element can't be compared",
        },
    };
    Some(why.to_owned())
}

fn not_equal(subject: &str, value: &Value, expected: &Expected) -> String {
    let wanted = expected.to_json();
    let differs = std::mem::discriminant(&wanted) != std::mem::discriminant(value);
    let (wanted, got) = match (value, &wanted) {
        _ if differs && !value.is_null() && !wanted.is_null() => (named(&wanted), named(value)),
        (Value::Array(is), Value::Array(wanted)) if is.len() != wanted.len() && is.len().max(wanted.len()) > 3 => {
            (format!("these {} elements: {}", wanted.len(), shown(expected)), format!("{} elements", is.len()))
        }
        _ => (shown(expected), brief(value, SHORT)),
    };
    format!("{subject}: expected {wanted}, got {got}")
}

fn lacks(subject: &str, value: &Value, parts: &[Expected]) -> String {
    let lacking = parts.iter().filter(|part| !contains(value, part).holds());
    format!("{subject}: {} not found", lacking.map(shown).collect::<Vec<_>>().join(", "))
}

fn every(matcher: &Matcher, inner: &Matcher, subject: &str, value: &Value, now: Timestamp) -> String {
    let elements = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut offenders = elements.iter().enumerate().filter(|(_, element)| !inner.holds(element, now));
    let Some((at, first)) = offenders.next() else {
        let got = if value.is_array() { "an empty list".to_owned() } else { misfit(matcher, value, now) };
        return format!("{subject}: expected {}, got {got}", wanted(matcher));
    };
    let first = failure(inner, &format!("{subject}[{at}]"), first, now);
    match (offenders.count(), elements.len()) {
        (_, 1) => first,
        (0, all) => format!("{first} (1 of {all})"),
        (more, all) => format!("{first} (and {more} more of {all})"),
    }
}

/// Whether a length must be 0.
fn is_zero(matcher: &Matcher) -> bool {
    let holds = |length: usize| matcher.holds(&Value::from(length), Timestamp::UNIX_EPOCH);
    holds(0) && !holds(1)
}

fn side(relation: Relation) -> &'static str {
    match relation {
        Relation::AtLeast => "at least",
        Relation::AtMost => "at most",
        Relation::Above => "above",
        Relation::Below => "below",
    }
}

fn bound(limit: &Limit) -> String {
    match limit {
        Limit::Number(number) => number.to_string(),
        Limit::Time(time) => time.to_string(),
    }
}

fn shown(expected: &Expected) -> String {
    brief(&expected.to_json(), SHORT)
}

fn list(expected: &[Expected], last: &str) -> String {
    join(&expected.iter().map(shown).collect::<Vec<_>>(), last)
}

/// A pattern as written, without characters that act on a terminal.
fn plain(pattern: &str) -> String {
    let quoted = words::quoted(pattern, SHORT);
    if pattern.contains(char::is_control) || quoted.ends_with('…') { quoted } else { pattern.to_owned() }
}

/// From one time to a later one, to the second, or to the minute where it is hours.
fn rounded(later: Timestamp, earlier: Timestamp) -> jiff::SignedDuration {
    let passed = later.duration_since(earlier).as_secs();
    jiff::SignedDuration::from_secs(if passed < 3600 { passed } else { passed / 60 * 60 })
}
