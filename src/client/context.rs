//! The context of a probe: where paths start, the timeout, and shared connections.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use url::{Host, Url};

use crate::env::Env;
use crate::secret::Redactor;

use super::Fault;
use super::dial::Dialer;
use super::http::Tokens;
use super::load::Load;
use super::proxy::{self, Proxy};
use super::ssh::Host as Machine;
use super::trust::{self, Chains};
use super::via::{Relay, Session, Tunnels};

/// The context of a probe. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Context {
    /// The environment of the program.
    pub env: Arc<Env>,
    /// Where relative paths start: the folder that contains `checklists/`.
    pub dir: Arc<Path>,
    /// Timeout of this attempt. The engine stops it then; a probe passes it on to servers.
    pub timeout: Duration,
    /// This attempt's use of the memory for large answers.
    pub load: Arc<Load>,
    /// The redactor: it learns a token that a server issues before the token is used.
    pub redactor: Redactor,
    tokens: Arc<Tokens>,
    clients: Arc<Mutex<HashMap<Route, reqwest::Client>>>,
    chains: Chains,
    used: Arc<Mutex<HashSet<SocketAddr>>>,
    /// The machine that connections go through.
    via: Option<Arc<Machine>>,
    tunnels: Arc<Tunnels>,
}

/// How an HTTP connection is made, according to the checklist.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct HttpOptions {
    /// Don't verify TLS.
    pub insecure: bool,
    /// A file of PEM certificates to trust besides the system's.
    pub ca: Option<PathBuf>,
    /// The files of the client certificate and of its key.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Addresses of hosts, instead of what their names resolve to.
    pub resolve: BTreeMap<String, IpAddr>,
}

/// How a request uses connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Manner {
    /// On a new connection, which is not reused.
    pub is_fresh: bool,
    /// Over HTTP/1.1 only: HTTP/2 does not support a `Host` header other than the URL's.
    pub is_http1: bool,
}

/// The settings that distinguish one HTTP client from another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Route {
    /// How TLS is verified; None for plain HTTP.
    tls: Option<HttpOptions>,
    /// The address of the host, if the checklist sets it.
    address: Option<(String, IpAddr)>,
    /// The proxy that a variable names.
    proxy: Option<Proxy>,
    /// Whether no proxy is used, such as for this machine itself.
    is_direct: bool,
    manner: Manner,
    /// The machine that it goes through, and the host and port that it leads to.
    via: Option<(Arc<Machine>, String, u16)>,
}

impl Context {
    /// A context without connections.
    pub fn new(env: Arc<Env>, dir: impl Into<Arc<Path>>, timeout: Duration) -> Self {
        Self {
            env,
            dir: dir.into(),
            timeout,
            load: Arc::default(),
            redactor: Redactor::default(),
            tokens: Arc::default(),
            clients: Arc::default(),
            chains: Chains::default(),
            used: Arc::default(),
            via: None,
            tunnels: Arc::default(),
        }
    }

    /// The same with the redactor of the run.
    #[must_use]
    pub fn with_redactor(self, redactor: Redactor) -> Self {
        Self { redactor, ..self }
    }

    /// The same for another attempt, with its own timeout.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self { timeout, load: Arc::default(), ..self.clone() }
    }

    /// The same through another machine. Logging in there does not count as part of the observation.
    ///
    /// # Errors
    /// When the machine can't be reached.
    pub async fn via(&self, machine: &Machine) -> Result<Self, Fault> {
        let begun = Instant::now();
        self.tunnels.to(machine, &self.env, &self.dir).log_in(self.timeout).await?;
        let left = self.timeout.saturating_sub(begun.elapsed());
        // Messages show it: a tenth of a second is exact enough.
        let timeout = if left.as_secs() > 0 {
            left - Duration::from_nanos(u64::from(left.subsec_nanos() % 100_000_000))
        } else {
            left
        };
        Ok(Self { via: Some(Arc::new(machine.clone())), timeout, ..self.clone() })
    }

    /// How connections are made.
    pub fn dialer(&self) -> Dialer {
        let via = self.via.as_ref().map(|machine| self.tunnels.to(machine, &self.env, &self.dir));
        Dialer { via, limit: self.timeout }
    }

    /// The connection to the machine that connections go through.
    pub async fn session(&self) -> Option<Session> {
        self.dialer().via?.session().await
    }

    /// The machine that connections go through.
    pub fn machine(&self) -> Option<&Machine> {
        self.via.as_deref()
    }

    /// A path of the checklist, from the folder that it is relative to.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.dir.join(path)
    }

    /// The HTTP client for this URL: made at first use, then shared, with its connections. It follows no redirects.
    ///
    /// # Errors
    /// When the certificate file can't be read, or the variable of a proxy is invalid.
    pub fn http(&self, url: &Url, options: &HttpOptions, manner: Manner) -> Result<reqwest::Client, Fault> {
        // A connection through another machine does not show whether it was used before.
        let manner = Manner { is_fresh: manner.is_fresh || self.via.is_some(), ..manner };
        let route = self.route(url, options, manner)?;
        let relay = self.relay(url, options)?;
        let mut clients = self.clients.lock().expect("no holder of this lock panics");
        if let Some(client) = clients.get(&route) {
            return Ok(client.clone());
        }
        let client = client(&route, relay.as_deref(), &self.chains)?;
        clients.insert(route, client.clone());
        Ok(client)
    }

    /// An HTTP client for this URL whose connections are not shared.
    ///
    /// # Errors
    /// When the certificate file can't be read, or the variable of a proxy is invalid.
    pub fn own_http(&self, url: &Url, options: &HttpOptions, manner: Manner) -> Result<reqwest::Client, Fault> {
        client(&self.route(url, options, manner)?, self.relay(url, options)?.as_deref(), &self.chains)
    }

    /// The relay to the host of this URL, if connections go through another machine.
    ///
    /// # Errors
    /// When no socket can be opened.
    pub fn relay(&self, url: &Url, options: &HttpOptions) -> Result<Option<Arc<Relay>>, Fault> {
        let Some(tunnel) = self.dialer().via else { return Ok(None) };
        let (host, port) = target(url, options);
        self.tunnels.relay(&tunnel, &host, port).map(Some)
    }

    /// The access tokens that servers have issued.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// The certificates that HTTP servers sent.
    pub fn chains(&self) -> &Chains {
        &self.chains
    }

    /// Notes that a connection, identified by its local address, was used. Returns whether it had been before.
    pub fn is_used(&self, connection: SocketAddr) -> bool {
        !self.used.lock().expect("no holder of this lock panics").insert(connection)
    }

    /// The proxy for this URL that a variable names. There is none for this machine itself, for an address that the
    /// checklist sets, because a proxy would resolve the name itself, and through another machine.
    ///
    /// # Errors
    /// When the value of the variable is invalid.
    pub fn proxy(&self, url: &Url, options: &HttpOptions) -> Result<Option<Proxy>, Fault> {
        if is_direct(url, options) || self.via.is_some() { Ok(None) } else { proxy::of(url, &self.env) }
    }

    fn route(&self, url: &Url, options: &HttpOptions, manner: Manner) -> Result<Route, Fault> {
        let tls = (url.scheme() == "https").then(|| HttpOptions {
            insecure: options.insecure,
            ca: options.ca.as_ref().map(|file| self.path(file)),
            identity: options.identity.as_ref().map(|(certificate, key)| (self.path(certificate), self.path(key))),
            resolve: BTreeMap::new(),
        });
        let via = self.via.as_ref().map(|machine| {
            let (host, port) = target(url, options);
            (Arc::clone(machine), host, port)
        });
        let address = url.host_str().and_then(|host| Some((host.to_owned(), *options.resolve.get(host)?)));
        let proxy = self.proxy(url, options)?;
        // Without a variable, it may be one of the system's settings.
        let is_direct = is_direct(url, options) || proxy.is_none() && proxy::is_named(url, &self.env);
        Ok(Route { tls, proxy, is_direct, address, manner, via })
    }
}

/// The host of a URL, without brackets, or its address, where the options say it; and its port.
fn target(url: &Url, options: &HttpOptions) -> (String, u16) {
    let host = url.host_str().unwrap_or_default();
    let address = options.resolve.get(host).map(ToString::to_string);
    let host = address.unwrap_or_else(|| host.trim_matches(['[', ']']).to_owned());
    (host, url.port_or_known_default().unwrap_or_default())
}

fn is_direct(url: &Url, options: &HttpOptions) -> bool {
    is_loopback(url) || url.host_str().is_some_and(|host| options.resolve.contains_key(host))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn client(route: &Route, relay: Option<&Relay>, chains: &Chains) -> Result<reqwest::Client, Fault> {
    // The binary does so in its first line. A user of the library may not, and would get a panic.
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // It fails only when another thread was faster.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("gate/", env!("CARGO_PKG_VERSION")))
        .retry(reqwest::retry::never())
        .redirect(reqwest::redirect::Policy::none());
    if route.is_direct {
        builder = builder.no_proxy();
    }
    if let Some(proxy) = &route.proxy {
        let invalid = |_| {
            Fault::new(format!("the proxy of {} can't be used", proxy.variable)).help(
                "write it as `http://USER:PASSWORD@HOST:PORT`, with `/`, `#` and `@` of a password percent-encoded",
            )
        };
        builder = builder.proxy(reqwest::Proxy::all(&proxy.url).map_err(invalid)?);
    }
    if let Some((host, address)) = &route.address {
        // Port 0 is that of the URL.
        builder = builder.resolve(host, SocketAddr::new(*address, 0));
    }
    if let Some(relay) = relay {
        builder = builder.unix_socket(relay.path());
    }
    if route.manner.is_fresh {
        builder = builder.pool_max_idle_per_host(0);
    }
    builder = match &route.tls {
        // Reading the system's certificates takes longer than a request: not where nothing uses them.
        None => builder.tls_certs_only([]),
        Some(HttpOptions { insecure, ca, identity, resolve: _ }) => {
            let identity = identity.as_ref().map(|(certificate, key)| (certificate.as_path(), key.as_path()));
            let mut config = trust::recording(ca.as_deref(), *insecure, identity, chains)?;
            let protocols: &[&[u8]] = if route.manner.is_http1 { &[b"http/1.1"] } else { &[b"h2", b"http/1.1"] };
            config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
            builder.tls_info(true).tls_backend_preconfigured(config)
        }
    };
    builder.build().map_err(|_| Fault::new("the HTTP client could not be set up"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(dir: &Path) -> Context {
        Context::new(Arc::new(Env::with([], dir.to_owned())), dir, Duration::from_secs(5))
    }

    fn url(text: &str) -> Url {
        Url::parse(text).expect("the test's own URL")
    }

    #[test]
    fn plain_http_shares_one_client_whatever_is_said_of_tls() {
        let cx = context(Path::new("/"));
        let insecure = HttpOptions { insecure: true, ..HttpOptions::default() };
        cx.http(&url("http://127.0.0.1:1/a"), &HttpOptions::default(), Manner::default()).expect("no file is read");
        cx.http(&url("http://localhost:2/b"), &insecure, Manner::default()).expect("no file is read");
        assert_eq!(cx.clients.lock().expect("no thread panicked").len(), 1);
    }

    #[test]
    fn this_machine_is_reached_without_a_proxy() {
        for (text, expected) in [
            ("http://127.0.0.1:9090", true),
            ("http://127.8.8.8", true),
            ("http://[::1]:9090", true),
            ("http://localhost", true),
            ("http://api.localhost", true),
            ("http://localhost.example", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(&url(text)), expected, "{text}");
        }
    }

    #[test]
    fn a_file_without_certificates_is_reported_with_what_it_should_contain() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(dir.path().join("ca.pem"), "hello").expect("the folder is writable");
        let options = HttpOptions { ca: Some("ca.pem".into()), ..HttpOptions::default() };
        let cx = context(dir.path());
        let error = cx.http(&url("https://localhost"), &options, Manner::default()).expect_err("no certificate in it");
        assert!(error.to_string().ends_with("ca.pem` contains no certificate"), "{error}");
        assert!(error.help.is_some());
    }
}
