//! `sql`: what does a database return for one statement?

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::{Context, Exclusive, Fault, Probe, SameFact, Truncation};
use crate::client::sql::{
    Access, Column, Database, DatabaseParts, DatabaseSource, DatabaseUrl, PARTS, Place, Protocol, Request, client,
};

/// The longest value that evidence shows, in characters.
const MAX_EVIDENCE: usize = 80;

/// Runs one statement in PostgreSQL (also through PgBouncer), MySQL, MariaDB or SQLite, in a read-only transaction that
/// the server ends at the timeout.
///
/// Values become JSON: whole numbers, floats and booleans as such; `numeric` as a number if JSON can represent it
/// exactly, else as text; `json` and `jsonb` as their content; arrays as lists; times as `2026-03-01T12:00:00Z`,
/// without the `Z` if the column has no time zone; bytes as hexadecimal digits; uuid, inet and enums as text. In MySQL
/// and SQLite, 0 and 1 in a column declared `BOOLEAN` are false and true. MariaDB stores JSON as text, and it stays
/// text here; select parts of it with `JSON_VALUE(column, '$.path')`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Sql {
    #[serde(rename = "..", deserialize_with = "DatabaseSource::required")]
    #[schemars(flatten, with = "DatabaseParts")]
    url: DatabaseUrl,
    /// One statement, such as `SELECT count(*) FROM users`.
    query: Statement,
    /// Whether the statement may write. Then it is committed, and counts as having effects. Default: `false`.
    #[serde(default)]
    writes: bool,
    /// `simple` for PgBouncer's console, such as `SHOW POOLS` in its database `pgbouncer`: one statement as text,
    /// without a transaction. Without `writes` it must be a `SHOW`. Default: `extended`.
    #[serde(default)]
    protocol: Protocol,
    /// Maximum number of rows to keep. Default: 1000.
    #[serde(default = "default_max_rows")]
    max_rows: u32,
    /// Don't verify TLS. Every report shows it.
    #[serde(default)]
    insecure: bool,
    /// A file of PEM certificates to trust besides the system's, such as `deploy/ca.pem`. With it, TLS is required.
    ca: Option<PathBuf>,
}

/// A statement with something in it.
#[derive(JsonSchema)]
#[schemars(inline)]
struct Statement(#[schemars(with = "String")] String);

/// The result of a statement.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SqlSeen {
    /// The value, if the result is one row with one column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Whether the result is positive: there is a row (or, with `writes`, a changed one), and if the result is a single
    /// value, it is not null, false or 0.
    pub holds: bool,
    /// The rows, each a map from the column's name to its value.
    pub rows: Vec<Map<String, Value>>,
    /// Number of rows, at most `max_rows`.
    pub row_count: usize,
    /// Whether there were more rows than `max_rows`.
    pub truncated: bool,
    /// The columns in order. Empty if the query returns no rows.
    pub columns: Vec<Column>,
    /// Number of rows that the statement changed. Only with `writes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affected: Option<u64>,
    /// Duration in milliseconds, including the connection.
    pub duration_ms: u64,
}

impl Probe for Sql {
    const KIND: &'static str = "sql";
    const EXPECT: &'static str = "{ holds: true }";
    const EXCLUSIVE: &'static [Exclusive] = &[("url", PARTS)];
    const SAME_FACT: &'static [SameFact] = &[("holds", &["value", "rows", "row_count", "affected"])];
    const EXAMPLE: &'static str = r#"sql: { url: "${secrets.DATABASE_URL}", query: SELECT count(*) AS count FROM orders }
expect: { "rows[0].count": { at_least: 1 } }
"#;
    const EFFECTS: Option<&'static str> = Some("With `writes`, the statement can change rows.");
    const TAKES_VIA: bool = true;
    type Observation = SqlSeen;

    async fn observe(&self, cx: &Context) -> Result<SqlSeen, Fault> {
        let start = Instant::now();
        let access = if self.writes { Access::Write } else { Access::Read };
        let request = Request {
            url: self.url.clone(),
            insecure: self.insecure,
            ca: self.ca.clone(),
            access,
            protocol: self.protocol,
        };
        let (query, max_rows) = (self.query.0.clone(), usize::try_from(self.max_rows).unwrap_or(usize::MAX));
        let asking = Database::with(request, start, cx, async move |database| database.rows(&query, max_rows).await);
        let answer = asking.await?;
        let value = match (&*answer.rows, &*answer.columns) {
            ([row], [column]) if !answer.truncated => row.get(&column.name).cloned(),
            _ => None,
        };
        let affected = self.writes.then_some(answer.affected);
        Ok(SqlSeen {
            holds: holds(value.as_ref(), answer.rows.len(), affected),
            value,
            row_count: answer.rows.len(),
            rows: answer.rows,
            truncated: answer.truncated,
            columns: answer.columns,
            affected,
            duration_ms: start.elapsed().as_millis().try_into().unwrap_or(u64::MAX),
        })
    }

    fn evidence(&self, seen: &SqlSeen) -> String {
        match (&seen.value, seen.affected) {
            (Some(Value::String(text)), _) => shortened(text),
            (Some(value), _) => shortened(&value.to_string()),
            (None, Some(affected)) if seen.rows.is_empty() => format!("{} changed", rows(affected)),
            (None, _) if seen.truncated => format!("more than {}", rows(seen.row_count as u64)),
            (None, _) => rows(seen.row_count as u64),
        }
    }

    fn cuts(&self, seen: &SqlSeen) -> Vec<Truncation> {
        if !seen.truncated {
            return Vec::new();
        }
        // Without any row, nothing is known of the value either.
        let paths: &[&str] = match seen.row_count {
            0 => &["rows", "row_count", "value", "holds"],
            _ => &["rows", "row_count"],
        };
        let read = format!("only the first {} were read", rows(seen.row_count as u64));
        vec![Truncation::new(paths, read, (seen.row_count as u64 == u64::from(self.max_rows)).then_some("max_rows"))]
    }

    fn advice(&self, seen: &SqlSeen) -> Option<String> {
        if seen.truncated {
            return Some("there are more rows than `max_rows`".to_owned());
        }
        (seen.rows.is_empty() && !seen.holds).then(|| "the query returned no row".to_owned())
    }

    fn field_advice(&self, seen: &SqlSeen) -> Vec<(&'static str, String)> {
        let advice = match &seen.value {
            Some(value) => {
                format!("the result is {value}: if that is correct, write `expect: {{ value: {value} }}`")
            }
            None if self.writes => "the statement changed no row".to_owned(),
            None => "the query returned no row: if that is correct, write `expect: { row_count: 0 }`".to_owned(),
        };
        if seen.holds || seen.truncated { Vec::new() } else { vec![("holds", advice)] }
    }

    fn has_effects(&self) -> bool {
        self.writes
    }

    fn is_insecure(&self) -> bool {
        self.insecure
    }

    fn reproduce(&self) -> Option<Vec<String>> {
        let mut argv = client(&self.url, &self.query.0, self.ca.as_deref());
        if self.writes {
            argv.retain(|word| word != "-readonly");
        }
        Some(argv)
    }
}

impl<'de> Deserialize<'de> for Sql {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let probe = Sql::deserialize(deserializer)?;
        if probe.protocol == Protocol::Simple && !matches!(probe.url.place(), Place::Postgres(_)) {
            return Err(D::Error::custom("`protocol: simple` is for PostgreSQL and PgBouncer"));
        }
        Ok(probe)
    }
}

impl<'de> Deserialize<'de> for Statement {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.trim().is_empty() {
            return Err(D::Error::custom("the query is empty"));
        }
        Ok(Self(text))
    }
}

fn holds(value: Option<&Value>, rows: usize, affected: Option<u64>) -> bool {
    match value {
        Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(Value::Bool(true) | Value::String(_) | Value::Array(_) | Value::Object(_)) => true,
        None => rows > 0 || affected.is_some_and(|affected| affected > 0),
    }
}

fn rows(count: u64) -> String {
    match count {
        0 => "no row".to_owned(),
        1 => "1 row".to_owned(),
        count => format!("{count} rows"),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_EVIDENCE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn default_max_rows() -> u32 {
    1000
}
