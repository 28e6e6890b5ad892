//! Settings that are refused, and the request for a token.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{OAuth2, Request};
use crate::client::http::text;

fn with(more: Value) -> Value {
    let mut settings = json!({ "token_url": "https://login/token", "client_id": "gate", "client_secret": "s3cr3t" });
    settings.as_object_mut().expect("it is a map").extend(more.as_object().expect("it is a map").clone());
    settings
}

fn refused(more: Value) -> String {
    serde_json::from_value::<OAuth2>(with(more)).expect_err("it must be refused").to_string()
}

fn sent(more: Value) -> String {
    let oauth2: OAuth2 = serde_json::from_value(with(more)).expect("valid settings");
    let Request { method, url, headers, body, .. } = oauth2.request();
    let headers: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {}", text(value))).collect();
    format!("{method} {url}\n{}\n{}", headers.join("\n"), String::from_utf8_lossy(&body.unwrap_or_default()))
}

#[test]
fn settings_that_can_not_work_are_refused() {
    assert_snapshot!(refused(json!({ "token_url": "https://a:b@login/token" })), @"`token_url` holds a user: write `client_id` and `client_secret` instead");
    assert_snapshot!(refused(json!({ "client_secret": "" })), @"`client_secret` is empty");
    assert_snapshot!(refused(json!({ "scopes": ["read write"] })), @"a scope is one word: write several as a list");
    assert_snapshot!(refused(json!({ "endpoint_params": { "scope": "read" } })), @"`scope` can't be in `endpoint_params`: it is the setting `scopes`");
    assert_snapshot!(refused(json!({ "auth": "header" })), @"unknown variant `header`, expected `basic` or `body`");
}

#[test]
fn the_request_has_the_form_of_the_standard() {
    assert_snapshot!(sent(json!({ "client_id": "ga te", "client_secret": "p:w+%é", "scopes": ["a", "b:c"] })), @"
    POST https://login/token
    authorization: Basic Z2ErdGU6cCUzQXclMkIlMjUlQzMlQTk=
    accept: application/json
    content-type: application/x-www-form-urlencoded
    grant_type=client_credentials&scope=a+b%3Ac
    ");
    assert_snapshot!(sent(json!({ "auth": "body", "endpoint_params": { "audience": "https://api" } })), @"
    POST https://login/token
    accept: application/json
    content-type: application/x-www-form-urlencoded
    grant_type=client_credentials&audience=https%3A%2F%2Fapi&client_id=gate&client_secret=s3cr3t
    ");
}

#[test]
fn debug_shows_no_secret() {
    let oauth2: OAuth2 = serde_json::from_value(with(json!({}))).expect("valid settings");
    assert_snapshot!(format!("{oauth2:?}"), @r#"OAuth2 { token_url: "https://login/token", client_id: "gate", .. }"#);
}
