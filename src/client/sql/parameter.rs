//! The parameters of a database URL: each is used, known to have no effect here, or an error.

use std::path::Path;

use url::Url;

use crate::diagnostic::suggestion;

use super::Dialect;

/// libpq's words for what is wanted of TLS.
const POSTGRES_MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// MySQL's words for it.
const MYSQL_MODES: [&str; 5] = ["disabled", "preferred", "required", "verify_ca", "verify_identity"];

/// Supported parameters, as people write them.
const POSTGRES: [&str; 13] = [
    "sslmode",
    "ssl",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "require_auth",
];

/// The same for MySQL.
const MYSQL: [&str; 11] = [
    "ssl-mode",
    "ssl",
    "tls",
    "useSSL",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "socket",
    "unix_socket",
    "collation",
    "time_zone",
];

/// Parameters about the pool, caches and waiting of an application's driver; `timeout` limits the probe. Without
/// hyphens and underscores.
const INDIFFERENT: [&str; 47] = [
    "allownativepasswords",
    "allowpublickeyretrieval",
    "asyncfallback",
    "autocommit",
    "binaryparameters",
    "cache",
    "cachedstatements",
    "characterencoding",
    "charset",
    "checkconnliveness",
    "checksamethread",
    "commandtimeout",
    "connectionlimit",
    "connecttimeout",
    "defaultqueryexecmode",
    "detecttypes",
    "fallbackapplicationname",
    "interpolateparams",
    "isolationlevel",
    "keepalives",
    "keepalivescount",
    "keepalivesidle",
    "keepalivesinterval",
    "localinfile",
    "maxallowedpacket",
    "maxoverflow",
    "multistatements",
    "parsetime",
    "pgbouncer",
    "poolmaxconnlifetime",
    "poolmaxconns",
    "poolminconns",
    "poolpreping",
    "poolrecycle",
    "poolsize",
    "pooltimeout",
    "preparedstatementcachesize",
    "preparedstatementnamefunc",
    "preparethreshold",
    "readtimeout",
    "statementcachecapacity",
    "statementcachesize",
    "tcpusertimeout",
    "timeout",
    "uri",
    "useunicode",
    "writetimeout",
];

/// Parameters that are accepted with these values, because gate does the same anyway. The name without hyphens and
/// underscores, and what to do about others.
const GIVEN: [(&str, &[&str], &str); 9] = [
    ("targetsessionattrs", &["any"], "name the server itself"),
    ("channelbinding", &["disable", "prefer"], "remove it; `sslmode=verify-full` verifies the server"),
    ("gssencmode", &["disable", "prefer"], "use TLS"),
    ("sslnegotiation", &["postgres"], "remove it"),
    ("loadbalancehosts", &["disable"], "name one server"),
    ("clientencoding", &["utf8", "utf-8", "auto"], "remove it; texts are always UTF-8 here"),
    ("schema", &["public"], "name the schema in the query, as in `app.users`"),
    ("timezone", &["utc", "+00:00"], "remove it; times are shown in UTC"),
    ("mode", &["ro", "rw", "rwc"], "use `mode=ro` or remove it"),
];

/// Unsupported parameters, and what to do.
const REFUSED: [(&str, &str); 5] = [
    ("service", "write host, port, database and user in the URL"),
    ("sslaccept", "use `sslmode=verify-full` (MySQL: `ssl-mode=VERIFY_IDENTITY`)"),
    ("sslverifycert", "use `ssl-mode=VERIFY_CA`"),
    ("sslverifyidentity", "use `ssl-mode=VERIFY_IDENTITY`"),
    ("passfile", "use `~/.pgpass` or the variable `PGPASSFILE`"),
];

/// The URL with its parameters in the words of the driver, and without those that make no difference.
///
/// # Errors
/// When a parameter is unknown, can't be obeyed, or contradicts another one. Never with a value that may be a secret.
pub fn translated(mut url: Url, dialect: Dialect) -> Result<Url, String> {
    let mut all: Vec<(String, String)> = Vec::new();
    for (name, value) in url.query_pairs() {
        for (name, value) in one(&name, &value, dialect)? {
            match all.iter().find(|(earlier, _)| *earlier == name) {
                Some((_, earlier)) if *earlier == value => {}
                Some(_) => return Err(format!("the URL gives `{name}` two different values")),
                None => all.push((name, value)),
            }
        }
    }
    let has_several = |(name, value): &(String, String)| name == "host" && value.contains(',');
    if all.iter().any(has_several) {
        return Err(SEVERAL_HOSTS.to_owned());
    }
    url.set_query(None);
    if !all.is_empty() {
        url.query_pairs_mut().extend_pairs(all);
    }
    Ok(url)
}

/// A URL that names more than one server.
pub const SEVERAL_HOSTS: &str = "the URL names several hosts: name one, and use a probe for each of them";

/// The driver's names and values for this parameter.
fn one(name: &str, value: &str, dialect: Dialect) -> Result<Vec<(String, String)>, String> {
    let plain: String = name.chars().filter(|c| !matches!(c, '-' | '_')).collect::<String>().to_ascii_lowercase();
    let lower = value.to_ascii_lowercase();
    let this = |name: &str| vec![(name.to_owned(), value.to_owned())];
    if INDIFFERENT.contains(&&*plain) {
        return Ok(Vec::new());
    }
    if let Some((_, values, instead)) = GIVEN.iter().find(|(given, ..)| *given == plain) {
        return match values.contains(&&*lower) {
            true => Ok(Vec::new()),
            false => Err(format!("the URL's parameter `{name}` must be {}: {instead}", listed(values))),
        };
    }
    match (dialect, &*plain) {
        (Dialect::Postgres, "sslmode") => Ok(vec![("sslmode".to_owned(), mode(name, &lower, &POSTGRES_MODES)?)]),
        (Dialect::Postgres, "ssl") if POSTGRES_MODES.contains(&&*lower) => Ok(vec![("sslmode".to_owned(), lower)]),
        (Dialect::Postgres, "ssl") => match &*lower {
            "true" | "1" => Ok(vec![("sslmode".to_owned(), "require".to_owned())]),
            "false" | "0" => Ok(vec![("sslmode".to_owned(), "disable".to_owned())]),
            _ => Err(format!("the URL's parameter `{name}` must be `true` or `false`: use `sslmode=verify-full`")),
        },
        // As libpq has it, the system's authorities go with full verification.
        (Dialect::Postgres, "sslrootcert") if value == "system" => {
            Ok(vec![("sslmode".to_owned(), "verify-full".to_owned())])
        }
        (Dialect::Postgres, "sslrootcert" | "sslca") => Ok(this("sslrootcert")),
        (Dialect::Postgres, "sslcert" | "sslkey" | "host" | "hostaddr" | "port" | "dbname" | "user" | "password") => {
            Ok(this(&plain))
        }
        (Dialect::Postgres, "applicationname") => Ok(this("application_name")),
        (Dialect::Postgres, "requireauth") => match value {
            "password" | "md5" | "scram-sha-256" => Ok(this("require_auth")),
            _ => Err(format!("the URL's parameter `{name}` must be `scram-sha-256`, `md5` or `password`")),
        },
        (Dialect::Postgres, "options") => Ok(this("options")),
        (Dialect::Postgres, _) if name.starts_with("options[") && name.ends_with(']') => Ok(this(name)),
        (Dialect::MySql, "sslmode") => {
            let value = lower.replace('-', "_");
            let value = match &*value {
                "disable" => "disabled",
                "prefer" => "preferred",
                "require" => "required",
                "verify_full" => "verify_identity",
                value => value,
            };
            Ok(vec![("ssl-mode".to_owned(), mode(name, value, &MYSQL_MODES)?)])
        }
        (Dialect::MySql, "ssl" | "tls" | "usessl") => match &*lower {
            "true" | "1" => Ok(vec![("ssl-mode".to_owned(), "required".to_owned())]),
            "false" | "0" => Ok(vec![("ssl-mode".to_owned(), "disabled".to_owned())]),
            "preferred" => Ok(vec![("ssl-mode".to_owned(), lower)]),
            _ => Err(format!("the URL's parameter `{name}` must be `true` or `false`: use `ssl-mode=VERIFY_IDENTITY`")),
        },
        (Dialect::MySql, "sslca") => Ok(this("ssl-ca")),
        (Dialect::MySql, "sslcert") => Ok(this("ssl-cert")),
        (Dialect::MySql, "sslkey") => Ok(this("ssl-key")),
        (Dialect::MySql, "socket" | "unixsocket") => Ok(this("socket")),
        // The conversation is in utf8mb4 whatever the application's is.
        (Dialect::MySql, "collation") if lower.starts_with("utf8mb4") => Ok(this("collation")),
        (Dialect::MySql, "collation") => Ok(Vec::new()),
        (_, plain) => Err(unsupported(name, plain, dialect)),
    }
}

fn mode(name: &str, value: &str, modes: &[&str]) -> Result<String, String> {
    if modes.contains(&value) {
        return Ok(value.to_owned());
    }
    Err(format!("the URL's parameter `{name}` must be {}", listed(modes)))
}

fn unsupported(name: &str, plain: &str, dialect: Dialect) -> String {
    let obeyed: &[&str] = match dialect {
        Dialect::Postgres => &POSTGRES,
        Dialect::MySql => &MYSQL,
        Dialect::Sqlite => &["mode"],
    };
    let instead = REFUSED.iter().find(|(refused, _)| *refused == plain).map(|(_, instead)| (*instead).to_owned());
    let instead = instead.or_else(|| suggestion(name, obeyed.iter().copied()));
    let instead = instead.unwrap_or_else(|| "remove it, or write it in a supported form".to_owned());
    format!("the URL's parameter `{name}` is not supported: {instead}")
}

fn listed(values: &[&str]) -> String {
    match values.split_last() {
        Some((last, [])) => format!("`{last}`"),
        Some((last, others)) => format!("`{}` or `{last}`", others.join("`, `")),
        None => String::new(),
    }
}

/// The URL with the paths of its files, found from `dir`.
pub fn with_files(url: &Url, dir: &Path) -> Url {
    let mut found = url.clone();
    found.set_query(None);
    for (name, value) in url.query_pairs() {
        let value = match &*name {
            "sslrootcert" | "sslcert" | "sslkey" | "ssl-ca" | "ssl-cert" | "ssl-key" => {
                dir.join(&*value).to_string_lossy().into_owned()
            }
            _ => value.into_owned(),
        };
        found.query_pairs_mut().append_pair(&name, &value);
    }
    found
}

/// The value of a parameter of a translated URL.
pub fn get(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// Whether a parameter of a SQLite URL can be obeyed.
///
/// # Errors
/// Which one can't.
pub fn sqlite(query: &str) -> Result<(), String> {
    url::form_urlencoded::parse(query.as_bytes())
        .try_for_each(|(name, value)| one(&name, &value, Dialect::Sqlite).map(drop))
}
