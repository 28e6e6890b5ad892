//! `http`: what does a server answer to one request?

use std::collections::BTreeMap;

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::client::http::{Answer, HttpUrl, Login, Method, Request, RequestSettings, Size, Tls, read, text};
use crate::text::{error, json};

use super::{Context, Fault, Probe, Truncation};

/// Sends one request and checks the answer.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Http {
    /// The URL of the request, such as `https://api.staging.example/healthz`.
    url: HttpUrl,
    /// Method of the request. Default: `GET`. All but `GET`, `HEAD` and `OPTIONS` count as having effects.
    #[serde(default)]
    method: Method,
    /// JSON body, such as `{ probe: true }`.
    json: Option<Value>,
    /// Body as it is.
    body: Option<String>,
    /// Maximum number of redirects to follow. Default: 0: a redirect is the answer.
    #[serde(default)]
    redirects: u8,
    /// A second request that must not get the same 2xx. It shows that the answer is meaningful, as some servers return
    /// 200 for everything: `control: { url: /no-such-page }`, or `control: { anonymous: true }`. If it gets the same
    /// 2xx, the probe is an error, whatever `expect` says.
    control: Option<Control>,
    /// How much of the decoded body to read. Default: `1MiB`; the rest is cut off.
    #[serde(default = "default_max_body")]
    max_body: Size,
    #[serde(rename = "..", default)]
    #[schemars(flatten)]
    login: Login,
}

/// The second request, which must not get the same answer.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
#[schemars(inline)]
pub struct Control {
    /// Its URL, absolute or relative to the probe's own `url`, such as `/no-such-page`. Default: the same URL.
    url: Option<String>,
    /// Send it without headers and credentials. Default: `false`.
    #[serde(default)]
    anonymous: bool,
}

/// The answer of a server.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct HttpObservation {
    /// The status, such as 200.
    pub status: u16,
    /// The URL that answered, after redirects.
    pub url: String,
    /// The redirects that were followed.
    pub redirects: Vec<String>,
    /// The version of HTTP, such as `HTTP/1.1`.
    pub version: String,
    /// The headers, with names in lower case. Several with the same name are joined with `, `.
    pub headers: BTreeMap<String, String>,
    /// The `Content-Type`, such as `application/json`, without parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The body, if it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The body parsed as JSON, if it is JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
    /// Number of bytes of the decoded body that were read.
    pub body_bytes: usize,
    /// Whether the body was longer than `max_body`.
    pub truncated: bool,
    /// Time until the headers arrived, in milliseconds.
    pub latency_ms: u64,
    /// The server's certificate, for https.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// The answer to the control request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control: Option<ControlSeen>,
    #[serde(skip)]
    note: Option<String>,
}

/// The answer to the control request.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ControlSeen {
    /// Its status, such as 404.
    pub status: u16,
}

impl Probe for Http {
    const KIND: &'static str = "http";
    const EXPECT: &'static str = "{ status: { at_least: 200, below: 300 } }";
    const EXAMPLE: &'static str = r#"http: { url: "https://api.staging.example/healthz", control: { url: /no-such-page } }
expect: { status: 200, json.status: ok, latency_ms: { at_most: 500 } }
"#;
    const EFFECTS: Option<&'static str> = Some("A method other than `GET`, `HEAD` and `OPTIONS` may change something.");
    const TAKES_VIA: bool = true;
    type Observation = HttpObservation;

    async fn observe(&self, cx: &Context) -> Result<HttpObservation, Fault> {
        let options = self.login.options();
        let answer = self.request().send(cx, &options, self.redirects).await?;
        let mut seen = seen(answer, self.max_body, cx).await?;
        if let Some(control) = &self.control {
            let answer = control.request(self).send(cx, &options, self.redirects).await?;
            let status = answer.response.status().as_u16();
            if status == seen.status && (200..300).contains(&status) {
                let fault = Fault::new(format!("the control request got {status} too, so the status proves nothing"));
                return Err(fault.help("expect something of the body instead of a `control`"));
            }
            seen.control = Some(ControlSeen { status });
        }
        Ok(seen)
    }

    fn evidence(&self, seen: &HttpObservation) -> String {
        let status = reqwest::StatusCode::from_u16(seen.status).ok();
        let mut line = match status.and_then(|status| status.canonical_reason()) {
            Some(reason) => format!("{} {reason}", seen.status),
            None => seen.status.to_string(),
        };
        if let Some(location) = seen.headers.get("location") {
            // A query there is often a state that differs each time.
            line += &format!(" to {}", location.split(['?', '#']).next().unwrap_or_default());
        }
        if let Some(control) = &seen.control {
            line += &format!(" (control: {})", control.status);
        }
        line
    }

    fn cuts(&self, seen: &HttpObservation) -> Vec<Truncation> {
        let read = format!("only the first {} of the body was read", self.max_body);
        if seen.truncated {
            vec![Truncation::new(&["body", "json", "body_bytes"], read, "max_body")]
        } else {
            Vec::new()
        }
    }

    fn absent(&self, seen: &HttpObservation) -> Option<(&'static str, String)> {
        if seen.json.is_some() {
            return None;
        }
        let read = seen.body.as_ref().filter(|_| !seen.truncated);
        let error = read.and_then(|body| json::parse::<Value>(body.as_bytes()).err());
        let why = match (&seen.content_type, seen.body_bytes) {
            (_, 0) => "the body is empty".to_owned(),
            _ if error.as_ref().is_some_and(error::is_too_deep) => {
                format!("the body is {}", error.as_ref().map(error::json).unwrap_or_default())
            }
            (Some(kind), _) if kind.ends_with("/json") || kind.ends_with("+json") => {
                "the body is invalid JSON".to_owned()
            }
            (Some(kind), _) => format!("the body is {kind}, not JSON"),
            (None, _) => "the body is not JSON".to_owned(),
        };
        Some(("json", why))
    }

    fn advice(&self, seen: &HttpObservation) -> Option<String> {
        seen.note.clone().or_else(|| self.status_advice(seen))
    }

    fn field_advice(&self, seen: &HttpObservation) -> Vec<(&'static str, String)> {
        self.status_advice(seen).map(|advice| ("status", advice)).into_iter().collect()
    }

    fn has_effects(&self) -> bool {
        match self.method {
            Method::Get | Method::Head | Method::Options => false,
            Method::Post | Method::Put | Method::Patch | Method::Delete => true,
        }
    }

    fn is_insecure(&self) -> bool {
        self.login.insecure
    }

    fn reproduce(&self) -> Option<Vec<String>> {
        let most = self.redirects.to_string();
        let more: &[&str] = if self.redirects > 0 { &["-L", "--max-redirs", &most] } else { &[] };
        Some(self.login.curl_with(&self.request_settings().request(), more))
    }
}

impl Http {
    /// Advice about the status.
    fn status_advice(&self, seen: &HttpObservation) -> Option<String> {
        let has_credentials = self.request().has_credentials();
        match seen.status {
            401 if self.login.oauth2.is_some() => Some(
                "the server does not accept the access token: do `scopes` and `endpoint_params` name this server?"
                    .to_owned(),
            ),
            401 if has_credentials => Some("the server does not accept these credentials".to_owned()),
            401 => Some("the server requires credentials: set `token`, `oauth2`, or `user` and `password`".to_owned()),
            403 => Some("these credentials have no permission for this URL".to_owned()),
            301 | 302 | 303 | 307 | 308 if self.redirects == 0 => {
                Some("redirects are not followed: set `redirects` to the number of redirects to follow".to_owned())
            }
            404 => Some("the server answered, but has nothing at this path: check the URL".to_owned()),
            405 => Some("this URL does not accept the `method`".to_owned()),
            _ => None,
        }
    }

    fn request_settings(&self) -> RequestSettings<'_> {
        RequestSettings {
            url: &self.url,
            method: self.method,
            login: &self.login,
            json: self.json.as_ref(),
            body: self.body.as_deref(),
        }
    }

    fn request(&self) -> Request {
        self.request_settings().request()
    }

    fn validate(&self) -> Result<(), &'static str> {
        if let Some(control) = &self.control
            && let Some(url) = &control.url
            && !self.url.url().join(url).is_ok_and(|url| HttpUrl::try_from(url).is_ok())
        {
            return Err("the `url` of `control` is not a URL");
        }
        self.request_settings().validate()
    }
}

impl<'de> Deserialize<'de> for Http {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let http = Http::deserialize(deserializer)?;
        http.validate().map_err(D::Error::custom)?;
        Ok(http)
    }
}

impl<'de> Deserialize<'de> for Control {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let control = Control::deserialize(deserializer)?;
        if control.url.is_none() && !control.anonymous {
            return Err(D::Error::custom("a control wants a `url` of its own or `anonymous: true`"));
        }
        Ok(control)
    }
}

impl Control {
    fn request(&self, http: &Http) -> Request {
        let request = http.request();
        let url = self.url.as_ref().and_then(|url| request.url.join(url).ok()).unwrap_or_else(|| request.url.clone());
        let request = request.to(url);
        if self.anonymous { request.anonymous() } else { request }
    }
}

async fn seen(answer: Answer, max_body: Size, cx: &Context) -> Result<HttpObservation, Fault> {
    let Answer { mut response, latency, redirects, stopped } = answer;
    let body = read(&mut response, max_body.get(), &cx.load).await?;
    let content_type = response.headers().get(CONTENT_TYPE).map(text);
    let content_type = content_type.map(|all| all.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    let says_json = content_type.as_deref().is_some_and(|kind| kind.ends_with("/json") || kind.ends_with("+json"));
    let looks_json = matches!(body.unmarked().trim_ascii_start().first(), Some(b'{' | b'['));
    let mut note = stopped;
    let mut json = None;
    if says_json || looks_json {
        match json::parse_exactly(&body.bytes) {
            Ok(value) => json = Some(value),
            Err(_) if body.truncated => note = note.or(Some("the body is longer than `max_body`".to_owned())),
            Err(error) if says_json && !body.bytes.is_empty() => {
                note = note.or(Some(format!("its content type is JSON, but the body is {}", error::json(&error))));
            }
            Err(_) => {}
        }
    }
    Ok(HttpObservation {
        status: response.status().as_u16(),
        url: response.url().to_string(),
        redirects: redirects.iter().map(ToString::to_string).collect(),
        version: format!("{:?}", response.version()),
        headers: joined(response.headers()),
        content_type,
        body: body.text().map(str::to_owned),
        json,
        body_bytes: body.bytes.len(),
        truncated: body.truncated,
        latency_ms: latency.as_millis().try_into().unwrap_or(u64::MAX),
        tls: Tls::of(&response, cx.chains(), cx.env.now()),
        control: None,
        note,
    })
}

fn joined(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut map: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers {
        map.entry(name.as_str().to_owned())
            .and_modify(|earlier| *earlier += &format!(", {}", text(value)))
            .or_insert_with(|| text(value));
    }
    map
}

fn default_max_body() -> Size {
    Size::bytes(1 << 20)
}

#[cfg(test)]
mod tests;
