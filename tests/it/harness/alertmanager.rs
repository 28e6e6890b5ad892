//! Alertmanager: a single node with two receivers, or one with the test's own arguments.

use std::fs;
use std::process::Command;
use std::sync::LazyLock;

use super::child::Server;
use super::{answer, installed, place};

/// A running server. Dropping it stops it.
pub struct Alertmanager {
    port: u16,
    server: Server,
}

const CONFIG: &str = "
route: { receiver: pager, routes: [{ receiver: slack, matchers: ['severity = warning'] }] }
receivers:
  - name: pager
    webhook_configs: [{ url: 'http://hook:p%40ss@127.0.0.1:9/pager' }]
  - name: slack
    slack_configs: [{ api_url: 'http://127.0.0.1:9/slack-secret', channel: '#alerts' }]
";

/// The server that all tests share: without a cluster. Started when first asked for.
pub fn alertmanager() -> &'static Alertmanager {
    alertmanager_program();
    static SHARED: LazyLock<Alertmanager> = LazyLock::new(|| alertmanager_with(&["--cluster.listen-address="]));
    &SHARED
}

/// A server of the test's own. Without arguments it is a cluster of one, which settles for a while.
pub fn alertmanager_with(arguments: &[&str]) -> Alertmanager {
    let directory = place::directory("alertmanager");
    fs::write(directory.join("config.yml"), CONFIG).expect("the directory is new");
    let (port, cluster) = (place::free_port(), place::free_port());
    let mut command = Command::new(alertmanager_program());
    command.current_dir(&directory).args(["--config.file=config.yml", "--storage.path=data"]);
    command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    if arguments.is_empty() {
        command.arg(format!("--cluster.listen-address=127.0.0.1:{cluster}"));
        command.arg("--cluster.advertise-address=127.0.0.1:1");
    }
    let server = Server::start(
        {
            command.args(arguments);
            command
        },
        &directory,
    );
    server.until(|| answer::get(port, "/-/ready"));
    Alertmanager { port, server }
}

impl Alertmanager {
    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Repeats a request until it is answered: nodes need a while to find each other.
    pub fn until<T>(&self, ask: impl FnMut() -> Option<T>) -> T {
        self.server.until(ask)
    }
}

/// On Debian the program is called `prometheus-alertmanager`.
fn alertmanager_program() -> std::path::PathBuf {
    installed::find("prometheus-alertmanager").unwrap_or_else(|| installed::program("alertmanager"))
}
