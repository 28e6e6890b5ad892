//! One request, sent through its redirects here, so that nothing private is sent to another origin.

use std::error::Error as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper_util::client::legacy::connect::HttpInfo;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Method, StatusCode};
use url::Url;

use crate::client::{Context, Fault, HttpOptions, Manner};

use super::error::{fault, login_required};
use super::oauth2::{AccessToken, OAuth2};
use super::setting::{Headers, HttpUrl, Token};

/// A request that is ready to be sent.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its method.
    pub method: Method,
    /// Its URL, without user and password.
    pub url: Url,
    /// Its headers: all of them stay within the origin of `url`.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Option<Vec<u8>>,
    /// How to get the access token that it needs: that stays within the origin, too.
    pub oauth2: Option<Box<OAuth2>>,
}

/// Credentials of a request according to the checklist, and how the connection is made.
#[derive(Debug, Clone, Copy, Default)]
pub struct Access<'a> {
    /// For `Authorization: Bearer …`.
    pub token: Option<&'a Token>,
    /// For basic authentication.
    pub user: Option<&'a str>,
    /// For basic authentication.
    pub password: Option<&'a str>,
    /// For `Authorization: Bearer …` with a token that a server issues.
    pub oauth2: Option<&'a OAuth2>,
    /// Further headers.
    pub headers: Option<&'a Headers>,
}

/// No answer came.
#[derive(Debug)]
pub struct Unanswered {
    /// Why, with what to do.
    pub fault: Fault,
    /// Whether it was sent on a reused connection, which a server may close at any time.
    pub was_reused: bool,
}

impl From<Unanswered> for Fault {
    fn from(unanswered: Unanswered) -> Self {
        unanswered.fault
    }
}

/// An answer whose body is still to be read.
#[derive(Debug)]
pub struct Answer {
    /// The last answer.
    pub response: reqwest::Response,
    /// Time from sending the last request until its headers arrived.
    pub latency: Duration,
    /// The redirects that were followed.
    pub redirects: Vec<Url>,
    /// Why a redirect was not followed although more were allowed.
    pub stopped: Option<String>,
}

impl Request {
    /// A request with the credentials of `access`, or those in the URL.
    pub fn new(method: Method, url: &HttpUrl, access: Access) -> Self {
        let mut url = url.url().clone();
        let mut headers = access.headers.map(|headers| headers.map().clone()).unwrap_or_default();
        if let Some(token) = access.token {
            headers.insert(AUTHORIZATION, token.header().clone());
        }
        if let Some(user) = access.user {
            headers.insert(AUTHORIZATION, basic(user, access.password.unwrap_or_default()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
            let value = basic(&decoded(url.username()), &decoded(url.password().unwrap_or_default()));
            headers.entry(AUTHORIZATION).or_insert(value);
            strip_user(&mut url);
        }
        Self { method, url, headers, body: None, oauth2: access.oauth2.cloned().map(Box::new) }
    }

    /// The same with a body of this type, unless the headers say another.
    #[must_use]
    pub fn body(mut self, content_type: &'static str, body: Vec<u8>) -> Self {
        self.headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(content_type));
        self.body = Some(body);
        self
    }

    /// The same without credentials.
    #[must_use]
    pub fn anonymous(mut self) -> Self {
        let content_type = self.headers.remove(CONTENT_TYPE);
        self.headers.clear();
        self.oauth2 = None;
        self.headers.extend(content_type.map(|value| (CONTENT_TYPE, value)));
        self
    }

    /// The same to another URL, without anything private if it is another origin.
    #[must_use]
    pub fn to(mut self, mut url: Url) -> Self {
        strip_user(&mut url);
        if url.origin() != self.url.origin() {
            self.headers.clear();
            self.body = None;
            self.oauth2 = None;
        }
        self.url = url;
        self
    }

    /// Sends it, and follows up to this many redirects. A redirect that is not followed is the answer.
    ///
    /// # Errors
    /// When no answer came, with what to do.
    pub async fn send(mut self, cx: &Context, options: &HttpOptions, redirects: u8) -> Result<Answer, Fault> {
        let mut followed = Vec::new();
        loop {
            let (response, latency) = self.send_once(cx, options).await?;
            let mut answer = Answer { response, latency, redirects: Vec::new(), stopped: None };
            if followed.len() < usize::from(redirects) {
                match self.next(&answer.response, &followed) {
                    Ok(Some(next)) => {
                        followed.push(next.url.clone());
                        self = next;
                        continue;
                    }
                    Ok(None) => {}
                    Err(reason) => answer.stopped = Some(reason),
                }
            }
            answer.redirects = followed;
            return Ok(answer);
        }
    }

    /// Whether it has credentials.
    pub fn has_credentials(&self) -> bool {
        self.oauth2.is_some() || self.headers.contains_key(AUTHORIZATION)
    }

    /// The same with the access token that it needs, which is requested here.
    ///
    /// # Errors
    /// When no token could be requested, with help.
    pub async fn authorized(self, cx: &Context, options: &HttpOptions) -> Result<Self, Fault> {
        match &self.oauth2 {
            None => Ok(self),
            Some(oauth2) => Ok(self.bearing(&oauth2.token(cx, options).await?)),
        }
    }

    fn bearing(&self, token: &AccessToken) -> Self {
        let mut request = Self { oauth2: None, ..self.clone() };
        request.headers.insert(AUTHORIZATION, token.header().clone());
        request
    }

    async fn send_once(&self, cx: &Context, options: &HttpOptions) -> Result<(reqwest::Response, Duration), Fault> {
        match &self.oauth2 {
            None => self.send_alone(cx, options).await,
            Some(oauth2) => Box::pin(self.send_with_token(oauth2, cx, options)).await,
        }
    }

    /// Sends it with an access token, and once more with another one if the server refuses that.
    async fn send_with_token(
        &self,
        oauth2: &OAuth2,
        cx: &Context,
        options: &HttpOptions,
    ) -> Result<(reqwest::Response, Duration), Fault> {
        let token = oauth2.token(cx, options).await?;
        let answer = self.bearing(&token).send_alone(cx, options).await?;
        if answer.0.status() != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        match oauth2.renewed(&token, cx, options).await? {
            Some(token) => self.bearing(&token).send_alone(cx, options).await,
            None => Ok(answer),
        }
    }

    /// Sends it without a further request before it, and gives what comes, a redirect too.
    pub(super) async fn send_alone(
        &self,
        cx: &Context,
        options: &HttpOptions,
    ) -> Result<(reqwest::Response, Duration), Fault> {
        // Where a server may have closed the connection of an earlier request, one that must not be sent twice needs
        // its own.
        let manner = Manner { is_fresh: !self.method.is_idempotent(), ..self.manner() };
        let client = cx.http(&self.url, options, manner)?;
        let start = Instant::now();
        match self.send_by(&client, cx, options).await {
            Ok(response) => Ok((response, start.elapsed())),
            Err(unanswered) if unanswered.was_reused && !manner.is_fresh => {
                let fresh = cx.http(&self.url, options, Manner { is_fresh: true, ..manner })?;
                let start = Instant::now();
                Ok((self.send_by(&fresh, cx, options).await?, start.elapsed()))
            }
            Err(unanswered) => Err(unanswered.fault),
        }
    }

    /// How it uses connections.
    pub fn manner(&self) -> Manner {
        Manner { is_fresh: false, is_http1: self.headers.contains_key(HOST) }
    }

    /// Sends it by this client, and gives what comes, a redirect too.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn send_by(
        &self,
        client: &reqwest::Client,
        cx: &Context,
        options: &HttpOptions,
    ) -> Result<reqwest::Response, Unanswered> {
        let mut request = client.request(self.method.clone(), self.url.clone()).headers(self.headers.clone());
        if let Some(body) = &self.body {
            request = request.body(body.clone());
        } else if matches!(self.method, Method::POST | Method::PUT | Method::PATCH) {
            // Some servers answer 411 to these methods without a Content-Length.
            request = request.header(CONTENT_LENGTH, "0");
        }
        let begun = Instant::now();
        let proxy = || cx.proxy(&self.url, options).ok().flatten();
        match request.send().await {
            Ok(response) => {
                let is_refused = response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED;
                if let Some(proxy) = is_refused.then(proxy).flatten() {
                    return Err(Unanswered { fault: login_required(&proxy, &self.url), was_reused: false });
                }
                if let Some(connection) = response.extensions().get::<HttpInfo>() {
                    cx.is_used(connection.local_addr());
                }
                Ok(response)
            }
            Err(error) => {
                let was_reused = connection_of(&error).is_some_and(|connection| cx.is_used(connection));
                let relayed = cx.relay(&self.url, options).ok().flatten().and_then(|relay| relay.failure(begun));
                let fault = relayed.unwrap_or_else(|| fault(&error, &self.url, proxy().as_ref()));
                Err(Unanswered { fault, was_reused })
            }
        }
    }

    /// The target of the redirect, or why it must not be followed.
    fn next(&self, response: &reqwest::Response, followed: &[Url]) -> Result<Option<Self>, String> {
        let status = response.status();
        let Some(location) = response.headers().get(LOCATION).filter(|_| is_redirect(status)) else { return Ok(None) };
        let text = String::from_utf8_lossy(location.as_bytes());
        let Ok(mut url) = self.url.join(&text) else { return Err(format!("`{text}` is not a place to redirect to")) };
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("a redirect to `{}:` is not followed", url.scheme()));
        }
        strip_user(&mut url);
        let mut next = self.clone();
        let becomes_get = match status {
            StatusCode::SEE_OTHER => self.method != Method::HEAD,
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => self.method == Method::POST,
            _ => false,
        };
        if becomes_get {
            next.method = Method::GET;
            next.body = None;
            next.headers.remove(CONTENT_TYPE);
        }
        if next.body.is_some() && url.origin() != self.url.origin() {
            return Err("the redirect leads to another origin, and would have taken the body there".to_owned());
        }
        if next.method == self.method && (url == self.url || followed.contains(&url)) {
            return Err(format!("the redirects lead in a circle, back to {url}"));
        }
        Ok(Some(next.to(url)))
    }
}

/// The local address of the connection on which an error occurred; None if there was none yet.
fn connection_of(error: &reqwest::Error) -> Option<SocketAddr> {
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<hyper_util::client::legacy::Error>() {
            let mut extensions = hyper::http::Extensions::new();
            error.connect_info()?.get_extras(&mut extensions);
            return Some(extensions.get::<HttpInfo>()?.local_addr());
        }
        next = error.source();
    }
    None
}

/// The `HttpOptions` of a probe's two settings.
pub fn options(insecure: bool, ca: Option<&PathBuf>) -> HttpOptions {
    HttpOptions { insecure, ca: ca.cloned(), ..HttpOptions::default() }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn strip_user(url: &mut Url) {
    // Both fail only for URLs that can't have a user, and then there is none.
    let _ = url.set_username("");
    let _ = url.set_password(None);
}

fn basic(user: &str, password: &str) -> HeaderValue {
    let text = format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")));
    let mut value = HeaderValue::try_from(text).expect("base64 is ASCII");
    value.set_sensitive(true);
    value
}
