//! Where a database is: by its URL, or by the parts of one.

use std::num::NonZeroU16;

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::yaml::Filter;

use super::DatabaseUrl;

/// The settings that refer to parts of the URL.
pub const PARTS: &[&str] = &["dialect", "host", "port", "user", "password", "database"];

/// A database, if it is named.
#[derive(Debug, Clone, Default)]
pub struct DatabaseSource(Option<DatabaseUrl>);

impl DatabaseSource {
    /// Its URL.
    pub fn url(&self) -> Option<&DatabaseUrl> {
        self.0.as_ref()
    }

    /// Reads a database that must be named.
    ///
    /// # Errors
    /// When it is not, or something is wrong with it.
    pub fn required<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DatabaseUrl, D::Error> {
        Self::deserialize(deserializer)?.0.ok_or_else(|| D::Error::missing_field("url` or `host"))
    }
}

/// A URL, or its parts.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatabaseParts {
    /// The URL of the database: `postgresql://user:password@host/name`, `mysql://…`, `mariadb://…`,
    /// `sqlite:///file.db`. SQLAlchemy's `postgresql+asyncpg://` and the like are accepted. `?sslmode=require` and
    /// stricter require TLS and verify it; without `sslmode`, TLS is used if the server offers it. A SQLite file must
    /// exist.
    url: Option<DatabaseUrl>,
    /// Without `url`: the kind of server. Default: `postgresql`.
    #[serde(default)]
    dialect: ServerDialect,
    /// Without `url`: the name or address of the server, such as `db.staging.example`.
    host: Option<String>,
    /// Without `url`: its port. Default: 5432, or 3306 for MySQL and MariaDB.
    port: Option<NonZeroU16>,
    /// Without `url`: the user.
    user: Option<String>,
    /// Without `url`: the password as it is, not percent-encoded, such as `${secrets.DB_PASSWORD}`.
    password: Option<String>,
    /// Without `url`: the name of the database.
    database: Option<String>,
}

/// A kind of server.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum ServerDialect {
    /// PostgreSQL, or a pooler in front of it.
    #[default]
    Postgresql,
    /// MySQL.
    Mysql,
    /// MariaDB.
    Mariadb,
}

impl<'de> Deserialize<'de> for DatabaseSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parts = DatabaseParts::deserialize(deserializer)?;
        let DatabaseParts { url: None, dialect, host, port, user, password, database } = parts else {
            return Ok(Self(parts.url));
        };
        let Some(host) = host else {
            let is_lonely = port.is_some() || user.is_some() || password.is_some() || database.is_some();
            return if is_lonely { Err(D::Error::missing_field("host")) } else { Ok(Self(None)) };
        };
        let scheme = match dialect {
            ServerDialect::Postgresql => "postgresql",
            ServerDialect::Mysql => "mysql",
            ServerDialect::Mariadb => "mariadb",
        };
        let login = login(user.as_deref(), password.as_deref());
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let name = encoded(database.as_deref().unwrap_or_default());
        let url = format!("{scheme}://{login}{}{port}/{name}", host_of(&host).map_err(D::Error::custom)?);
        DatabaseUrl::parse(&url).map(|url| Self(Some(url.of_parts()))).map_err(D::Error::custom)
    }
}

/// `user:password@`, percent-encoded; nothing where both are missing.
pub fn login(user: Option<&str>, password: Option<&str>) -> String {
    match (user, password) {
        (None, None) => String::new(),
        (user, None) => format!("{}@", encoded(user.unwrap_or_default())),
        (user, Some(password)) => format!("{}:{}@", encoded(user.unwrap_or_default()), encoded(password)),
    }
}

/// A host as it is in a URL.
///
/// # Errors
/// When it is more than a host.
pub fn host_of(host: &str) -> Result<String, String> {
    if host.is_empty() || host.contains(['/', '@', '?', '#', ' ', ',']) {
        return Err("`host` must be a name or an address, such as `db.staging.example`".to_owned());
    }
    match host.contains(':') && !host.starts_with('[') {
        true if host.parse::<std::net::Ipv6Addr>().is_ok() => Ok(format!("[{host}]")),
        true => Err("`host` has a port: use `port`".to_owned()),
        false => Ok(host.to_owned()),
    }
}

fn encoded(text: &str) -> String {
    // In the form that the redactor knows.
    Filter::UrlEncode.apply(text)
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    fn url(parts: serde_json::Value) -> String {
        let server: DatabaseSource = from_value(parts).expect("it is a server");
        server.url().map(|url| url.text().to_owned()).unwrap_or_default()
    }

    #[test]
    fn parts_make_a_url_whatever_they_hold() {
        let password = "p@ss/w:rd#%?";
        assert_eq!(
            url(json!({ "host": "db", "port": 5433, "user": "gate", "password": password, "database": "app" })),
            "postgresql://gate:p%40ss%2Fw%3Ard%23%25%3F@db:5433/app"
        );
        assert_eq!(url(json!({ "host": "::1", "dialect": "mariadb" })), "mariadb://[::1]/");
        assert_eq!(url(json!({ "host": "db", "password": "x" })), "postgresql://:x@db/");
        assert_eq!(url(json!({})), "");
    }

    #[test]
    fn an_invalid_host_is_refused() {
        let refused = |parts| from_value::<DatabaseSource>(parts).expect_err("it is refused").to_string();
        assert!(refused(json!({ "host": "db:5432" })).contains("`host` has a port: use `port`"));
        assert!(refused(json!({ "host": "postgresql://db" })).contains("`host` must be a name or an address"));
        assert!(refused(json!({ "password": "x" })).contains("missing field `host`"));
    }
}
