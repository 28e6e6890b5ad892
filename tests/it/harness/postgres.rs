//! PostgreSQL: one private server for all tests, with a role `gate` whose password needs percent-encoding.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::certificate::Certificate;
use super::child::Server;
use super::{installed, place};

/// The running server.
pub struct Postgres {
    port: u16,
    directory: PathBuf,
    _server: Server,
}

/// The server that all tests share. Started when first asked for.
pub fn postgres() -> &'static Postgres {
    for name in ["initdb", "postgres", "psql"] {
        installed::program(name); // before the lock, which a panic would poison: each test has its own reason
    }
    static SHARED: LazyLock<Postgres> = LazyLock::new(|| Postgres::start(None, "", &[]));
    &SHARED
}

/// A private server with a socket in its folder, and TLS if it has a certificate. `access` are the first lines of
/// its `pg_hba.conf`.
pub fn postgres_with(certificate: Option<&Certificate>, access: &str, settings: &[&str]) -> Postgres {
    installed::program("initdb");
    Postgres::start(certificate, access, settings)
}

impl Postgres {
    /// The URL of its first database: `postgres://gate:p%40ss@127.0.0.1:PORT/gate`.
    pub fn url(&self) -> String {
        self.url_of("gate")
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of the socket of a private server.
    pub fn folder(&self) -> &Path {
        &self.directory
    }

    /// Creates an empty database and returns its URL.
    pub fn new_database(&self) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("gate_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        self.psql(&self.url(), &format!("CREATE DATABASE {name} TEMPLATE template0"));
        self.url_of(&name)
    }

    /// Runs SQL and returns the result: a line per row, `|` between columns.
    pub fn psql(&self, url: &str, sql: &str) -> String {
        match psql(url, sql) {
            Ok(rows) => rows,
            Err(error) => panic!("psql: {error}\n{sql}"),
        }
    }

    fn url_of(&self, database: &str) -> String {
        format!("postgres://gate:p%40ss@127.0.0.1:{}/{database}", self.port)
    }

    fn start(certificate: Option<&Certificate>, access: &str, settings: &[&str]) -> Postgres {
        let directory = place::directory("postgres");
        installed::give(&directory);
        init(&directory);
        let mut settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        if let Some(certificate) = certificate {
            for (from, name) in [(&certificate.certificate, "server.crt"), (&certificate.key, "server.key")] {
                let to = directory.join("data").join(name);
                std::fs::copy(from, &to).expect("the directory is new");
                std::fs::set_permissions(&to, Permissions::from_mode(0o600)).expect("the file is writable");
                installed::give(&to);
            }
            settings.push("ssl=on".to_owned());
        }
        if !access.is_empty() {
            settings.push(format!("unix_socket_directories={}", directory.display()));
            let rules = directory.join("data/pg_hba.conf");
            let others = std::fs::read_to_string(&rules).expect("initdb made it");
            std::fs::write(&rules, format!("{access}\n{others}")).expect("the file is writable");
        }
        let port = place::free_port();
        let mut command = installed::unprivileged(&installed::program("postgres"));
        command.current_dir(&directory).arg("-D").arg(directory.join("data")).args(["-p", &port.to_string()]);
        for setting in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=300",
            "fsync=off",
            "full_page_writes=off",
            "synchronous_commit=off",
        ] {
            command.args(["-c", setting]);
        }
        for setting in &settings {
            command.args(["-c", setting]);
        }
        // SIGQUIT: after SIGKILL, its shared memory would be left behind.
        let server = Server::start_with(command, &directory, libc::SIGQUIT);
        let postgres = Postgres { port, directory, _server: server };
        let first = postgres.url_of("postgres");
        postgres._server.until(|| psql(&first, "SELECT 1").ok());
        postgres.psql(&first, "CREATE DATABASE gate");
        postgres
    }
}

fn init(directory: &Path) {
    let password = directory.join("password");
    std::fs::write(&password, "p@ss\n").expect("the directory is new");
    installed::give(&password);
    let output = installed::unprivileged(&installed::program("initdb"))
        .current_dir(directory)
        .args(["--no-sync", "--username=gate", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"])
        .arg("--pwfile")
        .arg(&password)
        .arg("-D")
        .arg(directory.join("data"))
        .output()
        .expect("initdb is installed");
    assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
}

/// Runs SQL with the official client `psql`.
pub fn psql(url: &str, sql: &str) -> Result<String, String> {
    let output = Command::new(installed::program("psql"))
        .args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1", url, "--command", sql])
        .output()
        .map_err(|error| error.to_string())?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}
