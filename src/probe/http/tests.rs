//! The settings of `http`: which are accepted, and the requests that they make.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::diagnostic::{Diagnostic, Span};
use crate::probe::Probe;
use crate::yaml::{self, Node};

use super::Http;

fn tried(settings: &Value) -> Result<Http, String> {
    let mut problems = Vec::new();
    let read = yaml::read(&Node::from_json(settings, Span::default()), &mut problems);
    read.ok_or_else(|| problems.iter().map(Diagnostic::title).collect())
}

fn read(settings: Value) -> Http {
    tried(&settings).unwrap_or_else(|problem| panic!("{problem}"))
}

fn refused(settings: Value) -> String {
    tried(&settings).err().expect("it must be refused")
}

fn reproduced(settings: Value) -> String {
    read(settings).reproduce().expect("curl").join(" ")
}

#[test]
fn two_bodies_are_refused() {
    assert_snapshot!(refused(json!({ "url": "http://h", "method": "POST", "json": 1, "body": "1" })),
        @"`json` and `body` can't both be sent");
    assert_snapshot!(refused(json!({ "url": "http://h", "method": "HEAD", "body": "1" })), @"a HEAD request has no body");
}

#[test]
fn two_kinds_of_credentials_are_refused() {
    let expected = "conflicting credentials: keep one of `token`, `user`, `oauth2`, the header `authorization`, the user of the URL";
    for settings in [
        json!({ "url": "http://h", "token": "t", "user": "u" }),
        json!({ "url": "http://h", "token": "t", "headers": { "Authorization": "x" } }),
        json!({ "url": "http://u:p@h", "user": "u" }),
    ] {
        assert_eq!(refused(settings), expected);
    }
    assert_snapshot!(refused(json!({ "url": "http://h", "password": "p" })), @"`password` needs a `user`");
}

#[test]
fn a_control_that_would_be_the_same_request_is_refused() {
    assert_snapshot!(refused(json!({ "url": "http://h", "control": {} })),
        @"a control wants a `url` of its own or `anonymous: true`");
    assert_snapshot!(refused(json!({ "url": "http://h", "control": { "url": "ftp://x" } })),
        @"the `url` of `control` is not a URL");
}

#[test]
fn an_unknown_setting_or_method_is_refused() {
    assert!(refused(json!({ "url": "http://h", "metod": "GET" })).starts_with("unknown key `metod`"));
    assert!(refused(json!({ "url": "http://h", "method": "FETCH" })).starts_with("invalid value `FETCH`"));
}

#[test]
fn a_request_that_may_change_something_has_effects() {
    for (method, expected) in [("GET", false), ("HEAD", false), ("OPTIONS", false), ("POST", true), ("DELETE", true)] {
        assert_eq!(read(json!({ "url": "http://h", "method": method })).has_effects(), expected, "{method}");
    }
}

#[test]
fn a_person_can_send_the_same_with_curl() {
    assert_snapshot!(reproduced(json!({ "url": "http://u:p%40ss@h/x" })),
        @"curl -i -u u:p@ss http://h/x");
    assert_snapshot!(reproduced(json!({ "url": "http://h", "method": "POST", "json": { "probe": true }, "token": "t" })),
        @r#"curl -i -X POST -H authorization: Bearer t -H content-type: application/json --data-raw {"probe":true} http://h/"#);
    assert_snapshot!(reproduced(json!({ "url": "https://h", "method": "HEAD", "insecure": true, "redirects": 2 })),
        @"curl -L --max-redirs 2 -I -k https://h/");
}

#[test]
fn a_control_on_another_origin_gets_nothing_private() {
    let http = read(json!({
        "url": "http://h/a", "token": "t", "headers": { "X-Key": "k" }, "control": { "url": "http://other/b" },
    }));
    let request = http.control.as_ref().expect("it has one").request(&http);
    assert_eq!((request.url.as_str(), request.headers.len()), ("http://other/b", 0));
}
