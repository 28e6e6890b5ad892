//! A small HTTP server on a free port of loopback, for the stack of `gate demo`.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// No request of the demo is longer.
const MAX_BODY: usize = 1 << 20;

/// A request.
#[derive(Debug)]
pub struct Request {
    /// Such as `GET`.
    pub method: String,
    /// Without the query.
    pub path: String,
    /// The query's parameters and, of a form, the body's.
    pub parameters: HashMap<String, String>,
    /// Names in lower case.
    pub headers: HashMap<String, String>,
    /// The body, where it is JSON.
    pub json: Value,
}

/// A reply.
#[derive(Debug)]
pub struct Reply {
    /// Such as 200.
    pub status: u16,
    /// Besides the type and the length.
    pub headers: Vec<(&'static str, String)>,
    /// The type of the body.
    pub kind: &'static str,
    /// The body.
    pub body: String,
}

/// A part of the stack with an HTTP API.
pub trait Service: Send + Sync + 'static {
    /// Answers one request.
    fn answer(&self, request: Request) -> BoxFuture<'_, Reply>;
}

/// Serves on a free port until `tasks` is dropped. Gives the URL, without a slash at its end.
///
/// # Errors
/// When loopback has no free port.
pub async fn serve(service: impl Service, tasks: &mut JoinSet<()>) -> io::Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let service = Arc::new(service);
    tasks.spawn(async move {
        let mut connections = JoinSet::new(); // dropped with this task, and so are its connections
        while let Ok((stream, _)) = listener.accept().await {
            let service = Arc::clone(&service);
            connections.spawn(async move {
                let answer = service_fn(|request| answer(&*service, request));
                // A client that hangs up does not matter to the demo.
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await.ok();
            });
            while connections.try_join_next().is_some() {}
        }
    });
    Ok(url)
}

async fn answer(
    service: &impl Service,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, MAX_BODY).collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let mut parameters = pairs(head.uri.query().unwrap_or_default().as_bytes());
    let headers: HashMap<String, String> = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    if headers.get("content-type").is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
        parameters.extend(pairs(&body));
    }
    let reply = service
        .answer(Request {
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            parameters,
            headers,
            json: serde_json::from_slice(&body).unwrap_or_default(),
        })
        .await;
    let mut response = hyper::Response::builder().status(reply.status).header("content-type", reply.kind);
    for (name, value) in &reply.headers {
        response = response.header(*name, value);
    }
    Ok(response.body(Full::new(Bytes::from(reply.body))).expect("the demo's headers are well formed"))
}

fn pairs(text: &[u8]) -> HashMap<String, String> {
    url::form_urlencoded::parse(text).map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

impl Request {
    /// Whether it has this bearer token.
    pub fn has_token(&self, token: &str) -> bool {
        self.headers.get("authorization").is_some_and(|said| said.strip_prefix("Bearer ") == Some(token))
    }
}

impl Reply {
    /// 200 with JSON.
    pub fn json(body: &Value) -> Self {
        Self { status: 200, headers: Vec::new(), kind: "application/json", body: body.to_string() }
    }

    /// 200 with plain text.
    pub fn text(body: impl Into<String>) -> Self {
        Self { status: 200, headers: Vec::new(), kind: "text/plain; charset=utf-8", body: body.into() }
    }

    /// 404.
    pub fn not_found() -> Self {
        Self::json(&serde_json::json!({ "message": "Not Found" })).status(404)
    }

    /// The same with another status.
    pub fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// The same with one more header.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}
