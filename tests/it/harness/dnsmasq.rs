//! dnsmasq: a real name server with one zone, `staging.test`.

use std::net::UdpSocket;
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use super::child::Server;
use super::{installed, place};

/// A running server. Dropping it stops it.
pub struct Dnsmasq {
    port: u16,
    _server: Server,
}

/// The records of the zone. Other names below `staging.test` are answered with NXDOMAIN, and names outside of it are
/// refused: the server has no upstream.
const RECORDS: &[&str] = &[
    "--local=/staging.test/",
    "--host-record=api.staging.test,10.1.2.3",
    "--host-record=api.staging.test,10.1.2.4",
    "--host-record=six.staging.test,fd00::1",
    "--cname=www.staging.test,api.staging.test",
    "--mx-host=staging.test,mail.staging.test,10",
    "--txt-record=staging.test,v=spf1 -all.",
    "--srv-host=_smtp._tcp.staging.test,mail.staging.test,25,1,2",
];

/// The server that all tests share. Started when first asked for.
pub fn dnsmasq() -> &'static Dnsmasq {
    installed::program("dnsmasq");
    static SHARED: LazyLock<Dnsmasq> = LazyLock::new(Dnsmasq::start);
    &SHARED
}

impl Dnsmasq {
    /// `127.0.0.1:PORT`, over UDP and TCP.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn start() -> Dnsmasq {
        let directory = place::directory("dnsmasq");
        let port = place::free_port();
        let mut command = Command::new(installed::program("dnsmasq"));
        command.args(["--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts"]);
        command.args(["--listen-address=127.0.0.1", "--bind-interfaces", "--local-ttl=120", "--pid-file="]);
        command.arg(format!("--port={port}")).args(RECORDS).current_dir(&directory);
        let server = Server::start(command, &directory);
        server.until(|| ask(port));
        Dnsmasq { port, _server: server }
    }
}

/// Queries the address of `api.staging.test`; any answer will do.
fn ask(port: u16) -> Option<()> {
    let socket = UdpSocket::bind("127.0.0.1:0").ok()?;
    socket.set_read_timeout(Some(Duration::from_millis(200))).ok()?;
    let question = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03api\x07staging\x04test\x00\x00\x01\x00\x01";
    socket.send_to(question, ("127.0.0.1", port)).ok()?;
    socket.recv(&mut [0; 512]).ok().map(|_| ())
}
