//! Requests to GitHub: one request, all pages of a list, and the meaning of its refusals.

use jiff::Timestamp;
use reqwest::header::{ACCEPT, HeaderName, HeaderValue};
use serde::de::DeserializeOwned;

use crate::client::api::{Api, Reply};
use crate::client::http::Request;
use crate::probe::{Context, Fault};

/// More pages of a hundred than any list that a checklist needs.
const MAX_PAGES: usize = 20;
/// Only so many hundreds of the newest are read; others are too old to matter.
const MAX_NEWEST: usize = 5;

/// GitHub, or GitHub Enterprise.
pub struct Client<'a> {
    /// The context.
    pub cx: &'a Context,
    /// Its address, and the credentials.
    pub api: Api<'a>,
}

impl Client<'_> {
    /// The answer to a GET, whatever its status is, unless GitHub limits the rate or does not accept the token.
    ///
    /// # Errors
    /// When no answer came, or in those two cases.
    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Reply, Fault> {
        self.send(self.api.get(path, query), "application/vnd.github+json").await
    }

    /// The same for a file's own text.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn get_raw(&self, path: &str, query: &[(&str, &str)]) -> Result<Reply, Fault> {
        self.send(self.api.get(path, query), "application/vnd.github.raw+json").await
    }

    /// Every page of a list, a hundred at a time.
    ///
    /// # Errors
    /// When one of them is refused, or there are too many.
    pub async fn pages<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<Vec<T>, Fault> {
        let mut query = query.to_vec();
        query.push(("per_page", "100"));
        let mut request = self.api.get(path, &query);
        let mut pages = Vec::new();
        for _ in 0..MAX_PAGES {
            let reply = self.send(request, "application/vnd.github+json").await?;
            pages.push(read(&reply)?);
            match self.api.next_page(&reply)? {
                Some(next) => request = next,
                None => return Ok(pages),
            }
        }
        Err(Fault::new(format!("GitHub has more than {MAX_PAGES} pages of {path}")))
    }

    /// The first that is wanted in a list, whose newest pages are read, a hundred at a time.
    ///
    /// # Errors
    /// When one of them is refused.
    pub async fn find<P: DeserializeOwned, T>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        wanted: impl Fn(P) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        let mut query = query.to_vec();
        query.push(("per_page", "100"));
        let mut request = self.api.get(path, &query);
        for _ in 0..MAX_NEWEST {
            let reply = self.send(request, "application/vnd.github+json").await?;
            if let Some(found) = wanted(read(&reply)?) {
                return Ok(Some(found));
            }
            match self.api.next_page(&reply)? {
                Some(next) => request = next,
                None => break,
            }
        }
        Ok(None)
    }

    async fn send(&self, mut request: Request, accept: &'static str) -> Result<Reply, Fault> {
        request.headers.insert(ACCEPT, HeaderValue::from_static(accept));
        let version = HeaderName::from_static("x-github-api-version");
        request.headers.insert(version, HeaderValue::from_static("2022-11-28"));
        let reply = self.api.send(self.cx, request).await?;
        match (reply.status, too_often(&reply)) {
            (403 | 429, Some(fault)) => Err(fault),
            (401, _) => Err(reply.fault()),
            (_, _) => Ok(reply),
        }
    }
}

/// The JSON of a good answer.
///
/// # Errors
/// Reads an answer. A bad one is an error of [`refusal`].
pub fn read<T: DeserializeOwned>(reply: &Reply) -> Result<T, Fault> {
    if reply.is_ok() { reply.json() } else { Err(refusal(reply)) }
}

/// The error for a status that is not 2xx.
pub fn refusal(reply: &Reply) -> Fault {
    let said = reply.message().map(|message| format!(": {message}")).unwrap_or_default();
    match reply.status {
        403 => {
            let fault = Fault::new(format!("GitHub does not permit this (403{said})"));
            match (header(reply, "x-github-sso"), header(reply, "x-accepted-github-permissions")) {
                (Some(_), _) => fault.help("the organization requires single sign-on: authorize the token for it"),
                (None, Some(wanted)) => fault.help(format!("the token needs the permission {}", clean(wanted))),
                (None, None) => fault.help("the token lacks the permission to read this"),
            }
        }
        404 => Fault::new(format!("GitHub has no {}, or does not show it to this token (404{said})", reply.path()))
            .help("is the name right, and may this token see it?"),
        301 | 302 | 307 | 308 => Fault::new(format!("GitHub has moved {} ({}{said})", reply.path(), reply.status))
            .help("was the repository renamed? Write its new name"),
        410 => Fault::new(format!("this is turned off in the repository (410{said})")),
        _ => reply.fault(),
    }
}

/// Whether GitHub refuses because of its rate limit, and until when.
fn too_often(reply: &Reply) -> Option<Fault> {
    if header(reply, "x-ratelimit-remaining") == Some("0") {
        let reset = header(reply, "x-ratelimit-reset").and_then(|seconds| seconds.parse().ok());
        let until = reset.and_then(|seconds| Timestamp::from_second(seconds).ok());
        let until = until.map(|until| format!(" until {until}")).unwrap_or_default();
        return Some(Fault::new(format!("GitHub's rate limit is exceeded{until}")).help(
            "retry later, or use a token that nothing else uses; without a token, the limit is 60 requests an hour for each address",
        ));
    }
    let secondary = reply.message().is_some_and(|message| message.contains("secondary rate limit"));
    match header(reply, "retry-after") {
        Some(seconds) => Some(
            Fault::new(format!("rate limited by GitHub for {}s", clean(seconds)))
                .help("retry later, with fewer requests at once"),
        ),
        None if secondary || reply.status == 429 => {
            Some(Fault::new("rate limited by GitHub").help("retry in a minute, with fewer requests at once"))
        }
        None => None,
    }
}

/// The value of a header, where it is text.
pub fn header<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
    reply.headers.get(name)?.to_str().ok()
}

/// At most one line of a server's message.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}
