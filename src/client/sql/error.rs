//! Why a database could not be queried, as a message. Never with its URL, which may contain a password.

use std::io;

use rustls::{AlertDescription as Alert, CertificateError as Certificate};
use sqlx::error::DatabaseError;
use sqlx::mysql::MySqlDatabaseError;
use sqlx::sqlite::SqliteError;

use crate::client::{Fault, trust};

use super::Access;

/// The help for a database that is named by a URL, and for one that is named by its parts.
const BY_PARTS: &[(&str, &str)] = &[
    (CREDENTIALS, "are `user` and `password` right?"),
    (NAME, "the name is in `database`"),
    (LONG_HOST, ""),
    ("check the user in the URL", "check `user`"),
    ("the URL has no password", "set `password: \"${secrets.DB_PASSWORD}\"`, and declare that name under `secrets:`"),
    ("add `sslcert=FILE&sslkey=FILE` to the URL", "write a `url` with `?sslcert=FILE&sslkey=FILE`"),
    ("set `sslmode=require` in the URL", "write a `url` with `?sslmode=require`, or set `ca`"),
    ("set `ssl-mode=REQUIRED` in the URL", "write a `url` with `?ssl-mode=REQUIRED`, or set `ca`"),
    ("needs `ssl-mode=REQUIRED` in the URL", "needs a `url` with `?ssl-mode=REQUIRED`, or `ca`"),
    (
        "`sslmode=verify-ca` in the URL verifies its issuer alone",
        "a `url` with `?sslmode=verify-ca` verifies its issuer alone",
    ),
    ("drop `sslmode` (or `ssl-mode`) from the URL, and `ca`", "remove `ca`"),
];

/// The same error with the help for a database that is named by its parts.
pub fn by_parts(mut error: anyhow::Error) -> anyhow::Error {
    if let Some(help) = error.downcast_mut::<Fault>().and_then(|fault| fault.help.as_mut()) {
        *help = BY_PARTS.iter().fold(help.to_string(), |help, (url, parts)| help.replace(url, parts)).into();
    }
    error
}

/// The database's own code for an error. Its text is empty where it has no meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    text: String,
    is_missing_table: bool,
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Code {}

/// Whether the query failed because a table (or its schema) does not exist.
pub fn is_missing_table(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Code>().is_some_and(|code| code.is_missing_table)
}

/// Whether PostgreSQL gave this SQLSTATE.
pub fn has_code(error: &anyhow::Error, sqlstate: &str) -> bool {
    error.downcast_ref::<Code>().is_some_and(|code| code.text.strip_prefix("SQLSTATE ") == Some(sqlstate))
}

/// The meaning of an error of the driver. `place` is the part of the URL that may be shown.
pub fn fault(error: &sqlx::Error, place: &str) -> anyhow::Error {
    fault_of(error, place, Access::Read)
}

/// The same for a statement that may write, or may not.
pub fn fault_of(error: &sqlx::Error, place: &str, access: Access) -> anyhow::Error {
    if let sqlx::Error::Database(error) = error {
        let code = code(&**error);
        let mut refusal = refused(&**error, place);
        if access == Access::Write && refusal.help.as_deref() == Some(WRITES) {
            refusal = Fault::new(format!("{place} is read-only: {}", error.message())).help(READ_ONLY);
        }
        return anyhow::Error::new(code).context(refusal);
    }
    local(error, place).into()
}

fn local(error: &sqlx::Error, place: &str) -> Fault {
    match error {
        sqlx::Error::Io(error) => connection(error, place),
        sqlx::Error::Tls(error) => tls(error.as_ref(), place),
        sqlx::Error::Configuration(_) => Fault::new(format!("the URL of {place} is invalid"))
            .help("check its parameters, and that user, password and database are UTF-8"),
        sqlx::Error::Protocol(words) if words.contains("authentication") || words.contains("auth plugin") => {
            let method = if words.contains("ed25519") { " `ed25519`" } else { "" };
            Fault::new(format!("{place} requires an unsupported authentication method{method}")).help(
                "use an account with scram-sha-256 or md5 (PostgreSQL), mysql_native_password or caching_sha2_password \
                 (MySQL, MariaDB)",
            )
        }
        sqlx::Error::Protocol(_) | sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => {
            Fault::new(format!("invalid answer from {place}"))
                .help("check host and port: is it a database of this kind?")
        }
        sqlx::Error::WorkerCrashed => Fault::new(format!("reading {place} was aborted")),
        _ => Fault::new(format!("the connection to {place} failed")).help("check the server's log"),
    }
}

/// The meaning of an error that the database returned.
fn refused(error: &dyn DatabaseError, place: &str) -> Fault {
    if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
        return mysql(error, place);
    }
    if let Some(error) = error.try_downcast_ref::<SqliteError>() {
        return sqlite(error, place);
    }
    postgres(&error.code().unwrap_or_default(), error.message(), place)
}

/// Messages of servers about something that does not exist: the text before its name, that after it, and its kind.
const ABSENT: [(&str, &str, &str); 13] = [
    ("no such table: ", "", "table"),
    ("no such column: ", "", "column"),
    ("no such function: ", "", "function"),
    ("relation \"", "\" does not exist", "table"),
    ("column \"", "\" does not exist", "column"),
    ("column ", " does not exist", "column"),
    ("function ", " does not exist", "function"),
    ("schema \"", "\" does not exist", "schema"),
    ("database \"", "\" does not exist", "database"),
    ("Table '", "' doesn't exist", "table"),
    ("FUNCTION ", " does not exist", "function"),
    ("Unknown database '", "'", "database"),
    ("Unknown column '", "", "column"),
];

/// The error that something does not exist, by its name if the message has the known form; else with these words.
fn absent(words: &str, said: &str, place: &str) -> Fault {
    let named = ABSENT.iter().find_map(|(start, end, what)| {
        // `Unknown column 'a' in 'SELECT'`.
        let name = said.strip_prefix(start)?.split("' in '").next()?.strip_suffix(end)?;
        (!name.contains(['"', '\'', '`'])).then(|| format!("{place} has no {what} `{name}`"))
    });
    Fault::new(named.unwrap_or_else(|| format!("{place} {words}: {said}")))
}

fn postgres(code: &str, said: &str, place: &str) -> Fault {
    let fault = |words: &str| Fault::new(format!("{place} {words}: {said}"));
    let absent = |words: &str| absent(words, said, place);
    // PgBouncer uses a few codes of PostgreSQL for its own errors, with its own texts.
    if said.contains("query_wait_timeout") {
        return fault("has no server behind it that is free").help("the pooler gave up waiting: is its server there?");
    }
    if said.contains("server_login_retry") || said.contains("server login has been failing") {
        return fault("can't log in to the server behind it").help("is the pooler's server there, and its auth file?");
    }
    if said.contains("no such database") || said.contains("no such user") {
        return fault("is a pooler that does not know this").help("look at its [databases] and its auth file");
    }
    match code {
        "28P01" => fault("does not accept user and password").help(CREDENTIALS),
        "28000" if said.contains("client certificate") || said.contains("certificate authentication") => {
            fault("requires a client certificate").help("add `sslcert=FILE&sslkey=FILE` to the URL")
        }
        "28000" if said.contains("no encryption") || said.contains("SSL off") => {
            fault("does not accept this login without TLS").help("set `sslmode=require` in the URL; see pg_hba.conf")
        }
        "28000" if said.contains("pg_hba.conf") => {
            fault("does not accept this login").help("add a line for user, database and address to pg_hba.conf")
        }
        "28000" if said.contains("eer authentication") => fault("does not accept this login")
            .help("`peer` in pg_hba.conf accepts the system user of the same name only: use another method"),
        "28000" if said.contains("not permitted to log in") => {
            fault("does not accept this login").help("ALTER ROLE … LOGIN, or use another role")
        }
        "28000" if said.contains("does not exist") => {
            fault("does not know this role").help("check the user in the URL")
        }
        "28000" => fault("does not accept this login").help("check the user in the URL, and pg_hba.conf"),
        "08P01" if said.contains("SSL required") => {
            fault("does not accept a login without TLS").help("set `sslmode=require` in the URL")
        }
        "3D000" => absent("has no such database").help(NAME),
        "53300" => fault("has too many connections already").help("see pg_stat_activity for who holds them"),
        "57P03" => fault("does not take connections yet").help("it starts, stops or recovers"),
        "57P01" | "57P02" => fault("was shut down, or somebody ended this connection"),
        "42501" => fault("does not permit this").help("GRANT the role what the query needs"),
        "25006" | "25001" if said.contains("read-") => fault("does not let a reading query write").help(WRITES),
        "57014" => fault("stopped the query").help("it took too long: raise `timeout`, or simplify the query"),
        "55P03" => fault("did not get a lock in time").help("see pg_locks for who holds it"),
        "42601" if said.contains("multiple commands") => {
            fault("takes one command at a time").help("make several probes of it")
        }
        "42601" => fault("can't parse the query").help(SYNTAX),
        "42703" | "42883" => absent("has no such column or function").help(MIGRATIONS),
        "42P01" | "3F000" => absent("has no such table or schema").help(MIGRATIONS),
        "08P01" if said.contains("startup parameter") => {
            fault("is a pooler that refuses what the URL asks for").help("drop `options=…` from the URL")
        }
        "" => fault("refused"),
        code => fault(&format!("refused ({code})")),
    }
}

fn mysql(error: &MySqlDatabaseError, place: &str) -> Fault {
    let said = error.message();
    let fault = |words: &str| Fault::new(format!("{place} {words}: {said}"));
    let absent = |words: &str| absent(words, said, place);
    match error.number() {
        1045 if said.contains("using password: NO") => {
            fault("does not accept this login").help("the URL has no password")
        }
        // The server sends the same error if an account requires TLS or a client certificate that is missing.
        1045 => fault("does not accept user and password")
            .help(format!("{CREDENTIALS}. An account with REQUIRE SSL needs `ssl-mode=REQUIRED` in the URL")),
        1698 => fault("does not accept this login")
            .help("the account logs in by its system user (`unix_socket`): use one with a password"),
        1044 => fault("does not permit this user that database").help("GRANT it, or is the name right?"),
        1049 => absent("has no such database").help(NAME),
        1040 | 1203 | 1226 => fault("has too many connections already").help("see SHOW PROCESSLIST for who holds them"),
        1129 | 1130 => fault("lets no user in from this machine"),
        3159 => fault("does not accept a login without TLS").help("set `ssl-mode=REQUIRED` in the URL"),
        1142 | 1143 | 1227 | 1370 => fault("does not permit this").help("GRANT the user what the query needs"),
        1792 | 1290 => fault("does not let a reading query write").help(WRITES),
        1969 | 3024 | 1317 => {
            fault("stopped the query").help("it took too long: raise `timeout`, or simplify the query")
        }
        1205 => fault("did not get a lock in time"),
        1064 => fault("can't parse the query").help(format!("{SYNTAX}; make several probes of several commands")),
        1054 | 1305 => absent("has no such column or function").help(MIGRATIONS),
        1046 => fault("has no database selected").help(NAME),
        1146 => absent("has no such table").help(MIGRATIONS),
        number => fault(&format!("refused ({number})")),
    }
}

fn sqlite(error: &SqliteError, place: &str) -> Fault {
    let said = error.message();
    let fault = |words: &str| Fault::new(format!("{place} {words}: {said}"));
    // If the code is clear, SQLite's message adds nothing.
    let known = |words: &str| Fault::new(format!("{place} {words}"));
    // The low byte is the code, the rest are details.
    let code = error.code().and_then(|code| code.parse::<u32>().ok()).unwrap_or_default();
    match code & 0xff {
        5 | 6 => known("is locked by another process").help("find the process that writes to it, or raise `timeout`"),
        8 => fault("does not let a reading query write").help(WRITES),
        9 => known("was read for too long").help("raise `timeout`, or simplify the query"),
        11 => known("is damaged").help("restore it from a backup; `PRAGMA integrity_check` says more"),
        18 => Fault::new(format!("{place} has a value or row that is too large"))
            .help("select less of it, such as `length(x)`: a value may have 8 MiB"),
        13 => known("is on a disk that is full"),
        14 => known("can't be opened").help("check the permissions of the file and of its folder"),
        26 => known("is not an SQLite database").help("is it another file, or encrypted?"),
        1 if said.contains("no such table") => {
            absent("has no such table", said, place).help("is it the right file, and were its migrations run?")
        }
        1 if said.contains("no such column") || said.contains("no such function") => {
            absent("has no such column or function", said, place)
                .help("is it the right file, and were its migrations run?")
        }
        1 => fault("can't parse the query").help(SYNTAX),
        _ => fault("refused"),
    }
}

const CREDENTIALS: &str = "are they right? In a `url`, `/`, `@`, `:`, `#`, `?` and `%` in them must be percent-encoded";
const MIGRATIONS: &str = "is it the right database, and were its migrations run?";
const SYNTAX: &str = "correct its syntax; a name that is a keyword, such as `order`, must be quoted";
const NAME: &str = "the name is what is after the last `/` of the URL";
const LONG_HOST: &str = " A `/` or `@` in the password that is not percent-encoded makes a wrong host, too";
const WRITES: &str = "if the query is meant to change something, set `writes: true`";
const READ_ONLY: &str = "connect to the primary, or use a role that may write";

fn code(error: &dyn DatabaseError) -> Code {
    if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
        return Code { text: format!("MySQL error {}", error.number()), is_missing_table: error.number() == 1146 };
    }
    let code = error.code().unwrap_or_default();
    if error.try_downcast_ref::<SqliteError>().is_some() {
        let is_missing_table = error.message().contains("no such table");
        // 1 is any error.
        let text = if code == "1" { String::new() } else { format!("SQLite error {code}") };
        return Code { text, is_missing_table };
    }
    Code { text: format!("SQLSTATE {code}"), is_missing_table: matches!(&*code, "42P01" | "3F000") }
}

/// Why a connection failed or ended.
pub fn connection(error: &io::Error, place: &str) -> Fault {
    if let Some(error) = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>()) {
        return tls(error, place);
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Fault::new(format!("{place} refused the connection"))
            .help("nothing listens there: is it running, and is this the right port?"),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Fault::new(format!("no route to {place}"))
                .help("is the VPN up, and does a firewall let this machine through?")
        }
        io::ErrorKind::NotFound => Fault::new(format!("socket {place} not found")).help("is the server running?"),
        io::ErrorKind::PermissionDenied => {
            Fault::new(format!("permission denied: {place}")).help("may this user use the socket?")
        }
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => Fault::new(format!("{place} closed the connection"))
            .help("is it a database of this kind, and does it let this machine in?"),
        _ if error.to_string().contains("lookup address") => Fault::new(format!("cannot resolve {place}"))
            .help(format!("is the name right, and can this machine resolve it?{LONG_HOST}")),
        kind => Fault::new(format!("connection to {place} failed: {kind}")),
    }
}

/// The server has no TLS.
pub fn no_tls(place: &str) -> Fault {
    Fault::new(format!("{place} does not support TLS"))
        .help("if that is right, drop `sslmode` (or `ssl-mode`) from the URL, and `ca`")
}

/// Why a TLS handshake failed.
pub fn handshake(error: &io::Error, place: &str) -> Fault {
    match error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>()) {
        Some(error) => tls(error, place),
        None => connection(error, place),
    }
}

fn tls(error: &(dyn std::error::Error + 'static), place: &str) -> Fault {
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return connection(error, place);
    }
    if error.to_string().contains("does not support TLS") {
        return no_tls(place);
    }
    let Some(rustls::Error::InvalidCertificate(certificate)) = error.downcast_ref::<rustls::Error>() else {
        return match error.downcast_ref() {
            Some(rustls::Error::AlertReceived(
                Alert::CertificateRequired
                | Alert::BadCertificate
                | Alert::UnsupportedCertificate
                | Alert::CertificateRevoked
                | Alert::CertificateExpired
                | Alert::CertificateUnknown
                | Alert::UnknownCA,
            )) => Fault::new(format!("{place} requires a client certificate from an issuer that it trusts"))
                .help("add `sslcert=FILE&sslkey=FILE` to the URL (MySQL: `ssl-cert=FILE&ssl-key=FILE`)"),
            _ => Fault::new(format!("the TLS handshake with {place} failed"))
                .help("does the server speak TLS 1.2 or 1.3 on this port? See its log"),
        };
    };
    match certificate {
        Certificate::Expired | Certificate::ExpiredContext { .. } => {
            Fault::new(format!("the certificate of {place} has expired")).help("renew it")
        }
        Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => {
            Fault::new(format!("the certificate of {place} is for other names"))
                .help("`sslmode=verify-ca` in the URL verifies its issuer alone")
        }
        Certificate::UnknownIssuer => Fault::new(format!("the certificate of {place} is from an unknown issuer"))
            .help("name the issuer's certificate with `ca: FILE`, or disable verification with `insecure: true`"),
        problem if trust::is_self_signed(problem) => {
            Fault::new(format!("the certificate of {place} is self-signed, so it is not trusted")).help(
                "if that is intended, set `ca` to the file of this certificate, or disable verification with \
                 `insecure: true`",
            )
        }
        Certificate::NotValidYet | Certificate::NotValidYetContext { .. } => {
            Fault::new(format!("the certificate of {place} is not valid yet")).help("check the clocks of both machines")
        }
        Certificate::Revoked => Fault::new(format!("the certificate of {place} is revoked")).help("replace it"),
        _ => Fault::new(format!("the certificate of {place} is invalid or of an unsupported form"))
            .help("issue a new one, name it with `ca: FILE`, or disable verification with `insecure: true`"),
    }
}
