//! `cleanup` removes what the probes of an item created, whatever their result.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{HttpServer, Output, Project, Request, Response, dedent, free_port, http, postgres};

/// A service that stores orders, and the orders that it has now.
pub struct Shop {
    pub server: HttpServer,
    orders: Arc<Mutex<BTreeSet<String>>>,
}

impl Shop {
    /// `POST /orders/ID` creates an order; with `?status=500` it answers 500 and still creates it. `DELETE /orders/ID`
    /// removes it.
    pub fn open() -> Shop {
        let orders = Arc::new(Mutex::new(BTreeSet::new()));
        let kept = Arc::clone(&orders);
        let server = http(move |request| answer(&request, &mut kept.lock().expect("no panic")));
        Shop { server, orders }
    }

    /// The ids of the orders that it has now.
    pub fn orders(&self) -> Vec<String> {
        self.orders.lock().expect("no panic").iter().cloned().collect()
    }

    /// The requests so far, such as `POST /orders/a`.
    pub fn asked(&self) -> Vec<String> {
        self.server.requests().iter().map(|request| format!("{} {}", request.method, request.path)).collect()
    }

    /// A project with these items.
    pub fn project(&self, items: &str) -> Project {
        let items = dedent(items).lines().map(|line| format!("      {line}\n")).collect::<String>();
        Project::new(&format!("title: T\nsections:\n  - title: S\n    items:\n{items}")).env("SHOP", self.server.url())
    }
}

fn answer(request: &Request, orders: &mut BTreeSet<String>) -> Response {
    let id = request.path.strip_prefix("/orders/").map(ToOwned::to_owned);
    let status = request.parameter("status").and_then(|status| status.parse().ok());
    match (request.method.as_str(), id) {
        ("POST", Some(id)) if id == "hang" => Response::ok("late").delayed(Duration::from_secs(600)),
        ("POST", Some(id)) => {
            orders.insert(id.clone());
            Response::json(&json!({ "id": id })).status(status.unwrap_or(201))
        }
        ("DELETE", Some(id)) if orders.remove(&id) => Response::empty(204),
        ("GET", None) if request.path == "/hang" => Response::ok("late").delayed(Duration::from_secs(600)),
        ("GET", Some(id)) if id == "hang" => Response::ok("late").delayed(Duration::from_secs(600)),
        ("GET", None) if request.path == "/fine" => Response::ok("fine"),
        ("GET", None) if request.path == "/slow" => Response::ok("slow").delayed(Duration::from_millis(100)),
        _ => Response::empty(404),
    }
}

/// Runs the checklist without a ledger.
pub fn check(project: &Project, more: &[&str]) -> Output {
    project.gate(&[&["check", "staging", "--no-record"], more].concat())
}

/// The items of a JSON report.
fn items(output: &Output) -> Vec<Value> {
    let run: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|why| panic!("{why}: {}", output.stderr));
    run["sections"][0]["items"].as_array().expect("a list").clone()
}

/// `STATUS: REASON` of each item.
fn reasons(items: &[Value]) -> String {
    let line = |item: &Value| {
        let why = item["reason"].as_str().map(|why| format!(": {why}")).unwrap_or_default();
        Some(format!("{} {}{why}", item["id"].as_str()?, item["status"].as_str()?))
    };
    items.iter().filter_map(line).collect::<Vec<String>>().join("\n")
}

const ORDERS: &str = r#"
    - id: passed
      title: Passed
      probes: [{ http: { method: POST, url: "${env.SHOP}/orders/a" }, as: order }]
      cleanup: { http: { method: DELETE, url: "${env.SHOP}/orders/${order.json.id}" } }
    - id: failed
      title: Failed
      probes:
        - http: { method: POST, url: "${env.SHOP}/orders/b?status=500" }
          as: order
        - http: { url: "${env.SHOP}/missing" }
      cleanup: [{ http: { method: DELETE, url: "${env.SHOP}/orders/${order.json.id}" } }]
    - id: late
      title: Late
      probes:
        - http: { method: POST, url: "${env.SHOP}/orders/c" }
          as: order
        - http: { url: "${env.SHOP}/hang" }
          timeout: 200ms
      cleanup:
        - http: { method: DELETE, url: "${env.SHOP}/orders/${order.json.id}" }
          as: gone
        - http: { url: "${env.SHOP}/fine" }
          expect: { status: { at_most: "${gone.status}" } }
"#;

#[test]
fn what_a_probe_created_is_removed_whether_the_item_passed_failed_or_timed_out() {
    let shop = Shop::open();
    let output = check(&shop.project(ORDERS), &["--format", "json"]);
    assert_eq!(shop.orders(), Vec::<String>::new(), "{:?}", shop.asked());
    assert_eq!(shop.asked().iter().filter(|line| line.starts_with("DELETE")).count(), 3);
    let items = items(&output);
    assert_snapshot!(reasons(&items), @r#"
    passed passed
    failed failed: order: status: expected at least 200 and below 300, got 500; http: status: expected at least 200 and below 300, got 404
    late error: no answer within 200ms
    "#);
    let probes = items[0]["probes"].as_array().expect("a list");
    assert_eq!((probes.len(), &probes[0]["cleanup"], &probes[1]["cleanup"]), (2, &Value::Null, &json!(true)));
    assert_eq!(items[0]["evidence"], "201 Created", "a cleanup is not evidence");
}

#[test]
fn a_cleanup_that_fails_makes_an_item_red_and_hides_no_other_reason() {
    let shop = Shop::open();
    let project = shop.project(
        r#"
        - id: passed
          title: Passed
          probes: [{ http: { url: "${env.SHOP}/fine" } }]
          cleanup:
            - http: { method: DELETE, url: "${env.SHOP}/orders/none" }
            - http: { url: "${env.SHOP}/missing" }
        - id: failed
          title: Failed
          probes: [{ http: { url: "${env.SHOP}/fine" }, expect: { status: 201 } }]
          cleanup: { http: { method: DELETE, url: "${env.SHOP}/orders/none" } }
    "#,
    );
    let output = check(&project, &[]);
    assert_eq!(output.code, 1, "{}", output.stderr);
    let shown = output.stdout.replace(&shop.server.url(), "http://SHOP");
    assert_snapshot!(shown.rsplit_once("\n\n").map_or("", |(all, _)| all), @r#"
    T

    S
    ✗ failed  Passed  cleanup: status: expected at least 200 and below 300, got 404
    ✗ failed  Failed  status: expected 201, got 200; cleanup: status: expected at least 200 and below
                      300, got 404

    ✗ passed — Passed
      cleanup http failed: status: expected at least 200 and below 300, got 404
       --> checklists/staging.yaml:9:13
       |
     9 | - http: { method: DELETE, url: "${env.SHOP}/orders/none" }
       |   ^^^^ status: expected at least 200 and below 300, got 404 (default)
      help: the server answered, but has nothing at this path: check the URL
      reproduce: curl -i -X DELETE http://SHOP/orders/none
      cleanup http failed: status: expected at least 200 and below 300, got 404
       --> checklists/staging.yaml:10:13
        |
     10 | - http: { url: "${env.SHOP}/missing" }
        |   ^^^^ status: expected at least 200 and below 300, got 404 (default)
      reproduce: curl -i http://SHOP/missing

    ✗ failed — Failed
      http failed: status: expected 201, got 200
       --> checklists/staging.yaml:13:65
        |
     13 | probes: [{ http: { url: "${env.SHOP}/fine" }, expect: { status: 201 } }]
        |                                                         ^^^^^^ expected 201, got 200
      reproduce: curl -i http://SHOP/fine
      cleanup http failed: status: expected at least 200 and below 300, got 404
       --> checklists/staging.yaml:14:20
        |
     14 | cleanup: { http: { method: DELETE, url: "${env.SHOP}/orders/none" } }
        |            ^^^^ status: expected at least 200 and below 300, got 404 (default)
      help: the server answered, but has nothing at this path: check the URL
      reproduce: curl -i -X DELETE http://SHOP/orders/none

    Not green:
    ✗ failed  passed  cleanup: status: expected at least 200 and below 300, got 404
    ✗ failed  failed  status: expected 201, got 200; cleanup: status: expected at least 200 and below 3…
    "#);
}

#[test]
fn a_retry_of_a_cleanup_is_not_flaky_and_an_inherited_one_is_not_for_what_has_effects() {
    let shop = Shop::open();
    let project = shop.project(
        r#"
        - id: again
          title: Again
          retry: { attempts: 3, every: 1ms }
          probes: [{ http: { url: "${env.SHOP}/fine" } }]
          cleanup:
            - http: { method: POST, url: "${env.SHOP}/orders/a" }
            - http: { method: DELETE, url: "${env.SHOP}/orders/a" }
              retry: { attempts: 2, every: 1ms, consecutive: 1 }
        - id: once
          title: Once
          retry: { attempts: 3, every: 1ms }
          probes: [{ http: { url: "${env.SHOP}/fine" } }]
          cleanup: { http: { method: DELETE, url: "${env.SHOP}/orders/none" } }
        - id: thrice
          title: Thrice
          probes: [{ http: { url: "${env.SHOP}/fine" } }]
          cleanup:
            - http: { method: DELETE, url: "${env.SHOP}/orders/never" }
              retry: { attempts: 3, every: 1ms }
    "#,
    );
    let items = items(&check(&project, &["--format", "json"]));
    let attempts =
        |item: &Value| item["probes"].as_array().and_then(|all| all.last()?["attempts"].as_array()).map(Vec::len);
    assert_eq!(items.iter().map(attempts).collect::<Vec<_>>(), [Some(1), Some(1), Some(3)]);
    assert_eq!(items.iter().map(|item| item["flaky"].clone()).collect::<Vec<_>>(), [false, false, false]);
    assert_eq!(items[0]["status"], "passed", "{}", reasons(&items));
}

#[test]
fn nothing_is_cleaned_up_where_nothing_was_sent() {
    let shop = Shop::open();
    let project = shop.project(&format!(
        r#"
        - {{ id: red, title: Red, probes: [{{ tcp: {{ address: "127.0.0.1:{}" }} }}] }}
        - id: blocked
          title: Blocked
          needs: [red]
          probes: [{{ http: {{ method: POST, url: "${{env.SHOP}}/orders/a" }} }}]
          cleanup: {{ http: {{ method: DELETE, url: "${{env.SHOP}}/orders/a" }} }}
        - id: unset
          title: Unset
          probes: [{{ http: {{ method: POST, url: "${{env.SHOP}}/orders/b?${{env.UNSET}}" }} }}]
          cleanup: {{ http: {{ method: DELETE, url: "${{env.SHOP}}/orders/b" }} }}
        - id: unset-cleanup
          title: Unset in its cleanup
          probes: [{{ http: {{ method: POST, url: "${{env.SHOP}}/orders/c" }} }}]
          cleanup: {{ http: {{ method: DELETE, url: "${{env.SHOP}}/orders/c", headers: {{ X-Key: "${{env.UNSET}}" }} }} }}
        - id: refused
          title: Refused
          probes: [{{ http: {{ method: POST, url: "http://127.0.0.1:{}/" }}, as: order }}]
          cleanup: {{ http: {{ method: DELETE, url: "${{env.SHOP}}/orders/${{order.json.id}}" }} }}
        - id: unread
          title: Not what it names
          probes: [{{ http: {{ url: "${{env.SHOP}}/fine" }}, as: order }}]
          cleanup: {{ http: {{ method: DELETE, url: "${{env.SHOP}}/orders/${{order.json.id}}" }} }}
    "#,
        free_port(),
        free_port()
    ));
    let items = items(&check(&project, &["--format", "json"]));
    assert_eq!(shop.asked(), ["GET /fine"]);
    let reasons = regex::Regex::new(":[0-9]{4,5}")
        .expect("it is well formed")
        .replace_all(&reasons(&items), ":PORT")
        .into_owned();
    assert_snapshot!(reasons, @"
    red failed: connected: expected true, got false (127.0.0.1:PORT refused the connection)
    blocked blocked: needs red (connected: expected true, got false (127.0.0.1:PORT refused the connection))
    unset blocked: UNSET is not set
    unset-cleanup blocked: UNSET is not set
    refused error: 127.0.0.1:PORT refused the connection
    unread blocked: cleanup: `order` observed no such value: json.id: not found (json is missing)
    ");
    assert_eq!(items[4]["probes"][1]["error"], "`order` observed nothing", "{:#}", items[4]);
    let output = check(&shop.project(ORDERS), &["--read-only", "--only", "passed"]);
    assert_eq!((output.code, shop.asked().len()), (3, 1), "{}", output.stdout);
}

#[test]
fn a_cleanup_that_has_effects_is_blocked_by_read_only() {
    let shop = Shop::open();
    let project = shop.project(
        r#"
        - id: read
          title: Read
          probes: [{ http: { url: "${env.SHOP}/fine" } }]
          cleanup: { http: { method: DELETE, url: "${env.SHOP}/orders/none" } }
    "#,
    );
    let items = items(&check(&project, &["--format", "json", "--read-only"]));
    assert_snapshot!(reasons(&items), @"read blocked: cleanup: the `http` probe can change something, and `--read-only` does not run it");
    assert_eq!(shop.asked(), ["GET /fine"]);
}

#[test]
fn a_row_of_a_database_is_removed_by_what_removes_it() {
    let database = postgres();
    let url = database.url();
    database.psql(&url, "CREATE TABLE IF NOT EXISTS cleaned (id int)");
    let project = Project::new(
        "
        title: T
        secrets: { DSN: }
        sections:
          - title: S
            items:
              - id: row
                title: A row can be written
                probes:
                  - sql: { url: \"${secrets.DSN}\", writes: true, query: INSERT INTO cleaned VALUES (7) RETURNING id }
                    expect: { value: 7 }
                    as: row
                  - sql: { url: \"${secrets.DSN}\", query: SELECT count(*) FROM cleaned }
                    expect: { value: 2 }
                cleanup:
                  sql: { url: \"${secrets.DSN}\", writes: true, query: \"DELETE FROM cleaned WHERE id = ${row.value} RETURNING id\" }
                  expect: { value: 7 }
    ",
    )
    .env("DSN", &url);
    let output = check(&project, &[]);
    assert!(output.stdout.contains("value: expected 2, got 1"), "{}{}", output.stdout, output.stderr);
    assert_eq!(database.psql(&url, "SELECT count(*) FROM cleaned"), "0");
}

#[test]
fn each_service_cleans_up_behind_itself() {
    let shop = Shop::open();
    let project = shop.project(
        r#"
        - id: order
          each: [api, web, worker]
          title: ${each} takes orders
          probes: [{ http: { method: POST, url: "${env.SHOP}/orders/${each}" }, as: made }]
          cleanup: { http: { method: DELETE, url: "${env.SHOP}/orders/${made.json.id}" } }
    "#,
    );
    let output = check(&project, &[]);
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
    assert_eq!((shop.orders().len(), shop.asked().len()), (0, 6));
}
