//! What a checklist says of a request, for every probe that sends one as asked: one way to read it, one to refuse it.

use std::path::PathBuf;

use reqwest::header::AUTHORIZATION;
use serde_json::Value;

use super::{Access, Headers, HttpUrl, Method, Request, Token, curl};

/// The settings of a request.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// Where to send it.
    pub url: &'a HttpUrl,
    /// How.
    pub method: Method,
    /// Headers to send.
    pub headers: &'a Headers,
    /// What to send as JSON.
    pub json: Option<&'a Value>,
    /// What to send as it stands.
    pub body: Option<&'a str>,
    /// For `Authorization: Bearer …`.
    pub token: Option<&'a Token>,
    /// For basic authentication.
    pub user: Option<&'a str>,
    /// For basic authentication.
    pub password: Option<&'a str>,
}

impl Ask<'_> {
    /// The request, ready to be sent.
    pub fn request(&self) -> Request {
        let access =
            Access { token: self.token, user: self.user, password: self.password, headers: Some(self.headers) };
        let request = Request::new(self.method.into(), self.url, access);
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
        let (token, user, password) = (self.token.is_some(), self.user.is_some(), self.password.is_some());
        one_login(self.url, token, user, password, self.headers)
    }

    /// The call of curl that sends it once.
    pub fn curl(&self, insecure: bool, ca: Option<&PathBuf>) -> Vec<String> {
        curl(&self.request(), insecure, ca)
    }
}

/// Refuses several ways to say who asks, and a password without a user.
///
/// # Errors
/// What is wrong, for the person who wrote it.
pub fn one_login(
    url: &HttpUrl,
    has_token: bool,
    has_user: bool,
    has_password: bool,
    headers: &Headers,
) -> Result<(), &'static str> {
    if has_password && !has_user {
        return Err("`password` wants a `user`");
    }
    let header = headers.map().contains_key(AUTHORIZATION);
    match [has_token, has_user, url.has_user(), header].into_iter().filter(|given| *given).count() {
        0 | 1 => Ok(()),
        _ => Err(
            "who asks is said more than once: keep one of `token`, `user`, the header `authorization`, the URL's user",
        ),
    }
}
