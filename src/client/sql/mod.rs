//! Connections to databases: one per attempt, read in a read-only transaction with a timeout.

mod client;
mod error;
mod guard;
mod mysql;
mod parameter;
mod postgres;
mod reach;
mod source;
mod sqlite;
mod statement;
mod trust;
mod url;
mod value;

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt as _, Stream, StreamExt as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::mysql::{MySqlConnection, MySqlQueryResult};
use sqlx::postgres::{PgConnection, PgQueryResult};
use sqlx::sqlite::{SqliteConnection, SqliteQueryResult};
use sqlx::{AssertSqlSafe, Column as _, Either, Executor as _, Row, TypeInfo as _, query, raw_sql};
use tokio::time::Instant;

use super::load::Load;
use super::{Context, Fault, aside};
use value::Unshowable;

pub use client::client;
pub use error::{fault, is_missing_table};
pub use guard::Guard;
pub use reach::postgres as connect_postgres;
pub use source::{DatabaseParts, DatabaseSource, PARTS, host_of, login};
pub use url::{DatabaseUrl, Place, postgres_target};

/// How much of a result is kept, in bytes of JSON.
const MAX_BYTES: usize = 8 << 20;

/// How much earlier than this side the server stops, so that it can send an error.
const MARGIN: Duration = Duration::from_millis(250);

/// A database, and how to query it.
#[derive(Debug, Clone)]
pub struct Request {
    /// Where it is.
    pub url: DatabaseUrl,
    /// Don't verify TLS.
    pub insecure: bool,
    /// A file of PEM certificates to trust besides the system's. With it, TLS is required and verified.
    pub ca: Option<PathBuf>,
    /// Whether it may be changed.
    pub access: Access,
    /// How PostgreSQL is spoken.
    pub protocol: Protocol,
}

/// How statements are sent to PostgreSQL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Protocol {
    /// Statements are prepared, in a transaction.
    #[default]
    Extended,
    /// One statement as text, outside of a transaction: all that PgBouncer's console knows.
    Simple,
}

/// Whether a statement may change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It may not, and its transaction is rolled back.
    Read,
    /// It may, and its transaction is committed.
    Write,
}

/// A connection to a database for one attempt. Dropping it ends it, and its statement.
pub struct Database {
    server: Server,
    place: String,
    access: Access,
    protocol: Protocol,
    deadline: Instant,
    load: Arc<Load>,
    /// A result was left unread: the connection can't be used any more.
    is_spent: bool,
}

enum Server {
    Postgres(Box<PgConnection>, Guard),
    MySql(Box<MySqlConnection>, Guard),
    Sqlite(Box<SqliteConnection>, #[expect(dead_code, reason = "it is there to be dropped")] sqlite::Stop),
}

/// The kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// PostgreSQL.
    Postgres,
    /// MySQL or MariaDB.
    MySql,
    /// SQLite.
    Sqlite,
}

/// The result of a statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// The columns, if there is a row.
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
    /// Connects to a database and does this on the connection, in the context's time since `begun`. All of it runs on a
    /// thread of its own: a driver reads on for as long as a server sends, and SQLite for as long as a disk takes.
    ///
    /// # Errors
    /// When connecting fails, with the reason; and errors of the work.
    pub async fn with<T: Send + 'static>(
        request: Request,
        begun: Instant,
        cx: &Context,
        work: impl AsyncFnOnce(&mut Self) -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        // Its answer needs a moment to arrive from the other thread.
        let spare = (cx.timeout / 50).min(Duration::from_millis(20));
        let (deadline, cx, name) = (begun + (cx.timeout - spare), cx.clone(), request.url.name());
        let is_of_parts = request.url.is_of_parts();
        let asking = aside::run(move || async move {
            let mut database = Self::connect(&request, deadline, &cx).await?;
            let answer = work(&mut database).await;
            // The driver only sees that the connection has ended.
            answer.map_err(|error| database.verdict().map_or(error, Into::into))
        });
        let asked = match AssertUnwindSafe(asking).catch_unwind().await {
            Ok(asked) => asked.map_err(|error| {
                Fault::new(format!("no further thread can be started: {}", crate::text::error::os(&error)))
            })?,
            // A driver that trusts a length too much.
            Err(_) => Err(Fault::new(format!("the answer of {name} violates the protocol"))
                .help("check host and port: is it a database of this kind?")
                .into()),
        };
        asked.map_err(|error| if is_of_parts { error::by_parts(error) } else { error })
    }

    async fn connect(request: &Request, deadline: Instant, cx: &Context) -> anyhow::Result<Self> {
        let Request { url, insecure, access, protocol, .. } = request;
        let place = url.name();
        let ca = request.ca.as_ref().map(|file| cx.path(file));
        let connecting = async {
            Ok(match url.place() {
                Place::Postgres(url) => {
                    let (target, options) = url::postgres_target(url, &cx.dir, *insecure, ca)?;
                    let (connection, guard) = reach::postgres(&target, &options, &cx.dialer(), &cx.load).await?;
                    Server::Postgres(Box::new(connection), guard)
                }
                Place::MySql(url) => {
                    let (target, options) = url::mysql_target(url, &cx.dir, *insecure, ca)?;
                    let (connection, guard) = reach::mysql(&target, &options, &cx.dialer(), &cx.load).await?;
                    Server::MySql(Box::new(connection), guard)
                }
                Place::Sqlite(_) if cx.machine().is_some() => {
                    let fault = Fault::new(format!("{place} is a local file: `via` does not apply"));
                    return Err(fault.help("write `via: null` in this probe").into());
                }
                Place::Sqlite(file) => {
                    let (connection, stop) = sqlite::open(file, *access, &place, deadline, cx).await?;
                    Server::Sqlite(Box::new(connection), stop)
                }
            })
        };
        let silent = || match url.place() {
            Place::Sqlite(_) => Fault::new(format!("{place} was not opened within {}", seconds(cx.timeout)))
                .help("check the disk or network share that holds it"),
            Place::Postgres(_) | Place::MySql(_) => {
                Fault::new(format!("login at {place} timed out after {}", seconds(cx.timeout))).help(
                    "is it a database? Other causes: a firewall that drops packets, or a pooler without a free server",
                )
            }
        };
        let server = within(deadline, connecting, silent).await?;
        let load = Arc::clone(&cx.load);
        Ok(Self { server, place, access: *access, protocol: *protocol, deadline, load, is_spent: false })
    }

    /// Why the connection was ended on this side, if it was.
    fn verdict(&self) -> Option<Fault> {
        match &self.server {
            Server::Postgres(_, guard) | Server::MySql(_, guard) => guard.verdict(),
            Server::Sqlite(..) => None,
        }
    }

    /// The kind of database.
    pub fn dialect(&self) -> Dialect {
        match &self.server {
            Server::Postgres(..) => Dialect::Postgres,
            Server::MySql(..) => Dialect::MySql,
            Server::Sqlite(..) => Dialect::Sqlite,
        }
    }

    /// Its name in messages: `host:port`, or the file.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Runs one statement in a transaction of its own, and keeps up to this many rows.
    ///
    /// # Errors
    /// When the database refuses, does not answer in time, or answers with what JSON can't hold.
    pub async fn rows(&mut self, sql: &str, max_rows: usize) -> anyhow::Result<Rows> {
        let refusal = match self.protocol {
            Protocol::Extended => statement::refusal(sql, self.dialect()),
            Protocol::Simple => statement::simple_refusal(sql),
        };
        if self.access == Access::Read
            && let Some(refusal) = refusal
        {
            return Err(Fault::new(refusal).help(statement::advice(sql)).into());
        }
        if self.is_spent {
            return Err(Fault::new("the answer before this one was too long to be read to its end").into());
        }
        let (deadline, place, access, protocol) = (self.deadline, self.place.clone(), self.access, self.protocol);
        let mut is_spent = true;
        let dialect = self.dialect();
        let silent = || {
            Fault::new(format!("{place} did not answer the query in time")).help(match dialect {
                Dialect::Sqlite => "raise `timeout`, simplify the query, or find the process that locks the file",
                Dialect::Postgres | Dialect::MySql => {
                    "raise `timeout`, or simplify the query; or does a pooler have no free server?"
                }
            })
        };
        let asking = async {
            let rows = self.ask(sql, max_rows).await;
            // A long result is not read to its end: closing the connection ends it as well.
            is_spent = access == Access::Read && rows.as_ref().is_ok_and(|rows| rows.truncated);
            if !is_spent && protocol == Protocol::Extended {
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
        let left = self.deadline.saturating_duration_since(Instant::now());
        let time = left.saturating_sub(MARGIN.min(left / 20)).max(Duration::from_millis(1));
        let place = &self.place;
        let access = self.access;
        let wrong = |error: sqlx::Error| error::fault_of(&error, place, access);
        let limit = Limit { rows: max_rows, access, load: &self.load };
        let statement = || AssertSqlSafe(sql.to_owned());
        match &mut self.server {
            Server::Postgres(connection, _) if self.protocol == Protocol::Simple => {
                let answer = connection.fetch_many(raw_sql(AssertSqlSafe(sql.to_owned())));
                collect(answer, limit, postgres::json_of_text, PgQueryResult::rows_affected, place).await
            }
            Server::Postgres(connection, _) => {
                let (mut asked, mut unshown, mut is_known) = (sql.to_owned(), None::<Unshown>, false);
                loop {
                    postgres::begin(connection, access, time).await.map_err(wrong)?;
                    let answer = connection.fetch_many(query(AssertSqlSafe(asked.clone())).persistent(false));
                    let rows = collect(answer, limit, postgres::json, PgQueryResult::rows_affected, place).await;
                    let error = match (rows, unshown) {
                        (Ok(mut rows), earlier) => {
                            if let Some(Unshown { columns, .. }) = earlier {
                                rows.columns = columns;
                            }
                            return Ok(rows);
                        }
                        (Err(error), earlier) => {
                            unshown = earlier;
                            error
                        }
                    };
                    if !is_known && postgres::is_forgotten(&error) {
                        is_known = true;
                    } else {
                        let next = Unshown::after(unshown.take(), error)?;
                        if access == Access::Write || !statement::is_query(sql) {
                            return Err(next.into());
                        }
                        asked = postgres::with_text(sql, &next.columns, &next.at);
                        unshown = Some(next);
                    }
                    raw_sql("ROLLBACK").execute(&mut **connection).await.map_err(wrong)?;
                }
            }
            Server::MySql(connection, _) => {
                mysql::begin(connection, self.access, time).await.map_err(wrong)?;
                let answer = connection.fetch_many(query(statement()).persistent(false));
                collect(answer, limit, mysql::json, MySqlQueryResult::rows_affected, place).await
            }
            Server::Sqlite(connection, _) => {
                if statement::is_several(sql) {
                    return Err(Fault::new("one statement at a time").help("make several probes of it").into());
                }
                raw_sql("BEGIN").execute(&mut **connection).await.map_err(wrong)?;
                let answer = connection.fetch_many(query(statement()).persistent(false));
                collect(answer, limit, sqlite::json, SqliteQueryResult::rows_affected, place).await
            }
        }
    }

    async fn end(&mut self, access: Access, is_good: bool) -> anyhow::Result<()> {
        let end = if access == Access::Write && is_good { "COMMIT" } else { "ROLLBACK" };
        let result = match &mut self.server {
            Server::Postgres(connection, _) => raw_sql(end).execute(&mut **connection).await.map(drop),
            Server::MySql(connection, _) => raw_sql(end).execute(&mut **connection).await.map(drop),
            Server::Sqlite(connection, _) => raw_sql(end).execute(&mut **connection).await.map(drop),
        };
        result.map_err(|error| error::fault_of(&error, &self.place, access))
    }
}

/// How much of an answer is kept.
#[derive(Clone, Copy)]
struct Limit<'l> {
    rows: usize,
    /// With `Write`, the rest is read nevertheless.
    access: Access,
    load: &'l Load,
}

/// Columns whose values can't be shown.
#[derive(Debug)]
struct Unshown {
    columns: Vec<Column>,
    at: Vec<usize>,
    why: String,
}

impl std::fmt::Display for Unshown {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for Unshown {}

impl Unshown {
    /// The columns that can't be shown: the earlier ones and those of this error. Fails if the error adds none.
    fn after(earlier: Option<Self>, error: anyhow::Error) -> anyhow::Result<Self> {
        match (earlier, error.downcast::<Self>()) {
            (None, found) => found,
            // The words of the statement that the user wrote.
            (Some(earlier), Err(_)) => Err(earlier.into()),
            (Some(mut earlier), Ok(found)) => {
                let before = earlier.at.len();
                earlier.at.extend(found.at);
                earlier.at.sort_unstable();
                earlier.at.dedup();
                if earlier.at.len() > before { Ok(earlier) } else { Err(earlier.into()) }
            }
        }
    }
}

/// Reads an answer. Columns of one name are refused: a map would lose one of them.
async fn collect<R: Row, Q>(
    mut answer: impl Stream<Item = Result<Either<Q, R>, sqlx::Error>> + Unpin,
    limit: Limit<'_>,
    json: fn(&R, usize) -> Result<Value, Unshowable>,
    affected: fn(&Q) -> u64,
    place: &str,
) -> anyhow::Result<Rows> {
    let mut seen = Rows { columns: Vec::new(), rows: Vec::new(), truncated: false, affected: 0 };
    let mut size = 0;
    while let Some(part) = answer.next().await {
        let row = match part.map_err(|error| error::fault_of(&error, place, limit.access))? {
            Either::Left(result) => {
                seen.affected += affected(&result);
                continue;
            }
            Either::Right(row) => row,
        };
        if seen.rows.len() >= limit.rows || size > MAX_BYTES {
            seen.truncated = true;
            if limit.access == Access::Write {
                continue;
            }
            return Ok(seen);
        }
        if seen.columns.is_empty() {
            seen.columns = columns(&row)?;
        }
        let (mut map, mut unshown) = (Map::new(), Vec::new());
        for (index, column) in seen.columns.iter().enumerate() {
            match json(&row, index) {
                Ok(value) => {
                    size += column.name.len() + value.as_str().map_or_else(|| value.to_string().len(), str::len);
                    map.insert(column.name.clone(), value);
                }
                Err(Unshowable(why)) => unshown.push((index, format!("the column `{}`: {why}", column.name))),
            }
        }
        if let Some((_, why)) = unshown.first() {
            let why = why.clone();
            return Err(
                Unshown { at: unshown.into_iter().map(|(at, _)| at).collect(), columns: seen.columns, why }.into()
            );
        }
        limit.load.hold(size).await;
        seen.rows.push(map);
    }
    Ok(seen)
}

fn columns<R: Row>(row: &R) -> anyhow::Result<Vec<Column>> {
    let mut columns: Vec<Column> = Vec::new();
    for column in row.columns() {
        let name = column.name().to_owned();
        if columns.iter().any(|earlier| earlier.name == name) {
            let fault = Fault::new(format!("the answer has more than one column `{name}`"));
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

fn seconds(time: Duration) -> String {
    crate::yaml::Duration(time).to_string()
}

#[cfg(test)]
mod tests;
