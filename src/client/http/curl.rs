//! The curl command that sends the same request.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use url::Url;

use crate::client::HttpOptions;
use crate::text::shell::quoted;

use super::{Request, text};

/// The call of curl that sends the same request, with `more` options. Where that needs an access token, a line of a shell
/// gets it first.
pub fn curl(request: &Request, options: &HttpOptions, more: &[&str]) -> Vec<String> {
    let mut argv = vec!["curl".to_owned()];
    argv.extend(more.iter().map(|&option| option.to_owned()));
    match request.method {
        // `-X HEAD` would wait for a body.
        reqwest::Method::HEAD => argv.push("-I".to_owned()),
        _ => argv.push("-i".to_owned()),
    }
    if request.method != reqwest::Method::GET && request.method != reqwest::Method::HEAD {
        argv.extend(["-X".to_owned(), request.method.to_string()]);
    }
    for (name, value) in &request.headers {
        match basic(name, value) {
            Some(login) => argv.extend(["-u".to_owned(), login]),
            None => argv.extend(["-H".to_owned(), format!("{name}: {}", text(value))]),
        }
    }
    if let Some(body) = &request.body {
        argv.extend(["--data-raw".to_owned(), String::from_utf8_lossy(body).into_owned()]);
        if request.method == reqwest::Method::GET {
            argv.extend(["-X".to_owned(), "GET".to_owned()]);
        }
    }
    argv.extend(connection(&request.url, options));
    let url = request.url.to_string();
    // Otherwise curl takes them for ranges and lists.
    if url.contains(['[', ']', '{', '}']) {
        argv.push("-g".to_owned());
    }
    argv.push(url);
    match &request.oauth2 {
        None => argv,
        Some(oauth2) => {
            oauth2.shell(argv, |url| connection(url, options).iter().map(|word| quoted(word) + " ").collect())
        }
    }
}

/// `USER:PASSWORD` of a header of basic authentication: in base64, no variable could take the place of the password.
fn basic(name: &HeaderName, value: &HeaderValue) -> Option<String> {
    let encoded = text(value).strip_prefix("Basic ").filter(|_| name == AUTHORIZATION)?.to_owned();
    let login = String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?;
    login.contains(':').then_some(login)
}

/// The options of the connection.
fn connection(url: &Url, options: &HttpOptions) -> Vec<String> {
    let mut argv = Vec::new();
    if options.insecure {
        argv.push("-k".to_owned());
    }
    if let Some(ca) = &options.ca {
        argv.extend(["--cacert".to_owned(), ca.display().to_string()]);
    }
    if let Some((certificate, key)) = &options.identity {
        argv.extend(["--cert".to_owned(), certificate.display().to_string()]);
        argv.extend(["--key".to_owned(), key.display().to_string()]);
    }
    let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default());
    if let (Some(address), Some(port)) = (options.resolve.get(host), port) {
        argv.extend(["--resolve".to_owned(), format!("{host}:{port}:{address}")]);
    }
    argv
}
