//! Why no answer came, as a message: never with the URL's query, which may contain a token.

use std::error::Error;
use std::io::{self, ErrorKind};

use rustls::{AlertDescription, CertificateError as Certificate};
use url::Url;

use crate::client::proxy::Proxy;
use crate::client::{Fault, trust};
use crate::text::error;

/// The meaning of an error of the HTTP client. `proxy` is the one that the request went through.
pub fn fault(error: &reqwest::Error, url: &Url, proxy: Option<&Proxy>) -> Fault {
    let place = place(url);
    if let Some(fault) = proxy.and_then(|proxy| of_proxy(error, proxy, url)) {
        return fault;
    }
    if let Some(error) = find::<rustls::Error>(error) {
        let fault = tls(error, &place, url);
        return if wants_certificate(error) { fault.help(CLIENT_CERTIFICATE) } else { fault };
    }
    if error.is_dns() {
        let host = url.host_str().unwrap_or_default();
        return Fault::new(format!("cannot resolve `{host}`"))
            .help("is the name right, and can this machine resolve it?");
    }
    let words = words(error);
    if words.contains("tunnel") {
        return Fault::new(format!("the proxy did not connect to {place}"))
            .help("the proxy comes from HTTPS_PROXY or HTTP_PROXY; NO_PROXY names what is reached without it");
    }
    if error.is_timeout() {
        return timed_out(&place);
    }
    if error.is_decode() || error.is_body() {
        return Fault::new(format!(
            "the body from {place} is incomplete, or does not have the encoding in its headers"
        ));
    }
    if words.contains("before message completed") || words.contains("end of file") {
        return Fault::new(format!("{place} closed the connection without an answer")).help(guess(url));
    }
    if let Some(error) = find::<io::Error>(error) {
        let fault = connection(error, &place);
        return if fault.help.is_none() { fault.help(guess(url)) } else { fault };
    }
    if words.contains("received unexpected message") {
        return Fault::new(format!("{place} did not answer with HTTP: it sent data before the request"))
            .help("is something else listening on this port, or is it https?");
    }
    if words.contains("message head is too large") {
        return Fault::new(format!(
            "{place} answered with more headers than gate reads: at most {MAX_HEADERS}, and 400 KiB together"
        ))
        .help("which part of the service adds them: the application, a proxy, or a load balancer?");
    }
    if let Some(name) = ["content-length", "transfer-encoding"].into_iter().find(|name| words.contains(name)) {
        return Fault::new(format!("{place} answered with an invalid or contradictory `{name}` header"))
            .help("`curl -v` shows the headers: is there more than one of it?");
    }
    if words.contains("invalid HTTP") || words.contains("header") {
        return Fault::new(format!("{place} did not answer with HTTP"))
            .help("is something else listening on this port, or is it https?");
    }
    if words.contains("http2") {
        return Fault::new(format!("{place} ended the HTTP/2 connection before it had answered"));
    }
    Fault::new(format!("no answer from {place}")).help("`curl -v` shows how far it comes")
}

/// The limit of the HTTP client for one answer.
const MAX_HEADERS: usize = 100;

/// The meaning of an error of a connection to a proxy, or of the proxy itself. None if the target is the cause.
fn of_proxy(error: &reqwest::Error, proxy: &Proxy, url: &Url) -> Option<Fault> {
    let Proxy { variable, place, .. } = proxy;
    let name = format!("the proxy {place} of {variable}");
    let host = url.host_str().unwrap_or_default();
    let words = words(error);
    let fault = match find::<io::Error>(error) {
        _ if error.is_dns() => Fault::new(format!("cannot resolve {name}")),
        Some(error) if words.contains("tcp connect") => connection(error, &name),
        _ if words.contains("tunnel") => {
            let fault = Fault::new(format!("{name} did not connect to {}", self::place(url)));
            return Some(fault.help(format!("may it connect there? to connect without it, add `{host}` to NO_PROXY")));
        }
        _ => return None,
    };
    Some(fault.help(format!("is the proxy running? correct or unset {variable}, or add `{host}` to NO_PROXY")))
}

/// The meaning of status 407 (RFC 9110, section 15.5.8): only a proxy answers it.
pub fn login_required(proxy: &Proxy, url: &Url) -> Fault {
    let Proxy { variable, place, .. } = proxy;
    let host = url.host_str().unwrap_or_default();
    Fault::new(format!("the proxy {place} of {variable} requires a login (407)")).help(format!(
        "set {variable} to a URL with it, such as `http://USER:PASSWORD@HOST:PORT`; or add `{host}` to NO_PROXY"
    ))
}

/// A guess why a server ends the connection instead of answering.
fn guess(url: &Url) -> &'static str {
    match url.scheme() {
        "http" => "does this port use TLS (https://) or another protocol, or did the server crash?",
        _ => "does this port use another protocol, or did the server crash?",
    }
}

const CLIENT_CERTIFICATE: &str = "it may require a client certificate: name yours with `cert: FILE` and `key: FILE`, or check whether it is still valid";

/// Whether the server ended the handshake because it requires a client certificate, or another one.
fn wants_certificate(error: &rustls::Error) -> bool {
    use AlertDescription::{
        BadCertificate, CertificateExpired, CertificateRequired, CertificateUnknown, HandshakeFailure, UnknownCA,
    };
    let rustls::Error::AlertReceived(alert) = error else { return false };
    matches!(
        alert,
        CertificateRequired | HandshakeFailure | BadCertificate | CertificateExpired | CertificateUnknown | UnknownCA
    )
}

/// The meaning of an error of a connection.
pub fn connection(error: &io::Error, place: &str) -> Fault {
    match error.kind() {
        ErrorKind::ConnectionRefused => Fault::new(format!("{place} refused the connection"))
            .help("nothing listens there: is it running, and is this the right port?"),
        ErrorKind::TimedOut => timed_out(place),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => {
            Fault::new(format!("{place} reset the connection"))
        }
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => Fault::new(format!("no route to {place}"))
            .help("is the VPN up, and does a firewall let this machine through?"),
        _ => Fault::new(format!("no connection to {place}: {}", error::os(error))),
    }
}

fn timed_out(place: &str) -> Fault {
    Fault::new(format!("no answer from {place} in time")).help("does a firewall drop packets, or does the server hang?")
}

/// The meaning of an error of TLS.
pub fn tls(error: &rustls::Error, place: &str, url: &Url) -> Fault {
    match error {
        rustls::Error::InvalidCertificate(problem) => certificate(problem, place, url),
        rustls::Error::AlertReceived(alert) => refused(*alert, place),
        rustls::Error::InvalidMessage(_) => {
            Fault::new(format!("{place} did not answer with TLS")).help("is it plain http?")
        }
        rustls::Error::PeerIncompatible(_) => {
            Fault::new(format!("{place} offers only versions or ciphers of TLS that are not supported"))
                .help("TLS 1.2 and 1.3 are supported")
        }
        rustls::Error::NoApplicationProtocol => {
            Fault::new(format!("{place} supports none of the protocols that were offered"))
        }
        _ => Fault::new(format!("the TLS handshake with {place} failed"))
            .help("`openssl s_client -connect` shows what the server sends"),
    }
}

/// Why the server ended the handshake.
fn refused(alert: AlertDescription, place: &str) -> Fault {
    match alert {
        AlertDescription::CertificateRequired => {
            Fault::new(format!("{place} requires a client certificate")).help("client certificates are not supported")
        }
        AlertDescription::ProtocolVersion => Fault::new(format!("{place} does not support TLS 1.2 or 1.3")),
        AlertDescription::UnrecognisedName => Fault::new(format!("{place} does not know the requested host name")),
        AlertDescription::NoApplicationProtocol => {
            Fault::new(format!("{place} supports none of the protocols that were offered"))
        }
        AlertDescription::HandshakeFailure | AlertDescription::BadCertificate => {
            Fault::new(format!("{place} refused the TLS handshake"))
                .help("it may require a client certificate, which is not supported, or another version of TLS")
        }
        _ => Fault::new(format!("{place} refused the TLS handshake")),
    }
}

fn certificate(problem: &Certificate, place: &str, url: &Url) -> Fault {
    let host = url.host_str().unwrap_or_default();
    match problem {
        Certificate::Expired | Certificate::ExpiredContext { .. } => {
            Fault::new(format!("the certificate of {place} has expired")).help("renew it")
        }
        Certificate::NotValidYet | Certificate::NotValidYetContext { .. } => {
            Fault::new(format!("the certificate of {place} is not valid yet")).help("is this machine's clock right?")
        }
        Certificate::NotValidForName => Fault::new(format!("the certificate of {place} is not for `{host}`")),
        Certificate::NotValidForNameContext { presented, .. } => {
            let names: Vec<&str> = presented.iter().map(|name| bare_name(name)).collect();
            let fault = Fault::new(format!("the certificate of {place} is not for `{host}`"));
            match names.is_empty() {
                true => fault.help(format!("it has {NO_NAMES}")),
                false => fault.help(format!("it is for {}", names.join(", "))),
            }
        }
        Certificate::UnknownIssuer => Fault::new(format!("the certificate of {place} is from an unknown issuer"))
            .help("name the issuer's certificate with `ca: FILE`, or disable verification with `insecure: true`"),
        Certificate::Revoked => Fault::new(format!("the certificate of {place} was revoked")).help("renew it"),
        problem if trust::is_self_signed(problem) => {
            Fault::new(format!("the certificate of {place} is self-signed, so it is not trusted")).help(
                "if that is intended, set `ca` to the file of this certificate, or disable verification with \
                 `insecure: true`",
            )
        }
        other => Fault::new(format!("the certificate of {place} is not accepted: {}", fault_of(other)))
            .help("if it is meant to be so, name this very certificate with `ca: FILE`"),
    }
}

/// The problem of a certificate that names its server only in its subject, as many old ones do.
pub const NO_NAMES: &str = "no subject alternative names, and its common name (CN) does not count";

/// Why a certificate is not accepted.
pub fn fault_of(problem: &Certificate) -> &'static str {
    match problem {
        Certificate::BadEncoding => "it is malformed",
        Certificate::BadSignature => "its signature is wrong",
        Certificate::UnhandledCriticalExtension => "it has a critical extension that is not supported",
        Certificate::InvalidPurpose | Certificate::InvalidPurposeContext { .. } => "it is not a server's certificate",
        Certificate::UnsupportedSignatureAlgorithmContext { .. }
        | Certificate::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "it is signed with an algorithm that is not supported"
        }
        Certificate::UnknownRevocationStatus => "it is not known whether it was revoked",
        // Of an authority itself, of an old version, or for another purpose.
        _ => "it is an authority's own certificate, or of an old format",
    }
}

/// A name that a certificate is valid for, without the type that the library writes around it: `DnsName("host")`.
fn bare_name(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name);
    inner.trim_matches('"')
}

/// `host:port`, the only part of a URL that errors show.
pub fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port_or_known_default().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The first error of this type on the way to the root. An `io::Error` does not name what it wraps as its source.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(found) = wrapped.and_then(|wrapped| find::<E>(wrapped)) {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// The messages of the innermost errors, without the layers of the client around them.
fn words(error: &reqwest::Error) -> String {
    let mut said: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(error) = next {
        let text = lower(&error.to_string());
        if !matches!(text.to_ascii_lowercase().as_str(), "client error (connect)" | "client error (sendrequest)")
            && !said.iter().any(|earlier| earlier.contains(&text))
        {
            said.push(text);
        }
        next = error.source();
    }
    if said.is_empty() { "the request could not be sent".to_owned() } else { said.join(": ") }
}

fn lower(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use rustls::pki_types::ServerName;

    use super::*;

    #[test]
    fn tls_errors_have_their_own_words() {
        let url = Url::parse("https://api.example").expect("the test's own URL");
        let said = |error: rustls::Error| {
            let fault = tls(&error, "api.example:443", &url);
            format!("{fault} | {}", fault.help.as_deref().unwrap_or_default())
        };
        let context = Certificate::NotValidForNameContext {
            expected: ServerName::try_from("api.example").expect("a name"),
            presented: vec!["DnsName(\"other.example\")".to_owned(), "IpAddress(10.0.0.1)".to_owned()],
        };
        assert_snapshot!(said(context.into()), @"the certificate of api.example:443 is not for `api.example` | it is for other.example, 10.0.0.1");
        assert_snapshot!(said(rustls::Error::AlertReceived(AlertDescription::CertificateRequired)), @"api.example:443 requires a client certificate | client certificates are not supported");
        assert_snapshot!(said(rustls::Error::General("OtherError".to_owned())), @"the TLS handshake with api.example:443 failed | `openssl s_client -connect` shows what the server sends");
    }
}
