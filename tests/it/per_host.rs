//! `--per-host`: the maximum of concurrent items that connect to the same host.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use crate::harness::{HttpServer, Project, Response, http};

/// A server that answers only once this number of requests is open, until `until` was reached. Counts the maximum.
fn in_groups_of(size: usize, until: &Arc<(Mutex<usize>, Condvar, usize)>) -> (HttpServer, Arc<AtomicUsize>) {
    let most = Arc::new(AtomicUsize::new(0));
    let (seen, open, until) = (Arc::clone(&most), AtomicUsize::new(0), Arc::clone(until));
    let group = std::sync::Barrier::new(size);
    let server = http(move |_| {
        seen.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let (count, changed, wanted) = &*until;
        let count = count.lock().expect("no handler panics");
        drop(changed.wait_while(count, |count| *count < *wanted).expect("no handler panics"));
        group.wait();
        open.fetch_sub(1, Ordering::SeqCst);
        // Other requests of the group may still be counted: none may be answered before.
        group.wait();
        Response::text("ok")
    });
    (server, most)
}

/// A server that counts its answers.
fn counting(counter: &Arc<(Mutex<usize>, Condvar, usize)>) -> HttpServer {
    let counter = Arc::clone(counter);
    http(move |_| {
        *counter.0.lock().expect("no handler panics") += 1;
        counter.1.notify_all();
        Response::text("ok")
    })
}

#[test]
fn per_host_limits_each_host_while_others_continue() {
    let others = Arc::new((Mutex::new(0), Condvar::new(), 9));
    let (busy, most) = in_groups_of(3, &others);
    let other = counting(&others);
    // The host is known before the run, only during it, or all but the last part of the URL.
    let item = |number: usize| match number % 3 {
        0 => "http: { url: \"${vars.busy}/\", token: \"${secrets.TOKEN}\" }".to_owned(),
        1 => "http: { url: \"${secrets.BUSY}/a?b\" }".to_owned(),
        _ => {
            "command: { argv: [echo, x] }, as: made }, { http: { url: \"${vars.busy}/${made.stdout|trim}\" }".to_owned()
        }
    };
    let busy_items =
        (0..9).map(|number| format!("- {{ id: busy-{number}, title: B, probes: [{{ {} }}] }}", item(number)));
    let other_items = (0..9).map(|number| {
        format!("- {{ id: other-{number}, title: O, probes: [{{ http: {{ url: \"{}/\" }} }}] }}", other.url())
    });
    let items: String = busy_items.chain(other_items).map(|item| format!("      {item}\n")).collect();
    let project = Project::new(&format!(
        "title: T\nvars: {{ busy: \"{}\" }}\nsecrets: {{ TOKEN: , BUSY: }}\nsections:\n  - title: S\n    items:\n{items}",
        busy.url()
    ))
    .env("TOKEN", "glsa_0123456789")
    .env("BUSY", busy.url());
    let output = project.gate(&["check", "staging", "--no-record", "--jobs", "4", "--per-host", "3"]);
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
    assert_eq!(most.load(Ordering::SeqCst), 3);
    assert_eq!(busy.requests().len(), 9);
}

#[test]
fn waiting_for_a_host_does_not_count_towards_the_timeout() {
    let server = http(|_| Response::text("ok").delayed(std::time::Duration::from_millis(200)));
    let items: String = (0..8)
        .map(|number| {
            let probe = format!("{{ timeout: 1s, http: {{ url: \"{}/\" }} }}", server.url());
            format!("      - {{ id: i{number}, title: I, probes: [{probe}] }}\n")
        })
        .collect();
    let project = Project::new(&format!("title: T\nsections:\n  - title: S\n    items:\n{items}"));
    let output = project.gate(&["check", "staging", "--no-record", "--per-host", "1", "--format", "json"]);
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
    let run: serde_json::Value = serde_json::from_str(&output.stdout).expect("it is JSON");
    assert!(run["duration_ms"].as_u64() >= Some(1_600), "{run}");
    let stopped = project.gate(&["check", "staging", "--no-record", "--per-host", "1", "--deadline", "300ms"]);
    assert_ne!(stopped.code, 0);
    assert!(stopped.stdout.contains("not begun by the deadline of 300ms"), "{}", stopped.stdout);
}
