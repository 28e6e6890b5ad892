//! MySQL and MariaDB: the transaction that only reads, and what their values are in JSON.

use std::time::Duration;

use serde_json::Value;
use sqlx::mysql::types::MySqlTime;
use sqlx::mysql::{MySqlConnection, MySqlDatabaseError, MySqlRow};
use sqlx::types::chrono::{NaiveDate, NaiveDateTime};
use sqlx::{AssertSqlSafe, Decode, MySql, Row as _, TypeInfo as _, ValueRef as _, raw_sql};

use super::Access;
use super::value::{Unshowable, decimal, float, float32, hex};

/// Begins a transaction, in which the server stops a statement after this time.
pub async fn begin(connection: &mut MySqlConnection, access: Access, time: Duration) -> Result<(), sqlx::Error> {
    // MariaDB knows this one, in seconds, for every statement …
    let limit = shorter("max_statement_time", &format!("{:.3}", time.as_secs_f64()));
    if let Err(error) = raw_sql(AssertSqlSafe(limit)).execute(&mut *connection).await {
        let unknown = |error: &MySqlDatabaseError| error.number() == 1193;
        let refused = error.as_database_error().and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>());
        if !refused.is_some_and(unknown) {
            return Err(error);
        }
        // … and MySQL this one, in milliseconds, for SELECT. Old servers know neither: the client's deadline remains.
        let limit = shorter("max_execution_time", &time.as_millis().to_string());
        let _ = raw_sql(AssertSqlSafe(limit)).execute(&mut *connection).await;
    }
    let begin = match access {
        Access::Read => "START TRANSACTION READ ONLY",
        Access::Write => "START TRANSACTION",
    };
    raw_sql(begin).execute(connection).await.map(drop)
}

/// Sets a limit of the session, unless the account has a shorter one. There, 0 is none.
fn shorter(name: &str, limit: &str) -> String {
    format!("SET SESSION {name} = IF(@@SESSION.{name} > 0 AND @@SESSION.{name} < {limit}, @@SESSION.{name}, {limit})")
}

/// What a value of a row is in JSON.
pub fn json(row: &MySqlRow, index: usize) -> Result<Value, Unshowable> {
    let raw = row.try_get_raw(index).map_err(|error| Unshowable(error.to_string()))?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let name = raw.type_info().name().to_owned();
    match name.as_str() {
        "BOOLEAN" => Ok(match get::<i8>(row, index)? {
            0 => false.into(),
            1 => true.into(),
            other => other.into(),
        }),
        "TINYINT" | "SMALLINT" | "INT" | "MEDIUMINT" | "BIGINT" => Ok(get::<i64>(row, index)?.into()),
        "BIT" | "YEAR" => Ok(get::<u64>(row, index)?.into()),
        name if name.ends_with("UNSIGNED") => Ok(get::<u64>(row, index)?.into()),
        "FLOAT" => Ok(float32(get(row, index)?)),
        "DOUBLE" => Ok(float(get(row, index)?)),
        // Decimals travel as text.
        "DECIMAL" => Ok(decimal(&String::from_utf8_lossy(&get::<Vec<u8>>(row, index)?))),
        "DATE" => Ok(get::<NaiveDate>(row, index)?.to_string().into()),
        // The session's time zone is UTC, in which a TIMESTAMP is told.
        "TIMESTAMP" => Ok(format!("{}Z", date_time(get(row, index)?)).into()),
        "DATETIME" => Ok(date_time(get(row, index)?).into()),
        "TIME" => Ok(get::<MySqlTime>(row, index)?.to_string().into()),
        "JSON" => {
            let text = get::<Vec<u8>>(row, index)?;
            serde_json::from_slice(&text).map_err(|error| Unshowable(error.to_string()))
        }
        "GEOMETRY" => Err(Unshowable("a `GEOMETRY` can't be shown: ask for ST_AsText(…)".to_owned())),
        // Servers call many a text binary (SHOW, CONCAT of numbers): what reads as text is text.
        _ => Ok(match String::from_utf8(get::<Vec<u8>>(row, index)?) {
            Ok(text) if !text.contains('\0') => text.into(),
            Ok(text) => hex(text.as_bytes()),
            Err(error) => hex(error.as_bytes()),
        }),
    }
}

fn get<'r, T: Decode<'r, MySql>>(row: &'r MySqlRow, index: usize) -> Result<T, Unshowable> {
    let raw = row.try_get_raw(index).map_err(|error| Unshowable(error.to_string()))?;
    T::decode(raw).map_err(|error| Unshowable(error.to_string()))
}

fn date_time(at: NaiveDateTime) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.f").to_string()
}
