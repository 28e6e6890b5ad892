//! Errors of databases: each cause has its own message, and none shows the password.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use gate::probe::sql::Sql;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness;
use crate::observe::{context, observe, observe_in, refused};
use crate::sql_value::sqlite;

/// The error, without the port, which differs each time.
fn reported(settings: Value) -> String {
    without_port(&observe::<Sql>(settings).expect_err("it can't be asked"))
}

fn without_port(error: &str) -> String {
    assert!(!error.contains("p@ss") && !error.contains("p%40ss") && !error.contains("secret"), "{error}");
    let mut parts = error.split("127.0.0.1:");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |reported, part| reported + "HOST" + part.trim_start_matches(|c: char| c.is_ascii_digit()))
}

/// Another database on the same server.
fn elsewhere(url: &str) -> String {
    url.rsplit_once('/').map(|(server, _)| format!("{server}/no_such")).expect("it names a database")
}

#[test]
fn postgresql_refuses_in_many_ways() {
    let url = harness::postgres().url();
    let ask = |url: &str| reported(json!({ "url": url, "query": "SELECT 1" }));
    assert_snapshot!(ask(&url.replace("p%40ss", "secret")), @r#"
    HOST does not accept user and password: password authentication failed for user "gate": SQLSTATE 28P01
    help: are they right? In a `url`, `/`, `@`, `:`, `#`, `?` and `%` in them must be percent-encoded
    "#);
    assert_snapshot!(ask(&elsewhere(&url)), @"
    HOST has no database `no_such`: SQLSTATE 3D000
    help: the name is what is after the last `/` of the URL
    ");
    assert_snapshot!(ask(&format!("{url}?sslmode=require")), @"
    HOST does not support TLS
    help: if that is right, drop `sslmode` (or `ssl-mode`) from the URL, and `ca`
    ");
    assert_snapshot!(ask(&format!("postgres://gate:secret@127.0.0.1:{}/gate", harness::free_port())), @"
    HOST refused the connection
    help: nothing listens there: is it running, and is this the right port?
    ");
    assert_snapshot!(ask("postgres://gate:secret@no-such-host.invalid/gate"), @"
    cannot resolve no-such-host.invalid:5432
    help: is the name right, and can this machine resolve it? A `/` or `@` in the password that is not percent-encoded makes a wrong host, too
    ");
}

#[test]
fn a_database_that_is_named_by_its_parts_is_spoken_of_by_them() {
    let port = harness::postgres().port();
    let ask = |password: &str, database: &str| {
        let server = json!({ "host": "127.0.0.1", "port": port, "user": "gate", "query": "SELECT 1" });
        let mut all = server.as_object().expect("it is a map").clone();
        all.extend([("password".to_owned(), json!(password)), ("database".to_owned(), json!(database))]);
        reported(Value::Object(all))
    };
    assert_snapshot!(ask("secret", "gate"), @r#"
    HOST does not accept user and password: password authentication failed for user "gate": SQLSTATE 28P01
    help: are `user` and `password` right?
    "#);
    assert_snapshot!(ask("p@ss", "no_such"), @"
    HOST has no database `no_such`: SQLSTATE 3D000
    help: the name is in `database`
    ");
}

#[test]
fn a_failed_query_of_postgresql_is_reported_with_help() {
    let server = harness::postgres();
    let url = server.new_database();
    server
        .psql(&url, "DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN PASSWORD 'secret'; CREATE TABLE t (id int)");
    let ask = |query: &str| reported(json!({ "url": url, "query": query }));
    assert_snapshot!(ask("SELECT * FROM users"), @"
    HOST has no table `users`: SQLSTATE 42P01
    help: is it the right database, and were its migrations run?
    ");
    assert_snapshot!(ask("SELECT name FROM t"), @"
    HOST has no column `name`: SQLSTATE 42703
    help: is it the right database, and were its migrations run?
    ");
    assert_snapshot!(ask("SELECT FROM WHERE"), @r#"
    HOST can't parse the query: syntax error at or near "WHERE": SQLSTATE 42601
    help: correct its syntax; a name that is a keyword, such as `order`, must be quoted
    "#);
    assert_snapshot!(ask("SELECT 1; SELECT 2"), @"
    HOST takes one command at a time: cannot insert multiple commands into a prepared statement: SQLSTATE 42601
    help: make several probes of it
    ");
    assert_snapshot!(ask("DELETE FROM t"), @"
    `DELETE` is not a statement that only reads
    help: if it is meant to change something, set `writes: true`
    ");
    assert_snapshot!(ask("WITH x AS (DELETE FROM t RETURNING id) SELECT * FROM x"), @"
    HOST does not let a reading query write: cannot execute SELECT in a read-only transaction: SQLSTATE 25006
    help: if the query is meant to change something, set `writes: true`
    ");
    let reader = url.replace("gate:p%40ss", "reader:secret");
    assert_snapshot!(reported(json!({ "url": reader, "query": "SELECT * FROM t" })), @"
    HOST does not permit this: permission denied for table t: SQLSTATE 42501
    help: GRANT the role what the query needs
    ");
}

#[test]
fn a_slow_query_is_stopped_by_the_server_before_the_probe_gives_up() {
    let cx = context(Path::new("/"), &[]).with_timeout(Duration::from_secs(5));
    let slow = |url: String, query: &str| {
        let start = Instant::now();
        let error = observe_in::<Sql>(&cx, json!({ "url": url, "query": query })).expect_err("it is stopped");
        // The server's own timeout is asserted below; a busy machine may report it late.
        assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
        without_port(&error)
    };
    assert_snapshot!(slow(harness::postgres().url(), "SELECT pg_sleep(60)"), @"
    HOST stopped the query: canceling statement due to statement timeout: SQLSTATE 57014
    help: it took too long: raise `timeout`, or simplify the query
    ");
    assert_snapshot!(slow(harness::pgbouncer().url(), "SELECT pg_sleep(60)"), @"
    HOST stopped the query: canceling statement due to statement timeout: SQLSTATE 57014
    help: it took too long: raise `timeout`, or simplify the query
    ");
    assert_snapshot!(slow(harness::mariadb().url(), "SELECT count(*) FROM (information_schema.collations a, information_schema.collations b, information_schema.collations c, information_schema.collations d)"), @"
    HOST stopped the query: Query execution was interrupted (max_statement_time exceeded): MySQL error 1969
    help: it took too long: raise `timeout`, or simplify the query
    ");
}

#[test]
fn a_slow_query_of_sqlite_is_stopped_too() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    sqlite(dir.path(), "CREATE TABLE t (id)");
    let cx = context(dir.path(), &[]).with_timeout(Duration::from_millis(300));
    let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n";
    let start = Instant::now();
    let error = observe_in::<Sql>(&cx, json!({ "url": "sqlite:app.db", "query": endless })).expect_err("it is stopped");
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert!(error.starts_with("`app.db`"), "{error}");
}

#[test]
fn mariadb_refuses_in_many_ways() {
    let server = harness::mariadb();
    let url = server.new_database();
    let ask = |url: &str, query: &str| reported(json!({ "url": url, "query": query }));
    assert_snapshot!(ask(&url.replace("p%40ss", "secret"), "SELECT 1"), @"
    HOST does not accept user and password: Access denied for user 'gate'@'127.0.0.1' (using password: YES): MySQL error 1045
    help: are they right? In a `url`, `/`, `@`, `:`, `#`, `?` and `%` in them must be percent-encoded. An account with REQUIRE SSL needs `ssl-mode=REQUIRED` in the URL
    ");
    assert_snapshot!(ask(&elsewhere(&url), "SELECT 1"), @"
    HOST has no database `no_such`: MySQL error 1049
    help: the name is what is after the last `/` of the URL
    ");
    assert_snapshot!(ask(&format!("{url}?ssl-mode=REQUIRED"), "SELECT 1"), @"
    HOST does not support TLS
    help: if that is right, drop `sslmode` (or `ssl-mode`) from the URL, and `ca`
    ");
    assert!(ask(&url, "SELECT * FROM users").starts_with("HOST has no table `"));
    assert!(ask(&url, "SELECT nope").starts_with("HOST has no column `nope`: MySQL error 1054"));
    assert_snapshot!(ask(&url, "SELECT FROM"), @"
    HOST can't parse the query: You have an error in your SQL syntax; check the manual that corresponds to your MariaDB server version for the right syntax to use near 'FROM' at line 1: MySQL error 1064
    help: correct its syntax; a name that is a keyword, such as `order`, must be quoted; make several probes of several commands
    ");
}

#[test]
fn a_file_of_sqlite_that_is_not_there_is_not_made() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(dir.path().join("text.db"), "hello, this is a text and no database at all").expect("it is writable");
    let cx = context(dir.path(), &[]);
    let ask = |url: &str| {
        let error = observe_in::<Sql>(&cx, json!({ "url": url, "query": "SELECT * FROM t" })).expect_err("no database");
        error.replace(&dir.path().display().to_string(), "DIR")
    };
    assert_snapshot!(ask("sqlite:///no.db"), @"
    file `DIR/no.db` not found
    help: `sqlite:///no.db` is relative to the folder that contains `checklists/`; for an absolute path, use four slashes: `sqlite:////no.db`
    ");
    assert_snapshot!(ask("sqlite:///text.db"), @"
    `text.db` is not an SQLite database: SQLite error 26
    help: is it another file, or encrypted?
    ");
    assert_snapshot!(ask("sqlite:///."), @"`DIR/.` is a folder, not a database");
    assert!(!dir.path().join("no.db").exists());
}

#[test]
fn another_kind_of_server_is_reported_as_such() {
    let redis = harness::redis();
    let port = redis.url().rsplit(':').next().expect("a port").trim_end_matches('/').to_owned();
    let cx = context(Path::new("/"), &[]).with_timeout(Duration::from_secs(1));
    for scheme in ["postgres", "mysql"] {
        let url = format!("{scheme}://u:secret@127.0.0.1:{port}/app");
        let error = observe_in::<Sql>(&cx, json!({ "url": url, "query": "SELECT 1" })).expect_err("it is Redis");
        assert!(error.contains(&port) && error.contains("help: "), "{error}");
    }
}

#[test]
fn settings_that_cannot_work_are_refused_before_anything_runs() {
    assert_snapshot!(refused::<Sql>(json!({ "url": "postgres://h/db", "query": " " })), @"the query is empty");
    assert_snapshot!(refused::<Sql>(json!({ "url": "postgres://u:se/cret@h/db", "query": "SELECT 1" })), @"the URL has no proper host and port: in a user or password, `/`, `@`, `:`, `#`, `?` and `%` must be percent-encoded: `%2F`, `%40`, `%3A`, `%23`, `%3F`, `%25`");
}

#[test]
fn a_locked_file_of_sqlite_is_said_to_be_locked() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    sqlite(dir.path(), "CREATE TABLE t (id)");
    let mut holder = std::process::Command::new(harness::program("sqlite3"))
        .arg(dir.path().join("app.db"))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("it is installed");
    let mut input = holder.stdin.take().expect("it is a pipe");
    let mut output = holder.stdout.take().expect("it is a pipe");
    input.write_all(b"BEGIN EXCLUSIVE; SELECT 'held';\n").expect("it reads");
    output.read_exact(&mut [0; 4]).expect("it holds the lock");
    let cx = context(dir.path(), &[]).with_timeout(Duration::from_secs(4));
    for (query, writes) in [("SELECT * FROM t", false), ("INSERT INTO t VALUES (1)", true)] {
        let settings = json!({ "url": "sqlite:app.db", "query": query, "writes": writes });
        assert_eq!(
            observe_in::<Sql>(&cx, settings).expect_err("it is locked"),
            "`app.db` is locked by another process: SQLite error 5\nhelp: find the process that writes to it, or raise `timeout`"
        );
    }
    drop(input);
    holder.wait().expect("it ends with its input");
}

#[test]
fn advice_is_for_the_login_that_failed() {
    let access = "local all all peer\nhost all missing 127.0.0.1/32 trust\nhost all off 127.0.0.1/32 trust\nhost all banned 127.0.0.1/32 reject";
    let server = harness::postgres_with(Some(&harness::Certificate::self_signed()), access, &[]);
    server.psql(&server.url(), "CREATE ROLE off; CREATE ROLE banned LOGIN");
    let port = server.port();
    let ask = |url: &str| reported(json!({ "url": url, "query": "SELECT 1" }));
    for (url, expected) in [
        (format!("postgres://missing@127.0.0.1:{port}/gate"), "does not know this role"),
        (format!("postgres://off@127.0.0.1:{port}/gate"), "ALTER ROLE … LOGIN"),
        (format!("postgres://banned@127.0.0.1:{port}/gate"), "pg_hba.conf"),
        (format!("postgres://gate@/gate?host={}&port={port}", server.folder().display()), "`peer` in pg_hba.conf"),
        (format!("{}?sslmode=verify-full&sslrootcert=/no/such.pem", server.url()), "file `/no/such.pem` not found"),
        (format!("{}?sslmode=require", server.url()), "is self-signed"),
        ("postgres:///gate?host=/no/such".to_owned(), "socket /no/such not found"),
    ] {
        let error = ask(&url);
        assert!(error.contains(expected) && !error.contains("percent"), "{url}: {error}");
    }
    let url = harness::mariadb().url().replace(":p%40ss", "");
    assert!(ask(&url).contains("help: the URL has no password"));
}

#[test]
fn a_login_method_that_is_not_supported_is_named() {
    for at_once in [false, true] {
        let server = harness::mysql_with_plugin("client_ed25519", at_once);
        let url = format!("mysql://gate:secret@127.0.0.1:{}/gate", server.port());
        assert_eq!(
            reported(json!({ "url": url, "query": "SELECT 1" })),
            "HOST requires an unsupported authentication method `ed25519`\nhelp: use an account with scram-sha-256 or \
             md5 (PostgreSQL), mysql_native_password or caching_sha2_password (MySQL, MariaDB)"
        );
    }
}

#[test]
fn a_read_only_server_is_not_asked_for_a_writing_transaction() {
    let server = harness::postgres();
    let url = server.new_database();
    server.psql(
        &url,
        &format!(
            "ALTER DATABASE {} SET default_transaction_read_only = on",
            url.rsplit('/').next().unwrap_or_default()
        ),
    );
    let error = reported(json!({ "url": url, "query": "CREATE TABLE t (id int)", "writes": true }));
    assert_snapshot!(error, @"
    HOST is read-only: cannot execute CREATE TABLE in a read-only transaction: SQLSTATE 25006
    help: connect to the primary, or use a role that may write
    ");
}
