//! `sql` with real databases: it can't be made to write, to hang or to reveal a password.

use std::path::Path;
use std::time::{Duration, Instant};

use gate::probe::Probe;
use gate::probe::sql::{Sql, SqlSeen};
use insta::assert_snapshot;
use serde_json::json;

use crate::harness;
use crate::observe::{context, observe, observe_in, probe, refused};
use crate::sql_value::sqlite;

fn answer(url: &str, query: &str) -> SqlSeen {
    observe::<Sql>(json!({ "url": url, "query": query })).expect("an answer")
}

/// A table of three rows.
fn users() -> String {
    let server = harness::postgres();
    let url = server.new_database();
    server.psql(&url, "CREATE TABLE users (id int PRIMARY KEY); INSERT INTO users VALUES (1), (2), (3)");
    url
}

#[test]
fn one_row_of_one_column_is_a_value() {
    let url = users();
    let seen = answer(&url, "SELECT count(*) FROM users");
    assert_eq!((seen.value, seen.row_count, seen.holds), (Some(json!(3)), 1, true));
    let seen = answer(&url, "SELECT id, id * 2 AS twice FROM users ORDER BY id");
    assert_eq!((seen.value, seen.row_count, seen.holds), (None, 3, true));
    assert_eq!(seen.rows[1], *json!({ "id": 2, "twice": 4 }).as_object().expect("a map"));
}

#[test]
fn an_answer_that_says_no_does_not_hold() {
    let url = users();
    for query in [
        "SELECT EXISTS (SELECT 1 FROM users WHERE id = 9)",
        "SELECT count(*) FROM users WHERE id = 9",
        "SELECT max(id) FROM users WHERE id = 9",
        "SELECT id FROM users WHERE id = 9",
    ] {
        assert!(!answer(&url, query).holds, "{query}");
    }
    let reported = |query| {
        let probe: Sql = probe(json!({ "url": url, "query": query }));
        crate::observe::reported(&probe, &answer(&url, query))
    };
    assert_snapshot!(reported("SELECT count(*) FROM users WHERE id = 9"), @"0 | the result is 0: if that is correct, write `expect: { value: 0 }`");
    assert_snapshot!(reported("SELECT id FROM users WHERE id = 9"), @"no row | the query returned no row: if that is correct, write `expect: { row_count: 0 }`");
    assert_snapshot!(reported("SELECT id FROM users"), @"3 rows |");
    assert_snapshot!(reported("SELECT 'at head'"), @"at head |");
}

#[test]
fn rows_beyond_the_limit_are_cut_off_with_a_note() {
    let url = harness::postgres().url();
    let seen = observe::<Sql>(json!({ "url": url, "query": "SELECT generate_series(1, 100000000)", "max_rows": 2 }));
    let seen = seen.expect("what fits");
    assert_eq!((seen.row_count, seen.truncated, seen.value), (2, true, None));
}

#[test]
fn no_reading_query_writes_to_postgresql() {
    let server = harness::postgres();
    let url = users();
    server.psql(
        &url,
        "CREATE SEQUENCE ids; CREATE FUNCTION wipe() RETURNS int LANGUAGE sql AS 'DELETE FROM users RETURNING 1';
        CREATE PROCEDURE purge() LANGUAGE plpgsql AS 'BEGIN COMMIT; DELETE FROM users; COMMIT; END'",
    );
    for query in [
        "DELETE FROM users",
        "COMMIT; DELETE FROM users",
        "SELECT 1; COMMIT; DELETE FROM users",
        "SELECT 1; DELETE FROM users; COMMIT",
        "WITH gone AS (DELETE FROM users RETURNING id) SELECT * FROM gone",
        "SELECT wipe()",
        "SELECT set_config('transaction_read_only', 'off', false), wipe()",
        "SELECT * INTO copy FROM users",
        "SELECT nextval('ids')",
        "SELECT * FROM users FOR UPDATE",
        "EXPLAIN ANALYZE DELETE FROM users",
        "CALL purge()",
        "DO $$ BEGIN COMMIT; DELETE FROM users; END $$",
        "PREPARE TRANSACTION 'x'",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
        "CREATE TABLE more (id int)",
        "COPY users TO PROGRAM 'cat'",
    ] {
        let error = observe::<Sql>(json!({ "url": url, "query": query })).expect_err(query);
        let words =
            ["does not let a reading query write", "not a statement that only reads", "takes one command at a time"];
        assert!(words.iter().any(|words| error.contains(words)), "{query}: {error}");
        assert_eq!(server.psql(&url, "SELECT count(*) FROM users"), "3", "{query}");
    }
    assert_eq!(server.psql(&url, "SELECT last_value, is_called FROM ids"), "1|f");
}

#[test]
fn no_reading_query_writes_to_mariadb() {
    let server = harness::mariadb();
    let url = server.new_database();
    server.sql(
        &url,
        "CREATE TABLE users (id int) ENGINE=InnoDB; INSERT INTO users VALUES (1), (2), (3);
        CREATE TABLE old (id int) ENGINE=MyISAM; INSERT INTO old VALUES (1)",
    );
    server.sql(&url, "DELIMITER //\nCREATE PROCEDURE sweep() BEGIN COMMIT; DELETE FROM users; END//");
    server.sql(
        &url,
        "DELIMITER //\nCREATE FUNCTION wipe() RETURNS int MODIFIES SQL DATA BEGIN DELETE FROM users; RETURN 1; END//",
    );
    for query in [
        "DELETE FROM users",
        "DELETE FROM old",
        "COMMIT; DELETE FROM users",
        "SELECT 1; DELETE FROM users",
        "SELECT wipe()",
        "CALL sweep()",
        "BEGIN NOT ATOMIC COMMIT; DELETE FROM users; END",
        "/*!50000 COMMIT */",
        "/*M! DELETE FROM users */",
        "SET GLOBAL max_connections = 10",
        "CREATE TABLE more (id int)",
        "ANALYZE DELETE FROM users",
    ] {
        let error = observe::<Sql>(json!({ "url": url, "query": query })).expect_err(query);
        let words = ["does not let a reading query write", "statement that", "can't parse the query"];
        assert!(words.iter().any(|words| error.contains(words)), "{query}: {error}");
    }
    assert_eq!(server.sql(&url, "SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM old)").trim(), "4");
}

#[test]
fn no_reading_query_writes_to_sqlite_or_beside_it() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    sqlite(dir.path(), "CREATE TABLE users (id); INSERT INTO users VALUES (1)");
    let before = std::fs::read(dir.path().join("app.db")).expect("it exists");
    let cx = context(dir.path(), &[]);
    let copy = dir.path().join("copy.db").display().to_string();
    for query in [
        "DELETE FROM users",
        "SELECT 1; DELETE FROM users",
        "WITH one AS (SELECT 1) DELETE FROM users",
        "PRAGMA query_only = off; DELETE FROM users",
        &format!("SELECT 1; VACUUM INTO '{copy}'"),
        &format!("VACUUM INTO '{copy}'"),
        &format!("ATTACH '{copy}' AS other"),
    ] {
        observe_in::<Sql>(&cx, json!({ "url": "sqlite:///app.db", "query": query })).expect_err(query);
    }
    assert_eq!(std::fs::read(dir.path().join("app.db")).expect("it exists"), before);
    assert_eq!(std::fs::read_dir(dir.path()).expect("it exists").count(), 1);
}

#[test]
fn a_statement_that_may_write_is_committed() {
    let server = harness::postgres();
    let url = users();
    let settings = json!({ "url": url, "query": "INSERT INTO users VALUES (4), (5)", "writes": true });
    assert!(probe::<Sql>(settings.clone()).has_effects());
    let seen = observe::<Sql>(settings).expect("it writes");
    assert_eq!((seen.affected, seen.holds, seen.row_count), (Some(2), true, 0));
    assert_eq!(server.psql(&url, "SELECT count(*) FROM users"), "5");
    let seen =
        observe::<Sql>(json!({ "url": url, "query": "DELETE FROM users RETURNING id", "writes": true, "max_rows": 1 }));
    assert_eq!(seen.map(|seen| (seen.row_count, seen.truncated)), Ok((1, true)));
    assert_eq!(server.psql(&url, "SELECT count(*) FROM users"), "0");
}

#[test]
fn many_queries_at_once_work_through_a_pooler() {
    let url = harness::pgbouncer().url_for(&users());
    std::thread::scope(|scope| {
        for client in 0..16 {
            let url = &url;
            scope.spawn(move || {
                for query in 0..5 {
                    let sum = format!("SELECT count(*) + {client} * 100 + {query} FROM users");
                    assert_eq!(answer(url, &sum).value, Some(json!(3 + client * 100 + query)));
                }
            });
        }
    });
}

#[test]
fn through_a_pooler_a_limit_of_time_does_not_stay_behind() {
    let server = harness::postgres();
    let pooler = harness::pgbouncer().url_for(&server.new_database());
    answer(&pooler, "SELECT 1");
    assert_eq!(server.psql(&pooler, "SHOW statement_timeout"), "0");
    assert_eq!(server.psql(&pooler, "SHOW transaction_read_only"), "off");
}

#[test]
fn a_pooler_without_a_server_ends_at_the_timeout() {
    let pooler = harness::pgbouncer_before(harness::free_port());
    let cx = context(Path::new("/"), &[]).with_timeout(Duration::from_secs(1));
    let start = Instant::now();
    let error =
        observe_in::<Sql>(&cx, json!({ "url": pooler.url(), "query": "SELECT 1" })).expect_err("the port is closed");
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert!(error.contains("pooler"), "{error}");
}

#[test]
fn reading_a_database_with_a_write_ahead_log_leaves_no_file_beside_it() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    sqlite(dir.path(), "PRAGMA journal_mode = wal; CREATE TABLE t (id); INSERT INTO t VALUES (7)");
    let seen =
        observe_in::<Sql>(&context(dir.path(), &[]), json!({ "url": "sqlite:///app.db", "query": "SELECT id FROM t" }));
    assert_eq!(seen.map(|seen| seen.value), Ok(Some(json!(7))));
    assert_eq!(std::fs::read_dir(dir.path()).expect("it exists").count(), 1);
}

#[test]
fn a_dropped_attempt_leaves_no_query_behind() {
    let server = harness::postgres();
    let url = server.new_database();
    for asked in [&url, &harness::pgbouncer().url_for(&url)] {
        let cx = context(Path::new("/"), &[]).with_timeout(Duration::from_secs(600));
        let endless = "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b";
        let slow: Sql = probe(json!({ "url": asked, "query": endless }));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let looking = async { tokio::time::timeout(Duration::from_millis(500), slow.observe(&cx)).await };
        assert!(runtime.block_on(looking).is_err(), "it is endless");
        let start = Instant::now();
        let running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT count(*) FROM gen%' \
                       AND datname = current_database()";
        while server.psql(&url, running) != "0" {
            assert!(start.elapsed() < Duration::from_secs(10), "it still runs");
        }
    }
}

#[test]
fn the_console_of_pgbouncer_is_asked_with_the_simple_protocol() {
    let url = harness::pgbouncer().url_for("pgbouncer");
    let settings = |query: &str| json!({ "url": url, "query": query, "protocol": "simple" });
    let seen = observe::<Sql>(settings("SHOW POOLS")).expect("it answers");
    let pool = seen.rows.iter().find(|row| row["database"] == "pgbouncer").expect("its own pool is always there");
    assert!(pool["cl_active"].as_i64().is_some_and(|clients| clients >= 1), "{pool:?}");
    assert_eq!(pool["pool_mode"], "statement");
    assert!(observe::<Sql>(json!({ "url": url, "query": "SHOW POOLS" })).is_err(), "it knows no prepared statements");
    for query in ["RELOAD", "SHOW POOLS; RELOAD", "SELECT 1"] {
        let error = observe::<Sql>(settings(query)).expect_err("it may write");
        let expected = "with `protocol: simple` only one `SHOW` statement is sure not to write\n\
                        help: if it is meant to change something, set `writes: true`";
        assert_eq!(error, expected, "{query}");
    }
    let server = harness::postgres().url();
    let settings = json!({ "url": server, "query": "SHOW server_version_num", "protocol": "simple" });
    assert!(observe::<Sql>(settings).expect("it answers").holds);
    let sqlite = json!({ "url": "sqlite:///a.db", "query": "SHOW x", "protocol": "simple" });
    assert_eq!(refused::<Sql>(sqlite), "`protocol: simple` is for PostgreSQL and PgBouncer");
}
