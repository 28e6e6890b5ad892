//! nginx: a real web server with the test's own configuration, TLS and rate limits included.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::certificate::Certificate;
use super::child::Server;
use super::{installed, place};

/// A running server. Dropping it stops it.
pub struct Nginx {
    /// Its port on 127.0.0.1.
    pub port: u16,
    scheme: &'static str,
    directory: PathBuf,
    _server: Server,
}

/// A server with these lines in its `server` block. Its root is a directory with an `index.html` with the text `ok`. The
/// zone `free` is for rate limits: `limit_req zone=free burst=59 nodelay;` lets 60 pass and no more for a minute (in
/// front of `try_files`: a bare `return` comes before the limit).
pub fn nginx(server_block: &str) -> Nginx {
    nginx_at(place::free_port(), server_block)
}

/// The same at this port, such as the port of an earlier server.
pub fn nginx_at(port: u16, server_block: &str) -> Nginx {
    Nginx::start("http", port, "", server_block)
}

/// The same behind TLS.
pub fn nginx_tls(certificate: &Certificate, server_block: &str) -> Nginx {
    let block = format!(
        "ssl_certificate {};\nssl_certificate_key {};\n{server_block}",
        certificate.certificate.display(),
        certificate.key.display()
    );
    Nginx::start("https", place::free_port(), " ssl", &block)
}

impl Nginx {
    /// `http://127.0.0.1:PORT` or `https://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, self.port)
    }

    /// The folder with the files that it serves.
    pub fn root(&self) -> PathBuf {
        self.directory.join("root")
    }

    fn start(scheme: &'static str, port: u16, listen: &str, server_block: &str) -> Nginx {
        let directory = place::directory("nginx");
        fs::create_dir(directory.join("root")).expect("the directory is new");
        fs::write(directory.join("root/index.html"), "ok\n").expect("the directory is new");
        let config = format!(
            "daemon off; master_process off; pid pid; error_log stderr warn;\nevents {{}}\nhttp {{\n\
             access_log off; client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3;\n\
             uwsgi_temp_path t4; scgi_temp_path t5; limit_req_status 429;\n\
             limit_req_zone $server_name zone=free:1m rate=1r/m;\n\
             server {{\nlisten 127.0.0.1:{port}{listen}; server_name localhost; root root;\n{server_block}\n}}\n}}\n"
        );
        fs::write(directory.join("nginx.conf"), config).expect("the directory is new");
        let mut command = Command::new(installed::program("nginx"));
        command.arg("-p").arg(&directory).arg("-c").arg(directory.join("nginx.conf"));
        let server = Server::start(command, &directory);
        // It reads its whole configuration before it listens; a test request would count against the rate limit.
        server.until(|| std::net::TcpStream::connect(("127.0.0.1", port)).ok());
        Nginx { port, scheme, directory, _server: server }
    }
}
