//! JSON of other programs is parsed here. Printed JSON is safe: characters that are invisible or reorder text are
//! escaped.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};
use serde_json::{Serializer, Value};

use super::{is_hidden, number, without_mark};

/// Parses JSON of another program. It may begin with a byte order mark.
pub fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> serde_json::Result<T> {
    serde_json::from_slice(without_mark(bytes))
}

/// Parses JSON of another program as a value whose integers are as they are written: one beyond 64 bits is text, so that
/// it equals nothing else, and is the same where it is used.
pub fn parse_exactly(bytes: &[u8]) -> serde_json::Result<Value> {
    match number::kept(bytes).and_then(|kept| parse(&kept).ok()) {
        Some(value) => Ok(value),
        None => parse(bytes),
    }
}

/// Writes a value over several lines, without a line break at its end.
pub fn write_pretty(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let mut serializer = Serializer::with_formatter(out, Safe(PrettyFormatter::new()));
    value.serialize(&mut serializer).map_err(io::Error::from)
}

/// Writes a value on one line, with a line break at its end.
///
/// # Errors
/// Those of `out`.
pub fn write_line(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let mut serializer = Serializer::with_formatter(&mut *out, Safe(CompactFormatter));
    value.serialize(&mut serializer).map_err(io::Error::from)?;
    out.write_all(b"\n")
}

/// The same as text that ends with a line end.
pub fn pretty(value: &Value) -> String {
    let mut out = Vec::new();
    write_pretty(value, &mut out).expect("a vector takes all");
    out.push(b'\n');
    String::from_utf8(out).expect("JSON is UTF-8")
}

/// A format with more escapes.
struct Safe<F>(F);

impl<F: Formatter> Formatter for Safe<F> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        escape(out, fragment)
    }

    fn write_raw_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        escape(out, fragment)
    }

    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_array(out)
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array(out)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(out, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array_value(out)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object(out)
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object(out)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object_value(out)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object_value(out)
    }
}

/// Writes a part of a string, or JSON as it is: blanks between its tokens stay.
fn escape<W: ?Sized + Write>(out: &mut W, fragment: &str) -> io::Result<()> {
    let mut rest = fragment;
    while let Some((at, c)) = rest.char_indices().find(|(_, c)| !c.is_ascii_whitespace() && is_hidden(*c)) {
        out.write_all(&rest.as_bytes()[..at])?;
        for unit in c.encode_utf16(&mut [0; 2]) {
            write!(out, "\\u{unit:04x}")?;
        }
        rest = &rest[at + c.len_utf8()..];
    }
    out.write_all(rest.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::{parse, write_pretty};

    #[test]
    fn a_byte_order_mark_is_not_part_of_json() {
        assert_eq!(parse::<Vec<u8>>(b"\xef\xbb\xbf[1]").expect("it is JSON"), [1]);
        assert_eq!(parse::<Vec<u8>>(b"[1]").expect("it is JSON"), [1]);
        assert!(parse::<Vec<u8>>(b"\xef\xbb\xbf\xef\xbb\xbf[1]").is_err());
    }

    #[test]
    fn nothing_acts_on_a_terminal_and_the_values_are_the_same() {
        let value =
            serde_json::json!({ "a\u{9b}": ["\u{202e}x\u{7f}\"", "\u{e0041}", "é👩\u{200d}💻"], "b": {}, "c": [1] });
        let mut out = Vec::new();
        write_pretty(&value, &mut out).expect("a vector takes all");
        let text = String::from_utf8(out).expect("JSON is UTF-8");
        assert!(!text.chars().any(|c| c != '\n' && super::is_hidden(c)), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).expect("it is JSON"), value);
        let plain = serde_json::json!({ "a": [1, { "b": "x" }, []], "c": {} });
        let mut out = Vec::new();
        write_pretty(&plain, &mut out).expect("a vector takes all");
        assert_eq!(out, serde_json::to_vec_pretty(&plain).expect("it is JSON"));
    }
}
