//! Numbers in JSON that neither a 64-bit integer nor a float keeps as they are written.

use serde::de::IgnoredAny;

/// An integer with at most as many characters is kept.
const SHORT: usize = 18;

/// The JSON with integers that would lose digits as text, such as `"12345678901234567890123"`, and without exponents of
/// integers. None if every number is kept as it is written.
pub fn kept(json: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut at, mut copied) = (0, 0);
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => at = string_end(json, at + 1),
            b'-' | b'0'..=b'9' => {
                let (end, has_exponent) = number_end(json, at);
                if (end - at > SHORT || has_exponent)
                    && let Some(rewritten) = rewritten(&json[at..end], has_exponent)
                {
                    if json[end..].trim_ascii_start().starts_with(b":") {
                        return None; // a number as a key is not JSON, and must not become it
                    }
                    out.extend(&json[copied..at]);
                    out.extend(rewritten.as_bytes());
                    copied = end;
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    (copied > 0).then(|| {
        out.extend(&json[copied..]);
        out
    })
}

/// The byte after a string that begins before this one.
fn string_end(json: &[u8], mut at: usize) -> usize {
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    json.len()
}

/// The byte after a number that begins with this one, and whether it has an exponent.
fn number_end(json: &[u8], mut at: usize) -> (usize, bool) {
    let mut has_exponent = false;
    while let Some(byte) = json.get(at) {
        match byte {
            b'-' | b'+' | b'.' | b'0'..=b'9' => {}
            b'e' | b'E' => has_exponent = true,
            _ => break,
        }
        at += 1;
    }
    (at, has_exponent)
}

/// How a number is kept that is not kept as it is written: as text, or `100000` for `1e5`.
fn rewritten(number: &[u8], has_exponent: bool) -> Option<String> {
    let text = str::from_utf8(number).ok()?;
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let is_integer = |text: &str| text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok();
    let integer = || integer_of(text).filter(|integer| is_integer(integer));
    let is_kept = match has_exponent {
        true => text.parse().is_ok_and(f64::is_finite),
        false => text.contains('.') || is_integer(text),
    };
    integer().or_else(|| (!is_kept).then(|| format!("\"{text}\"")))
}

/// The integer that a number with an exponent is: `1500` for `1.5e3`. None if it is not one, or has too many digits.
fn integer_of(text: &str) -> Option<String> {
    let (mantissa, exponent) = text.split_once(['e', 'E'])?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let zeros = exponent.parse::<usize>().ok()?.checked_sub(fraction.len()).filter(|zeros| *zeros <= SHORT)?;
    let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let digits = format!("{whole}{fraction}{}", "0".repeat(zeros));
    match digits.trim_start_matches('0') {
        "" => None,
        digits => Some(format!("{sign}{digits}")),
    }
}

#[cfg(test)]
mod tests {
    use super::kept;

    fn shown(json: &str) -> String {
        kept(json.as_bytes()).map_or_else(|| "same".to_owned(), |json| String::from_utf8_lossy(&json).into_owned())
    }

    #[test]
    fn numbers_that_are_kept_stay_as_they_are() {
        for json in [
            "18446744073709551615",
            "-9223372036854775808",
            "[1,1.0,0.1,-0.5,1.50]",
            "0.12345678901234567890123",
            "1.5e-3",
            "1.234e2",
            "1e22",
            "1.7976931348623157e308",
            "-0e0",
            r#"{"12345678901234567890123": "1e5 \" 12345678901234567890123"}"#,
            "00000000000000000000000001",
            "1e",
            "\"1e5",
            "\"\\",
            "nonsense 12-34",
        ] {
            assert_eq!(shown(json), "same", "{json}");
        }
    }

    #[test]
    fn a_number_as_a_key_stays_invalid() {
        for json in ["{18446744073709551616:1}", "{1e999 : 1}", r#"{"a":[{-99999999999999999999:2}],"b":1e5}"#] {
            assert_eq!(shown(json), "same", "{json}");
        }
    }

    #[test]
    fn an_integer_beyond_64_bits_is_text() {
        assert_eq!(shown("12345678901234567890123"), "\"12345678901234567890123\"");
        assert_eq!(shown("[18446744073709551616, 1]"), "[\"18446744073709551616\", 1]");
        assert_eq!(shown("{\"n\":-9223372036854775809}"), "{\"n\":\"-9223372036854775809\"}");
        assert_eq!(shown("[1e400,-1E+400]"), "[\"1e400\",\"-1E+400\"]");
    }

    #[test]
    fn an_integer_has_no_exponent() {
        assert_eq!(shown(r#"{"e":1e5,"f":-1.50E+3,"g":0.1e1}"#), r#"{"e":100000,"f":-1500,"g":1}"#);
    }
}
