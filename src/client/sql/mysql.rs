//! MySQL and MariaDB: the transaction that only reads, and what their values are in JSON.

use std::time::Duration;

use serde_json::Value;
use sqlx::mysql::types::MySqlTime;
use sqlx::mysql::{MySqlConnection, MySqlDatabaseError, MySqlRow};
use sqlx::{
    AssertSqlSafe, Column as _, ColumnOrigin, Decode, MySql, Row as _, Type, TypeInfo as _, ValueRef as _, raw_sql,
};

use crate::text::{error, json};

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

/// The value of a row as JSON.
pub fn json(row: &MySqlRow, index: usize) -> Result<Value, Unshowable> {
    let raw = row.try_get_raw(index).map_err(Unshowable::driver)?;
    let kind = raw.type_info().into_owned();
    let is_moment = matches!(kind.name(), "DATE" | "DATETIME" | "TIMESTAMP");
    // To the driver, the date 0000-00-00 is null.
    if raw.is_null() && !(is_moment && get::<Vec<u8>>(row, index).is_ok()) {
        return Ok(Value::Null);
    }
    match kind.name() {
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
        // The session's time zone is UTC, in which a TIMESTAMP is shown.
        name if is_moment => {
            let at = moment(&get::<Vec<u8>>(row, index)?, name != "DATE");
            let at = at.ok_or_else(|| Unshowable(format!("an invalid `{name}`")))?;
            Ok(if name == "TIMESTAMP" { format!("{at}Z") } else { at }.into())
        }
        "TIME" => Ok(get::<MySqlTime>(row, index)?.to_string().into()),
        "JSON" => {
            let text = get::<Vec<u8>>(row, index)?;
            json::parse_exactly(&text).map_err(|error| Unshowable(error::json(&error)))
        }
        "GEOMETRY" => Err(Unshowable("a `GEOMETRY` can't be shown: ask for ST_AsText(…)".to_owned())),
        "TINYBLOB" | "BLOB" | "MEDIUMBLOB" | "LONGBLOB" | "BINARY" | "VARBINARY"
            if !<str as Type<MySql>>::compatible(&kind) && is_of_table(row, index) =>
        {
            Ok(hex(&get::<Vec<u8>>(row, index)?))
        }
        // Servers call many a text binary (SHOW, CONCAT of numbers): what reads as text is text.
        _ => Ok(match String::from_utf8(get::<Vec<u8>>(row, index)?) {
            Ok(text) if !text.contains('\0') => text.into(),
            Ok(text) => hex(text.as_bytes()),
            Err(error) => hex(error.as_bytes()),
        }),
    }
}

fn get<'r, T: Decode<'r, MySql>>(row: &'r MySqlRow, index: usize) -> Result<T, Unshowable> {
    let raw = row.try_get_raw(index).map_err(Unshowable::driver)?;
    T::decode(raw).map_err(Unshowable::driver)
}

/// Whether a column is one of a table's that is not the server's own.
fn is_of_table(row: &MySqlRow, index: usize) -> bool {
    let own = ["information_schema.", "mysql.", "performance_schema.", "sys."];
    match row.column(index).origin() {
        ColumnOrigin::Table(column) => !own.iter().any(|schema| column.table.starts_with(schema)),
        ColumnOrigin::Expression | ColumnOrigin::Unknown => false,
    }
}

/// A date and time as it travels: its length, and what is not zero of it. No calendar has the 0000-00-00 of MySQL.
fn moment(bytes: &[u8], has_time: bool) -> Option<String> {
    let (length, rest) = bytes.split_first()?;
    if usize::from(*length) != rest.len() {
        return None;
    }
    let at = |place: usize| rest.get(place).copied().unwrap_or_default();
    let date = format!("{:04}-{:02}-{:02}", u16::from_le_bytes([at(0), at(1)]), at(2), at(3));
    if !has_time {
        return Some(date);
    }
    let fraction = match u32::from_le_bytes([at(7), at(8), at(9), at(10)]) {
        0 => String::new(),
        micros if micros % 1000 == 0 => format!(".{:03}", micros / 1000),
        micros => format!(".{micros:06}"),
    };
    Some(format!("{date}T{:02}:{:02}:{:02}{fraction}", at(4), at(5), at(6)))
}
