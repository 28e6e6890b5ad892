//! Servers that keep to a protocol just long enough to be believed, and then never stop.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::{RawServer, raw};

/// One that speaks PostgreSQL until somebody has logged in, and then sends this again and again.
pub fn postgres_that(endless: Vec<u8>) -> RawServer {
    raw(move |mut stream| {
        let _ = postgres(&mut stream, &endless);
    })
}

/// One that speaks MySQL until somebody has logged in and asked, and then sends this again and again.
pub fn mysql_that(endless: Vec<u8>) -> RawServer {
    raw(move |mut stream| {
        let _ = mysql(&mut stream, &endless);
    })
}

/// One that reads once, begins so, and then sends this again and again.
pub fn answers_with(begin: &'static [u8], endless: Vec<u8>) -> RawServer {
    raw(move |mut stream| {
        let _ = stream
            .read(&mut [0; 4096])
            .and_then(|_| stream.write_all(begin))
            .and_then(|()| flood(&mut stream, &endless));
    })
}

/// One that accepts, and then sends this byte now and then; nothing if there is none.
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
        // An SSLRequest has no more than its number.
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

/// One that speaks MySQL and wants a login by this plugin: at once, or after the client has tried its default.
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
