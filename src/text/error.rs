//! Errors of libraries in plain words: without their type names, numbers and jargon.

use std::{fmt, io};

/// A message of our own in an I/O error.
#[derive(Debug)]
struct Own(String);

impl fmt::Display for Own {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Own {}

/// An error that [`os`] shows with this message.
pub fn own(words: impl Into<String>) -> io::Error {
    io::Error::other(Own(words.into()))
}

/// The message of the operating system, such as `permission denied`, or the one given to [`own`]. Never that of a
/// library.
pub fn os(error: &io::Error) -> String {
    if let Some(Own(words)) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
        return words.clone();
    }
    let said = match (error.raw_os_error(), error.kind()) {
        (_, io::ErrorKind::StorageFull) => "the disk is full".to_owned(),
        (_, io::ErrorKind::QuotaExceeded) => "the disk quota is used up".to_owned(),
        (Some(code), _) => error.to_string().trim_end_matches(&format!(" (os error {code})")).to_owned(),
        (None, io::ErrorKind::NotFound) => "no such file or directory".to_owned(),
        (None, io::ErrorKind::UnexpectedEof) => "it ends too early".to_owned(),
        (None, io::ErrorKind::Other) => "unexpected error".to_owned(),
        (None, kind) => kind.to_string(),
    };
    let mut chars = said.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

/// How deep JSON may be nested, by the limit of its parser.
const MAX_DEPTH: usize = 127;

/// Why a text is not the JSON that is expected, and where.
pub fn json(error: &serde_json::Error) -> String {
    let place = format!("line {}, column {}", error.line(), error.column());
    match error.classify() {
        _ if is_too_deep(error) => {
            format!("JSON that is nested deeper than {MAX_DEPTH} levels at {place}: gate does not read that")
        }
        serde_json::error::Category::Eof => format!("incomplete JSON: it ends at {place}"),
        serde_json::error::Category::Data => format!("unexpected JSON structure at {place}"),
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => format!("invalid JSON at {place}"),
    }
}

/// Whether JSON is only nested too deep.
pub fn is_too_deep(error: &serde_json::Error) -> bool {
    // The parser has no other sign of it.
    error.to_string().starts_with("recursion limit exceeded")
}

/// Why a text is not a URL.
pub fn url(error: url::ParseError) -> &'static str {
    match error {
        url::ParseError::EmptyHost => "the host is missing",
        url::ParseError::InvalidPort => "the port is not a number up to 65535",
        url::ParseError::InvalidIpv4Address | url::ParseError::InvalidIpv6Address => "the host is not a valid address",
        url::ParseError::IdnaError | url::ParseError::InvalidDomainCharacter => "the host is not a valid name",
        url::ParseError::RelativeUrlWithoutBase | url::ParseError::RelativeUrlWithCannotBeABaseBase => {
            "it must begin with a scheme such as `https://`"
        }
        _ => "it is malformed",
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    #[test]
    fn errors_are_shown_without_the_words_of_a_library() {
        assert_snapshot!(os(&io::Error::from_raw_os_error(libc::EACCES)), @"permission denied");
        assert_snapshot!(os(&io::Error::other("InvalidContentType")), @"unexpected error");
        assert_snapshot!(os(&own("it is longer than 1 MiB")), @"it is longer than 1 MiB");
        let parsed = |text: &str| json(&serde_json::from_str::<Vec<u8>>(text).expect_err("it is not this JSON"));
        assert_snapshot!(parsed("[1,"), @"incomplete JSON: it ends at line 1, column 3");
        assert_snapshot!(parsed("[1}"), @"invalid JSON at line 1, column 3");
        assert_snapshot!(parsed("[\"x\"]"), @"unexpected JSON structure at line 1, column 4");
        let deep = "[".repeat(128) + &"]".repeat(128);
        let parsed = |text: &str| json(&serde_json::from_str::<serde_json::Value>(text).expect_err("it is too deep"));
        assert_snapshot!(parsed(&deep), @"JSON that is nested deeper than 127 levels at line 1, column 128: gate does not read that");
        assert!(serde_json::from_str::<serde_json::Value>(&deep[1..deep.len() - 1]).is_ok());
        assert_snapshot!(os(&io::Error::from_raw_os_error(libc::ENOSPC)), @"the disk is full");
        let parsed = |text: &str| url(url::Url::parse(text).expect_err("it is not a URL"));
        assert_snapshot!(parsed("http://"), @"the host is missing");
        assert_snapshot!(parsed("api.example"), @"it must begin with a scheme such as `https://`");
        assert_snapshot!(parsed("http://h:99999"), @"the port is not a number up to 65535");
    }
}
