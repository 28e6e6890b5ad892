//! No server can make an item outlive its timeout, take another item's time, or fill the memory.

use std::io::Read as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{self, HttpServer, Project, RawServer, Response, message, packet};

/// How long an item may take beyond its timeout on a machine that is busy with other tests.
const OVERRUN: Duration = Duration::from_secs(1);

/// What one server does, and the probe that meets it: `PORT` stands for its port.
struct Foe {
    name: &'static str,
    server: RawServer,
    probes: Vec<&'static str>,
}

impl Foe {
    fn new(name: &'static str, server: RawServer, probes: &[&'static str]) -> Self {
        Self { name, server, probes: probes.to_vec() }
    }

    /// An item for each of its probes.
    fn items(&self, timeout: &str) -> String {
        let item = |(number, probe): (usize, &&str)| {
            let probe = probe.replace("PORT", &self.server.port().to_string());
            format!("      - {{ id: {}-{number}, title: X, probes: [{{ {probe}, timeout: {timeout} }}] }}\n", self.name)
        };
        self.probes.iter().enumerate().map(item).collect()
    }
}

const POSTGRES: &[&str] = &[r#"sql: { url: "postgres://u:p@127.0.0.1:PORT/db", query: SELECT 1 }"#];
const MYSQL: &[&str] = &[r#"sql: { url: "mysql://u:p@127.0.0.1:PORT/db", query: SELECT 1 }"#];
const REDIS: &[&str] = &[r#"redis: { url: "redis://127.0.0.1:PORT" }"#];
const HTTP: &[&str] = &[
    r#"http: { url: "http://127.0.0.1:PORT" }"#,
    r#"metrics: { url: "http://127.0.0.1:PORT" }"#,
    r#"prometheus: { url: "http://127.0.0.1:PORT", query: up }"#,
    r#"alertmanager: { url: "http://127.0.0.1:PORT" }"#,
    r#"grafana: { url: "http://127.0.0.1:PORT" }"#,
    r#"logs: { store: loki, url: "http://127.0.0.1:PORT", query: "{a=\"b\"}" }"#,
    r#"image: { ref: "127.0.0.1:PORT/a/b:c" }"#,
    r#"burst: { url: "http://127.0.0.1:PORT", requests: 5 }"#,
    r#"race: { url: "http://127.0.0.1:PORT", json: {}, id: /id }"#,
];
const ALL: &[&str] = &[
    POSTGRES[0],
    MYSQL[0],
    REDIS[0],
    HTTP[0],
    r#"tcp: { address: "127.0.0.1:PORT", send: "x" }"#,
    r#"tls: { address: "127.0.0.1:PORT" }"#,
];

fn foes() -> Vec<Foe> {
    let row = message(b'D', &[&[0, 1, 0, 0, 4, 0][..], &[b'x'; 1024]].concat());
    let more_results = packet(1, b"\0\0\0\x0a\0\0\0");
    vec![
        Foe::new("silent", harness::drips(None), ALL),
        Foe::new("drips", harness::drips(Some(b'H')), ALL),
        Foe::new("pg-rows", harness::postgres_that(row), POSTGRES),
        Foe::new("pg-notices", harness::postgres_that(message(b'N', b"SNOTICE\0C00000\0Mhello\0\0")), POSTGRES),
        Foe::new("pg-parameters", harness::postgres_that(message(b'S', b"name\0value\0")), POSTGRES),
        Foe::new("pg-claim", harness::postgres_that(b"D\x7f\xff\xff\xff".to_vec()), POSTGRES),
        Foe::new("mysql-ok", harness::mysql_that(more_results), MYSQL),
        Foe::new("mysql-columns", harness::mysql_that(packet(1, b"\xfe\xff\xff\xff\xff\0\0\0\0")), MYSQL),
        Foe::new("mysql-packets", harness::mysql_that(packet(1, &vec![b'x'; 0xff_ff_ff])), MYSQL),
        Foe::new("mysql-rows", harness::mysql_that([packet(1, b"\x01"), packet(2, b"x")].concat()), MYSQL),
        Foe::new("redis-line", harness::answers_with(b"+", b"OK".to_vec()), REDIS),
        Foe::new("redis-bulk", harness::answers_with(b"$2147483647\r\n", b"x".to_vec()), REDIS),
        Foe::new("redis-list", harness::answers_with(b"*2147483647\r\n", b":1\r\n".to_vec()), REDIS),
        Foe::new("http-header", harness::answers_with(b"HTTP/1.1 200 OK\r\n", b"a: b\r\n".to_vec()), HTTP),
        Foe::new("http-body", harness::answers_with(b"HTTP/1.1 200 OK\r\n\r\n", b"[1, 2, \n".to_vec()), HTTP),
        Foe::new("garbage", harness::answers_with(b"", b"\xff\x00garbage".to_vec()), ALL),
    ]
}

fn project(items: &str) -> Project {
    Project::new(&format!("title: T\nsections:\n  - title: S\n    items:\n{items}"))
}

fn items(output: &str) -> Vec<Value> {
    let run: Value = serde_json::from_str(output).unwrap_or_else(|error| panic!("{error}: {output}"));
    run["sections"][0]["items"].as_array().expect("a list").clone()
}

/// A server that is well, and the items that ask it and a database.
fn neighbours() -> (HttpServer, String) {
    let server = harness::http(|_| Response { status: 200, headers: Vec::new(), body: b"{}".to_vec(), delay: None });
    let database = harness::postgres().url();
    let items = (0..10).map(|number| {
        format!(
            "      - {{ id: well-{number}, title: X, probes: [{{ http: {{ url: \"{}\" }}, timeout: 5s }}, \
             {{ sql: {{ url: \"{database}\", query: SELECT 1 }}, timeout: 5s }}] }}\n",
            server.url()
        )
    });
    let items = items.collect();
    (server, items)
}

/// Runs `gate check` with a JSON report, and gives its peak memory in MiB besides.
fn measured(project: &Project) -> (i32, String, u64) {
    let mut command = project.command(&["check", "staging", "--no-record", "--format", "json"]).command();
    let report = std::fs::File::create(project.path().join("report.json")).expect("the directory is ours");
    let mut child = command.stdout(report).spawn().expect("cargo has built it");
    let (status, mut peak) = (format!("/proc/{}/status", child.id()), 0);
    let code = loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = peak.max(line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0));
        match child.try_wait().expect("it is ours") {
            Some(ended) => break ended.code().unwrap_or(-1),
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    (code, project.read("report.json"), peak / 1024)
}

#[test]
fn no_item_outlives_its_timeout_and_no_neighbour_is_harmed() {
    let (_server, well) = neighbours();
    let foes = foes();
    let hostile: String = foes.iter().map(|foe| foe.items("2s")).collect();
    let project = project(&(hostile + &well));
    let begun = Instant::now();
    let (code, output, peak) = measured(&project);
    assert!(code == 1 || code == 3, "{code}: {output}");
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    for item in items(&output) {
        let (id, status) = (item["id"].as_str().expect("an id"), item["status"].as_str().expect("a status"));
        let took = Duration::from_millis(item["duration_ms"].as_u64().expect("a duration"));
        if id.starts_with("well") {
            assert_eq!(status, "passed", "{item:#}");
        } else {
            // Accepting a connection, or a header, is all that some of the probes ask of a server.
            let is_database = ["pg", "mysql", "redis"].iter().any(|name| id.starts_with(name));
            assert!(status == "error" || !is_database, "{item:#}");
            assert!(took <= Duration::from_secs(2) + OVERRUN, "{id} took {took:?}: {item:#}");
        }
    }
    assert!(peak < 256, "{peak} MiB");
}

#[test]
fn no_single_server_fills_the_memory() {
    for foe in foes() {
        let project = project(&foe.items("1s"));
        let (code, output, peak) = measured(&project);
        assert!(code == 1 || code == 3 || code == 0, "{}: {code} {output}", foe.name);
        // The promise is 128 MiB; a build for debugging on a busy machine gets a little more.
        assert!(peak < 144, "{}: {peak} MiB", foe.name);
    }
}

#[test]
fn a_deadline_and_a_signal_end_the_run_whatever_it_talks_to() {
    let foes = foes();
    let project = project(&foes.iter().map(|foe| foe.items("10m")).collect::<String>());
    let begun = Instant::now();
    let output = project.gate(&["check", "staging", "--no-record", "--deadline", "1s"]);
    assert!(begun.elapsed() < Duration::from_secs(2) + OVERRUN, "{:?}", begun.elapsed());
    // What a fast one answered in time may be wrong; what was interrupted is not known.
    assert!(matches!(output.code, 1 | 3), "{}{}", output.stdout, output.stderr);

    let silent = harness::drips(None);
    let more = Foe::new("last", silent, &[HTTP[0]]);
    let project = self::project(&foes.iter().chain([&more]).map(|foe| foe.items("10m")).collect::<String>());
    let mut command = project.command(&["check", "staging", "--no-record"]).command();
    let mut child = command.stdout(Stdio::null()).spawn().expect("cargo has built it");
    while more.server.connections() == 0 {
        std::thread::yield_now();
    }
    let begun = Instant::now();
    // SAFETY: the child has not been waited for.
    unsafe { libc::kill(libc::pid_t::try_from(child.id()).expect("it fits"), libc::SIGINT) };
    let status = child.wait().expect("it is ours");
    assert!(begun.elapsed() < Duration::from_secs(2) + OVERRUN, "{:?}", begun.elapsed());
    assert_eq!(status.code(), Some(130));
}

#[test]
fn a_signal_ends_a_run_whose_output_nobody_reads() {
    let text = "x".repeat(1 << 20);
    let project = Project::new(&format!(
        "title: T\nsections:\n  - title: S\n    text: {text}\n  - title: U\n    items:\n      - {{ id: a, title: A, probes: [{{ command: {{ argv: [\"true\"] }} }}] }}\n"
    ));
    let mut command = project.command(&["check", "staging", "--no-record", "--format", "json"]).command();
    let mut child = command.stdout(Stdio::piped()).spawn().expect("cargo has built it");
    let mut pipe = child.stdout.take().expect("it is piped");
    // It has begun to write, and can't go on.
    pipe.read_exact(&mut [0]).expect("it writes");
    let begun = Instant::now();
    // SAFETY: the child has not been waited for.
    unsafe { libc::kill(libc::pid_t::try_from(child.id()).expect("it fits"), libc::SIGINT) };
    let status = child.wait().expect("it is ours");
    assert!(begun.elapsed() < Duration::from_secs(2) + OVERRUN, "{:?}", begun.elapsed());
    assert_eq!(status.code(), Some(130));
    drop(pipe);
}
