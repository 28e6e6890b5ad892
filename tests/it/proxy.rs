//! Proxies that the environment names: one that is not there, and variables that name none.

use insta::assert_snapshot;
use serde_json::Value;

use crate::harness::{Project, Response, free_port, http};

const LIST: &str = r#"
    title: T
    sections:
      - title: S
        items:
          - { id: a, title: A, probes: [{ http: { url: "http://api.gate.invalid/" } }] }
          - { id: b, title: B, probes: [{ grafana: { url: "https://grafana.gate.invalid" } }] }
          - { id: c, title: C, probes: [{ backup: { in: "s3://dumps/a", options: { endpoint: "http://s3.gate.invalid", access_key_id: k, secret_access_key: s3cr3t } } }] }
          - { id: local, title: Local, probes: [{ http: { url: "${env.LOCAL}" } }] }
"#;

/// The reasons and help of a run with these variables.
fn reported(vars: &[(&str, &str)], more: &[&str]) -> String {
    let local = http(|_| Response::ok("yes"));
    let project = Project::new(LIST).env("LOCAL", local.url());
    let project = vars.iter().fold(project, |project, (name, value)| project.env(name, value));
    let output = project.gate(&[&["check", "staging", "--no-record", "--format=json"], more].concat());
    let run: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{}", output.stderr));
    let items = run["sections"][0]["items"].as_array().expect("a list").iter();
    let line = |item: &Value| {
        let said = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (reason, help) = (said(&item["reason"]), said(&item["probes"][0]["help"]));
        format!("{}: {reason} | {help}", said(&item["id"]))
    };
    items.map(line).collect::<Vec<String>>().join("\n")
}

#[test]
fn a_proxy_that_is_not_there_is_named_and_not_the_target() {
    let port = free_port().to_string();
    let proxy = format!("http://user:pa55word@127.0.0.1:{port}");
    let text = reported(&[("HTTP_PROXY", &proxy), ("https_proxy", &format!("127.0.0.1:{port}"))], &[]);
    assert_snapshot!(text.replace(&port, "PORT"), @"
    a: the proxy 127.0.0.1:PORT of HTTP_PROXY refused the connection | is the proxy running? correct or unset HTTP_PROXY, or add `api.gate.invalid` to NO_PROXY
    b: the proxy 127.0.0.1:PORT of https_proxy refused the connection | is the proxy running? correct or unset https_proxy, or add `grafana.gate.invalid` to NO_PROXY
    c: the proxy 127.0.0.1:PORT of HTTP_PROXY refused the connection | is the proxy running? correct or unset HTTP_PROXY, or add `s3.gate.invalid` to NO_PROXY
    local:  | 
    ");
}

#[test]
fn a_variable_that_names_no_proxy_is_an_error_where_it_would_be_used() {
    let text = reported(
        &[("HTTP_PROXY", "nonsense:port:x"), ("HTTPS_PROXY", "socks5://127.0.0.1:1"), ("NO_PROXY", "s3.gate.invalid")],
        &[],
    );
    assert_snapshot!(text, @"
    a: the value of HTTP_PROXY is not the URL of a proxy | set HTTP_PROXY to the URL of an HTTP proxy, such as `http://proxy.example:3128`; or unset it, or add `api.gate.invalid` to NO_PROXY
    b: HTTPS_PROXY names a proxy of an unsupported scheme: `socks5` | set HTTPS_PROXY to the URL of an HTTP proxy, such as `http://proxy.example:3128`; or unset it, or add `grafana.gate.invalid` to NO_PROXY
    c: cannot resolve `s3.gate.invalid` | is the name right, and can this machine resolve it?
    local:  | 
    ");
}

#[test]
fn a_proxy_in_an_env_file_is_used_as_one_in_the_environment() {
    let proxy = http(|request| Response::ok(request.path));
    let project = Project::new(LIST).file("staging.env", &format!("HTTP_PROXY={}\n", proxy.url()));
    let output = project.gate(&["check", "staging", "--no-record", "--env-file=staging.env", "--only=a"]);
    assert_eq!((output.code, proxy.requests().len()), (0, 1), "{}{}", output.stdout, output.stderr);
}

#[test]
fn a_proxy_that_requires_a_login_is_named_and_not_the_target() {
    let proxy = http(|_| Response::empty(407));
    let text = reported(&[("HTTP_PROXY", &proxy.url())], &["--only=a"]);
    let place = proxy.url().replace("http://", "");
    assert_snapshot!(text.replace(&place, "PROXY"), @"a: the proxy PROXY of HTTP_PROXY requires a login (407) | set HTTP_PROXY to a URL with it, such as `http://USER:PASSWORD@HOST:PORT`; or add `api.gate.invalid` to NO_PROXY");
}

#[test]
fn a_host_that_no_proxy_names_is_reached_without_the_proxy() {
    let proxy = http(|_| Response::empty(502));
    for excepted in ["*.gate.invalid", "api.gate.invalid:80", "gate.invalid"] {
        let text = reported(&[("HTTP_PROXY", &proxy.url()), ("NO_PROXY", excepted)], &["--only=a"]);
        assert!(text.contains("cannot resolve `api.gate.invalid`"), "{excepted}: {text}");
    }
    assert_eq!(proxy.requests().len(), 0);
}
