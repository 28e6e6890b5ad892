//! A connection to a Redis server that sends one command at a time, and finds the reason of a failure.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, ServerError, Value, cmd, parse_redis_value};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use crate::client::dial::{DialError, Dialer, Wire};
use crate::client::http::{connection, tls_fault};
use crate::client::trust;
use crate::probe::{Context, Fault};

use super::fault;
use super::setting::Target;

/// The maximum size of the answers that are needed here.
const MAX_ANSWER: usize = 256 << 10;

/// When an answer is taken for whole, if it can be.
const PAUSE: Duration = Duration::from_millis(1);

/// How long a TLS handshake may be silent before a check whether the server supports TLS at all.
const PATIENCE: Duration = Duration::from_secs(2);

/// A connection, logged in, with its database selected.
pub struct Connection<'t> {
    stream: Wire,
    target: &'t Target,
    dialer: Dialer,
    deadline: Instant,
}

/// An answer: the result, or the server's error.
pub type Answer = Result<Value, ServerError>;

impl<'t> Connection<'t> {
    /// Connects and logs in.
    ///
    /// # Errors
    /// When connecting fails, or the server does not accept the credentials.
    pub async fn open(target: &'t Target, ca: Option<&Path>, insecure: bool, cx: &Context) -> Result<Self, Fault> {
        let deadline = Instant::now() + cx.timeout;
        let config = if target.is_tls { Some(Arc::new(trust::config(ca, insecure)?)) } else { None };
        let dialer = cx.dialer();
        let dialed = within(deadline, dial(target, &dialer)).await;
        let wire = dialed.unwrap_or_else(|| Err(fault::silent(target, "connection")))?;
        let stream: Wire = match config {
            None => wire,
            Some(config) => Box::new(handshake(wire, target, &dialer, config, deadline).await?),
        };
        let mut connection = Self { stream, target, dialer, deadline };
        connection.log_in().await?;
        Ok(connection)
    }

    async fn log_in(&mut self) -> Result<(), Fault> {
        let Target { user, password, database, .. } = self.target;
        if user.is_some() || password.is_some() {
            let password = password.as_deref().unwrap_or_default();
            let mut answer = self.ask(cmd("AUTH").arg(user.as_deref()).arg(password)).await?;
            // Before version 6 there were no users, and many a URL has a made-up one.
            if user.is_some() && answer.as_ref().is_err_and(|error| fault::words(error).contains("number of arguments"))
            {
                answer = self.ask(cmd("AUTH").arg(password)).await?;
            }
            answer.map_err(|error| fault::login(&error, self.target))?;
        }
        if *database != 0 {
            let answer = self.ask(cmd("SELECT").arg(*database)).await?;
            answer.map_err(|error| fault::select(&error, self.target))?;
        }
        Ok(())
    }

    /// Asks one thing and waits for its answer.
    ///
    /// # Errors
    /// When none comes, or one that is not Redis's.
    pub async fn ask(&mut self, command: &Cmd) -> Result<Answer, Fault> {
        let asked = within(self.deadline, exchange(&mut self.stream, command)).await;
        let fault = match asked {
            Some(Ok(Value::ServerError(error))) => return Ok(Err(error)),
            Some(Ok(value)) => return Ok(Ok(value)),
            None => fault::silent(self.target, "answer"),
            Some(Err(Broken::Closed)) if !self.target.is_tls && speaks_tls(self.target, &self.dialer).await => {
                fault::wants_tls(self.target)
            }
            Some(Err(Broken::Closed)) => fault::closed(self.target),
            Some(Err(Broken::Tls(error))) => tls_fault(&error, &self.target.name(), &self.target.place),
            Some(Err(Broken::NotRedis(bytes))) => fault::not_redis(&bytes, self.target),
        };
        Err(fault)
    }
}

/// Why no answer came.
enum Broken {
    Closed,
    /// TLS 1.3 refuses a client only after the handshake.
    Tls(rustls::Error),
    NotRedis(Vec<u8>),
}

async fn exchange(stream: &mut (impl AsyncRead + AsyncWrite + Unpin + ?Sized), command: &Cmd) -> Result<Value, Broken> {
    // A server that has too many clients says so at once and closes the connection: its message can still be read.
    let _ = stream.write_all(&command.get_packed_command()).await;
    let _ = stream.flush().await;
    let (mut bytes, mut parsed) = (Vec::new(), 0);
    loop {
        // Parsing begins anew each time: not after every portion of what comes in one go.
        let patience = if bytes.len() > parsed { PAUSE } else { Duration::MAX };
        let is_paused = match timeout(patience, stream.read_buf(&mut bytes)).await {
            Ok(Err(error)) if bytes.is_empty() => {
                let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
                return Err(inner.map_or(Broken::Closed, |error| Broken::Tls(error.clone())));
            }
            Ok(Ok(0)) if bytes.is_empty() => return Err(Broken::Closed),
            Ok(Ok(0) | Err(_)) => return Err(Broken::NotRedis(bytes)),
            Ok(Ok(_)) => false,
            Err(_) => true,
        };
        if !is_paused && bytes.len() < parsed * 2 && bytes.len() < MAX_ANSWER {
            continue;
        }
        match parse_redis_value(&bytes) {
            Ok(value) => return Ok(value),
            Err(error) if error.is_io_error() && bytes.len() < MAX_ANSWER => parsed = bytes.len(),
            Err(_) => return Err(Broken::NotRedis(bytes)),
        }
    }
}

async fn dial(target: &Target, dialer: &Dialer) -> Result<Wire, Fault> {
    if let Some(socket) = &target.socket {
        if dialer.via.is_some() {
            let fault = Fault::new(format!("{} is a local socket: `via` does not apply", target.name()));
            return Err(fault.help("write `via: null` in this probe"));
        }
        return match UnixStream::connect(socket).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let fault = Fault::new(format!("socket {} not found", target.name()));
                Err(fault.help("is Redis running, and what does its `unixsocket` say?"))
            }
            Err(error) => Err(connection(&error, &target.name())),
        };
    }
    match dialer.dial(&target.host, target.port).await {
        Ok(dialed) => Ok(dialed.wire),
        Err(DialError::Io { error, from: None }) if error.kind() == ErrorKind::TimedOut => {
            Err(fault::silent(target, "connection"))
        }
        Err(error) => Err(error.fault(&target.name())),
    }
}

async fn handshake(
    stream: Wire,
    target: &Target,
    dialer: &Dialer,
    config: Arc<rustls::ClientConfig>,
    deadline: Instant,
) -> Result<tokio_rustls::client::TlsStream<Wire>, Fault> {
    let name = ServerName::try_from(target.host.clone());
    let name = name.map_err(|_| Fault::new(format!("`{}` can't have a certificate", target.host)))?;
    let mut shaking = std::pin::pin!(TlsConnector::from(config).connect(name, stream));
    let shaken = tokio::select! {
        shaken = &mut shaking => shaken,
        // Redis without TLS may wait for the end of what it takes for a line.
        true = async { sleep(PATIENCE.min((deadline - Instant::now()) / 2)).await; speaks_plainly(target, dialer).await } => {
            return Err(fault::wants_plain(target));
        }
        () = sleep_until(deadline) => return Err(fault::silent(target, "TLS handshake")),
    };
    match shaken {
        Ok(stream) => Ok(stream),
        Err(error) => match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(error @ rustls::Error::InvalidCertificate(_)) => Err(tls_fault(error, &target.name(), &target.place)),
            _ if speaks_plainly(target, dialer).await => Err(fault::wants_plain(target)),
            Some(error) => Err(tls_fault(error, &target.name(), &target.place)),
            None => Err(connection(&error, &target.name())),
        },
    }
}

/// Whether a server there answers PING without TLS, even with an error.
async fn speaks_plainly(target: &Target, dialer: &Dialer) -> bool {
    let asking = async { exchange(&mut dial(target, dialer).await.ok()?, &cmd("PING")).await.ok() };
    timeout(PATIENCE, asking).await.ok().flatten().is_some()
}

/// Whether something there answers a TLS handshake.
async fn speaks_tls(target: &Target, dialer: &Dialer) -> bool {
    match timeout(PATIENCE, dial(target, dialer)).await {
        Ok(Ok(stream)) => trust::speaks_tls(&target.host, stream).await,
        Ok(Err(_)) | Err(_) => false,
    }
}

async fn within<T>(deadline: Instant, work: impl Future<Output = T>) -> Option<T> {
    timeout_at(deadline, work).await.ok()
}
