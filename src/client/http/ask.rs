//! What a checklist says of a request, for every probe that sends one as asked: one way to read it, one to refuse it.

use serde_json::Value;

use super::{HttpUrl, Login, Method, Request};

/// The settings of a request.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// Where to send it.
    pub url: &'a HttpUrl,
    /// How.
    pub method: Method,
    /// Who sends it.
    pub login: &'a Login,
    /// What to send as JSON.
    pub json: Option<&'a Value>,
    /// What to send unchanged.
    pub body: Option<&'a str>,
}

impl Ask<'_> {
    /// The request, ready to be sent.
    pub fn request(&self) -> Request {
        let request = Request::new(self.method.into(), self.url, self.login.access());
        match (self.json, self.body) {
            (Some(json), _) => request.body("application/json", json.to_string().into_bytes()),
            (None, Some(body)) => request.body("text/plain; charset=utf-8", body.as_bytes().to_vec()),
            (None, None) => request,
        }
    }

    /// Refuses what can't be sent, several ways to say who asks, and a password without a user.
    ///
    /// # Errors
    /// What is wrong, for the person who wrote it.
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
