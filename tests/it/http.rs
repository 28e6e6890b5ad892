//! `http` against nginx and against a server of the test: requests are sent as configured, answers are observed unchanged.

use gate::probe::Probe;
use gate::probe::http::{Http, HttpObservation};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{self, Authority, Project, Request, Response, free_port, http, nginx, nginx_tls};
use crate::observe::{context, observe, observe_in, probe, refused};

/// The evidence and the advice for an observation.
fn reported(settings: Value, seen: &HttpObservation) -> String {
    let probe: Http = probe(settings);
    crate::observe::reported(&probe, seen)
}

/// Echoes the request.
fn echo(request: &Request) -> Response {
    let seen = json!({
        "method": request.method, "path": request.path, "body": request.text(),
        "tier": request.header("x-tier"), "authorization": request.header("authorization"),
        "type": request.header("content-type"), "agent": request.header("user-agent"),
    });
    Response::json(&seen)
}

#[test]
fn nginx_is_seen_with_status_headers_body_and_time() {
    let server = nginx("");
    let seen = observe::<Http>(json!({ "url": server.url() })).expect("nginx answers");
    assert_eq!((seen.status, seen.body.as_deref(), seen.body_bytes, seen.truncated), (200, Some("ok\n"), 3, false));
    assert_eq!((seen.version.as_str(), seen.content_type.as_deref()), ("HTTP/1.1", Some("text/html")));
    assert!(seen.headers["server"].starts_with("nginx/"), "{:?}", seen.headers);
    assert!(seen.latency_ms < 10_000 && seen.tls.is_none() && seen.json.is_none());
    assert_snapshot!(reported(json!({ "url": server.url() }), &seen), @"200 OK | ");
}

#[test]
fn the_configured_request_is_sent() {
    let server = http(|request| echo(&request));
    let url = format!("{}/v1/items", server.url());
    let posted = observe::<Http>(json!({
        "url": url, "method": "POST", "json": { "probe": true }, "headers": { "X-Tier": "free" }, "token": "abcd",
    }));
    let json = posted.expect("it answers").json.expect("it is JSON");
    assert_eq!(json["body"], r#"{"probe":true}"#);
    assert_eq!((&json["method"], &json["type"]), (&"POST".into(), &"application/json".into()));
    assert_eq!((&json["tier"], &json["authorization"]), (&"free".into(), &"Bearer abcd".into()));
    assert_eq!(json["agent"], concat!("gate/", env!("CARGO_PKG_VERSION")));
    let put = observe::<Http>(json!({ "url": url, "method": "PUT", "body": "plain", "user": "u", "password": "p:w" }));
    let json = put.expect("it answers").json.expect("it is JSON");
    assert_eq!((&json["body"], &json["authorization"]), (&"plain".into(), &"Basic dTpwOnc=".into()));
}

#[test]
fn a_redirect_is_an_answer_unless_it_is_to_be_followed() {
    let server = nginx("location /old { return 301 /new/; } location /new/ { return 200 'there'; }");
    let url = format!("{}/old", server.url());
    let seen = observe::<Http>(json!({ "url": url })).expect("nginx answers");
    assert_eq!(seen.status, 301);
    assert!(
        reported(json!({ "url": url }), &seen)
            .ends_with("redirects are not followed: set `redirects` to the number of redirects to follow")
    );
    let seen = observe::<Http>(json!({ "url": url, "redirects": 1 })).expect("nginx answers");
    assert_eq!((seen.status, seen.body.as_deref(), seen.redirects.len()), (200, Some("there"), 1));
    assert!(seen.url.ends_with("/new/"), "{}", seen.url);
}

#[test]
fn a_credential_never_follows_a_redirect_to_another_origin() {
    let other = http(|request| echo(&request));
    let away = format!("{}/away", other.url());
    let first = http(move |_| Response::empty(302).header("location", &away));
    let settings = json!({
        "url": first.url(), "redirects": 3, "token": "abcd", "headers": { "X-Api-Key": "k3y", "Cookie": "s=1" },
    });
    observe::<Http>(settings).expect("both answer");
    let [request] = other.requests().try_into().unwrap_or_else(|all: Vec<_>| panic!("{} requests", all.len()));
    for header in ["authorization", "x-api-key", "cookie"] {
        assert_eq!(request.header(header), None, "{header}");
    }
}

#[test]
fn a_control_shows_that_200_means_something() {
    let honest = nginx("location = /healthz { return 200; } location / { return 404; }");
    let settings = json!({ "url": format!("{}/healthz", honest.url()), "control": { "url": "/no-such-page" } });
    let seen = observe::<Http>(settings.clone()).expect("they differ");
    assert_snapshot!(reported(settings, &seen), @"200 OK (control: 404) | ");
    let liar = nginx("location / { return 200; }");
    let settings = json!({ "url": format!("{}/healthz", liar.url()), "control": { "url": "/no-such-page" } });
    assert_snapshot!(observe::<Http>(settings).expect_err("they are the same"), @"
    the control request got 200 too, so the status proves nothing
    help: expect something of the body instead of a `control`
    ");
}

#[test]
fn a_control_without_credentials_shows_that_they_are_asked_for() {
    let open = http(|_| Response::ok("all may see this"));
    let guarded = http(|request| Response::empty(if request.header("authorization").is_some() { 200 } else { 401 }));
    let ask = |url: String| observe::<Http>(json!({ "url": url, "token": "abcd", "control": { "anonymous": true } }));
    assert_eq!(ask(guarded.url()).expect("they differ").control.map(|control| control.status), Some(401));
    assert!(ask(open.url()).is_err());
}

#[test]
fn tls_is_verified_and_the_certificate_is_seen() {
    let authority = Authority::new();
    let server = nginx_tls(&authority.issue_for("server", &["127.0.0.1", "localhost"], (4096, 1, 1)), "");
    let error = observe::<Http>(json!({ "url": server.url() })).expect_err("the authority is not trusted");
    assert!(error.contains("is from an unknown issuer"), "{error}");
    let seen = observe::<Http>(json!({ "url": server.url(), "ca": authority.ca() })).expect("it is trusted now");
    let tls = seen.tls.expect("it is TLS");
    assert!(tls.days_left > 365 && tls.not_after == "4096-01-01T00:00:00Z", "{tls:?}");
    assert_eq!(
        (tls.names.join(" "), tls.issuer.as_str()),
        ("127.0.0.1 localhost".into(), "CN=An authority of the tests")
    );
    let seen = observe::<Http>(json!({ "url": server.url(), "insecure": true })).expect("it is not verified");
    assert_eq!(seen.status, 200);
    assert!(probe::<Http>(json!({ "url": server.url(), "insecure": true })).is_insecure());
}

#[test]
fn expired_certificates_and_those_for_other_names_have_different_errors() {
    let authority = Authority::new();
    let expired = nginx_tls(&authority.issue_for("expired", &["127.0.0.1"], (2020, 1, 1)), "");
    let error = observe::<Http>(json!({ "url": expired.url(), "ca": authority.ca() })).expect_err("it has expired");
    assert!(error.ends_with("has expired\nhelp: renew it"), "{error}");
    let other = nginx_tls(&authority.issue_for("other", &["api.example"], (4096, 1, 1)), "");
    let error =
        observe::<Http>(json!({ "url": other.url(), "ca": authority.ca() })).expect_err("it is for another name");
    assert!(error.contains("is not for `127.0.0.1`"), "{error}");
    assert!(error.contains("api.example"), "{error}");
}

#[test]
fn a_closed_port_a_port_without_tls_and_an_unknown_name_have_different_errors() {
    let error = observe::<Http>(json!({ "url": format!("http://127.0.0.1:{}/x?token=abcd", free_port()) }));
    let error = error.expect_err("the port is closed");
    assert!(error.contains("refused the connection\nhelp: nothing listens there"), "{error}");
    assert!(!error.contains("abcd"), "{error}");
    let plain = nginx("");
    let error = observe::<Http>(json!({ "url": plain.url().replace("http:", "https:") })).expect_err("it is not a TLS");
    assert!(error.ends_with("help: is it plain http?"), "{error}");
    let error = observe::<Http>(json!({ "url": "http://no-such-host.invalid" })).expect_err("`.invalid` never exists");
    assert!(error.starts_with("cannot resolve `no-such-host.invalid`"), "{error}");
}

#[test]
fn refusals_say_what_is_missing() {
    let reported = |status: u16, settings: Value| {
        let server = http(move |_| Response::empty(status));
        let mut settings = settings;
        settings["url"] = server.url().into();
        let seen = observe::<Http>(settings.clone()).expect("it answers");
        reported(settings, &seen)
    };
    assert_snapshot!(reported(401, json!({})), @"401 Unauthorized | the server requires credentials: set `token`, `oauth2`, or `user` and `password`");
    assert_snapshot!(reported(401, json!({ "token": "abcd" })), @"401 Unauthorized | the server does not accept these credentials");
    assert_snapshot!(reported(405, json!({})), @"405 Method Not Allowed | this URL does not accept the `method`");
    assert_snapshot!(reported(503, json!({})), @"503 Service Unavailable | ");
}

#[test]
fn json_is_observed_and_missing_json_is_reported() {
    let server = http(|request| match request.path.as_str() {
        "/problem" => Response::ok(r#"{"a": 1}"#).header("content-type", "application/problem+json"),
        "/unsaid" => Response::ok("[1, 2]"),
        "/broken" => Response::ok("{\"a\": ").header("content-type", "application/json"),
        _ => Response::text("fine"),
    });
    let see = |path: &str| observe::<Http>(json!({ "url": format!("{}{path}", server.url()) })).expect("it answers");
    assert_eq!(see("/problem").json, Some(json!({ "a": 1 })));
    assert_eq!(see("/unsaid").json, Some(json!([1, 2])));
    assert_eq!(see("/text").json, None);
    let broken = see("/broken");
    assert_eq!(broken.json, None);
    let said = reported(json!({ "url": server.url() }), &broken);
    assert!(
        said.contains("its content type is JSON, but the body is incomplete JSON: it ends at line 1, column 6"),
        "{said}"
    );
}

#[test]
fn a_long_body_is_cut_after_decoding_with_a_note() {
    let server = nginx("gzip on; gzip_types text/plain; gzip_min_length 1; default_type text/plain;");
    std::fs::write(server.root().join("long.txt"), "a".repeat(5 << 20)).expect("the folder is writable");
    let settings = json!({ "url": format!("{}/long.txt", server.url()), "max_body": "64KiB" });
    let seen = observe::<Http>(settings).expect("nginx answers");
    assert_eq!((seen.body_bytes, seen.truncated), (64 << 10, true));
}

/// Answers the first request of each connection, and closes it silently at the next one.
fn forgetful() -> harness::RawServer {
    harness::raw(|mut stream| {
        use std::io::{Read, Write};
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                _ => return,
            }
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let status = if head.starts_with("GET /absent ") { "404 Not Found" } else { "200 OK" };
        let location = if head.starts_with("GET /moved ") { "302 Found\r\nlocation: /" } else { status };
        write!(stream, "HTTP/1.1 {location}\r\ncontent-length: 2\r\n\r\nok").ok();
        let _ = stream.read(&mut byte);
    })
}

#[test]
fn a_connection_that_the_server_has_closed_is_replaced() {
    let server = forgetful();
    let url = server.url();
    let control = json!({ "url": url, "control": { "url": "/absent" } });
    let seen = observe::<Http>(control).expect("it answers");
    assert_eq!((seen.status, seen.control.map(|control| control.status)), (200, Some(404)));
    assert_eq!(server.connections(), 2, "the second request was repeated on a connection of its own");
    observe::<Http>(json!({ "url": format!("{url}/moved"), "redirects": 1 })).expect("it answers");
    // One after the other in one run; one of them must not be repeated.
    let cx = context(std::path::Path::new("/"), &[]);
    for method in ["GET", "GET", "POST", "GET", "POST"] {
        observe_in::<Http>(&cx, json!({ "url": url, "method": method }))
            .unwrap_or_else(|error| panic!("{method}: {error}"));
    }
}

#[test]
fn a_server_that_closes_a_new_connection_is_not_asked_again() {
    let server = harness::raw(drop);
    observe::<Http>(json!({ "url": server.url() })).expect_err("it never answers");
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_host_header_is_sent_where_the_server_offers_http_2_too() {
    let authority = harness::Authority::new();
    let port = harness::free_port();
    let block = format!("listen 127.0.0.1:{port} ssl http2; location / {{ return 200 $host; }}");
    let _server = harness::nginx_tls(&authority.issue(), &block);
    let url = format!("https://127.0.0.1:{port}/");
    let plain = observe::<Http>(json!({ "url": url, "ca": authority.ca() })).expect("it answers");
    assert_eq!((plain.version.as_str(), plain.body.as_deref()), ("HTTP/2.0", Some("127.0.0.1")));
    let named = observe::<Http>(json!({ "url": url, "ca": authority.ca(), "headers": { "Host": "api.example" } }));
    assert_eq!(named.expect("it answers").body.as_deref(), Some("api.example"));
}

#[test]
fn json_with_a_byte_order_mark_is_read() {
    let server =
        harness::http(|_| Response::ok("\u{feff}{\"status\":\"ok\"}").header("content-type", "application/json"));
    let seen = observe::<Http>(json!({ "url": server.url() })).expect("it answers");
    assert_eq!((seen.json, seen.body.as_deref()), (Some(json!({ "status": "ok" })), Some("{\"status\":\"ok\"}")));
}

#[test]
fn a_server_that_wants_a_certificate_of_the_client_gets_it() {
    let authority = Authority::new();
    let block = format!("ssl_client_certificate {};\nssl_verify_client on;", authority.ca().display());
    let server = nginx_tls(&authority.issue(), &block);
    let client = authority.issue_for("client", &["gate"], (4096, 1, 1));
    let other = Authority::new().issue_for("other", &["gate"], (4096, 1, 1));
    let with = |cert: Option<&std::path::Path>, key: Option<&std::path::Path>| {
        observe::<Http>(json!({ "url": server.url(), "ca": authority.ca(), "cert": cert, "key": key }))
    };
    assert_eq!(with(None, None).expect("nginx says what it lacks").status, 400);
    let seen = with(Some(&client.certificate), Some(&client.key)).expect("it is let in");
    assert_eq!((seen.status, seen.body.as_deref()), (200, Some("ok\n")));
    let both = harness::directory("client").join("both.pem");
    let pem = [&client.certificate, &client.key].map(|file| std::fs::read_to_string(file).expect("it was made"));
    std::fs::write(&both, pem.concat()).expect("the folder is writable");
    assert_eq!(with(Some(&both), None).expect("one file may hold both").status, 200);
    assert_eq!(with(Some(&other.certificate), Some(&other.key)).expect("nginx says so").status, 400);
    let error = with(Some(&client.certificate), Some(&other.key)).expect_err("the key belongs to another certificate");
    assert!(error.contains("other.key` is not the key of `") && error.contains("client.pem`"), "{error}");
    let error = with(Some(&client.certificate), None).expect_err("the key is missing");
    assert!(error.contains("no private key in `"), "{error}");
    assert_eq!(refused::<Http>(json!({ "url": "https://a", "key": "k.pem" })), "`key` needs a `cert`");
}

#[test]
fn the_address_of_a_name_can_be_given() {
    let authority = Authority::new();
    let server = nginx_tls(&authority.issue_for("web", &["web.invalid"], (4096, 1, 1)), "");
    let url = format!("https://WEB.invalid:{}/", server.port);
    let settings = json!({ "url": url, "ca": authority.ca(), "resolve": { "Web.invalid": "127.0.0.1" } });
    let seen = observe::<Http>(settings.clone()).expect("it is reached");
    assert_eq!((seen.status, seen.tls.map(|tls| tls.names)), (200, Some(vec!["web.invalid".to_owned()])));
    let probe: Http = probe(settings);
    let curl = probe.reproduce().expect("one exists").join(" ");
    assert!(curl.contains(&format!("--resolve web.invalid:{}:127.0.0.1", server.port)), "{curl}");
    let error = observe::<Http>(json!({ "url": url, "ca": authority.ca() })).expect_err("DNS knows no such name");
    assert!(error.contains("cannot resolve `web.invalid`"), "{error}");
}

/// Probes that read JSON with such numbers, and what is expected of it.
fn of_numbers(url: &str, json: &str) -> Project {
    let expect = |expect: &str| format!("expect: {{ json.n: {expect}, json.m: {{ exists: true }} }}");
    let item = |id: &str, probe: &str, wanted: &str| {
        format!("      - {{ id: {id}, title: T, probes: [{{ {probe}, {} }}] }}\n", expect(wanted))
    };
    let server = format!("http: {{ url: \"{url}/n\" }}");
    let mut items = String::new();
    for (id, probe) in
        [("http", server.as_str()), ("command", "command: { argv: [cat, n.json] }"), ("file", "file: { path: n.json }")]
    {
        items += &item(&format!("{id}-same"), probe, "12345678901234567890123");
        items += &item(&format!("{id}-other"), probe, "12345678901234567890124");
        items += &item(&format!("{id}-not"), probe, "{ not: 5 }");
        items += &item(&format!("{id}-most"), probe, "{ at_most: 1 }");
    }
    let used = format!("http: {{ url: \"{url}/x?n=${{one.json.n}}&e=${{one.json.e}}\" }}");
    items += &format!("      - {{ id: used, title: T, probes: [{{ {server}, as: one }}, {{ {used} }}] }}\n");
    Project::new(&format!("title: T\nsections:\n  - title: S\n    items:\n{items}")).file("n.json", json)
}

#[test]
fn a_number_with_more_digits_than_64_bits_is_compared_and_used_exactly() {
    let json = r#"{"n":12345678901234567890123,"m":18446744073709551617,"e":1e5}"#;
    let server = http(move |_| Response::ok(json));
    let project = of_numbers(&server.url(), json);
    let output = project.gate(&["check", "staging", "--no-record", "--format", "json"]);
    assert_eq!(output.code, 1, "{}", output.stderr);
    let run: Value = serde_json::from_str(&output.stdout).expect("it is JSON");
    let items = run["sections"][0]["items"].as_array().expect("it has items");
    for item in items {
        let id = item["id"].as_str().expect("it has an id");
        let expected = if id.ends_with("-same") || id == "used" { "passed" } else { "failed" };
        assert_eq!(item["status"], expected, "{id}: {}", item["reason"]);
    }
    let last = server.requests().into_iter().find(|request| request.path == "/x").expect("it is used");
    assert_eq!(last.query, "n=12345678901234567890123&e=100000");
}

#[test]
fn a_404_is_explained_rather_than_the_body_that_came_with_it() {
    let server = http(|_| Response::ok("not found").status(404).header("content-type", "application/json"));
    let seen = observe::<Http>(json!({ "url": server.url() })).expect("it answers");
    let probe: Http = probe(json!({ "url": server.url() }));
    let fields = probe.field_advice(&seen);
    assert_eq!(fields[0].0, "status");
    assert_snapshot!(fields[0].1, @"the server answered, but has nothing at this path: check the URL");
    assert!(probe.advice(&seen).is_some_and(|advice| advice.contains("invalid JSON")), "for an expectation of `json`");
}

#[test]
fn a_connection_that_ends_without_an_answer_may_be_to_another_protocol() {
    let server = harness::raw(|_| ());
    let error = observe::<Http>(json!({ "url": server.url() })).expect_err("it does not answer");
    assert!(
        error.ends_with("help: does this port use TLS (https://) or another protocol, or did the server crash?"),
        "{error}"
    );
}
