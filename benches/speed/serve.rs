//! The HTTP server that both sides ask, in a process of its own: `/50/x` is answered after 50 ms.

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What every request is answered.
const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 29\r\n\r\n{\"ok\":true,\"version\":\"1.4.0\"}";

/// Prints the port, then serves until the process is ended.
pub fn main() {
    super::runtime().block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback has a free port");
        println!("{}", listener.local_addr().expect("the socket is bound").port());
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(serve(client));
        }
    });
}

/// Answers one request after the other until the client leaves.
async fn serve(mut client: TcpStream) {
    let (mut head, mut filled) = ([0; 2048], 0);
    while let Ok(count @ 1..) = client.read(&mut head[filled..]).await {
        filled += count;
        if head[..filled].ends_with(b"\r\n\r\n") {
            let delay = delay(&head[..filled]);
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            if client.write_all(ANSWER).await.is_err() {
                return;
            }
            filled = 0;
        }
    }
}

/// The milliseconds that stand first in the path.
fn delay(head: &[u8]) -> Duration {
    let digits = head.iter().skip_while(|byte| **byte != b'/').skip(1).take_while(|byte| byte.is_ascii_digit());
    Duration::from_millis(digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}
