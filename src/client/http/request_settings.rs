//! The settings of a request, shared by all probes that send one: one way to read and validate them.

use serde_json::Value;

use super::{HttpUrl, Login, Method, Request};

/// The settings of a request.
#[derive(Clone, Copy)]
pub struct RequestSettings<'a> {
    /// The URL.
    pub url: &'a HttpUrl,
    /// How.
    pub method: Method,
    /// The credentials.
    pub login: &'a Login,
    /// The JSON body.
    pub json: Option<&'a Value>,
    /// The body as it is.
    pub body: Option<&'a str>,
}

impl RequestSettings<'_> {
    /// The request, ready to be sent.
    pub fn request(&self) -> Request {
        let request = Request::new(self.method.into(), self.url, self.login.access());
        match (self.json, self.body) {
            (Some(json), _) => request.body("application/json", json.to_string().into_bytes()),
            (None, Some(body)) => request.body("text/plain; charset=utf-8", body.as_bytes().to_vec()),
            (None, None) => request,
        }
    }

    /// Validates the settings: invalid requests, conflicting credentials, and a password without a user.
    ///
    /// # Errors
    /// A problem in the settings, for the author of the checklist.
    pub fn validate(&self) -> Result<(), &'static str> {
        if self.json.is_some() && self.body.is_some() {
            return Err("`json` and `body` can't both be sent");
        }
        if self.method == Method::Head && (self.json.is_some() || self.body.is_some()) {
            return Err("a HEAD request has no body");
        }
        self.login.validate(self.url)
    }
}
