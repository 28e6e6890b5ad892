//! Why a database could not be asked, in words for a person. Never with its URL, where a password may stand.

use std::io;

use rustls::CertificateError as Certificate;
use sqlx::error::DatabaseError;
use sqlx::mysql::MySqlDatabaseError;
use sqlx::sqlite::SqliteError;

use crate::client::Fault;

/// What the database itself calls an error.
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

/// What an error of the driver means. `place` is what may be shown of the URL.
pub fn fault(error: &sqlx::Error, place: &str) -> anyhow::Error {
    if let sqlx::Error::Database(error) = error {
        let code = code(&**error);
        return anyhow::Error::new(code).context(refused(&**error, place));
    }
    local(error, place).into()
}

fn local(error: &sqlx::Error, place: &str) -> Fault {
    match error {
        sqlx::Error::Io(error) => connection(error, place),
        sqlx::Error::Tls(error) => tls(error.as_ref(), place),
        sqlx::Error::Configuration(error) => Fault::new(format!("the URL or `ca` can't be used: {error}")),
        sqlx::Error::Protocol(words) if words.contains("authentication method") || words.contains("auth plugin") => {
            Fault::new(format!("{place} wants another way to log in than is known here: {words}"))
                .help("a password by SCRAM, md5 or mysql_native_password is; MySQL 8 wants TLS besides")
        }
        sqlx::Error::Protocol(words) => Fault::new(format!("what {place} says is not understood: {words}"))
            .help("is it a database of the kind that the URL says?"),
        sqlx::Error::WorkerCrashed => Fault::new(format!("reading {place} broke off")),
        other => Fault::new(format!("{place}: {other}")),
    }
}

/// What a database says when it is there and refuses.
fn refused(error: &dyn DatabaseError, place: &str) -> Fault {
    if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
        return mysql(error, place);
    }
    if let Some(error) = error.try_downcast_ref::<SqliteError>() {
        return sqlite(error, place);
    }
    postgres(&error.code().unwrap_or_default(), error.message(), place)
}

fn postgres(code: &str, said: &str, place: &str) -> Fault {
    let fault = |words: &str| Fault::new(format!("{place} {words}: {said}"));
    // PgBouncer speaks for itself in a few codes of PostgreSQL and in its own words.
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
        "28000" if said.contains("no encryption") || said.contains("SSL off") => {
            fault("wants TLS, or nothing from this machine").help("add `?sslmode=require` to the URL; see pg_hba.conf")
        }
        "28000" => fault("does not let this user in from here").help(CREDENTIALS),
        "3D000" => fault("has no such database").help("the name is what stands after the last `/` of the URL"),
        "53300" => fault("has too many connections already").help("what holds them? see pg_stat_activity"),
        "57P03" => fault("does not take connections yet").help("it starts, stops or recovers"),
        "57P01" | "57P02" => fault("was shut down, or somebody ended this connection"),
        "42501" => fault("does not permit this").help("GRANT the role what the query needs"),
        "25006" | "25001" if said.contains("read-") => fault("does not let a reading query write").help(WRITES),
        "57014" => fault("stopped the query").help("it took too long: give `timeout` more, or the query less to do"),
        "55P03" => fault("did not get a lock in time").help("who holds it? see pg_locks"),
        "42601" if said.contains("multiple commands") => {
            fault("takes one command at a time").help("make several probes of it")
        }
        "42601" | "42703" | "42883" => fault("does not understand the query"),
        "42P01" | "3F000" => {
            fault("does not know what the query asks of").help("is it the right database, and were its migrations run?")
        }
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
    match error.number() {
        1045 | 1698 => fault("does not accept user and password").help(CREDENTIALS),
        1044 => fault("does not permit this user that database").help("GRANT it, or is the name right?"),
        1049 => fault("has no such database").help("the name is what stands after the last `/` of the URL"),
        1040 | 1203 | 1226 => fault("has too many connections already").help("what holds them? see SHOW PROCESSLIST"),
        1129 | 1130 => fault("lets no user in from this machine"),
        3159 => fault("wants TLS").help("add `?ssl-mode=REQUIRED` to the URL"),
        1142 | 1143 | 1227 | 1370 => fault("does not permit this").help("GRANT the user what the query needs"),
        1792 | 1290 => fault("does not let a reading query write").help(WRITES),
        1969 | 3024 | 1317 => {
            fault("stopped the query").help("it took too long: give `timeout` more, or the query less to do")
        }
        1205 => fault("did not get a lock in time"),
        1064 => fault("does not understand the query").help("several commands want several probes"),
        1054 | 1305 => fault("does not understand the query"),
        1046 => fault("was not told which database").help("it stands after the last `/` of the URL"),
        1146 => {
            fault("does not know what the query asks of").help("is it the right database, and were its migrations run?")
        }
        number => fault(&format!("refused ({number})")),
    }
}

fn sqlite(error: &SqliteError, place: &str) -> Fault {
    let said = error.message();
    let fault = |words: &str| Fault::new(format!("{place} {words}: {said}"));
    // The low byte is the code, the rest says more of it.
    let code = error.code().and_then(|code| code.parse::<u32>().ok()).unwrap_or_default();
    match code & 0xff {
        5 | 6 => fault("is locked by somebody else").help("who writes to it for so long?"),
        8 => fault("does not let a reading query write").help(WRITES),
        9 => fault("was read for too long").help("give `timeout` more, or the query less to do"),
        11 => fault("is damaged"),
        18 => Fault::new(format!("{place} holds a value or row that is too large"))
            .help("select less of it, such as `length(x)`: a value may have 8 MiB"),
        14 => fault("can't be opened").help("may this user read it, and its folder?"),
        26 => fault("is no SQLite database").help("is it another file, or encrypted?"),
        1 if said.contains("no such table") => {
            fault("has no such table").help("is it the right file, and were its migrations run?")
        }
        1 => fault("does not understand the query"),
        _ => fault("refused"),
    }
}

const CREDENTIALS: &str = "are they right? A `/`, `@`, `:`, `#`, `?` or `%` in them must be percent-encoded in the URL";
const WRITES: &str = "if the query is meant to change something, say `writes: true`";

fn code(error: &dyn DatabaseError) -> Code {
    if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
        return Code { text: format!("MySQL error {}", error.number()), is_missing_table: error.number() == 1146 };
    }
    let code = error.code().unwrap_or_default();
    if error.try_downcast_ref::<SqliteError>().is_some() {
        let is_missing_table = error.message().contains("no such table");
        return Code { text: format!("SQLite error {code}"), is_missing_table };
    }
    Code { text: format!("SQLSTATE {code}"), is_missing_table: matches!(&*code, "42P01" | "3F000") }
}

/// Why there is no connection, or why it has ended.
pub fn connection(error: &io::Error, place: &str) -> Fault {
    if let Some(error) = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>()) {
        return tls(error, place);
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Fault::new(format!("{place} refused the connection"))
            .help("nothing listens there: is it running, and is this the right port?"),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Fault::new(format!("there is no way to {place}"))
                .help("is the VPN up, and does a firewall let this machine through?")
        }
        io::ErrorKind::NotFound => Fault::new(format!("there is no socket {place}")).help("is the server running?"),
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => Fault::new(format!("{place} broke the connection off"))
            .help("is it a database of the kind that the URL says, and does it let this machine in?"),
        _ if error.to_string().contains("lookup address") => Fault::new(format!("no address is known for {place}"))
            .help(
                "is the name right, and can this machine resolve it? A `/` or `@` in the password that is not \
                 percent-encoded makes a wrong host too",
            ),
        _ => Fault::new(format!("no connection to {place}: {error}")),
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
    let words = error.to_string();
    if words.contains("does not support TLS") {
        return no_tls(place);
    }
    let Some(rustls::Error::InvalidCertificate(certificate)) = error.downcast_ref::<rustls::Error>() else {
        return Fault::new(format!("no TLS with {place}: {words}"));
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
        Certificate::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            Fault::new(format!("the certificate of {place} is self-signed"))
                .help("name it with `ca: FILE`, or disable verification with `insecure: true`")
        }
        Certificate::NotValidYet | Certificate::NotValidYetContext { .. } => {
            Fault::new(format!("the certificate of {place} is not valid yet")).help("check the clocks of both machines")
        }
        Certificate::Revoked => Fault::new(format!("the certificate of {place} is revoked")).help("replace it"),
        _ => Fault::new(format!("the certificate of {place} is invalid or of an unsupported form"))
            .help("issue a new one, name it with `ca: FILE`, or disable verification with `insecure: true`"),
    }
}
