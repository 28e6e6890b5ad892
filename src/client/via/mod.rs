//! `via`: connections through another machine, over one shared connection of the user's own OpenSSH to it.

mod error;
mod mux;
mod relay;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout_at};

use crate::child::Service;
use crate::env::Env;
use crate::text::error::os;

use super::Fault;
use super::ssh::{Host, unstarted};

pub use error::DialError;
pub use mux::Tunnelled;
pub use relay::Relay;

use mux::Unopened;

/// How often to look whether `ssh` is ready. It gives no sign of that.
const STEP: Duration = Duration::from_millis(10);

/// How often to ask again where it is not clear which of several refused connections was this one.
const TRIES: usize = 3;

/// How much of what `ssh` says is read.
const MAX_LOG: u64 = 64 << 10;

/// The machines that lead further, each with its one connection.
#[derive(Debug, Default)]
pub struct Tunnels {
    tunnels: Mutex<HashMap<Host, Arc<Tunnel>>>,
    relays: Mutex<HashMap<(Host, String, u16), Arc<Relay>>>,
}

/// A machine that leads further.
#[derive(Debug)]
pub struct Tunnel {
    host: Host,
    env: Arc<Env>,
    dir: Arc<Path>,
    /// The `ssh` that was started last.
    master: tokio::sync::Mutex<Option<Arc<Master>>>,
}

/// A connection to the machine, which may have ended.
#[derive(Debug)]
pub struct Session(Arc<Master>);

impl Session {
    /// Whether it has ended.
    pub async fn has_ended(&self) -> bool {
        // While it is ending, it answers no longer.
        self.0.service.has_ended() || mux::greet(&self.0.control).await.is_err()
    }
}

/// A running `ssh`.
#[derive(Debug)]
struct Master {
    service: Service,
    /// Its socket, in a folder that only this user can enter.
    control: PathBuf,
    /// The log file of `ssh`.
    log: PathBuf,
    /// Held while asking again: one caller at a time, so that each reason in the log belongs to its caller.
    again: tokio::sync::Mutex<()>,
    _folder: TempDir,
}

impl Tunnels {
    /// The machine, which is connected to at the first use.
    pub fn to(&self, host: &Host, env: &Arc<Env>, dir: &Arc<Path>) -> Arc<Tunnel> {
        let mut tunnels = self.tunnels.lock().unwrap_or_else(PoisonError::into_inner);
        let tunnel = tunnels.entry(host.clone()).or_insert_with(|| Arc::new(Tunnel::new(host, env, dir)));
        Arc::clone(tunnel)
    }

    /// The socket of this machine that leads to a host and a port there.
    ///
    /// # Errors
    /// When there can be none.
    pub fn relay(&self, tunnel: &Arc<Tunnel>, host: &str, port: u16) -> Result<Arc<Relay>, Fault> {
        let mut relays = self.relays.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (tunnel.host.clone(), host.to_owned(), port);
        if let Some(relay) = relays.get(&key) {
            return Ok(Arc::clone(relay));
        }
        let relay = Relay::new(Arc::clone(tunnel), host.to_owned(), port).map_err(|error| no_folder(&error))?;
        let relay = Arc::new(relay);
        relays.insert(key, Arc::clone(&relay));
        Ok(relay)
    }
}

impl Tunnel {
    /// A machine that is not connected to yet.
    pub fn new(host: &Host, env: &Arc<Env>, dir: &Arc<Path>) -> Self {
        let (host, env, dir) = (host.clone(), Arc::clone(env), Arc::clone(dir));
        Self { host, env, dir, master: tokio::sync::Mutex::default() }
    }

    /// The connection to it now. None if there was none yet.
    pub async fn session(&self) -> Option<Session> {
        self.master.lock().await.clone().map(Session)
    }

    /// Logs in there within this time, unless that is done already.
    ///
    /// # Errors
    /// When the machine can't be reached.
    pub async fn log_in(&self, limit: Duration) -> Result<(), Fault> {
        timeout_at(deadline(limit), self.logged_in())
            .await
            .map_or_else(|_| Err(self.silent(limit)), |done| done.map(drop))
    }

    /// Connects from there to a host and a port within this time.
    ///
    /// # Errors
    /// When the machine can't be reached, or can't reach the host.
    pub async fn open(&self, host: &str, port: u16, limit: Duration) -> Result<Tunnelled, DialError> {
        let deadline = deadline(limit);
        let Ok(master) = timeout_at(deadline, self.logged_in()).await else { return Err(self.silent(limit).into()) };
        match timeout_at(deadline, self.opened(&master?, host, port)).await {
            Ok(opened) => opened,
            Err(_) => Err(self.unconnected(ErrorKind::TimedOut.into())),
        }
    }

    async fn opened(&self, master: &Arc<Master>, host: &str, port: u16) -> Result<Tunnelled, DialError> {
        let mut alone = None;
        for attempt in 0..TRIES {
            if attempt == 1 {
                alone = Some(master.again.lock().await);
            }
            let begun = master.log_size();
            match mux::open(master, host, port).await {
                Ok(tunnelled) => return Ok(tunnelled),
                Err(Unopened::Gone) => return Err(self.host.unreached(&master.said(0)).into()),
                Err(Unopened::Refused) => {
                    if let Some(reason) = reason(&master.said(begun)) {
                        return Err(self.refused(&reason, host, port));
                    }
                }
            }
        }
        drop(alone);
        Err(self.refused("", host, port))
    }

    /// An `ssh` that has logged in.
    async fn logged_in(&self) -> Result<Arc<Master>, Fault> {
        let master = self.master().await?;
        while mux::greet(&master.control).await.is_err() {
            if master.service.has_ended() {
                return Err(self.host.unreached(&master.said(0)));
            }
            sleep(STEP).await;
        }
        Ok(master)
    }

    fn silent(&self, limit: Duration) -> Fault {
        let limit = crate::yaml::Duration(limit);
        Fault::new(format!("ssh login at {} timed out after {limit}", self.host))
            .help("is it up, does sshd listen there, and does a firewall let us pass?")
    }

    /// The running `ssh`: a new one where there was none, or it has ended.
    async fn master(&self) -> Result<Arc<Master>, Fault> {
        let mut current = self.master.lock().await;
        if let Some(master) = current.as_ref().filter(|master| !master.service.has_ended()) {
            return Ok(Arc::clone(master));
        }
        let (host, env, dir) = (self.host.clone(), Arc::clone(&self.env), Arc::clone(&self.dir));
        // Starting waits for the disk.
        let started = tokio::task::spawn_blocking(move || Master::start(&host, &env, &dir)).await;
        let master = Arc::new(started.map_err(|_| Fault::new("`ssh` could not be run"))??);
        *current = Some(Arc::clone(&master));
        Ok(master)
    }

    /// The error for a connection that the machine could not make, from the reason that `ssh` logged.
    fn refused(&self, reason: &str, host: &str, port: u16) -> DialError {
        let is = |words: &str| reason.contains(words);
        let place = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        if is("prohibited") {
            return DialError::Fault(
                Fault::new(format!("{} does not allow connections to {place}", self.host)).help(
                    "its sshd must permit them: see AllowTcpForwarding and PermitOpen, and the options of the key",
                ),
            );
        }
        if ["not known", "No address", "name resolution", "nodename"].iter().any(|words| is(words)) {
            let fault = Fault::new(format!("cannot resolve `{host}` on {}", self.host));
            return DialError::Fault(fault.help("with `via`, names are resolved there: is the name right?"));
        }
        let kinds = [
            ("refused", ErrorKind::ConnectionRefused),
            ("timed out", ErrorKind::TimedOut),
            ("No route", ErrorKind::HostUnreachable),
            ("unreachable", ErrorKind::NetworkUnreachable),
            ("reset", ErrorKind::ConnectionReset),
        ];
        match kinds.iter().find(|(words, _)| is(words)) {
            Some((_, kind)) => self.unconnected((*kind).into()),
            None => DialError::Fault(
                Fault::new(format!("{} could not connect to {place}", self.host))
                    .help(format!("what does `{}` say?", self.host.by_hand(&["nc", "-vz", host, &port.to_string()]))),
            ),
        }
    }

    fn unconnected(&self, error: io::Error) -> DialError {
        DialError::Io { error, from: Some(self.host.to_string()) }
    }
}

impl Master {
    fn start(host: &Host, env: &Env, dir: &Path) -> Result<Self, Fault> {
        let folder = folder().map_err(|error| no_folder(&error))?;
        let (control, log) = (folder.path().join("ssh"), folder.path().join("log"));
        let mut ssh = host.master(env, dir, &control);
        let file = File::create(&log).map_err(|error| no_folder(&error))?;
        ssh.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file);
        let service = Service::start(ssh).map_err(|error| unstarted(&error))?;
        Ok(Self { service, control, log, again: tokio::sync::Mutex::default(), _folder: folder })
    }

    fn log_size(&self) -> u64 {
        fs::metadata(&self.log).map_or(0, |file| file.len())
    }

    /// The part of its log after this size.
    fn said(&self, since: u64) -> String {
        let mut bytes = Vec::new();
        // An unreadable log counts as empty.
        let _ = File::open(&self.log).and_then(|mut file| {
            file.seek(SeekFrom::Start(since))?;
            file.take(MAX_LOG).read_to_end(&mut bytes)
        });
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Why a connection was not made: the one reason that the log has. None where it has several, for connections of which
/// this is one.
fn reason(log: &str) -> Option<String> {
    let mut reasons =
        log.lines().filter_map(|line| line.split_once(": open failed: ")).map(|(_, reason)| reason.trim());
    let first = reasons.next()?;
    reasons.all(|other| other == first).then(|| first.to_owned())
}

/// The deadline, with a moment left to report the result.
fn deadline(limit: Duration) -> Instant {
    Instant::now() + (limit - (limit / 50).min(Duration::from_millis(20)))
}

/// A folder that only this user can enter.
fn folder() -> io::Result<TempDir> {
    tempfile::Builder::new().prefix("gate-").tempdir()
}

fn no_folder(problem: &io::Error) -> Fault {
    Fault::new(format!("`via` needs a temporary folder: {}", os(problem)))
        .help("name one that can be written in the variable TMPDIR")
}

#[cfg(test)]
mod tests {
    use super::reason;

    #[test]
    fn one_reason_is_clear_and_several_are_not() {
        let refused = "channel 2: open failed: connect failed: Connection refused\r\n";
        let unknown = "channel 3: open failed: connect failed: Name or service not known\r\n";
        assert_eq!(
            reason(&format!("Welcome\n{refused}{refused}")).as_deref(),
            Some("connect failed: Connection refused")
        );
        assert_eq!(reason(&format!("{refused}{unknown}")), None);
        assert_eq!(reason("Welcome\n"), None);
    }
}
