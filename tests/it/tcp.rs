//! `tcp` with ports that accept, refuse, send a banner and answer.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use gate::probe::Probe;
use gate::probe::tcp::{Tcp, TcpSeen};
use insta::assert_snapshot;
use serde_json::json;

use crate::observe::{observe, probe};

fn reported(seen: &TcpSeen) -> String {
    let probe: Tcp = probe(json!({ "address": "h:1" }));
    format!("{} | {}", probe.evidence(seen), probe.advice(seen).unwrap_or_default())
}

/// A closed port: it was free a moment ago.
fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").port()
}

#[test]
fn a_listening_port_is_connected_to() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound").to_string();
    let seen = observe::<Tcp>(json!({ "address": address })).expect("it listens");
    assert_eq!((seen.connected, seen.address.as_deref(), seen.banner.as_deref()), (true, Some(address.as_str()), None));
}

#[test]
fn a_name_is_looked_up_and_all_its_addresses_are_tried() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    assert!(observe::<Tcp>(json!({ "address": format!("localhost:{port}") })).is_ok_and(|seen| seen.connected));
}

#[test]
fn a_refused_connection_is_observed_and_reported() {
    let seen =
        observe::<Tcp>(json!({ "address": format!("127.0.0.1:{}", closed_port()) })).expect("a refusal is observed");
    assert!(!seen.connected);
    assert_snapshot!(reported(&seen), @"h:1 refused the connection | nothing listens there: is it running, and is this the right port?");
}

#[test]
fn an_unknown_name_is_an_error() {
    let error = observe::<Tcp>(json!({ "address": "no-such-host.invalid:80" })).expect_err("`.invalid` never exists");
    assert!(error.starts_with("cannot resolve `no-such-host.invalid`"), "{error}");
    assert!(error.ends_with("help: is the name right, and can this machine resolve it?"), "{error}");
}

#[test]
fn the_first_line_of_the_server_is_its_banner() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound").to_string();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("the probe connects");
        stream.write_all(b"SSH-2.0-Example\r\nmore").expect("the probe reads");
    });
    let seen = observe::<Tcp>(json!({ "address": address, "banner": true })).expect("it listens");
    assert_snapshot!(reported(&seen), @"connected: SSH-2.0-Example | ");
    server.join().expect("the server did not panic");
}

#[test]
fn the_answer_to_send_is_the_banner() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound").to_string();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("the probe connects");
        let mut asked = [0; 4];
        stream.read_exact(&mut asked).expect("the probe asks");
        stream.write_all(if &asked == b"ruok" { b"imok" } else { b"what" }).expect("the probe reads");
    });
    let seen = observe::<Tcp>(json!({ "address": address, "send": "ruok" })).expect("it listens");
    assert_eq!(seen.banner.as_deref(), Some("imok"));
    server.join().expect("the server did not panic");
}
