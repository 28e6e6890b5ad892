//! MariaDB: one private server for all tests. Creating its data directory takes seconds, so a template is kept.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::certificate::Certificate;
use super::child::Server;
use super::{installed, place};

/// The running server.
pub struct MariaDb {
    port: u16,
    directory: PathBuf,
    _server: Server,
}

/// The server that all tests share. Started when first asked for.
pub fn mariadb() -> &'static MariaDb {
    for name in ["mariadb-install-db", "mariadbd", "mariadb"] {
        installed::program(name);
    }
    static SHARED: LazyLock<MariaDb> = LazyLock::new(|| MariaDb::start(None, &[]));
    &SHARED
}

/// A private server with additional arguments, and with TLS if it has a certificate.
pub fn mariadb_with(certificate: Option<&Certificate>, arguments: &[&str]) -> MariaDb {
    installed::program("mariadbd");
    MariaDb::start(certificate, arguments)
}

impl MariaDb {
    /// The URL of its first database: `mysql://gate:p%40ss@127.0.0.1:PORT/gate`.
    pub fn url(&self) -> String {
        self.url_of("gate")
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its folder, with its `socket`.
    pub fn folder(&self) -> &Path {
        &self.directory
    }

    /// Creates an empty database and returns its URL.
    pub fn new_database(&self) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("gate_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        self.sql(&self.url(), &format!("CREATE DATABASE {name}"));
        self.url_of(&name)
    }

    /// Runs SQL in the database of this URL, and returns the result: a line per row, tabs between columns.
    pub fn sql(&self, url: &str, sql: &str) -> String {
        let database = url.rsplit('/').next().unwrap_or_default();
        self.ask(database, sql).unwrap_or_else(|error| panic!("mariadb: {error}\n{sql}"))
    }

    fn url_of(&self, database: &str) -> String {
        format!("mysql://gate:p%40ss@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs SQL with the official client `mariadb`.
    fn ask(&self, database: &str, sql: &str) -> Result<String, String> {
        let output = Command::new(installed::program("mariadb"))
            .args(["--no-defaults", "--protocol=tcp", "--host=127.0.0.1", "--user=gate", "--password=p@ss"])
            .args([&format!("--port={}", self.port), "--batch", "--skip-column-names", "--execute", sql, database])
            .output()
            .map_err(|error| error.to_string())?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    fn start(certificate: Option<&Certificate>, arguments: &[&str]) -> MariaDb {
        let directory = place::directory("mariadb");
        run(Command::new("cp").arg("-a").arg(template()).arg(directory.join("data")));
        let setup = "CREATE DATABASE gate;\nCREATE USER gate@'%' IDENTIFIED BY 'p@ss';\n\
                     GRANT ALL ON *.* TO gate@'%' WITH GRANT OPTION;\n";
        fs::write(directory.join("setup.sql"), setup).expect("the directory is new");
        let port = place::free_port();
        let mut command = Command::new(installed::program("mariadbd"));
        command.current_dir(&directory).args(SETTINGS).arg(format!("--datadir={}/data", directory.display()));
        command.args(["--bind-address=127.0.0.1", "--skip-name-resolve", "--max-connections=300"]);
        command.arg(format!("--port={port}")).arg(format!("--socket={}/socket", directory.display()));
        command.arg(format!("--init-file={}/setup.sql", directory.display()));
        command.args(["--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--pid-file=pid"]);
        command.args(arguments);
        if let Some(Certificate { certificate, key }) = certificate {
            command.arg(format!("--ssl-cert={}", certificate.display())).arg(format!("--ssl-key={}", key.display()));
        }
        let server = Server::start(command, &directory);
        let mariadb = MariaDb { port, directory, _server: server };
        mariadb._server.until(|| mariadb.ask("gate", "SELECT 1").ok());
        mariadb
    }
}

/// Options that the template and the server must share: no system configuration, small logs, and permission to run as root.
const SETTINGS: [&str; 3] = ["--no-defaults", "--innodb-log-file-size=8M", "--user=root"];

/// The data directory as `mariadb-install-db` makes it, kept under `target/` per version.
fn template() -> PathBuf {
    let version = run(Command::new(installed::program("mariadbd")).arg("--version"));
    let version = version.split_whitespace().nth(2).unwrap_or("unknown").to_owned();
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("mariadb-{version}"));
    if !kept.exists() {
        let draft = place::directory("mariadb-template").join("data");
        run(Command::new(installed::program("mariadb-install-db"))
            .args(SETTINGS)
            .args(["--auth-root-authentication-method=normal", "--skip-test-db"])
            .arg(format!("--datadir={}", draft.display())));
        // Created under another name and renamed in one step: another run may do the same at the same time.
        let beside = kept.with_extension(std::process::id().to_string());
        run(Command::new("cp").arg("-a").arg(&draft).arg(&beside));
        if fs::rename(&beside, &kept).is_err() {
            fs::remove_dir_all(&beside).ok(); // the other run was first
        }
    }
    kept
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
