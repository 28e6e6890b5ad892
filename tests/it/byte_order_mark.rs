//! JSON that begins with a byte order mark, as .NET and Windows write it, is accepted by every probe that reads JSON.

use gate::probe::Probe;
use gate::probe::command::Command;
use gate::probe::github::GitHub;
use gate::probe::grafana::Grafana;
use gate::probe::http::Http;
use gate::probe::image::Image;
use gate::probe::logs::Logs;
use gate::probe::prometheus::Prometheus;
use serde_json::{Value, json};

use crate::harness::{self, HttpServer, Response};
use crate::image::{OCI, config, digest, manifest};
use crate::observe::{context, observe, observe_in};

fn marked(json: impl AsRef<[u8]>) -> Vec<u8> {
    [b"\xef\xbb\xbf", json.as_ref()].concat()
}

/// A server that answers paths with this ending with this JSON, after a byte order mark.
fn serve(answers: Vec<(&'static str, Vec<u8>)>) -> HttpServer {
    harness::http(move |request| {
        let answer = answers.iter().find(|(path, _)| request.path.ends_with(path));
        answer.map_or(Response::empty(404), |(_, body)| Response::ok(body.clone()))
    })
}

/// The observation of a probe with these settings, from a server with one answer.
fn sees<P: Probe>(path: &'static str, answer: Value, mut settings: Value) -> Value {
    let server = serve(vec![(path, marked(answer.to_string()))]);
    settings["url"] = json!(server.url());
    let seen = observe::<P>(settings).unwrap_or_else(|error| panic!("{}: {error}", P::KIND));
    serde_json::to_value(seen).expect("it is JSON")
}

#[test]
fn a_byte_order_mark_before_json_of_a_server_is_skipped() {
    assert_eq!(sees::<Http>("/", json!({ "ok": true }), json!({}))["json"], json!({ "ok": true }));
    let limits =
        json!({ "resources": { "core": { "limit": 5000, "remaining": 9, "reset": 1_764_000_000, "used": 1 } } });
    sees::<GitHub>("/rate_limit", limits, json!({ "token": "t" }));
    let answer = json!({ "status": "success", "data": { "resultType": "scalar", "result": [1_764_000_000, "7"] } });
    assert_eq!(sees::<Prometheus>("/query", answer, json!({ "query": "7" }))["values"], json!([7]));
    let answer = json!({ "status": "success", "data": { "resultType": "vector", "result": [{ "metric": {}, "value": [1_764_000_000, "3"] }] } });
    let loki = json!({ "store": "loki", "query": "{app=\"api\"}", "since": "5m" });
    assert_eq!(sees::<Logs>("/query", answer, loki)["count"], json!(3));
    let server = serve(vec![
        ("/health", marked(r#"{"database":"ok","version":"11.2.0"}"#)),
        ("/search", marked(r#"[{"uid":"a","title":"A","type":"dash-db"}]"#)),
        ("/a", marked(r#"{"meta":{"provisioned":true},"dashboard":{}}"#)),
    ]);
    let seen = observe::<Grafana>(json!({ "url": server.url() })).expect("it is Grafana");
    assert_eq!(serde_json::to_value(seen).expect("it is JSON")["version"], json!("11.2.0"));
}

#[test]
fn a_byte_order_mark_before_the_json_of_an_image_is_skipped() {
    let config = marked(config("amd64"));
    let blob: &'static str = format!("/blobs/{}", digest(&config)).leak();
    let server = serve(vec![("/manifests/main", marked(manifest(OCI, &config))), (blob, config)]);
    let seen = observe::<Image>(json!({ "ref": format!("127.0.0.1:{}/acme/api:main", server.port()) }));
    assert_eq!(seen.expect("it is an image").revision.as_deref(), Some(crate::image::COMMIT));
}

#[test]
fn a_byte_order_mark_before_the_output_of_a_command_is_skipped() {
    let path = std::env::var("PATH").expect("there is a PATH");
    let cx = context(std::path::Path::new("/"), &[("PATH", &path)]);
    let seen =
        observe_in::<Command>(&cx, json!({ "shell": r#"printf '\357\273\277{"ready":3}\n'"# })).expect("it runs");
    assert_eq!((seen.json, seen.stdout.as_str()), (Some(json!({ "ready": 3 })), r#"{"ready":3}"#));
}
