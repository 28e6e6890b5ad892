//! The state of a database's migrations: the rows of its version table.

use serde_json::Value;

use crate::client::sql::{Database, Dialect, is_missing_table};
use crate::probe::Fault;

/// No history has as many branches.
const MAX_ROWS: usize = 1000;

/// The content of the version table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// Whether there is a version table.
    pub table_exists: bool,
    /// Its ids, sorted.
    pub ids: Vec<String>,
    /// Other schemas with a table of that name, where it isn't in the one that was looked in.
    pub elsewhere: Vec<String>,
    /// Whether Django keeps its migrations here instead.
    pub is_django: bool,
}

impl State {
    /// Reads the version table.
    ///
    /// # Errors
    /// When the database can't be asked, or the table is not a version table.
    pub async fn read(database: &mut Database, table: &str, schema: Option<&str>) -> anyhow::Result<Self> {
        let dialect = database.dialect();
        let from = schema.map(|schema| format!("{}.", quoted(schema, dialect))).unwrap_or_default();
        let sql = format!("SELECT version_num FROM {from}{}", quoted(table, dialect));
        let rows = match database.rows(&sql, MAX_ROWS).await {
            Ok(rows) => rows,
            Err(error) if is_missing_table(&error) => {
                let elsewhere = elsewhere(database, table, schema).await;
                let is_django = database.rows("SELECT app FROM django_migrations", 1).await.is_ok();
                return Ok(Self { elsewhere, is_django, ..Self::default() });
            }
            Err(error) => return Err(error),
        };
        if rows.truncated {
            let fault = Fault::new(format!("`{table}` has more than {MAX_ROWS} rows"));
            return Err(fault.help("is it alembic's table? `version_table` names it").into());
        }
        let mut ids = Vec::new();
        for row in &rows.rows {
            match row.values().next() {
                Some(Value::String(id)) => ids.push(id.clone()),
                other => {
                    let other = other.unwrap_or(&Value::Null);
                    return Err(Fault::new(format!("`{table}` contains `{other}`, which is not a revision id")).into());
                }
            }
        }
        ids.sort();
        ids.dedup();
        Ok(Self { table_exists: true, ids, ..Self::default() })
    }
}

/// Where else there is such a table. It is only advice: what is not known is left out.
async fn elsewhere(database: &mut Database, table: &str, schema: Option<&str>) -> Vec<String> {
    let is_plain = table.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if database.dialect() == Dialect::Sqlite || !is_plain {
        return Vec::new();
    }
    let sql = format!(
        "SELECT table_schema AS found FROM information_schema.tables WHERE table_name = '{table}' ORDER BY table_schema"
    );
    let Ok(rows) = database.rows(&sql, MAX_ROWS).await else { return Vec::new() };
    let found = rows.rows.iter().filter_map(|row| row.get("found")?.as_str());
    found.filter(|found| Some(*found) != schema).map(str::to_owned).collect()
}

/// A name as this database quotes it. SQLAlchemy quotes where it must, and then the case counts.
fn quoted(name: &str, dialect: Dialect) -> String {
    let quote = match dialect {
        Dialect::MySql => '`',
        Dialect::Postgres | Dialect::Sqlite => '"',
    };
    format!("{quote}{}{quote}", name.replace(quote, &format!("{quote}{quote}")))
}
