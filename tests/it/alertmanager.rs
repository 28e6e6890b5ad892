//! Tests with real Alertmanagers, alone and in a cluster, and with other servers.

use std::process::Command;

use gate::probe::Probe;
use gate::probe::alertmanager::{Alertmanager, AlertmanagerSeen};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{self, Project, Response};
use crate::observe::{observe, probe};

fn reported(seen: &AlertmanagerSeen) -> String {
    let probe: Alertmanager = probe(json!({ "url": "http://h" }));
    format!("{} | {}", probe.evidence(seen), probe.advice(seen).unwrap_or_default())
}

/// Sends `POST /api/v2/…` to the server.
fn post(server: &harness::Alertmanager, path: &str, body: &Value) {
    let url = format!("{}/api/v2/{path}", server.url());
    let body = body.to_string();
    let arguments = ["-sSf", "-H", "Content-Type: application/json", "--data-raw", &body, &url];
    let output = Command::new(harness::program("curl")).args(arguments).output().expect("curl is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn matcher(name: &str, value: &str) -> Value {
    json!({ "name": name, "value": value, "isRegex": false, "isEqual": true })
}

#[test]
fn a_single_node_is_ready_without_a_cluster() {
    let seen = observe::<Alertmanager>(json!({ "url": harness::alertmanager().url() })).expect("it answers");
    let mut value = serde_json::to_value(&seen).expect("it is JSON");
    value["version"] = json!("VERSION");
    value["started"] = json!("WHEN");
    assert_snapshot!(serde_json::to_string(&value).expect("it is JSON"), @r#"{"ready":true,"cluster":{"status":"disabled","peers":0,"addresses":[]},"version":"VERSION","started":"WHEN","receivers":["pager","slack"],"alerts":{"count":0,"names":[],"by_severity":{},"suppressed":0},"silences":{"count":0,"pending":0,"over_everything":0,"active":[]}}"#);
    assert_snapshot!(reported(&seen), @"ready, a single node, receivers pager slack | ");
}

#[test]
fn nodes_find_each_other() {
    let gossip = harness::free_port();
    let listen = format!("--cluster.listen-address=127.0.0.1:{gossip}");
    let fast = "--cluster.gossip-interval=10ms";
    let first = harness::alertmanager_with(&[&listen, fast]);
    let peer = format!("--cluster.peer=127.0.0.1:{gossip}");
    let own = format!("--cluster.listen-address=127.0.0.1:{}", harness::free_port());
    let second = harness::alertmanager_with(&[&own, &peer, fast]);
    for node in [&first, &second] {
        let seen = node.until(|| {
            let seen = observe::<Alertmanager>(json!({ "url": node.url() })).ok()?;
            let cluster = seen.cluster.as_ref()?;
            (cluster.peers == 2 && cluster.status == "ready").then_some(seen)
        });
        assert_eq!(reported(&seen), "ready, 2 peers, receivers pager slack | ");
    }
}

#[test]
fn a_node_that_still_looks_for_its_peers_is_not_ready_by_default() {
    let listen = format!("--cluster.listen-address=127.0.0.1:{}", harness::free_port());
    // It settles after three quiet intervals of ten times that length.
    let server = harness::alertmanager_with(&[&listen, "--cluster.gossip-interval=10s"]);
    let seen = observe::<Alertmanager>(json!({ "url": server.url() })).expect("it answers");
    assert_snapshot!(reported(&seen), @"settling, 1 peer, receivers pager slack | it looks for its peers, which takes a while after a start: where it stays so, can the nodes reach each other on the cluster's port (9094)?");

    let project = checklist(&server.url());
    let output = project.gate(&["check", "staging"]);
    assert_eq!(output.code, 1, "{}{}", output.stdout, output.stderr);
    assert!(output.stdout.contains("got \"settling\""), "{}", output.stdout);
}

/// A project with one item that has the default expectations of the probe.
fn checklist(url: &str) -> Project {
    let text = format!(
        "
        title: Staging
        sections:
          - title: Operations
            items:
              - id: alerts
                title: Alertmanager healthy
                retry: {{ attempts: 1 }}
                probes: [{{ alertmanager: {{ url: \"{url}\" }} }}]
        "
    );
    Project::new(&text)
}

#[test]
fn alerts_are_counted_and_silenced_ones_are_not_active() {
    let server = harness::alertmanager_with(&["--cluster.listen-address="]);
    let alert = |name: &str, severity: &str| json!({ "labels": { "alertname": name, "severity": severity } });
    let quiet = json!({ "labels": { "alertname": "Watchdog" } });
    post(
        &server,
        "alerts",
        &json!([alert("ApiDown", "critical"), alert("Slow", "warning"), alert("Disk", "warning"), quiet]),
    );
    let silence = json!({
        "matchers": [matcher("alertname", "Disk")], "createdBy": "dana", "comment": "known",
        "startsAt": "2020-01-01T00:00:00Z", "endsAt": "2099-01-01T00:00:00Z",
    });
    post(&server, "silences", &silence);

    // Alertmanager decides that an alert is silenced when the alert is queried or sent.
    let seen = observe::<Alertmanager>(json!({ "url": server.url() })).expect("it answers");
    let alerts = seen.alerts.as_ref().expect("it is ready");
    assert_snapshot!(serde_json::to_string(alerts).expect("it is JSON"), @r#"{"count":3,"names":["ApiDown","Slow","Watchdog"],"by_severity":{"critical":1,"none":1,"warning":1},"suppressed":1}"#);
    let silences = seen.silences.as_ref().expect("it is ready");
    assert_eq!((silences.count, silences.pending), (1, 0));
    assert_snapshot!(silences.active[0].matchers, @r#"alertname="Disk""#);
    assert_snapshot!(reported(&seen), @r#"ready, a single node, receivers pager slack | a silence is in force: alertname="Disk" until 2099-01-01T00:00:00.000Z (dana)"#);

    let settings = json!({ "url": server.url(), "filter": ["severity=\"critical\""] });
    let seen = observe::<Alertmanager>(settings).expect("it answers");
    let alerts = seen.alerts.as_ref().expect("it is ready");
    assert_eq!((alerts.count, alerts.names.iter().map(String::as_str).collect()), (1, vec!["ApiDown"]));
}

#[test]
fn an_invalid_filter_shows_the_message_of_alertmanager() {
    let settings = json!({ "url": harness::alertmanager().url(), "filter": ["nonsense"] });
    let error = observe::<Alertmanager>(settings).expect_err("it is not a matcher");
    assert_snapshot!(error, @"Alertmanager refused the request (400: bad matcher format: nonsense)");
}

#[test]
fn the_passwords_of_its_configuration_are_nowhere() {
    let server = harness::alertmanager();
    let output =
        harness::gate(harness::directory("nothing"), &["probe", "alertmanager", &format!("url={}", server.url())]);
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
    let all = format!("{}{}", output.stdout, output.stderr);
    assert!(all.contains("pager") && !all.contains("p%40ss") && !all.contains("p@ss") && !all.contains("slack-secret"));
}

#[test]
fn a_server_that_is_not_ready_is_failed_and_not_an_error() {
    let server = harness::http(|_| Response::text("not yet").status(503));
    let seen = observe::<Alertmanager>(json!({ "url": server.url() })).expect("it says so");
    assert_snapshot!(serde_json::to_string(&seen).expect("it is JSON"), @r#"{"ready":false}"#);
    assert_snapshot!(reported(&seen), @"not ready | it has only just started, or can't read its configuration: its log says which");
    let output = checklist(&server.url()).gate(&["check", "staging"]);
    assert_eq!(output.code, 1, "{}{}", output.stdout, output.stderr);
}

#[test]
fn a_catch_all_200_response_is_not_an_alertmanager() {
    let page = harness::http(|_| Response::text("<!doctype html><title>Sign in</title>"));
    let error = |url: String| observe::<Alertmanager>(json!({ "url": url })).expect_err("it is invalid");
    assert_snapshot!(error(page.url()), @"
    Alertmanager answered with a web page where JSON was expected
    help: is it behind a login, and is this the URL of Alertmanager itself?
    ");
    let other = harness::http(|_| Response::json(&json!({ "status": "ok" })));
    assert_snapshot!(error(other.url()), @"
    Alertmanager returned unexpected JSON structure at line 1, column 15
    help: is this the URL of Alertmanager itself?
    ");
    assert_snapshot!(error(harness::prometheus().url()), @"
    Alertmanager has no /api/v2/status (404: 404 page not found)
    help: is this the URL of Alertmanager, with the path that it is served under?
    ");
}

#[test]
fn a_silence_over_everything_is_red_by_default_whatever_the_filter() {
    let server = harness::alertmanager_with(&["--cluster.listen-address="]);
    let silence = |operator: &str, value: &str| {
        let matcher = json!({ "name": "alertname", "value": value, "isRegex": operator.ends_with('~'), "isEqual": operator.starts_with('=') });
        json!({ "matchers": [matcher], "createdBy": "dana", "comment": "quiet", "startsAt": "2020-01-01T00:00:00Z", "endsAt": "2099-01-01T00:00:00Z" })
    };
    post(&server, "silences", &silence("=", "Disk"));
    assert_eq!(checklist(&server.url()).gate(&["check", "staging"]).code, 0);
    post(&server, "silences", &silence("=~", ".+"));
    let look_with = |filter: Value| {
        let seen = observe::<Alertmanager>(json!({ "url": server.url(), "filter": filter })).expect("it answers");
        assert_eq!(seen.silences.as_ref().map(|silences| silences.over_everything), Some(1), "{filter}");
        reported(&seen)
    };
    assert_eq!(look_with(json!([])), look_with(json!(["severity=\"critical\""])));
    assert_snapshot!(look_with(json!([])), @"ready, a single node, receivers pager slack, every alert silenced | a silence matches every alert, so nobody is notified: `amtool silence query` lists it");
    let output = checklist(&server.url()).gate(&["check", "staging"]);
    assert_eq!(output.code, 1, "{}{}", output.stdout, output.stderr);
    assert!(output.stdout.contains("silences.over_everything"), "{}", output.stdout);
}
