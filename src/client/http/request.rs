//! One request, sent by hand through its redirects, so that nothing private follows it to another origin.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Method, StatusCode};
use url::Url;

use crate::client::{Context, Fault, HttpOptions};

use super::error::fault;
use super::setting::{Headers, HttpUrl, Token};

/// A request that is ready to be sent.
#[derive(Debug, Clone)]
pub struct Request {
    /// How.
    pub method: Method,
    /// Where to, without user and password.
    pub url: Url,
    /// What goes along: all of it stays within the origin of `url`.
    pub headers: HeaderMap,
    /// What is sent.
    pub body: Option<Vec<u8>>,
}

/// What a checklist says about who asks, and how the connection is made.
#[derive(Debug, Clone, Copy, Default)]
pub struct Access<'a> {
    /// For `Authorization: Bearer …`.
    pub token: Option<&'a Token>,
    /// For basic authentication.
    pub user: Option<&'a str>,
    /// For basic authentication.
    pub password: Option<&'a str>,
    /// Further headers.
    pub headers: Option<&'a Headers>,
}

/// What came back, its body still to be read.
#[derive(Debug)]
pub struct Answer {
    /// The last answer.
    pub response: reqwest::Response,
    /// From sending the last request until its headers had come.
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
        Self { method, url, headers, body: None }
    }

    /// The same with a body of this type, unless the headers say another.
    #[must_use]
    pub fn body(mut self, content_type: &'static str, body: Vec<u8>) -> Self {
        self.headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(content_type));
        self.body = Some(body);
        self
    }

    /// The same without anything that says who asks.
    #[must_use]
    pub fn anonymous(mut self) -> Self {
        let content_type = self.headers.remove(CONTENT_TYPE);
        self.headers.clear();
        self.headers.extend(content_type.map(|value| (CONTENT_TYPE, value)));
        self
    }

    /// The same to another place: there without anything private, should it be another origin.
    #[must_use]
    pub fn to(mut self, mut url: Url) -> Self {
        strip_user(&mut url);
        if url.origin() != self.url.origin() {
            self.headers.clear();
            self.body = None;
        }
        self.url = url;
        self
    }

    /// Sends it, and follows up to this many redirects. A redirect that is not followed is the answer.
    ///
    /// # Errors
    /// When no answer came: each in the words of a person, with what to do.
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

    async fn send_once(&self, cx: &Context, options: &HttpOptions) -> Result<(reqwest::Response, Duration), Fault> {
        let client = cx.http(&self.url, options)?;
        let start = Instant::now();
        let response = self.send_by(&client).await?;
        Ok((response, start.elapsed()))
    }

    /// Sends it by this client, and gives what comes, a redirect too.
    ///
    /// # Errors
    /// When no answer came: each in the words of a person, with what to do.
    pub async fn send_by(&self, client: &reqwest::Client) -> Result<reqwest::Response, Fault> {
        let mut request = client.request(self.method.clone(), self.url.clone()).headers(self.headers.clone());
        if let Some(body) = &self.body {
            request = request.body(body.clone());
        } else if matches!(self.method, Method::POST | Method::PUT | Method::PATCH) {
            // Some servers answer 411 to these when nothing says that there is no body.
            request = request.header(CONTENT_LENGTH, "0");
        }
        request.send().await.map_err(|error| fault(&error, &self.url))
    }

    /// Where the answer sends this request on to, or why it should not go there.
    fn next(&self, response: &reqwest::Response, followed: &[Url]) -> Result<Option<Self>, String> {
        let status = response.status();
        let Some(location) = response.headers().get(LOCATION).filter(|_| is_redirect(status)) else { return Ok(None) };
        let text = String::from_utf8_lossy(location.as_bytes());
        let Ok(mut url) = self.url.join(&text) else { return Err(format!("`{text}` is no place to redirect to")) };
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

/// The `HttpOptions` of a probe's two settings.
pub fn options(insecure: bool, ca: Option<&PathBuf>) -> HttpOptions {
    HttpOptions { insecure, ca: ca.cloned() }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn strip_user(url: &mut Url) {
    // Both fail only for URLs that can have no user, and then there is none.
    let _ = url.set_username("");
    let _ = url.set_password(None);
}

fn basic(user: &str, password: &str) -> HeaderValue {
    let text = format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")));
    let mut value = HeaderValue::try_from(text).expect("base64 is ASCII");
    value.set_sensitive(true);
    value
}
