//! The `reproduce` line of each probe: it runs as printed, and has the same result.

use std::path::Path;
use std::process::{Command, Stdio};

use gate::client::Context;
use gate::probe::Probe;
use gate::probe::{
    alembic::Alembic, alertmanager::Alertmanager, backup::Backup, burst::Burst, command::Command as CommandProbe,
    dns::Dns, file::File, git::Git, github::GitHub, grafana::Grafana, http::Http, junit::Junit, k6::K6, logs::Logs,
    metrics::Metrics, nftables::Nftables, prometheus::Prometheus, race::Race, redis::Redis, sql::Sql, tcp::Tcp,
    tls::Tls,
};
use gate::secret::Redactor;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{self, Authority, Request, Response, free_port};
use crate::observe::{context, observe_in, probe};

fn here(folder: &Path) -> Context {
    context(folder, &[("PATH", &std::env::var("PATH").expect("there is a PATH")), ("HOME", "/nonexistent")])
}

/// Runs the line of a probe in a shell, in the folder of the checklist, and compares the result with the probe's.
fn beside<P: Probe>(folder: &Path, settings: Value, works: bool) {
    beside_in::<P>(&here(folder), folder, settings, works);
}

fn beside_in<P: Probe>(cx: &Context, folder: &Path, settings: Value, works: bool) {
    let seen = observe_in::<P>(cx, settings.clone());
    assert_eq!(seen.is_ok(), works, "{} {settings}: {:?}", P::KIND, seen.err());
    let argv = probe::<P>(settings.clone()).reproduce().expect("there is a line");
    let line = Redactor::default().shell(&argv).to_string();
    let ran = Command::new("timeout").args(["20", "sh", "-c", &line]).current_dir(folder).stdin(Stdio::null()).output();
    let ran = ran.expect("sh is installed");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.success(), works, "{} `{line}`: {said}{}", P::KIND, String::from_utf8_lossy(&ran.stdout));
}

#[test]
fn a_line_of_curl_sends_the_same_request() {
    let folder = harness::directory("reproduce");
    let server = harness::http(|request| {
        let is_known = request.header("authorization").is_none_or(|value| value == "Bearer it's\"t0ken\"");
        Response::json(&json!({ "id": 1, "body": request.text() })).status(if is_known { 200 } else { 401 })
    });
    let url = format!("{}/a%20b?q=1&r=[2]", server.url());
    let body = json!({ "name": "it's $HOME `id`" });
    beside::<Http>(&folder, json!({ "url": url, "token": "it's\"t0ken\"" }), true);
    beside::<Http>(&folder, json!({ "url": url, "method": "HEAD" }), true);
    beside::<Http>(&folder, json!({ "url": url, "method": "POST", "json": body }), true);
    beside::<Http>(&folder, json!({ "url": url, "method": "POST", "body": "@/etc/passwd" }), true);
    beside::<Burst>(&folder, json!({ "url": url, "requests": 3, "method": "POST", "json": body }), true);
    beside::<Race>(&folder, json!({ "url": url, "requests": 2, "json": body }), true);
    let requests = server.requests();
    let sent = |method: &str| {
        requests
            .iter()
            .filter(|request| request.method == method)
            .map(|request| (request.path.clone(), request.query.clone(), request.text()))
            .collect::<Vec<_>>()
    };
    // Each was sent twice: by the probe, and by curl.
    for pair in sent("POST")[..2].windows(2) {
        assert_eq!(pair[0], pair[1]);
    }
    assert_eq!((sent("POST")[2].2.as_str(), sent("POST")[3].2.as_str()), ("@/etc/passwd", "@/etc/passwd"));
    let nobody = format!("http://127.0.0.1:{}/", free_port());
    beside::<Http>(&folder, json!({ "url": nobody }), false);
    beside::<Prometheus>(
        &folder,
        json!({ "url": harness::prometheus().url(), "query": "sum(redis_connected{job!=\"x\"})" }),
        true,
    );
    beside::<Alertmanager>(&folder, json!({ "url": harness::alertmanager().url() }), true);
    beside::<Metrics>(&folder, json!({ "url": format!("{}/metrics", harness::prometheus().url()) }), true);
}

#[test]
fn a_line_gets_an_access_token_first() {
    let folder = harness::directory("reproduce");
    let issuer = harness::issuer(|answer| answer);
    let issued = issuer.issued();
    let server = harness::http(move |request| {
        let is_read = request.path != "/moved" && request.method == "GET";
        let status = if issued.admits(&request) { if is_read { 200 } else { 201 } } else { 401 };
        Response::json(&json!({ "id": 1, "body": request.text(), "has_key": request.header("x-key").is_some() }))
            .status(status)
    });
    for auth in ["basic", "body"] {
        let mut oauth2 = issuer.settings();
        oauth2["auth"] = auth.into();
        oauth2["endpoint_params"] = json!({ "audience": "it's $HOME" });
        let body = json!({ "name": "it's $HOME `id`" });
        let with = |more: Value| {
            let mut settings =
                json!({ "url": format!("{}/a?b=[1]", server.url()), "oauth2": oauth2, "headers": { "X-Key": "a b" } });
            settings.as_object_mut().expect("it is a map").extend(more.as_object().expect("it is a map").clone());
            settings
        };
        beside::<Http>(&folder, with(json!({ "redirects": 2 })), true);
        beside::<Http>(&folder, with(json!({ "method": "POST", "json": body })), true);
        beside::<Race>(&folder, with(json!({ "requests": 2, "json": body })), true);
        oauth2["client_secret"] = "an0ther".into();
        beside::<Http>(&folder, json!({ "url": server.url(), "oauth2": oauth2 }), false);
    }
    let requests = server.requests();
    assert!(requests.iter().all(|request| request.method == "OPTIONS" || issuer.issued().admits(request)));
    let sent: Vec<_> = requests.iter().filter(|request| request.method == "POST").map(Request::text).collect();
    assert!(sent.len() > 4 && sent.windows(2).all(|pair| pair[0] == pair[1]), "{sent:?}");
    let line = |secret: &str, auth: &str| {
        let oauth2 =
            json!({ "token_url": "https://login/token", "client_id": "gate", "client_secret": secret, "auth": auth });
        let argv = probe::<Http>(json!({ "url": "https://api/x", "oauth2": oauth2, "ca": "ca.pem" })).reproduce();
        Redactor::new([("CLIENT_SECRET", secret)]).shell(&argv.expect("there is a line"))
    };
    assert_snapshot!(["s3cr3t", "s3cr3t/+"].map(|secret| line(secret, "basic")).join("\n"), @r#"
    sh -c 'token=$(curl -sSf --cacert ca.pem --data-raw "$2" -u "$3:$4" "$1" | sed -n "s/.*\"access_token\" *: *\"\([^\"]*\)\".*/\1/p"); shift 4; test -n "$token" && "$@" -H "Authorization: Bearer $token"' sh https://login/token grant_type=client_credentials gate "$CLIENT_SECRET" curl -i --cacert ca.pem https://api/x
    sh -c 'encode() { printf %s "$1" | od -An -v -tx1 | tr -d " \n" | sed "s/../%&/g"; }; token=$(curl -sSf --cacert ca.pem --data-raw "$2" -u "$(encode "$3"):$(encode "$4")" "$1" | sed -n "s/.*\"access_token\" *: *\"\([^\"]*\)\".*/\1/p"); shift 4; test -n "$token" && "$@" -H "Authorization: Bearer $token"' sh https://login/token grant_type=client_credentials gate "$CLIENT_SECRET" curl -i --cacert ca.pem https://api/x
    "#);
    assert_snapshot!(line("s3cr3t/+", "body"), @r#"sh -c 'token=$(curl -sSf --cacert ca.pem --data-raw "$2" --data-urlencode "client_id=$3" --data-urlencode "client_secret=$4" "$1" | sed -n "s/.*\"access_token\" *: *\"\([^\"]*\)\".*/\1/p"); shift 4; test -n "$token" && "$@" -H "Authorization: Bearer $token"' sh https://login/token grant_type=client_credentials gate "$CLIENT_SECRET" curl -i --cacert ca.pem https://api/x"#);
}

#[test]
fn a_line_for_tls_trusts_the_same_certificates_as_the_probe() {
    let authority = Authority::new();
    let server = harness::nginx_tls(&authority.issue(), "location / { return 200; }");
    let folder = harness::directory("reproduce");
    std::fs::copy(authority.ca(), folder.join("ca.pem")).expect("the folder is writable");
    let address = format!("127.0.0.1:{}", server.port);
    beside::<Tls>(&folder, json!({ "address": address, "ca": "ca.pem" }), true);
    beside::<Tls>(&folder, json!({ "address": format!("127.0.0.1:{}", free_port()) }), false);
    beside::<Http>(&folder, json!({ "url": server.url(), "ca": "ca.pem" }), true);
    beside::<Http>(&folder, json!({ "url": server.url() }), false);
    beside::<Http>(&folder, json!({ "url": server.url(), "insecure": true }), true);
}

#[test]
fn a_line_for_a_server_or_a_file_comes_to_the_same_end() {
    let folder = harness::directory("reproduce");
    std::fs::write(folder.join("-it's a file"), "x").expect("the folder is writable");
    beside::<File>(&folder, json!({ "path": "-it's a file" }), true);
    beside::<Backup>(&folder, json!({ "in": "." }), true);
    let port = harness::redis().port;
    beside::<Tcp>(&folder, json!({ "address": format!("127.0.0.1:{port}") }), true);
    for url in
        ["redis://127.0.0.1:PORT", "redis://127.0.0.1:PORT/2", "redis://127.0.0.1:PORT?db=2", "valkey://127.0.0.1:PORT"]
    {
        beside::<Redis>(&folder, json!({ "url": url.replace("PORT", &port.to_string()) }), true);
    }
    let tls = harness::tls_redis();
    beside::<Redis>(&folder, json!({ "url": tls.url(), "ca": tls.ca() }), true);
    beside::<Redis>(&folder, json!({ "url": format!("redis://127.0.0.1:{}", free_port()) }), false);
    let database = harness::postgres().new_database();
    beside::<Sql>(&folder, json!({ "url": database, "query": "SELECT 'it''s' AS \"a b\"" }), true);
    beside::<Sql>(&folder, json!({ "url": database, "query": "SELECT nothing" }), false);
    let repository = harness::directory("reproduce-git");
    let git = "git init -q . && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x";
    assert!(Command::new("sh").args(["-c", git]).current_dir(&repository).status().expect("git is here").success());
    beside::<Git>(&repository, json!({ "ref": "HEAD" }), true);
}

#[test]
fn a_line_for_a_json_api_gets_the_same_answer() {
    let folder = harness::directory("reproduce");
    let server = harness::http(|request| match request.path.as_str() {
        path if path.ends_with("/health") => Response::json(&json!({ "database": "ok", "version": "11.2.0" })),
        path if path.ends_with("/search") => Response::json(&json!([])),
        "/rate_limit" => Response::json(&json!({ "resources": { "core": {
            "limit": 5000, "remaining": 9, "reset": 1_764_000_000, "used": 1,
        } } })),
        "/loki/api/v1/query" => Response::json(&json!({ "status": "success", "data": {
            "resultType": "vector", "result": [{ "metric": {}, "value": [1_764_000_000, "3"] }],
        } })),
        _ => Response::json(
            &json!({ "count": 3, "_shards": { "total": 1, "successful": 1, "skipped": 0, "failed": 0 } }),
        ),
    });
    let nobody = format!("http://127.0.0.1:{}", free_port());
    for (url, works) in [(server.url(), true), (nobody, false)] {
        beside::<GitHub>(&folder, json!({ "url": url, "token": "t" }), works);
        beside::<Grafana>(&folder, json!({ "url": url, "user": "u", "password": "p\"$x" }), works);
        let query = "{app=\"api\"} |= `it's`";
        beside::<Logs>(&folder, json!({ "url": url, "store": "loki", "query": query, "tenant": "a b" }), works);
        beside::<Logs>(
            &folder,
            json!({ "url": url, "store": "elasticsearch", "index": "logs-*", "query": "a:b" }),
            works,
        );
    }
    let requests = server.requests();
    for path in ["/loki/api/v1/query", "/logs-*/_count"] {
        let sent: Vec<_> = requests.iter().filter(|request| request.path == path).collect();
        assert_eq!((sent.len(), &sent[0].query, sent[0].text()), (2, &sent[1].query, sent[1].text()), "{path}");
    }
}

#[test]
fn a_line_for_mariadb_or_sqlite_reaches_the_same_database() {
    let folder = harness::directory("reproduce");
    let server = harness::mariadb();
    server.sql(&server.url(), "CREATE OR REPLACE USER `no one`@'%'; GRANT SELECT ON gate.* TO `no one`@'%'");
    let (port, socket) = (server.port(), server.folder().join("socket").display().to_string());
    for place in [
        format!("127.0.0.1:{port}/gate"),
        format!("localhost:{port}/gate"),
        format!("localhost/gate?socket={socket}"),
        format!("{}/gate", socket.replace('/', "%2F")),
    ] {
        let url = format!("mysql://no%20one@{place}");
        beside::<Sql>(&folder, json!({ "url": url, "query": "SELECT 'it''s' AS `a b`" }), true);
        beside::<Sql>(&folder, json!({ "url": url, "query": "SELECT nothing" }), false);
    }
    crate::sql_value::sqlite(&folder, "CREATE TABLE t (id)");
    beside::<Sql>(&folder, json!({ "url": "sqlite:app.db", "query": "SELECT count(*) FROM t" }), true);
    beside::<Sql>(&folder, json!({ "url": "sqlite:app.db", "query": "SELECT count(*) FROM no_such" }), false);
    beside::<Sql>(
        &folder,
        json!({ "url": "sqlite:app.db", "query": "INSERT INTO t VALUES (1)", "writes": true }),
        true,
    );
    let seen = observe_in::<Sql>(&here(&folder), json!({ "url": "sqlite:app.db", "query": "SELECT count(*) FROM t" }));
    assert_eq!(seen.expect("it exists").value, Some(json!(2)), "the probe wrote a row, and the line another");
}

#[test]
fn a_line_for_a_program_or_its_report_runs_as_printed() {
    let folder = harness::directory("reproduce");
    std::fs::create_dir_all(folder.join("it's/deep")).expect("the folder is writable");
    let report = "<testsuite><testcase name='a'/></testsuite>";
    for file in ["r.xml", "it's/a b.xml", "it's/deep/c.xml"] {
        std::fs::write(folder.join(file), report).expect("the folder is writable");
    }
    for files in ["r.xml", "it's/a b.xml", "it's/*.xml", "**/*.xml", "?.xml"] {
        beside::<Junit>(&folder, json!({ "files": files }), true);
    }
    beside::<CommandProbe>(
        &folder,
        json!({ "argv": ["test", "$X", "=", "$X"], "cwd": "it's", "env": { "A": "b c" } }),
        true,
    );
    beside::<CommandProbe>(
        &folder,
        json!({ "shell": "test \"$(pwd)\" = \"$PWD\" && ls 'a b.xml'", "cwd": "it's" }),
        true,
    );
    let script = "export const options = { vus: 1, iterations: 1, thresholds: { checks: ['rate>0.9'] } };\n\
                  import { check } from 'k6';\nexport default function () { check(__ENV.NAME, { named: n => n === \"it's\" }); }\n";
    std::fs::write(folder.join("s.js"), script).expect("the folder is writable");
    let k6 = json!({ "run": "s.js", "program": harness::k6(), "env": { "NAME": "it's" } });
    beside::<K6>(&folder, k6, true);
    std::fs::write(folder.join("broken.js"), "export default function () {").expect("the folder is writable");
    beside::<K6>(&folder, json!({ "run": "broken.js", "program": harness::k6() }), false);
}

#[test]
fn a_line_of_alembic_reads_the_same_database() {
    let folder = harness::directory("reproduce");
    std::fs::create_dir_all(folder.join("db/versions")).expect("the folder is writable");
    let env = "from alembic import context\nfrom sqlalchemy import create_engine\n\
               with create_engine(context.config.get_main_option('sqlalchemy.url')).connect() as connection:\n    \
               context.configure(connection=connection)\n    context.run_migrations()\n";
    for (file, text) in [
        ("alembic.ini", "[alembic]\nscript_location = db\nsqlalchemy.url = sqlite:///app.db\n"),
        ("db/env.py", env),
        ("db/versions/a.py", "revision = 'a'\ndown_revision = None\n"),
    ] {
        std::fs::write(folder.join(file), text).expect("the folder is writable");
    }
    crate::sql_value::sqlite(
        &folder,
        "CREATE TABLE alembic_version (version_num); INSERT INTO alembic_version VALUES ('a')",
    );
    let command = json!([harness::alembic()]);
    beside::<Alembic>(&folder, json!({ "command": command, "heads": "command" }), true);
    beside::<Alembic>(&folder, json!({ "command": command, "heads": "command", "config": "no.ini" }), false);
}

#[test]
fn a_line_of_nft_lists_the_same_rules() {
    let machine = crate::nftables::Machine::new("flush ruleset\n");
    let cx = context(&machine.folder, &[("PATH", &machine.path), ("HOME", "/nonexistent")]);
    let settings = json!({ "boot_file": machine.folder.join("boot.nft") });
    beside_in::<Nftables>(&cx, &machine.folder, settings, true);
}

#[test]
fn a_line_of_dig_asks_the_same_resolver() {
    harness::program("dig");
    let folder = harness::directory("reproduce");
    let address = harness::dnsmasq().address();
    beside::<Dns>(&folder, json!({ "name": "api.staging.test", "resolver": address }), true);
    let nobody = format!("127.0.0.1:{}", free_port());
    beside::<Dns>(&folder, json!({ "name": "api.staging.test", "resolver": nobody }), false);
}

#[test]
fn a_line_for_a_database_trusts_the_same_certificates_as_the_probe() {
    let folder = harness::directory("reproduce");
    let (authority, other) = (Authority::new(), Authority::new());
    for (from, name) in [(&authority, "ca.pem"), (&other, "other.pem")] {
        std::fs::copy(from.ca(), folder.join(name)).expect("the folder is writable");
    }
    let postgres = harness::postgres_with(Some(&authority.issue()), "", &[]);
    let mariadb = harness::mariadb_with(Some(&authority.issue()), &[]);
    mariadb.sql(&mariadb.url(), "CREATE USER nobody@'%'; GRANT SELECT ON gate.* TO nobody@'%'");
    for url in [postgres.url(), mariadb.url().replace("gate:p%40ss", "nobody")] {
        for (ca, works) in [("ca.pem", true), ("other.pem", false)] {
            beside::<Sql>(&folder, json!({ "url": url, "query": "SELECT 1", "ca": ca }), works);
        }
    }
}
