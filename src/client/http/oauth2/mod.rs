//! OAuth2 client credentials (RFC 6749, section 4.4): the settings, the request for an access token, and its use.

mod answer;
mod tokens;

use std::collections::BTreeMap;
use std::fmt;

use reqwest::Method;
use reqwest::header::{ACCEPT, HeaderValue};
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

use crate::client::{Context, Fault, HttpOptions};

use super::error::place;
use super::setting::HttpUrl;
use super::{Access, Request, read};

pub use answer::AccessToken;
pub use tokens::Tokens;

use answer::Granted;

/// The largest answer that is read: a token goes into a header, and is far smaller.
const MAX_BODY: usize = 256 << 10;

/// How to get an access token. The request counts towards the probe's `timeout`, and goes the way of the probe's own.
#[derive(Clone, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
#[schemars(inline)]
pub struct OAuth2 {
    /// The token endpoint, such as `https://login.staging.example/oauth/token`. Its redirects are not followed.
    token_url: HttpUrl,
    /// The client's id, such as `gate`.
    client_id: String,
    /// The client's secret, such as `${secrets.CLIENT_SECRET}`.
    client_secret: String,
    /// The scopes of the token, such as `[metrics:read]`. Default: the scopes that the server grants to the client.
    #[serde(default)]
    scopes: Vec<String>,
    /// Further parameters of the token request, such as `{ audience: https://api.staging.example }`.
    #[serde(default)]
    endpoint_params: BTreeMap<String, String>,
    /// Where the client's id and secret are sent. Default: `basic`.
    #[serde(default)]
    auth: ClientAuth,
}

/// Where the client's id and secret are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum ClientAuth {
    /// In the header `Authorization`.
    #[default]
    Basic,
    /// As parameters.
    Body,
}

/// Parameters that have a setting of their own, or none.
const OWN: [(&str, &str); 4] = [
    ("grant_type", "is always `client_credentials`"),
    ("scope", "is the setting `scopes`"),
    ("client_id", "is a setting of its own"),
    ("client_secret", "is a setting of its own"),
];

impl<'de> Deserialize<'de> for OAuth2 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let oauth2 = OAuth2::deserialize(deserializer)?;
        oauth2.validate().map_err(D::Error::custom)?;
        Ok(oauth2)
    }
}

impl OAuth2 {
    fn validate(&self) -> Result<(), String> {
        if self.token_url.has_user() {
            return Err("`token_url` holds a user: write `client_id` and `client_secret` instead".to_owned());
        }
        for (name, value) in [("client_id", &self.client_id), ("client_secret", &self.client_secret)] {
            if value.is_empty() {
                return Err(format!("`{name}` is empty"));
            }
        }
        if self.scopes.iter().any(|scope| scope.is_empty() || scope.contains(char::is_whitespace)) {
            return Err("a scope is one word: write several as a list".to_owned());
        }
        let own = OWN.iter().find(|(name, _)| self.endpoint_params.contains_key(*name));
        own.map_or(Ok(()), |(name, why)| Err(format!("`{name}` can't be in `endpoint_params`: it {why}")))
    }

    /// The access token for a request that is made with these options: the one that is known, or a new one.
    ///
    /// # Errors
    /// When no token could be requested, with help.
    pub async fn token(&self, cx: &Context, options: &HttpOptions) -> Result<AccessToken, Fault> {
        cx.tokens().current(self, cx, options).await
    }

    /// Another access token, after a server has refused this one. None if a new one would not help.
    ///
    /// # Errors
    /// When no token could be requested, with help.
    pub async fn renewed(
        &self,
        refused: &AccessToken,
        cx: &Context,
        options: &HttpOptions,
    ) -> Result<Option<AccessToken>, Fault> {
        cx.tokens().renewed(self, refused, cx, options).await
    }

    /// Asks for a token. Everything secret of the request and the answer is hidden before anything else happens to it.
    async fn fetch(&self, cx: &Context, options: &HttpOptions) -> Result<Granted, Fault> {
        let encoded = encoded(&self.client_secret);
        if encoded != self.client_secret {
            // Basic authentication sends base64 of this form. Its name is not one of a variable, which has another value.
            cx.redactor.learn("client_secret", &encoded);
        }
        let place = place(self.token_url.url());
        let unanswered = |fault: Fault| Fault { message: format!("no access token: {fault}").into(), ..fault };
        let (mut response, _) = self.request().send_alone(cx, options).await.map_err(unanswered)?;
        let body = read(&mut response, MAX_BODY, &cx.load).await.map_err(unanswered)?;
        if body.truncated {
            return Err(Fault::new(format!("expected an access token from {place}, got more than 256 KiB"))
                .help("is `token_url` the token endpoint?"));
        }
        answer::read(response.status().as_u16(), &body.bytes, &place, self.auth, &cx.redactor)
    }

    /// The request for a token.
    fn request(&self) -> Request {
        // RFC 6749, section 2.3.1, has both encoded before they are sent as user and password.
        let (id, secret) = (encoded(&self.client_id), encoded(&self.client_secret));
        let mut form = self.form();
        let access = match self.auth {
            ClientAuth::Basic => Access { user: Some(&id), password: Some(&secret), ..Access::default() },
            ClientAuth::Body => {
                form.append_pair("client_id", &self.client_id).append_pair("client_secret", &self.client_secret);
                Access::default()
            }
        };
        let mut request = Request::new(Method::POST, &self.token_url, access);
        request.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        request.body("application/x-www-form-urlencoded", form.finish().into_bytes())
    }

    /// The parameters except id and secret of the client.
    fn form(&self) -> Serializer<'static, String> {
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        if !self.scopes.is_empty() {
            form.append_pair("scope", &self.scopes.join(" "));
        }
        form.extend_pairs(&self.endpoint_params);
        form
    }

    /// The line of a shell that gets a token and calls `curl` with it. `options` are curl's own for the token endpoint,
    /// ready for a shell. What may be secret is an argument as it is, which the redactor turns into a variable.
    pub fn shell(&self, curl: Vec<String>, options: impl FnOnce(&Url) -> String) -> Vec<String> {
        let is_plain = [&self.client_id, &self.client_secret].into_iter().all(|text| encoded(text) == *text);
        let (function, client) = match self.auth {
            ClientAuth::Basic if is_plain => ("", "-u \"$3:$4\""),
            ClientAuth::Basic => (ENCODE, "-u \"$(encode \"$3\"):$(encode \"$4\")\""),
            ClientAuth::Body => ("", "--data-urlencode \"client_id=$3\" --data-urlencode \"client_secret=$4\""),
        };
        let options = options(self.token_url.url());
        let script = format!(
            "{function}token=$(curl -sSf {options}--data-raw \"$2\" {client} \"$1\" | {READ}); shift 4; test -n \"$token\" && \
             \"$@\" -H \"Authorization: Bearer $token\""
        );
        let mut argv = vec!["sh".to_owned(), "-c".to_owned(), script, "sh".to_owned()];
        argv.extend([self.token_url.url().to_string(), self.form().finish()]);
        argv.extend([self.client_id.clone(), self.client_secret.clone()]);
        argv.extend(curl);
        argv
    }
}

/// A function of a shell that writes every byte as `%XX`.
const ENCODE: &str = "encode() { printf %s \"$1\" | od -An -v -tx1 | tr -d \" \\n\" | sed \"s/../%&/g\"; }; ";

/// Reads the token from the answer.
const READ: &str = "sed -n \"s/.*\\\"access_token\\\" *: *\\\"\\([^\\\"]*\\)\\\".*/\\1/p\"";

/// Without what is secret.
impl fmt::Debug for OAuth2 {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("OAuth2")
            .field("token_url", &self.token_url.public().as_str())
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests;
