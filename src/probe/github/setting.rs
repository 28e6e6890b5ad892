//! The settings for a repository and its issues.

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use url::Url;

use crate::client::http::HttpUrl;

/// `owner/name`.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(inline)]
pub struct Repository(String);

/// Which issues to look for.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Labelled {
    /// The label that they must have, such as `mismatch`. Separate several with commas; an issue must have all of them.
    /// Default: any.
    pub label: Option<String>,
    /// `open`, `closed` or `all`. Default: `open`.
    #[serde(default)]
    pub state: IssueState,
}

/// Whether an issue is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum IssueState {
    /// Not closed.
    #[default]
    Open,
    /// Closed.
    Closed,
    /// Either.
    All,
}

impl Repository {
    /// As it is in a URL.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Repository {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let is_name = |part: &str| {
            let is_plain = part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
            is_plain && !matches!(part, "" | "." | "..")
        };
        match text.split_once('/') {
            Some((owner, name)) if is_name(owner) && is_name(name) => Ok(Self(text)),
            Some(_) | None => {
                Err(D::Error::custom(format!("`{}` is not a repository: write `owner/name`", text.escape_debug())))
            }
        }
    }
}

impl IssueState {
    /// The word of GitHub's API.
    pub fn word(self) -> &'static str {
        match self {
            IssueState::Open => "open",
            IssueState::Closed => "closed",
            IssueState::All => "all",
        }
    }
}

/// The API of github.com.
pub fn github() -> HttpUrl {
    let url = Url::parse("https://api.github.com").expect("it is a URL");
    HttpUrl::try_from(url).expect("it is https")
}
