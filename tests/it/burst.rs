//! `burst` against nginx's own rate limit, and against servers that refuse nothing, refuse everything, or close
//! connections.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use gate::probe::Probe;
use gate::probe::burst::{Burst, BurstSeen};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{HttpServer, Nginx, Project, Response, free_port, http, nginx, raw};
use crate::observe::{context, observe, observe_in, probe, refused};

fn reported(settings: Value, seen: &BurstSeen) -> String {
    let probe: Burst = probe(settings);
    format!("{} | {}", probe.evidence(seen), probe.advice(seen).unwrap_or_default())
}

/// A server that allows this many requests, and refuses the rest.
fn limited(allowed: u32) -> HttpServer {
    let asked = Arc::new(AtomicU32::new(0));
    http(move |_| {
        let number = asked.fetch_add(1, Ordering::SeqCst) + 1;
        let left = allowed.saturating_sub(number).to_string();
        let answer = Response::empty(if number <= allowed { 200 } else { 429 }).header("X-RateLimit-Remaining", &left);
        if number <= allowed { answer } else { answer.header("Retry-After", &number.to_string()) }
    })
}

fn nginx_of(settings: &str) -> Nginx {
    nginx(&format!("location / {{ limit_req zone=free burst=59 nodelay; {settings} try_files /index.html =404; }}"))
}

/// The result of a checklist with only this probe: the exit code, and the reported text.
fn judged(probe: &str) -> (i32, String) {
    let checklist = format!(
        "title: T\nsections:\n  - title: S\n    items:\n      - {{ id: limit, title: Limit, probes: [{{ {probe} }}] }}\n"
    );
    let output = Project::new(&checklist).gate(&["check", "staging"]);
    (output.code, format!("{}{}", output.stdout, output.stderr))
}

#[test]
fn nginx_allows_sixty_requests_and_refuses_five() {
    let server = nginx_of("");
    let settings = json!({ "url": format!("{}/", server.url()), "requests": 65 });
    let seen = observe::<Burst>(settings.clone()).expect("nginx answers");
    assert_eq!(json!(seen.by_status), json!({ "200": 60, "429": 5 }));
    assert_eq!((seen.allowed, seen.refused, seen.other, seen.transport_failures), (60, 5, 0, 0));
    assert!(seen.first_refused.is_some_and(|first| (54..=61).contains(&first)), "{:?}", seen.first_refused);
    assert_snapshot!(reported(settings, &seen), @"60 × 200, 5 × 429 | ");
}

#[test]
fn in_sequence_the_sixty_first_request_is_the_first_refused() {
    let server = nginx_of("");
    let seen =
        observe::<Burst>(json!({ "url": server.url(), "requests": 65, "concurrency": 1 })).expect("nginx answers");
    assert_eq!((seen.first_refused, seen.refused), (Some(61), 5));
}

#[test]
fn the_counts_can_be_used_in_expect() {
    let server = nginx_of("");
    let burst = format!("burst: {{ url: \"{}\", requests: 65 }}", server.url());
    let (code, reported) = judged(&format!("{burst}, expect: {{ by_status: {{ \"200\": 60, \"429\": 5 }} }}"));
    assert_eq!(code, 0, "{reported}");
    // A minute has not passed, so the limit is still used up.
    let (code, reported) = judged(&burst);
    assert_eq!(code, 1, "{reported}");
    assert!(reported.contains("none was let through"), "{reported}");
}

#[test]
fn a_disabled_limit_is_red_by_default_and_says_what_to_do() {
    let server = nginx("");
    let (code, reported) = judged(&format!("burst: {{ url: \"{}\", requests: 65 }}", server.url()));
    assert_eq!(code, 1, "{reported}");
    assert!(
        reported.contains("refused: expected above 0, got 0") && reported.contains("is the limit on for this path"),
        "{reported}"
    );
}

#[test]
fn a_limit_with_another_status_is_recognized_if_configured() {
    let server = nginx_of("limit_req_status 503;");
    let settings = json!({ "url": server.url(), "requests": 62 });
    let seen = observe::<Burst>(settings.clone()).expect("nginx answers");
    assert_eq!((seen.refused, seen.other), (0, 2));
    assert_snapshot!(reported(settings, &seen), @"60 × 200, 2 × 503 | if 503 is how this limit refuses, as nginx does, say `refusal: 503`");
    let seen = observe::<Burst>(json!({ "url": server.url(), "requests": 2, "refusal": 503 })).expect("nginx answers");
    assert_eq!((seen.refused, seen.other), (2, 0));
}

#[test]
fn the_headers_are_those_of_the_first_refusal() {
    let server = limited(3);
    let seen = observe::<Burst>(json!({ "url": server.url(), "requests": 6, "concurrency": 1 })).expect("it answers");
    assert_eq!((seen.retry_after.as_deref(), seen.first_refused), (Some("4"), Some(4)));
    assert_eq!(seen.limits["x-ratelimit-remaining"], "0");
    let open = limited(9);
    let seen = observe::<Burst>(json!({ "url": open.url(), "requests": 4, "concurrency": 1 })).expect("it answers");
    assert_eq!((seen.retry_after, seen.limits["x-ratelimit-remaining"].as_str()), (None, "5"));
}

#[test]
fn every_request_is_sent_once_as_asked_and_no_redirect_is_followed() {
    let server = http(|_| Response::empty(302).header("location", "/login"));
    let settings = json!({
        "url": format!("{}/v1", server.url()), "method": "POST", "json": { "probe": true }, "requests": 20, "token": "abcd",
    });
    let seen = observe::<Burst>(settings.clone()).expect("it answers");
    let requests = server.requests();
    assert_eq!((requests.len(), seen.other), (20, 20));
    for request in &requests {
        let sent = (request.method.as_str(), request.path.as_str(), request.header("authorization"));
        assert_eq!(sent, ("POST", "/v1", Some("Bearer abcd")));
        assert_eq!(request.text(), r#"{"probe":true}"#);
    }
    assert_snapshot!(reported(settings, &seen), @"20 × 302 | a request that is right gets 2xx or 429: try it with the `http` probe first");
}

#[test]
fn the_concurrency_limit_holds() {
    let (now, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let seen_most = Arc::clone(&most);
    let server = http(move |_| {
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::yield_now();
        now.fetch_sub(1, Ordering::SeqCst);
        Response::ok("ok")
    });
    observe::<Burst>(json!({ "url": server.url(), "requests": 50, "concurrency": 3 })).expect("it answers");
    assert!((1..=3).contains(&seen_most.load(Ordering::SeqCst)));
}

#[test]
fn broken_connections_are_counted_separately_and_red_by_default() {
    let asked = AtomicU32::new(0);
    let server = raw(move |mut stream| {
        let number = asked.fetch_add(1, Ordering::SeqCst);
        if stream.read(&mut [0; 4096]).is_err() || number == 1 {
            return; // without an answer
        }
        let status = if number < 4 { "200 OK" } else { "429 Too Many Requests" };
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        stream.write_all(answer.as_bytes()).ok();
    });
    let settings = json!({ "url": server.url(), "requests": 6, "concurrency": 1 });
    let seen = observe::<Burst>(settings.clone()).expect("most are answered");
    assert_eq!((json!(seen.by_status), seen.transport_failures), (json!({ "200": 3, "429": 2 }), 1));
    let reported = reported(settings, &seen);
    assert!(
        reported.starts_with("3 × 200, 2 × 429, 1 without an answer | 1 of 6 requests got no answer"),
        "{reported}"
    );
    assert!(reported.ends_with("closed the connection without an answer"), "{reported}");
}

#[test]
fn a_failing_connection_makes_the_default_red_although_some_were_refused() {
    let asked = AtomicU32::new(0);
    let server = raw(move |mut stream| {
        let number = asked.fetch_add(1, Ordering::SeqCst);
        if stream.read(&mut [0; 4096]).is_err() || number == 0 {
            return; // without an answer
        }
        let status = if number == 1 { "200 OK" } else { "429 Too Many Requests" };
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        stream.write_all(answer.as_bytes()).ok();
    });
    let (code, reported) = judged(&format!("burst: {{ url: \"{}\", requests: 5 }}", server.url()));
    assert_eq!(code, 1, "{reported}");
    assert!(reported.contains("transport_failures: expected 0, got 1"), "{reported}");
}

#[test]
fn a_server_that_is_down_is_an_error_and_no_limit() {
    let url = format!("http://127.0.0.1:{}/?token=abcd", free_port());
    let error = observe::<Burst>(json!({ "url": url, "requests": 20 })).expect_err("the port is closed");
    assert!(error.contains("refused the connection\nhelp: nothing listens there"), "{error}");
    assert!(!error.contains("abcd"), "{error}");
}

#[test]
fn a_server_that_falls_silent_is_an_error_in_time_with_what_had_come() {
    let asked = AtomicU32::new(0);
    let server = raw(move |mut stream| {
        let number = asked.fetch_add(1, Ordering::SeqCst);
        if stream.read(&mut [0; 4096]).is_ok() && number < 3 {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").ok();
        }
        if number >= 3 {
            let _ = stream.read(&mut [0; 1]); // until the client has gone
        }
    });
    let begun = Instant::now();
    let probe = format!("burst: {{ url: \"{}\", requests: 9, concurrency: 1 }}, timeout: 500ms", server.url());
    let (code, reported) = judged(&probe);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(code, 3, "{reported}");
    assert!(reported.contains("time was up when 3 of 9 requests had been answered (3 × 200)"), "{reported}");
}

#[test]
fn an_endless_body_does_not_keep_a_burst_busy() {
    let server = raw(|mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let head: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 999999999\r\n\r\n";
        if stream.write_all(head).is_ok() {
            while stream.write_all(&[b'a'; 8192]).is_ok() {}
        }
    });
    let seen = observe::<Burst>(json!({ "url": server.url(), "requests": 12 })).expect("the statuses came");
    assert_eq!(seen.allowed, 12);
}

#[test]
fn numbers_out_of_bounds_are_refused() {
    let with = |key: &str, value: u32| {
        let mut settings = json!({ "url": "http://h", "requests": 5 });
        settings[key] = value.into();
        refused::<Burst>(settings)
    };
    assert_snapshot!(with("requests", 0), @"`requests` is a number from 1 to 10000");
    assert_snapshot!(with("requests", 10_001), @"`requests` is a number from 1 to 10000");
    assert_snapshot!(with("concurrency", 0), @"`concurrency` is a number from 1 to 256");
    assert_snapshot!(with("refusal", 200), @"`refusal` is a status from 400 to 599");
    assert_snapshot!(refused::<Burst>(json!({ "url": "http://h" })), @"`requests` is missing");
}

#[test]
fn it_does_not_run_with_read_only() {
    let server = limited(1);
    let checklist = format!(
        "title: T\nsections:\n  - title: S\n    items:\n      - {{ id: a, title: A, probes: [{{ burst: {{ url: \"{}\", requests: 2 }} }}] }}\n",
        server.url()
    );
    let output = Project::new(&checklist).gate(&["check", "staging", "--read-only"]);
    assert_eq!((output.code, server.requests().len()), (3, 0), "{}", output.stdout);
}

#[test]
fn a_server_that_closes_after_each_answer_without_saying_so_loses_no_count() {
    let server = raw(|mut stream| {
        let mut byte = [0];
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                _ => return,
            }
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").ok();
    });
    let seen = observe::<Burst>(json!({ "url": server.url(), "requests": 65 })).expect("it answers");
    assert_eq!((seen.allowed, seen.transport_failures), (65, 0));
}

/// A limit of 60 per window; windows begin at fixed times. `slow` makes a burst long enough to span the end of a window.
fn windows(seconds: u64, says_when: bool) -> HttpServer {
    let counts = std::sync::Mutex::new(std::collections::BTreeMap::<u64, u32>::new());
    let first = AtomicU32::new(0);
    http(move |_| {
        let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("it is past 1970");
        // The first burst begins right before the end of a window.
        if first.fetch_add(1, Ordering::SeqCst) == 20 {
            let to_end = Duration::from_secs(seconds)
                - Duration::from_millis(u64::try_from(now().as_millis()).expect("it fits") % (seconds * 1000));
            std::thread::sleep(to_end + Duration::from_millis(20));
        }
        let window = now().as_secs() / seconds;
        let mut counts = counts.lock().expect("no thread panics while it holds the lock");
        let count = counts.entry(window).or_default();
        *count += 1;
        let answer = Response::empty(if *count <= 60 { 200 } else { 429 });
        match says_when {
            true => answer.header("X-RateLimit-Reset", &((window + 1) * seconds).to_string()),
            false => answer,
        }
    })
}

#[test]
fn a_burst_that_spans_windows_is_counted_again() {
    for (says_when, mut settings) in [(true, json!({})), (false, json!({ "window": "5s" }))] {
        let server = windows(5, says_when);
        settings["url"] = json!(server.url());
        settings["requests"] = json!(65);
        settings["concurrency"] = json!(1);
        // On a busy machine the burst may span a window, and is then repeated.
        let cx = context(Path::new("/"), &[]).with_timeout(Duration::from_secs(60));
        let seen = observe_in::<Burst>(&cx, settings.clone()).expect("there is time to count again");
        assert_eq!((seen.allowed, seen.refused), (60, 5), "{settings}");
        assert!(seen.recounted >= 1, "{settings}");
    }
}
