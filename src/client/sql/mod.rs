//! Connections to databases: one for each look, read in a transaction that can't write and ends in time.

mod client;
mod error;
mod mysql;
mod postgres;
mod sqlite;
mod statement;
mod url;
mod value;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use futures_util::{Stream, StreamExt as _};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use sqlx::mysql::{MySqlConnection, MySqlQueryResult};
use sqlx::postgres::{PgConnection, PgQueryResult};
use sqlx::sqlite::{SqliteConnection, SqliteQueryResult};
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions as _, Either, Executor as _, Row, TypeInfo as _, query, raw_sql,
};
use tokio::time::Instant;

use super::{Context, Fault};
use value::Unshowable;

pub use client::client;
pub use error::{fault, is_missing_table};
pub use url::{DatabaseUrl, Place, postgres as postgres_options};

/// How much of an answer is kept, in bytes of JSON, whatever the rows are.
const MAX_BYTES: usize = 16 << 20;

/// What a checklist can say about TLS besides the URL's `sslmode`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tls<'a> {
    /// Don't verify it.
    pub insecure: bool,
    /// A file of PEM certificates to trust besides the system's. With it, TLS is wanted and verified.
    pub ca: Option<&'a PathBuf>,
}

/// Whether a statement may change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It may not, and its transaction is rolled back.
    Read,
    /// It may, and its transaction is committed.
    Write,
}

/// A connection to a database, for one look. Dropping it ends it, and what it was doing.
pub struct Database {
    server: Server,
    place: String,
    access: Access,
    deadline: Instant,
    /// An answer was left unread: the connection is good for nothing more.
    is_spent: bool,
}

enum Server {
    Postgres(Box<PgConnection>),
    MySql(Box<MySqlConnection>),
    Sqlite(Box<SqliteConnection>, #[expect(dead_code, reason = "it is there to be dropped")] sqlite::Stop),
}

/// What kind of database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// PostgreSQL.
    Postgres,
    /// MySQL or MariaDB.
    MySql,
    /// SQLite.
    Sqlite,
}

/// What a statement gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// The columns, where there is a row to tell them from.
    pub columns: Vec<Column>,
    /// The rows, each a map from the column's name to its value.
    pub rows: Vec<Map<String, Value>>,
    /// Whether there were more rows than are kept.
    pub truncated: bool,
    /// How many rows the statement changed, or gave.
    pub affected: u64,
}

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Column {
    /// Its name, such as `version_num`.
    pub name: String,
    /// The database's name for its type, in lower case, such as `int8` or `varchar`.
    #[serde(rename = "type")]
    pub kind: String,
}

impl Database {
    /// Connects, with nine tenths of the context's time for all that is done on the connection: so that what is told of a
    /// database that does not answer comes from here, and not from whoever stops the probe.
    ///
    /// # Errors
    /// When there is no connection, in words that tell the reasons apart.
    pub async fn connect(url: &DatabaseUrl, tls: Tls<'_>, access: Access, cx: &Context) -> anyhow::Result<Self> {
        let deadline = Instant::now() + cx.timeout.mul_f64(0.9);
        let place = url.name();
        let ca = tls.ca.map(|file| certificates(&cx.path(file))).transpose()?;
        let (dir, insecure) = (&*cx.dir, tls.insecure);
        let wrong = |error: sqlx::Error| fault(&error, &place);
        let connecting = async {
            Ok(match url.place() {
                Place::Postgres(url) => {
                    let options = url::postgres(url, dir, insecure, ca).map_err(wrong)?;
                    Server::Postgres(Box::new(options.connect().await.map_err(wrong)?))
                }
                Place::MySql(url) => {
                    let options = url::mysql(url, dir, insecure, ca).map_err(wrong)?;
                    Server::MySql(Box::new(options.connect().await.map_err(wrong)?))
                }
                Place::Sqlite(file) => {
                    let (connection, stop) = sqlite::open(file, access, &place, deadline, cx).await?;
                    Server::Sqlite(Box::new(connection), stop)
                }
            })
        };
        let silent = || {
            Fault::new(format!("{place} did not let us in within {}", seconds(cx.timeout)))
                .help("a firewall that drops packets looks like this, and so does a pooler with no server behind it")
        };
        let server = within(deadline, connecting, silent).await?;
        Ok(Self { server, place, access, deadline, is_spent: false })
    }

    /// What kind of database it is.
    pub fn dialect(&self) -> Dialect {
        match &self.server {
            Server::Postgres(_) => Dialect::Postgres,
            Server::MySql(_) => Dialect::MySql,
            Server::Sqlite(..) => Dialect::Sqlite,
        }
    }

    /// What a message may call it: `host:port`, or the file.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Runs one statement in a transaction of its own, and keeps up to this many rows.
    ///
    /// # Errors
    /// When the database refuses, does not answer in time, or answers with what JSON can't hold.
    pub async fn rows(&mut self, sql: &str, max_rows: usize) -> anyhow::Result<Rows> {
        if self.access == Access::Read
            && let Some(refusal) = statement::refusal(sql)
        {
            return Err(Fault::new(refusal).help("if it is meant to change something, say `writes: true`").into());
        }
        if self.is_spent {
            return Err(Fault::new("the answer before this one was too long to be read to its end").into());
        }
        let (deadline, place, access) = (self.deadline, self.place.clone(), self.access);
        let mut is_spent = true;
        let silent = || {
            Fault::new(format!("{place} did not answer the query in time")).help(
                "give `timeout` more, or the query less to do; a pooler with no server behind it is silent like this too",
            )
        };
        let asking = async {
            let rows = self.ask(sql, max_rows).await;
            // A long answer is not read to its end only to be polite: closing the connection ends it as well.
            is_spent = access == Access::Read && rows.as_ref().is_ok_and(|rows| rows.truncated);
            if !is_spent {
                let end = self.end(access, rows.is_ok()).await;
                if rows.is_ok() {
                    end?;
                }
            }
            rows
        };
        let rows = within(deadline, asking, silent).await;
        self.is_spent = is_spent;
        rows
    }

    async fn ask(&mut self, sql: &str, max_rows: usize) -> anyhow::Result<Rows> {
        // The server stops a little earlier than this side gives up, so that it is the server that says why.
        let time = self.deadline.saturating_duration_since(Instant::now()).mul_f64(0.9).max(Duration::from_millis(1));
        let place = &self.place;
        let wrong = |error: sqlx::Error| fault(&error, place);
        let drain = self.access == Access::Write;
        let statement = || AssertSqlSafe(sql.to_owned());
        match &mut self.server {
            Server::Postgres(connection) => {
                postgres::begin(connection, self.access, time).await.map_err(wrong)?;
                let answer = connection.fetch_many(query(statement()).persistent(false));
                let rows = collect(answer, max_rows, drain, postgres::json, PgQueryResult::rows_affected, place).await;
                if !rows.as_ref().is_err_and(postgres::is_forgotten) {
                    return rows;
                }
                raw_sql("ROLLBACK").execute(&mut **connection).await.map_err(wrong)?;
                postgres::begin(connection, self.access, time).await.map_err(wrong)?;
                let answer = connection.fetch_many(query(statement()).persistent(false));
                collect(answer, max_rows, drain, postgres::json, PgQueryResult::rows_affected, place).await
            }
            Server::MySql(connection) => {
                mysql::begin(connection, self.access, time).await.map_err(wrong)?;
                let answer = connection.fetch_many(query(statement()).persistent(false));
                collect(answer, max_rows, drain, mysql::json, MySqlQueryResult::rows_affected, place).await
            }
            Server::Sqlite(connection, _) => {
                if statement::is_several(sql) {
                    return Err(Fault::new("one statement at a time").help("make several probes of it").into());
                }
                raw_sql("BEGIN").execute(&mut **connection).await.map_err(wrong)?;
                let answer = connection.fetch_many(query(statement()).persistent(false));
                collect(answer, max_rows, drain, sqlite::json, SqliteQueryResult::rows_affected, place).await
            }
        }
    }

    async fn end(&mut self, access: Access, is_good: bool) -> anyhow::Result<()> {
        let end = if access == Access::Write && is_good { "COMMIT" } else { "ROLLBACK" };
        let result = match &mut self.server {
            Server::Postgres(connection) => raw_sql(end).execute(&mut **connection).await.map(drop),
            Server::MySql(connection) => raw_sql(end).execute(&mut **connection).await.map(drop),
            Server::Sqlite(connection, _) => raw_sql(end).execute(&mut **connection).await.map(drop),
        };
        result.map_err(|error| fault(&error, &self.place))
    }
}

/// Reads an answer. Columns of one name are refused: a map would lose one of them.
async fn collect<R: Row, Q>(
    mut answer: impl Stream<Item = Result<Either<Q, R>, sqlx::Error>> + Unpin,
    max_rows: usize,
    drain: bool,
    json: fn(&R, usize) -> Result<Value, Unshowable>,
    affected: fn(&Q) -> u64,
    place: &str,
) -> anyhow::Result<Rows> {
    let mut seen = Rows { columns: Vec::new(), rows: Vec::new(), truncated: false, affected: 0 };
    let mut size = 0;
    while let Some(part) = answer.next().await {
        let row = match part.map_err(|error| fault(&error, place))? {
            Either::Left(result) => {
                seen.affected += affected(&result);
                continue;
            }
            Either::Right(row) => row,
        };
        if seen.rows.len() >= max_rows || size > MAX_BYTES {
            seen.truncated = true;
            if drain {
                continue;
            }
            return Ok(seen);
        }
        if seen.columns.is_empty() {
            seen.columns = columns(&row)?;
        }
        let mut map = Map::new();
        for (index, column) in seen.columns.iter().enumerate() {
            let value = json(&row, index)
                .map_err(|Unshowable(why)| Fault::new(format!("the column `{}`: {why}", column.name)))?;
            size += column.name.len() + value.as_str().map_or_else(|| value.to_string().len(), str::len);
            map.insert(column.name.clone(), value);
        }
        seen.rows.push(map);
    }
    Ok(seen)
}

fn columns<R: Row>(row: &R) -> anyhow::Result<Vec<Column>> {
    let mut columns: Vec<Column> = Vec::new();
    for column in row.columns() {
        let name = column.name().to_owned();
        if columns.iter().any(|earlier| earlier.name == name) {
            let fault = Fault::new(format!("the answer has more than one column that is called `{name}`"));
            return Err(fault.help("give each a name of its own in the query: `… AS name`").into());
        }
        columns.push(Column { name, kind: column.type_info().name().to_lowercase() });
    }
    Ok(columns)
}

async fn within<T>(
    deadline: Instant,
    work: impl Future<Output = anyhow::Result<T>>,
    silent: impl FnOnce() -> Fault,
) -> anyhow::Result<T> {
    match tokio::time::timeout_at(deadline, work).await {
        Ok(result) => result,
        Err(_) => Err(silent().into()),
    }
}

fn certificates(file: &Path) -> anyhow::Result<Vec<u8>> {
    let pem = std::fs::read(file).with_context(|| format!("reading `{}`", file.display()))?;
    if !pem.windows(22).any(|window| window == b"-----BEGIN CERTIFICATE") {
        let fault = Fault::new(format!("`{}` holds no certificate", file.display()));
        return Err(fault.help("`ca` wants PEM: `-----BEGIN CERTIFICATE-----` and so on").into());
    }
    Ok(pem)
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests;
