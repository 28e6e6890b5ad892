//! A socket of this machine that leads through another one: for clients that can only be given an address.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::UnixListener;
use tokio::task::{JoinHandle, JoinSet};

use crate::client::Fault;

use super::{Tunnel, folder};

/// Maximum time to wait for a connection. The caller usually times out earlier.
const LIMIT: Duration = Duration::from_secs(60);

/// A socket that leads to one host and port. Dropping it ends the connections.
#[derive(Debug)]
pub struct Relay {
    path: PathBuf,
    failed: Arc<Failed>,
    task: JoinHandle<()>,
    _folder: TempDir,
}

/// Why the last connection that failed did, and when.
type Failed = Mutex<Option<(Instant, Fault)>>;

impl Relay {
    /// A socket that leads there.
    ///
    /// # Errors
    /// When there can be no folder for it.
    pub fn new(tunnel: Arc<Tunnel>, host: String, port: u16) -> io::Result<Self> {
        let folder = folder()?;
        let path = folder.path().join("http");
        let listener = UnixListener::bind(&path)?;
        let failed = Arc::new(Failed::default());
        let noted = Arc::clone(&failed);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    accepted = listener.accept() => {
                        let Ok((mut near, _)) = accepted else { return };
                        let (tunnel, host, noted) = (Arc::clone(&tunnel), host.clone(), Arc::clone(&noted));
                        connections.spawn(async move {
                            match tunnel.open(&host, port, LIMIT).await {
                                Ok(mut far) => drop(copy_bidirectional(&mut near, &mut far).await),
                                Err(error) => {
                                    let fault = error.fault(&format!("{host}:{port}"));
                                    *noted.lock().unwrap_or_else(PoisonError::into_inner) =
                                        Some((Instant::now(), fault));
                                }
                            }
                        });
                    }
                    Some(_) = connections.join_next() => {}
                }
            }
        });
        Ok(Self { path, failed, task, _folder: folder })
    }

    /// Where to connect to.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Why a connection has failed since then. Who was connected here only knows that it has ended.
    pub fn failure(&self, since: Instant) -> Option<Fault> {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.as_ref().filter(|(at, _)| *at >= since).map(|(_, fault)| fault.clone())
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}
