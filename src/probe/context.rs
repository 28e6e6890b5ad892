//! What every probe is given: where paths start, how long it may take, and connections that are shared.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;

use crate::env::Env;

/// What every probe is given. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Context {
    /// The world around the program.
    pub env: Arc<Env>,
    /// Where relative paths start: the folder that holds `checklists/`.
    pub dir: Arc<Path>,
    /// How long this look may take. The engine stops it then; a probe passes it on to what it talks to.
    pub timeout: Duration,
    clients: Arc<Mutex<HashMap<HttpOptions, reqwest::Client>>>,
}

/// What makes one HTTP client differ from another.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct HttpOptions {
    /// Don't verify TLS.
    pub insecure: bool,
    /// A file of PEM certificates to trust besides the system's.
    pub ca: Option<PathBuf>,
    /// How many redirects to follow. Credentials never go to another origin.
    pub redirects: u8,
}

impl Context {
    /// A context with no connections yet.
    pub fn new(env: Arc<Env>, dir: impl Into<Arc<Path>>, timeout: Duration) -> Self {
        Self { env, dir: dir.into(), timeout, clients: Arc::default() }
    }

    /// The same with another limit of time.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self { timeout, ..self.clone() }
    }

    /// A path of the checklist, from the folder that it is relative to.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.dir.join(path)
    }

    /// The HTTP client for these options: made at first use, then shared, with its connections.
    ///
    /// # Errors
    /// When the certificate file can't be read.
    pub fn http(&self, options: &HttpOptions) -> anyhow::Result<reqwest::Client> {
        let mut clients = self.clients.lock().expect("no holder of this lock panics");
        if let Some(client) = clients.get(options) {
            return Ok(client.clone());
        }
        let client = client(options).context("preparing the HTTP client")?;
        clients.insert(options.clone(), client.clone());
        Ok(client)
    }
}

fn client(options: &HttpOptions) -> anyhow::Result<reqwest::Client> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("gate/", env!("CARGO_PKG_VERSION")))
        .tls_info(true)
        .retry(reqwest::retry::never())
        .tls_danger_accept_invalid_certs(options.insecure)
        .redirect(match options.redirects {
            0 => reqwest::redirect::Policy::none(),
            limit => reqwest::redirect::Policy::limited(limit.into()),
        });
    if let Some(file) = &options.ca {
        let pem = std::fs::read(file).with_context(|| format!("reading `{}`", file.display()))?;
        builder = builder.tls_certs_merge(reqwest::Certificate::from_pem_bundle(&pem)?);
    }
    Ok(builder.build()?)
}
