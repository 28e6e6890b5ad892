//! `via`: servers that only a bastion reaches, through the real `ssh` and `sshd`. `gate` is in a private network without
//! any route.

use std::fs;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{
    Authority, Output, Project, Request, Response, alertmanager, directory, free_port, http, mariadb, missing,
    nginx_tls, postgres, postgres_with, program, prometheus, raw, redis, registry, sshd, sshd_with, tls_redis,
};

/// Leaves the network of the servers: this thread and its children can't connect to anything any more.
pub fn leave_the_network() {
    for needed in ["ssh", "nsenter", "unshare", "mount"] {
        program(needed);
    }
    // The bastion stays in the network of the servers.
    sshd();
    // SAFETY: it changes only the network that this thread sees.
    if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 {
        missing("this user may not make a network namespace");
    }
}

/// The names that only the bastion can resolve.
const NAMES: &str = "127.0.0.1 db.internal web.internal";

const VIA: &str = "defaults: { timeout: 20s, via: \"ssh://bastion.example\" }";

/// A project with one item for each of these probes.
fn project(head: &str, probes: &[String]) -> Project {
    let items = probes.iter().enumerate();
    let items: String =
        items.map(|(at, probe)| format!("      - {{ id: i{at}, title: I{at}, probes: [{probe}] }}\n")).collect();
    Project::new(&format!("title: T\n{head}\nsections:\n  - title: S\n    items:\n{items}"))
}

fn check(project: &Project) -> Output {
    project.gate(&["check", "staging", "--format", "json", "--no-record"])
}

fn items(output: &Output) -> Vec<Value> {
    let json: Value =
        serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{}{}", output.stdout, output.stderr));
    let sections = json["sections"].as_array().cloned().unwrap_or_default();
    sections.iter().flat_map(|section| section["items"].as_array().cloned().unwrap_or_default()).collect()
}

/// The status of each item, with its evidence or error, and the advice.
fn reported(output: &Output) -> String {
    let reported = |item: &Value| {
        let probe = &item["probes"][0];
        let help = probe["help"].as_str().map(|help| format!("\n  help: {help}")).unwrap_or_default();
        let said = item["reason"].as_str().or(item["evidence"].as_str()).unwrap_or_default();
        format!("{}: {said}{help}", item["status"].as_str().unwrap_or_default())
    };
    items(output).iter().map(reported).collect::<Vec<_>>().join("\n")
}

/// The processes of the `ssh` on this `PATH`.
fn running(path: &str) -> Vec<String> {
    processes(path).into_iter().map(|(_, line)| line).collect()
}

/// The same, each with its process id.
fn processes(path: &str) -> Vec<(libc::pid_t, String)> {
    let folder = path.split("/bin").next().unwrap_or_default();
    let all = fs::read_dir("/proc").expect("this test needs Linux").flatten();
    let lines = all.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        Some((pid, String::from_utf8_lossy(&fs::read(entry.path().join("cmdline")).ok()?).replace('\0', " ")))
    });
    lines.filter(|(_, line)| line.contains(&format!("-F {folder}/config"))).collect()
}

#[test]
fn every_kind_that_connects_reaches_what_only_the_bastion_does() {
    let api = http(answer);
    let authority = Authority::new();
    let certificate = authority.issue_for("inside", &["web.internal", "db.internal"], (4096, 1, 1));
    let secure = nginx_tls(&certificate, "");
    let encrypted = postgres_with(Some(&certificate), "hostssl all all all scram-sha-256", &[]);
    let ca = authority.ca().display().to_string();
    let inside = |url: String| url.replace("127.0.0.1", "db.internal");
    let (api, redis, database) = (inside(api.url()), inside(redis().url()), inside(postgres().url()));
    let (tls_url, tls_ca) = (tls_redis().url().replace("127.0.0.1", "localhost"), tls_redis().ca());
    let probes = [
        format!("{{ http: {{ url: \"{api}/\" }}, expect: {{ json.id: one }} }}"),
        format!(
            "{{ http: {{ url: \"{api}/private\", oauth2: {{ token_url: \"{api}/token\", client_id: gate, \
             client_secret: s3cr3t }} }} }}"
        ),
        format!(
            "{{ http: {{ url: \"https://web.internal:{}/\", ca: {ca} }}, expect: {{ tls.days_left: {{ above: 0 }} }} }}",
            secure.port
        ),
        format!(
            "{{ http: {{ url: \"https://web.internal:{}/\", ca: {ca}, resolve: {{ web.internal: 127.0.0.1 }} }} }}",
            secure.port
        ),
        format!("{{ tls: {{ address: \"web.internal:{}\", ca: {ca} }} }}", secure.port),
        format!("{{ tls: {{ address: \"db.internal:{}\", starttls: postgres, ca: {ca} }} }}", encrypted.port()),
        format!("{{ tcp: {{ address: \"{}\", send: \"PING\\r\\n\" }}, expect: {{ banner: +PONG }} }}", &redis[8..]),
        format!("{{ redis: {{ url: \"{redis}\", write: true }}, expect: {{ host: db.internal }} }}"),
        format!("{{ redis: {{ url: \"{tls_url}\", ca: {} }} }}", tls_ca.display()),
        format!("{{ sql: {{ url: \"{database}\", query: \"SELECT 1 AS one\" }}, expect: {{ value: 1 }} }}"),
        format!(
            "{{ sql: {{ url: \"postgres://gate:p%40ss@db.internal:{}/gate?sslmode=verify-full&sslrootcert={ca}\", \
             query: \"SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()\" }}, expect: {{ value: true }} }}",
            encrypted.port()
        ),
        format!(
            "{{ sql: {{ url: \"{}\", query: \"SELECT 1 AS one\" }}, expect: {{ value: 1 }} }}",
            inside(mariadb().url())
        ),
        format!("{{ alembic: {{ url: \"{database}\", config: alembic.ini }}, expect: {{ current: [] }} }}"),
        format!("{{ prometheus: {{ url: \"{}\", query: redis_connected }} }}", inside(prometheus().url())),
        format!(
            "{{ alertmanager: {{ url: \"{}\" }}, expect: {{ cluster.status: {{ exists: true }} }} }}",
            inside(alertmanager().url())
        ),
        format!("{{ grafana: {{ url: \"{api}\" }}, expect: {{ dashboards.count: 1 }} }}"),
        format!("{{ metrics: {{ url: \"{api}/metrics\" }}, expect: {{ names: [up] }} }}"),
        format!(
            "{{ logs: {{ store: loki, url: \"{api}\", query: \"{{app=\\\"api\\\"}}\" }}, expect: {{ count: 42 }} }}"
        ),
        format!(
            "{{ image: {{ ref: \"{}/none:main\", plain_http: true }}, expect: {{ exists: false }} }}",
            inside(registry().host())
        ),
        format!("{{ burst: {{ url: \"{api}/\", requests: 20 }}, expect: {{ allowed: 20, refused: 0 }} }}"),
        format!("{{ race: {{ url: \"{api}/\", id: /id }}, expect: {{ replay: {{ exists: true }} }} }}"),
    ];
    leave_the_network();
    let path = sshd().path_from_elsewhere(NAMES, "");
    let migration = "revision = 'a'\ndown_revision = None\n";
    let with_history = |head: &str| {
        let project = project(head, &probes).env("PATH", &path).file("db/versions/a.py", migration);
        project.file("alembic.ini", "[alembic]\nscript_location = db\n").file("db/env.py", "")
    };
    let output = check(&with_history(VIA));
    let found = items(&output);
    // No migration was applied: this is observed, and is not the expected state.
    let wrong: Vec<&Value> = found.iter().filter(|item| item["status"] != "passed").collect();
    let kinds: Vec<&Value> = wrong.iter().map(|item| &item["probes"][0]["kind"]).collect();
    assert_eq!(kinds, ["alembic"], "{}", reported(&output));
    assert_eq!(wrong[0]["status"], "failed");
    for item in &found {
        assert_eq!(item["probes"][0]["via"], "bastion.example", "{item}");
    }
    assert!(found[0]["evidence"].as_str().is_some_and(|line| line.ends_with(", via bastion.example")), "{}", found[0]);
    assert!(running(&path).is_empty(), "{:?}", running(&path));

    let output = check(&with_history("defaults: { timeout: 5s }"));
    assert!(items(&output).iter().all(|item| item["status"] != "passed"), "{}", reported(&output));
}

/// The answers of a service that is both Grafana and Loki.
fn answer(request: Request) -> Response {
    match request.path.as_str() {
        "/token" => Response::json(&json!({ "access_token": "the-token", "token_type": "Bearer" })),
        "/private" if request.header("authorization") == Some("Bearer the-token") => {
            Response::json(&json!({ "id": "one" }))
        }
        "/private" => Response::empty(401),
        "/metrics" => Response::ok("up 1\n"),
        "/api/health" => Response::json(&json!({ "database": "ok", "version": "11.2.0" })),
        "/api/search" if request.parameter("page").is_none_or(|page| page == "1") => {
            Response::json(&json!([{ "uid": "a", "title": "A", "type": "dash-db" }]))
        }
        "/api/search" => Response::json(&json!([])),
        "/api/dashboards/uid/a" => Response::json(&json!({ "meta": { "provisioned": true }, "dashboard": {} })),
        "/loki/api/v1/query" => Response::json(&json!({
            "status": "success",
            "data": { "resultType": "vector", "result": [{ "metric": {}, "value": [1_700_000_000.5, "42"] }] },
        })),
        _ => Response::json(&json!({ "id": "one" })),
    }
}

#[test]
fn the_ledger_is_reached_through_a_bastion() {
    let url = postgres().new_database().replace("127.0.0.1", "db.internal");
    leave_the_network();
    let path = sshd().path_from_elsewhere(NAMES, "");
    let project = project("", &["{ command: { argv: [\"true\"] } }".to_owned()]).env("PATH", &path);
    let project = project.env("GATE_LEDGER", &url);
    let with = ["check", "staging", "--ledger-via", "ssh://bastion.example"];
    let output = project.gate(&with);
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
    let project = project.env("GATE_LEDGER_VIA", "ssh://bastion.example");
    let output = project.gate(&["history", "staging"]);
    assert!(output.code == 0 && output.stdout.contains("1 of 1"), "{}{}", output.stdout, output.stderr);
    assert!(running(&path).is_empty(), "{:?}", running(&path));

    let output = project.gate(&["history", "staging", "--ledger-via", "bastion"]);
    assert_snapshot!(output.stderr, @"error: `--ledger-via`: invalid SSH host: write `ssh://user@host`, with `:port` unless it is 22");
    let output = project.env("GATE_LEDGER", "here.db").gate(&["check", "staging", "--ledger-via", "ssh://bastion"]);
    assert_snapshot!(output.stderr, @r#"
error: `--ledger-via` needs a ledger on a PostgreSQL server
  help: name it with `--ledger postgres://user:password@host/name`
"#);
}

#[test]
fn failures_behind_a_bastion_name_the_bastion() {
    let silent = raw(|_| std::thread::sleep(Duration::from_secs(30)));
    let port = free_port();
    let authority = Authority::new();
    let secure = nginx_tls(&authority.issue_for("web", &["web.internal"], (4096, 1, 1)), "");
    let probes = [
        format!("{{ tcp: {{ address: \"db.internal:{port}\" }} }}"),
        format!("{{ http: {{ url: \"http://db.internal:{port}/\" }} }}"),
        format!("{{ redis: {{ host: db.internal, port: {port} }} }}"),
        format!("{{ sql: {{ host: db.internal, port: {port}, query: SELECT 1 }} }}"),
        format!("{{ tls: {{ address: \"db.internal:{port}\" }} }}"),
        "{ http: { url: \"http://nowhere.internal/\" } }".to_owned(),
        "{ sql: { host: nowhere.internal, query: SELECT 1 } }".to_owned(),
        format!("{{ http: {{ url: \"https://localhost:{}/\", ca: {} }} }}", secure.port, authority.ca().display()),
        format!("{{ http: {{ url: \"http://127.0.0.1:{}/\" }}, timeout: 2s }}", silent.port()),
        "{ sql: { url: \"sqlite:///app.db\", query: SELECT 1 } }".to_owned(),
    ];
    leave_the_network();
    let path = sshd().path_from_elsewhere(NAMES, "");
    let output = check(&project(VIA, &probes).env("PATH", &path));
    let ports = [(port, "PORT"), (secure.port, "SECURE"), (silent.port(), "SILENT")];
    let text = ports.iter().fold(reported(&output), |text, (port, name)| text.replace(&port.to_string(), name));
    assert_snapshot!(text, @r#"
failed: connected: expected true, got false (db.internal:PORT refused the connection, via bastion.example)
  help: nothing listens there: is it running, and is this the right port?
error: db.internal:PORT refused the connection (via bastion.example)
  help: nothing listens there: is it running, and is this the right port?
error: db.internal:PORT refused the connection (via bastion.example)
  help: nothing listens there: is it running, and is this the right port?
error: db.internal:PORT refused the connection (via bastion.example)
  help: nothing listens there: is it running, and is this the right port?
error: db.internal:PORT refused the connection (via bastion.example)
  help: nothing listens there: is it running, and is this the right port?
error: cannot resolve `nowhere.internal` on bastion.example
  help: with `via`, names are resolved there: is the name right?
error: cannot resolve `nowhere.internal` on bastion.example
  help: with `via`, names are resolved there: is the name right?
error: the certificate of localhost:SECURE is not for `localhost`
  help: it is for web.internal
error: no answer within 2s
  help: is it overloaded, or does it need a longer `timeout`?
error: `app.db` is a local file: `via` does not apply
  help: write `via: null` in this probe
"#);
    assert!(running(&path).is_empty(), "{:?}", running(&path));
}

#[test]
fn an_unreachable_bastion_is_reported_with_help() {
    let machine = sshd();
    let other = directory("via-other");
    fs::write(other.join("none"), "").expect("the folder is writable");
    let http = || "{ http: { url: \"http://127.0.0.1:1/\" }, timeout: 5s }".to_owned();
    let reported = |url: &str, path: &str| {
        let output = check(&project(&format!("defaults: {{ via: \"{url}\" }}"), &[http()]).env("PATH", path));
        assert!(running(path).is_empty(), "{:?}", running(path));
        let port = url.rsplit(':').next().unwrap_or_default();
        reported(&output).replace(port, "PORT").replace("root@", "USER@")
    };
    let gone = format!("ssh://127.0.0.1:{}", free_port());
    assert_snapshot!(reported(&gone, &machine.path_with("")), @r#"
error: ssh did not reach 127.0.0.1:PORT: ssh: connect to host 127.0.0.1 port PORT: Connection refused
  help: is it up, does sshd listen there, and does a firewall let us pass?
"#);
    let unknown = machine.path_with(&format!("UserKnownHostsFile {}/none", other.display()));
    assert_snapshot!(reported(&machine.url(), &unknown), @r#"
error: ssh did not reach USER@127.0.0.1:PORT: Host key verification failed.
  help: connect once by hand, and compare its key: `ssh -p PORT USER@127.0.0.1`
"#);
    assert_snapshot!(reported(&machine.url(), &machine.path_with("PubkeyAuthentication no")), @r#"
error: ssh did not reach USER@127.0.0.1:PORT: USER@127.0.0.1: Permission denied (publickey).
  help: does `ssh -p PORT USER@127.0.0.1` let you in without asking? The key must be on the machine, and in the agent here
"#);
    assert_snapshot!(reported(&machine.url(), &machine.path_with("ProxyCommand sleep 600")), @r#"
error: ssh login at USER@127.0.0.1:PORT timed out after 5s
  help: is it up, does sshd listen there, and does a firewall let us pass?
"#);
    assert_snapshot!(reported(&machine.url(), "/nowhere/bin"), @r#"
error: `ssh` is not installed here, or not in PATH
  help: install the OpenSSH client
"#);
    let strict = sshd_with("AllowTcpForwarding no");
    assert_snapshot!(reported(&strict.url(), &strict.path_with("")), @r#"
error: USER@127.0.0.1:PORT does not allow connections to 127.0.0.1:1
  help: its sshd must permit them: see AllowTcpForwarding and PermitOpen, and the options of the key
"#);
}

#[test]
fn one_connection_is_shared_and_others_are_made_where_via_differs() {
    let machine = sshd_with("LogLevel INFO\nForceCommand false"); // no shell is needed there
    let api = http(|request| match request.path.as_str() {
        "/" | "/direct" | "/checked" => Response::ok("ok"),
        _ => Response::ok("").status(404),
    });
    let (url, via) = (api.url(), machine.url());
    let direct = format!("{{ http: {{ url: \"{url}/direct\", via: null }} }}");
    let mut probes = vec![format!("{{ http: {{ url: \"{url}/\" }} }}"); 8];
    probes.extend([direct, format!("{{ use: http-health, with: {{ url: \"{url}/checked\" }} }}")]);
    let path = machine.path_with("");
    let output = check(&project(&format!("defaults: {{ via: \"{via}\" }}"), &probes).env("PATH", &path));
    assert_eq!(output.code, 0, "{}", reported(&output));
    assert_eq!(machine.logins(), 1);
    let found = items(&output);
    assert!(found[8]["probes"][0]["via"].is_null(), "{}", found[8]);
    assert!(found[9]["probes"][0]["via"].is_string(), "{}", found[9]);
}

#[test]
fn nothing_is_left_when_gate_is_killed() {
    let silent = raw(|_| std::thread::sleep(Duration::from_secs(60)));
    let probes = [format!("{{ tcp: {{ address: \"127.0.0.1:{}\", banner: true }}, timeout: 60s }}", silent.port())];
    leave_the_network();
    let path = sshd().path_from_elsewhere(NAMES, "");
    let project = project(VIA, &probes).env("PATH", &path);
    let until = |is_so: &dyn Fn() -> bool| {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", running(&path));
            std::thread::yield_now();
        }
    };
    for signal in [libc::SIGKILL, libc::SIGTERM] {
        let mut gate: Command = project.command(&["check", "staging", "--no-record"]).command();
        let mut gate = gate.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it was built");
        until(&|| !running(&path).is_empty());
        let pid = libc::pid_t::try_from(gate.id()).expect("a process id fits");
        // SAFETY: it is a child of ours that nobody has waited for.
        unsafe { libc::kill(pid, signal) };
        gate.wait().expect("it is a child of this process");
        until(&|| running(&path).is_empty());
    }
}

#[test]
fn an_invalid_via_is_reported_at_its_position() {
    let validate = |text: &str| Project::new(text).gate(&["validate", "staging"]).stderr;
    assert_snapshot!(validate(
        "
        title: T
        defaults: { via: bastion }
        sections:
          - title: S
            items:
              - { id: a, title: A, probes: [{ http: { url: http://a } }, { tcp: { address: \"a:1\" } }] }
              - { id: b, title: B, via: \"ssh://-oProxyCommand=x\", probes: [{ http: { url: http://a } }] }
              - { id: c, title: C, probes: [{ command: { argv: [a], via: \"ssh://b\" } }] }
              - { id: d, title: D, probes: [{ dns: { name: a.example, via: \"ssh://b\" } }] }
              - { id: e, title: E, probes: [{ http: { url: http://a, via: \"ssh://root:pw@b\" } }] }
              - { id: f, title: F, probes: [{ http: { url: http://a }, via: \"ssh://b\" }] }
        "
    ), @r#"
error: invalid SSH host: write `ssh://user@host`, with `:port` unless it is 22
 --> checklists/staging.yaml:2:18
  |
2 | defaults: { via: bastion }
  |                  ^^^^^^^

error: invalid SSH host: write `ssh://user@host`, with `:port` unless it is 22
 --> checklists/staging.yaml:7:33
  |
7 |       - { id: b, title: B, via: "ssh://-oProxyCommand=x", probes: [{ http: { url: http://a } }] }
  |                                 ^^^^^^^^^^^^^^^^^^^^^^^^

error: `command` does not support `via`
 --> checklists/staging.yaml:8:61
  |
8 |       - { id: c, title: C, probes: [{ command: { argv: [a], via: "ssh://b" } }] }
  |                                                             ^^^
  |
  = help: remove it: only TCP connections can go through another machine

error: `dns` does not support `via`
 --> checklists/staging.yaml:9:63
  |
9 |       - { id: d, title: D, probes: [{ dns: { name: a.example, via: "ssh://b" } }] }
  |                                                               ^^^
  |
  = help: remove it: only TCP connections can go through another machine

error: a password has no place here: ssh takes a key, or an agent
 --> checklists/staging.yaml:10:67

error: `via` is a setting of the probe
  --> checklists/staging.yaml:11:64
   |
11 |       - { id: f, title: F, probes: [{ http: { url: http://a }, via: "ssh://b" }] }
   |                                                                ^^^
   |
   = help: write it inside, as in `http: { url: …, via: … }`, or at the item for all of its probes
"#);
}

#[test]
fn via_is_part_of_the_definition_and_shown() {
    let text = "
        title: T
        vars: { bastion: deploy@bastion.example }
        defaults: { via: \"ssh://${vars.bastion}\" }
        sections:
          - title: S
            items:
              - { id: a, title: A, probes: [{ http: { url: http://a } }, { file: { path: a } }] }
              - { id: b, title: B, via: \"ssh://${env.OTHER}\", probes: [{ use: http-health, with: { url: http://a } }] }
        ";
    let project = Project::new(text);
    let shown = project.gate(&["show", "staging", "a"]).stdout;
    assert!(shown.contains("via: ssh://deploy@bastion.example"), "{shown}");
    assert_eq!(shown.matches("via:").count(), 1, "a file has none: {shown}");
    let output = check(&project);
    let found = items(&output);
    assert_eq!(found[1]["status"], "blocked", "{}", reported(&output));
    assert_eq!(found[1]["reason"], "OTHER is not set");
    let definition = |variable: &str| {
        let output = project.gate(&["check", "staging", "--format", "json", "--no-record", "--var", variable]);
        let found = items(&output);
        (found[0]["source"].clone(), found[0]["definition"].clone())
    };
    let (one, other) = (definition("bastion=127.0.0.1:1"), definition("bastion=127.0.0.1:2"));
    assert_eq!(one.0, other.0, "it is written the same");
    assert_ne!(one.1, other.1, "it is another bastion");
    let without = Project::new(&text.replace("defaults: { via: \"ssh://${vars.bastion}\" }", ""));
    let output = check(&without);
    assert_ne!(items(&output)[0]["source"], one.0);
}

#[test]
fn an_ssh_connection_that_ends_in_the_middle_of_an_answer_is_named() {
    let is_under_way = Arc::new(AtomicBool::new(false));
    let is_read = Arc::clone(&is_under_way);
    let web = raw(move |mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 60000000\r\n\r\n");
        // More than fits into the buffers on the way: the headers and a part of the body are read.
        is_read.store(stream.write_all(&vec![b'x'; 50_000_000]).is_ok(), Ordering::SeqCst);
        let _ = stream.read(&mut [0; 1]);
    });
    let silent = raw(|mut stream| while stream.read(&mut [0; 4096]).is_ok_and(|length| length > 0) {});
    let database = postgres().new_database();
    let inside = |url: &str| url.replace("127.0.0.1", "db.internal");
    let (port, other) = (web.port(), silent.port());
    let probes = [
        format!("{{ http: {{ url: \"http://db.internal:{port}/\", max_body: 60MiB }}, timeout: 60s }}"),
        format!("{{ http: {{ url: \"http://db.internal:{other}/\", method: POST }}, timeout: 60s }}"),
        format!("{{ tls: {{ address: \"db.internal:{other}\" }}, timeout: 60s }}"),
        format!("{{ redis: {{ host: db.internal, port: {other} }}, timeout: 60s }}"),
        format!("{{ sql: {{ url: \"{}\", query: SELECT pg_sleep(61) }}, timeout: 60s }}", inside(&database)),
    ];
    let begun = Instant::now();
    // In a thread that stays in the network of the database.
    let is_queried = thread::spawn(move || {
        let sql =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query ~ '^SELECT pg_sleep'";
        while postgres().psql(&database, sql).trim() != "1" {
            assert!(begun.elapsed() < Duration::from_secs(60), "it is not queried");
        }
    });
    leave_the_network();
    let path = sshd().path_from_elsewhere(NAMES, "");
    let project = project(VIA, &probes).env("PATH", &path);
    let mut gate = project.command(&["check", "staging", "--format", "json", "--no-record"]).command();
    let gate = gate.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it was built");
    while !is_under_way.load(Ordering::SeqCst) || silent.connections() < 3 || !is_queried.is_finished() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", running(&path));
        std::thread::yield_now();
    }
    for (pid, _) in processes(&path) {
        // SAFETY: it is a process of this test, with its own configuration of ssh.
        unsafe { libc::kill(pid, libc::SIGKILL) };
    }
    let output = Output::of(gate.wait_with_output().expect("it is a child of this process"));
    let text = reported(&output).replace(&port.to_string(), "WEB").replace(&other.to_string(), "SILENT");
    let text = text.replace(&postgres().port().to_string(), "DATABASE");
    assert_snapshot!(text, @"
    error: the ssh connection to bastion.example ended: the body from db.internal:WEB is incomplete, or does not have the encoding in its headers
      help: does `ssh bastion.example true` work? its sshd may have been restarted, or the network was down
    error: the ssh connection to bastion.example ended: db.internal:SILENT closed the connection without an answer
      help: does `ssh bastion.example true` work? its sshd may have been restarted, or the network was down
    error: the ssh connection to bastion.example ended: db.internal:SILENT closed the connection instead of a TLS handshake
      help: does `ssh bastion.example true` work? its sshd may have been restarted, or the network was down
    error: the ssh connection to bastion.example ended: db.internal:SILENT closed the connection without an answer
      help: does `ssh bastion.example true` work? its sshd may have been restarted, or the network was down
    error: the ssh connection to bastion.example ended: db.internal:DATABASE closed the connection
      help: does `ssh bastion.example true` work? its sshd may have been restarted, or the network was down
    ");
}
