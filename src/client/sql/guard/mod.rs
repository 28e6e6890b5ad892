//! The guard between a database server and the driver: TLS, the login, and limits on the server's packets.
//!
//! The driver believes what a server announces, and reads on for as long as there is something to read. So it is connected
//! to a socket of this process; what it gets there has been checked, frame by frame, and arrives in portions.

mod frame;
mod login;
mod mysql;
mod postgres;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

use crate::client::Fault;
pub use crate::client::dial::Wire;
use crate::client::load::Load;
use crate::text::error;

use super::error::connection;
use frame::{Frames, Protocol};
pub use login::{MySqlLogin, NoTls, Tls, foreign, postgres};
use mysql::MySql;
pub use postgres::Postgres;

/// The largest single value or message, in bytes.
const MAX_FRAME: usize = 8 << 20;

/// Maximum number of bytes that a server may send in all.
const MAX_ALL: usize = 64 << 20;

/// Maximum number of bytes that a server may send besides rows.
const MAX_TALK: usize = 256 << 10;

/// How much is passed on at a time.
const PORTION: usize = 16 << 10;

/// The socket that the driver connects to. Dropping it ends the connection.
#[derive(Debug)]
pub struct Guard {
    path: PathBuf,
    verdict: Arc<Mutex<Option<Fault>>>,
    relay: JoinHandle<()>,
    _folder: Option<tempfile::TempDir>,
}

/// The protocol of a connection.
pub enum Spoken {
    /// PostgreSQL's, from its startup message on.
    Postgres(Postgres),
    /// MySQL's, from the server's greeting on.
    MySql(MySqlLogin),
}

impl Guard {
    /// Passes on what is said on this connection.
    ///
    /// # Errors
    /// When there can be no socket.
    pub fn new(wire: Wire, spoken: Spoken, place: String, load: Arc<Load>) -> io::Result<Self> {
        let (path, listener, folder) = listen()?;
        let verdict = Arc::new(Mutex::new(None));
        let found = Arc::clone(&verdict);
        let relay = tokio::spawn(async move {
            if let Err(Broken::Refused(fault)) = relay(&listener, wire, spoken, &place, &load).await {
                *found.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
            }
        });
        Ok(Self { path, verdict, relay, _folder: folder })
    }

    /// Where the driver connects to.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Why the connection was ended here, if it was. The driver only knows that it has ended.
    pub fn verdict(&self) -> Option<Fault> {
        self.verdict.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.relay.abort();
    }
}

/// Why nothing more is passed on.
enum Broken {
    /// The server sent what is not allowed.
    Refused(Fault),
    /// One of the two sides has gone. The driver notices that itself.
    Gone,
}

impl From<Fault> for Broken {
    fn from(fault: Fault) -> Self {
        Self::Refused(fault)
    }
}

impl From<io::Error> for Broken {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

/// A socket that only this process knows of. Linux needs no file for that, and not every container has a writable folder.
fn listen() -> io::Result<(PathBuf, UnixListener, Option<tempfile::TempDir>)> {
    let folder =
        if cfg!(target_os = "linux") { None } else { Some(tempfile::Builder::new().prefix("gate-").tempdir()?) };
    let path = match &folder {
        Some(folder) => folder.path().to_owned(),
        None => {
            let mut random = [0; 16];
            let generator = rustls::crypto::ring::default_provider().secure_random;
            generator.fill(&mut random).map_err(|_| error::own("random numbers are not available"))?;
            PathBuf::from(format!("\0gate-{:032x}", u128::from_ne_bytes(random)))
        }
    };
    let listener = UnixListener::bind(socket(&path))?;
    Ok((path, listener, folder))
}

/// The name that the PostgreSQL driver gives a socket in this folder.
pub fn socket(folder: &Path) -> PathBuf {
    folder.join(".s.PGSQL.5432")
}

async fn relay(
    listener: &UnixListener,
    mut wire: Wire,
    spoken: Spoken,
    place: &str,
    load: &Load,
) -> Result<(), Broken> {
    let mut client = accept(listener).await?;
    match spoken {
        Spoken::Postgres(mut protocol) => pass(wire, client, (place, load), &mut |_| (), &mut protocol).await,
        Spoken::MySql(login) => {
            let protocol = Mutex::new(login.log_in(&mut wire, &mut client).await?);
            let mut commands = Frames::default();
            let mut sent = |bytes: &[u8]| drop(commands.feed(&mut Commands(&protocol), bytes));
            pass(wire, client, (place, load), &mut sent, &mut &protocol).await
        }
    }
}

/// The driver's connection. Others on this machine may find the socket, but are of another process.
async fn accept(listener: &UnixListener) -> io::Result<UnixStream> {
    loop {
        let (client, _) = listener.accept().await?;
        let peer = client.peer_cred()?.pid();
        if peer.is_none_or(|pid| u32::try_from(pid).is_ok_and(|pid| pid == std::process::id())) {
            return Ok(client);
        }
    }
}

async fn pass<P: Protocol>(
    wire: Wire,
    client: UnixStream,
    (place, load): (&str, &Load),
    sent: &mut (impl FnMut(&[u8]) + Send),
    protocol: &mut P,
) -> Result<(), Broken> {
    let (mut from_server, mut to_server) = tokio::io::split(wire);
    let (mut from_client, mut to_client) = client.into_split();
    let up = async {
        let mut portion = vec![0; PORTION];
        loop {
            let length = from_client.read(&mut portion).await?;
            if length == 0 {
                return Err::<(), Broken>(Broken::Gone);
            }
            sent(&portion[..length]);
            to_server.write_all(&portion[..length]).await?;
            to_server.flush().await?;
        }
    };
    let down = async {
        let (mut portion, mut frames, mut all) = (vec![0; PORTION], Frames::default(), 0);
        loop {
            let length = match from_server.read(&mut portion).await {
                Ok(0) => return Err::<(), Broken>(Broken::Gone),
                Ok(length) => length,
                // After the handshake a server may still refuse the client's certificate: the driver would see nothing
                // of that.
                Err(error) => {
                    let refused = error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
                    return Err(if refused { connection(&error, place).into() } else { Broken::Gone });
                }
            };
            all += length;
            let largest = frames.feed(protocol, &portion[..length])?;
            if protocol.is_answered() {
                all = 0;
            }
            if all > MAX_ALL {
                return Err(too_large(place).into());
            }
            load.hold(largest).await;
            to_client.write_all(&portion[..length]).await?;
        }
    };
    tokio::select! {
        ended = up => ended,
        ended = down => ended,
    }
}

/// Notes the client's commands.
struct Commands<'p>(&'p Mutex<MySql>);

impl Protocol for Commands<'_> {
    const HEADER: usize = 4;
    const START: usize = 1;

    fn header(&mut self, header: &[u8]) -> Result<usize, Fault> {
        Ok(mysql::length(header))
    }

    fn start(&mut self, _header: &[u8], start: &[u8]) -> Result<(), Fault> {
        if let Some(command) = start.first() {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).sent(*command);
        }
        Ok(())
    }
}

impl Protocol for &Mutex<MySql> {
    const HEADER: usize = MySql::HEADER;
    const START: usize = MySql::START;

    fn header(&mut self, header: &[u8]) -> Result<usize, Fault> {
        self.lock().unwrap_or_else(PoisonError::into_inner).header(header)
    }

    fn start(&mut self, header: &[u8], start: &[u8]) -> Result<(), Fault> {
        self.lock().unwrap_or_else(PoisonError::into_inner).start(header, start)
    }
}

fn too_large(place: &str) -> Fault {
    Fault::new(format!("the answer of {place} is too large"))
        .help("select fewer rows, or less of each: a value may have 8 MiB, and all of them together 64 MiB")
}

fn talkative(place: &str) -> Fault {
    Fault::new(format!("{place} sends notices without end instead of an answer"))
        .help("check what the query raises; no ordinary server sends 256 KiB of notices and status messages")
}
