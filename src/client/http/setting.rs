//! The settings that all HTTP probes have in common; values that can't be sent are refused when the checklist is
//! loaded.

use std::fmt;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use url::Url;

use crate::text::error;

/// A URL with `http` or `https` and a host.
#[derive(Debug, Clone, PartialEq, Eq, Hash, JsonSchema)]
#[schemars(inline)]
pub struct HttpUrl(#[schemars(with = "String")] Url);

/// A bearer token.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(inline)]
pub struct Token(#[schemars(with = "String")] HeaderValue);

/// Headers of a request: names and values.
#[derive(Debug, Clone, Default, JsonSchema)]
#[schemars(inline)]
pub struct Headers(#[schemars(with = "std::collections::BTreeMap<String, String>")] HeaderMap);

/// A number of bytes, such as `1MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[schemars(inline)]
pub struct Size(#[schemars(with = "String")] u64);

impl HttpUrl {
    /// The URL.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// The URL without user and password.
    pub fn public(&self) -> Url {
        let mut url = self.0.clone();
        // Neither fails for a URL that has a host.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url
    }

    /// A URL below this one: `path` is appended to its own path.
    pub fn below(&self, path: &str) -> HttpUrl {
        let mut url = self.0.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}{path}"));
        url.set_query(None);
        url.set_fragment(None);
        HttpUrl(url)
    }

    /// The same with these parameters.
    #[must_use]
    pub fn query(mut self, parameters: &[(&str, &str)]) -> HttpUrl {
        self.0.query_pairs_mut().extend_pairs(parameters);
        self
    }

    /// Whether it contains user or password.
    pub fn has_user(&self) -> bool {
        !self.0.username().is_empty() || self.0.password().is_some()
    }
}

impl TryFrom<Url> for HttpUrl {
    type Error = String;

    fn try_from(url: Url) -> Result<Self, String> {
        match url.scheme() {
            "http" | "https" => Ok(Self(url)),
            scheme => Err(format!("`{scheme}:` is not spoken here: the URL must begin with http:// or https://")),
        }
    }
}

impl<'de> Deserialize<'de> for HttpUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // Without the slashes, `http:host` is a URL for some parsers and a relative path for others.
        let lower = text.to_ascii_lowercase();
        if !lower.starts_with("http://") && !lower.starts_with("https://") {
            return Err(D::Error::custom(match text.starts_with(['$', '{']) {
                true => {
                    "the URL must begin with http:// or https://; a variable is written `${vars.NAME}` or `${env.NAME}`"
                }
                false => "the URL must begin with http:// or https://",
            }));
        }
        let url = Url::parse(&text).map_err(|error| D::Error::custom(format!("invalid URL: {}", error::url(error))))?;
        Self::try_from(url).map_err(D::Error::custom)
    }
}

impl Token {
    /// `Bearer …`.
    pub fn header(&self) -> &HeaderValue {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() {
            return Err(D::Error::custom("the token is empty"));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(D::Error::custom(
                "the token can't be sent: it contains a blank, a line break or a character outside ASCII",
            ));
        }
        let mut value = HeaderValue::try_from(format!("Bearer {text}")).map_err(D::Error::custom)?;
        value.set_sensitive(true);
        Ok(Self(value))
    }
}

impl Headers {
    /// The headers.
    pub fn map(&self) -> &HeaderMap {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeadersVisitor)
    }
}

struct HeadersVisitor;

impl<'de> Visitor<'de> for HeadersVisitor {
    type Value = Headers;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a map of header names to text")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
        let mut headers = HeaderMap::new();
        while let Some(Name(name)) = map.next_key()? {
            let Text(value) = map.next_value()?;
            if headers.contains_key(&name) {
                return Err(A::Error::custom(format!("duplicate header `{name}`")));
            }
            headers.insert(name, value);
        }
        Ok(Headers(headers))
    }
}

struct Name(HeaderName);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let name = HeaderName::try_from(&text)
            .map_err(|_| D::Error::custom(format!("`{}` can't be the name of a header", text.escape_debug())))?;
        if matches!(name.as_str(), "content-length" | "transfer-encoding" | "connection") {
            return Err(D::Error::custom(format!("the header `{name}` follows from the request and can't be set")));
        }
        Ok(Self(name))
    }
}

struct Text(HeaderValue);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // The message does not contain the value: it may be a secret.
        let mut value = HeaderValue::from_bytes(text.as_bytes())
            .map_err(|_| D::Error::custom("the value of a header can't hold line breaks or control characters"))?;
        value.set_sensitive(true);
        Ok(Self(value))
    }
}

impl Size {
    /// This many bytes.
    pub const fn bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// The number of bytes, limited to the memory's address space.
    pub fn get(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// As in messages: `1 MiB`.
impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let shown = crate::yaml::Size(self.0).to_string();
        let (number, unit) = shown.split_at(shown.trim_end_matches(char::is_alphabetic).len());
        match unit {
            "B" if number == "1" => write!(f, "1 byte"),
            "B" => write!(f, "{number} bytes"),
            unit => write!(f, "{number} {unit}"),
        }
    }
}

impl std::str::FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = text.split_at(digits);
        let factor: Option<u64> = match unit.trim_start() {
            "" | "B" => Some(1),
            "kB" => Some(1_000),
            "MB" => Some(1_000_000),
            "GB" => Some(1_000_000_000),
            "KiB" => Some(1 << 10),
            "MiB" => Some(1 << 20),
            "GiB" => Some(1 << 30),
            _ => None,
        };
        let bytes = number.parse::<u64>().ok().zip(factor).and_then(|(number, factor)| number.checked_mul(factor));
        bytes.map(Self).ok_or_else(|| crate::yaml::invalid_size(text))
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde::de::DeserializeOwned;
    use serde_json::{Value, json};

    use super::*;

    fn refused<T: DeserializeOwned>(value: Value) -> String {
        serde_json::from_value::<T>(value).err().expect("it must be refused").to_string()
    }

    #[test]
    fn a_url_must_be_http_and_name_a_host() {
        assert_snapshot!(refused::<HttpUrl>(json!("ftp://x")), @"the URL must begin with http:// or https://");
        assert_snapshot!(refused::<HttpUrl>(json!("localhost:80")), @"the URL must begin with http:// or https://");
        assert_snapshot!(refused::<HttpUrl>(json!("http://")), @"invalid URL: the host is missing");
        assert_snapshot!(refused::<HttpUrl>(json!("http://x:99999")), @"invalid URL: the port is not a number up to 65535");
    }

    #[test]
    fn a_path_comes_after_what_path_the_base_has() {
        let base: HttpUrl = serde_json::from_value(json!("https://h/grafana/?x#y")).expect("a valid URL");
        assert_snapshot!(base.below("/api/search").query(&[("type", "dash-db")]).url(),
            @"https://h/grafana/api/search?type=dash-db");
    }

    #[test]
    fn a_header_that_could_not_be_sent_is_refused_without_showing_its_value() {
        assert_snapshot!(refused::<Headers>(json!({ "X-Key": "hunter2\nX-Evil: 1" })),
            @"the value of a header can't hold line breaks or control characters");
        assert_snapshot!(refused::<Headers>(json!({ "X Key": "a" })), @"`X Key` can't be the name of a header");
        assert_snapshot!(refused::<Headers>(json!({ "X-Key": "a", "x-key": "b" })), @"duplicate header `x-key`");
        assert_snapshot!(refused::<Headers>(json!({ "Content-Length": "3" })),
            @"the header `content-length` follows from the request and can't be set");
    }

    #[test]
    fn a_token_with_its_files_line_break_is_refused() {
        assert_snapshot!(refused::<Token>(json!("glsa_1\n")),
            @"the token can't be sent: it contains a blank, a line break or a character outside ASCII");
        assert_snapshot!(refused::<Token>(json!("")), @"the token is empty");
    }

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in [("0", 0), ("512", 512), ("64KiB", 65_536), ("10 MiB", 10_485_760), ("1MB", 1_000_000)] {
            assert_eq!(text.parse(), Ok(Size(bytes)), "{text}");
        }
        assert_snapshot!("1 mib".parse::<Size>().expect_err("no such unit"), @"invalid size `1 mib`: did you mean `1MiB`?");
        assert!("".parse::<Size>().is_err());
        assert!("-1MiB".parse::<Size>().is_err());
        assert!("99999999999GiB".parse::<Size>().is_err());
    }
}
