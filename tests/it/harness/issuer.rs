//! A token endpoint as RFC 6749 describes it, and the tokens that it has issued.

use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use url::form_urlencoded::parse;

use super::http::{HttpServer, Request, Response, http};

/// A running token endpoint.
pub struct Issuer {
    server: HttpServer,
    issued: Issued,
}

/// The tokens that are valid.
#[derive(Clone, Default)]
pub struct Issued(Arc<Mutex<Vec<String>>>);

/// Starts one that knows the client `gate` with the secret `s3cr3t/+ of gate`. `shape` may change its answers.
pub fn issuer(shape: impl Fn(Response) -> Response + Send + Sync + 'static) -> Issuer {
    let issued = Issued::default();
    let tokens = issued.clone();
    let server = http(move |request| {
        let answer = match refusal(&request) {
            Some((status, error)) => Response::json(&json!({ "error": error })).status(status),
            None => Response::json(&json!({
                "access_token": tokens.issue(), "token_type": "bearer", "expires_in": 3600,
            })),
        };
        shape(answer.header("cache-control", "no-store"))
    });
    Issuer { server, issued }
}

impl Issuer {
    /// The secret of the client `gate`.
    pub const SECRET: &'static str = "s3cr3t/+ of gate";

    /// The URL of the token endpoint.
    pub fn url(&self) -> String {
        format!("{}/token", self.server.url())
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.server.requests()
    }

    /// The tokens that are valid.
    pub fn issued(&self) -> Issued {
        self.issued.clone()
    }

    /// The setting `oauth2` of a probe.
    pub fn settings(&self) -> serde_json::Value {
        json!({ "token_url": self.url(), "client_id": "gate", "client_secret": Self::SECRET, "scopes": ["read", "write"] })
    }
}

impl Issued {
    fn issue(&self) -> String {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let token = format!("eyJhbGciOiJub25lIn0.token-number-{}", tokens.len() + 1);
        tokens.push(token.clone());
        token
    }

    /// Whether a request has a valid token.
    pub fn admits(&self, request: &Request) -> bool {
        let token = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|valid| Some(valid.as_str()) == token)
    }

    /// Revokes the token of this number, counted from 1.
    pub fn revoke(&self, number: usize) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = tokens.get_mut(number - 1) {
            *token = "revoked".to_owned();
        }
    }
}

/// The reason why it issues no token.
fn refusal(request: &Request) -> Option<(u16, &'static str)> {
    let is_form = request.header("content-type") == Some("application/x-www-form-urlencoded");
    if (request.method.as_str(), request.path.as_str(), is_form) != ("POST", "/token", true) {
        return Some((400, "invalid_request"));
    }
    let form: Vec<(String, String)> = parse(&request.body).into_owned().collect();
    let value = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    if value("grant_type").as_deref() != Some("client_credentials") {
        return Some((400, "unsupported_grant_type"));
    }
    let client = match request.header("authorization") {
        Some(header) => basic(header),
        None => value("client_id").zip(value("client_secret")),
    };
    if client != Some(("gate".to_owned(), Issuer::SECRET.to_owned())) {
        return Some((401, "invalid_client"));
    }
    let is_known =
        value("scope").is_none_or(|scopes| scopes.split(' ').all(|scope| ["read", "write"].contains(&scope)));
    (!is_known).then_some((400, "invalid_scope"))
}

/// Decodes id and secret, which are form-encoded.
fn basic(header: &str) -> Option<(String, String)> {
    let decoded = String::from_utf8(BASE64_STANDARD.decode(header.strip_prefix("Basic ")?).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let plain = |text: &str| Some(parse(text.as_bytes()).next()?.0.into_owned());
    Some((plain(id)?, plain(secret)?))
}
