//! Fake Loki and Elasticsearch APIs: lines that exist, arrive late, or never arrive.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gate::probe::Probe;
use gate::probe::logs::{Logs, LogsSeen};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{self, HttpServer, Request, Response};
use crate::observe::{context, observe, observe_in, probe, refused};

fn reported(settings: Value, seen: &LogsSeen) -> String {
    let probe: Logs = probe(settings);
    format!("{} | {}", probe.evidence(seen), probe.advice(seen).unwrap_or_default())
}

/// The answer of Loki with this number of lines.
fn of_loki(count: usize) -> Response {
    let result =
        if count == 0 { json!([]) } else { json!([{ "metric": {}, "value": [1_700_000_000.5, count.to_string()] }]) };
    Response::json(&json!({ "status": "success", "data": { "resultType": "vector", "result": result, "stats": {} } }))
}

fn of_elasticsearch(count: usize, shards: Value) -> Response {
    Response::json(&json!({ "count": count, "_shards": shards }))
}

fn shards(total: usize) -> Value {
    json!({ "total": total, "successful": total, "skipped": 0, "failed": 0 })
}

fn loki(url: &str) -> Value {
    json!({ "store": "loki", "url": url, "query": "{app=\"api\"}" })
}

fn elasticsearch(url: &str) -> Value {
    json!({ "store": "elasticsearch", "url": url, "index": "logs-*", "query": "service.name:api" })
}

fn with(mut settings: Value, more: Value) -> Value {
    settings.as_object_mut().expect("it is a map").extend(more.as_object().expect("it is a map").clone());
    settings
}

/// The report about a store with this answer.
fn error(settings: fn(&str) -> Value, answer: Response) -> String {
    let server = harness::http(move |_| answer.clone());
    observe::<Logs>(settings(&server.url())).expect_err("it could not count")
}

#[test]
fn loki_counts_the_lines_of_a_query() {
    let server = harness::http(|_| of_loki(42));
    let settings = with(loki(&server.url()), json!({ "since": "5m", "tenant": "staging" }));
    let seen = observe::<Logs>(settings.clone()).expect("it answers");
    assert_snapshot!(serde_json::to_string(&seen).expect("it is JSON"), @r#"{"count":42,"warnings":[]}"#);
    assert_snapshot!(reported(settings, &seen), @"lines in the last 5m | ");
    let requests = server.requests();
    assert_eq!(
        (requests[0].path.as_str(), requests[0].header("x-scope-orgid")),
        ("/loki/api/v1/query", Some("staging"))
    );
    assert_snapshot!(requests[0].parameter("query").unwrap_or_default(), @r#"sum(count_over_time({app="api"} [300s]))"#);
}

#[test]
fn elasticsearch_counts_the_lines_of_a_window_with_two_ends() {
    let server = harness::http(|_| of_elasticsearch(7, shards(3)));
    let seen = observe::<Logs>(elasticsearch(&server.url())).expect("it answers");
    assert_snapshot!(serde_json::to_string(&seen).expect("it is JSON"), @r#"{"count":7,"warnings":[],"shards":3}"#);
    let requests = server.requests();
    assert_eq!((requests[0].method.as_str(), requests[0].path.as_str()), ("POST", "/logs-*/_count"));
    assert_snapshot!(requests[0].text(), @r#"{"query":{"bool":{"filter":[{"range":{"@timestamp":{"gte":"now-900s","lte":"now+5m"}}},{"query_string":{"query":"service.name:api"}}]}}}"#);
}

#[test]
fn no_lines_are_seen_as_none() {
    let server = harness::http(|_| of_loki(0));
    let seen = observe::<Logs>(loki(&server.url())).expect("it answers");
    assert_eq!(seen.count, 0);
    assert_snapshot!(reported(loki(&server.url()), &seen), @"no lines in 15m | is the shipper running, and does `query` match the lines of this service?");
    // A pattern that matches no index is answered with 200 and 0.
    let server = harness::http(|_| of_elasticsearch(0, shards(0)));
    let seen = observe::<Logs>(elasticsearch(&server.url())).expect("it answers");
    assert_snapshot!(reported(elasticsearch(&server.url()), &seen), @"no lines in 15m | no index has that name: a pattern that matches none is answered with 0");
}

#[test]
fn a_count_from_only_some_shards_is_an_error() {
    let failed = json!({
        "total": 3, "successful": 2, "skipped": 0, "failed": 1,
        "failures": [{ "shard": 0, "index": "logs-1", "reason": { "type": "x", "reason": "no such field [a]" } }],
    });
    assert_snapshot!(error(elasticsearch, of_elasticsearch(7, failed)), @"
    the answer is not whole: 1 of 3 shards failed: no such field [a]
    help: the cluster's health says which shards are missing
    ");
}

#[test]
fn refusals_show_the_message_of_the_store() {
    assert_snapshot!(error(loki, Response::text("no org id\n").status(401)), @"
    Loki wants to know the tenant (401: no org id)
    help: give `tenant`
    ");
    assert_snapshot!(error(loki, Response::text("parse error at line 1, col 5: syntax error").status(400)), @r#"
    Loki can't parse the query: parse error at line 1, col 5: syntax error
    help: `query` chooses lines, such as `{app="api"} |= "error"`: the counting is added here
    "#);
    assert_snapshot!(error(loki, Response::text("too many outstanding requests").status(429)), @"Loki is asked too often (429: too many outstanding requests)");
    assert_snapshot!(error(loki, Response::text("<html>Sign in</html>")), @"
    Loki answered with a web page where JSON was expected
    help: is it behind a login, and is this the URL of Loki itself?
    ");
    assert_snapshot!(error(loki, Response::json(&json!({ "status": "success", "data": { "resultType": "streams", "result": [] } }))), @"
    Loki answered in an unknown shape
    help: is this the URL of Loki itself?
    ");
    let missing = json!({
        "error": { "root_cause": [], "type": "index_not_found_exception", "reason": "no such index [logs]" }, "status": 404,
    });
    assert_snapshot!(error(elasticsearch, Response::json(&missing).status(404)), @"
    Elasticsearch has no /logs-*/_count (404: no such index [logs])
    help: is this the URL of Elasticsearch, with the path that it is served under?
    ");
    assert_snapshot!(error(elasticsearch, Response::json(&json!({ "count": 3 }))), @"
    Elasticsearch returned unexpected JSON structure at line 1, column 11
    help: is this the URL of Elasticsearch itself?
    ");
}

/// A service and a Loki in one: a request to the service becomes a line in Loki, but only at the third query.
fn service_with_loki(looks: usize) -> HttpServer {
    let logged: Arc<Mutex<(Vec<String>, usize)>> = Arc::default();
    harness::http(move |request: Request| {
        let mut logged = logged.lock().expect("nobody panics");
        if request.path == "/healthz" {
            logged.0.push(request.query);
            return Response::text("ok");
        }
        let query = request.parameter("query").unwrap_or_default();
        let marker = query.split('`').nth(1).unwrap_or("no marker").replace("[g]", "g");
        let found = logged.0.iter().filter(|line| line.contains(&marker)).count();
        logged.1 += found.min(1);
        of_loki(if logged.1 >= looks { found } else { 0 })
    })
}

#[test]
fn a_line_is_logged_and_looked_for_until_it_arrives() {
    let server = service_with_loki(2);
    let emit = json!({ "emit": { "url": format!("{}/healthz?marker={{marker}}", server.url()) } });
    let settings = with(loki(&server.url()), emit);
    let seen = observe::<Logs>(settings.clone()).expect("it answers");
    assert_eq!((seen.count, seen.emitted), (1, Some(200)));
    assert!(seen.arrived_ms.is_some() && seen.marker.as_ref().is_some_and(|marker| marker.len() == 20), "{seen:?}");
    assert_snapshot!(reported(settings, &seen), @"the line arrived | ");
    // One query to see that Loki answers, one request for the line, and two queries to find it.
    let paths: Vec<String> = server.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/loki/api/v1/query", "/healthz", "/loki/api/v1/query", "/loki/api/v1/query"]);
}

#[test]
fn a_line_that_does_not_arrive_is_seen_before_the_deadline() {
    let server = service_with_loki(1_000);
    let emit = json!({ "emit": { "url": format!("{}/healthz?marker={{marker}}", server.url()) } });
    let settings = with(loki(&server.url()), emit);
    let cx = context(Path::new("/"), &[]).with_timeout(Duration::from_millis(1_500));
    let seen = observe_in::<Logs>(&cx, settings.clone()).expect("it answers");
    assert_eq!((seen.count, seen.arrived_ms), (0, None));
    assert_snapshot!(reported(settings, &seen), @"the line did not arrive | does the service log this request with its query, is the shipper running, does `query` match its lines, and is the probe's `timeout` long enough for a line to arrive?");
}

#[test]
fn nothing_is_logged_where_the_store_can_not_be_asked() {
    let store = harness::http(|_| Response::text("no").status(503));
    let service = harness::http(|_| Response::text("ok"));
    let emit = json!({ "emit": { "url": format!("{}/?{{marker}}", service.url()) } });
    let error = observe::<Logs>(with(loki(&store.url()), emit)).expect_err("it could not count");
    assert_snapshot!(error, @"Loki is in trouble (503: no)");
    assert_eq!(service.requests(), []);
}

#[test]
fn a_marker_goes_into_a_body_and_is_a_phrase_to_elasticsearch() {
    let server = harness::http(|request| match request.path.as_str() {
        "/log" => Response::empty(404),
        _ => of_elasticsearch(0, shards(1)),
    });
    let emit =
        json!({ "emit": { "url": format!("{}/log", server.url()), "method": "POST", "body": "{\"m\":\"{marker}\"}" } });
    let settings = with(elasticsearch(&server.url()), emit);
    let cx = context(Path::new("/"), &[]).with_timeout(Duration::from_millis(500));
    let seen = observe_in::<Logs>(&cx, settings.clone()).expect("it answers");
    assert_snapshot!(reported(settings, &seen), @"the line did not arrive | the request that should be logged got 404: is its URL right, and is it logged at all?");
    let marker = seen.marker.expect("one was sent");
    let requests = server.requests();
    assert_eq!((requests[1].text(), requests[1].method.as_str()), (format!("{{\"m\":\"{marker}\"}}"), "POST"));
    assert!(requests[2].text().contains(&format!("\"query\":\"\\\"{marker}\\\"\"")), "{}", requests[2].text());
}

#[test]
fn settings_that_fit_no_store_are_refused() {
    let no = |settings: Value| refused::<Logs>(settings);
    assert_snapshot!(no(json!({ "store": "loki", "url": "http://h" })), @r#"Loki wants a `query` that begins with labels: `{app="api"}`"#);
    assert_snapshot!(no(with(loki("http://h"), json!({ "index": "x" }))), @"`index` and `timestamp` are of Elasticsearch and OpenSearch: Loki has none");
    assert_snapshot!(no(json!({ "store": "opensearch", "url": "http://h" })), @"an `index` is wanted, such as `logs-*`");
    assert_snapshot!(no(with(elasticsearch("http://h"), json!({ "index": "a/_delete_by_query" }))), @"this is not a name of an index");
    assert_snapshot!(no(with(elasticsearch("http://h"), json!({ "tenant": "x" }))), @"`tenant` is of Loki");
    assert_snapshot!(no(with(loki("http://h"), json!({ "emit": { "url": "http://h/healthz" } }))), @"`{marker}` is wanted in `url` or `body`: by it the line is found again");
    assert_snapshot!(no(with(loki("http://h"), json!({ "emit": { "url": "{marker}" } }))), @"the URL must begin with http:// or https://");
    assert_snapshot!(no(with(loki("http://h"), json!({ "since": "10ms" }))), @"`since` is at least a second");
}
