//! `dns` with a real dnsmasq, and with resolvers that refuse, fail, or never answer.

use std::net::UdpSocket;
use std::path::Path;
use std::thread;
use std::time::Duration;

use gate::probe::Probe;
use gate::probe::dns::{Dns, DnsSeen};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{self, Project};
use crate::observe::{context, observe, observe_in, probe, read, refused};

fn settings(name: &str, kind: &str) -> Value {
    json!({ "name": name, "type": kind, "resolver": harness::dnsmasq().address() })
}

fn ask(name: &str, kind: &str) -> DnsSeen {
    observe::<Dns>(settings(name, kind)).expect("it answers")
}

fn reported(name: &str, kind: &str) -> String {
    let seen = ask(name, kind);
    let probe: Dns = probe(settings(name, kind));
    format!("{} | {}", probe.evidence(&seen), probe.advice(&seen).unwrap_or_default())
}

/// A resolver that answers every question with this code, or never.
fn resolver(code: Option<u8>) -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = socket.local_addr().expect("the socket is bound").to_string();
    thread::spawn(move || {
        let mut question = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut question) {
            if let Some(code) = code {
                question[2] |= 0x80; // an answer
                question[3] = 0x80 | code;
                socket.send_to(&question[..length], from).ok();
            }
        }
    });
    address
}

/// The report about a resolver, without its port.
fn error(resolver: &str) -> String {
    let cx = context(Path::new("/"), &[]).with_timeout(Duration::from_secs(2));
    let settings = json!({ "name": "api.staging.test", "resolver": resolver });
    let error = observe_in::<Dns>(&cx, settings).expect_err("the resolver fails");
    error.replace(resolver, "ADDRESS")
}

#[test]
fn records_of_each_type_are_seen() {
    let seen = ask("api.staging.test", "A");
    assert_snapshot!(serde_json::to_string(&seen).expect("it is JSON"), @r#"{"status":"found","count":2,"records":["10.1.2.3","10.1.2.4"],"aliases":[],"ttl":120}"#);
    let records = |name, kind| ask(name, kind).records.join(" ");
    assert_snapshot!(records("six.staging.test", "AAAA"), @"fd00::1");
    assert_snapshot!(records("staging.test", "MX"), @"10 mail.staging.test");
    assert_snapshot!(records("staging.test", "TXT"), @"v=spf1 -all.");
    assert_snapshot!(records("_smtp._tcp.staging.test", "SRV"), @"1 2 25 mail.staging.test");
    assert_snapshot!(records("www.staging.test", "CNAME"), @"api.staging.test");
    assert_snapshot!(reported("api.staging.test", "A"), @"10.1.2.3, 10.1.2.4 | ");
}

#[test]
fn a_cname_leads_to_its_addresses() {
    let seen = ask("www.staging.test", "A");
    assert_eq!((seen.count, seen.aliases), (2, vec!["api.staging.test".to_owned()]));
}

#[test]
fn an_unknown_name_and_a_missing_record_are_distinguished() {
    assert_snapshot!(reported("missing.staging.test", "A"), @"no such name | is the name right, and can this resolver see its zone?");
    assert_snapshot!(reported("six.staging.test", "A"), @"no such record | the name is there, but has no record of type A");
}

#[test]
fn a_failing_resolver_is_an_error_of_its_own_kind() {
    assert_snapshot!(error(&resolver(Some(2))), @"
    the resolver ADDRESS failed to resolve it (SERVFAIL)
    help: do the name servers of this zone answer, and are its DNSSEC signatures valid?
    ");
    assert_snapshot!(error(&resolver(Some(5))), @"
    the resolver ADDRESS refused the query (REFUSED)
    help: is this machine allowed to query it, and does it serve this zone?
    ");
    assert_snapshot!(error(&resolver(None)), @"
    the resolver ADDRESS did not answer in time
    help: is it running, and does a firewall let packets through to it?
    ");
    let nobody = format!("127.0.0.1:{}", harness::free_port());
    assert!(error(&nobody).starts_with("the resolver ADDRESS "), "{}", error(&nobody));
}

#[test]
fn a_missing_name_is_red_and_a_silent_resolver_could_not_be_observed() {
    let check = |resolver: &str, name: &str| {
        let text = format!(
            "
            title: Staging
            defaults: {{ timeout: 2s, retry: {{ attempts: 1 }} }}
            sections:
              - title: DNS
                items:
                  - {{ id: dns, title: It is known, probes: [{{ dns: {{ name: {name}, resolver: \"{resolver}\" }} }}] }}
            "
        );
        Project::new(&text).gate(&["check", "staging"])
    };
    let there = harness::dnsmasq().address();
    assert_eq!(check(&there, "api.staging.test").code, 0);
    let missing = check(&there, "missing.staging.test");
    assert_eq!(missing.code, 1);
    assert!(missing.stdout.contains(r#"status: expected "found", got "no such name""#), "{}", missing.stdout);
    let silent = check(&resolver(None), "api.staging.test");
    assert_eq!(silent.code, 3);
    assert!(silent.stdout.contains("did not answer in time"), "{}", silent.stdout);
}

#[test]
fn an_invalid_name_or_resolver_is_refused_at_load() {
    for name in ["", "https://h", "h:80", "10.0.0.1", "a b", "*.h", "localhost", "a.LocalHost", &"a".repeat(64)] {
        assert!(read::<Dns>(json!({ "name": name })).is_err(), "{name}");
    }
    assert_snapshot!(refused::<Dns>(json!({ "name": "h", "resolver": "dns.example" })), @"a resolver is an address, with or without a port: `9.9.9.9`, `[::1]:5353`");
}
