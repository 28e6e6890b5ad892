//! The HTTP server that all sides ask, in a process of its own: `/50/x` is answered after 50 ms, and after `/c50/x` it
//! closes the connection. `/connections` says how many there were.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The answer to every request.
const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 29\r\n\r\n{\"ok\":true,\"version\":\"1.4.0\"}";

/// The same on a connection that is closed then.
const LAST_ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 29\r\nconnection: close\r\n\r\n{\"ok\":true,\"version\":\"1.4.0\"}";

/// Prints the port, then serves until the process is ended.
pub fn main() {
    super::runtime().block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback has a free port");
        println!("{}", listener.local_addr().expect("the socket is bound").port());
        let connections = Arc::new(AtomicUsize::new(0));
        while let Ok((client, _)) = listener.accept().await {
            connections.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(serve(client, Arc::clone(&connections)));
        }
    });
}

/// Answers one request after the other until the client leaves.
async fn serve(mut client: TcpStream, connections: Arc<AtomicUsize>) {
    let (mut head, mut filled) = ([0; 2048], 0);
    while let Ok(count @ 1..) = client.read(&mut head[filled..]).await {
        filled += count;
        if head[..filled].ends_with(b"\r\n\r\n") {
            let path = path(&head[..filled]);
            if path.starts_with(b"connections ") {
                let count = connections.load(Ordering::Relaxed);
                let answer = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{count}");
                // Who asked may be gone.
                let _ = client.write_all(answer.as_bytes()).await;
                return;
            }
            let is_last = path.starts_with(b"c");
            let delay = delay(path);
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            if client.write_all(if is_last { LAST_ANSWER } else { ANSWER }).await.is_err() || is_last {
                return;
            }
            filled = 0;
        }
    }
}

/// The path and what follows it, without the first slash.
fn path(head: &[u8]) -> &[u8] {
    let start = head.iter().position(|byte| *byte == b'/').map_or(head.len(), |slash| slash + 1);
    &head[start..]
}

/// The milliseconds in the first part of a path.
fn delay(path: &[u8]) -> Duration {
    let digits = path.iter().skip_while(|byte| **byte == b'c').take_while(|byte| byte.is_ascii_digit());
    Duration::from_millis(digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}
