//! Values of each database as JSON.

use std::path::Path;

use gate::probe::sql::Sql;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness;
use crate::observe::{context, observe, observe_in};

/// The columns of the only row, each on a line.
fn row(settings: Value) -> String {
    let seen = observe::<Sql>(settings).expect("an answer");
    assert_eq!(seen.row_count, 1);
    let line = |column: &gate::client::sql::Column| {
        format!("{}: {} = {}", column.name, column.kind, seen.rows[0][&column.name])
    };
    seen.columns.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn numbers_of_postgresql_stay_exact() {
    let url = harness::postgres().url();
    assert_snapshot!(row(json!({ "url": url, "query": "
        SELECT 1::int2 AS i2, -2::int4 AS i4, 9007199254740993 AS i8, 42::oid AS o, true AS b,
               1.10 AS n, 12345.6789::numeric(20,8) AS scaled, 0.00012::numeric AS small, 100000000::numeric AS round,
               -70000.5::numeric AS negative, 0.12345678901234567890 AS exact, 'NaN'::numeric AS nan,
               0.1::float4 AS f4, 1e300::float8 AS f8, 'NaN'::float8 AS fnan, '-Infinity'::float8 AS finf,
               count(*) AS n_rows, sum(x) AS total, avg(x) AS mean FROM generate_series(1, 4) x" })), @r#"
               i2: int2 = 1
               i4: int4 = -2
               i8: int8 = 9007199254740993
               o: oid = 42
               b: bool = true
               n: numeric = 1.1
               scaled: numeric = 12345.6789
               small: numeric = 0.00012
               round: numeric = 100000000
               negative: numeric = -70000.5
               exact: numeric = "0.12345678901234567890"
               nan: numeric = "NaN"
               f4: float4 = 0.1
               f8: float8 = 1e+300
               fnan: float8 = "NaN"
               finf: float8 = "-Infinity"
               n_rows: int8 = 4
               total: int8 = 10
               mean: numeric = 2.5
               "#);
}

#[test]
fn times_of_postgresql_are_shown_in_the_usual_format() {
    let url = harness::postgres().url();
    assert_snapshot!(row(json!({ "url": url, "query": "
        SELECT '2026-03-01 12:00:00+02'::timestamptz AS tz, '2026-03-01 12:00:00.25'::timestamp AS ts,
               '1999-12-31'::date AS d, '23:59:59.5'::time AS t, '08:30:00-05:30'::timetz AS ttz,
               '1 year 2 months 3 days 04:05:06.5'::interval AS i, '-1 day 02:00'::interval AS mixed,
               'infinity'::timestamptz AS forever, '-infinity'::date AS never" })), @r#"
               tz: timestamptz = "2026-03-01T10:00:00Z"
               ts: timestamp = "2026-03-01T12:00:00.25"
               d: date = "1999-12-31"
               t: time = "23:59:59.5"
               ttz: timetz = "08:30:00-05:30"
               i: interval = "P1Y2M3DT4H5M6.5S"
               mixed: interval = "P-1DT2H"
               forever: timestamptz = "infinity"
               never: date = "-infinity"
               "#);
}

#[test]
fn other_types_of_postgresql_are_shown_too() {
    let server = harness::postgres();
    let url = server.new_database();
    server.psql(&url, "CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE DOMAIN port AS int CHECK (VALUE > 0)");
    assert_snapshot!(row(json!({ "url": url, "query": r#"
        SELECT 'happy'::mood AS m, '{sad,happy}'::mood[] AS ms, 80::port AS p, '{80}'::port[] AS ps,
               NULL::text AS nothing, 'a'::char(3) AS c, 'q'::"char" AS qc, 'n'::name AS n,
               '\xdeadbeef'::bytea AS bytes, '6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid AS u,
               '{"a": [1, 2.5, null]}'::jsonb AS jb, '{"b":"x"}'::json AS j, '[]'::jsonb AS jl,
               ARRAY[1,NULL,3] AS xs, ARRAY[[1,2],[3,4]] AS xss, '{}'::text[] AS none, ARRAY['a','b'] AS names,
               '10.0.0.1'::inet AS ip, '10.0.0.0/8'::cidr AS net, '::1/64'::inet AS ip6,
               '08:00:2b:01:02:03'::macaddr AS mac, B'1010' AS bits, '0/16B3748'::pg_lsn AS lsn,
               to_regclass('no_such_table') AS missing"# })), @r#"
               m: mood = "happy"
               ms: mood[] = ["sad","happy"]
               p: int4 = 80
               ps: port[] = [80]
               nothing: text = null
               c: char = "a  "
               qc: "char" = "q"
               n: name = "n"
               bytes: bytea = "deadbeef"
               u: uuid = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
               jb: jsonb = {"a":[1,2.5,null]}
               j: json = {"b":"x"}
               jl: jsonb = []
               xs: int4[] = [1,null,3]
               xss: int4[] = [[1,2],[3,4]]
               none: text[] = []
               names: text[] = ["a","b"]
               ip: inet = "10.0.0.1"
               net: cidr = "10.0.0.0/8"
               ip6: inet = "::1/64"
               mac: macaddr = "08:00:2b:01:02:03"
               bits: bit = "1010"
               lsn: pg_lsn = "0/16B3748"
               missing: regclass = null
               "#);
}

#[test]
fn a_type_that_only_the_server_knows_is_shown_as_text() {
    let server = harness::postgres();
    let url = server.new_database();
    server.psql(&url, "CREATE TYPE pair AS (a int, b text)");
    assert_snapshot!(row(json!({ "url": url, "query": r#"
            SELECT 1 AS n, to_tsvector('simple', 'a b') AS words, point(1, 2) AS "the point", '[1,5)'::int4range AS r,
                   (2, 'x')::pair AS p, ARRAY[point(1, 2)] AS ps, '{"a":1}'::jsonb AS j, NULL::box AS nothing; "# })), @r#"
        n: int4 = 1
        words: tsvector = "'a':1 'b':2"
        the point: point = "(1,2)"
        r: int4range = "[1,5)"
        p: pair = "(2,x)"
        ps: point[] = "{\"(1,2)\"}"
        j: jsonb = {"a":1}
        nothing: box = null
        "#);
    assert_snapshot!(observe::<Sql>(json!({ "url": url, "query": "SELECT 1 AS a, 2 AS a" })).expect_err("a map can't hold it"), @"
    the answer has more than one column `a`
    help: give each a name of its own in the query: `… AS name`
    ");
}

#[test]
fn bytes_charsets_and_zero_dates_of_mariadb_do_not_depend_on_what_they_hold() {
    let server = harness::mariadb();
    let url = server.new_database();
    server.sql(&url, "
        CREATE TABLE t (b blob, vb varbinary(8), fb binary(2), l varchar(9) CHARACTER SET latin1, bin varchar(9) COLLATE utf8mb4_bin,
                        j json, d date, dt datetime, ts timestamp NULL, partial date, none date);
        SET sql_mode = '', NAMES utf8mb4;
        INSERT INTO t VALUES ('abc', 'ab', 'xy', 'é', 'ü', '[1]', '0000-00-00', '0000-00-00', '0000-00-00', '2026-05-00', NULL)");
    assert_snapshot!(row(json!({ "url": url, "query": "SELECT * FROM t" })), @r#"
        b: blob = "616263"
        vb: varbinary = "6162"
        fb: binary = "7879"
        l: varchar = "é"
        bin: varbinary = "ü"
        j: blob = "[1]"
        d: date = "0000-00-00"
        dt: datetime = "0000-00-00T00:00:00"
        ts: timestamp = "0000-00-00T00:00:00Z"
        partial: date = "2026-05-00"
        none: date = null
        "#);
}

#[test]
fn values_of_mariadb_keep_their_types() {
    let server = harness::mariadb();
    let url = server.new_database();
    server.sql(&url, "
        CREATE TABLE t (i int, u bigint unsigned, b boolean, d decimal(30,10), f float, e enum('x','y'), s set('p','q'),
                        dt datetime(3), ts timestamp NULL, da date, ti time, y year, j json, bl blob, tx text, bi bit(4));
        SET time_zone = '+00:00';
        INSERT INTO t VALUES (-1, 18446744073709551615, true, 1.5, 0.1, 'y', 'p,q', '2026-03-01 12:00:00.250',
                              '2026-03-01 12:00:00', '2026-03-01', '-100:00:01', 2026, '{\"a\":1}', x'00ff', 'é', b'101')");
    assert_snapshot!(row(json!({ "url": url, "query": "SELECT *, NULL AS nothing, version() > '' AS v, count(*) AS n, sum(i) AS total FROM t" })), @r#"
    i: int = -1
    u: bigint unsigned = 18446744073709551615
    b: boolean = true
    d: decimal = 1.5
    f: float = 0.1
    e: enum = "y"
    s: char = "p,q"
    dt: datetime = "2026-03-01T12:00:00.250"
    ts: timestamp = "2026-03-01T12:00:00Z"
    da: date = "2026-03-01"
    ti: time = "-100:00:01"
    y: year = 2026
    j: blob = "{\"a\":1}"
    bl: blob = "00ff"
    tx: text = "é"
    bi: bit = 5
    nothing: null = null
    v: int = 1
    n: bigint = 1
    total: decimal = -1
    "#);
}

#[test]
fn values_of_sqlite_have_the_type_that_they_were_stored_with() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    sqlite(
        dir.path(),
        "CREATE TABLE t (i INTEGER, b BOOLEAN, r REAL, n NUMERIC, d DATETIME, x BLOB, any);
        INSERT INTO t VALUES (9007199254740993, 1, 0.1, 1.10, '2026-03-01 12:00:00', x'00ff', 'text')",
    );
    let cx = context(dir.path(), &[]);
    let seen = observe_in::<Sql>(&cx, json!({ "url": "sqlite:///app.db", "query": "SELECT *, NULL AS absent FROM t" }));
    assert_snapshot!(serde_json::to_string(&seen.expect("an answer").rows).expect("it is JSON"), @r#"[{"i":9007199254740993,"b":true,"r":0.1,"n":1.1,"d":"2026-03-01 12:00:00","x":"00ff","any":"text","absent":null}]"#);
}

/// Creates `app.db` with the official client.
pub fn sqlite(dir: &Path, sql: &str) {
    let program = harness::program("sqlite3");
    let output = std::process::Command::new(program).arg(dir.join("app.db")).arg(sql).output().expect("it runs");
    assert!(output.status.success(), "sqlite3: {}", String::from_utf8_lossy(&output.stderr));
}
