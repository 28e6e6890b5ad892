//! The URL of a database, also in SQLAlchemy's form, and the options of its connection.

use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use sqlx::ConnectOptions as _;
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::{ParseError, Url};

use crate::text::error;

use super::Dialect;
use super::parameter::{self, SEVERAL_HOSTS};
use super::reach::{Address, Security, Target};
use super::trust::{Files, Verify};

const ENCODE: &str = "in a user or password, `/`, `@`, `:`, `#`, `?` and `%` must be percent-encoded: `%2F`, `%40`, \
                      `%3A`, `%23`, `%3F`, `%25`";

/// Where a database is: `postgresql://user:password@host/name`, `mysql://…`, `sqlite:///file.db`. What SQLAlchemy puts
/// behind a plus sign, as in `postgresql+asyncpg://`, is accepted and makes no difference.
#[derive(Clone, PartialEq, Eq, JsonSchema)]
#[schemars(inline, transparent)]
pub struct DatabaseUrl {
    #[schemars(with = "String")]
    place: Place,
    /// As it was written.
    #[schemars(skip)]
    text: String,
    /// Whether the checklist names it by its parts.
    #[schemars(skip)]
    is_of_parts: bool,
}

/// The database that a URL names; its parameters under the driver's names.
#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    /// A PostgreSQL server, or a pooler before one.
    Postgres(Url),
    /// A MySQL or MariaDB server.
    MySql(Url),
    /// A file, and where it may be otherwise.
    Sqlite(SqliteFile),
}

/// A file of SQLite. `sqlite:///a/b.db` is the relative `a/b.db` to SQLAlchemy and the absolute `/a/b.db` to others.
#[derive(Clone, PartialEq, Eq)]
pub struct SqliteFile {
    /// The path as SQLAlchemy understands it.
    pub path: PathBuf,
    /// The path as others do, where that differs.
    pub otherwise: Option<PathBuf>,
}

impl DatabaseUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// When the URL is invalid. The message never has a part that may be a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let Some((scheme, rest)) = text.split_once(':') else {
            return Err(
                "this is not a database URL: it must begin with `postgresql://`, `mysql://` or `sqlite:`".into()
            );
        };
        let scheme = scheme.to_ascii_lowercase();
        let kind = scheme.split('+').next().unwrap_or_default();
        let place = match kind {
            "sqlite" => Place::Sqlite(sqlite(rest)?),
            "postgres" | "postgresql" => {
                Place::Postgres(parameter::translated(server("postgres", rest)?, Dialect::Postgres)?)
            }
            "mysql" | "mariadb" => Place::MySql(parameter::translated(server("mysql", rest)?, Dialect::MySql)?),
            "jdbc" => return Err("drop the `jdbc:` before the URL, and put user and password into it".into()),
            _ => {
                return Err("unsupported database: the URL must begin with `postgresql://`, \
                            `mysql://`, `mariadb://` or `sqlite:`"
                    .into());
            }
        };
        match &place {
            Place::Postgres(url) => drop(PgConnectOptions::from_url(url).map_err(|error| setting(&error))?),
            Place::MySql(url) => drop(MySqlConnectOptions::from_url(url).map_err(|error| setting(&error))?),
            Place::Sqlite(_) => {}
        }
        Ok(Self { place, text: text.to_owned(), is_of_parts: false })
    }

    /// The same, made of the parts that a checklist names.
    #[must_use]
    pub fn of_parts(self) -> Self {
        Self { is_of_parts: true, ..self }
    }

    /// Whether the checklist names it by its parts, not by a URL.
    pub fn is_of_parts(&self) -> bool {
        self.is_of_parts
    }

    /// The database that it names.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its name in messages: `host:port`, or the file. Never user, password or parameters.
    pub fn name(&self) -> String {
        match &self.place {
            Place::Postgres(url) => host_and_port(url, 5432),
            Place::MySql(url) => host_and_port(url, 3306),
            Place::Sqlite(file) => format!("`{}`", file.path.display()),
        }
    }
}

impl<'de> Deserialize<'de> for DatabaseUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.debug_tuple("DatabaseUrl").field(&self.name()).finish()
    }
}

/// The options of a connection to PostgreSQL. `insecure` and `ca` as in the probe's settings.
///
/// # Errors
/// When the URL's parameters contradict themselves.
pub fn postgres(url: &Url, dir: &Path, insecure: bool, ca: Option<Vec<u8>>) -> Result<PgConnectOptions, sqlx::Error> {
    let mut options = PgConnectOptions::from_url(&parameter::with_files(url, dir))?
        // PgBouncer refuses every startup parameter that it does not know.
        .extra_float_digits(None)
        .statement_cache_capacity(0);
    if options.get_application_name().is_none() {
        options = options.application_name("gate");
    }
    options = options.clone().ssl_mode(match options.get_ssl_mode() {
        mode @ (PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer) if ca.is_none() => mode,
        _ if insecure => PgSslMode::Require,
        PgSslMode::VerifyCa => PgSslMode::VerifyCa,
        // TLS without verification would not show who is at the other end.
        PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer | PgSslMode::Require | PgSslMode::VerifyFull => {
            PgSslMode::VerifyFull
        }
    });
    Ok(match ca {
        Some(pem) => options.ssl_root_cert_from_pem(pem),
        None => options,
    })
}

/// The options of a connection to MySQL or MariaDB.
fn mysql(url: &Url, dir: &Path) -> Result<MySqlConnectOptions, sqlx::Error> {
    Ok(MySqlConnectOptions::from_url(&parameter::with_files(url, dir))?
        // The query has the same meaning as in the application: the session's `sql_mode` is not changed.
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .statement_cache_capacity(0))
}

/// The server and the driver's options. `insecure` and `ca` as in the probe's settings.
///
/// # Errors
/// When the URL's parameters contradict themselves.
pub fn postgres_target(
    url: &Url,
    dir: &Path,
    insecure: bool,
    ca: Option<PathBuf>,
) -> anyhow::Result<(Target, PgConnectOptions)> {
    let place = host_and_port(url, 5432);
    let has_ca = ca.is_some();
    let options = postgres(url, dir, insecure, None).map_err(|error| super::fault(&error, &place))?;
    let address = match options.get_socket() {
        Some(folder) => socket(folder, options.get_port()),
        // Without a host, the driver looks for a socket.
        None if options.get_host().starts_with('/') => socket(Path::new(options.get_host()), options.get_port()),
        None => Address::Tcp(bare(options.get_host()), options.get_port()),
    };
    let security = match options.get_ssl_mode() {
        PgSslMode::Disable if !has_ca => Security::Disable,
        PgSslMode::Allow if !has_ca => Security::Allow,
        PgSslMode::Prefer if !has_ca => Security::Prefer,
        _ if insecure => Security::Require(Verify::Nothing),
        PgSslMode::VerifyCa => Security::Require(Verify::Issuer),
        PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer | PgSslMode::Require | PgSslMode::VerifyFull => {
            Security::Require(Verify::All)
        }
    };
    let files = files(url, dir, ca);
    let required = parameter::get(url, "require_auth");
    Ok((Target { place, address, security, files, password: None, required }, options))
}

/// The server and the driver's options. `insecure` and `ca` as in the probe's settings.
///
/// # Errors
/// When the URL's parameters contradict themselves.
pub fn mysql_target(
    url: &Url,
    dir: &Path,
    insecure: bool,
    ca: Option<PathBuf>,
) -> anyhow::Result<(Target, MySqlConnectOptions)> {
    let place = host_and_port(url, 3306);
    let has_ca = ca.is_some();
    let options = mysql(url, dir).map_err(|error| super::fault(&error, &place))?;
    let address = match (options.get_socket(), percent_decode_str(options.get_host()).decode_utf8_lossy()) {
        (Some(socket), _) => Address::Socket(socket.clone()),
        (None, host) if host.starts_with('/') => Address::Socket(host.into_owned().into()),
        (None, _) => Address::Tcp(bare(options.get_host()), options.get_port()),
    };
    let security = match options.get_ssl_mode() {
        MySqlSslMode::Disabled if !has_ca => Security::Disable,
        MySqlSslMode::Preferred if !has_ca => Security::Prefer,
        _ if insecure => Security::Require(Verify::Nothing),
        MySqlSslMode::VerifyCa => Security::Require(Verify::Issuer),
        MySqlSslMode::Disabled | MySqlSslMode::Preferred | MySqlSslMode::Required | MySqlSslMode::VerifyIdentity => {
            Security::Require(Verify::All)
        }
    };
    let password = url.password().map(|password| percent_decode_str(password).decode_utf8_lossy().into_owned());
    let files = files(url, dir, ca);
    Ok((Target { place, address, security, files, password, required: None }, options))
}

fn files(url: &Url, dir: &Path, ca: Option<PathBuf>) -> Files {
    let file = |names: [&str; 2]| names.iter().find_map(|name| parameter::get(url, name)).map(|file| dir.join(file));
    Files {
        ca: ca.or_else(|| file(["sslrootcert", "ssl-ca"])),
        certificate: file(["sslcert", "ssl-cert"]),
        key: file(["sslkey", "ssl-key"]),
    }
}

fn socket(folder: &Path, port: u16) -> Address {
    Address::Socket(folder.join(format!(".s.PGSQL.{port}")))
}

/// A host without the brackets that an IPv6 address has in a URL.
fn bare(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches(']').to_owned()
}

fn server(scheme: &str, rest: &str) -> Result<Url, String> {
    let Some(rest) = rest.strip_prefix("//") else {
        return Err("this is not a database URL: two slashes must follow the colon".into());
    };
    let (authority, behind) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (login, host) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
    if host.contains(',') && !behind.contains('@') {
        return Err(SEVERAL_HOSTS.to_owned());
    }
    // libpq has no host where the parameters name one.
    let name = if (host.is_empty() && !login.is_empty()) || host.starts_with(':') { "localhost" } else { "" };
    let url = Url::parse(&format!("{scheme}://{login}{name}{host}{behind}")).map_err(|error| match error {
        ParseError::InvalidPort | ParseError::EmptyHost | ParseError::InvalidDomainCharacter => {
            format!("the URL has no proper host and port: {ENCODE}")
        }
        error => format!("this is not a URL: {}; {ENCODE}", error::url(error)),
    })?;
    // A `/`, `?` or `#` in a password ends the host early, and the `@` then comes after it.
    let behind = url.path().contains('@') || url.query().is_some_and(|query| query.contains('@'));
    if behind || url.fragment().is_some() {
        return Err(format!("the URL's parts are not where they should be: {ENCODE}"));
    }
    Ok(url)
}

fn sqlite(rest: &str) -> Result<SqliteFile, String> {
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    parameter::sqlite(query)?;
    let decoded = percent_decode_str(path).decode_utf8().map_err(|_| "the file's name is not UTF-8".to_owned())?;
    let (text, otherwise) = match decoded.strip_prefix("//") {
        Some(behind) => match behind.strip_prefix('/') {
            Some(path) => (path, (!path.starts_with('/')).then(|| PathBuf::from(behind))),
            None => (behind, None),
        },
        None => (&*decoded, None),
    };
    if text.is_empty() || text == ":memory:" {
        return Err("a database in memory is empty: name a file, such as `sqlite:///data/app.db`".into());
    }
    Ok(SqliteFile { path: text.into(), otherwise })
}

/// The driver's message names its own parameters, under names that the URL may not have.
fn setting(_: &sqlx::Error) -> String {
    "a parameter of the URL has an invalid value".to_owned()
}

fn host_and_port(url: &Url, default: u16) -> String {
    let parameter = |name: &str| parameter::get(url, name);
    let host = parameter("socket").or_else(|| parameter("host")).or_else(|| parameter("hostaddr"));
    let host = host.or_else(|| url.host_str().map(str::to_owned));
    let host = host.filter(|host| !host.is_empty()).unwrap_or_else(|| "localhost".to_owned());
    let host = percent_decode_str(&host).decode_utf8_lossy().into_owned();
    if host.starts_with('/') {
        return host;
    }
    let port = url.port().map(|port| port.to_string()).or_else(|| parameter("port"));
    format!("{host}:{}", port.unwrap_or_else(|| default.to_string()))
}
