//! No server can make an item outlive its timeout, delay another item, or fill the memory.

use std::io::Read as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{self, Foe, HttpServer, Project, Response, foes, message};

/// Extra time for an item on a machine that is busy with other tests.
const OVERRUN: Duration = Duration::from_secs(1);

fn project(items: &str) -> Project {
    Project::new(&format!("title: T\nsections:\n  - title: S\n    items:\n{items}"))
}

fn items(output: &str) -> Vec<Value> {
    let run: Value = serde_json::from_str(output).unwrap_or_else(|error| panic!("{error}: {output}"));
    run["sections"][0]["items"].as_array().expect("a list").clone()
}

/// A healthy server, and the items that use it and a database.
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

/// Runs `gate check` with a JSON report. Also returns its peak memory in MiB.
fn measured(project: &Project) -> (i32, String, u64) {
    let mut command = project.command(&["check", "staging", "--no-record", "--format", "json"]).command();
    let report = std::fs::File::create(project.path().join("report.json")).expect("the directory is writable");
    let mut child = command.stdout(report).spawn().expect("cargo has built it");
    let (status, mut peak) = (format!("/proc/{}/status", child.id()), 0);
    let code = loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = peak.max(line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0));
        match child.try_wait().expect("it is a child of this process") {
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
            // Some of the probes only need an accepted connection or a header, so they pass.
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
        assert!(peak <= 128, "{}: {peak} MiB", foe.name);
    }
}

#[test]
fn a_thousand_hostile_servers_at_once_do_not_fill_the_memory() {
    let mut text = String::new();
    let foes = foes();
    for round in 0.. {
        let items: String =
            foes.iter().map(|foe| foe.items("1s").replace("{ id: ", &format!("{{ id: r{round}-"))).collect();
        text += &items;
        if text.lines().count() >= 1000 {
            break;
        }
    }
    let count = text.lines().count();
    let begun = Instant::now();
    let (code, output, peak) = measured(&project(&text));
    assert!(code == 1 || code == 3, "{code}");
    assert_eq!(items(&output).len(), count);
    assert!(peak <= 256, "{peak} MiB");
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

#[test]
fn a_deadline_and_a_signal_end_the_run_whatever_it_talks_to() {
    let foes = foes();
    let project = project(&foes.iter().map(|foe| foe.items("10m")).collect::<String>());
    let begun = Instant::now();
    let output = project.gate(&["check", "staging", "--no-record", "--deadline", "1s"]);
    assert!(begun.elapsed() < Duration::from_secs(2) + OVERRUN, "{:?}", begun.elapsed());
    // An item that ended in time may have failed; an interrupted one has no result.
    assert!(matches!(output.code, 1 | 3), "{}{}", output.stdout, output.stderr);

    let silent = harness::drips(None);
    let more = Foe::new("last", silent, &[r#"http: { url: "http://127.0.0.1:PORT" }"#]);
    let project = self::project(&foes.iter().chain([&more]).map(|foe| foe.items("10m")).collect::<String>());
    let mut command = project.command(&["check", "staging", "--no-record"]).command();
    let mut child = command.stdout(Stdio::null()).spawn().expect("cargo has built it");
    while more.server.connections() == 0 {
        std::thread::yield_now();
    }
    let begun = Instant::now();
    // SAFETY: the child has not been waited for.
    unsafe { libc::kill(libc::pid_t::try_from(child.id()).expect("it fits"), libc::SIGINT) };
    let status = child.wait().expect("it is a child of this process");
    assert!(begun.elapsed() < Duration::from_secs(2) + OVERRUN, "{:?}", begun.elapsed());
    assert_eq!(status.code(), Some(130));
}

#[test]
fn a_signal_ends_a_run_whose_output_is_not_read() {
    let text = "x".repeat(1 << 20);
    let project = Project::new(&format!(
        "title: T\nsections:\n  - title: S\n    text: {text}\n  - title: U\n    items:\n      - {{ id: a, title: A, probes: [{{ command: {{ argv: [\"true\"] }} }}] }}\n"
    ));
    let mut command = project.command(&["check", "staging", "--no-record", "--format", "json"]).command();
    let mut child = command.stdout(Stdio::piped()).spawn().expect("cargo has built it");
    let mut pipe = child.stdout.take().expect("it is piped");
    // It has begun to write, and is blocked.
    pipe.read_exact(&mut [0]).expect("it writes");
    let begun = Instant::now();
    // SAFETY: the child has not been waited for.
    unsafe { libc::kill(libc::pid_t::try_from(child.id()).expect("it fits"), libc::SIGINT) };
    let status = child.wait().expect("it is a child of this process");
    assert!(begun.elapsed() < Duration::from_secs(2) + OVERRUN, "{:?}", begun.elapsed());
    assert_eq!(status.code(), Some(130));
    drop(pipe);
}

#[test]
fn a_ledger_server_that_floods_does_not_hold_up_a_run() {
    let row = message(b'D', &[&[0, 1, 0, 0, 4, 0][..], &[b'x'; 1024]].concat());
    for flood in [row, message(b'N', b"SNOTICE\0C00000\0Mhello\0\0"), message(b'S', b"name\0value\0")] {
        let server = harness::postgres_that(flood);
        let project = project("      - { id: a, title: A, probes: [{ file: { path: up } }] }\n").file("up", "");
        let mut command = project.command(&["check", "staging", "--deadline", "2s"]);
        command = command.env("GATE_LEDGER", format!("postgres://u:p@127.0.0.1:{}/db", server.port()));
        let begun = Instant::now();
        let output = command.run();
        assert!(begun.elapsed() < Duration::from_secs(3) + OVERRUN, "{:?}", begun.elapsed());
        assert!(output.stdout.contains("READY"), "{}{}", output.stdout, output.stderr);
        assert_eq!(output.code, 4, "{}{}", output.stdout, output.stderr);
        assert!(output.stderr.contains("cannot"), "{}", output.stderr);
    }
}
