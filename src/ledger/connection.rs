//! A connection to a ledger, and its transactions: the statements are the same in both databases, the drivers differ.

use jiff::Timestamp;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::query::QueryAs;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Connection as _, Database, Encode, FromRow, Postgres, Sqlite, Type, query_as, raw_sql};

use crate::client::sql::Guard;

use super::dialect::{Dialect, POSTGRES, SQLITE};

/// A connection to the database of a ledger.
#[derive(Debug)]
pub enum Connection {
    /// A file.
    Sqlite(Box<SqliteConnection>),
    /// A server.
    /// The guard limits what the server may send.
    Postgres(Box<PgConnection>, Guard),
}

/// Everything is read and written in a transaction: between two statements outside of one, a pooler may switch servers.
#[derive(Debug)]
pub enum Transaction<'c> {
    /// In a file.
    Sqlite(sqlx::Transaction<'c, Sqlite>),
    /// On a server.
    Postgres(sqlx::Transaction<'c, Postgres>),
}

/// The parameter of a statement.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    Integer(i64),
    Text(&'a str),
    OptionalText(Option<&'a str>),
    Bytes(&'a [u8]),
}

/// A type that can be read from a row of either database.
pub trait FromEither: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

impl<T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin> FromEither for T {}

impl Connection {
    /// The statements that differ between the databases.
    pub fn dialect(&self) -> &'static Dialect {
        match self {
            Self::Sqlite(_) => &SQLITE,
            Self::Postgres(..) => &POSTGRES,
        }
    }

    /// Begins to read.
    pub async fn read(&mut self) -> Result<Transaction<'_>, sqlx::Error> {
        self.begin(self.dialect().read).await
    }

    /// Begins to write: no other process writes until it ends.
    pub async fn write(&mut self) -> Result<Transaction<'_>, sqlx::Error> {
        self.begin(self.dialect().write).await
    }

    async fn begin(&mut self, statement: &'static str) -> Result<Transaction<'_>, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(connection) => Transaction::Sqlite(connection.begin_with(statement).await?),
            Self::Postgres(connection, _) => Transaction::Postgres(connection.begin_with(statement).await?),
        })
    }

    /// Closes the connection, so that SQLite leaves no log beside its file.
    pub async fn close(self) {
        // Committed data is safe, whatever the answer is.
        let _ = match self {
            Self::Sqlite(connection) => connection.close().await,
            Self::Postgres(connection, _guard) => connection.close().await,
        };
    }
}

impl Transaction<'_> {
    /// Every row of the result.
    pub async fn all<T: FromEither>(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<T>, sqlx::Error> {
        match self {
            Self::Sqlite(transaction) => bound::<Sqlite, T>(sql, values).fetch_all(&mut **transaction).await,
            Self::Postgres(transaction) => bound::<Postgres, T>(sql, values).fetch_all(&mut **transaction).await,
        }
    }

    /// The first row of the result.
    pub async fn first<T: FromEither>(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Option<T>, sqlx::Error> {
        Ok(self.all(sql, values).await?.into_iter().next())
    }

    /// Executes a statement without a result.
    pub async fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<(), sqlx::Error> {
        self.all::<()>(sql, values).await.map(drop)
    }

    /// Executes statements without parameters.
    pub async fn script(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(transaction) => raw_sql(sql).execute(&mut **transaction).await.map(drop),
            Self::Postgres(transaction) => raw_sql(sql).execute(&mut **transaction).await.map(drop),
        }
    }

    /// The time of the ledger: the earlier of this machine's and the server's clock.
    pub async fn now(&mut self, own: Timestamp) -> Result<Timestamp, sqlx::Error> {
        let own = own.as_millisecond();
        let now = match self {
            Self::Sqlite(_) => own,
            Self::Postgres(_) => {
                let sql = "SELECT (extract(epoch FROM now()) * 1000)::bigint";
                let server: Option<(i64,)> = self.first(sql, &[]).await?;
                server.map_or(own, |(server,)| server.min(own))
            }
        };
        Timestamp::from_millisecond(now).map_err(|why| sqlx::Error::Decode(why.into()))
    }

    /// Makes what was written permanent.
    pub async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await,
            Self::Postgres(transaction) => transaction.commit().await,
        }
    }

    /// Ends it and changes nothing.
    pub async fn rollback(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(transaction) => transaction.rollback().await,
            Self::Postgres(transaction) => transaction.rollback().await,
        }
    }
}

/// The statement with its parameters. Never under a name: behind a pooler, names clash.
fn bound<'q, DB, T>(sql: &'static str, values: &[Value<'q>]) -> QueryAs<'q, DB, T, DB::Arguments>
where
    DB: Database + sqlx::database::HasStatementCache,
    T: for<'r> FromRow<'r, DB::Row>,
    i64: Encode<'q, DB> + Type<DB>,
    &'q str: Encode<'q, DB> + Type<DB>,
    Option<&'q str>: Encode<'q, DB> + Type<DB>,
    &'q [u8]: Encode<'q, DB> + Type<DB>,
{
    let query = values.iter().fold(query_as(sql), |query, value| match *value {
        Value::Integer(number) => query.bind(number),
        Value::Text(text) => query.bind(text),
        Value::OptionalText(text) => query.bind(text),
        Value::Bytes(bytes) => query.bind(bytes),
    });
    query.persistent(false)
}
