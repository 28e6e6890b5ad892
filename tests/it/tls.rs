//! `tls` with nginx and valid and invalid certificates, with servers without TLS, and with PostgreSQL.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

use gate::probe::tls::{Tls, TlsSeen};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{self, Authority, Certificate, Nginx, Project};
use crate::observe::{observe, probe, refused};

const BLOCK: &str = "location / { return 200; }";

fn address(server: &Nginx) -> String {
    format!("127.0.0.1:{}", server.port)
}

fn reported(settings: Value, seen: &TlsSeen) -> String {
    let probe: Tls = probe(settings);
    crate::observe::reported(&probe, seen)
}

/// The report about an nginx with this certificate.
fn look_at(certificate: &Certificate, settings: &Value) -> (TlsSeen, String) {
    let server = harness::nginx_tls(certificate, BLOCK);
    let mut all = settings.clone();
    all["address"] = json!(address(&server));
    let seen = observe::<Tls>(all.clone()).expect("there is a certificate to be seen");
    let reported = reported(all, &seen);
    (seen, reported)
}

#[test]
fn a_certificate_from_a_trusted_issuer_is_verified() {
    let authority = Authority::new();
    let certificate = authority.issue_for("server", &["127.0.0.1", "api.example"], (2090, 3, 1));
    let (seen, reported) = look_at(&certificate, &json!({ "ca": authority.ca() }));
    assert_snapshot!(reported, @"TLSv1.2, valid until 2090-03-01 | it expires on 2090-03-01: renew the certificate");
    assert!(seen.days_left > 10_000, "{seen:?}");
    let seen = TlsSeen { days_left: 0, chain: Vec::new(), ..seen };
    assert_snapshot!(serde_json::to_string(&seen).expect("it is JSON"), @r#"{"verified":true,"days_left":0,"not_after":"2090-03-01T00:00:00Z","issuer":"CN=An authority of the tests","subject":"CN=rcgen self signed cert","names":["127.0.0.1","api.example"],"chain":[],"version":"TLSv1.2"}"#);
}

#[test]
fn an_untrusted_certificate_is_observed_anyway() {
    let authority = Authority::new();
    let good = authority.issue();
    let ca = json!({ "ca": authority.ca() });
    assert_snapshot!(look_at(&good, &json!({})).1, @"unknown issuer, valid until 4096-01-01 | `CN=An authority of the tests` is not known here, and the server sends no other certificate: does it lack the intermediate one, or is its issuer's certificate missing as `ca: FILE`?");
    let other = json!({ "ca": authority.ca(), "name": "other.example" });
    assert_snapshot!(look_at(&good, &other).1, @"wrong name, valid until 4096-01-01 | the certificate is not for `other.example`, but for 127.0.0.1, localhost");

    let expired = authority.issue_for("expired", &["127.0.0.1"], (2025, 1, 1));
    let (seen, reported) = look_at(&expired, &ca);
    assert_snapshot!(reported, @"expired on 2025-01-01 | it expired on 2025-01-01: renew it");
    assert!(!seen.verified && seen.days_left < 0, "{seen:?}");
}

#[test]
fn a_self_signed_certificate_is_trusted_only_where_it_is_named() {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("the name is valid");
    let directory = harness::directory("self-signed");
    let own = Certificate { certificate: directory.join("own.pem"), key: directory.join("own.key") };
    fs::write(&own.certificate, made.cert.pem()).expect("the directory is writable");
    fs::write(&own.key, made.signing_key.serialize_pem()).expect("the directory is writable");
    let (seen, reported) = look_at(&own, &json!({}));
    assert_snapshot!(reported, @"self-signed, valid until 4096-01-01 | it is self-signed: if that is intended, set `ca` to the file of this certificate");
    assert_eq!((seen.reason.as_deref(), seen.issuer == seen.subject), (Some("self-signed"), true));
    for own in odd_certificates().iter().chain([&own]) {
        let server = harness::nginx_tls(own, BLOCK);
        let error = observe::<gate::probe::http::Http>(json!({ "url": server.url() })).expect_err("it is not trusted");
        assert!(error.contains("is self-signed, so it is not trusted"), "{error}");
        assert!(error.contains("if that is intended, set `ca` to the file of this certificate"), "{error}");
    }
    let (seen, _) = look_at(&own, &json!({ "ca": own.certificate }));
    assert!(seen.verified, "{seen:?}");
}

/// A self-signed certificate of an authority, and one of X.509 version 1.
pub fn odd_certificates() -> Vec<Certificate> {
    let directory = harness::directory("odd");
    let mut params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("the name is valid");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().expect("a key can be made");
    let authority = Certificate { certificate: directory.join("ca.pem"), key: directory.join("ca.key") };
    fs::write(&authority.certificate, params.self_signed(&key).expect("it is valid").pem())
        .expect("the directory is writable");
    fs::write(&authority.key, key.serialize_pem()).expect("the directory is writable");
    let script = "openssl req -new -newkey rsa:2048 -nodes -keyout old.key -subj /CN=127.0.0.1 -out old.csr && \
                  openssl x509 -req -in old.csr -signkey old.key -days 900 -out old.pem && openssl x509 -in old.pem -noout -text";
    let made = std::process::Command::new("sh")
        .args(["-c", script])
        .current_dir(&directory)
        .output()
        .expect("sh is installed");
    assert!(String::from_utf8_lossy(&made.stdout).contains("Version: 1 "), "{made:?}");
    vec![authority, Certificate { certificate: directory.join("old.pem"), key: directory.join("old.key") }]
}

#[test]
fn a_certificate_that_is_named_itself_is_trusted_whatever_it_is() {
    for own in odd_certificates() {
        for versions in ["TLSv1.2", "TLSv1.3"] {
            let server = harness::nginx_tls(&own, &format!("ssl_protocols {versions}; {BLOCK}"));
            let name = own.certificate.display();
            let seen =
                |ca: Value| observe::<Tls>(json!({ "address": address(&server), "ca": ca })).expect("it speaks TLS");
            let without = seen(Value::Null);
            assert_eq!(without.reason.as_deref(), Some("self-signed"), "{name} {versions}");
            let pinned = seen(json!(own.certificate));
            assert!(pinned.verified && pinned.version == versions, "{name}: {pinned:?}");
            let http = observe::<gate::probe::http::Http>(json!({ "url": server.url(), "ca": own.certificate }));
            assert_eq!(http.expect("it is trusted").status, 200, "{name} {versions}");
            observe::<gate::probe::http::Http>(json!({ "url": server.url(), "insecure": true }))
                .expect("it is not verified");
            let other = json!({ "address": address(&server), "ca": own.certificate, "name": "other.example" });
            assert_eq!(observe::<Tls>(other).expect("it speaks TLS").reason.as_deref(), Some("wrong name"), "{name}");
        }
    }
}

#[test]
fn the_shortest_life_in_the_chain_counts() {
    let root = Authority::new();
    let intermediate = root.intermediate((2090, 3, 1));
    let certificate = intermediate.issue_for("server", &["127.0.0.1"], (2095, 3, 1));
    let read = |path| fs::read_to_string(path).expect("it was written");
    let both = read(&certificate.certificate) + &read(&intermediate.ca());
    fs::write(&certificate.certificate, both).expect("the directory is writable");
    let (seen, reported) = look_at(&certificate, &json!({ "ca": root.ca() }));
    assert_eq!((seen.verified, seen.not_after.as_str()), (true, "2090-03-01T00:00:00Z"));
    assert_eq!(seen.days_left, seen.chain[1].days_left);
    assert_snapshot!(reported, @"TLSv1.2, valid until 2090-03-01 (CN=An intermediate of the tests) | `CN=An intermediate of the tests` in the chain expires first: configure the server with the issuer's new one");
    let server = harness::nginx_tls(&certificate, BLOCK);
    let http = observe::<gate::probe::http::Http>(json!({ "url": server.url(), "ca": root.ca() })).expect("it answers");
    let tls = http.tls.expect("it speaks TLS");
    assert_eq!((tls.days_left, tls.not_after.as_str()), (seen.days_left, "2090-03-01T00:00:00Z"));
}

#[test]
fn every_certificate_that_is_sent_is_in_the_chain() {
    let authority = Authority::new();
    let certificate = authority.issue();
    let read = |path| fs::read_to_string(path).expect("it was written");
    let both = read(&certificate.certificate) + &read(&authority.ca());
    fs::write(&certificate.certificate, both).expect("the directory is writable");
    let (seen, reported) = look_at(&certificate, &json!({}));
    let subjects: Vec<&str> = seen.chain.iter().map(|certificate| certificate.subject.as_str()).collect();
    assert_snapshot!(subjects.join(" <- "), @"CN=rcgen self signed cert <- CN=An authority of the tests");
    // Whether sent or not, an unknown authority is not trusted.
    assert_snapshot!(reported, @"unknown issuer, valid until 4096-01-01 | if it is your own issuer, set `ca` to the file of its certificate");
}

#[test]
fn the_version_and_the_protocol_are_seen() {
    let authority = Authority::new();
    let server = harness::nginx_tls(&authority.issue(), &format!("ssl_protocols TLSv1.2; {BLOCK}"));
    let observe =
        |alpn: Value| observe::<Tls>(json!({ "address": address(&server), "ca": authority.ca(), "alpn": alpn }));
    let seen = observe(json!(["http/1.1"])).expect("it speaks TLS");
    assert_eq!((seen.version.as_str(), seen.alpn.as_deref()), ("TLSv1.2", Some("http/1.1")));
    assert_eq!(observe(json!([])).expect("it speaks TLS").alpn, None);
    assert_snapshot!(without_port(&observe(json!(["nonsense"])).expect_err("the version is not supported")), @"
    HOST supports none of the protocols that were offered
    ");
}

/// An error without the port, which differs each time.
fn without_port(error: &str) -> String {
    let port = regex::Regex::new(r"127\.0\.0\.1:\d+").expect("it is well formed");
    port.replace_all(error, "HOST").into_owned()
}

#[test]
fn a_server_without_tls_is_an_error() {
    let plain = harness::nginx(BLOCK);
    let error = |settings: Value| without_port(&observe::<Tls>(settings).expect_err("it speaks no TLS"));
    assert_snapshot!(error(json!({ "address": address(&plain) })), @"
    HOST did not answer with TLS
    help: does this port use TLS, without STARTTLS?
    ");
    let closes = harness::raw(drop);
    assert!(error(json!({ "address": format!("127.0.0.1:{}", closes.port()) })).starts_with("HOST "));
    assert_snapshot!(error(json!({ "address": format!("127.0.0.1:{}", harness::free_port()) })), @"
    HOST refused the connection
    help: nothing listens there: is it running, and is this the right port?
    ");
    assert_snapshot!(error(json!({ "address": "no-such-host.invalid:443" })).lines().last().unwrap_or_default(), @"help: is the name right, and can this machine resolve it?");
}

#[test]
fn postgres_is_asked_for_tls_first() {
    let settings =
        |port| json!({ "address": format!("127.0.0.1:{port}"), "starttls": "postgres", "name": "localhost" });
    let plain = observe::<Tls>(settings(harness::postgres().port())).expect_err("that one has no certificate");
    assert_snapshot!(without_port(&plain), @"
    HOST does not support TLS
    help: set `ssl = on` in PostgreSQL
    ");

    // In front of nginx, a server that first answers like PostgreSQL with TLS.
    let authority = Authority::new();
    let behind = harness::nginx_tls(&authority.issue(), BLOCK);
    let port = behind.port;
    let server = harness::raw(move |mut client| {
        let mut asked = [0; 8];
        client.read_exact(&mut asked).expect("eight bytes are sent");
        assert_eq!(asked, [0, 0, 0, 8, 4, 210, 22, 47]);
        client.write_all(b"S").expect("the client listens");
        let mut server = TcpStream::connect(("127.0.0.1", port)).expect("nginx listens");
        let (mut to, mut from) = (server.try_clone().expect("a socket"), client.try_clone().expect("a socket"));
        thread::spawn(move || std::io::copy(&mut from, &mut to));
        std::io::copy(&mut server, &mut client).ok();
    });
    let mut settings = settings(server.port());
    settings["ca"] = json!(authority.ca());
    assert!(observe::<Tls>(settings).expect("it speaks TLS").verified);
}

#[test]
fn silence_ends_with_the_deadline_and_an_expired_certificate_is_red() {
    let silent = harness::raw(|mut client| drop(client.read_to_end(&mut Vec::new())));
    let authority = Authority::new();
    let expired = harness::nginx_tls(&authority.issue_for("expired", &["127.0.0.1"], (2025, 1, 1)), BLOCK);
    let (silent, expired, ca) = (silent.port(), expired.port, authority.ca());
    let project = Project::new(&format!(
        "
        title: Staging
        defaults: {{ timeout: 500ms, retry: {{ attempts: 1 }} }}
        sections:
          - title: TLS
            items:
              - {{ id: silent, title: Silent, probes: [{{ tls: {{ address: \"127.0.0.1:{silent}\" }} }}] }}
              - id: expired
                title: Expired
                timeout: 10s
                probes: [{{ tls: {{ address: \"127.0.0.1:{expired}\", ca: {} }} }}]
        ",
        ca.display()
    ));
    let output = project.gate(&["check", "staging"]);
    assert_eq!(output.code, 1, "{}{}", output.stdout, output.stderr);
    assert!(output.stdout.contains("no answer within 500ms"), "{}", output.stdout);
    assert!(output.stdout.contains("verified: expected true, got false"), "{}", output.stdout);
}

#[test]
fn a_name_that_no_certificate_can_be_for_is_refused_at_load() {
    assert_snapshot!(refused::<Tls>(json!({ "address": "h:443", "name": "a b" })), @"this is not a name that a certificate can be for: `api.staging.example`");
    assert_snapshot!(refused::<Tls>(json!({ "address": "h" })), @"invalid address: expected a host and a port from 1 to 65535, such as `db.staging.example:5432`");
}
