//! Redis: one shared server, and private ones with other arguments.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use super::child::Server;
use super::{installed, place};

/// A running server. Dropping it stops it.
pub struct Redis {
    /// Its port on 127.0.0.1.
    pub port: u16,
    _server: Server,
}

/// The server that all tests share. Started when first asked for.
pub fn redis() -> &'static Redis {
    installed::program("redis-server");
    static SHARED: LazyLock<Redis> = LazyLock::new(|| redis_with(&[]));
    &SHARED
}

/// A private server with these arguments, such as `&["--maxmemory", "1"]`. It is ready when it
/// answers PING, even with an error.
pub fn redis_with(arguments: &[&str]) -> Redis {
    let directory = place::directory("redis");
    let port = place::free_port();
    let mut command = Command::new(installed::program("redis-server"));
    command.current_dir(&directory);
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    command.args(arguments);
    let server = Server::start(command, &directory);
    server.until(|| {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        ping(stream).ok()
    });
    Redis { port, _server: server }
}

impl Redis {
    /// `redis://127.0.0.1:PORT`, without user and password.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Sends one command and returns its one-line answer, such as `+PONG` or `-NOAUTH Authentication required.`
    pub fn ask(&self, command: &str) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("the server listens");
        writeln!(stream, "{command}\r").expect("the server reads");
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).expect("the server answers");
        line.trim_end().to_owned()
    }

    /// Its process id, for a test that pauses it.
    pub fn pid(&self) -> i32 {
        self._server.pid()
    }
}

/// The answer to PING. Waits until the server has closed the connection, too: if it allows only one client, the test's
/// own connection would be refused otherwise.
pub fn ping(mut stream: impl Read + Write) -> io::Result<String> {
    stream.write_all(b"PING\r\nQUIT\r\n")?;
    let mut answer = String::new();
    match stream.read_to_string(&mut answer) {
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(error), // TLS closed without a goodbye
        _ if answer.is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(answer),
    }
}
