//! Hostile servers: they follow a protocol until the client trusts them, and then send without end or stay silent.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::{RawServer, raw};

/// A server that speaks PostgreSQL until a client has logged in, and then sends this again and again.
pub fn postgres_that(endless: Vec<u8>) -> RawServer {
    raw(move |mut stream| {
        let _ = postgres(&mut stream, &endless);
    })
}

/// A server that speaks MySQL until a client has logged in and sent a query, and then sends this again and again.
pub fn mysql_that(endless: Vec<u8>) -> RawServer {
    raw(move |mut stream| {
        let _ = mysql(&mut stream, &endless);
    })
}

/// A server that reads once, sends the beginning, and then sends the rest again and again.
pub fn answers_with(begin: &'static [u8], endless: Vec<u8>) -> RawServer {
    raw(move |mut stream| {
        let _ = stream
            .read(&mut [0; 4096])
            .and_then(|_| stream.write_all(begin))
            .and_then(|()| flood(&mut stream, &endless));
    })
}

/// A server that accepts connections, and then sends this byte from time to time; without a byte, nothing.
pub fn drips(byte: Option<u8>) -> RawServer {
    raw(move |mut stream| {
        loop {
            std::thread::sleep(Duration::from_millis(100));
            if byte.is_some_and(|byte| stream.write_all(&[byte]).is_err()) {
                return;
            }
        }
    })
}

fn flood(stream: &mut TcpStream, endless: &[u8]) -> io::Result<()> {
    let many = endless.repeat((64 << 10) / endless.len().max(1) + 1);
    loop {
        stream.write_all(&many)?;
    }
}

/// A message of PostgreSQL.
pub fn message(kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len() + 4).expect("it is short").to_be_bytes();
    [&[kind], &length[..], payload].concat()
}

fn postgres(stream: &mut TcpStream, endless: &[u8]) -> io::Result<()> {
    let mut length = [0; 4];
    loop {
        stream.read_exact(&mut length)?;
        let mut rest = vec![0; u32::from_be_bytes(length) as usize - 4];
        stream.read_exact(&mut rest)?;
        // An SSLRequest consists of its number only.
        if rest.len() > 4 {
            break;
        }
        stream.write_all(b"N")?;
    }
    stream.write_all(&[message(b'R', &[0; 4]), message(b'Z', b"I")].concat())?;
    let _ = stream.read(&mut [0; 4096])?;
    flood(stream, endless)
}

/// A packet of MySQL.
pub fn packet(number: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("it is short").to_le_bytes();
    [&length[..3], &[number], payload].concat()
}

/// A server that speaks MySQL and requests a login by this plugin: at once, or after the client has tried its default.
pub fn mysql_with_plugin(plugin: &'static str, at_once: bool) -> RawServer {
    raw(move |mut stream| {
        let own = format!("{plugin}\0");
        let first = if at_once { own.as_bytes() } else { b"mysql_native_password\0" };
        let switch = [b"\xfe", own.as_bytes(), &[7; 32], b"\0"].concat();
        let _ = stream
            .write_all(&packet(0, &greeting(first)))
            .and_then(|()| stream.read(&mut [0; 4096]))
            .and_then(|_| stream.write_all(&packet(2, &switch)))
            .and_then(|()| stream.read_to_end(&mut Vec::new()));
    })
}

fn greeting(plugin: &[u8]) -> Vec<u8> {
    let parts: [&[u8]; 5] = [
        b"\x0a8.0.0\0\x01\0\0\0saltsalt\0",
        // Capabilities, charset, status, and the length of the salt: all but TLS.
        b"\xff\xf7\x2d\x02\0\xff\xdf\x15",
        &[0; 10],
        b"saltsaltsalt\0",
        plugin,
    ];
    parts.concat()
}

fn mysql(stream: &mut TcpStream, endless: &[u8]) -> io::Result<()> {
    stream.write_all(&packet(0, &greeting(b"mysql_native_password\0")))?;
    let _ = stream.read(&mut [0; 4096])?;
    stream.write_all(&packet(2, b"\0\0\0\x02\0\0\0"))?;
    let _ = stream.read(&mut [0; 4096])?;
    flood(stream, endless)
}

/// A hostile server and the probes that connect to it: `PORT` in them is its port.
pub struct Foe {
    /// A description of its behavior.
    pub name: &'static str,
    /// Its server.
    pub server: RawServer,
    /// The probes that connect to it.
    pub probes: Vec<&'static str>,
}

impl Foe {
    /// A hostile server with these probes.
    pub fn new(name: &'static str, server: RawServer, probes: &[&'static str]) -> Self {
        Self { name, server, probes: probes.to_vec() }
    }

    /// An item for each of its probes, with this timeout.
    pub fn items(&self, timeout: &str) -> String {
        let item = |(number, probe): (usize, &&str)| {
            let probe = probe.replace("PORT", &self.server.port().to_string());
            format!("      - {{ id: {}-{number}, title: X, probes: [{{ {probe}, timeout: {timeout} }}] }}\n", self.name)
        };
        self.probes.iter().enumerate().map(item).collect()
    }
}

const POSTGRES: &[&str] = &[r#"sql: { url: "postgres://u:p@127.0.0.1:PORT/db", query: SELECT 1 }"#];
const MYSQL: &[&str] = &[r#"sql: { url: "mysql://u:p@127.0.0.1:PORT/db", query: SELECT 1 }"#];
const REDIS: &[&str] = &[r#"redis: { url: "redis://127.0.0.1:PORT" }"#];
const HTTP: &[&str] = &[
    r#"http: { url: "http://127.0.0.1:PORT" }"#,
    r#"metrics: { url: "http://127.0.0.1:PORT" }"#,
    r#"prometheus: { url: "http://127.0.0.1:PORT", query: up }"#,
    r#"alertmanager: { url: "http://127.0.0.1:PORT" }"#,
    r#"grafana: { url: "http://127.0.0.1:PORT" }"#,
    r#"logs: { store: loki, url: "http://127.0.0.1:PORT", query: "{a=\"b\"}" }"#,
    r#"image: { ref: "127.0.0.1:PORT/a/b:c" }"#,
    r#"burst: { url: "http://127.0.0.1:PORT", requests: 5 }"#,
    r#"race: { url: "http://127.0.0.1:PORT", json: {}, id: /id }"#,
    r#"github: { url: "http://127.0.0.1:PORT", repo: a/b, head: main }"#,
    r#"backup: { in: "s3://a/b", options: { endpoint: "http://127.0.0.1:PORT", allow_http: "true", region: r, access_key_id: k, secret_access_key: s } }"#,
];
const TLS: &[&str] = &[r#"tls: { address: "127.0.0.1:PORT" }"#, r#"http: { url: "https://127.0.0.1:PORT" }"#];
const ALL: &[&str] = &[
    POSTGRES[0],
    MYSQL[0],
    REDIS[0],
    HTTP[0],
    r#"tcp: { address: "127.0.0.1:PORT", send: "x" }"#,
    r#"tls: { address: "127.0.0.1:PORT" }"#,
];

/// All known ways to be silent, slow or endless.
pub fn foes() -> Vec<Foe> {
    let row = message(b'D', &[&[0, 1, 0, 0, 4, 0][..], &[b'x'; 1024]].concat());
    let more_results = packet(1, b"\0\0\0\x0a\0\0\0");
    vec![
        Foe::new("silent", drips(None), ALL),
        Foe::new("drips", drips(Some(b'H')), ALL),
        Foe::new("pg-rows", postgres_that(row), POSTGRES),
        Foe::new("pg-notices", postgres_that(message(b'N', b"SNOTICE\0C00000\0Mhello\0\0")), POSTGRES),
        Foe::new("pg-parameters", postgres_that(message(b'S', b"name\0value\0")), POSTGRES),
        Foe::new("pg-claim", postgres_that(b"D\x7f\xff\xff\xff".to_vec()), POSTGRES),
        Foe::new("mysql-ok", mysql_that(more_results), MYSQL),
        Foe::new("mysql-columns", mysql_that(packet(1, b"\xfe\xff\xff\xff\xff\0\0\0\0")), MYSQL),
        Foe::new("mysql-packets", mysql_that(packet(1, &vec![b'x'; 0xff_ff_ff])), MYSQL),
        Foe::new("mysql-rows", mysql_that([packet(1, b"\x01"), packet(2, b"x")].concat()), MYSQL),
        Foe::new("redis-line", answers_with(b"+", b"OK".to_vec()), REDIS),
        Foe::new("redis-bulk", answers_with(b"$2147483647\r\n", b"x".to_vec()), REDIS),
        Foe::new("redis-list", answers_with(b"*2147483647\r\n", b":1\r\n".to_vec()), REDIS),
        Foe::new("http-header", answers_with(b"HTTP/1.1 200 OK\r\n", b"a: b\r\n".to_vec()), HTTP),
        Foe::new("http-body", answers_with(b"HTTP/1.1 200 OK\r\n\r\n", b"[1, 2, \n".to_vec()), HTTP),
        Foe::new(
            "tls-records",
            answers_with(b"", [&b"\x16\x03\x03\x40\x00\x0b\xff\xff\xff"[..], &[0; 16380]].concat()),
            TLS,
        ),
        Foe::new("garbage", answers_with(b"", b"\xff\x00garbage".to_vec()), ALL),
    ]
}
