//! A value that a checklist states, and when an observed one equals it.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use crate::yaml::{Scalar, Style};

/// A value as the checklist states it.
#[derive(Debug, Clone, PartialEq)]
pub enum Expected {
    /// Null, true, false, a number or a text.
    Exactly(Value),
    /// Text that came from outside without quotes: it also stands for the number, or the true or false, that it spells.
    Filled(String, Option<Value>),
    /// These, in this order.
    List(Vec<Expected>),
    /// These keys and no others.
    Map(Vec<(String, Expected)>),
}

impl Expected {
    /// What a scalar states.
    pub fn scalar(scalar: &Scalar) -> Self {
        match scalar.style {
            Style::Plain | Style::Quoted => Self::Exactly(scalar.to_json()),
            Style::Filled => {
                let spelt = Scalar { text: scalar.text.clone(), style: Style::Plain }.to_json();
                let spelt = Some(spelt).filter(|spelt| spelt.is_number() || spelt.is_boolean());
                Self::Filled(scalar.text.to_string(), spelt)
            }
        }
    }

    /// Whether the observed value is this one. Numbers are compared by what they are worth: 1 is 1.0.
    pub fn equals(&self, observed: &Value) -> bool {
        match self {
            Self::Exactly(value) => same(value, observed),
            Self::Filled(text, spelt) => {
                observed.as_str() == Some(text) || spelt.as_ref().is_some_and(|spelt| same(spelt, observed))
            }
            Self::List(expected) => observed.as_array().is_some_and(|observed| {
                expected.len() == observed.len() && expected.iter().zip(observed).all(|(one, other)| one.equals(other))
            }),
            Self::Map(expected) => observed.as_object().is_some_and(|observed| {
                expected.len() == observed.len()
                    && expected.iter().all(|(key, one)| observed.get(key).is_some_and(|other| one.equals(other)))
            }),
        }
    }

    /// Whether any of it came from outside without quotes.
    pub fn is_filled(&self) -> bool {
        match self {
            Self::Exactly(_) => false,
            Self::Filled(..) => true,
            Self::List(elements) => elements.iter().any(Self::is_filled),
            Self::Map(entries) => entries.iter().any(|(_, value)| value.is_filled()),
        }
    }

    /// The text that may stand inside another.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Exactly(Value::String(text)) | Self::Filled(text, _) => Some(text),
            Self::Exactly(_) | Self::List(_) | Self::Map(_) => None,
        }
    }

    /// The JSON that comes nearest to it. Where a filled text spells a number, that.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Exactly(value) => value.clone(),
            Self::Filled(text, spelt) => spelt.clone().unwrap_or_else(|| Value::from(text.as_str())),
            Self::List(elements) => elements.iter().map(Self::to_json).collect(),
            Self::Map(entries) => entries.iter().map(|(key, value)| (key.clone(), value.to_json())).collect(),
        }
    }
}

fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => compare(one, other) == Some(Ordering::Equal),
        _ => one == other,
    }
}

/// Which of two numbers is greater, exactly: an integer of 64 bits is not squeezed into a float.
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
    // As floats they may come out equal though they are not: then what the float is worth as an integer decides.
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "what is lost is looked at next")]
    match (integer as f64).partial_cmp(&float)? {
        Ordering::Equal => Some(integer.cmp(&(float as i128))),
        decided @ (Ordering::Less | Ordering::Greater) => Some(decided),
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use serde_json::{Number, json};

    use super::{Expected, compare};

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
    fn what_came_from_outside_equals_text_or_the_number_that_it_spells() {
        let filled = Expected::Filled("200".into(), Some(json!(200)));
        assert!(filled.equals(&json!("200")) && filled.equals(&json!(200)) && filled.equals(&json!(200.0)));
        assert!(!Expected::Exactly(json!("200")).equals(&json!(200)));
    }

    #[test]
    fn a_list_equals_in_order_and_a_map_in_any() {
        let list = Expected::List(vec![Expected::Exactly(json!(1)), Expected::Exactly(json!("a"))]);
        assert!(list.equals(&json!([1.0, "a"])));
        assert!(!list.equals(&json!(["a", 1])));
        let map = Expected::Map(vec![("a".into(), Expected::Exactly(json!(1))), ("b".into(), list)]);
        assert!(map.equals(&json!({"b": [1, "a"], "a": 1})));
        assert!(!map.equals(&json!({"b": [1, "a"], "a": 1, "c": 2})));
    }
}
