//! An HTTP server inside the test: a function from request to response, and a record of all requests.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::AbortHandle;

/// A client's request.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Such as `GET`.
    pub method: String,
    /// Without the query, as it was sent (percent-encoded).
    pub path: String,
    /// The query after `?`, or an empty text.
    pub query: String,
    /// In the order in which they were sent; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// The response.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// Such as 200.
    pub status: u16,
    /// Sent unchanged, plus the length.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
    /// How long to wait before answering.
    pub delay: Option<Duration>,
}

/// A running server. Dropping it stops it and cuts its connections.
pub struct HttpServer {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    acceptor: AbortHandle,
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .thread_name("http server")
        .build()
        .expect("a runtime can be built")
});

/// Starts a server on a free port that answers with the result of `handler`. It speaks HTTP/1.1 and keeps connections.
pub fn http(handler: impl Fn(Request) -> Response + Send + Sync + 'static) -> HttpServer {
    let requests = Arc::new(Mutex::new(Vec::new()));
    let (handler, seen) = (Arc::new(handler), Arc::clone(&requests));
    let answer = move |request: hyper::Request<Incoming>| {
        let (handler, seen) = (Arc::clone(&handler), Arc::clone(&seen));
        async move {
            let request = Request::read(request).await;
            seen.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
            let response = tokio::task::spawn_blocking(move || handler(request))
                .await
                .unwrap_or_else(|panic| Response::text(&format!("the test's handler panicked: {panic}")).status(500));
            if let Some(delay) = response.delay {
                tokio::time::sleep(delay).await;
            }
            Ok::<_, Infallible>(response.into_hyper())
        }
    };
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
    let address = listener.local_addr().expect("the socket is bound");
    listener.set_nonblocking(true).expect("a socket can be made so");
    let acceptor = RUNTIME.spawn(async move {
        let listener = TcpListener::from_std(listener).expect("the runtime takes it");
        let mut connections = tokio::task::JoinSet::new(); // dropped with this task, and so are its connections
        while let Ok((stream, _)) = listener.accept().await {
            let answer = answer.clone();
            connections.spawn(async move {
                let server = hyper::server::conn::http1::Builder::new();
                server.serve_connection(TokioIo::new(stream), service_fn(answer)).await.ok();
            });
            while connections.try_join_next().is_some() {}
        }
    });
    HttpServer { address, requests, acceptor: acceptor.abort_handle() }
}

impl HttpServer {
    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The requests so far, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

impl Request {
    /// The first header of that name (in lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The value of a query parameter, decoded.
    pub fn parameter(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }

    async fn read(request: hyper::Request<Incoming>) -> Request {
        let (head, body) = request.into_parts();
        let header = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        Request {
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            headers: head.headers.iter().map(header).collect(),
            body: body.collect().await.map(|body| body.to_bytes().to_vec()).unwrap_or_default(),
        }
    }
}

impl Response {
    /// 200 with a body without content type.
    pub fn ok(body: impl Into<Vec<u8>>) -> Response {
        Response { status: 200, headers: Vec::new(), body: body.into(), delay: None }
    }

    /// 200 with JSON.
    pub fn json(body: &serde_json::Value) -> Response {
        Response::ok(body.to_string()).header("content-type", "application/json")
    }

    /// 200 with plain text.
    pub fn text(body: &str) -> Response {
        Response::ok(body).header("content-type", "text/plain; charset=utf-8")
    }

    /// This status without a body.
    pub fn empty(status: u16) -> Response {
        Response::ok("").status(status)
    }

    /// The same with another status.
    pub fn status(self, status: u16) -> Response {
        Response { status, ..self }
    }

    /// The same with one more header.
    pub fn header(mut self, name: &str, value: &str) -> Response {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same, with a delay.
    pub fn delayed(self, delay: Duration) -> Response {
        Response { delay: Some(delay), ..self }
    }

    fn into_hyper(self) -> hyper::Response<Full<Bytes>> {
        let mut response = hyper::Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(name, value);
        }
        response.body(Full::new(Bytes::from(self.body))).expect("the test's status and headers are valid")
    }
}
