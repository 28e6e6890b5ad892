//! A value in a checklist, and when an observed one equals it.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use crate::yaml::{Scalar, Style};

use super::truth::Truth;

/// A value in a checklist.
#[derive(Debug, Clone, PartialEq)]
pub enum Expected {
    /// Null, true, false or a text.
    Exactly(Value),
    /// Text without quotes that can be read as a number, or a text from outside: it equals itself as text, and the
    /// number (or, from outside, the boolean) that it spells.
    Spelt(String, Option<Value>),
    /// A list of these values, in this order.
    List(Vec<Expected>),
    /// These keys and no others.
    Map(Vec<(String, Expected)>),
}

impl Expected {
    /// The value of a scalar.
    pub fn scalar(scalar: &Scalar) -> Self {
        match scalar.style {
            Style::Quoted => Self::Exactly(scalar.to_json()),
            Style::Plain => match scalar.to_json() {
                number @ Value::Number(_) => Self::Spelt(scalar.text.to_string(), Some(number)),
                other => Self::Exactly(other),
            },
            Style::Filled => {
                let spelt = Scalar { text: scalar.text.clone(), style: Style::Plain }.to_json();
                let spelt = Some(spelt).filter(|spelt| spelt.is_number() || spelt.is_boolean());
                Self::Spelt(scalar.text.to_string(), spelt)
            }
        }
    }

    /// Whether the observed value is equal. Numbers are compared by value: 1 is 1.0. Whether a number equals a text
    /// that begins like one, such as `"97%"` or `"NaN"`, is unknown.
    pub fn equals(&self, observed: &Value) -> Truth {
        match self {
            Self::Exactly(value) => same(value, observed),
            Self::Spelt(text, spelt) => match (observed, spelt) {
                (Value::String(observed), _) if observed == text => Truth::Holds,
                (_, Some(spelt)) => same(spelt, observed),
                (_, None) => same(&Value::from(text.as_str()), observed),
            },
            Self::List(expected) => match observed.as_array() {
                Some(observed) if expected.len() == observed.len() => {
                    Truth::all(expected.iter().zip(observed).map(|(one, other)| one.equals(other)))
                }
                Some(_) | None => Truth::Fails,
            },
            Self::Map(expected) => match observed.as_object() {
                Some(observed) if expected.len() == observed.len() => Truth::all(
                    expected.iter().map(|(key, one)| observed.get(key).map_or(Truth::Fails, |other| one.equals(other))),
                ),
                Some(_) | None => Truth::Fails,
            },
        }
    }

    /// The text that may be a part of another.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Exactly(Value::String(text)) | Self::Spelt(text, _) => Some(text),
            Self::Exactly(_) | Self::List(_) | Self::Map(_) => None,
        }
    }

    /// Values that it certainly equals: several if it is text or the number that it spells. For a list or map, only one
    /// of them.
    pub fn readings(&self) -> Vec<Value> {
        match self {
            Self::Spelt(text, Some(spelt)) => vec![spelt.clone(), Value::from(text.as_str())],
            Self::Exactly(_) | Self::Spelt(_, None) | Self::List(_) | Self::Map(_) => vec![self.to_json()],
        }
    }

    /// Whether `readings` are all values that it equals.
    pub fn is_simple(&self) -> bool {
        match self {
            Self::Exactly(_) | Self::Spelt(..) => true,
            Self::List(elements) => elements.iter().all(|element| matches!(element, Self::Exactly(_))),
            Self::Map(entries) => entries.iter().all(|(_, value)| matches!(value, Self::Exactly(_))),
        }
    }

    /// The nearest JSON value. For a text that spells a number, the number.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Exactly(value) => value.clone(),
            Self::Spelt(text, spelt) => spelt.clone().unwrap_or_else(|| Value::from(text.as_str())),
            Self::List(elements) => elements.iter().map(Self::to_json).collect(),
            Self::Map(entries) => entries.iter().map(|(key, value)| (key.clone(), value.to_json())).collect(),
        }
    }
}

fn same(one: &Value, other: &Value) -> Truth {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => Truth::from(compare(one, other) == Some(Ordering::Equal)),
        (Value::Number(_), Value::String(text)) | (Value::String(text), Value::Number(_)) if begins_as_number(text) => {
            Truth::Inapplicable
        }
        _ => Truth::from(one == other),
    }
}

/// Whether a text may mean a number: `12`, `97%`, `-0.5`, `NaN`, `+Inf`.
fn begins_as_number(text: &str) -> bool {
    let bare = text.trim_start().trim_start_matches(['+', '-', '.']);
    let word = bare.trim_end().to_ascii_lowercase();
    bare.starts_with(|c: char| c.is_ascii_digit()) || matches!(&*word, "nan" | "inf" | "infinity")
}

/// Compares two numbers exactly: a 64-bit integer is not converted to a float.
pub fn compare(one: &Number, other: &Number) -> Option<Ordering> {
    match (integer(one), integer(other)) {
        (Some(one), Some(other)) => Some(one.cmp(&other)),
        (Some(one), None) => with_float(one, other.as_f64()?),
        (None, Some(other)) => with_float(other, one.as_f64()?).map(Ordering::reverse),
        (None, None) => one.as_f64()?.partial_cmp(&other.as_f64()?),
    }
}

fn integer(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

fn with_float(integer: i128, float: f64) -> Option<Ordering> {
    // As floats they may be equal although they are not: then the float is compared as an integer.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "the next line checks for lost digits"
    )]
    match (integer as f64).partial_cmp(&float)? {
        Ordering::Equal => Some(integer.cmp(&(float as i128))),
        decided @ (Ordering::Less | Ordering::Greater) => Some(decided),
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use serde_json::{Number, json};

    use super::{Expected, Truth, compare};

    #[test]
    fn numbers_are_compared_by_what_they_are_worth() {
        let number = |text: &str| text.parse::<Number>().expect("a number");
        let order = |one: &str, other: &str| compare(&number(one), &number(other)).expect("no NaN in JSON");
        assert_eq!(order("1", "1.0"), Ordering::Equal);
        assert_eq!(order("0.5", "1"), Ordering::Less);
        assert_eq!(order("9007199254740993", "9007199254740992.0"), Ordering::Greater);
        assert_eq!(order("18446744073709551615", "-1"), Ordering::Greater);
        assert_eq!(order("18446744073709551615", "18446744073709551616.0"), Ordering::Less);
    }

    #[test]
    fn a_value_without_quotes_equals_text_or_the_number_that_it_spells() {
        let spelt = Expected::Spelt("200".into(), Some(json!(200)));
        for same in [json!("200"), json!(200), json!(200.0)] {
            assert_eq!(spelt.equals(&same), Truth::Holds, "{same}");
        }
        let commit = Expected::Spelt("72225e2".into(), Some(json!(7_222_500)));
        assert_eq!(commit.equals(&json!("72225e2")), Truth::Holds);
    }

    #[test]
    fn whether_a_number_is_a_text_that_begins_like_one_is_unknown() {
        let number = Expected::Spelt("200".into(), Some(json!(200)));
        for text in ["200 ", "200.0", "97%", "-1", "NaN", "+Inf"] {
            assert_eq!(number.equals(&json!(text)), Truth::Inapplicable, "{text}");
        }
        for other in [json!("ok"), json!(""), json!(null), json!(true), json!([200])] {
            assert_eq!(number.equals(&other), Truth::Fails, "{other}");
        }
        assert_eq!(Expected::Exactly(json!("200")).equals(&json!(200)), Truth::Inapplicable);
        assert_eq!(Expected::Exactly(json!("master")).equals(&json!(200)), Truth::Fails);
    }

    #[test]
    fn a_list_equals_in_order_and_a_map_in_any() {
        let list = Expected::List(vec![Expected::Exactly(json!(1)), Expected::Exactly(json!("a"))]);
        assert_eq!(list.equals(&json!([1.0, "a"])), Truth::Holds);
        assert_eq!(list.equals(&json!(["a", 1])), Truth::Fails);
        let map = Expected::Map(vec![("a".into(), Expected::Exactly(json!(1))), ("b".into(), list)]);
        assert_eq!(map.equals(&json!({"b": [1, "a"], "a": 1})), Truth::Holds);
        assert_eq!(map.equals(&json!({"b": [1, "a"], "a": 1, "c": 2})), Truth::Fails);
    }
}
