//! OpenSSH's multiplexing protocol, as far as it takes to open a connection through an `ssh` that is running:
//! <https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.mux>.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, Interest, ReadBuf};
use tokio::net::UnixStream;

use crate::text::error;

use super::Master;

const HELLO: u32 = 1;
const VERSION: u32 = 4;
const NEW_STDIO_FORWARD: u32 = 0x1000_0008;
const SESSION_OPENED: u32 = 0x8000_0006;

/// The longest message that is read.
const MAX_MESSAGE: u32 = 64 << 10;

/// A connection through the other machine. Dropping it closes it.
#[derive(Debug)]
pub struct Tunnelled {
    /// Each direction has a pair of its own: only so an end on one side is an end on the other.
    input: UnixStream,
    output: UnixStream,
    /// How long connecting took there.
    pub latency: Duration,
    /// `ssh` closes the connection when this is closed.
    _control: UnixStream,
    /// It runs as long as it is used.
    _master: Arc<Master>,
}

/// Why a connection failed.
#[derive(Debug)]
pub enum Unopened {
    /// No `ssh` answers at the socket.
    Gone,
    /// The other machine could not connect, or would not.
    Refused,
}

impl From<io::Error> for Unopened {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

/// Connects to a running `ssh`. It answers once it has logged in.
///
/// # Errors
/// When none answers.
pub async fn greet(control: &Path) -> io::Result<UnixStream> {
    let mut control = UnixStream::connect(control).await?;
    control.write_all(&message(&[HELLO, VERSION], &[])).await?;
    match read(&mut control).await?.starts_with(&HELLO.to_be_bytes()) {
        true => Ok(control),
        false => Err(not_ssh()),
    }
}

/// Opens a connection from the other machine to a host and a port.
///
/// # Errors
/// When there is none.
pub async fn open(master: &Arc<Master>, host: &str, port: u16) -> Result<Tunnelled, Unopened> {
    let mut control = greet(&master.control).await?;
    let begun = Instant::now();
    let mut fields = string("");
    fields.extend(string(host));
    fields.extend(u32::from(port).to_be_bytes());
    control.write_all(&message(&[NEW_STDIO_FORWARD, 0], &fields)).await?;
    let (input, their_input) = UnixStream::pair()?;
    let (output, their_output) = UnixStream::pair()?;
    for end in [their_input, their_output] {
        let end = end.into_std()?;
        control.async_io(Interest::WRITABLE, || send(control.as_fd(), end.as_fd())).await?;
    }
    match read(&mut control).await?.starts_with(&SESSION_OPENED.to_be_bytes()) {
        true => {
            Ok(Tunnelled { input, output, latency: begun.elapsed(), _control: control, _master: Arc::clone(master) })
        }
        false => Err(Unopened::Refused),
    }
}

/// A message: its length, numbers, and what comes behind them.
fn message(numbers: &[u32], rest: &[u8]) -> Vec<u8> {
    let mut body: Vec<u8> = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
    body.extend(rest);
    let mut message = length(body.len());
    message.extend(body);
    message
}

fn string(text: &str) -> Vec<u8> {
    let mut bytes = length(text.len());
    bytes.extend(text.as_bytes());
    bytes
}

fn length(length: usize) -> Vec<u8> {
    u32::try_from(length).expect("a host name is short").to_be_bytes().to_vec()
}

async fn read(control: &mut UnixStream) -> io::Result<Vec<u8>> {
    let length = control.read_u32().await?;
    if length > MAX_MESSAGE {
        return Err(not_ssh());
    }
    let mut body = vec![0; usize::try_from(length).unwrap_or_default()];
    control.read_exact(&mut body).await?;
    Ok(body)
}

fn not_ssh() -> io::Error {
    error::own("what answers at the socket is not ssh")
}

/// Passes a descriptor to who reads at the other end.
fn send(control: BorrowedFd, end: BorrowedFd) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let ends = [end];
    ancillary.push(SendAncillaryMessage::ScmRights(&ends));
    sendmsg(control, &[IoSlice::new(&[0])], &mut ancillary, SendFlags::empty())?;
    Ok(())
}

impl AsyncRead for Tunnelled {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context, buffer: &mut ReadBuf) -> Poll<io::Result<()>> {
        Pin::new(&mut self.output).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Tunnelled {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.input).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context) -> Poll<io::Result<()>> {
        Pin::new(&mut self.input).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context) -> Poll<io::Result<()>> {
        Pin::new(&mut self.input).poll_shutdown(cx)
    }
}
