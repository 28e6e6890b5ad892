//! The HTTP client of object stores: no redirects, and no answer without limit but an object that is streamed.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Bytes;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
};

use crate::client::load::{FREE_BYTES, Load};

/// The most that an answer may have, in bytes: a page of a list has a thousand names.
pub const LIMIT: usize = 4 << 20;

/// Marks a request for an object that is written to disk as it arrives.
#[derive(Debug, Clone, Copy)]
pub struct Streamed;

/// Our own client: it follows no redirects, so that what is signed stays with the store. Large answers draw on `load`.
#[derive(Debug, Clone)]
pub struct Limited {
    /// The HTTP client.
    pub client: reqwest::Client,
    /// The memory of this attempt.
    pub load: Arc<Load>,
}

impl HttpConnector for Limited {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

impl HttpService for Limited {
    fn call<'s, 'f>(
        &'s self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'f>>
    where
        's: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            let is_streamed = request.extensions().get::<Streamed>().is_some();
            let response = self.client.call(request).await?;
            if is_streamed && response.status().is_success() {
                return Ok(response);
            }
            let (parts, body) = response.into_parts();
            Ok(HttpResponse::from_parts(parts, limited(body, Arc::clone(&self.load))))
        })
    }
}

/// The body up to the limit, then an error. What is large waits for memory.
fn limited(body: HttpResponseBody, load: Arc<Load>) -> HttpResponseBody {
    let chunks = stream::try_unfold((body, 0), move |(mut body, mut length)| {
        let load = Arc::clone(&load);
        async move {
            let Some(frame) = body.frame().await.transpose()? else { return Ok(None) };
            length += frame.data_ref().map_or(0, Bytes::len);
            if length > LIMIT {
                return Err(HttpError::new(HttpErrorKind::Decode, TooLarge));
            }
            if length > FREE_BYTES {
                load.hold(LIMIT).await;
            }
            Ok(Some((frame, (body, length))))
        }
    });
    HttpResponseBody::new(StreamBody::new(chunks))
}

/// An answer beyond the limit.
#[derive(Debug)]
struct TooLarge;

impl fmt::Display for TooLarge {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        write!(to, "more than {} MiB", LIMIT >> 20)
    }
}

impl std::error::Error for TooLarge {}

/// Whether an answer was beyond the limit.
pub fn is_too_large(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(|error| error.is::<TooLarge>())
}
