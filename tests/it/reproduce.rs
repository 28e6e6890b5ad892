//! The line by which a person would look beside each probe: it works as printed, and comes to the same end.

use std::path::Path;
use std::process::{Command, Stdio};

use gate::client::Context;
use gate::probe::Probe;
use gate::probe::{
    alertmanager::Alertmanager, backup::Backup, burst::Burst, file::File, git::Git, http::Http, metrics::Metrics,
    prometheus::Prometheus, race::Race, redis::Redis, sql::Sql, tcp::Tcp, tls::Tls,
};
use gate::secret::Redactor;
use serde_json::{Value, json};

use crate::harness::{self, Authority, Response, free_port};
use crate::look::{context, look_in, probe};

fn here(folder: &Path) -> Context {
    context(folder, &[("PATH", &std::env::var("PATH").expect("there is a PATH")), ("HOME", "/nonexistent")])
}

/// Runs the line of a probe as a shell reads it, in the folder of the checklist, and compares its end with the probe's.
fn beside<P: Probe>(folder: &Path, settings: Value, works: bool) {
    let seen = look_in::<P>(&here(folder), settings.clone());
    assert_eq!(seen.is_ok(), works, "{} {settings}: {:?}", P::KIND, seen.err());
    let argv = probe::<P>(settings.clone()).reproduce().expect("there is a line");
    let line = Redactor::default().shell(&argv).to_string();
    let ran = Command::new("timeout").args(["20", "sh", "-c", &line]).current_dir(folder).stdin(Stdio::null()).output();
    let ran = ran.expect("sh is here");
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
fn a_line_for_tls_trusts_whom_the_probe_trusts() {
    let authority = Authority::new();
    let server = harness::nginx_tls(&authority.issue(), "location / { return 200; }");
    let folder = harness::directory("reproduce");
    std::fs::copy(authority.ca(), folder.join("ca.pem")).expect("the folder is ours");
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
    std::fs::write(folder.join("-it's a file"), "x").expect("the folder is ours");
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
