//! What a value must be, and whether it is.

use std::cmp::Ordering;

use jiff::{SignedDuration, Timestamp};
use regex::Regex;
use semver::{Version, VersionReq};
use serde_json::{Number, Value};

use crate::yaml::Duration;

use super::expected::{Expected, compare};

/// How far the clock of another machine may run ahead before what it wrote counts as coming from the future.
pub const SKEW: SignedDuration = SignedDuration::from_mins(1);

/// What a value must be.
#[derive(Debug, Clone)]
pub enum Matcher {
    /// This.
    Equals(Expected),
    /// Anything that the matcher refuses.
    Not(Box<Matcher>),
    /// One of these.
    OneOf(Vec<Expected>),
    /// A number or a time on the right side of a limit.
    Bound(Relation, Limit),
    /// A text with each of these in it, a list with each as an element, a map with each as a key.
    Contains(Vec<Expected>),
    /// A text in which the regular expression is found.
    Matches(Regex),
    /// A text that begins so.
    StartsWith(String),
    /// A text that ends so.
    EndsWith(String),
    /// A text, list or map whose length the matcher accepts.
    Length(Box<Matcher>),
    /// A list with elements, all of which the matcher accepts.
    Every(Box<Matcher>),
    /// A list of which the matcher accepts at least one element.
    Some(Box<Matcher>),
    /// A time that is not longer ago than this, nor in the future.
    NewerThan(Duration),
    /// A version in this range.
    Version(VersionReq),
    /// All of these.
    All(Vec<Matcher>),
}

/// Which side of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// The limit or more.
    AtLeast,
    /// The limit or less.
    AtMost,
    /// More than the limit.
    Above,
    /// Less than the limit.
    Below,
}

/// A limit.
#[derive(Debug, Clone, PartialEq)]
pub enum Limit {
    /// A number.
    Number(Number),
    /// A time.
    Time(Timestamp),
}

impl Matcher {
    /// Whether the value is what it must be.
    pub fn holds(&self, value: &Value, now: Timestamp) -> bool {
        match self {
            Self::Equals(expected) => expected.equals(value),
            Self::Not(matcher) => !matcher.holds(value, now),
            Self::OneOf(choices) => choices.iter().any(|choice| choice.equals(value)),
            Self::Bound(relation, limit) => limit.order(value).is_some_and(|order| relation.allows(order)),
            Self::Contains(parts) => parts.iter().all(|part| contains(value, part)),
            Self::Matches(regex) => value.as_str().is_some_and(|text| regex.is_match(text)),
            Self::StartsWith(start) => value.as_str().is_some_and(|text| text.starts_with(start)),
            Self::EndsWith(end) => value.as_str().is_some_and(|text| text.ends_with(end)),
            Self::Length(matcher) => length(value).is_some_and(|length| matcher.holds(&Value::from(length), now)),
            Self::Every(matcher) => value
                .as_array()
                .is_some_and(|elements| !elements.is_empty() && elements.iter().all(|one| matcher.holds(one, now))),
            Self::Some(matcher) => {
                value.as_array().is_some_and(|elements| elements.iter().any(|one| matcher.holds(one, now)))
            }
            Self::NewerThan(age) => time(value).is_some_and(|time| {
                let passed = now.duration_since(time);
                passed >= -SKEW && passed <= SignedDuration::try_from(age.0).unwrap_or(SignedDuration::MAX)
            }),
            Self::Version(range) => value.as_str().and_then(version).is_some_and(|version| range.matches(&version)),
            Self::All(matchers) => matchers.iter().all(|matcher| matcher.holds(value, now)),
        }
    }

    /// Whether the same value may be judged otherwise tomorrow.
    pub fn depends_on_time(&self) -> bool {
        match self {
            Self::NewerThan(_) => true,
            Self::Not(inner) | Self::Length(inner) | Self::Every(inner) | Self::Some(inner) => inner.depends_on_time(),
            Self::All(matchers) => matchers.iter().any(Self::depends_on_time),
            Self::Equals(_) | Self::OneOf(_) | Self::Bound(..) | Self::Contains(_) | Self::Matches(_) => false,
            Self::StartsWith(_) | Self::EndsWith(_) | Self::Version(_) => false,
        }
    }
}

impl Relation {
    /// Whether a value that compares so with the limit is on the right side.
    pub fn allows(self, order: Ordering) -> bool {
        match self {
            Self::AtLeast => order.is_ge(),
            Self::AtMost => order.is_le(),
            Self::Above => order.is_gt(),
            Self::Below => order.is_lt(),
        }
    }
}

impl Limit {
    /// How the value compares with the limit. `None` when it can't be compared.
    pub fn order(&self, value: &Value) -> Option<Ordering> {
        match (self, value) {
            (Self::Number(limit), Value::Number(number)) => compare(number, limit),
            (Self::Time(limit), Value::String(_)) => Some(time(value)?.cmp(limit)),
            (Self::Number(_) | Self::Time(_), _) => None,
        }
    }
}

/// Whether the part is in the value.
pub fn contains(value: &Value, part: &Expected) -> bool {
    match value {
        Value::String(text) => part.text().is_some_and(|part| text.contains(part)),
        Value::Array(elements) => elements.iter().any(|element| part.equals(element)),
        Value::Object(entries) => part.text().is_some_and(|key| entries.contains_key(key)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// How many characters, elements or keys.
pub fn length(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => Some(text.chars().count()),
        Value::Array(elements) => Some(elements.len()),
        Value::Object(entries) => Some(entries.len()),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// The instant that an RFC 3339 text names.
pub fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

/// The version that a text names: a `v` may stand before it, and parts that are left out are 0.
pub fn version(text: &str) -> Option<Version> {
    let text = text.trim();
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    Version::parse(text).ok().or_else(|| {
        let end = text.find(['-', '+']).unwrap_or(text.len());
        let (core, rest) = text.split_at(end);
        let zeros = match core.matches('.').count() {
            0 => ".0.0",
            1 => ".0",
            _ => return None,
        };
        Version::parse(&format!("{core}{zeros}{rest}")).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn a_version_may_begin_with_v_and_be_short() {
        let shown = |text: &str| version(text).map(|version| version.to_string());
        assert_eq!(shown("v1.2.3"), Some("1.2.3".into()));
        assert_eq!(shown("15.5"), Some("15.5.0".into()));
        assert_eq!(shown("7-rc.1"), Some("7.0.0-rc.1".into()));
        assert_eq!(shown("15.5 (Debian)"), None);
        assert_eq!(shown(""), None);
    }
}
