//! The command that runs the same statement.

use std::path::Path;

use percent_encoding::percent_decode_str;
use url::Url;

use super::{DatabaseUrl, Place, parameter};

/// The command line of `psql`, `mysql` or `sqlite3` for this statement, which trusts the same `ca`.
pub fn client(url: &DatabaseUrl, sql: &str, ca: Option<&Path>) -> Vec<String> {
    match url.place() {
        Place::Postgres(place) => {
            let trust = ca.map(|ca| {
                let file = format!("PGSSLROOTCERT={}", ca.display());
                ["env".to_owned(), "PGSSLMODE=verify-full".to_owned(), file]
            });
            let psql = ["psql".to_owned(), psql_url(url.text(), place), "-c".to_owned(), sql.to_owned()];
            trust.into_iter().flatten().chain(psql).collect()
        }
        Place::MySql(place) => mysql(place, sql, ca),
        Place::Sqlite(file) => {
            vec!["sqlite3".to_owned(), "-readonly".to_owned(), file.path.display().to_string(), sql.to_owned()]
        }
    }
}

/// The URL as it was written, so that it can be replaced by the variable that holds it. A URL that `psql` would not
/// understand is rewritten without the password, so that `psql` asks for it.
fn psql_url(text: &str, place: &Url) -> String {
    let is_plain = text.starts_with("postgres://") || text.starts_with("postgresql://");
    if is_plain && text.split_once('?').map(|(_, query)| query) == place.query() {
        return text.to_owned();
    }
    let mut place = place.clone();
    // It fails if the host is missing; then the password is missing, too.
    let _ = place.set_password(None);
    place.to_string()
}

fn mysql(place: &Url, sql: &str, ca: Option<&Path>) -> Vec<String> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let mut argv = vec!["mysql".to_owned()];
    let host = place.host_str().map(decoded).filter(|host| !host.is_empty());
    let socket = parameter::get(place, "socket").or_else(|| host.clone().filter(|host| host.starts_with('/')));
    match (socket, host) {
        (Some(socket), _) => argv.extend(["-S".to_owned(), socket]),
        (None, Some(host)) => {
            // With this name alone, it would look for a socket.
            if host == "localhost" {
                argv.push("--protocol=TCP".to_owned());
            }
            argv.extend(["-h".to_owned(), host.trim_matches(['[', ']']).to_owned()]);
        }
        (None, None) => {}
    }
    if let Some(port) = place.port() {
        argv.extend(["-P".to_owned(), port.to_string()]);
    }
    if !place.username().is_empty() {
        argv.extend(["-u".to_owned(), decoded(place.username())]);
    }
    if place.password().is_some() {
        argv.push("-p".to_owned());
    }
    argv.extend(ca.map(|ca| format!("--ssl-ca={}", ca.display())));
    argv.extend(["-e".to_owned(), sql.to_owned()]);
    argv.extend(Some(decoded(place.path().trim_start_matches('/'))).filter(|name| !name.is_empty()));
    argv
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(url: &str) -> String {
        client(&DatabaseUrl::parse(url).expect("a valid URL"), "SELECT 1", None).join(" ")
    }

    #[test]
    fn a_person_can_repeat_the_query() {
        insta::assert_snapshot!(reported("postgresql://u:secret@db/app"), @"psql postgresql://u:secret@db/app -c SELECT 1");
        insta::assert_snapshot!(reported("postgresql+asyncpg://u:secret@db/app"), @"psql postgres://u@db/app -c SELECT 1");
        insta::assert_snapshot!(reported("mysql+pymysql://u%40x:secret@db:3307/app"), @"mysql -h db -P 3307 -u u@x -p -e SELECT 1 app");
        insta::assert_snapshot!(reported("mysql://u@localhost:3307/app"), @"mysql --protocol=TCP -h localhost -P 3307 -u u -e SELECT 1 app");
        insta::assert_snapshot!(reported("mysql://u@[::1]/app"), @"mysql -h ::1 -u u -e SELECT 1 app");
        insta::assert_snapshot!(reported("mysql://u@%2Frun%2Fmysqld.sock/app"), @"mysql -S /run/mysqld.sock -u u -e SELECT 1 app");
        insta::assert_snapshot!(reported("sqlite:///data/app.db"), @"sqlite3 -readonly data/app.db SELECT 1");
    }
}
