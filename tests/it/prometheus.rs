//! Queries to a real Prometheus, and to other servers.

use gate::probe::Probe;
use gate::probe::prometheus::{Prometheus, PrometheusSeen};
use insta::assert_snapshot;
use serde_json::json;

use crate::harness::{self, Response};
use crate::observe::{observe, probe, refused};

fn ask(query: &str) -> PrometheusSeen {
    observe::<Prometheus>(json!({ "url": harness::prometheus().url(), "query": query })).expect("it answers")
}

fn reported(seen: &PrometheusSeen) -> String {
    let probe: Prometheus = probe(json!({ "url": "http://h", "query": "up" }));
    format!("{} | {}", probe.evidence(seen), probe.advice(seen).unwrap_or_default())
}

/// The report about a server with this answer.
fn error(answer: Response, settings: serde_json::Value) -> String {
    let server = harness::http(move |_| answer.clone());
    let mut all = json!({ "url": server.url(), "query": "up" });
    all.as_object_mut().expect("it is a map").extend(settings.as_object().expect("it is a map").clone());
    observe::<Prometheus>(all).expect_err("it is not an answer of Prometheus")
}

#[test]
fn every_sample_is_seen() {
    let seen = ask("instance_up");
    assert_eq!((seen.result_type.as_str(), seen.count), ("vector", 2));
    assert_snapshot!(serde_json::to_string(&seen.values).expect("it is JSON"), @"[1,0]");
    let instances: Vec<&str> = seen.samples.iter().map(|sample| sample.labels["instance"].as_str()).collect();
    assert_eq!(instances, ["a", "b"]);
    assert_snapshot!(reported(&seen), @"2 series, values 1, 0 | ");
}

#[test]
fn an_unknown_metric_is_an_empty_answer_and_no_error() {
    let seen = ask("no_such_metric");
    assert_eq!((seen.count, seen.values.len()), (0, 0));
    assert_snapshot!(reported(&seen), @"no series | is the name of the metric right, and is its target scraped?");
}

#[test]
fn nan_and_infinity_are_text_and_equal_no_number() {
    let seen = ask("aos_error_ratio");
    assert_snapshot!(serde_json::to_string(&seen.values).expect("it is JSON"), @r#"["NaN"]"#);
    assert_snapshot!(reported(&seen), @"1 series, value NaN | NaN is 0 divided by 0: there was nothing to compute from");
}

#[test]
fn the_age_of_a_sample_is_that_of_the_sample_and_not_of_the_question() {
    let age = ask("backup_success").oldest_age_s.expect("it is a plain selector");
    assert!((540.0..900.0).contains(&age), "it was written ten minutes before the server started: {age}");
    assert_eq!(ask("backup_success == 1").oldest_age_s, None, "a computed value has no age");
}

#[test]
fn scalars_strings_ranges_and_long_queries_are_read_too() {
    let values = |query: &str| serde_json::to_string(&ask(query).values).expect("it is JSON");
    assert_snapshot!(values("scalar(redis_connected) / 4"), @"[0.25]");
    assert_snapshot!(values("\"text\""), @r#"["text"]"#);
    assert_snapshot!(values(&format!("redis_connected{}", " + 0".repeat(1000))), @"[1]");
    let range = ask("redis_connected[3m]");
    assert_eq!((range.result_type.as_str(), range.count), ("matrix", 1));
    assert!(range.values.len() >= 2, "{:?}", range.values);
}

#[test]
fn a_query_that_is_wrong_is_an_error_in_the_words_of_prometheus() {
    let url = harness::prometheus().url();
    let error = |query: &str| observe::<Prometheus>(json!({ "url": url, "query": query })).expect_err("it is wrong");
    assert_snapshot!(error("sum("), @r#"Prometheus can't parse the query: invalid parameter "query": 1:5: parse error: unclosed left parenthesis"#);
    let several = error("redis_connected + on() instance_up");
    assert!(several.starts_with("Prometheus could not answer (execution): found duplicate series"), "{several}");
    assert_snapshot!(refused::<Prometheus>(json!({ "url": "http://h", "query": " " })), @"the query is empty");
}

#[test]
fn another_server_and_a_refused_login_have_different_errors() {
    let page = Response::ok("<!doctype html><title>Sign in</title>").header("content-type", "text/html");
    assert_snapshot!(error(page, json!({})), @"
    Prometheus answered with a web page where JSON was expected
    help: is it behind a login, and is this the URL of Prometheus itself?
    ");
    assert_snapshot!(error(Response::json(&json!({ "ok": true })), json!({})), @"
    this is JSON, but no answer of Prometheus
    help: is this the URL of Prometheus itself?
    ");
    assert_snapshot!(error(Response::text("Unauthorized").status(401), json!({})), @"
    Prometheus wants credentials (401: Unauthorized)
    help: give `token`, `oauth2`, or `user` and `password`
    ");
    assert_snapshot!(error(Response::text("Unauthorized").status(401), json!({ "token": "t" })), @"
    Prometheus does not accept the credentials (401: Unauthorized)
    help: have they expired or been revoked, and are they for this server?
    ");
    assert_snapshot!(error(Response::text("Forbidden").status(403), json!({ "token": "t" })), @"
    Prometheus does not permit this (403: Forbidden)
    help: the credentials are known there, but lack the permission to read this
    ");
    assert_snapshot!(error(Response::text("Service Unavailable").status(503), json!({})), @"Prometheus is in trouble (503: Service Unavailable)");
    let moved = Response::empty(302).header("location", "http://elsewhere.example/login");
    assert_snapshot!(error(moved, json!({ "token": "t" })), @"
    Prometheus redirects instead of answering (302)
    help: is it behind a login, or is the URL http where it should be https?
    ");
}

#[test]
fn a_closed_port_is_reported() {
    let url = format!("http://127.0.0.1:{}", harness::free_port());
    let error = observe::<Prometheus>(json!({ "url": url, "query": "up" })).expect_err("the port is closed");
    let port = url.rsplit(':').next().unwrap_or_default();
    assert_snapshot!(error.replace(port, "PORT"), @"
    127.0.0.1:PORT refused the connection
    help: nothing listens there: is it running, and is this the right port?
    ");
}

#[test]
fn a_warning_is_advice() {
    let answer = json!({
        "status": "success", "warnings": ["store-1 is unreachable"],
        "data": { "resultType": "vector", "result": [] },
    });
    let server = harness::http(move |_| Response::json(&answer));
    let seen = observe::<Prometheus>(json!({ "url": server.url(), "query": "up" })).expect("it answers");
    assert_snapshot!(reported(&seen), @"no series, with a warning: store-1 is unreachable | the answer may be incomplete, Prometheus warns: store-1 is unreachable");
}

/// The exit code and the output of a checklist with one such item.
fn checked(url: &str, query: &str, expect: &str) -> (i32, String) {
    let project = harness::Project::new(&format!(
        "
        title: Staging
        sections:
          - title: Metrics
            items:
              - {{ id: one, title: One, probes: [{{ prometheus: {{ url: \"{url}\", query: {query} }}{expect} }}] }}
        "
    ));
    let output = project.gate(&["check", "staging"]);
    (output.code, output.stdout)
}

#[test]
fn a_lone_nan_and_a_partial_answer_are_red_by_default() {
    let url = harness::prometheus().url();
    assert!(ask("aos_error_ratio").only_nan && !ask("instance_up").only_nan && !ask("no_such_metric").only_nan);
    let (code, said) = checked(&url, "aos_error_ratio", "");
    assert_eq!(code, 1, "{said}");
    let partial = harness::http(|_| {
        let result = json!([{ "metric": { "__name__": "up" }, "value": [1_700_000_000, "1"] }]);
        Response::json(&json!({ "status": "success", "data": { "resultType": "vector", "result": result },
            "warnings": ["store eu-1 is unavailable"] }))
    });
    let (code, said) = checked(&partial.url(), "up == 1", "");
    assert_eq!(code, 1, "{said}");
    let seen = observe::<Prometheus>(json!({ "url": partial.url(), "query": "up == 1" })).expect("it answers");
    assert_snapshot!(reported(&seen), @"1 series, value 1, with a warning: store eu-1 is unavailable | the answer may be incomplete, Prometheus warns: store eu-1 is unavailable");
}
