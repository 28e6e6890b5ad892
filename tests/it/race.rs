//! `race` against small APIs that honor or ignore the idempotency key, with a table that counts effects.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Barrier, Mutex};

use gate::probe::Probe;
use gate::probe::race::{Race, RaceSeen};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{self, HttpServer, Project, Request, Response, free_port, http};
use crate::observe::{observe, probe, refused};

/// The number of concurrent requests.
const RACERS: usize = 4;

/// How the API stores keys.
#[derive(Clone, Copy, PartialEq)]
enum Keeps {
    /// Lookup and storage are one atomic step.
    Atomically,
    /// Other requests can look up between lookup and storage.
    Late,
    /// It ignores the key.
    Never,
}

/// The state of one process of the API.
struct Api {
    keeps: Keeps,
    kept: Mutex<HashMap<String, u32>>,
    all_have_looked: Barrier,
    table: Option<PathBuf>,
    made: Mutex<u32>,
}

impl Api {
    fn answer(&self, request: &Request) -> Response {
        if request.method == "OPTIONS" {
            return Response::empty(204);
        }
        let key = request.header("idempotency-key").unwrap_or_default();
        let id = match self.keeps {
            Keeps::Never => self.make(key),
            Keeps::Atomically => {
                let mut kept = self.kept.lock().expect("no thread panics while it holds the lock");
                *kept.entry(key.to_owned()).or_insert_with(|| self.make(key))
            }
            Keeps::Late => {
                let found = self.kept.lock().expect("no thread panics while it holds the lock").get(key).copied();
                found.unwrap_or_else(|| {
                    // All requests have to arrive here, or the test hangs: this asserts that they are concurrent.
                    self.all_have_looked.wait();
                    let id = self.make(key);
                    self.kept.lock().expect("no thread panics while it holds the lock").insert(key.to_owned(), id);
                    id
                })
            }
        };
        Response::json(&json!({ "id": id, "state": "made" })).status(201)
    }

    /// The effect: a row in the table.
    fn make(&self, key: &str) -> u32 {
        let mut made = self.made.lock().expect("no thread panics while it holds the lock");
        *made += 1;
        if let Some(table) = &self.table {
            sqlite(table, &format!("INSERT INTO effects VALUES ('{key}')"));
        }
        *made
    }
}

fn api(keeps: Keeps, table: Option<&Path>) -> HttpServer {
    let api = Arc::new(Api {
        keeps,
        kept: Mutex::default(),
        all_have_looked: Barrier::new(RACERS),
        table: table.map(Path::to_owned),
        made: Mutex::default(),
    });
    http(move |request| api.answer(&request))
}

fn sqlite(file: &Path, sql: &str) {
    let status = Command::new(harness::program("sqlite3")).arg(file).arg(sql).status().expect("it is installed");
    assert!(status.success(), "{sql}");
}

fn settings(server: &HttpServer) -> Value {
    json!({ "url": server.url(), "requests": RACERS, "json": { "amount": 1 } })
}

fn reported(seen: &RaceSeen) -> String {
    let probe: Race = probe(json!({ "url": "http://h" }));
    format!("{} | {}", probe.evidence(seen), probe.advice(seen).unwrap_or_default())
}

/// The result of an item that sends concurrent requests and then counts the rows that they created.
fn judged(keeps: Keeps) -> (i32, String) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let table = dir.path().join("effects.db");
    sqlite(&table, "CREATE TABLE effects (key TEXT)");
    let server = api(keeps, Some(&table));
    let output = Project::new(&format!(
        "
        title: T
        sections:
          - title: S
            items:
              - id: idempotency
                title: Idempotency
                probes:
                  - race: {{ url: \"{}\", requests: {RACERS}, json: {{ amount: 1 }}, key: \"the-key\" }}
                  - sql: {{ url: \"sqlite://{}\", query: \"SELECT count(*) AS made FROM effects WHERE key = 'the-key'\" }}
                    expect: {{ value: 1 }}
        ",
        server.url(),
        table.display()
    ))
    .gate(&["check", "staging"]);
    (output.code, format!("{}{}", output.stdout, output.stderr))
}

#[test]
fn a_key_that_holds_gives_one_id_and_one_row() {
    let server = api(Keeps::Atomically, None);
    let seen = observe::<Race>(settings(&server)).expect("it answers");
    assert_eq!((json!(seen.by_status), seen.bodies, seen.ids.len()), (json!({ "201": 4 }), 1, 1));
    assert_eq!((seen.replay.status, seen.replay.same_id, seen.replay.same_body), (201, true, true));
    assert_snapshot!(reported(&seen), @"1 id from 4 at once, the same again afterwards | ");
    let (code, reported) = judged(Keeps::Atomically);
    assert_eq!(code, 0, "{reported}");
}

#[test]
fn a_key_that_is_kept_too_late_is_red_in_the_answers_and_in_the_table() {
    let server = api(Keeps::Late, None);
    let seen = observe::<Race>(settings(&server)).expect("it answers");
    assert_eq!((seen.accepted, seen.ids.len(), seen.bodies, seen.replay.same_id), (4, 4, 4, false));
    assert!(reported(&seen).contains("the key did not hold"), "{}", reported(&seen));
    let (code, reported) = judged(Keeps::Late);
    assert_eq!(code, 1, "{reported}");
    assert!(reported.contains("the key did not hold") && reported.contains("value: expected 1, got 4"), "{reported}");
}

#[test]
fn an_ignored_key_is_red() {
    let (code, reported) = judged(Keeps::Never);
    assert_eq!(code, 1, "{reported}");
    assert!(reported.contains("value: expected 1, got 5"), "{reported}");
}

#[test]
fn all_requests_share_a_key_and_each_attempt_has_a_new_one() {
    let server = api(Keeps::Atomically, None);
    let mut named = settings(&server);
    named["header"] = "X-Request-Key".into();
    named["token"] = "abcd".into();
    let first = observe::<Race>(named.clone()).expect("it answers");
    let second = observe::<Race>(named).expect("it answers");
    assert_ne!(first.key, second.key);
    let keys: Vec<String> =
        server.requests().iter().filter_map(|request| Some(request.header("x-request-key")?.to_owned())).collect();
    assert_eq!(keys.len(), 2 * (RACERS + 1));
    assert_eq!(keys.iter().filter(|key| **key == first.key).count(), RACERS + 1);
    let private = |request: &Request| request.method == "OPTIONS" && request.header("authorization").is_some();
    assert!(!server.requests().iter().any(private));
}

#[test]
fn losers_may_be_refused_but_an_error_of_the_server_is_red() {
    let first = |status: u16| {
        let asked = Mutex::new(0);
        http(move |request| {
            if request.method == "OPTIONS" {
                return Response::empty(404);
            }
            let mut asked = asked.lock().expect("no thread panics while it holds the lock");
            *asked += 1;
            let is_first_or_last = *asked == 1 || *asked > RACERS;
            if is_first_or_last { Response::json(&json!({ "id": "a" })) } else { Response::empty(status) }
        })
    };
    let seen = observe::<Race>(settings(&first(409))).expect("it answers");
    assert_eq!((seen.accepted, seen.server_errors, seen.ids.join(" ").as_str()), (1, 0, "a"));
    assert_snapshot!(reported(&seen), @"1 id from 4 at once, the same again afterwards | ");
    let seen = observe::<Race>(settings(&first(500))).expect("it answers");
    assert_eq!((seen.accepted, seen.server_errors), (1, 3));
    assert!(reported(&seen).contains("does it run into the unique index?"), "{}", reported(&seen));
}

#[test]
fn an_id_that_is_not_where_it_should_be_is_never_green() {
    let mut elsewhere = settings(&api(Keeps::Atomically, None));
    let server = api(Keeps::Atomically, None);
    elsewhere["url"] = server.url().into();
    elsewhere["id"] = "/data/id".into();
    let seen = observe::<Race>(elsewhere).expect("it answers");
    assert_eq!((seen.without_id, seen.ids.len(), seen.replay.same_id), (4, 0, false));
    assert!(reported(&seen).ends_with("such as `/data/id`"), "{}", reported(&seen));
}

#[test]
fn a_server_that_is_down_is_an_error() {
    let url = format!("http://127.0.0.1:{}", free_port());
    let error = observe::<Race>(json!({ "url": url })).expect_err("the port is closed");
    assert!(error.contains("refused the connection"), "{error}");
}

#[test]
fn settings_that_would_not_race_are_refused() {
    let with = |key: &str, value: Value| {
        let mut settings = json!({ "url": "http://h" });
        settings[key] = value;
        refused::<Race>(settings)
    };
    assert_snapshot!(with("requests", json!(1)), @"`requests` is a number from 2 to 64");
    assert_snapshot!(with("id", json!("json.id")), @"`id` is a JSON pointer, such as `/id` or `/data/id`");
    assert_snapshot!(with("key", json!("a\nb")), @"`key` can't be sent in a header");
    assert_snapshot!(with("headers", json!({ "idempotency-key": "a" })), @"the idempotency key is in `headers` too: give it as `key`");
}

#[test]
fn connections_that_the_server_has_closed_before_the_race_lose_nothing() {
    let count = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&count);
    let server = harness::raw(move |mut stream| {
        use std::io::{Read, Write};
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                _ => return,
            }
        }
        if !head.starts_with(b"OPTIONS") {
            *counted.lock().expect("no thread panics while it holds the lock") += 1;
        }
        let body = "{\"id\": 7}";
        write!(stream, "HTTP/1.1 201 Created\r\ncontent-length: {}\r\n\r\n{body}", body.len()).ok();
        // It closes the connection at the next request, without an answer.
        let _ = stream.read(&mut byte);
    });
    let seen = observe::<Race>(json!({ "url": server.url(), "requests": 10 })).expect("it answers");
    assert_eq!((seen.accepted, seen.transport_failures, seen.replay.same_id), (10, 0, true));
    assert_eq!(*count.lock().expect("no thread panics while it holds the lock"), 11);
}
