//! Secrets of many shapes go through every kind of probe and every command; no output shows any of them in any form.

use std::fmt::Write;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::harness::{HttpServer, Output, Project, Request, Response, http};

const MIXED: &str = "gl/sa+0%\"Tu'k&en=9";
const LINES: &str = "first-Ab3/line\nsecond+Cd4 line";
const SHORT: &str = "Zq7x";
const PEM: &str = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcw\nggSjAgEAAoIBAQC7VJTUt9Us8cKB\n\
                   -----END PRIVATE KEY-----";
const PASSWORD: &str = "pw/Gh5:é+ü";
const USER: &str = "visible_user";
/// A token that a server issues during the run.
const ISSUED: &str = "ey+J9/acc\"T'0k&en%<x=Wq";
const REFRESHED: &str = "ref/Yz3+resh";
const PULL: &str = "pull/Bc5+token";

/// Every form in which a text would reveal the secret.
fn forms(secret: &str) -> Vec<String> {
    let json = serde_json::to_string(secret).expect("text is JSON");
    let mut forms = vec![
        secret.to_owned(),
        utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
        url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        json[1..json.len() - 1].to_owned(),
        secret.replace('&', "&amp;").replace('"', "&quot;").replace('\'', "&#39;"),
        hex::encode(secret),
        hex::encode_upper(secret),
    ];
    for before in 0..3 {
        let bytes = [&[b'x'; 2][..before], secret.as_bytes()].concat();
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            // The base64 digits that do not depend on neighboring bytes.
            let digits = engine.encode(&bytes);
            forms.extend(digits.get([0, 2, 3][before]..bytes.len() * 8 / 6).map(ToOwned::to_owned));
        }
    }
    if secret.contains('\n') {
        forms.extend(secret.lines().filter(|line| !line.starts_with("-----")).flat_map(self::forms));
    }
    forms.retain(|form| form.len() >= 4);
    forms
}

/// Every secret in a text, with the text around it.
fn shown(what: &str, text: &str, secrets: &[&str]) -> Vec<String> {
    let forms = secrets.iter().flat_map(|secret| forms(secret));
    let found = forms.filter_map(|form| {
        let before: String = text[..text.find(&form)?].chars().rev().take(60).collect();
        Some(format!("{what} shows {form:?} behind {:?}", before.chars().rev().collect::<String>()))
    });
    found.collect()
}

#[track_caller]
fn assert_hidden(what: &str, text: &str, secrets: &[&str]) {
    let shown = shown(what, text, secrets);
    assert!(shown.is_empty(), "{}", shown.join("\n"));
}

/// A server that echoes the request, in every encoding and far beyond the length at which texts are cut.
fn echo() -> HttpServer {
    http(|request: Request| {
        let said = [
            request.header("authorization").unwrap_or_default().to_owned(),
            request.header("x-canary").unwrap_or_default().to_owned(),
            request.parameter("key").unwrap_or_default(),
            request.text(),
            request.path.clone(),
        ];
        let mut text = String::new();
        for said in &said {
            let word = said.strip_prefix("Bearer ").unwrap_or(said);
            forms(word).iter().for_each(|form| writeln!(text, "{}{form}", "x".repeat(70)).expect("a string takes all"));
        }
        match request.path.as_str() {
            "/token" => Response::json(&serde_json::json!({ "access_token": ISSUED, "refresh_token": REFRESHED })),
            "/pull" => Response::json(&serde_json::json!({ "token": PULL })),
            path if path.starts_with("/v2/o/") && request.header("authorization").is_none() => {
                let host = request.header("host").unwrap_or_default();
                Response::empty(401).header("www-authenticate", &format!("Bearer realm=\"http://{host}/pull\""))
            }
            path if path.starts_with("/v2/o/") => {
                Response::json(&serde_json::json!({ "errors": [{ "code": "DENIED", "message": said[0] }] })).status(403)
            }
            "/mac" => {
                Response::json(&serde_json::json!({ "access_token": ISSUED, "token_type": ISSUED, "note": said }))
            }
            "/redirect" => Response::text(&text).status(302).header("location", &format!("/echo?key={}", said[2])),
            "/ok" => Response::text(&text),
            "/json" => Response::json(&serde_json::json!({ "error": text, "message": said })),
            _ => Response::text(&text).status(500),
        }
    })
}

fn project(server: &HttpServer) -> Project {
    Project::new(
        r#"
        title: "T ${env.TITLE_TOKEN}"
        subject: "release ${env.TITLE_TOKEN}"
        markdown: READINESS.md
        secrets:
          MIXED:
          LINES: { file: run/lines }
          SHORT:
          PEM: { command: [cat, run/pem] }
          DSN:
          CACHE:
        sections:
          - title: S
            note: "by ${env.TITLE_TOKEN}"
            items:
              - id: ok
                title: "OK ${env.TITLE_TOKEN}"
                owner: "@${env.TITLE_TOKEN}"
                probes: [{ http: { url: "${env.API}/ok?key=${secrets.MIXED}", token: "${secrets.SHORT}" } }]
              - id: expected
                title: Expected
                hint: "ask ${env.TITLE_TOKEN}"
                probes:
                  - http: { url: "${env.API}/json?key=${secrets.LINES}", method: POST, body: "${secrets.PEM}" }
                    expect: { json.error: "${secrets.MIXED}", json.message: { contains: "${secrets.PEM}" }, body: { length: 3 } }
              - { id: e500, title: E, probes: [{ http: { url: "${env.API}/x", headers: { X-Canary: "${secrets.SHORT}" }, token: "${secrets.MIXED}" } }] }
              - { id: redirect, title: E, probes: [{ http: { url: "${env.API}/redirect?key=${secrets.MIXED}", redirects: 3 } }] }
              - { id: malformed, title: E, probes: [{ http: { url: "http://u:${secrets.MIXED}@[::1/x" } }] }
              - { id: burst, title: E, probes: [{ burst: { url: "${env.API}/x?key=${secrets.SHORT}", requests: 2, token: "${secrets.MIXED}" } }] }
              - { id: race, title: E, probes: [{ race: { url: "${env.API}/json", requests: 2, token: "${secrets.MIXED}", body: "${secrets.LINES}" } }] }
              - { id: grafana, title: E, probes: [{ grafana: { url: "${env.API}", token: "${secrets.MIXED}" } }] }
              - { id: prometheus, title: E, probes: [{ prometheus: { url: "${env.API}", query: "up{a='${secrets.SHORT}'}", token: "${secrets.MIXED}" } }] }
              - { id: metrics, title: E, probes: [{ metrics: { url: "${env.API}/ok", token: "${secrets.MIXED}" } }] }
              - { id: alertmanager, title: E, probes: [{ alertmanager: { url: "${env.API}", user: "u", password: "${secrets.MIXED}" } }] }
              - { id: logs, title: E, probes: [{ logs: { store: loki, url: "${env.API}", query: '{app="${secrets.SHORT}"}', token: "${secrets.MIXED}" } }] }
              - { id: github, title: E, probes: [{ github: { url: "${env.API}", repo: a/b, head: main, token: "${secrets.MIXED}" } }] }
              - { id: image, title: E, probes: [{ image: { ref: "${env.HOST}/a/b:c", user: u, password: "${secrets.MIXED}" } }] }
              - { id: o-http, title: E, probes: [{ http: { url: "${env.API}/ok", oauth2: &oauth2 { token_url: "${env.API}/token", client_id: gate, client_secret: "${secrets.MIXED}" } } }] }
              - { id: o-500, title: E, probes: [{ http: { url: "${env.API}/x", oauth2: *oauth2 } }] }
              - { id: o-redirect, title: E, probes: [{ http: { url: "${env.API}/redirect", redirects: 1, oauth2: *oauth2 } }] }
              - { id: o-grafana, title: E, probes: [{ grafana: { url: "${env.API}", oauth2: *oauth2 } }] }
              - { id: o-prometheus, title: E, probes: [{ prometheus: { url: "${env.API}", query: up, oauth2: *oauth2 } }] }
              - { id: o-metrics, title: E, probes: [{ metrics: { url: "${env.API}/ok", oauth2: *oauth2 } }] }
              - { id: o-alertmanager, title: E, probes: [{ alertmanager: { url: "${env.API}", oauth2: *oauth2 } }] }
              - { id: o-logs, title: E, probes: [{ logs: { store: loki, url: "${env.API}", query: '{app="a"}', oauth2: *oauth2 } }] }
              - { id: o-github, title: E, probes: [{ github: { url: "${env.API}", repo: a/b, head: main, oauth2: *oauth2 } }] }
              - { id: o-burst, title: E, probes: [{ burst: { url: "${env.API}/x", requests: 2, oauth2: *oauth2 } }] }
              - { id: o-race, title: E, probes: [{ race: { url: "${env.API}/json", requests: 2, oauth2: *oauth2 } }] }
              - id: o-expected
                title: E
                probes:
                  - http: { url: "${env.API}/json", oauth2: *oauth2 }
                    expect: { json.message: { contains: nothing }, json.error: { starts_with: x }, body: { length: 3 } }
                    as: seen
                  - http: { url: "${env.API}/x?key=${seen.json.message[0]}" }
                  - command: { argv: [echo, "${seen.body}"] }
                evidence: it said ${seen.json.message}
              - { id: o-mac, title: E, probes: [{ http: { url: "${env.API}/ok", oauth2: { token_url: "${env.API}/mac", client_id: gate, client_secret: "${secrets.MIXED}" } } }] }
              - { id: o-refused, title: E, probes: [{ http: { url: "${env.API}/ok", oauth2: { token_url: "${env.API}/json", client_id: gate, client_secret: "${secrets.MIXED}" } } }] }
              - { id: o-body, title: E, probes: [{ http: { url: "${env.API}/ok", oauth2: { token_url: "${env.API}/x", auth: body, endpoint_params: { audience: "${secrets.SHORT}" }, client_id: gate, client_secret: "${secrets.MIXED}" } } }] }
              - { id: o-image, title: E, probes: [{ image: { ref: "${env.HOST}/o/b:c", plain_http: true, user: u, password: "${secrets.MIXED}" } }] }
              - { id: redis, title: E, probes: [{ redis: { url: "${secrets.CACHE}" } }] }
              - { id: redis-bad, title: E, probes: [{ redis: { url: "redis://:${secrets.LINES}@127.0.0.1:x/0" } }] }
              - { id: sql, title: E, probes: [{ sql: { url: "${secrets.DSN}", query: "select '${secrets.SHORT}'" } }] }
              - { id: mysql, title: E, probes: [{ sql: { url: "mysql://u:${secrets.MIXED}@127.0.0.1:1/a", query: select 1 } }] }
              - { id: alembic, title: E, probes: [{ alembic: { url: "${secrets.DSN}", scripts: run } }] }
              - { id: tcp, title: E, probes: [{ tcp: { address: "${env.HOST}", send: "GET /x?key=${secrets.SHORT} HTTP/1.0\r\n\r\n" } }] }
              - { id: tls, title: E, probes: [{ tls: { address: "${secrets.SHORT}.invalid:1" } }] }
              - { id: dns, title: E, probes: [{ dns: { name: "${secrets.SHORT}.invalid", resolver: 127.0.0.1:1 } }] }
              - { id: file, title: E, probes: [{ file: { path: "run/${secrets.SHORT}" } }] }
              - { id: k6, title: E, probes: [{ k6: { run: script.js, program: ./k6, env: { A: "${secrets.MIXED}", B: plain } } }] }
              - id: command
                title: E
                probes:
                  - command:
                      shell: 'printf "%s\n%s\n" "$A" "$B"; printf %s "$A" | base64 -w0; printf %s "$B" | od -An -tx1 | tr -d " \n"; printf %s "$C" >&2; exit 3'
                      env: { A: "${secrets.MIXED}", B: "${secrets.LINES}", C: "${secrets.PEM}" }
              - id: said
                title: E
                probes: [{ command: { argv: [echo, "${secrets.MIXED} ${secrets.SHORT}"] }, as: said }]
                evidence: it said ${said.stdout}
              - { id: literal, title: E, probes: [{ http: { url: "${env.API}/x", token: literal-Jk6-token } }] }
              - { id: headers, title: E, probes: [{ http: { url: "${env.API}/x", headers: { Authorization: "Basic literal-Lm7-basic" } } }] }
        gaps:
          - { gap: "G ${env.TITLE_TOKEN}", items: [file], priority: P2, owner: "${env.TITLE_TOKEN}", notes: "N ${env.TITLE_TOKEN}" }
    "#,
    )
    .file("run/lines", LINES)
    .file("run/pem", PEM)
    .file("script.js", "")
    .file("k6", "#!/bin/sh\necho \"$@\" >argv\nenv >seen\nprintf '%s\\n' \"$A\" >&2\nexit 7\n")
    .env("MIXED", MIXED)
    .env("SHORT", SHORT)
    .env("TITLE_TOKEN", "title-Np8-token")
    .env("DSN", format!("postgresql://{USER}:{}@127.0.0.1:1/db", utf8_percent_encode(PASSWORD, NON_ALPHANUMERIC)))
    .env("CACHE", format!("redis://:{}@127.0.0.1:1", utf8_percent_encode(MIXED, NON_ALPHANUMERIC)))
    .env("API", server.url())
    .env("HOST", server.url().trim_start_matches("http://"))
}

const ALL: [&str; 11] = [
    ISSUED,
    REFRESHED,
    PULL,
    MIXED,
    LINES,
    SHORT,
    PEM,
    PASSWORD,
    "literal-Jk6-token",
    "literal-Lm7-basic",
    "title-Np8-token",
];

#[test]
fn no_command_shows_a_secret_of_any_shape() {
    let server = echo();
    let project = project(&server);
    let program = project.path().join("k6");
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("it is our own file");
    let reports = ["--report", "json=run.json", "--report", "table=run.txt", "--markdown", "--jobs", "4"];
    let mut outputs: Vec<(String, Output)> = Vec::new();
    for format in ["table", "json", "markdown"] {
        let output = project.gate(&[&["check", "staging", "--format", format], &reports[..]].concat());
        assert_eq!(output.code, 1, "{}", output.stderr);
        outputs.push((format!("check --format {format}"), output));
    }
    let others = [
        "validate staging",
        "list",
        "list staging",
        "show staging",
        "show staging sql",
        "history staging",
        "history staging --format json",
        "diff staging",
        "diff staging --format json",
        "render staging",
        "ledger export staging",
        "verify staging",
    ];
    for command in others {
        let output = project.gate(&command.split(' ').collect::<Vec<_>>());
        assert!(output.code < 2, "{command}: {}", output.stderr);
        outputs.push((command.to_owned(), output));
    }
    let mut hits: Vec<String> = Vec::new();
    for (what, output) in &outputs {
        hits.extend(shown(what, &output.stdout, &ALL));
        hits.extend(shown(what, &output.stderr, &ALL));
    }
    for file in ["run.json", "run.txt", "READINESS.md"] {
        hits.extend(shown(file, &project.read(file), &ALL));
    }
    let ledger = std::fs::read(project.path().join(".gate/ledger.db")).expect("it was recorded");
    hits.extend(shown("the ledger", &String::from_utf8_lossy(&ledger), &ALL));
    assert!(hits.is_empty(), "{}", hits.join("\n"));
    // The secrets were used, and other values are shown.
    assert!(project.read("run.json").contains("$DSN"));
    assert!(
        project.read("run.txt").contains("[MIXED]")
            && project.read("run.txt").contains("DENIED, Bearer [ACCESS_TOKEN]")
    );
    assert!(project.read("seen").contains(MIXED));
    assert_hidden("the arguments of k6", &project.read("argv"), &ALL);
}

#[test]
fn a_user_name_is_shown_and_a_password_is_not() {
    let project = Project::new(
        r#"
        title: T
        sections:
          - title: S
            items:
              - { id: a, title: A, probes: [{ sql: { url: "postgres://visible_user:hidden-Qr9@127.0.0.1:1/db", query: select 1 } }] }
    "#,
    );
    for command in ["show staging", "check staging --no-record", "check staging --no-record --format json"] {
        let output = project.gate(&command.split(' ').collect::<Vec<_>>());
        let all = output.stdout + &output.stderr;
        assert_hidden(command, &all, &["hidden-Qr9"]);
        assert!(all.contains(USER), "{all}");
    }
}

#[test]
fn arguments_are_not_repeated_with_their_credentials() {
    let project = Project::new("title: T\nsections: [{ title: S, items: [{ id: a, title: A, deferred: x }] }]");
    let commands: [&[&str]; 20] = [
        &["probe", "redis", "url=redis://:arg-St0'pw@127.0.0.1:1"],
        &["probe", "redis", "url=redis://:arg-St0'pw@127.0.0.1:no-port"],
        &["probe", "redis", "urlredis://:arg-St0'pw@127.0.0.1:1"],
        &["probe", "sql", "url=postgres://gate:arg-St0'pw@127.0.0.1:1/x", "query=select 1"],
        &["probe", "sql", "url=ftp://gate:arg-St0'pw@127.0.0.1:1/x", "query=select 1"],
        &["probe", "http", "url=http://gate:arg-St0'pw@127.0.0.1:1/x", "utl=1"],
        &["probe", "http", "url=http://127.0.0.1:1/x", "headers.Authorization=Bearer arg-St0'pw"],
        &["probe", "http", "url=http://127.0.0.1:1/x", "headers={ Authorization: \"Bearer arg-St0'pw\", 1: [ }"],
        &["history", "staging", "--ledger", "postgres://gate:arg-St0'pw@127.0.0.1:1/gate"],
        &["history", "staging", "--ledger", "postgres://gate:arg-St0'pw@127.0.0.1:port/gate"],
        &["history", "staging", "--ledger", "mysql://gate:arg-St0'pw@127.0.0.1/gate"],
        &["history", "staging", "--ledger", "postgre://gate:arg-St0'pw@127.0.0.1/gate"],
        &["check", "staging", "--ledger", "gate:arg-St0'pw@127.0.0.1/gate"],
        &["check", "staging", "--ledger", "host=127.0.0.1 password=arg-St0'pw"],
        &["probe", "redis", "url=:arg-St0'pw@127.0.0.1:1"],
        &["probe", "sql", "url=gate:arg-St0'pw@127.0.0.1/x", "query=select 1"],
        &["probe", "sql", "url=host=127.0.0.1 password=arg-St0'pw", "query=select 1"],
        &["probe", "http", "url=gate:arg-St0'pw@127.0.0.1:1/x"],
        &["probe", "tcp", "address=gate:arg-St0'pw@127.0.0.1:1"],
        &["check", "staging", "--vra", "password=arg-St0'pw"],
    ];
    for command in commands {
        let output = project.gate(command);
        assert!(output.code >= 2, "{command:?}: {}", output.stdout);
        assert_hidden(&format!("{command:?}"), &(output.stdout + &output.stderr), &["arg-St0'pw"]);
    }
    let variable =
        project.command(&["history", "staging"]).env("GATE_LEDGER", "postgres://gate:arg-St0'pw@[::1:1/gate");
    let output = variable.run();
    assert_hidden("GATE_LEDGER", &(output.stdout + &output.stderr), &["arg-St0'pw"]);
}

#[test]
fn natural_names_of_variables_are_enough() {
    let names = [
        "GH_PAT",
        "DB_PASS",
        "SLACK_WEBHOOK",
        "GITHUB_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "STRIPE_API_KEY",
        "DB_PASSWORD",
        "PGPASSWORD",
        "MYSQL_PWD",
        "SENTRY_DSN",
        "JWT_SECRET",
        "NPM_TOKEN",
        "DOCKER_PASSWORD",
        "SMTP_PASS",
        "APIKEY",
        "ENCRYPTION_KEY",
        "SIGNING_KEY",
        "PRIVATE_KEY",
        "SESSION_COOKIE",
        "OAUTH_CLIENT_SECRET",
        "VAULT_TOKEN",
        "REDIS_PASSWD",
        "GPG_PASSPHRASE",
        "APP_CREDENTIALS",
    ];
    let mut checklist = String::from("title: T\nsections:\n- title: S\n  items:\n");
    for (at, name) in names.iter().enumerate() {
        checklist.push_str(&format!(
            "  - {{ id: i{at}, title: \"T ${{env.{name}}}\", probes: [{{ command: {{ argv: [echo, \"${{env.{name}}}\"] }}, \
             expect: {{ stdout: x }} }}] }}\n"
        ));
    }
    let values: Vec<String> = (0..names.len()).map(|at| format!("natural-{at:02}/value")).collect();
    let mut project = Project::new(&checklist);
    for (name, value) in names.iter().zip(&values) {
        project = project.env(name, value);
    }
    let output = project.gate(&["check", "staging", "--report", "json=run.json"]);
    assert_eq!(output.code, 1, "{}", output.stderr);
    let shown = project.gate(&["show", "staging"]);
    let listed = project.gate(&["list", "staging"]);
    let all = [output.stdout, output.stderr, project.read("run.json"), shown.stdout, listed.stdout].concat();
    for (name, value) in names.iter().zip(&values) {
        assert_hidden(name, &all, &[value]);
        assert!(all.contains(&format!("[{name}]")), "{name} is not named:\n{all}");
    }
}
