//! Cleanups also run when a run is interrupted: briefly, within the time in which a run promises to end.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cleanup::Shop;
use crate::harness::{Output, Project, message, postgres_that};

/// Extra time for the end on a machine that is busy with other tests.
const OVERRUN: Duration = Duration::from_secs(1);

/// A run whose only item has created an order, and is waiting.
fn waiting(shop: &Shop, cleanup: &str, more: &[&str]) -> (Child, Project) {
    let project = shop.project(&format!(
        "
        - id: order
          title: Order
          probes:
            - http: {{ method: POST, url: \"${{env.SHOP}}/orders/a\" }}
              as: order
            - http: {{ url: \"${{env.SHOP}}/hang\" }}
              timeout: 10m
          cleanup:
            {cleanup}
    "
    ));
    let arguments = [&["check", "staging", "--report", "json=run.json"], more].concat();
    let mut command = project.command(&arguments).command();
    let gate = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it is built");
    until(shop, "GET /hang");
    (gate, project)
}

/// Waits until the shop gets this request.
fn until(shop: &Shop, request: &str) {
    let begun = Instant::now();
    while !shop.asked().iter().any(|asked| asked == request) {
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", shop.asked());
        std::thread::yield_now();
    }
}

fn signal(gate: &Child, signal: i32) {
    // SAFETY: it is our child and has not been waited for.
    unsafe { libc::kill(libc::pid_t::try_from(gate.id()).expect("it fits"), signal) };
}

fn end(gate: Child) -> Output {
    Output::of(gate.wait_with_output().expect("it is a child of this process"))
}

/// The item of the JSON report.
fn item(project: &Project) -> Value {
    let run: Value = serde_json::from_str(&project.read("run.json")).expect("a whole document");
    run["sections"][0]["items"][0].clone()
}

const REMOVE: &str = "- http: { method: DELETE, url: \"${env.SHOP}/orders/${order.json.id}\" }";
const HANG: &str = "- { command: { shell: \"echo $$$$ > pid; sleep 600\" }, timeout: 10m }";

#[test]
fn a_signal_in_the_middle_still_removes_what_was_created() {
    for (number, code) in [(libc::SIGINT, 130), (libc::SIGTERM, 143)] {
        let shop = Shop::open();
        let (gate, project) = waiting(&shop, REMOVE, &["--no-record"]);
        signal(&gate, number);
        let output = end(gate);
        assert_eq!((output.code, shop.orders().len()), (code, 0), "{}{}", output.stdout, output.stderr);
        let item = item(&project);
        assert_eq!((&item["status"], &item["probes"][2]["status"]), (&"error".into(), &"passed".into()), "{item:#}");
    }
}

#[test]
fn a_deadline_in_the_middle_still_removes_what_was_created() {
    let shop = Shop::open();
    let (gate, project) = waiting(&shop, REMOVE, &["--no-record", "--deadline", "5s"]);
    let output = end(gate);
    assert_eq!((output.code, shop.orders().len()), (3, 0), "{}{}", output.stdout, output.stderr);
    assert_eq!(item(&project)["reason"], "not done by the deadline of 5s");
}

#[test]
fn a_cleanup_that_hangs_is_killed_so_that_the_run_ends_as_soon_as_it_promises() {
    let hang_and_more = format!("{HANG}\n            {REMOVE}");
    let shop = Shop::open();
    let (gate, project) = waiting(&shop, &hang_and_more, &["--no-record"]);
    let sent = Instant::now();
    signal(&gate, libc::SIGINT);
    let output = end(gate);
    assert!(sent.elapsed() < Duration::from_secs(2) + OVERRUN, "{:?}", sent.elapsed());
    assert_eq!((output.code, is_alive(&project)), (130, false), "{}", output.stderr);
    let item = item(&project);
    let errors: Vec<_> = (1..=3).map(|at| item["probes"][at]["error"].as_str().unwrap_or_default()).collect();
    assert_eq!(errors, ["interrupted by SIGINT", "interrupted by SIGINT", "not run: interrupted by SIGINT"]);
    assert_eq!(item["reason"], "interrupted by SIGINT; cleanup not finished");

    let shop = Shop::open();
    let begun = Instant::now();
    let (gate, project) = waiting(&shop, HANG, &["--no-record", "--deadline", "5s"]);
    assert_eq!((end(gate).code, is_alive(&project)), (3, false));
    let late = "not done by the deadline of 5s";
    assert_eq!(self::item(&project)["reason"], format!("{late}; cleanup not finished"));
    assert!(begun.elapsed() < Duration::from_secs(6) + OVERRUN, "{:?}", begun.elapsed());
}

#[test]
fn neither_a_cleanup_that_hangs_nor_a_ledger_that_floods_holds_up_the_end() {
    let server = postgres_that(message(b'N', b"SNOTICE\0C00000\0Mhello\0\0"));
    let ledger = format!("postgres://u:p@127.0.0.1:{}/db", server.port());
    let shop = Shop::open();
    let begun = Instant::now();
    let (gate, _project) = waiting(&shop, HANG, &["--deadline", "5s", "--ledger", &ledger]);
    let output = end(gate);
    assert!(begun.elapsed() < Duration::from_secs(6) + OVERRUN, "{:?}", begun.elapsed());
    assert!(output.stderr.contains("cannot"), "{}", output.stderr);
}

#[test]
fn a_cleanup_that_lacks_what_the_interruption_prevented_is_reported() {
    let shop = Shop::open();
    let project = shop.project(
        "
        - id: order
          title: Order
          probes: [{ http: { method: POST, url: \"${env.SHOP}/orders/hang\" }, as: order, timeout: 10m }]
          cleanup: { http: { method: DELETE, url: \"${env.SHOP}/orders/${order.json.id}\" } }
    ",
    );
    let mut command = project.command(&["check", "staging", "--no-record", "--report", "json=run.json"]).command();
    let gate = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it is built");
    until(&shop, "POST /orders/hang");
    signal(&gate, libc::SIGINT);
    assert_eq!(end(gate).code, 130);
    assert_eq!(item(&project)["reason"], "interrupted by SIGINT; cleanup not finished: `order` observed nothing");
}

#[test]
fn a_second_signal_ends_a_cleanup_at_once() {
    let shop = Shop::open();
    let cleanup = "- { http: { url: \"${env.SHOP}/orders/hang\" }, timeout: 10m }";
    let (gate, project) = waiting(&shop, cleanup, &["--no-record"]);
    signal(&gate, libc::SIGINT);
    until(&shop, "GET /orders/hang");
    signal(&gate, libc::SIGTERM);
    let output = end(gate);
    assert_eq!(output.code, 130, "{}", output.stderr);
    assert_eq!(item(&project)["probes"][2]["error"], "interrupted by SIGINT");
}

#[test]
fn a_signal_during_a_cleanup_lets_it_end() {
    let shop = Shop::open();
    let project = shop.project(
        "
        - id: order
          title: Order
          probes: [{ http: { method: POST, url: \"${env.SHOP}/orders/a\" } }]
          cleanup:
            - http: { url: \"${env.SHOP}/slow\" }
            - http: { method: DELETE, url: \"${env.SHOP}/orders/a\" }
    ",
    );
    let mut command = project.command(&["check", "staging", "--no-record", "--report", "json=run.json"]).command();
    let gate = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it is built");
    until(&shop, "GET /slow");
    signal(&gate, libc::SIGINT);
    let output = end(gate);
    assert_eq!((output.code, shop.orders().len()), (130, 0), "{}", output.stderr);
    assert_eq!(item(&project)["status"], "passed");
}

fn is_alive(project: &Project) -> bool {
    let pid: libc::pid_t = project.read("pid").trim().parse().expect("a number");
    // SAFETY: signal 0 sends nothing.
    unsafe { libc::kill(pid, 0) == 0 }
}
