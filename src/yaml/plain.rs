//! The meaning of plain scalars: the core schema of YAML 1.2 (<https://yaml.org/spec/1.2.2/#103-core-schema>).

/// The meaning of a scalar without quotes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Plain {
    /// `null`, `~` or nothing at all.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number from zero up.
    Unsigned(u64),
    /// A whole number below zero.
    Signed(i64),
    /// Any other number, `.inf` and `.nan` among them.
    Float(f64),
    /// None of these.
    Text,
}

impl Plain {
    /// The meaning of this text.
    pub fn of(text: &str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Self::Null,
            "true" | "True" | "TRUE" => Self::Bool(true),
            "false" | "False" | "FALSE" => Self::Bool(false),
            _ => number(text).unwrap_or(Self::Text),
        }
    }
}

/// A word that older versions of YAML take for a boolean, and its meaning there.
pub fn other_boolean(word: &str) -> Option<(&str, bool)> {
    match word.to_ascii_lowercase().as_str() {
        "yes" | "on" | "y" => Some((word, true)),
        "no" | "off" | "n" => Some((word, false)),
        _ => None,
    }
}

fn number(text: &str) -> Option<Plain> {
    // Most texts begin with a letter and are done here.
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return None;
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8);
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    let (is_negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    match rest {
        ".inf" | ".Inf" | ".INF" => {
            return Some(Plain::Float(if is_negative { f64::NEG_INFINITY } else { f64::INFINITY }));
        }
        ".nan" | ".NaN" | ".NAN" if rest == text => return Some(Plain::Float(f64::NAN)),
        _ => {}
    }
    if rest.is_empty() || !is_decimal(rest) {
        return None;
    }
    if rest.bytes().all(|byte| byte.is_ascii_digit()) {
        if is_negative && let Ok(number) = text.parse::<i64>() {
            return Some(if number == 0 { Plain::Unsigned(0) } else { Plain::Signed(number) });
        }
        // One beyond 64 bits would lose digits: it is text, as in answers (`text::number`).
        return rest.parse::<u64>().ok().filter(|_| !is_negative).map(Plain::Unsigned);
    }
    // A commit such as `12e4567` looks like a number that no number can hold: it is text.
    text.parse().ok().filter(|number: &f64| number.is_finite()).map(Plain::Float)
}

fn radix(digits: &str, radix: u32) -> Option<Plain> {
    // `from_str_radix` would take a sign.
    let is_clean = digits.chars().all(|c| c.is_digit(radix));
    u64::from_str_radix(digits, radix).ok().filter(|_| is_clean).map(Plain::Unsigned)
}

/// `1`, `1.`, `.5`, `1.5e-3`; not `1_000`, `1e`, `.`, or `infinity`, which Rust would parse.
fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_exponent = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits.is_empty() && is_digits(digits)
    });
    is_digits(whole) && is_digits(fraction) && !(whole.is_empty() && fraction.is_empty()) && is_exponent
}

#[cfg(test)]
mod tests {
    use super::Plain;

    #[test]
    fn the_core_schema_decides_what_a_plain_scalar_means() {
        assert_eq!(Plain::of("~"), Plain::Null);
        assert_eq!(Plain::of("True"), Plain::Bool(true));
        assert_eq!(Plain::of("60"), Plain::Unsigned(60));
        assert_eq!(Plain::of("-60"), Plain::Signed(-60));
        assert_eq!(Plain::of("0o17"), Plain::Unsigned(15));
        assert_eq!(Plain::of("0xfF"), Plain::Unsigned(255));
        assert_eq!(Plain::of("1.50"), Plain::Float(1.5));
        assert_eq!(Plain::of("-.inf"), Plain::Float(f64::NEG_INFINITY));
        assert_eq!(Plain::of("18446744073709551616"), Plain::Text);
    }

    #[test]
    fn numbers_and_bools_of_other_languages_are_text() {
        for text in [
            "yes",
            "on",
            "0f1d7aa",
            "12e4567",
            "1_000",
            "infinity",
            "nan",
            "0x",
            "0x+1",
            ".",
            "-",
            "1e",
            "10s",
            "2026-03-01",
        ] {
            assert_eq!(Plain::of(text), Plain::Text, "{text}");
        }
    }
}
