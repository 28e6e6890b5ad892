//! The benchmark against other tools: their input files, and the table of results.

#[path = "../../benches/speed/peers/input.rs"]
mod input;
#[path = "../../benches/speed/peers/table.rs"]
mod table;

use insta::assert_snapshot;

use input::Mixed;
use table::{Cell, Column};

fn urls() -> Vec<String> {
    (1..=2).map(|number| format!("http://127.0.0.1:8000/50/{number}")).collect()
}

const MIXED: Mixed = Mixed {
    ports: [8000, 5432, 6379],
    database: "postgres://me@127.0.0.1:5432/app",
    redis: "redis://127.0.0.1:6379",
    file: "/srv/checklists/mixed.yaml",
};

#[test]
fn each_tool_checks_the_status_and_one_field_of_every_answer() {
    assert_snapshot!(input::hurl(&urls()), @r#"
    GET http://127.0.0.1:8000/50/1
    HTTP 200
    [Asserts]
    jsonpath "$.ok" == true

    GET http://127.0.0.1:8000/50/2
    HTTP 200
    [Asserts]
    jsonpath "$.ok" == true
    "#);
    assert_snapshot!(input::goss(&urls(), None), @r#"
    http:
      http://127.0.0.1:8000/50/1: { status: 200, timeout: 30000, body: ['"ok":true'] }
      http://127.0.0.1:8000/50/2: { status: 200, timeout: 30000, body: ['"ok":true'] }
    "#);
    assert_snapshot!(input::wait4x(&urls()).join(" "), @r"http --timeout 30s --expect-status-code 200 --expect-body-json ok http://127.0.0.1:8000/50/1 http://127.0.0.1:8000/50/2");
}

#[test]
fn the_mixed_list_has_as_many_items_for_each_tool() {
    assert_snapshot!(input::goss(&urls(), Some(&MIXED)), @r#"
    http:
      http://127.0.0.1:8000/50/1: { status: 200, timeout: 30000, body: ['"ok":true'] }
      http://127.0.0.1:8000/50/2: { status: 200, timeout: 30000, body: ['"ok":true'] }
    addr:
      tcp://127.0.0.1:8000: { reachable: true, timeout: 30000 }
      tcp://127.0.0.1:5432: { reachable: true, timeout: 30000 }
      tcp://127.0.0.1:6379: { reachable: true, timeout: 30000 }
      tcp://localhost:8000: { reachable: true, timeout: 30000 }
      tcp://localhost:5432: { reachable: true, timeout: 30000 }
      tcp://localhost:6379: { reachable: true, timeout: 30000 }
    command:
      sql-0: { exec: "psql 'postgres://me@127.0.0.1:5432/app' -tAc 'SELECT count(*) > 0 FROM orders WHERE paid AND id > 0'", exit-status: 0, timeout: 30000, stdout: ["t"] }
      sql-1: { exec: "psql 'postgres://me@127.0.0.1:5432/app' -tAc 'SELECT count(*) > 0 FROM orders WHERE paid AND id > 1'", exit-status: 0, timeout: 30000, stdout: ["t"] }
      sql-2: { exec: "psql 'postgres://me@127.0.0.1:5432/app' -tAc 'SELECT count(*) > 0 FROM orders WHERE paid AND id > 2'", exit-status: 0, timeout: 30000, stdout: ["t"] }
      sql-3: { exec: "psql 'postgres://me@127.0.0.1:5432/app' -tAc 'SELECT count(*) > 0 FROM orders WHERE paid AND id > 3'", exit-status: 0, timeout: 30000, stdout: ["t"] }
      sql-4: { exec: "psql 'postgres://me@127.0.0.1:5432/app' -tAc 'SELECT count(*) > 0 FROM orders WHERE paid AND id > 4'", exit-status: 0, timeout: 30000, stdout: ["t"] }
      redis-0: { exec: "redis-cli -u 'redis://127.0.0.1:6379' SET speed 1", exit-status: 0, timeout: 30000, stdout: ["OK"] }
      redis-1: { exec: "redis-cli -u 'redis://127.0.0.1:6379' PING", exit-status: 0, timeout: 30000, stdout: ["PONG"] }
      redis-2: { exec: "redis-cli -u 'redis://127.0.0.1:6379' SET speed 1", exit-status: 0, timeout: 30000, stdout: ["OK"] }
      redis-3: { exec: "redis-cli -u 'redis://127.0.0.1:6379' PING", exit-status: 0, timeout: 30000, stdout: ["PONG"] }
      echo-0: { exec: "echo 0", exit-status: 0, timeout: 30000, stdout: ["0"] }
      echo-1: { exec: "echo 1", exit-status: 0, timeout: 30000, stdout: ["1"] }
      echo-2: { exec: "echo 2", exit-status: 0, timeout: 30000, stdout: ["2"] }
      echo-3: { exec: "echo 3", exit-status: 0, timeout: 30000, stdout: ["3"] }
    file:
      /srv/checklists/mixed.yaml: { exists: true, contents: [api] }
      /srv/checklists/./mixed.yaml: { exists: true, contents: [api] }
      /srv/checklists/././mixed.yaml: { exists: true, contents: [api] }
      /srv/checklists/./././mixed.yaml: { exists: true, contents: [api] }
      /srv/checklists/././././mixed.yaml: { exists: true, contents: [api] }
    "#);
    assert_snapshot!(input::wait4x_script(&urls(), &MIXED), @r#"
    pids=
    wait4x 'http' '--timeout' '30s' '--expect-status-code' '200' '--expect-body-json' 'ok' 'http://127.0.0.1:8000/50/1' 'http://127.0.0.1:8000/50/2' & pids="$pids $!"
    wait4x 'tcp' '--timeout' '30s' '127.0.0.1:8000' '127.0.0.1:5432' '127.0.0.1:6379' '127.0.0.1:8000' '127.0.0.1:5432' '127.0.0.1:6379' & pids="$pids $!"
    wait4x 'postgresql' '--timeout' '30s' 'postgres://me@127.0.0.1:5432/app?sslmode=disable' 'postgres://me@127.0.0.1:5432/app?sslmode=disable' 'postgres://me@127.0.0.1:5432/app?sslmode=disable' 'postgres://me@127.0.0.1:5432/app?sslmode=disable' 'postgres://me@127.0.0.1:5432/app?sslmode=disable' '--expect-table' 'orders' & pids="$pids $!"
    wait4x 'redis' '--timeout' '30s' 'redis://127.0.0.1:6379' 'redis://127.0.0.1:6379' 'redis://127.0.0.1:6379' 'redis://127.0.0.1:6379' & pids="$pids $!"
    wait4x 'exec' '--timeout' '30s' 'grep -q api /srv/checklists/mixed.yaml' 'grep -q api /srv/checklists/mixed.yaml' 'grep -q api /srv/checklists/mixed.yaml' 'grep -q api /srv/checklists/mixed.yaml' 'grep -q api /srv/checklists/mixed.yaml' 'echo 0' 'echo 1' 'echo 2' 'echo 3' & pids="$pids $!"
    for pid in $pids; do wait "$pid" || exit 1; done
    "#);
}

#[test]
fn the_table_says_who_reuses_connections_and_what_was_not_measured() {
    let took = |wall: f64, memory: f64, connections: usize| Cell::Took { wall, memory, connections };
    let columns = [
        Column {
            name: "gate 0.1.0".to_owned(),
            cells: vec![took(3.42, 16.9, 1), took(430.0, 88.4, 1), took(900.0, 90.0, 10_000)],
        },
        Column {
            name: "hurl 8.0.1".to_owned(),
            cells: vec![took(12.0, 20.0, 1), took(1030.0, 161.0, 10_000), Cell::Failed],
        },
        Column {
            name: "bare reqwest".to_owned(),
            cells: vec![took(1.8, 5.0, 1), took(194.0, 25.4, 512), Cell::Unsupported],
        },
    ];
    let lists = [("one HTTP item", 1), ("10,000 HTTP items", 10_000), ("the same, connections closed", 10_000)];
    assert_snapshot!(table::table(&lists, &columns, &["goss", "wait4x"]), @r"
    | | gate 0.1.0 | hurl 8.0.1 | bare reqwest |
    |---|---|---|---|
    | one HTTP item | 3.4 ms, 17 MiB | 12 ms, 20 MiB | 1.8 ms, 5 MiB |
    | 10,000 HTTP items | 430 ms, 88 MiB, 1 connection | 1.03 s, 161 MiB, 10,000 connections | 194 ms, 25 MiB, 512 connections |
    | the same, connections closed | 900 ms, 90 MiB, 10,000 connections | failed | – |

    Wall time, peak memory, and connections to the HTTP server. Reuse connections: gate 0.1.0, bare reqwest. One connection for each request: hurl 8.0.1.
    Not found on PATH, so not measured: goss, wait4x.
    ");
}
