//! A minimal HTTP client: enough to see whether a server is ready.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// The body of a 2xx answer from that port on 127.0.0.1, if any.
pub fn get(port: u16, path: &str) -> Option<String> {
    let (status, body) = ask(port, path)?;
    status.starts_with('2').then_some(body)
}

/// The status of any answer from there.
pub fn status(port: u16, path: &str) -> Option<String> {
    Some(ask(port, path)?.0)
}

fn ask(port: u16, path: &str) -> Option<(String, String)> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.to_owned(), body.to_owned()))
}
