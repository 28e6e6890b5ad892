//! OAuth2 client credentials: one token for a run, from a token endpoint that follows the standard or violates it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use gate::client::Context;
use gate::probe::burst::Burst;
use gate::probe::http::Http;
use gate::probe::race::Race;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{
    Authority, HttpServer, Issued, Issuer, Output, Project, Request, Response, http, issuer, nginx_tls, raw,
};
use crate::observe::{context, observe, observe_in};

/// A server that answers only requests with a valid token.
fn resource(issued: Issued) -> HttpServer {
    http(move |request| match issued.admits(&request) {
        true => answer(&request),
        false => Response::json(&json!({ "message": "no valid token" })).status(401),
    })
}

fn answer(request: &Request) -> Response {
    match request.path.as_str() {
        "/metrics" => Response::text("# TYPE up gauge\nup 1\n"),
        "/moved" => Response::empty(302).header("location", &request.parameter("to").unwrap_or_default()),
        "/api/v1/query" => Response::json(&json!({ "status": "success", "data": {
            "resultType": "vector", "result": [{ "metric": {}, "value": [1_764_000_000, "1"] }],
        } })),
        _ => Response::json(&json!({ "id": 1, "authorization": request.header("authorization") })),
    }
}

/// A checklist with these items, each a probe in flow style; the settings replace `OAUTH2` in them.
fn project(issuer: &str, probes: &[String]) -> Project {
    let oauth2 = format!(
        "{{ token_url: \"{issuer}\", client_id: gate, client_secret: \"${{secrets.CLIENT_SECRET}}\", scopes: [read] }}"
    );
    let items = probes.iter().enumerate();
    let items = items.map(|(at, probe)| format!("      - {{ id: i{at}, title: I{at}, probes: [{probe}] }}\n"));
    let items = items.collect::<String>().replace("OAUTH2", &oauth2);
    Project::new(&format!("title: T\nsecrets: {{ CLIENT_SECRET: }}\nsections:\n  - title: S\n    items:\n{items}"))
        .env("CLIENT_SECRET", Issuer::SECRET)
}

fn check(project: &Project) -> Output {
    project.gate(&["check", "staging", "--format", "json", "--no-record", "--jobs", "64"])
}

fn items(output: &Output) -> Vec<Value> {
    let json: Value =
        serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{}{}", output.stdout, output.stderr));
    let sections = json["sections"].as_array().cloned().unwrap_or_default();
    sections.iter().flat_map(|section| section["items"].as_array().cloned().unwrap_or_default()).collect()
}

/// The settings of an `http` probe with the credentials that this token endpoint requires.
fn with(url: &str, issuer: &Issuer, more: Value) -> Value {
    let mut settings = json!({ "url": url, "oauth2": issuer.settings() });
    settings.as_object_mut().expect("it is a map").extend(more.as_object().expect("it is a map").clone());
    settings
}

#[test]
fn fifty_items_at_once_and_every_kind_share_one_token() {
    let issuer = issuer(|answer| answer.delayed(Duration::from_millis(100)));
    let server = resource(issuer.issued());
    let url = server.url();
    let mut probes = vec![format!("{{ http: {{ url: \"{url}\", oauth2: OAUTH2 }} }}"); 50];
    probes.extend([
        format!("{{ prometheus: {{ url: \"{url}\", query: up, oauth2: OAUTH2 }} }}"),
        format!("{{ metrics: {{ url: \"{url}/metrics\", oauth2: OAUTH2 }} }}"),
        format!("{{ race: {{ url: \"{url}\", requests: 3, oauth2: OAUTH2 }} }}"),
    ]);
    let green = probes.len();
    probes.extend([
        format!("{{ grafana: {{ url: \"{url}\", oauth2: OAUTH2 }} }}"),
        format!("{{ alertmanager: {{ url: \"{url}\", oauth2: OAUTH2 }} }}"),
        format!("{{ github: {{ url: \"{url}\", repo: a/b, head: main, oauth2: OAUTH2 }} }}"),
        format!("{{ logs: {{ store: loki, url: \"{url}\", query: '{{app=\"a\"}}', oauth2: OAUTH2 }} }}"),
        format!("{{ burst: {{ url: \"{url}\", requests: 3, oauth2: OAUTH2 }} }}"),
    ]);
    let output = check(&project(&issuer.url(), &probes));
    for item in &items(&output)[..green] {
        assert_eq!(item["status"], "passed", "{item:#}");
    }
    assert_eq!(issuer.requests().len(), 1);
    let requests = server.requests();
    // The requests with which `race` opens its connections carry no credentials.
    let asked = requests.iter().filter(|request| request.method != "OPTIONS");
    assert!(asked.clone().all(|request| issuer.issued().admits(request)), "{requests:#?}");
    assert!(asked.count() > 50 + 3 + 3 + 6);
}

#[test]
fn other_settings_get_a_token_of_their_own() {
    let issuer = issuer(|answer| answer);
    let server = resource(issuer.issued());
    let cx = context(Path::new("/"), &[]);
    for auth in ["basic", "body", "basic"] {
        let mut settings = with(&server.url(), &issuer, json!({}));
        settings["oauth2"]["auth"] = auth.into();
        assert_eq!(observe_in::<Http>(&cx, settings).expect("it answers").status, 200);
    }
    let bodies: Vec<String> = issuer.requests().iter().map(Request::text).collect();
    assert_snapshot!(bodies.join("\n"), @"
    grant_type=client_credentials&scope=read+write
    grant_type=client_credentials&scope=read+write&client_id=gate&client_secret=s3cr3t%2F%2B+of+gate
    ");
}

#[test]
fn a_token_that_is_refused_is_requested_again_once() {
    let issuer = issuer(|answer| answer);
    let server = resource(issuer.issued());
    let cx = context(Path::new("/"), &[]);
    let status = || observe_in::<Http>(&cx, with(&server.url(), &issuer, json!({}))).expect("it answers").status;
    assert_eq!(status(), 200);
    issuer.issued().revoke(1);
    assert_eq!((status(), issuer.requests().len()), (200, 2));
    // After a server has refused all tokens, no new one is requested for each item.
    issuer.issued().revoke(2);
    assert_eq!((status(), status(), status()), (401, 401, 401));
    assert_eq!(issuer.requests().len(), 2);
}

#[test]
fn a_token_that_has_expired_is_requested_again() {
    let short = |answer: Response| {
        let text = String::from_utf8_lossy(&answer.body).replace("3600", "1");
        Response { body: text.into_bytes(), ..answer }
    };
    let issuer = issuer(short);
    let issued = issuer.issued();
    let server = http(move |request| {
        assert!(issued.admits(&request));
        Response::empty(200).delayed(Duration::from_millis(1_100))
    });
    let cx = context(Path::new("/"), &[]);
    for requests in [1, 2] {
        observe_in::<Http>(&cx, with(&server.url(), &issuer, json!({}))).expect("it answers");
        assert_eq!(issuer.requests().len(), requests);
    }
}

#[test]
fn one_failed_token_request_fails_all_items() {
    let issuer = issuer(|_| Response::json(&json!({ "error": "invalid_client" })).status(401));
    let server = resource(issuer.issued());
    let probes = vec![format!("{{ http: {{ url: \"{}\", oauth2: OAUTH2 }} }}", server.url()); 300];
    let output = check(&project(&issuer.url(), &probes));
    for item in items(&output) {
        assert_eq!(item["status"], "error");
        let reason = item["reason"].as_str().unwrap_or_default();
        assert!(reason.ends_with("got invalid_client (401)"), "{reason}");
    }
    // Each token is valid for twice as long as the one before.
    assert!((1..8).contains(&issuer.requests().len()), "{}", issuer.requests().len());
    assert!(server.requests().is_empty());
}

#[test]
fn each_failure_says_what_was_expected_and_what_came() {
    let (target, other) = (http(|_| Response::empty(200)), issuer(|answer| answer));
    let location = format!("{}/token", target.url());
    let page = http(move |request| match request.path.as_str() {
        "/redirect" => Response::empty(307).header("location", &location),
        "/page" => Response::ok("<!doctype html><title>Sign in</title>"),
        "/huge" => Response::ok(" ".repeat(300 << 10)),
        "/mac" => Response::json(&json!({ "access_token": "the-access-token", "token_type": "mac" })),
        _ => Response::json(&json!({ "token": "the-access-token" })),
    });
    let silent = raw(|stream| {
        // It ends when the client gives up.
        let _ = std::io::copy(&mut &stream, &mut std::io::sink());
    });
    let nobody = format!("http://127.0.0.1:{}/token", crate::harness::free_port());
    let mut lines = String::new();
    let ports = |text: &str| {
        let digits = regex::Regex::new("127.0.0.1:[0-9]+").expect("a good pattern");
        digits.replace_all(text, "HOST").into_owned()
    };
    for url in ["/redirect", "/page", "/huge", "/mac", "/none"]
        .map(|path| format!("{}{path}", page.url()))
        .into_iter()
        .chain([nobody])
    {
        let mut settings = with("http://127.0.0.1:1/", &other, json!({}));
        settings["oauth2"]["token_url"] = url.into();
        lines += &format!("{}\n", ports(&observe::<Http>(settings).expect_err("no token")));
    }
    let cx = context(Path::new("/"), &[]).with_timeout(Duration::from_millis(300));
    let mut settings = with("http://127.0.0.1:1/", &other, json!({}));
    settings["oauth2"]["token_url"] = format!("{}/token", silent.url()).into();
    lines += &ports(&observe_in::<Http>(&cx, settings).expect_err("no token"));
    assert!(target.requests().is_empty(), "no secret follows a redirect");
    assert_snapshot!(lines, @"
    expected an access token from HOST, got a redirect (307)
    help: a redirect is not followed with a secret: is `token_url` the token endpoint?
    expected an access token from HOST, got a web page
    help: is `token_url` the token endpoint, and not behind a login itself?
    expected an access token from HOST, got more than 256 KiB
    help: is `token_url` the token endpoint?
    expected an access token from HOST, got one of another type
    help: only the type `Bearer` is supported: `token_type` in the answer says which it is
    expected an access token from HOST, got JSON without `access_token`
    help: is `token_url` the token endpoint?
    no access token: HOST refused the connection
    help: nothing listens there: is it running, and is this the right port?
    no access token from HOST in time
    help: does the token endpoint answer, and is the probe's `timeout` long enough for both?
    ");
}

#[test]
fn the_time_for_the_token_counts_for_the_timeout_and_not_for_the_latency() {
    let issuer = issuer(|answer| answer.delayed(Duration::from_millis(700)));
    let server = resource(issuer.issued());
    let settings = || with(&server.url(), &issuer, json!({}));
    let seen = observe::<Http>(settings()).expect("there is time for both");
    assert!(seen.latency_ms < 600, "{}", seen.latency_ms);
    let cx = context(Path::new("/"), &[]).with_timeout(Duration::from_millis(300));
    let error = observe_in::<Http>(&cx, settings()).expect_err("there is not");
    assert!(error.starts_with("no access token from 127.0.0.1:"), "{error}");
    assert_eq!(server.requests().len(), 1);
    // A probe with too little time for a token doesn't affect a probe with more time.
    observe_in::<Http>(&cx.with_timeout(Duration::from_secs(10)), settings()).expect("there is time for both");
}

#[test]
fn a_token_is_sent_only_to_its_origin_and_never_beside_other_credentials() {
    let issuer = issuer(|answer| answer);
    let (server, other) = (resource(issuer.issued()), http(|_| Response::empty(200)));
    let to = |target: String| format!("{}/moved?to={target}", server.url());
    let followed = |target| observe::<Http>(with(&to(target), &issuer, json!({ "redirects": 1 }))).expect("it answers");
    assert_eq!(followed("/there".to_owned()).json.expect("it is JSON")["id"], 1);
    assert_eq!(followed(other.url()).status, 200);
    assert_eq!(other.requests()[0].header("authorization"), None);
    let control = json!({ "control": { "anonymous": true } });
    let seen = observe::<Http>(with(&server.url(), &issuer, control)).expect("the control is refused");
    assert_eq!(seen.control.expect("it was sent").status, 401);
}

#[test]
fn a_token_endpoint_is_trusted_as_the_server_is() {
    let authority = Authority::new();
    let token = "location = /token { default_type application/json; return 200 '{\"access_token\":\"the-token\"}'; }";
    let server = nginx_tls(&authority.issue(), &format!("{token} location / {{ return 200 $http_authorization; }}"));
    let oauth2 = json!({ "token_url": format!("{}/token", server.url()), "client_id": "a", "client_secret": "s3cr3t" });
    let settings = |ca: Value| json!({ "url": server.url(), "oauth2": oauth2, "ca": ca });
    let seen = observe::<Http>(settings(authority.ca().to_str().into())).expect("it is trusted");
    assert_eq!(seen.body.as_deref(), Some("Bearer the-token"));
    let error = observe::<Http>(settings(Value::Null)).expect_err("it is not");
    assert!(error.starts_with("no access token: the certificate of"), "{error}");
}

#[test]
fn requests_that_come_at_once_have_the_token_before() {
    let issuer = issuer(|answer| answer);
    let server = resource(issuer.issued());
    let cx: Context = context(Path::new("/"), &[]);
    let burst = observe_in::<Burst>(&cx, with(&server.url(), &issuer, json!({ "requests": 5 }))).expect("it answers");
    assert_eq!((burst.allowed, burst.other), (5, 0));
    let race = observe_in::<Race>(&cx, with(&server.url(), &issuer, json!({ "requests": 3 }))).expect("it answers");
    assert_eq!(race.accepted, 3);
    assert_eq!(issuer.requests().len(), 1);
}

#[test]
fn impossible_settings_are_reported_at_their_line() {
    let project = Project::new(
        r#"
        title: T
        secrets: { KEY: , TOKEN: }
        sections:
          - title: S
            items:
              - id: a
                title: A
                probes:
                  - http:
                      url: http://127.0.0.1/
                      token: ${secrets.TOKEN}
                      oauth2: { token_url: https://login/token, client_id: gate, client_secret: "${secrets.KEY}" }
              - id: b
                title: B
                probes:
                  - http:
                      url: http://127.0.0.1/
                      oauth2: { token_url: login/token, client_id: gate, scope: read, auth: post }
        "#,
    );
    let output = project.gate(&["validate", "staging"]);
    assert_snapshot!(output.stderr, @r#"
    error: `token` can't be combined with `oauth2`
      --> checklists/staging.yaml:11:15
       |
    11 |               token: ${secrets.TOKEN}
       |               ^^^^^
    12 |               oauth2: { token_url: https://login/token, client_id: gate, client_secret: "${secrets.KEY}" }
       |               ------ given here
       |
       = help: remove one of them

    error: the URL must begin with http:// or https://
      --> checklists/staging.yaml:18:36
       |
    18 |               oauth2: { token_url: login/token, client_id: gate, scope: read, auth: post }
       |                                    ^^^^^^^^^^^

    error: unknown key `scope`
      --> checklists/staging.yaml:18:66
       |
    18 |               oauth2: { token_url: login/token, client_id: gate, scope: read, auth: post }
       |                                                                  ^^^^^ did you mean `scopes`?

    error: `scopes` must be a list, not text
      --> checklists/staging.yaml:18:73
       |
    18 |               oauth2: { token_url: login/token, client_id: gate, scope: read, auth: post }
       |                                                                         ^^^^
       |
       = help: such as `scopes: [read]`

    error: invalid value `post`
      --> checklists/staging.yaml:18:85
       |
    18 |               oauth2: { token_url: login/token, client_id: gate, scope: read, auth: post }
       |                                                                                     ^^^^
       |
       = help: expected one of `basic` or `body`
    "#);
}

#[test]
fn gate_probe_shows_no_token() {
    let issuer = issuer(|answer| answer);
    let server = resource(issuer.issued());
    let arguments = [
        format!("url={}", server.url()),
        format!("oauth2.token_url={}", issuer.url()),
        "oauth2.client_id=gate".to_owned(),
        format!("oauth2.client_secret={}", Issuer::SECRET),
    ];
    let arguments: Vec<&str> = ["probe", "http"].into_iter().chain(arguments.iter().map(String::as_str)).collect();
    let output = Project::new("title: T").gate(&arguments);
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert!(output.stdout.contains("Bearer [ACCESS_TOKEN]"), "{}", output.stdout);
    assert!(!output.stdout.contains("token-number"), "{}", output.stdout);
}

#[test]
fn a_result_from_before_the_token_does_not_show_it() {
    let issuer = issuer(|answer| answer);
    let has_ended = Arc::new(AtomicBool::new(false));
    let (end, issued) = (Arc::clone(&has_ended), issuer.issued());
    let server = http(move |request| {
        // The first item reads the token in a log, where it is from an earlier run.
        if request.path == "/log" {
            return Response::text("issued eyJhbGciOiJub25lIn0.token-number-1");
        }
        end.store(issued.admits(&request), Ordering::SeqCst);
        Response::empty(200)
    });
    let probes = [
        format!("{{ http: {{ url: \"{}/log\" }}, expect: {{ body: other }} }}", server.url()),
        format!("{{ http: {{ url: \"{}\", oauth2: OAUTH2 }} }}", server.url()),
    ];
    let project = project(&issuer.url(), &probes);
    let output = project.gate(&["check", "staging", "--format", "json", "--no-record", "--jobs", "1"]);
    assert!(has_ended.load(Ordering::SeqCst));
    assert!(!output.stdout.contains("token-number"), "{}", output.stdout);
    assert!(output.stdout.contains("issued [ACCESS_TOKEN]"), "{}", output.stdout);
}

#[test]
fn no_piece_of_a_long_token_is_shown_where_a_text_was_cut() {
    let digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".as_bytes();
    let random = |at: u32| digits[(at.wrapping_mul(2_654_435_761) >> 26) as usize];
    let token = String::from_utf8((1..900).map(random).collect()).expect("it is ASCII");
    let issued = json!({ "access_token": token, "token_type": "Bearer" });
    let server = http(move |request| {
        let said = request.header("authorization").unwrap_or_default().to_owned();
        let word = said.trim_start_matches("Bearer ");
        match request.path.as_str() {
            "/token" => Response::json(&issued),
            "/header" => Response::empty(200).header("x-said", &said).header("location", &format!("/?t={word}")),
            "/message" => Response::json(&json!({ "message": format!("no: {said}"), "error": said })).status(403),
            "/hex" => Response::text(&hex::encode(word)),
            "/base64" => Response::text(&BASE64_STANDARD.encode(format!("{{\"t\":\"{word}\"}}"))),
            "/escaped" => Response::text(&json!(json!(format!("{word}\n\"{word}\"")).to_string()).to_string()),
            _ => Response::text(&said),
        }
    });
    let url = server.url();
    let mut probes = Vec::new();
    for path in ["/", "/header", "/message", "/hex", "/base64", "/escaped"] {
        for more in ["", ", max_body: 300B", ", max_body: 100B"] {
            let expect = "{ status: 500, body: other, json.message: nothing, headers.x-said: { starts_with: x } }";
            probes.push(format!("{{ http: {{ url: \"{url}{path}\"{more}, oauth2: OAUTH2 }}, expect: {expect} }}"));
        }
        probes.push(format!("{{ grafana: {{ url: \"{url}{path}?\", oauth2: OAUTH2 }} }}"));
        probes.push(format!("{{ metrics: {{ url: \"{url}{path}\", oauth2: OAUTH2 }} }}"));
    }
    probes.push(format!("{{ grafana: {{ url: \"{url}/message/..\", oauth2: OAUTH2 }} }}"));
    let project = project(&format!("{url}/token"), &probes);
    let reports = ["--report", "json=run.json", "--markdown=R.md"];
    let output = project.gate(&[&["check", "staging", "-v"], &reports[..]].concat());
    assert_eq!(output.code, 1, "{}", output.stderr);
    let exported = project.gate(&["ledger", "export", "staging"]).stdout;
    let shown = [output.stdout, output.stderr, project.read("run.json"), project.read("R.md"), exported].join("\n");
    assert!(shown.matches("[ACCESS_TOKEN]").count() > 50, "{shown}");
    let forms = [token.clone(), hex::encode(&token), BASE64_STANDARD.encode(format!("{{\"t\":\"{token}\"}}"))];
    for form in &forms {
        for at in 0..form.len() - 12 {
            assert!(!shown.contains(&form[at..at + 12]), "{:?} of {form}", &form[at..at + 12]);
        }
    }
}
