//! The database of the demo: SQLite with Alembic's version table, the traces, and the log of the retention job.

use std::path::Path;

use jiff::Timestamp;
use sqlx::{Connection, SqliteConnection};

use super::part::Broken;

/// Makes the database in this folder. Gives its URL.
///
/// # Errors
/// When it can't be written.
pub async fn create(folder: &Path, broken: &Broken, now: Timestamp) -> sqlx::Result<String> {
    let url = format!("sqlite://{}", folder.join("staging.db").display());
    let mut database = SqliteConnection::connect(&format!("{url}?mode=rwc")).await?;
    let head = if broken.is("db-head") { "013_retention" } else { "014_trace_mismatches" };
    let log = match broken.is("retention") {
        true => String::new(),
        false => {
            format!("INSERT INTO aos_traces_retention_log (removed, created_at) VALUES (120, '{now}'), (95, '{now}');")
        }
    };
    // It need not survive a power cut.
    let script = format!(
        "PRAGMA synchronous = OFF; BEGIN; {TABLES} INSERT INTO alembic_version VALUES ('{head}'); {log} COMMIT;"
    );
    // Every part of the text is the demo's own.
    sqlx::raw_sql(sqlx::AssertSqlSafe(script)).execute(&mut database).await?;
    database.close().await?;
    Ok(url)
}

const TABLES: &str = "CREATE TABLE alembic_version (version_num TEXT PRIMARY KEY);
    CREATE TABLE aos_traces (id TEXT PRIMARY KEY, name TEXT NOT NULL, idempotency_key TEXT);
    CREATE TABLE aos_traces_retention_log (id INTEGER PRIMARY KEY, removed INTEGER NOT NULL, created_at TEXT NOT NULL);";
