//! The words for what a matcher wants, and for why a value is not that.

use jiff::Timestamp;
use serde_json::Value;

use super::expected::Expected;
use super::matcher::{Limit, Matcher, Relation, contains, length, time, version};
use super::words::{self, SHORT, brief, join, kind, named, quoted};

/// What a matcher wants: `200`, `at least 4`, `contains "M4"`.
pub fn wanted(matcher: &Matcher) -> String {
    match matcher {
        Matcher::Equals(expected) => shown(expected),
        Matcher::Not(inner) => refused(inner),
        Matcher::OneOf(choices) => list(choices, "or"),
        Matcher::Bound(relation, limit) => format!("{} {}", side(*relation), bound(limit)),
        Matcher::Contains(parts) => format!("contains {}", list(parts, "and")),
        Matcher::Matches(regex) => format!("matches /{}/", plain(regex.as_str())),
        Matcher::StartsWith(start) => format!("starts with {}", quoted(start, SHORT)),
        Matcher::EndsWith(end) => format!("ends with {}", quoted(end, SHORT)),
        Matcher::Length(inner) => format!("length {}", wanted(inner)),
        Matcher::Every(inner) => format!("every element: {}", wanted(inner)),
        Matcher::Some(inner) => format!("some element: {}", wanted(inner)),
        Matcher::NewerThan(age) => format!("newer than {age}"),
        Matcher::Version(range) => format!("version {range}"),
        Matcher::All(all) => join(&all.iter().map(wanted).collect::<Vec<_>>(), "and"),
    }
}

/// What `not` of a matcher wants.
fn refused(matcher: &Matcher) -> String {
    match matcher {
        Matcher::Equals(_) | Matcher::OneOf(_) | Matcher::Bound(..) | Matcher::NewerThan(_) | Matcher::Version(_) => {
            format!("not {}", wanted(matcher))
        }
        Matcher::Contains(parts) => format!("does not contain {}", list(parts, "and")),
        Matcher::Matches(regex) => format!("does not match /{}/", plain(regex.as_str())),
        Matcher::StartsWith(start) => format!("does not start with {}", quoted(start, SHORT)),
        Matcher::EndsWith(end) => format!("does not end with {}", quoted(end, SHORT)),
        Matcher::Not(_) | Matcher::Length(_) | Matcher::Every(_) | Matcher::Some(_) | Matcher::All(_) => {
            format!("not ({})", wanted(matcher))
        }
    }
}

/// Why the matcher does not hold for this value, which `subject` names: `status is 503, not 200`.
pub fn failure(matcher: &Matcher, subject: &str, value: &Value, now: Timestamp) -> String {
    let is = |rest: String| format!("{subject} is {}, {rest}", brief(value, SHORT));
    let is_no = |what: &str| format!("{subject} is {}, which is no {what}", named(value));
    match matcher {
        Matcher::Equals(expected) => not_equal(subject, value, expected),
        Matcher::Not(inner) => match &**inner {
            Matcher::Equals(_) | Matcher::OneOf(_) => is("which it must not be".to_owned()),
            Matcher::Contains(_) | Matcher::Matches(_) | Matcher::StartsWith(_) | Matcher::EndsWith(_) => {
                is(format!("which {}, and must not", wanted(inner)))
            }
            Matcher::Bound(..) | Matcher::NewerThan(_) | Matcher::Version(_) => {
                is(format!("which is {}, and must not be", wanted(inner)))
            }
            Matcher::Not(_) | Matcher::Length(_) | Matcher::Every(_) | Matcher::Some(_) | Matcher::All(_) => {
                is(format!("which must be {}", refused(inner)))
            }
        },
        Matcher::OneOf(choices) => match choices.as_slice() {
            [only] => not_equal(subject, value, only),
            _ => is(format!("not {}", list(choices, "or"))),
        },
        Matcher::Bound(relation, limit) => match limit.order(value) {
            Some(_) => is(format!("not {} {}", side(*relation), bound(limit))),
            None => is_no(match limit {
                Limit::Number(_) => "number",
                Limit::Time(_) => "RFC 3339 timestamp",
            }),
        },
        Matcher::Contains(parts) => lacks(subject, value, parts),
        Matcher::Matches(_) | Matcher::StartsWith(_) | Matcher::EndsWith(_) if !value.is_string() => is_no("text"),
        Matcher::Matches(regex) => is(format!("which does not match /{}/", plain(regex.as_str()))),
        Matcher::StartsWith(start) => is(format!("which does not start with {}", quoted(start, SHORT))),
        Matcher::EndsWith(end) => is(format!("which does not end with {}", quoted(end, SHORT))),
        Matcher::Length(inner) => match length(value) {
            Some(_) if inner.holds(&Value::from(0), now) && !inner.holds(&Value::from(1), now) => {
                is("which must be empty".to_owned())
            }
            Some(length) => failure(inner, &format!("the length of {subject}"), &Value::from(length), now),
            None => format!("{subject} is {}, which has no length", named(value)),
        },
        Matcher::Every(inner) => every(inner, subject, value, now),
        Matcher::Some(inner) => some(inner, subject, value, now),
        Matcher::NewerThan(age) => match time(value) {
            None => is_no("RFC 3339 timestamp"),
            Some(time) if time > now => is(format!("which lies {:#} in the future", rounded(time, now))),
            Some(time) => is(format!("{:#} ago, not newer than {age}", rounded(now, time))),
        },
        Matcher::Version(range) => match value.as_str().and_then(version) {
            None => is_no("version such as 1.2.3"),
            Some(version) if !version.pre.is_empty() => is(format!("a pre-release that is not in {range}")),
            Some(_) => is(format!("not version {range}")),
        },
        Matcher::All(all) => {
            let broken = all.iter().find(|matcher| !matcher.holds(value, now));
            broken.map_or_else(|| is("not as expected".to_owned()), |matcher| failure(matcher, subject, value, now))
        }
    }
}

fn not_equal(subject: &str, value: &Value, expected: &Expected) -> String {
    let wanted = expected.to_json();
    let differs = std::mem::discriminant(&wanted) != std::mem::discriminant(value);
    if differs && !value.is_null() && !wanted.is_null() {
        return format!("{subject} is {}, not {}", named(value), named(&wanted));
    }
    if let (Value::Array(is), Value::Array(wanted)) = (value, &wanted)
        && is.len() != wanted.len()
        && is.len().max(wanted.len()) > 3
    {
        return format!("{subject} has {} elements, not these {}: {}", is.len(), wanted.len(), shown(expected));
    }
    format!("{subject} is {}, not {}", brief(value, SHORT), shown(expected))
}

fn lacks(subject: &str, value: &Value, parts: &[Expected]) -> String {
    if length(value).is_none() {
        return format!("{subject} is {}, which contains nothing", named(value));
    }
    let lacking: Vec<&Expected> = parts.iter().filter(|part| !contains(value, part)).collect();
    let odd = lacking.iter().find(|part| !value.is_array() && part.text().is_none());
    if let Some(odd) = odd {
        return format!("{subject} is {}, which can't contain {}", kind(value), named(&odd.to_json()));
    }
    let words: Vec<String> = lacking.iter().map(|part| shown(part)).collect();
    format!("{subject} lacks {}", join(&words, "and"))
}

fn every(inner: &Matcher, subject: &str, value: &Value, now: Timestamp) -> String {
    let Some(elements) = elements(value) else {
        return format!("{subject} is {}, which is no list", named(value));
    };
    let mut offenders = elements.iter().enumerate().filter(|(_, element)| !inner.holds(element, now));
    let Some((at, first)) = offenders.next() else {
        return format!("{subject} is an empty list, but `every` wants at least one element");
    };
    let first = failure(inner, &format!("{subject}[{at}]"), first, now);
    match (offenders.count(), elements.len()) {
        (_, 1) => first,
        (0, all) => format!("{first} (1 of {all})"),
        (more, all) => format!("{first} (and {more} more of {all})"),
    }
}

fn some(inner: &Matcher, subject: &str, value: &Value, now: Timestamp) -> String {
    match elements(value) {
        None => format!("{subject} is {}, which is no list", named(value)),
        Some([]) => format!("{subject} is an empty list, but `some` wants at least one element"),
        Some([only]) => failure(inner, &format!("{subject}[0]"), only, now),
        Some(all @ [first, ..]) => {
            let first = failure(inner, &format!("{subject}[0]"), first, now);
            format!("none of the {} in {subject} is as expected: {first}", all.len())
        }
    }
}

fn elements(value: &Value) -> Option<&[Value]> {
    value.as_array().map(Vec::as_slice)
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

/// A pattern as it is written, but for what a terminal would act on.
fn plain(pattern: &str) -> String {
    let quoted = words::quoted(pattern, SHORT);
    if pattern.contains(char::is_control) || quoted.ends_with('…') { quoted } else { pattern.to_owned() }
}

/// From one time to a later one, to the second, or to the minute where it is hours.
fn rounded(later: Timestamp, earlier: Timestamp) -> jiff::SignedDuration {
    let passed = later.duration_since(earlier).as_secs();
    jiff::SignedDuration::from_secs(if passed < 3600 { passed } else { passed / 60 * 60 })
}
