//! `metrics` with the page of a real Prometheus, with pages that nginx serves, and with other pages.

use std::fs;

use gate::probe::Probe;
use gate::probe::metrics::{Metrics, MetricsSeen};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{self, Response};
use crate::observe::{observe, probe, refused};

const PAGE: &str = "# HELP aos_redis_connected Whether Redis is.
# TYPE aos_redis_connected gauge
aos_redis_connected 1
# TYPE aos_rate_limit_total counter
aos_rate_limit_total{tier=\"free\",outcome=\"allowed\"} 60
aos_rate_limit_total{tier=\"free\",outcome=\"blocked\"} 5
aos_rate_limit_total{tier=\"pro\",outcome=\"allowed\"} 7
# TYPE aos_latency_seconds histogram
aos_latency_seconds_bucket{le=\"0.1\"} 3
aos_latency_seconds_bucket{le=\"+Inf\"} 4
aos_latency_seconds_sum 0.5
aos_latency_seconds_count 4
process_cpu_ratio NaN
";

fn reported(seen: &MetricsSeen) -> String {
    let probe: Metrics = probe(json!({ "url": "http://h" }));
    format!("{} | {}", probe.evidence(seen), probe.advice(seen).unwrap_or_default())
}

/// The observation of the page above, with these additional settings.
fn seen(settings: Value) -> MetricsSeen {
    let server = harness::http(|_| Response::text(PAGE));
    let mut all = json!({ "url": format!("{}/metrics", server.url()) });
    all.as_object_mut().expect("it is a map").extend(settings.as_object().expect("it is a map").clone());
    observe::<Metrics>(all).expect("it is a page")
}

/// The report about a server with this answer.
fn error(answer: Response) -> String {
    let server = harness::http(move |_| answer.clone());
    observe::<Metrics>(json!({ "url": server.url() })).expect_err("it is not a page")
}

#[test]
fn names_types_and_values_are_seen() {
    let seen = seen(json!({ "name": "aos_*" }));
    assert_snapshot!(serde_json::to_string(&MetricsSeen { samples: None, ..seen.clone() }).expect("it is JSON"), @r#"{"format":"prometheus","count":8,"names":["aos_latency_seconds_bucket","aos_latency_seconds_count","aos_latency_seconds_sum","aos_rate_limit_total","aos_redis_connected"],"prefixes":{"aos":5},"types":{"aos_latency_seconds":"histogram","aos_rate_limit_total":"counter","aos_redis_connected":"gauge"},"values":[1,60,5,7,3,4,0.5,4],"only_nan":false,"stale":0,"total":9}"#);
    let first = &seen.samples.as_ref().expect("they are few")[1];
    assert_snapshot!(serde_json::to_string(first).expect("it is JSON"), @r#"{"name":"aos_rate_limit_total","labels":{"outcome":"allowed","tier":"free"},"value":60}"#);
    assert_snapshot!(reported(&seen), @"5 names |");
}

#[test]
fn labels_choose_among_the_samples_of_a_name() {
    let blocked = seen(json!({ "name": "aos_rate_limit_total", "labels": { "tier": "free", "outcome": "blocked" } }));
    assert_snapshot!(serde_json::to_string(&blocked.values).expect("it is JSON"), @"[5]");
    assert_snapshot!(reported(&blocked), @"aos_rate_limit_total |");
    assert_snapshot!(reported(&seen(json!({ "name": "aos_redis_connected" }))), @"aos_redis_connected 1 |");
    assert_snapshot!(reported(&seen(json!({ "name": "process_cpu_ratio" }))), @"process_cpu_ratio | NaN means that the service has no value");
    // A name matches only the whole name, and a dot only a dot.
    assert_snapshot!(reported(&seen(json!({ "name": "aos" }))), @"no such sample | the page has 9 samples, but none that matches: is the name right, and has it happened yet? Many libraries expose a metric only after its first event");
    assert_eq!(seen(json!({ "name": "aos.*" })).count, 0);
}

#[test]
fn a_real_prometheus_has_metrics_of_its_own() {
    let url = format!("{}/metrics", harness::prometheus().url());
    let one = observe::<Metrics>(json!({ "url": url, "name": "prometheus_build_info" })).expect("it is a page");
    assert_eq!((one.format.as_str(), one.count), ("prometheus", 1));
    assert_snapshot!(reported(&one), @"prometheus_build_info 1 | ");
    let all = observe::<Metrics>(json!({ "url": url })).expect("it is a page");
    assert!(all.prefixes["prometheus"] > 20 && all.prefixes["go"] > 20, "{:?}", all.prefixes);
    assert_eq!(all.types["prometheus_http_request_duration_seconds"], "histogram");
}

#[test]
fn a_page_is_requested_as_open_metrics_which_marks_its_end() {
    let server = harness::http(|_| Response::text("up 1\n"));
    observe::<Metrics>(json!({ "url": server.url(), "token": "t0ken" })).expect("it is a page");
    let requests = server.requests();
    assert!(requests[0].header("accept").is_some_and(|accept| accept.starts_with("application/openmetrics-text;")));
    assert_eq!(requests[0].header("authorization"), Some("Bearer t0ken"));
}

#[test]
fn files_that_nginx_serves_are_pages_whatever_type_it_gives_them() {
    let server = harness::nginx("default_type application/octet-stream; types { application/openmetrics-text om; }");
    fs::write(server.root().join("metrics"), PAGE).expect("the folder is writable");
    fs::write(server.root().join("whole.om"), "# TYPE a counter\na_total 3\n# EOF\n").expect("the folder is writable");
    fs::write(server.root().join("cut.om"), "# TYPE a counter\na_total 3\n").expect("the folder is writable");
    let observe = |path: &str| observe::<Metrics>(json!({ "url": format!("{}/{path}", server.url()) }));
    assert_eq!(observe("metrics").expect("it is a page").count, 9);
    let whole = observe("whole.om").expect("it is a page");
    assert_eq!((whole.format.as_str(), whole.types["a"].as_str()), ("openmetrics", "counter"));
    assert_snapshot!(observe("cut.om").expect_err("it is cut"), @"
    the server did not answer with a page of metrics: it is incomplete: OpenMetrics ends with `# EOF`
    help: is this the URL of the metrics themselves, such as …/metrics, and does a proxy cut long answers?
    ");
    assert_snapshot!(observe("missing").expect_err("it does not exist"), @"
    the server has no /missing (404)
    help: is this the URL of the server, with the path that it is served under?
    ");
}

#[test]
fn a_page_without_samples_does_not_meet_what_is_expected_by_default() {
    let server = harness::http(|_| Response::text("# TYPE a counter\n"));
    let empty = observe::<Metrics>(json!({ "url": server.url() })).expect("it is a page");
    assert_eq!((empty.count, empty.total), (0, 0));
    assert_snapshot!(reported(&empty), @"an empty page |");
}

#[test]
fn the_values_of_many_samples_are_not_kept() {
    let many: String = (0..1_001).map(|n| format!("many{{n=\"{n}\"}} 1\n")).collect();
    let server = harness::http(move |_| Response::text(&many));
    let seen = observe::<Metrics>(json!({ "url": server.url() })).expect("it is a page");
    assert_eq!((seen.count, seen.names.len(), &seen.values, &seen.samples), (1_001, 1, &None, &None));
    assert_snapshot!(reported(&seen), @"many | of 1001 samples neither values nor labels are kept: name fewer");
}

#[test]
fn a_page_without_metrics_is_reported() {
    assert_snapshot!(error(Response::text("<!doctype html><title>Sign in</title>")), @"
    the server answered with a web page where metrics were expected
    help: is it behind a login, and is this the URL of the metrics themselves, such as …/metrics?
    ");
    assert_snapshot!(error(Response::ok("hello").header("content-type", "text/html")), @"
    the server answered with a web page where metrics were expected
    help: is it behind a login, and is this the URL of the metrics themselves, such as …/metrics?
    ");
    assert_snapshot!(error(Response::json(&json!({ "status": "ok" }))), @r#"
    the server did not answer with a page of metrics: line 1: the labels do not end: `{\"status\":\"ok\"}`
    help: is this the URL of the metrics themselves, such as …/metrics, and does a proxy cut long answers?
    "#);
    assert_snapshot!(error(Response::ok(b"\xff\xfe\n".to_vec())), @"
    the server did not answer with a page of metrics: it is not text
    help: is this the URL of the metrics themselves, such as …/metrics, and does a proxy cut long answers?
    ");
    assert_snapshot!(error(Response::ok("x").header("content-type", "application/vnd.google.protobuf")), @"
    the server answered with protobuf although text was asked for
    help: does a proxy on the way change the header `Accept`?
    ");
    assert_snapshot!(error(Response::text("no").status(503)), @"the server is in trouble (503: no)");
    assert_snapshot!(error(Response::empty(401)), @"
    the server wants credentials (401)
    help: give `token`, `oauth2`, or `user` and `password`
    ");
    assert_snapshot!(error(Response::text(&"# a comment\n".repeat(1_500_000))), @"the server answered with more than 16 MiB");
}

#[test]
fn settings_that_could_match_nothing_are_refused() {
    assert_snapshot!(refused::<Metrics>(json!({ "url": "http://h", "name": "" })), @"the name is empty");
    assert_snapshot!(refused::<Metrics>(json!({ "url": "http://h", "name": "up{job=\"a\"}" })), @"`{` is in no name: use `labels` for labels");
}

/// Pages, and whether Prometheus accepts each.
const PAGES: [(&str, &str, bool); 26] = [
    ("plain", "up 1\nrequests 12\n", true),
    ("no final newline", "up 1\nrequests 12", true),
    ("no newline at all", "up 1", true),
    ("final newline twice", "up 1\n\n", true),
    ("indented", "  up 1\n", false),
    ("indented comment", " # a comment\nup 1\n", true),
    ("trailing blank", "up 1 \n", true),
    ("label twice", "up{a=\"1\",a=\"2\"} 1\n", false),
    ("out of range", "up 1e999\n", false),
    ("infinite", "up +Inf\n", true),
    ("negative timestamp", "up 1 -5\n", false),
    ("blank after the type", "# TYPE up gauge \nup 1\n", false),
    ("words after the type", "# TYPE up gauge extra\nup 1\n", false),
    ("no blank before TYPE", "#TYPE up number\nup 1\n", true),
    ("type of no name", "# TYPE\nup 1\n", true),
    ("carriage returns", "up 1\r\n", false),
    ("byte order mark", "\u{feff}up 1\n", false),
    ("unknown type", "# TYPE up number\nup 1\n", false),
    ("type without a word", "# TYPE up\nup 1\n", false),
    ("untyped", "# TYPE up untyped\nup 1\n", true),
    ("no value", "up\n", false),
    ("a word as value", "up one\n", false),
    ("fraction as timestamp", "up 1 1700000000.5\n", false),
    ("something after the timestamp", "up 1 1700000000000 3\n", false),
    ("label without quotes", "up{a=b} 1\n", false),
    ("open quote", "up{a=\"b} 1\n", false),
];

#[test]
fn a_page_is_valid_if_prometheus_accepts_it() {
    let server = harness::http(|request| {
        let number: usize = request.path.trim_start_matches('/').parse().expect("the test's own path");
        Response::ok(PAGES[number].1).header("content-type", "text/plain; version=0.0.4")
    });
    let scraped = harness::scraped(server.port(), PAGES.len());
    for (number, (name, _, is_taken)) in PAGES.iter().enumerate() {
        assert_eq!(scraped[number], *is_taken, "Prometheus, {name}");
        let seen = observe::<Metrics>(json!({ "url": format!("{}/{number}", server.url()) }));
        assert_eq!(seen.is_ok(), *is_taken, "gate, {name}: {seen:?}");
    }
}

#[test]
fn samples_whose_own_time_is_old_or_ahead_are_stale() {
    let now = jiff::Timestamp::now().as_millisecond();
    let stale = |age_s: i64| {
        let server = harness::http(move |_| Response::text(&format!("redis_connected 1 {}\n", now - age_s * 1000)));
        let seen = observe::<Metrics>(json!({ "url": server.url() })).expect("it is a page");
        (seen.stale, reported(&seen))
    };
    assert_eq!((stale(0).0, stale(200).0, stale(-3600).0), (0, 0, 1));
    assert_snapshot!(stale(3600).1, @"redis_connected, 1 stale | 1 of 1 samples carry a timestamp that is over 5 minutes old, or in the future: what writes them may have stopped");
    let nan = harness::http(|_| Response::text("redis_connected NaN\n"));
    assert!(observe::<Metrics>(json!({ "url": nan.url() })).expect("it is a page").only_nan);
}
