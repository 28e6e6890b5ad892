//! The text of a report, in the encoding that its byte order mark or its declaration names.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::client::Fault;

/// Where the declaration ends at the latest.
const MAX_DECLARATION: usize = 256;

/// The text of a report of this name.
///
/// # Errors
/// When the encoding is unsupported, or the bytes are invalid in it.
pub fn decode<'a>(name: &str, bytes: &'a [u8]) -> Result<Cow<'a, str>, Fault> {
    let (encoding, bytes) = match Encoding::for_bom(bytes) {
        Some((encoding, mark)) => (encoding, &bytes[mark..]),
        None => (declared(name, bytes)?, bytes),
    };
    if encoding == UTF_8 {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let line = bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count();
            Fault::new(format!("`{name}:{line}` is not valid UTF-8"))
                .help("declare the encoding, as in `<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>`")
        });
        return text.map(Cow::Borrowed);
    }
    match encoding.decode_without_bom_handling(bytes) {
        (text, false) => Ok(text),
        (_, true) => Err(Fault::new(format!("`{name}` is not valid {}", encoding.name()))
            .help("the encoding in its declaration is wrong")),
    }
}

/// The encoding of a report without a byte order mark.
fn declared(name: &str, bytes: &[u8]) -> Result<&'static Encoding, Fault> {
    match bytes {
        [b'<', 0, ..] => return Ok(UTF_16LE),
        [0, b'<', ..] => return Ok(UTF_16BE),
        _ => {}
    }
    let Some(label) = label(bytes) else { return Ok(UTF_8) };
    match Encoding::for_label(label.as_bytes()) {
        // The declaration itself could not be read if this were true.
        Some(encoding) if encoding == UTF_16LE || encoding == UTF_16BE => Ok(UTF_8),
        Some(encoding) => Ok(encoding),
        None => Err(Fault::new(format!("`{name}` declares the unsupported encoding `{label}`"))
            .help("write the report in UTF-8")),
    }
}

/// The `encoding="…"` of the declaration.
fn label(bytes: &[u8]) -> Option<&str> {
    let head = &bytes[..bytes.len().min(MAX_DECLARATION)];
    let end = head.windows(2).position(|pair| pair == b"?>")?;
    let declaration = std::str::from_utf8(&head[..end]).ok()?.strip_prefix("<?xml")?;
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value[1..].split(quote).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8]) -> Result<String, String> {
        decode("r.xml", bytes).map(Cow::into_owned).map_err(|fault| fault.to_string())
    }

    fn utf_16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn marks_and_declarations_are_obeyed() {
        let declared = |label: &str| format!("<?xml version='1.0' encoding = '{label}'?><a>");
        let latin = [declared("ISO-8859-1").as_bytes(), b"\xe9"].concat();
        assert!(decoded(&latin).expect("it is Latin-1").ends_with("<a>é"));
        let japanese = [declared("Shift_JIS").as_bytes(), b"\x83\x65"].concat();
        assert!(decoded(&japanese).expect("it is Shift JIS").ends_with("<a>テ"));
        for text in ["<a>é</a>".to_owned(), declared("UTF-16")] {
            assert_eq!(decoded(&utf_16(&text, u16::to_le_bytes)), Ok(text.clone()));
            assert_eq!(decoded(&utf_16(&text, u16::to_be_bytes)), Ok(text.clone()));
            assert_eq!(decoded(&utf_16(&format!("\u{feff}{text}"), u16::to_le_bytes)), Ok(text.clone()));
            assert_eq!(decoded(format!("\u{feff}{text}").as_bytes()), Ok(text.clone()));
            assert_eq!(decoded(text.as_bytes()), Ok(text));
        }
    }

    #[test]
    fn an_undecodable_report_is_an_error() {
        let unknown = b"<?xml version=\"1.0\" encoding=\"EBCDIC-XX\"?><a/>";
        assert_eq!(decoded(unknown), Err("`r.xml` declares the unsupported encoding `EBCDIC-XX`".to_owned()));
        assert_eq!(decoded(b"<a>\n\xe9</a>"), Err("`r.xml:2` is not valid UTF-8".to_owned()));
        assert_eq!(decoded(b"<\0a\0\x00\xd8"), Err("`r.xml` is not valid UTF-16LE".to_owned()));
    }
}
