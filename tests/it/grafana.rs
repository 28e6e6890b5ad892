//! A fake Grafana API: dashboards in pages, folders, health, and refusals.

use std::collections::BTreeSet;

use gate::probe::grafana::{Grafana, GrafanaSeen};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{self, HttpServer, Request, Response};
use crate::observe::{observe, probe};

/// A Grafana with these dashboards and folders, with at most `page` of them in one answer.
fn grafana(page: usize, found: Vec<Value>) -> HttpServer {
    harness::http(move |request| answer(&request, page, &found))
}

fn answer(request: &Request, page: usize, found: &[Value]) -> Response {
    if request.path == "/api/health" {
        return Response::json(&json!({ "database": "ok", "version": "11.2.0", "commit": "abc" }));
    }
    if request.header("authorization") != Some("Bearer glsa_good") {
        let message = json!({ "messageId": "api-key.invalid", "message": "Invalid API key", "statusCode": 401 });
        return Response::json(&message).status(401);
    }
    if let Some(uid) = request.path.strip_prefix("/api/dashboards/uid/") {
        return Response::json(&json!({ "meta": { "provisioned": uid != "by-hand" }, "dashboard": {} }));
    }
    let number = |name: &str| request.parameter(name).and_then(|text| text.parse::<usize>().ok());
    let (limit, number) = (number("limit").unwrap_or(1000).min(page), number("page").unwrap_or(1));
    let start = found.len().min((number - 1) * limit);
    let page = &found[start..found.len().min(start + limit)];
    Response::json(&json!(page))
}

fn dashboard(uid: &str, title: &str, folder: Option<&str>) -> Value {
    match folder {
        Some(folder) => json!({
            "uid": uid, "title": title, "type": "dash-db", "folderUid": folder.to_lowercase(), "folderTitle": folder,
        }),
        None => json!({ "uid": uid, "title": title, "type": "dash-db" }),
    }
}

fn ours() -> Vec<Value> {
    vec![
        dashboard("m4", "M4 Workflow", Some("AOS")),
        json!({ "uid": "aos", "title": "AOS", "type": "dash-folder" }),
        dashboard("traces", "AOS Traces", Some("AOS")),
        dashboard("by-hand", "Basic", None),
    ]
}

fn reported(seen: &GrafanaSeen) -> String {
    let probe: Grafana = probe(json!({ "url": "http://h" }));
    crate::observe::reported(&probe, seen)
}

#[test]
fn dashboards_are_counted_without_folders() {
    let server = grafana(1000, ours());
    let seen = observe::<Grafana>(json!({ "url": server.url(), "token": "glsa_good" })).expect("it answers");
    assert_snapshot!(serde_json::to_string_pretty(&seen).expect("it is JSON"), @r#"
    {
      "dashboards": {
        "count": 3,
        "titles": [
          "AOS Traces",
          "Basic",
          "M4 Workflow"
        ],
        "uids": [
          "traces",
          "by-hand",
          "m4"
        ],
        "folders": [
          "AOS",
          "General"
        ]
      },
      "version": "11.2.0",
      "database": "ok"
    }
    "#);
    assert_snapshot!(reported(&seen), @"3 dashboards | ");
}

#[test]
fn every_page_is_read_whatever_its_size() {
    let many: Vec<Value> = (0..45).map(|n| dashboard(&format!("u{n}"), &format!("D{n}"), None)).collect();
    let server = grafana(10, many);
    let seen = observe::<Grafana>(json!({ "url": server.url(), "token": "glsa_good" })).expect("it answers");
    // Asked for 1000, this server returns 10: a page with fewer entries is not the last one.
    assert_eq!(seen.dashboards.count, 45);
}

#[test]
fn a_server_that_knows_no_pages_does_not_count_twice() {
    let found = ours();
    let server = harness::http(move |request| match request.path.as_str() {
        "/api/health" => Response::json(&json!({})),
        _ => Response::json(&json!(found)),
    });
    let seen = observe::<Grafana>(json!({ "url": server.url() })).expect("it answers");
    assert_eq!((seen.dashboards.count, seen.version), (3, None));
}

#[test]
fn a_folder_is_named_by_title_or_uid() {
    let server = grafana(1000, ours());
    let count = |folder: &str| {
        let settings = json!({ "url": server.url(), "token": "glsa_good", "folder": folder });
        observe::<Grafana>(settings).expect("it answers").dashboards.count
    };
    assert_eq!([count("AOS"), count("aos"), count("General"), count("Other")], [2, 2, 1, 0]);
}

#[test]
fn a_dashboard_made_by_hand_is_not_provisioned() {
    let server = grafana(1000, ours());
    let settings = json!({ "url": server.url(), "token": "glsa_good", "details": true });
    let seen = observe::<Grafana>(settings).expect("it answers");
    assert_eq!(seen.dashboards.provisioned, Some(vec!["AOS Traces".to_owned(), "M4 Workflow".to_owned()]));
    assert_snapshot!(reported(&seen), @"3 dashboards, 2 provisioned | ");
}

#[test]
fn an_empty_list_may_mean_that_the_token_sees_nothing() {
    let server = grafana(1000, Vec::new());
    let seen = observe::<Grafana>(json!({ "url": server.url(), "token": "glsa_good" })).expect("it answers");
    assert_snapshot!(reported(&seen), @"0 dashboards | Grafana answers an empty list also where the credentials may see nothing: has the service account the role Viewer, in this organisation and folder?");
}

#[test]
fn a_refused_token_is_reported_with_the_message_of_grafana() {
    let server = grafana(1000, ours());
    let error = |settings: Value| observe::<Grafana>(settings).expect_err("it requires a valid token");
    assert_snapshot!(error(json!({ "url": server.url(), "token": "glsa_old" })), @"
    Grafana does not accept the credentials (401: Invalid API key)
    help: have they expired or been revoked, and are they for this server?
    ");
    assert_snapshot!(error(json!({ "url": server.url() })), @"
    Grafana wants credentials (401: Invalid API key)
    help: give `token`, `oauth2`, or `user` and `password`
    ");
}

#[test]
fn a_database_that_fails_is_seen() {
    let found = ours();
    let server = harness::http(move |request| match request.path.as_str() {
        "/api/health" => Response::json(&json!({ "database": "failing" })).status(503),
        _ => Response::json(&json!(found)),
    });
    let seen = observe::<Grafana>(json!({ "url": server.url() })).expect("it answers");
    assert_snapshot!(reported(&seen), @"3 dashboards, database failing | ");
}

#[test]
fn the_token_does_not_follow_a_redirect() {
    let elsewhere = harness::http(|_| Response::json(&json!([])));
    let target = elsewhere.url();
    let server = harness::http(move |_| Response::empty(302).header("location", &target));
    let error = observe::<Grafana>(json!({ "url": server.url(), "token": "glsa_good" })).expect_err("it redirects");
    assert_snapshot!(error, @"
    Grafana redirects instead of answering (302)
    help: is it behind a login, or is the URL http where it should be https?
    ");
    assert_eq!(elsewhere.requests(), []);
}

#[test]
fn a_path_of_the_url_comes_before_that_of_the_api() {
    let server = harness::http(|request| match request.path.strip_prefix("/grafana") {
        Some(path) => answer(&Request { path: path.to_owned(), ..request.clone() }, 1000, &ours()),
        None => Response::empty(404),
    });
    let settings = json!({ "url": format!("{}/grafana/", server.url()), "token": "glsa_good" });
    assert_eq!(observe::<Grafana>(settings).expect("it answers there").dashboards.count, 3);
    let paths: BTreeSet<String> = server.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/grafana/api/health", "/grafana/api/search"].map(str::to_owned).into());
}
