//! No failure of a probe, and no mistake in a checklist, shows the text of a library or a Rust value.

use std::collections::BTreeSet;
use std::io::Write as _;

use gate::probe::Registry;
use serde_json::{Value, json};

use crate::harness::{self, Output, Project, Response};

/// Text that Rust or one of its libraries would print.
const FOREIGN: [&str; 23] = [
    "::",
    "Os {",
    "Error(",
    "Error {",
    "Err(",
    "Some(",
    "None,",
    "Ok(",
    "os error",
    "sqlx",
    "hyper",
    "reqwest",
    "rustls",
    "tokio",
    "serde",
    "rustix",
    "hickory",
    "saphyr",
    "object_store",
    "webpki",
    "panicked",
    "DnsName(",
    "Custom {",
];

fn assert_plain(what: &str, output: &Output) {
    for (number, line) in output.stdout.lines().chain(output.stderr.lines()).enumerate() {
        let found = FOREIGN.iter().find(|word| line.replace("[::1]", "").contains(**word));
        assert_eq!(found, None, "{what}, line {number}: {line}");
    }
}

/// A checklist with one item for each of these probes, as JSON, which is also YAML.
fn checklist(probes: &[Value]) -> String {
    let item =
        |(number, probe): (usize, &Value)| json!({ "id": format!("i{number}"), "title": "T", "probes": [probe] });
    let items: Vec<Value> = probes.iter().enumerate().map(item).collect();
    json!({ "title": "T", "defaults": { "timeout": "1500ms" }, "sections": [{ "title": "S", "items": items }] })
        .to_string()
}

/// A probe of every kind that connects to a server.
fn clients(port: u16, scheme: &str) -> Vec<Value> {
    let (address, url) = (format!("127.0.0.1:{port}"), format!("{scheme}://127.0.0.1:{port}"));
    let loki = json!({ "store": "loki", "url": url, "query": "{a=\"b\"}" });
    let elasticsearch = json!({ "store": "elasticsearch", "url": url, "index": "logs", "query": "a:b" });
    let redis = if scheme == "https" { "rediss" } else { "redis" };
    let (postgres, mysql) = match scheme {
        "https" => ("?sslmode=verify-full", "?ssl-mode=VERIFY_IDENTITY"),
        _ => ("", ""),
    };
    let options =
        json!({ "region": "r", "endpoint": url, "allow_http": "true", "access_key_id": "a", "secret_access_key": "b" });
    vec![
        json!({ "http": { "url": url } }),
        json!({ "burst": { "url": url, "requests": 2 } }),
        json!({ "race": { "url": url, "requests": 2, "json": {} } }),
        json!({ "github": { "url": url, "token": "t" } }),
        json!({ "grafana": { "url": url } }),
        json!({ "alertmanager": { "url": url } }),
        json!({ "prometheus": { "url": url, "query": "up" } }),
        json!({ "metrics": { "url": url } }),
        json!({ "logs": loki }),
        json!({ "logs": elasticsearch }),
        json!({ "image": { "ref": format!("{address}/a/b:c"), "plain_http": scheme == "http" } }),
        json!({ "backup": { "in": "s3://bucket/folder", "options": options } }),
        json!({ "tls": { "address": address } }),
        json!({ "tcp": { "address": address, "banner": true } }),
        json!({ "redis": { "url": format!("{redis}://{address}") } }),
        json!({ "sql": { "url": format!("postgres://u:p@{address}/d{postgres}"), "query": "SELECT 1" } }),
        json!({ "sql": { "url": format!("mysql://u:p@{address}/d{mysql}"), "query": "SELECT 1" } }),
        json!({ "dns": { "name": "a.test", "resolver": address } }),
    ]
}

/// A probe of every kind that reads a file or runs a program.
fn readers(path: &str) -> Vec<Value> {
    vec![
        json!({ "file": { "path": path } }),
        json!({ "junit": { "files": path } }),
        json!({ "k6": { "summary": path } }),
        json!({ "k6": { "run": path, "program": path } }),
        json!({ "env": { "names": ["A"], "file": path } }),
        json!({ "alembic": { "config": path } }),
        json!({ "alembic": { "config": path, "url": format!("sqlite:{path}") } }),
        json!({ "workflow": { "path": path } }),
        json!({ "nftables": { "boot_file": path } }),
        json!({ "sql": { "url": format!("sqlite:{path}"), "query": "SELECT 1" } }),
        json!({ "backup": { "in": path } }),
        json!({ "git": { "ref": path } }),
        json!({ "command": { "argv": [path] } }),
        json!({ "command": { "argv": ["true"], "cwd": path } }),
        json!({ "http": { "url": "https://127.0.0.1:9", "ca": path } }),
    ]
}

#[test]
fn no_failure_of_a_probe_shows_the_words_of_a_library() {
    let gone = harness::free_port();
    let mute = harness::raw(drop);
    let odd = harness::raw(|mut stream| drop(stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n\0\xff\xfe")));
    let cut =
        harness::http(|_| Response::ok("{\"status\":\"success\",\"data\":").header("content-type", "application/json"));
    let other = harness::http(|_| Response::json(&json!([null, { "a": -1 }])));
    let failing = harness::http(|_| Response::ok("\u{fffd}").status(500).header("content-encoding", "gzip"));
    let foreign = harness::nginx_tls(&harness::Certificate::self_signed(), "location / { return 200; }");
    let mut used = BTreeSet::new();
    for (what, port, scheme) in [
        ("nobody listens", gone, "http"),
        ("nobody listens", gone, "https"),
        ("a server that hangs up", mute.port(), "http"),
        ("a server that hangs up", mute.port(), "https"),
        ("a server of another kind", odd.port(), "http"),
        ("a server of another kind", odd.port(), "https"),
        ("half an answer", cut.port(), "http"),
        ("an answer of another shape", other.port(), "http"),
        ("an error in a wrong encoding", failing.port(), "http"),
        ("a certificate of nobody", foreign.port, "https"),
    ] {
        let probes = clients(port, scheme);
        let output = Project::new(&checklist(&probes)).gate(&["check", "staging"]);
        assert!([1, 3].contains(&output.code), "{what}: {}{}", output.stdout, output.stderr);
        assert_plain(what, &output);
        used.extend(
            probes.iter().flat_map(|probe| probe.as_object().into_iter().flatten()).map(|(kind, _)| kind.clone()),
        );
    }
    for (what, path) in
        [("no file", "none"), ("a folder", "folder"), ("bytes", "bytes"), ("nothing", "empty"), ("no text", "text")]
    {
        let probes = readers(path);
        let project =
            Project::new(&checklist(&probes)).file("folder/x", "").file("empty", "").file("text", "{ <a [\n= \u{1}");
        std::fs::write(project.path().join("bytes"), [0xff, 0, 0xfe, b'{']).expect("the folder is writable");
        let output = project.gate(&["check", "staging"]);
        assert!([1, 3].contains(&output.code), "{what}: {}{}", output.stdout, output.stderr);
        assert_plain(what, &output);
        used.extend(
            probes.iter().flat_map(|probe| probe.as_object().into_iter().flatten()).map(|(kind, _)| kind.clone()),
        );
    }
    let kinds: BTreeSet<String> = Registry::built_in().iter().map(|kind| kind.name().to_owned()).collect();
    assert_eq!(used, kinds, "every kind has its failures here");
}

#[test]
fn no_mistake_in_a_checklist_shows_the_words_of_a_library() {
    for probe in [
        json!({ "http": { "url": "http://[" } }),
        json!({ "http": { "url": "http://h:99999" } }),
        json!({ "http": { "url": "h" } }),
        json!({ "http": { "url": "http://h", "headers": { "a b": "c" } } }),
        json!({ "http": { "url": "http://h", "headers": { "a": "b\nc" } } }),
        json!({ "http": { "url": "http://h", "method": "NO SUCH" } }),
        json!({ "http": { "url": 7, "timeout": [] } }),
        json!({ "sql": { "url": "postgres://h:port/d", "query": "SELECT 1" } }),
        json!({ "sql": { "url": "mysql://h/d?ssl-mode=x", "query": "SELECT 1" } }),
        json!({ "sql": { "url": "postgres://h/d?port=x", "query": "SELECT 1" } }),
        json!({ "redis": { "url": "redis://h:x" } }),
        json!({ "redis": { "url": "redis://h/x" } }),
        json!({ "junit": { "files": "a[" } }),
        json!({ "env": { "names": ["A"], "matches": { "A": "(" } } }),
        json!({ "dns": { "name": "a..b", "resolver": "x" } }),
        json!({ "tls": { "address": "a b:1" } }),
        json!({ "tcp": { "address": "a:b" } }),
        json!({ "image": { "ref": "A/B:c d" } }),
        json!({ "backup": { "in": "s3://" } }),
        json!({ "file": { "path": "a", "max_size": "7 XB" } }),
        json!({ "git": { "ref": -1 } }),
        json!({ "k6": { "summary": "a", "tolerance": "x" } }),
        json!({ "file": { "path": "a" }, "expect": { "text": { "matches": "(" } } }),
        json!({ "file": { "path": "a" }, "expect": { "modified": { "newer_than": "7 X" } } }),
        json!({ "file": { "path": "a" }, "expect": { "text": { "version": "x" } } }),
        json!({ "file": { "path": "a" }, "expect": { "age_s": { "at_least": "x" } } }),
        json!({ "file": { "path": "a" }, "timeout": "x" }),
        json!({ "file": { "path": "a" }, "eventually": { "within": -1 } }),
    ] {
        let output = Project::new(&checklist(std::slice::from_ref(&probe))).gate(&["validate", "staging"]);
        assert_eq!(output.code, 2, "{probe}: {}{}", output.stdout, output.stderr);
        assert_plain(&probe.to_string(), &output);
    }
    for text in [
        "title: [",
        "\ttitle: T",
        "title: T\n title: U",
        "title: \"\\x\"",
        "title: *a",
        "a: &a [*a]",
        "\u{0}",
        "- - - {",
    ] {
        let output = Project::new("").file("checklists/staging.yaml", text).gate(&["validate", "staging"]);
        assert_eq!(output.code, 2, "{text}: {}{}", output.stdout, output.stderr);
        assert_plain(text, &output);
    }
}
