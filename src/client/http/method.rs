//! The method of a request.

use schemars::JsonSchema;
use serde::Deserialize;

/// The method of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(inline)]
pub enum Method {
    /// Asks for what is there.
    #[default]
    Get,
    /// Asks for the headers alone.
    Head,
    /// Asks for what may be done.
    Options,
    /// Has something done.
    Post,
    /// Puts something there.
    Put,
    /// Changes what is there.
    Patch,
    /// Removes what is there.
    Delete,
}

impl From<Method> for reqwest::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => Self::GET,
            Method::Head => Self::HEAD,
            Method::Options => Self::OPTIONS,
            Method::Post => Self::POST,
            Method::Put => Self::PUT,
            Method::Patch => Self::PATCH,
            Method::Delete => Self::DELETE,
        }
    }
}
