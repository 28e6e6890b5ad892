//! PgBouncer in front of the shared PostgreSQL, in transaction mode, which breaks clients that rely on session state.

use std::fs;
use std::sync::LazyLock;

use super::certificate::Certificate;
use super::child::Server;
use super::postgres::{postgres, psql};
use super::{installed, place};

/// The running pooler.
pub struct PgBouncer {
    port: u16,
    _server: Server,
}

/// The pooler that all tests share. Started when first asked for, and PostgreSQL with it.
pub fn pgbouncer() -> &'static PgBouncer {
    installed::program("pgbouncer");
    postgres(); // outside: a missing one skips every test alike
    static SHARED: LazyLock<PgBouncer> = LazyLock::new(|| PgBouncer::start(postgres().port(), None));
    &SHARED
}

/// A private pooler in front of the shared PostgreSQL that accepts only clients with TLS.
pub fn pgbouncer_with_tls(certificate: &Certificate) -> PgBouncer {
    installed::program("pgbouncer");
    PgBouncer::start(postgres().port(), Some(certificate))
}

/// A private pooler in front of another port, which may be closed: it accepts clients and lets them wait.
pub fn pgbouncer_before(server_port: u16) -> PgBouncer {
    installed::program("psql");
    PgBouncer::launch(server_port, None)
}

impl PgBouncer {
    /// The first database, through the pooler.
    pub fn url(&self) -> String {
        self.url_for("gate")
    }

    /// A database of the shared PostgreSQL through the pooler: by its name, or by the URL that `new_database` returned.
    pub fn url_for(&self, database: &str) -> String {
        let name = database.rsplit('/').next().unwrap_or(database);
        format!("postgres://gate:p%40ss@127.0.0.1:{}/{name}", self.port)
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    fn start(server_port: u16, certificate: Option<&Certificate>) -> PgBouncer {
        let pgbouncer = PgBouncer::launch(server_port, certificate);
        pgbouncer._server.until(|| psql(&pgbouncer.url(), "SELECT 1").ok());
        pgbouncer
    }

    fn launch(server_port: u16, certificate: Option<&Certificate>) -> PgBouncer {
        let directory = place::directory("pgbouncer");
        let port = place::free_port();
        let tls = certificate.map(|Certificate { certificate, key }| {
            for (from, name) in [(certificate, "server.crt"), (key, "server.key")] {
                fs::copy(from, directory.join(name)).expect("the directory is new");
                installed::give(&directory.join(name));
            }
            "client_tls_sslmode = require\nclient_tls_cert_file = server.crt\nclient_tls_key_file = server.key\n"
        });
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={server_port}\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = scram-sha-256\nauth_file = users\nadmin_users = gate\n\
             pool_mode = transaction\ndefault_pool_size = 4\nmax_client_conn = 300\n{}",
            tls.unwrap_or_default()
        );
        fs::write(directory.join("settings.ini"), settings).expect("the directory is new");
        fs::write(directory.join("users"), "\"gate\" \"p@ss\"\n").expect("the directory is new");
        installed::give(&directory);
        let mut command = installed::unprivileged(&installed::program("pgbouncer"));
        command.current_dir(&directory).arg("settings.ini");
        let server = Server::start(command, &directory);
        let pgbouncer = PgBouncer { port, _server: server };
        let console = pgbouncer.url_for("pgbouncer"); // its own, which answers with or without a server behind
        pgbouncer._server.until(|| psql(&console, "SHOW VERSION").ok());
        pgbouncer
    }
}
