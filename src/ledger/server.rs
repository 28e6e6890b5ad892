//! Opens the database of a ledger, and brings it to the schema of this version.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, SqlSafeStr as _};

use crate::client::dial::Dialer;
use crate::client::sql::{self, DatabaseUrl, Guard};
use crate::client::ssh::Host;
use crate::client::via::Tunnel;
use crate::env::Env;
use crate::writer;

use super::TIMEOUT;
use super::connection::{Connection, Transaction, Value};
use super::dialect::{Dialect, HOME, KEEP_HOME, MOVE_TABLES, SQLITE};
use super::place::{Location, Place};

/// How long to wait for another process that writes.
const BUSY: Duration = Duration::from_secs(10);

/// The table that holds the schema's version. Not sqlx's default, which an application may use.
const VERSIONS: &str = "gate_migrations";

/// The version of the schema: that of the last migration.
pub const VERSION: i64 = SQLITE.migrations.len() as i64;

/// The purpose for which a ledger is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// To read: a read-only file will do.
    Read,
    /// To write as well.
    Write,
}

/// Why the ledger can't be used.
#[derive(Debug)]
pub enum Refusal {
    /// The database returned an error.
    Database(sqlx::Error),
    /// The server can't be reached, or refuses the login.
    Server(anyhow::Error),
    /// The folder can't be made.
    Folder(io::Error),
    /// Its schema is that of a newer version of gate.
    Newer,
    /// Its schema is not one that gate has ever had.
    Foreign,
    /// It is a file that Git tracks: it came with the repository.
    Tracked,
    /// This file beside it is a link.
    Linked(String),
    /// The run began in the future.
    Future(Timestamp),
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl Refusal {
    /// Whether SQLite could not write where the file lies.
    fn is_unwritable(&self) -> bool {
        /// SQLite's result codes READONLY, IOERR, FULL and CANTOPEN.
        const CODES: [u32; 4] = [8, 10, 13, 14];
        match self {
            Self::Database(sqlx::Error::Database(error)) => {
                let code = error.code().and_then(|code| code.parse::<u32>().ok());
                // The lowest byte is the kind, the rest are details.
                code.is_some_and(|code| CODES.contains(&(code & 0xff)))
            }
            Self::Folder(_) => true,
            Self::Database(_)
            | Self::Server(_)
            | Self::Newer
            | Self::Foreign
            | Self::Tracked
            | Self::Linked(_)
            | Self::Future(_) => false,
        }
    }
}

/// Opens the database, creates it if it does not exist, and brings it to the schema of this version. Returns the PostgreSQL
/// schema that holds its tables as well, if they should be in `gate` and aren't. To read, a file that can't be written,
/// or lies on a full disk, is opened as it is.
///
/// # Errors
/// Why that can't be done.
pub async fn open(
    location: &Location,
    root: &Path,
    access: Access,
    env: &Env,
) -> Result<(Connection, Option<String>), Refusal> {
    match (open_writable(location, root, env).await, &location.place) {
        (Err(refusal), Place::File { path, .. }) if access == Access::Read && refusal.is_unwritable() => {
            let mut connection = Connection::Sqlite(Box::new(unwritable(path).await?));
            // It has the schema of this version, or this fails: nothing can be changed.
            let elsewhere = migrate(&mut connection).await?;
            Ok((connection, elsewhere))
        }
        (opened, _) => opened,
    }
}

async fn open_writable(location: &Location, root: &Path, env: &Env) -> Result<(Connection, Option<String>), Refusal> {
    let mut connection = match &location.place {
        Place::File { path, is_own } => {
            if *is_own {
                make_folder(path).map_err(Refusal::Folder)?;
            }
            Connection::Sqlite(Box::new(file(path).await?))
        }
        Place::Postgres(url) => {
            let (connection, guard) = connect(url, location.via.as_ref(), root, env).await?;
            Connection::Postgres(Box::new(connection), guard)
        }
    };
    let elsewhere = migrate(&mut connection).await?;
    Ok((connection, elsewhere))
}

/// Connects to the server of a ledger, through `via` if there is one. The guard limits what the server may send.
///
/// # Errors
/// When it can't be reached, or refuses the login.
pub async fn connect(
    url: &DatabaseUrl,
    via: Option<&Host>,
    root: &Path,
    env: &Env,
) -> Result<(PgConnection, Guard), Refusal> {
    let sql::Place::Postgres(url) = url.place() else { return Err(Refusal::Foreign) };
    let (target, options) = sql::postgres_target(url, root, false, None).map_err(Refusal::Server)?;
    let tunnel = |host| Arc::new(Tunnel::new(host, &Arc::new(env.clone()), &Arc::from(root)));
    let dialer = Dialer { via: via.map(tunnel), limit: TIMEOUT / 2 };
    sql::connect_postgres(&target, &options, &dialer, &Arc::default()).await.map_err(Refusal::Server)
}

async fn migrate(connection: &mut Connection) -> Result<Option<String>, Refusal> {
    let dialect = connection.dialect();
    // Usually there is nothing to do: then no run waits for a lock.
    let mut transaction = connection.read().await?;
    let count: Option<(i64,)> = transaction.first(dialect.has_table, &[Value::Text(VERSIONS)]).await?;
    if count.is_some_and(|(count,)| count > 0) {
        let version: Option<(i64,)> =
            transaction.first("SELECT coalesce(max(version), 0) FROM gate_migrations", &[]).await?;
        match version.unwrap_or_default().0.cmp(&VERSION) {
            std::cmp::Ordering::Less => {}
            std::cmp::Ordering::Equal => {
                transaction.rollback().await?;
                return Ok(None);
            }
            std::cmp::Ordering::Greater => return Err(Refusal::Newer),
        }
    }
    transaction.rollback().await?;
    let mut transaction = connection.write().await?;
    // The migrator prepares statements under its own names.
    transaction.script(dialect.forget).await?;
    if let Transaction::Postgres(_) = &transaction {
        transaction.script(MOVE_TABLES).await?;
        transaction.script(KEEP_HOME).await?;
    }
    let migrator = migrator(dialect);
    let migrated = match &mut transaction {
        Transaction::Sqlite(transaction) => migrator.run_direct(None, &mut **transaction, false).await,
        Transaction::Postgres(transaction) => migrator.run_direct(None, &mut **transaction, false).await,
    };
    match migrated {
        Ok(()) => {}
        Err(MigrateError::VersionMissing(_)) => return Err(Refusal::Newer),
        Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => return Err(error.into()),
        Err(_) => return Err(Refusal::Foreign),
    }
    transaction.script(dialect.forget).await?;
    let home: Option<(String,)> = match &transaction {
        Transaction::Sqlite(_) => None,
        Transaction::Postgres(_) => transaction.first(HOME, &[]).await?,
    };
    transaction.commit().await?;
    Ok(home.map(|(home,)| home).filter(|home| home != "gate"))
}

fn migrator(dialect: &Dialect) -> Migrator {
    let numbered = (1..).zip(dialect.migrations).map(|(version, (name, sql))| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    let mut migrator = Migrator::with_migrations(numbered.collect());
    migrator.dangerous_set_table_name(VERSIONS);
    // The transaction around it holds a lock that works through a pooler.
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

/// A file in a place that can't be written. Without a log beside it, no other process writes to it.
async fn unwritable(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let is_settled = fs::metadata(&log).is_ok_and(|log| log.len() == 0) || !Path::new(&log).exists();
    SqliteConnectOptions::new().filename(path).read_only(true).immutable(is_settled).connect().await
}

/// Makes gate's own folder, which Git ignores.
fn make_folder(file: &Path) -> io::Result<()> {
    let folder: PathBuf = file.parent().map_or_else(PathBuf::new, Path::to_owned);
    match fs::create_dir(&folder) {
        Ok(()) => {}
        Err(problem) if problem.kind() == io::ErrorKind::AlreadyExists => {}
        Err(problem) => return Err(problem),
    }
    let ignore = folder.join(".gitignore");
    // A broken link exists, too.
    if ignore.symlink_metadata().is_ok() {
        return Ok(());
    }
    match writer::create(&ignore, "*\n") {
        Err(problem) if problem.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        written => written,
    }
}
