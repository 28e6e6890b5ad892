//! Database values as JSON, as far as all databases agree.

use serde_json::{Number, Value};

/// A value that can't be shown: why, for the author of the query.
#[derive(Debug)]
pub struct Unshowable(pub String);

impl Unshowable {
    /// A value that the driver refuses: its words are of its own types.
    pub fn driver<E>(_: E) -> Self {
        Self("a value that is not of the column's type".to_owned())
    }
}

/// An exact decimal: a number if JSON's 64 bits can represent it exactly, else its text.
pub fn decimal(text: &str) -> Value {
    let text = text.trim();
    if let Ok(whole) = text.parse::<i64>() {
        return whole.into();
    }
    if let Ok(whole) = text.parse::<u64>() {
        return whole.into();
    }
    let float = text.parse::<f64>().ok().filter(|float| float.is_finite());
    match float.filter(|float| plain(&float.to_string()) == plain(text)).and_then(Number::from_f64) {
        // 5.00 is 5, for people and for `equals`.
        Some(number) if number.as_f64().is_some_and(|float| float.fract() == 0.0) => {
            plain(text).parse::<i64>().map_or(Value::Number(number), Value::from)
        }
        Some(number) => Value::Number(number),
        None => text.into(),
    }
}

/// A float: a number, or `NaN`, `Infinity`, `-Infinity` as text, for which JSON has no number.
pub fn float(float: f64) -> Value {
    match Number::from_f64(float) {
        Some(number) => Value::Number(number),
        None if float.is_nan() => "NaN".into(),
        None if float > 0.0 => "Infinity".into(),
        None => "-Infinity".into(),
    }
}

/// A float of 32 bits, as short as it is written: 0.1, not 0.10000000149011612.
pub fn float32(narrow: f32) -> Value {
    narrow.to_string().parse::<f64>().map_or_else(|_| float(f64::from(narrow)), float)
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> Value {
    hex::encode(bytes).into()
}

/// A decimal without redundant zeros.
fn plain(text: &str) -> String {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let digits = digits.trim_start_matches('0');
    let digits = if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits };
    match digits {
        "" => "0".to_owned(),
        digits if digits.starts_with('.') => format!("{sign}0{digits}"),
        digits => format!("{sign}{digits}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_a_number_only_where_nothing_is_lost() {
        for (text, expected) in [
            ("0", "0"),
            ("-0.00", "0"),
            ("5.00", "5"),
            ("-1.10", "-1.1"),
            ("0.001", "0.001"),
            ("9223372036854775807", "9223372036854775807"),
            ("18446744073709551615", "18446744073709551615"),
            ("18446744073709551616", "\"18446744073709551616\""),
            ("18446744073709551617", "\"18446744073709551617\""),
            ("0.1234567890123456789", "\"0.1234567890123456789\""),
        ] {
            assert_eq!(decimal(text).to_string(), expected);
        }
    }

    #[test]
    fn a_float_that_json_lacks_is_text() {
        assert_eq!(float(f64::NAN), "NaN");
        assert_eq!(float(f64::NEG_INFINITY), "-Infinity");
        assert_eq!(float32(0.1).to_string(), "0.1");
    }
}
