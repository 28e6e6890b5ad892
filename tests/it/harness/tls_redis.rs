//! Redis behind TLS and ACLs, like hosted ones: a private authority, a user, a password with an `@`.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::certificate::Authority;
use super::child::Server;
use super::redis::ping;
use super::{installed, place};

/// The running server. It has no port without TLS, and the user `default` is off.
pub struct TlsRedis {
    port: u16,
    authority: Authority,
    _server: Server,
}

/// The server that all tests share. Started when first asked for.
pub fn tls_redis() -> &'static TlsRedis {
    installed::program("redis-server");
    static SHARED: LazyLock<TlsRedis> = LazyLock::new(TlsRedis::start);
    &SHARED
}

impl TlsRedis {
    /// `rediss://gate:p%40ss@127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("rediss://gate:p%40ss@127.0.0.1:{}", self.port)
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The certificate of the authority that issued its certificate.
    pub fn ca(&self) -> PathBuf {
        self.authority.ca()
    }

    fn start() -> TlsRedis {
        let directory = place::directory("tls-redis");
        let (authority, port) = (Authority::new(), place::free_port());
        let issued = authority.issue();
        let mut command = Command::new(installed::program("redis-server"));
        command.current_dir(&directory).args(["--bind", "127.0.0.1", "--save", "", "--port", "0"]);
        command.args(["--tls-port", &port.to_string(), "--tls-auth-clients", "no"]);
        command.arg("--tls-cert-file").arg(&issued.certificate).arg("--tls-key-file").arg(&issued.key);
        command.arg("--tls-ca-cert-file").arg(authority.ca());
        command.args(["--user", "default", "off", "--user", "gate", "on", ">p@ss", "~*", "&*", "+@all"]);
        let server = Server::start(command, &directory);
        let config = Arc::new(trusting(&authority.ca()));
        server.until(|| {
            let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
            stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
            let name = ServerName::from(std::net::IpAddr::from(Ipv4Addr::LOCALHOST));
            let client = ClientConnection::new(Arc::clone(&config), name).ok()?;
            ping(StreamOwned::new(client, stream)).ok()
        });
        TlsRedis { port, authority, _server: server }
    }
}

/// A TLS client configuration that trusts only one authority.
fn trusting(ca: &Path) -> ClientConfig {
    let pem = fs::read(ca).expect("the authority wrote it");
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&pem).expect("it is PEM")).expect("it is a certificate");
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring speaks them")
        .with_root_certificates(roots)
        .with_no_client_auth()
}
