//! A connection to a host and a port, directly or through another machine.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};

use super::Fault;
pub use super::via::DialError;

use super::via::Tunnel;

/// A connection, whatever it goes through.
pub type Wire = Box<dyn Stream>;

/// A connection that can be read and written.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// How connections are made, and their timeout.
#[derive(Debug, Clone)]
pub struct Dialer {
    /// The machine that they go through.
    pub via: Option<Arc<Tunnel>>,
    /// Timeout of one connection.
    pub limit: Duration,
}

/// A connection that was accepted.
pub struct Dialed {
    /// The connection.
    pub wire: Wire,
    /// The address that accepted, if it is known.
    pub address: Option<SocketAddr>,
    /// Time to connect, without the name lookup.
    pub latency: Duration,
}

impl Dialer {
    /// Connects. A name is resolved where the connection starts.
    ///
    /// # Errors
    /// When no address accepts.
    pub async fn dial(&self, host: &str, port: u16) -> Result<Dialed, DialError> {
        let direct = |error| DialError::Io { error, from: None };
        if let Some(tunnel) = &self.via {
            let tunnelled = tunnel.open(host, port, self.limit).await?;
            return Ok(Dialed { latency: tunnelled.latency, wire: Box::new(tunnelled), address: None });
        }
        let found: Vec<SocketAddr> = match lookup_host((host, port)).await {
            Ok(found) => found.collect(),
            Err(error) => return Err(unresolved(host, Some(&error)).into()),
        };
        if found.is_empty() {
            return Err(unresolved(host, None).into());
        }
        let begun = Instant::now();
        match tokio::time::timeout(self.limit, connect(found)).await {
            Ok(Ok((stream, address))) => {
                stream.set_nodelay(true).map_err(direct)?;
                Ok(Dialed { wire: Box::new(stream), address: Some(address), latency: begun.elapsed() })
            }
            Ok(Err(error)) => Err(direct(error)),
            Err(_) => Err(direct(ErrorKind::TimedOut.into())),
        }
    }
}

/// The error of a name that has no address.
fn unresolved(host: &str, error: Option<&io::Error>) -> Fault {
    // Only the message distinguishes an unknown name from a resolver that does not answer.
    match error.is_some_and(|error| error.to_string().contains("Temporary failure")) {
        true => Fault::new(format!("cannot resolve `{host}`: the resolver did not answer"))
            .help("is this machine's network up, and does its resolver know this name?"),
        false => {
            Fault::new(format!("cannot resolve `{host}`")).help("is the name right, and can this machine resolve it?")
        }
    }
}

/// The first connection that any of a name's addresses accepts: all are tried at once, as one may be silent. Where none
/// accepts, the error that says most, so that the answer does not depend on which came last.
async fn connect(addresses: Vec<SocketAddr>) -> io::Result<(TcpStream, SocketAddr)> {
    let mut attempts: FuturesUnordered<_> = addresses
        .into_iter()
        .map(|address| async move { TcpStream::connect(address).await.map(|stream| (stream, address)) })
        .collect();
    let mut errors = Vec::new();
    while let Some(attempt) = attempts.next().await {
        match attempt {
            Ok(connected) => return Ok(connected),
            Err(error) => errors.push(error),
        }
    }
    let most_telling = errors.into_iter().min_by_key(|error| match error.kind() {
        ErrorKind::ConnectionRefused => 0,
        ErrorKind::ConnectionReset => 1,
        ErrorKind::TimedOut => 2,
        _ => 3,
    });
    Err(most_telling.unwrap_or_else(|| ErrorKind::NotFound.into()))
}
