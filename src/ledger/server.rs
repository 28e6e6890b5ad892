//! The database of a ledger, SQLite or PostgreSQL: opened, and brought to the schema of this version.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqlSafeStr as _, query, query_as, raw_sql};

use crate::client::sql;

use super::place::Place;

/// How long to wait for another process that writes.
const BUSY: Duration = Duration::from_secs(10);

/// A connection to the database of a ledger.
#[derive(Debug)]
pub enum Server {
    /// A file.
    Sqlite(Box<SqliteConnection>),
    /// A server.
    Postgres(Box<PgConnection>),
}

/// What the two databases say differently.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    /// Begins a transaction that will write.
    pub begin: &'static str,
    /// Keeps others from writing until it ends.
    pub lock: &'static str,
    /// Forgets the statements that somebody else has left prepared on a server that a pooler shares out.
    forget: &'static str,
    /// Whether a table is there.
    has_table: &'static str,
}

/// SQLite's words.
pub const SQLITE: Words = Words {
    begin: "BEGIN IMMEDIATE",
    lock: "SELECT 1",
    forget: "SELECT 1",
    has_table: "SELECT count(*) FROM sqlite_master WHERE name = $1",
};

/// PostgreSQL's words. The number is that of the lock, and nobody else's.
pub const POSTGRES: Words = Words {
    begin: "BEGIN",
    lock: "SELECT pg_advisory_xact_lock(7305241680219)",
    forget: "DEALLOCATE ALL",
    has_table: "SELECT count(*) FROM pg_class WHERE oid = to_regclass($1)",
};

/// Does the same on either database: the statements and their types are the same, only the drivers are two.
macro_rules! on {
    ($server:expr, $connection:ident, $words:ident => $body:expr) => {
        match $server {
            $crate::ledger::server::Server::Sqlite($connection) => {
                let $words = $crate::ledger::server::SQLITE;
                $body
            }
            $crate::ledger::server::Server::Postgres($connection) => {
                let $words = $crate::ledger::server::POSTGRES;
                $body
            }
        }
    };
}
pub(super) use on;

/// Reads in a transaction: between two messages outside of one, a pooler may pass on to another server.
macro_rules! reading {
    ($server:expr, $transaction:ident => $body:expr) => {
        on!($server, connection, _words => {
            let mut $transaction = connection.begin().await?;
            let found = $body;
            $transaction.rollback().await?;
            found
        })
    };
}
pub(super) use reading;

/// Why there is no ledger.
#[derive(Debug)]
pub enum Refusal {
    /// The database says so.
    Database(sqlx::Error),
    /// The folder can't be made.
    Folder(io::Error),
    /// Its schema is that of a newer version of gate.
    Newer,
    /// Its schema is not one that gate has ever had.
    Foreign,
}

impl Refusal {
    /// Whether SQLite could not write where the file lies.
    fn is_unwritable(&self) -> bool {
        /// SQLite's result codes READONLY, IOERR, FULL and CANTOPEN.
        const CODES: [u32; 4] = [8, 10, 13, 14];
        match self {
            Self::Database(sqlx::Error::Database(error)) => {
                let code = error.code().and_then(|code| code.parse::<u32>().ok());
                // The lowest byte is the kind, what is above it the detail.
                code.is_some_and(|code| CODES.contains(&(code & 0xff)))
            }
            Self::Folder(_) => true,
            Self::Database(_) | Self::Newer | Self::Foreign => false,
        }
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

/// The table in which the schema's version stands. Not the one that applications with sqlx have by themselves.
const VERSIONS: &str = "gate_migrations";

impl Server {
    /// Opens the database, makes it if there is none, and brings it to the schema of this version.
    ///
    /// # Errors
    /// Why that can't be done.
    pub async fn open(place: &Place, root: &Path) -> Result<Self, Refusal> {
        let mut server = match place {
            Place::File { path, is_own } => {
                if *is_own {
                    make_folder(path).map_err(Refusal::Folder)?;
                }
                Self::Sqlite(Box::new(file(path).await?))
            }
            Place::Postgres(url) => {
                let sql::Place::Postgres(url) = url.place() else { return Err(Refusal::Foreign) };
                let options = sql::postgres_options(url, root, false, None)?;
                Self::Postgres(Box::new(options.connect().await?))
            }
        };
        server.migrate().await?;
        Ok(server)
    }

    /// Opens an existing database to read. A file that can't be written, or lies on a full disk, is read as it is.
    ///
    /// # Errors
    /// As [`Server::open`].
    pub async fn open_to_read(place: &Place, root: &Path) -> Result<Self, Refusal> {
        match (Self::open(place, root).await, place) {
            (Err(refusal), Place::File { path, .. }) if refusal.is_unwritable() => {
                let mut server = Self::Sqlite(Box::new(unwritable(path).await?));
                // It has the schema of this version, or this fails: nothing can be changed.
                server.migrate().await?;
                Ok(server)
            }
            (opened, _) => opened,
        }
    }

    async fn migrate(&mut self) -> Result<(), Refusal> {
        let migrator = migrator(match self {
            Self::Sqlite(_) => &SQLITE_MIGRATIONS,
            Self::Postgres(_) => &POSTGRES_MIGRATIONS,
        });
        on!(self, connection, words => {
            // Nearly always there is nothing to do: then nobody is kept waiting.
            let mut transaction = connection.begin().await?;
            let (is_there,): (i64,) =
                query_as(words.has_table).bind(VERSIONS).persistent(false).fetch_one(&mut *transaction).await?;
            if is_there > 0 {
                let (version,): (i64,) = query_as("SELECT coalesce(max(version), 0) FROM gate_migrations")
                    .persistent(false)
                    .fetch_one(&mut *transaction)
                    .await?;
                match version.cmp(&VERSION) {
                    std::cmp::Ordering::Less => {}
                    std::cmp::Ordering::Equal => return Ok(transaction.rollback().await?),
                    std::cmp::Ordering::Greater => return Err(Refusal::Newer),
                }
            }
            transaction.rollback().await?;
            let mut transaction = connection.begin_with(words.begin).await?;
            query(words.lock).persistent(false).execute(&mut *transaction).await?;
            // The migrator prepares statements under names of its own.
            raw_sql(words.forget).execute(&mut *transaction).await?;
            match migrator.run_direct(None, &mut *transaction, false).await {
                Ok(()) => {
                    raw_sql(words.forget).execute(&mut *transaction).await?;
                    Ok(transaction.commit().await?)
                }
                Err(MigrateError::VersionMissing(_)) => Err(Refusal::Newer),
                Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => Err(error.into()),
                Err(_) => Err(Refusal::Foreign),
            }
        })
    }

    /// Ends the connection, so that SQLite leaves no log beside its file.
    pub async fn close(self) {
        // What was committed is safe, whatever the answer is.
        let _ = match self {
            Self::Sqlite(connection) => connection.close().await,
            Self::Postgres(connection) => connection.close().await,
        };
    }
}

/// The version of the schema: that of the last migration.
pub const VERSION: i64 = SQLITE_MIGRATIONS.len() as i64;

const SQLITE_MIGRATIONS: [(&str, &str); 2] =
    [("runs", include_str!("migrations/sqlite/1_runs.sql")), ("facts", include_str!("migrations/sqlite/2_facts.sql"))];

const POSTGRES_MIGRATIONS: [(&str, &str); SQLITE_MIGRATIONS.len()] = [
    ("runs", include_str!("migrations/postgres/1_runs.sql")),
    ("facts", include_str!("migrations/postgres/2_facts.sql")),
];

fn migrator(migrations: &[(&'static str, &'static str)]) -> Migrator {
    let numbered = (1..).zip(migrations).map(|(version, (name, sql))| {
        Migration::new(version, (*name).into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    let mut migrator = Migrator::with_migrations(numbered.collect());
    migrator.dangerous_set_table_name(VERSIONS);
    // The transaction around it holds a lock that a pooler in between understands.
    migrator.set_locking(false);
    migrator
}

async fn file(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(BUSY)
        .connect()
        .await
}

/// A file in a place that can't be written. Without a log beside it, nobody else writes to it either.
async fn unwritable(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let is_settled = fs::metadata(&log).is_ok_and(|log| log.len() == 0) || !Path::new(&log).exists();
    SqliteConnectOptions::new().filename(path).read_only(true).immutable(is_settled).connect().await
}

/// Makes gate's own folder, which Git does not see.
fn make_folder(file: &Path) -> io::Result<()> {
    let folder: PathBuf = file.parent().map_or_else(PathBuf::new, Path::to_owned);
    match fs::create_dir(&folder) {
        Ok(()) => {}
        Err(problem) if problem.kind() == io::ErrorKind::AlreadyExists => {}
        Err(problem) => return Err(problem),
    }
    match fs::File::create_new(folder.join(".gitignore")) {
        Ok(mut ignore) => ignore.write_all(b"*\n"),
        Err(problem) if problem.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(problem) => Err(problem),
    }
}
