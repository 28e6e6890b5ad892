//! Durations and sizes as people write them: `10s`, `2m30s`, `7d`; `64KiB`, `10MB`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A duration, such as `500ms`, `10s`, `2m30s`, `24h` or `7d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(pub std::time::Duration);

/// A number of bytes, such as `512`, `64KiB` or `10MB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(pub u64);

/// A wait between attempts: always the same (`5s`), or doubled each time up to a limit (`1s..30s`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// The first one.
    pub first: std::time::Duration,
    /// The longest one.
    pub most: std::time::Duration,
}

impl Pause {
    /// Always the same wait.
    pub const fn constant(wait: std::time::Duration) -> Self {
        Self { first: wait, most: wait }
    }

    /// The wait after this number of attempts.
    pub fn after(self, attempts: usize) -> std::time::Duration {
        let doubled = u32::try_from(attempts.saturating_sub(1).min(31)).unwrap_or(31);
        self.first.saturating_mul(1 << doubled).min(self.most)
    }
}

const TIMES: [(&str, u64); 5] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

const SIZES: [(&str, u64); 8] = [
    ("", 1),
    ("B", 1),
    ("KB", 1000),
    ("KiB", 1 << 10),
    ("MB", 1_000_000),
    ("MiB", 1 << 20),
    ("GB", 1_000_000_000),
    ("GiB", 1 << 30),
];

/// A hundred years, in milliseconds: a longer time is a mistake, and overflows clocks.
const MAX_MILLIS: u64 = 36_525 * 86_400_000;

/// A duration in other words, such as `1 week`, `10 seconds` or `1.5h`.
fn meant_time(text: &str) -> Option<Duration> {
    let (number, unit) = other_quantity(text)?;
    let millis = match &*unit.to_lowercase() {
        "ms" | "msec" | "millisecond" | "milliseconds" => 1,
        "s" | "sec" | "secs" | "second" | "seconds" => 1000,
        "m" | "min" | "mins" | "minute" | "minutes" => 60_000,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600_000,
        "d" | "day" | "days" => 86_400_000,
        "w" | "week" | "weeks" => 604_800_000,
        _ => return None,
    };
    let total = std::time::Duration::try_from_secs_f64(number * f64::from(millis) / 1000.0).ok()?;
    let is_whole = total.as_nanos().is_multiple_of(1_000_000) && !total.is_zero();
    (is_whole && total.as_millis() <= u128::from(MAX_MILLIS)).then_some(Duration(total))
}

/// A size in other words, such as `10 MB`, `10mb` or `64k`.
fn meant_size(text: &str) -> Option<String> {
    let (number, unit) = other_quantity(text).filter(|(number, _)| number.fract() == 0.0)?;
    let unit = match &*unit.to_lowercase() {
        "k" => "KiB",
        "m" => "MiB",
        "g" => "GiB",
        "byte" | "bytes" => "B",
        unit => SIZES.iter().find(|(name, _)| name.to_lowercase() == unit)?.0,
    };
    Some(format!("{number}{unit}"))
}

/// A number, which may have a fraction, and the word after it.
fn other_quantity(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(end);
    Some((number.parse().ok()?, unit.trim()))
}

/// The message for a text that is not a size.
pub fn invalid_size(text: &str) -> String {
    let text = text.escape_debug();
    match meant_size(&text.to_string()) {
        Some(meant) => format!("invalid size `{text}`: did you mean `{meant}`?"),
        None => format!("invalid size `{text}`: expected a whole number and a unit, such as `64KiB` or `10MB`"),
    }
}

impl std::str::FromStr for Duration {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fail = || match meant_time(text) {
            Some(meant) => format!("invalid duration `{text}`: did you mean `{meant}`?"),
            None => format!("invalid duration `{text}`: expected a number and a unit, such as `10s` or `2m30s`"),
        };
        let mut rest = text.trim();
        let mut total = 0_u64;
        let mut last = u64::MAX;
        if rest.is_empty() {
            return Err(fail());
        }
        while !rest.is_empty() {
            let (number, unit, after) = quantity(rest).ok_or_else(fail)?;
            let (_, millis) = TIMES.iter().find(|(name, _)| *name == unit).ok_or_else(fail)?;
            // `10s2m` and `1s1s` are mistakes.
            if *millis >= last {
                return Err(fail());
            }
            last = *millis;
            total = number.checked_mul(*millis).and_then(|part| total.checked_add(part)).ok_or_else(fail)?;
            rest = after;
        }
        if total > MAX_MILLIS {
            return Err(format!("invalid duration `{text}`: longer than 100 years"));
        }
        Ok(Self(std::time::Duration::from_millis(total)))
    }
}

impl std::str::FromStr for Pause {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((first, most)) = text.split_once("..") else {
            return text.parse().map(|Duration(wait)| Self::constant(wait));
        };
        let (Duration(first), Duration(most)) = (first.parse()?, most.parse()?);
        match first {
            first if first.is_zero() => {
                Err("the first wait must be greater than zero: each next one is twice as long".to_owned())
            }
            first if first > most => {
                Err(format!("`{text}` gets shorter: write the first wait, then the longest: `1s..30s`"))
            }
            first => Ok(Self { first, most }),
        }
    }
}

impl std::fmt::Display for Pause {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self.first == self.most {
            true => Duration(self.first).fmt(f),
            false => write!(f, "{}..{}", Duration(self.first), Duration(self.most)),
        }
    }
}

impl std::str::FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fail = || invalid_size(text);
        let (number, unit, rest) = quantity(text.trim()).ok_or_else(fail)?;
        let (_, bytes) = SIZES.iter().find(|(name, _)| *name == unit && rest.is_empty()).ok_or_else(fail)?;
        Ok(Self(number.checked_mul(*bytes).ok_or_else(fail)?))
    }
}

/// A whole number, the letters after it, and the rest.
fn quantity(text: &str) -> Option<(u64, &str, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(digits);
    let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(letters);
    Some((number.parse().ok()?, unit, rest))
}

impl std::fmt::Display for Duration {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let mut millis = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if millis == 0 {
            return f.write_str("0s");
        }
        for (unit, each) in TIMES.iter().rev() {
            if millis >= *each {
                write!(f, "{}{unit}", millis / each)?;
                millis %= each;
            }
        }
        Ok(())
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let exact = SIZES[1..].iter().rev().filter(|(_, each)| self.0 >= *each && self.0.is_multiple_of(*each));
        match exact.max_by_key(|(_, each)| *each) {
            Some((unit, each)) => write!(f, "{}{unit}", self.0 / each),
            None => write!(f, "{}B", self.0),
        }
    }
}

macro_rules! as_text {
    ($type:ident, $pattern:literal, $doc:literal) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": ["string", "integer"], "pattern": $pattern, "description": $doc })
            }
        }
    };
}

as_text!(Duration, r"^([0-9]+(ms|s|m|h|d))+$|\$\{", "A stretch of time, such as `10s` or `2m30s`.");
as_text!(
    Pause,
    r"^([0-9]+(ms|s|m|h|d))+(\.\.([0-9]+(ms|s|m|h|d))+)?$|\$\{",
    "A wait, such as `5s`, or one that doubles, such as `1s..30s`."
);
as_text!(Size, r"^[0-9]+(B|KB|KiB|MB|MiB|GB|GiB)?$|\$\{", "A number of bytes, such as `10MiB`.");

#[cfg(test)]
mod tests {
    use super::{Duration, Pause, Size};

    #[test]
    fn a_pause_doubles_up_to_its_limit() {
        let pause: Pause = "1s..5s".parse().expect("it is one");
        let waits: Vec<u64> = (1..=5).chain([usize::MAX]).map(|attempts| pause.after(attempts).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 5, 5, 5]);
        assert_eq!(pause.to_string(), "1s..5s");
        let constant: Pause = "3s".parse().expect("it is one");
        assert_eq!((constant.after(1), constant.after(9)), (constant.first, constant.first));
        assert_eq!(constant.to_string(), "3s");
        for text in ["0s..5s", "5s..1s", "..5s", "1s..", "1s...5s", "1s..2s..3s"] {
            assert!(text.parse::<Pause>().is_err(), "{text}");
        }
    }

    #[test]
    fn durations_are_read_and_shown_as_people_write_them() {
        for text in ["500ms", "10s", "2m30s", "1d", "7d"] {
            assert_eq!(text.parse::<Duration>().expect(text).to_string(), text);
        }
        assert_eq!("90s".parse::<Duration>().expect("a duration").to_string(), "1m30s");
        for text in ["", "10", "10 s", "s", "-1s", "1s1s", "10s2m", "99999999d", "1.5s", "5min"] {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
        for (text, meant) in [("10 seconds", "10s"), ("1 week", "7d"), ("1.5h", "1h30m"), ("5min", "5m"), ("2 D", "2d")]
        {
            let message = format!("invalid duration `{text}`: did you mean `{meant}`?");
            assert_eq!(text.parse::<Duration>(), Err(message));
        }
    }

    #[test]
    fn sizes_are_read_and_shown_as_people_write_them() {
        for (text, bytes) in [("512", 512), ("64KiB", 65536), ("10MB", 10_000_000), ("1GiB", 1 << 30)] {
            assert_eq!(text.parse::<Size>(), Ok(Size(bytes)), "{text}");
        }
        assert_eq!(Size(65536).to_string(), "64KiB");
        for text in ["", "MB", "10 MB", "-1", "10mb", "99999999999GiB"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
        for (text, meant) in [("10 MB", "10MB"), ("10mb", "10MB"), ("64k", "64KiB"), ("3 bytes", "3B")] {
            assert_eq!(text.parse::<Size>(), Err(format!("invalid size `{text}`: did you mean `{meant}`?")));
        }
    }
}
