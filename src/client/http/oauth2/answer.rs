//! The answer of a token endpoint: an access token, or the reason why none was issued. No error quotes the answer.

use std::time::Duration;

use reqwest::header::HeaderValue;
use serde_json::Value;

use crate::client::Fault;
use crate::secret::Redactor;
use crate::text::json;

use super::ClientAuth;

/// A shorter value occurs in every text by chance: it can't be redacted in reports.
const SHORTEST: usize = 4;

/// The name of an access token in reports.
const NAME: &str = "ACCESS_TOKEN";

/// An access token that the redactor hides. It can only be made here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken(HeaderValue);

/// A token, and how long it is valid.
#[derive(Debug)]
pub struct Granted {
    /// The token.
    pub token: AccessToken,
    /// How long it is valid, if the server says so.
    pub valid_for: Option<Duration>,
}

impl AccessToken {
    /// Hides the token from now on. None if it can't be sent.
    pub fn learn(text: &str, redactor: &Redactor) -> Option<Self> {
        redactor.learn(NAME, text);
        let is_sendable = text.bytes().all(|byte| byte.is_ascii_graphic());
        let mut value = HeaderValue::try_from(format!("Bearer {text}")).ok().filter(|_| is_sendable)?;
        value.set_sensitive(true);
        Some(Self(value))
    }

    /// `Bearer …`.
    pub fn header(&self) -> &HeaderValue {
        &self.0
    }
}

/// Reads the answer of the token endpoint at this place.
pub fn read(status: u16, body: &[u8], place: &str, auth: ClientAuth, redactor: &Redactor) -> Result<Granted, Fault> {
    let answer = json::parse::<Value>(body);
    // First of all, so that no message shows them.
    for (key, name) in [("access_token", NAME), ("refresh_token", "REFRESH_TOKEN"), ("id_token", "ID_TOKEN")] {
        if let Some(text) = answer.as_ref().ok().and_then(|answer| answer[key].as_str()) {
            redactor.learn(name, text);
        }
    }
    let expected = |got: &str, help: &'static str| {
        Fault::new(format!("expected an access token from {place}, got {got}")).help(help)
    };
    if let Some(code) = answer.as_ref().ok().and_then(|answer| code(&answer["error"])) {
        return Err(expected(&format!("{code} ({status})"), help(code, auth)));
    }
    match status {
        200..=299 => {}
        300..=399 => {
            let help = "a redirect is not followed with a secret: is `token_url` the token endpoint?";
            return Err(expected(&format!("a redirect ({status})"), help));
        }
        401 | 403 => return Err(expected(&status.to_string(), help("invalid_client", auth))),
        429 => return Err(expected("429", "the client is rate limited: try again later")),
        500.. => return Err(expected(&status.to_string(), "the server has an error: its log says which")),
        _ => return Err(expected(&status.to_string(), "is `token_url` the token endpoint?")),
    }
    let Ok(answer) = answer else {
        let is_page = body.trim_ascii_start().starts_with(b"<");
        let got = if is_page { "a web page" } else { "an answer that is not JSON" };
        return Err(expected(got, "is `token_url` the token endpoint, and not behind a login itself?"));
    };
    let Some(text) = answer["access_token"].as_str().filter(|text| !text.is_empty()) else {
        return Err(expected("JSON without `access_token`", "is `token_url` the token endpoint?"));
    };
    if text.trim().chars().count() < SHORTEST {
        return Err(expected("one of fewer than 4 characters", "it can't be kept out of reports: let it be longer"));
    }
    // Some servers leave it out although the standard requires it.
    let is_bearer = |kind: &Value| kind.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"));
    if answer.get("token_type").is_some_and(|kind| !kind.is_null() && !is_bearer(kind)) {
        return Err(expected(
            "one of another type",
            "only the type `Bearer` is supported: `token_type` in the answer says which it is",
        ));
    }
    let Some(token) = AccessToken::learn(text, redactor) else {
        return Err(expected("one that can't be sent", "it holds a blank, a line break or no ASCII"));
    };
    Ok(Granted { token, valid_for: valid_for(&answer["expires_in"]) })
}

/// How long a token is valid. Some servers write the number as text, and 0 where they don't know.
fn valid_for(expires_in: &Value) -> Option<Duration> {
    let seconds = expires_in.as_f64().or_else(|| expires_in.as_str()?.trim().parse().ok())?;
    Duration::try_from_secs_f64(seconds).ok().filter(|valid| !valid.is_zero())
}

/// The codes of RFC 6749, section 5.2, of RFC 8707, and two that servers use here as well. Another text of a server is not
/// shown.
const CODES: [&str; 10] = [
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "invalid_target",
    "access_denied",
    "server_error",
    "temporarily_unavailable",
];

fn code(error: &Value) -> Option<&'static str> {
    if error.is_null() {
        return None;
    }
    let known = error.as_str().and_then(|text| CODES.into_iter().find(|code| *code == text));
    Some(known.unwrap_or("an error code that is not in the standard"))
}

fn help(code: &str, auth: ClientAuth) -> &'static str {
    match (code, auth) {
        ("invalid_client", ClientAuth::Basic) => {
            "are `client_id` and `client_secret` right? some servers want them as parameters: `auth: body`"
        }
        ("invalid_client", ClientAuth::Body) => {
            "are `client_id` and `client_secret` right? some servers want them in a header: `auth: basic`"
        }
        ("unauthorized_client" | "unsupported_grant_type" | "access_denied" | "invalid_grant", _) => {
            "does the server permit the grant type `client_credentials` to this client?"
        }
        ("invalid_scope", _) => "does the server know the `scopes`, and may the client have them?",
        ("invalid_target", _) => "is `audience` or `resource` in `endpoint_params` right?",
        ("invalid_request", _) => "does the server need something in `endpoint_params`, such as `audience`?",
        ("server_error" | "temporarily_unavailable", _) => "the server has an error: its log says which",
        _ => "are the settings of `oauth2` those that the server wants? its log says more",
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::json;

    use super::*;

    fn refused(status: u16, body: &str) -> String {
        let redactor = Redactor::default();
        let fault = read(status, body.as_bytes(), "login:443", ClientAuth::Basic, &redactor).expect_err("no token");
        let help = fault.help.as_deref().expect("each says what to do");
        assert!(!format!("{fault} {help}").contains("t0ken"), "{fault} {help}");
        format!("{fault} | {help}")
    }

    #[test]
    fn each_refusal_says_what_to_do() {
        assert_snapshot!(refused(401, r#"{"error":"invalid_client","error_description":"t0ken"}"#), @"expected an access token from login:443, got invalid_client (401) | are `client_id` and `client_secret` right? some servers want them as parameters: `auth: body`");
        assert_snapshot!(refused(400, r#"{"error":"invalid_scope"}"#), @"expected an access token from login:443, got invalid_scope (400) | does the server know the `scopes`, and may the client have them?");
        assert_snapshot!(refused(400, r#"{"error":"unauthorized_client"}"#), @"expected an access token from login:443, got unauthorized_client (400) | does the server permit the grant type `client_credentials` to this client?");
        assert_snapshot!(refused(400, r#"{"error":"t0ken"}"#), @"expected an access token from login:443, got an error code that is not in the standard (400) | are the settings of `oauth2` those that the server wants? its log says more");
        assert_snapshot!(refused(401, "t0ken"), @"expected an access token from login:443, got 401 | are `client_id` and `client_secret` right? some servers want them as parameters: `auth: body`");
        assert_snapshot!(refused(302, ""), @"expected an access token from login:443, got a redirect (302) | a redirect is not followed with a secret: is `token_url` the token endpoint?");
        assert_snapshot!(refused(404, "{}"), @"expected an access token from login:443, got 404 | is `token_url` the token endpoint?");
        assert_snapshot!(refused(503, "t0ken"), @"expected an access token from login:443, got 503 | the server has an error: its log says which");
        assert_snapshot!(refused(200, "<html>t0ken"), @"expected an access token from login:443, got a web page | is `token_url` the token endpoint, and not behind a login itself?");
        assert_snapshot!(refused(200, "access_token=t0ken"), @"expected an access token from login:443, got an answer that is not JSON | is `token_url` the token endpoint, and not behind a login itself?");
        assert_snapshot!(refused(200, r#"{"id_token":"t0ken-of-id"}"#), @"expected an access token from login:443, got JSON without `access_token` | is `token_url` the token endpoint?");
        assert_snapshot!(refused(200, r#"{"access_token":"the-t0ken","token_type":"t0ken"}"#), @"expected an access token from login:443, got one of another type | only the type `Bearer` is supported: `token_type` in the answer says which it is");
        assert_snapshot!(refused(200, r#"{"access_token":"a t0ken"}"#), @"expected an access token from login:443, got one that can't be sent | it holds a blank, a line break or no ASCII");
        assert_snapshot!(refused(200, r#"{"access_token":"t"}"#), @"expected an access token from login:443, got one of fewer than 4 characters | it can't be kept out of reports: let it be longer");
    }

    #[test]
    fn a_token_is_hidden_as_soon_as_it_is_read() {
        let redactor = Redactor::default();
        let body = json!({ "access_token": "the-t0ken", "token_type": "bEARER", "expires_in": "60", "refresh_token": "the-0ther" });
        let granted = read(200, body.to_string().as_bytes(), "login:443", ClientAuth::Basic, &redactor);
        let granted = granted.expect("it is a token");
        assert_eq!(granted.token.header(), "Bearer the-t0ken");
        assert_eq!(granted.valid_for, Some(Duration::from_secs(60)));
        assert_eq!(redactor.redact("the-t0ken the-0ther"), "[ACCESS_TOKEN] [REFRESH_TOKEN]");
        assert!(!format!("{granted:?}").contains("t0ken"), "{granted:?}");
    }

    #[test]
    fn a_server_may_say_in_several_ways_how_long_a_token_is_valid() {
        for (expires_in, expected) in [
            (json!(3600), Some(3600)),
            (json!("60"), Some(60)),
            (json!(0), None),
            (json!(-1), None),
            (json!(null), None),
        ] {
            assert_eq!(valid_for(&expires_in).map(|valid| valid.as_secs()), expected, "{expires_in}");
        }
        assert_eq!(valid_for(&json!(1e300)), None);
    }
}
