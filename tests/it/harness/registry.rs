//! Docker's registry: without and with a password.

use std::fs;
use std::process::Command;
use std::sync::LazyLock;

use super::certificate::Certificate;
use super::child::Server;
use super::{installed, place};

/// A running registry. Dropping it stops it.
pub struct Registry {
    port: u16,
    _server: Server,
}

/// The user `gate` with the password `p@ss word`.
const HTPASSWD: &str = "gate:$2y$04$djXNMUq8QVl.ftWFnnT6g.5HeDlfiQIJ6rkfCiWajxVIZJ/NYP3U.\n";

/// The registry that all tests share; each test uses its own repositories. Started on first use.
pub fn registry() -> &'static Registry {
    installed::program("docker-registry");
    static SHARED: LazyLock<Registry> = LazyLock::new(|| start("", None));
    &SHARED
}

/// A registry that requires the user `gate` with the password `p@ss word`.
pub fn registry_with_password() -> &'static Registry {
    installed::program("docker-registry");
    static SHARED: LazyLock<Registry> =
        LazyLock::new(|| start("auth: { htpasswd: { realm: gate, path: htpasswd } }\n", None));
    &SHARED
}

/// A private registry without a password, over TLS only.
pub fn registry_with_tls(certificate: &Certificate) -> Registry {
    installed::program("docker-registry");
    start("", Some(certificate))
}

fn start(auth: &str, certificate: Option<&Certificate>) -> Registry {
    let directory = place::directory("registry");
    let port = place::free_port();
    let tls = certificate.map(|Certificate { certificate, key }| {
        format!(", tls: {{ certificate: '{}', key: '{}' }}", certificate.display(), key.display())
    });
    let config = format!(
        "version: 0.1\nstorage: {{ filesystem: {{ rootdirectory: data }} }}\nhttp: {{ addr: '127.0.0.1:{port}'{} }}\n{auth}",
        tls.unwrap_or_default()
    );
    fs::write(directory.join("config.yml"), config).expect("the directory is new");
    fs::write(directory.join("htpasswd"), HTPASSWD).expect("the directory is new");
    let mut command = Command::new(installed::program("docker-registry"));
    command.current_dir(&directory).args(["serve", "config.yml"]);
    let server = Server::start(command, &directory);
    // It is ready if it answers at all: 401 with a password, 400 over TLS.
    server.until(|| super::answer::status(port, "/v2/"));
    Registry { port, _server: server }
}

impl Registry {
    /// `127.0.0.1:PORT`, unchanged in the name of an image.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}
