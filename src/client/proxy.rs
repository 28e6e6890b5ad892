//! The proxy that the environment's variables name for a URL.

use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use crate::env::Env;

use super::Fault;

/// A proxy.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Proxy {
    /// Its URL, which may contain a password.
    pub url: String,
    /// The variable that names it.
    pub variable: &'static str,
    /// Its host and port.
    pub place: String,
}

/// The proxy of a URL. None if no variable names one, or NO_PROXY names the host.
///
/// # Errors
/// When the value of the variable can't be used.
pub fn of(url: &Url, env: &Env) -> Result<Option<Proxy>, Fault> {
    let Some((variable, value)) = named(url, env) else { return Ok(None) };
    let Ok(target) = url.as_str().parse() else { return Ok(None) };
    let excepted = set(env, ["NO_PROXY", "no_proxy"]).map(|(_, value)| excepted(value, url)).unwrap_or_default();
    // Any valid proxy shows whether the host is excepted.
    if Matcher::builder().all("http://proxy").no(excepted).build().intercept(&target).is_none() {
        return Ok(None);
    }
    let invalid = |why: String| {
        let host = url.host_str().unwrap_or_default();
        Fault::new(why).help(format!(
            "set {variable} to the URL of an HTTP proxy, such as `http://proxy.example:3128`; or unset it, or add `{host}` to NO_PROXY"
        ))
    };
    let Some(proxy) = Matcher::builder().all(value.to_owned()).build().intercept(&target) else {
        return Err(invalid(format!("the value of {variable} is not the URL of a proxy")));
    };
    let uri = proxy.uri();
    match uri.scheme_str() {
        Some("http" | "https") => {}
        scheme => {
            return Err(invalid(format!(
                "{variable} names a proxy of an unsupported scheme: `{}`",
                scheme.unwrap_or_default()
            )));
        }
    }
    let place = uri.authority().map(ToString::to_string).unwrap_or_default();
    let url = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    Ok(Some(Proxy { url, variable, place }))
}

/// Whether a variable names a proxy for URLs of this scheme, also if NO_PROXY names the host.
pub fn is_named(url: &Url, env: &Env) -> bool {
    named(url, env).is_some()
}

fn named<'e>(url: &Url, env: &'e Env) -> Option<(&'static str, &'e str)> {
    let own = if url.scheme() == "https" { ["HTTPS_PROXY", "https_proxy"] } else { ["HTTP_PROXY", "http_proxy"] };
    [own, ["ALL_PROXY", "all_proxy"]].into_iter().find_map(|names| set(env, names))
}

/// The first of two variables that is not empty.
fn set<'e>(env: &'e Env, names: [&'static str; 2]) -> Option<(&'static str, &'e str)> {
    names.into_iter().find_map(|name| Some((name, env.var(name).filter(|value| !value.is_empty())?)))
}

/// The hosts of NO_PROXY that concern this URL, as the client takes them: `*.example` is `.example`, and `host:8080` is
/// `host` where that is the port.
fn excepted(list: &str, url: &Url) -> String {
    let port = url.port_or_known_default();
    let entries = list.split(',').map(str::trim).filter_map(|entry| match entry.rsplit_once(':') {
        Some((host, number)) if !host.contains(':') || host.ends_with(']') => match number.parse::<u16>() {
            Ok(number) => (Some(number) == port).then_some(host),
            Err(_) => Some(entry),
        },
        _ => Some(entry),
    });
    entries
        .map(|entry| entry.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(entry))
        .collect::<Vec<_>>()
        .join(",")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn found(url: &str, vars: &[(&str, &str)]) -> String {
        let env = Env::with(vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())), PathBuf::new());
        match of(&Url::parse(url).expect("the test's own URL"), &env) {
            Ok(Some(proxy)) => format!("{} by {}", proxy.place, proxy.variable),
            Ok(None) => "none".to_owned(),
            Err(fault) => fault.to_string(),
        }
    }

    #[test]
    fn the_variable_of_the_scheme_names_the_proxy_unless_the_host_is_excepted() {
        for (url, vars, expected) in [
            ("http://api", &[] as &[_], "none"),
            ("http://api", &[("HTTPS_PROXY", "http://p:1")], "none"),
            ("http://api", &[("HTTP_PROXY", "http://u:secret@p:1")], "p:1 by HTTP_PROXY"),
            ("https://api", &[("https_proxy", "p:1"), ("ALL_PROXY", "q:2")], "p:1 by https_proxy"),
            ("https://api", &[("HTTPS_PROXY", ""), ("ALL_PROXY", "q:2")], "q:2 by ALL_PROXY"),
            ("http://api", &[("HTTP_PROXY", ""), ("http_proxy", "p:1"), ("NO_PROXY", ""), ("no_proxy", "api")], "none"),
            ("http://api.example", &[("HTTP_PROXY", "p:1"), ("NO_PROXY", "example")], "none"),
            ("http://api.example", &[("HTTP_PROXY", "p:1"), ("NO_PROXY", "a, *.example")], "none"),
            ("http://api:8080", &[("HTTP_PROXY", "p:1"), ("NO_PROXY", "api:8080")], "none"),
            ("http://api:80", &[("HTTP_PROXY", "p:1"), ("NO_PROXY", "api:8080,[::1]:80")], "p:1 by HTTP_PROXY"),
            ("http://[fd00::1]:80", &[("HTTP_PROXY", "p:1"), ("NO_PROXY", "fd00::/8")], "none"),
            ("http://api.example", &[("HTTP_PROXY", "a:b:c"), ("no_proxy", "example")], "none"),
            ("http://api", &[("HTTP_PROXY", "nonsense:port:x")], "the value of HTTP_PROXY is not the URL of a proxy"),
            (
                "http://api",
                &[("ALL_PROXY", "socks5://p:1")],
                "ALL_PROXY names a proxy of an unsupported scheme: `socks5`",
            ),
        ] {
            assert_eq!(found(url, vars), expected, "{url} {vars:?}");
        }
    }
}
