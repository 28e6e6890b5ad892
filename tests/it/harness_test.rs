//! The ground that the other tests stand on: each server starts and answers.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::harness::{self, Request, Response};

#[test]
fn postgresql_starts_and_each_database_is_new() {
    let postgres = harness::postgres();
    assert_eq!(postgres.psql(&postgres.url(), "SELECT current_user, current_database()"), "gate|gate");
    let (one, two) = (postgres.new_database(), postgres.new_database());
    assert_ne!(one, two);
    assert_eq!(postgres.psql(&one, "SELECT count(*) FROM pg_stat_user_tables"), "0");
}

#[test]
fn postgresql_wants_its_password() {
    let url = harness::postgres().url().replace("p%40ss", "wrong");
    let refused =
        std::process::Command::new("psql").args([&url, "-c", "SELECT 1"]).output().expect("psql is installed");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("password authentication failed"));
}

#[test]
fn redis_starts_and_answers() {
    assert_eq!(harness::redis().ask("PING"), "+PONG");
}

#[test]
fn redis_is_brought_into_the_state_that_its_arguments_say() {
    let full = harness::redis_with(&["--maxmemory", "1", "--maxmemory-policy", "noeviction"]);
    assert!(full.ask("SET key value").starts_with("-OOM"));
    let orphan = harness::redis_with(&["--replicaof", "127.0.0.1 1", "--replica-serve-stale-data", "no"]);
    assert!(orphan.ask("PING").starts_with("-MASTERDOWN"));
    let single = harness::redis_with(&["--maxclients", "1"]);
    assert_eq!(single.ask("PING"), "+PONG");
}

#[test]
fn http_answers_with_what_the_test_returns_and_remembers_what_was_asked() {
    let server = harness::http(|request: Request| Response::text(&request.path).status(418));
    let answer = exchange(
        server.port(),
        "POST /a/b?c=d HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
    );
    assert!(answer.starts_with("HTTP/1.1 418"), "{answer}");
    assert!(answer.ends_with("/a/b"), "{answer}");
    let [request] = server.requests().try_into().expect("one was asked");
    assert_eq!((request.method.as_str(), request.query.as_str(), request.text().as_str()), ("POST", "c=d", "hi"));
    assert_eq!((request.header("host"), request.parameter("c")), (Some("x"), Some("d".into())));
}

#[test]
fn http_answers_no_sooner_than_the_test_says() {
    let server = harness::http(|_| Response::empty(204).delayed(Duration::from_millis(60)));
    let start = Instant::now();
    exchange(server.port(), "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(start.elapsed() >= Duration::from_millis(60));
}

#[test]
fn raw_does_what_the_test_does() {
    let server = harness::raw(|mut stream| stream.write_all(b"HTTP/1.1 200 O").expect("the client reads"));
    assert_eq!(exchange(server.port(), ""), "HTTP/1.1 200 O");
    assert_eq!(server.connections(), 1);
}

fn exchange(port: u16, question: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the server listens");
    stream.write_all(question.as_bytes()).expect("the server reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the server closes");
    answer
}
