//! Endless answers: each item ends at its own timeout, and the run with them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::harness::{Project, RawServer, raw};

/// Reads the request, then repeats this until the client has gone.
fn server(answer: impl Fn(&mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static) -> RawServer {
    raw(move |mut stream| {
        let mut request = [0; 4096];
        if stream.read(&mut request).is_ok() {
            while answer(&mut stream).is_ok() {}
        }
    })
}

fn pause() {
    std::thread::sleep(Duration::from_millis(50));
}

#[test]
fn no_item_outlives_its_timeout_with_any_server() {
    let silent = server(|_| {
        pause();
        Ok(())
    });
    let drips = server(|stream| {
        pause();
        pause();
        stream.write_all(b"H")
    });
    let endless_header =
        server(|stream| stream.write_all(b"HTTP/1.1 200 OK\r\nx: y\r\n").and(stream.write_all(&[b'a'; 512])));
    let endless_body = server(|stream| {
        let head: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n";
        stream.write_all(head)?;
        loop {
            pause();
            stream.write_all(b"x")?;
        }
    });
    let closes = raw(|mut stream| {
        let _ = stream.read(&mut [0; 4096]);
    });
    let babbles = raw(|mut stream| {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").and(stream.read(&mut [0; 4096]).map(drop));
    });
    let names = ["silent", "drips", "endless-header", "endless-body", "closes", "babbles"];
    let servers = [&silent, &drips, &endless_header, &endless_body, &closes, &babbles];
    let items: String = names
        .iter()
        .zip(servers)
        .map(|(id, server)| {
            let url = server.url();
            format!("      - {{ id: {id}, title: X, probes: [{{ http: {{ url: \"{url}\" }}, timeout: 2s }}] }}\n")
        })
        .collect();
    let project = Project::new(&format!("title: T\nsections:\n  - title: S\n    items:\n{items}"));
    let begun = Instant::now();
    let output = project.gate(&["check", "staging", "--format", "json"]);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!(output.code, 3, "{}{}", output.stdout, output.stderr);
    let run: serde_json::Value = serde_json::from_str(&output.stdout).expect("a whole document");
    let port = regex::Regex::new(r"127\.0\.0\.1:\d+").expect("it is well formed");
    let lines = run["sections"][0]["items"].as_array().expect("a list").iter().map(|item| {
        let text = |key: &str| item[key].as_str().unwrap_or_default().to_owned();
        // Whether it answered before or after the request is a race.
        let reason = text("reason").replace(": it sent data before the request", "");
        format!("{}: {}, {}\n", text("id"), text("status"), port.replace_all(&reason, "HOST"))
    });
    insta::assert_snapshot!(lines.collect::<String>(), @"
    silent: error, no answer within 2s
    drips: error, no answer within 2s
    endless-header: error, HOST did not answer with HTTP
    endless-body: error, no answer within 2s
    closes: error, HOST closed the connection without an answer
    babbles: error, HOST did not answer with HTTP
    ");
}

/// The reason and the help of an item whose server answers this.
fn answered(answer: Vec<u8>, expect: &str) -> String {
    let server = raw(move |mut stream| {
        if stream.read(&mut [0; 4096]).is_ok() {
            let _ = stream.write_all(&answer);
        }
    });
    let item = format!("{{ id: a, title: A, probes: [{{ http: {{ url: \"{}\" }}{expect} }}] }}", server.url());
    let project = Project::new(&format!("title: T\nsections:\n  - title: S\n    items:\n      - {item}\n"));
    let output = project.gate(&["check", "staging", "--no-record", "--format", "json"]);
    let run: serde_json::Value = serde_json::from_str(&output.stdout).expect("a whole document");
    let item = &run["sections"][0]["items"][0];
    let said =
        |value: &serde_json::Value| value.as_str().unwrap_or_default().replace(&server.port().to_string(), "PORT");
    format!("{} | {}", said(&item["reason"]), said(&item["probes"][0]["help"]))
}

#[test]
fn an_answer_that_breaks_a_limit_or_a_rule_is_reported_with_that() {
    let headers = |lines: &str| format!("HTTP/1.1 200 OK\r\n{lines}\r\n{{}}").into_bytes();
    let many: String = (0..101).map(|number| format!("x-{number}: y\r\n")).collect();
    insta::assert_snapshot!(answered(headers(&many), ""), @"127.0.0.1:PORT answered with more headers than gate reads: at most 100, and 400 KiB together | which part of the service adds them: the application, a proxy, or a load balancer?");
    insta::assert_snapshot!(answered(headers("content-length: 2\r\ncontent-length: 3\r\n"), ""), @"127.0.0.1:PORT answered with an invalid or contradictory `content-length` header | `curl -v` shows the headers: is there more than one of it?");
    let deep = "[".repeat(200) + &"]".repeat(200);
    for kind in ["application/json", "text/plain"] {
        let text = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: 400\r\n\r\n{deep}");
        let said = answered(text.into_bytes(), ", expect: { \"json[0]\": { exists: true } }");
        let expected = "json[0]: not found (the body is JSON that is nested deeper than 127 levels at line 1, column 128: gate does not read that)";
        assert!(said.starts_with(expected), "{said}");
    }
}
