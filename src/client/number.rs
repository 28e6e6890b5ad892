//! A value as Prometheus and similar programs write it: usually a number, sometimes not.

use schemars::JsonSchema;
use serde::Serialize;

/// A value. A text is never equal to a number, and can't be compared with one.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum Number {
    /// A whole number.
    Whole(i64),
    /// Any other number.
    Fraction(f64),
    /// Not a number.
    Text(String),
}

impl Number {
    /// The number of a text. `NaN`, `+Inf` and other words stay text.
    pub fn parse(text: String) -> Self {
        match text.parse::<f64>() {
            Ok(number) if !number.is_finite() => Self::Text(text),
            // Beyond this, a whole number in a float is no longer exact.
            Ok(number) if number.fract() == 0.0 && number.abs() < 9e15 => Self::Whole(number as i64),
            Ok(number) => Self::Fraction(number),
            Err(_) => Self::Text(text),
        }
    }

    /// The number, where it is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Whole(number) => Some(*number as f64),
            Self::Fraction(number) => Some(*number),
            Self::Text(_) => None,
        }
    }

    /// Whether it is `NaN`.
    pub fn is_nan(&self) -> bool {
        matches!(self, Self::Text(text) if text == "NaN")
    }

    /// Whether there are values, and all of them are `NaN`.
    pub fn are_only_nan(values: &[Self]) -> bool {
        !values.is_empty() && values.iter().all(Self::is_nan)
    }

    /// A short line of several: all of them where they are few or alike. `None` where there are none.
    pub fn summary(values: &[Self]) -> Option<String> {
        match values {
            [] => None,
            [value] => Some(format!("value {value}")),
            [first, rest @ ..] if rest.iter().all(|value| value == first) => Some(format!("each {first}")),
            [first, second, third] => Some(format!("values {first}, {second}, {third}")),
            [first, second] => Some(format!("values {first}, {second}")),
            [first, second, third, ..] => Some(format!("values {first}, {second}, {third}, …")),
        }
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Self::Whole(number) => number.fmt(f),
            Self::Fraction(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_text_than_numbers_stays_text() {
        let parse = |text: &str| Number::parse(text.to_owned());
        assert_eq!(parse("1"), Number::Whole(1));
        assert_eq!(parse("1e3"), Number::Whole(1000));
        assert_eq!(parse("0.25"), Number::Fraction(0.25));
        assert_eq!(parse("NaN"), Number::Text("NaN".to_owned()));
        assert_eq!(parse("+Inf"), Number::Text("+Inf".to_owned()));
    }
}
