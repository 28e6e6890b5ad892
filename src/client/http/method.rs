//! The method of a request.

use schemars::JsonSchema;
use serde::Deserialize;

/// The method of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(inline)]
pub enum Method {
    /// Read a resource.
    #[default]
    Get,
    /// Read the headers only.
    Head,
    /// List the supported methods.
    Options,
    /// Submit data.
    Post,
    /// Create or replace a resource.
    Put,
    /// Change a part of a resource.
    Patch,
    /// Delete a resource.
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
