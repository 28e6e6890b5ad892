//! Matchers, and whether a value matches.

use std::cmp::Ordering;

use jiff::{SignedDuration, Timestamp};
use regex::Regex;
use semver::{Version, VersionReq};
use serde_json::{Number, Value};

use crate::yaml::Duration;

use super::cut::Extent;
use super::expected::{Expected, compare};
use super::truth::Truth;

/// Maximum clock difference to another machine before its times count as being in the future.
pub const SKEW: SignedDuration = SignedDuration::from_mins(1);

/// A matcher.
#[derive(Debug, Clone)]
pub enum Matcher {
    /// Equal to this.
    Equals(Expected),
    /// Not matched by this.
    Not(Box<Matcher>),
    /// One of these.
    OneOf(Vec<Expected>),
    /// A number or time within a limit.
    Bound(Relation, Limit),
    /// A text that contains each of these, a list with each as an element, a map with each as a key.
    Contains(Vec<Expected>),
    /// A text that matches the regular expression.
    Matches(Regex),
    /// A text with this prefix.
    StartsWith(String),
    /// A text with this suffix.
    EndsWith(String),
    /// A text, list or map whose length matches.
    Length(Box<Matcher>),
    /// A list with at least one element, all of which match.
    Every(Box<Matcher>),
    /// A list with at least one element that matches.
    Some(Box<Matcher>),
    /// A time that is at most this long ago, and not in the future.
    NewerThan(Duration),
    /// A version in this range.
    Version(VersionReq),
    /// All of these.
    All(Vec<Matcher>),
}

/// The side of a limit.
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
    /// Whether the value matches, if this much of it is known.
    pub fn judge(&self, value: &Value, extent: Extent, now: Timestamp) -> Truth {
        let is_part = match (extent, value) {
            // These have no beginning: `json` is null if the body was cut before its end.
            (Extent::Nothing, _) | (Extent::Part, Value::Null | Value::Bool(_)) => return Truth::Unread,
            (Extent::Part, _) => true,
            (Extent::Whole, _) => false,
        };
        // True for the beginning of a value whatever follows.
        let so_far = |truth: Truth| if is_part && truth == Truth::Fails { Truth::Unread } else { truth };
        match self {
            Self::Not(matcher) => matcher.judge(value, extent, now).negated(),
            Self::All(matchers) => Truth::all(matchers.iter().map(|matcher| matcher.judge(value, extent, now))),
            Self::Bound(relation, limit) => bound(*relation, limit, value, is_part),
            Self::Contains(parts) => Truth::all(parts.iter().map(|part| match contains(value, part) {
                // An element that was not read may be the part, whatever the others are.
                truth if is_part && value.is_array() => Truth::any([truth, Truth::Unread]),
                truth => so_far(truth),
            })),
            Self::Matches(regex) => match value.as_str() {
                None => Truth::Inapplicable,
                Some(text) if is_part => {
                    // A match at the end could be different, or disappear, with what follows.
                    so_far(regex.find_iter(text).any(|found| found.end() < text.len()).into())
                }
                Some(text) => regex.is_match(text).into(),
            },
            Self::StartsWith(start) => match value.as_str() {
                None => Truth::Inapplicable,
                Some(text) if is_part && start.starts_with(text) && start != text => Truth::Unread,
                Some(text) => text.starts_with(start).into(),
            },
            Self::Length(matcher) => match length(value) {
                Some(length) => matcher.judge(&Value::from(length), extent, now),
                None => Truth::Inapplicable,
            },
            Self::Every(matcher) => match value.as_array().map(Vec::as_slice) {
                None => Truth::Inapplicable,
                // An empty list meets neither `every` nor its `not`.
                Some([]) => {
                    if is_part {
                        Truth::Unread
                    } else {
                        Truth::Inapplicable
                    }
                }
                Some(elements) => {
                    let all = Truth::all(elements.iter().map(|one| matcher.judge(one, Extent::Whole, now)));
                    if is_part { Truth::all([all, Truth::Unread]) } else { all }
                }
            },
            Self::Some(matcher) => match value.as_array() {
                None => Truth::Inapplicable,
                Some(elements) => {
                    let any = Truth::any(elements.iter().map(|one| matcher.judge(one, Extent::Whole, now)));
                    if is_part { Truth::any([any, Truth::Unread]) } else { any }
                }
            },
            Self::Equals(_) | Self::OneOf(_) | Self::EndsWith(_) | Self::NewerThan(_) | Self::Version(_) if is_part => {
                Truth::Unread
            }
            Self::Equals(expected) => expected.equals(value),
            Self::OneOf(choices) => Truth::any(choices.iter().map(|choice| choice.equals(value))),
            Self::EndsWith(end) => value.as_str().map_or(Truth::Inapplicable, |text| text.ends_with(end).into()),
            Self::NewerThan(age) => match time(value).map(|time| now.duration_since(time)) {
                // A time in the future is neither new nor old: a clock is wrong.
                None => Truth::Inapplicable,
                Some(passed) if passed < -SKEW => Truth::Inapplicable,
                Some(passed) => (passed <= SignedDuration::try_from(age.0).unwrap_or(SignedDuration::MAX)).into(),
            },
            Self::Version(range) => match value.as_str().and_then(version) {
                None => Truth::Inapplicable,
                Some(version) if range.matches(&version) => Truth::Holds,
                // A range without pre-releases does not apply to one, in either direction.
                Some(version) if !version.pre.is_empty() => Truth::Inapplicable,
                Some(_) => Truth::Fails,
            },
        }
    }

    /// Whether the value, all of which is known, matches.
    pub fn holds(&self, value: &Value, now: Timestamp) -> bool {
        self.judge(value, Extent::Whole, now).holds()
    }

    /// Whether the result for the same value may be different tomorrow.
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
    /// Whether a value with this order relative to the limit is within it.
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
    /// The order of the value relative to the limit. None if they can't be compared.
    pub fn order(&self, value: &Value) -> Option<Ordering> {
        match (self, value) {
            (Self::Number(limit), Value::Number(number)) => compare(number, limit),
            (Self::Time(limit), Value::String(_)) => Some(time(value)?.cmp(limit)),
            (Self::Number(_) | Self::Time(_), _) => None,
        }
    }
}

/// Whether a value is within a limit. A number that is known only in part may be greater.
fn bound(relation: Relation, limit: &Limit, value: &Value, is_part: bool) -> Truth {
    let Some(order) = limit.order(value) else {
        return if is_part { Truth::Unread } else { Truth::Inapplicable };
    };
    let holds = relation.allows(order);
    let is_decided = match relation {
        Relation::AtLeast | Relation::Above => holds,
        Relation::AtMost | Relation::Below => !holds,
    };
    if is_part && (!value.is_number() || !is_decided) { Truth::Unread } else { holds.into() }
}

/// Whether the part is in the value.
pub fn contains(value: &Value, part: &Expected) -> Truth {
    match (value, part.text()) {
        (Value::String(text), Some(part)) => text.contains(part).into(),
        (Value::Object(entries), Some(key)) => entries.contains_key(key).into(),
        (Value::Array(elements), _) => Truth::any(elements.iter().map(|element| part.equals(element))),
        (Value::String(_) | Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_), _) => {
            Truth::Inapplicable
        }
    }
}

/// Number of characters, elements or keys.
pub fn length(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => Some(text.chars().count()),
        Value::Array(elements) => Some(elements.len()),
        Value::Object(entries) => Some(entries.len()),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// The time of an RFC 3339 text.
pub fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

/// The version in a text: it may begin with `v`, and missing parts are 0.
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
