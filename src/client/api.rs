//! JSON APIs: credentials that stay with one origin, a body of limited size, and readable errors.

use reqwest::Method;
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue, LINK};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::text::{error, json};

use super::http::{Access, HttpUrl, Request, read};
use super::{Context, Fault, HttpOptions};

/// The largest answer that is read.
const MAX_BODY: usize = 16 << 20;

/// A JSON API at a base URL.
#[derive(Debug, Clone)]
pub struct Api<'a> {
    /// Its name in messages, such as `Grafana`.
    pub name: &'static str,
    /// Its base URL.
    pub url: &'a HttpUrl,
    /// The credentials.
    pub access: Access<'a>,
    /// How the connection is made.
    pub options: HttpOptions,
}

/// An answer of an API, read in full.
#[derive(Debug)]
pub struct Reply {
    /// The status, such as 200.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
    name: &'static str,
    url: Url,
    had_credentials: bool,
}

impl Api<'_> {
    /// The GET request for a path below the base URL.
    pub fn get(&self, path: &str, query: &[(&str, &str)]) -> Request {
        let url = self.url.below(path);
        // An empty query would leave a lone `?`.
        let url = if query.is_empty() { url } else { url.query(query) };
        Request::new(Method::GET, &url, self.access)
    }

    /// The POST request for a path below the base URL, with a form as its body.
    pub fn post_form(&self, path: &str, form: &[(&str, &str)]) -> Request {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        Request::new(Method::POST, &self.url.below(path), self.access)
            .body("application/x-www-form-urlencoded", body.into_bytes())
    }

    /// The GET request for the page that comes after this reply, by its `Link` header.
    ///
    /// # Errors
    /// When that is on another origin, where the credentials must not go.
    pub fn next_page(&self, reply: &Reply) -> Result<Option<Request>, Fault> {
        let links = reply.headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
        let Some(target) = links.flat_map(|links| links.split(',')).find_map(next_target) else { return Ok(None) };
        let fault = |words: &str| Fault::new(format!("{} says that its next page is {words}", self.name));
        let url = reply.url.join(target).map_err(|_| fault("no URL"))?;
        if url.origin() != self.url.url().origin() {
            return Err(fault("on another origin, where the credentials must not go"));
        }
        Ok(Some(Request::new(Method::GET, self.url, self.access).to(url)))
    }

    /// Sends a request, and reads the answer whatever its status. Redirects are not followed.
    ///
    /// # Errors
    /// When no answer came, or one that is too large.
    pub async fn send(&self, cx: &Context, mut request: Request) -> Result<Reply, Fault> {
        request.headers.entry(ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        let had_credentials = request.has_credentials();
        let url = request.url.clone();
        let mut response = request.send(cx, &self.options, 0).await?.response;
        let body = read(&mut response, MAX_BODY, &cx.load).await?;
        if body.truncated {
            return Err(Fault::new(format!("{} answered with more than 16 MiB", self.name)));
        }
        let (status, headers) = (response.status().as_u16(), std::mem::take(response.headers_mut()));
        Ok(Reply { status, headers, body: body.bytes, name: self.name, url, had_credentials })
    }
}

impl Reply {
    /// The path of the request.
    pub fn path(&self) -> &str {
        self.url.path()
    }

    /// Whether the status is 2xx.
    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body of a 2xx as JSON.
    ///
    /// # Errors
    /// When the status is not 2xx, or the body does not have this shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        if !self.is_ok() {
            return Err(self.fault());
        }
        json::parse(&self.body).map_err(|error| self.no_json(&error))
    }

    /// The meaning of a status that is not 2xx.
    pub fn fault(&self) -> Fault {
        let name = self.name;
        let said = match self.message() {
            Some(message) => format!("{}: {message}", self.status),
            None => self.status.to_string(),
        };
        match self.status {
            401 if self.had_credentials => Fault::new(format!("{name} does not accept the credentials ({said})"))
                .help("have they expired or been revoked, and are they for this server?"),
            401 => Fault::new(format!("{name} wants credentials ({said})"))
                .help("give `token`, `oauth2`, or `user` and `password`"),
            403 => Fault::new(format!("{name} does not permit this ({said})"))
                .help("the credentials are known there, but lack the permission to read this"),
            404 => Fault::new(format!("{name} has no {} ({said})", self.url.path()))
                .help(format!("is this the URL of {name}, with the path that it is served under?")),
            429 => Fault::new(format!("{name} is asked too often ({said})")),
            300..=399 => Fault::new(format!("{name} redirects instead of answering ({said})"))
                .help("is it behind a login, or is the URL http where it should be https?"),
            500.. => Fault::new(format!("{name} is in trouble ({said})")),
            _ => Fault::new(format!("{name} refused the request ({said})")),
        }
    }

    /// The API's own error message.
    pub fn message(&self) -> Option<String> {
        if self.is_web_page() {
            return None;
        }
        let text = match json::parse::<Value>(&self.body) {
            Ok(Value::String(text)) => text,
            Ok(json) => ["message", "error", "errors", "detail"].iter().find_map(|key| {
                let value = json.get(key)?;
                let inner = || value.get("message").or_else(|| value.get("reason"));
                value.as_str().or_else(|| inner()?.as_str()).map(str::to_owned)
            })?,
            Err(_) => String::from_utf8_lossy(&self.body).into_owned(),
        };
        let line = text.lines().next().unwrap_or_default().trim();
        let line: String = line.chars().take(200).collect();
        (!line.is_empty()).then_some(line)
    }

    fn no_json(&self, error: &serde_json::Error) -> Fault {
        let name = self.name;
        if self.is_web_page() {
            return Fault::new(format!("{name} answered with a web page where JSON was expected"))
                .help(format!("is it behind a login, and is this the URL of {name} itself?"));
        }
        Fault::new(format!("{name} returned {}", error::json(error))).help(format!("is this the URL of {name} itself?"))
    }

    /// Whether the body is HTML or XML.
    pub fn is_web_page(&self) -> bool {
        self.body.trim_ascii_start().starts_with(b"<")
    }
}

/// The target of one `<…>; rel="next"`.
fn next_target(link: &str) -> Option<&str> {
    let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    let is_next = parameters.split(';').any(|parameter| matches!(parameter.trim(), "rel=\"next\"" | "rel=next"));
    is_next.then_some(target)
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    fn reply(status: u16, body: &str) -> Reply {
        let url = Url::parse("http://h/api/x").expect("the test's own URL");
        let body = body.as_bytes().to_vec();
        Reply { status, headers: HeaderMap::new(), body, name: "Grafana", url, had_credentials: true }
    }

    #[test]
    fn the_message_of_the_api_is_passed_on() {
        assert_snapshot!(reply(401, r#"{"messageId":"api-key.invalid","message":"Invalid API key"}"#).fault(),
            @"Grafana does not accept the credentials (401: Invalid API key)");
        assert_snapshot!(reply(403, r#"{"error":{"message":"no"}}"#).fault(), @"Grafana does not permit this (403: no)");
        assert_snapshot!(reply(400, r#""bad matcher""#).fault(), @"Grafana refused the request (400: bad matcher)");
        assert_snapshot!(reply(400, r#"{"error":{"type":"x","reason":"no such index"}}"#).fault(),
            @"Grafana refused the request (400: no such index)");
        assert_snapshot!(reply(502, "<html>Bad Gateway</html>").fault(), @"Grafana is in trouble (502)");
        assert_snapshot!(reply(404, "404 page not found\n").fault(), @"Grafana has no /api/x (404: 404 page not found)");
    }

    #[test]
    fn a_login_page_is_not_json() {
        let error = reply(200, "<!doctype html><title>Sign in</title>").json::<Value>().expect_err("it is HTML");
        assert_snapshot!(error, @"Grafana answered with a web page where JSON was expected");
    }

    #[test]
    fn the_next_page_is_followed_only_on_the_same_origin() {
        let url: HttpUrl = serde_json::from_value("http://h/api".into()).expect("a valid URL");
        let api = Api { name: "GitHub", url: &url, access: Access::default(), options: HttpOptions::default() };
        let next = |link: &'static str| {
            let mut reply = reply(200, "[]");
            reply.headers.insert(LINK, HeaderValue::from_static(link));
            api.next_page(&reply).map(|request| request.map(|request| request.url.to_string()))
        };
        assert_eq!(
            next("<http://h/a?page=1>; rel=\"prev\", </a?page=3>; rel=\"next\"").ok().flatten().as_deref(),
            Some("http://h/a?page=3")
        );
        assert_eq!(next("<http://h/a>; rel=\"last\"").expect("no other origin"), None);
        assert_snapshot!(next("<http://evil/a>; rel=\"next\"").expect_err("another origin"),
            @"GitHub says that its next page is on another origin, where the credentials must not go");
    }
}
