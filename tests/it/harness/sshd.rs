//! OpenSSH's sshd on a private port with private keys, and a PATH with an `ssh` that is configured for it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use super::child::Server;
use super::{installed, place};

/// A running sshd.
pub struct Sshd {
    port: u16,
    directory: PathBuf,
    server: Server,
}

/// The sshd that all tests share. Started when first asked for.
pub fn sshd() -> &'static Sshd {
    installed::program("sshd");
    installed::program("ssh");
    static SHARED: LazyLock<Sshd> = LazyLock::new(|| Sshd::start(""));
    &SHARED
}

/// A private sshd with additional lines in its configuration.
pub fn sshd_with(lines: &str) -> Sshd {
    installed::program("sshd");
    Sshd::start(lines)
}

impl Sshd {
    /// `ssh://user@127.0.0.1:PORT`, for the user who runs the tests.
    pub fn url(&self) -> String {
        let name = Command::new("id").arg("-un").output().expect("it is installed").stdout;
        format!("ssh://{}@127.0.0.1:{}", String::from_utf8_lossy(&name).trim(), self.port)
    }

    /// The number of logins.
    pub fn logins(&self) -> usize {
        self.server.log().matches("Accepted publickey").count()
    }

    /// A `PATH` with an `ssh` that has the key and knows the host key.
    pub fn path(&self) -> String {
        format!("{}:{}", self.directory.join("bin").display(), std::env::var("PATH").expect("there is a PATH"))
    }

    /// The same with additional lines at the beginning of the configuration of ssh.
    pub fn path_with(&self, lines: &str) -> String {
        let directory = place::directory("ssh");
        self.client(&directory, lines);
        format!("{}:{}", directory.join("bin").display(), std::env::var("PATH").expect("there is a PATH"))
    }

    /// The same for a process in another network: `ssh` reaches the machine from there, and the machine, also called
    /// `bastion.example`, can resolve these additional names.
    pub fn path_from_elsewhere(&self, hosts: &str, lines: &str) -> String {
        // Of its own: an `ssh` of another test may be reading these files.
        let directory = place::directory("elsewhere");
        let file = directory.join("hosts");
        fs::write(&file, format!("127.0.0.1 localhost\n{hosts}\n")).expect("the directory is writable");
        let script = directory.join("connect");
        let [nsenter, unshare, sshd] = ["nsenter", "unshare", "sshd"].map(installed::program);
        let text = format!(
            "#!/bin/sh\nexec {} --net=/proc/{}/ns/net {} --mount sh -c 'mount --bind {} /etc/hosts && exec {} -i -f {}'\n",
            nsenter.display(),
            std::process::id(),
            unshare.display(),
            file.display(),
            sshd.display(),
            self.directory.join("sshd_config").display(),
        );
        fs::write(&script, text).expect("the directory is writable");
        fs::set_permissions(&script, Permissions::from_mode(0o755)).expect("the file is writable");
        let name = Command::new("id").arg("-un").output().expect("it is installed").stdout;
        self.path_with(&format!(
            "{lines}\nHost bastion.example\nUser {}\nPort {}\nHostKeyAlias [127.0.0.1]:{}\nHost *\nProxyCommand {}",
            String::from_utf8_lossy(&name).trim(),
            self.port,
            self.port,
            script.display()
        ))
    }

    fn client(&self, directory: &Path, lines: &str) {
        let own = &self.directory;
        let config = format!(
            "{lines}\nIdentityFile {0}/key\nIdentitiesOnly yes\nIdentityAgent none\nUserKnownHostsFile {0}/known\nGlobalKnownHostsFile /dev/null\n",
            own.display()
        );
        fs::write(directory.join("config"), config).expect("the directory is writable");
        fs::create_dir_all(directory.join("bin")).expect("the directory is writable");
        let ssh = directory.join("bin/ssh");
        let script = format!(
            "#!/bin/sh\nexec {} -F {} \"$@\"\n",
            installed::program("ssh").display(),
            directory.join("config").display()
        );
        fs::write(&ssh, script).expect("the directory is writable");
        fs::set_permissions(&ssh, Permissions::from_mode(0o755)).expect("the file is writable");
    }

    fn start(lines: &str) -> Sshd {
        let directory = place::directory("sshd");
        for name in ["host", "key"] {
            let mut keygen = Command::new(installed::program("ssh-keygen"));
            keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"]).arg(directory.join(name));
            assert!(keygen.status().expect("it is installed").success());
        }
        let port = place::free_port();
        let key = |name: &str| fs::read_to_string(directory.join(name)).expect("it was made");
        fs::write(directory.join("authorized"), key("key.pub")).expect("the directory is new");
        fs::write(directory.join("known"), format!("[127.0.0.1]:{port} {}", key("host.pub")))
            .expect("the directory is new");
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {0}/host\nAuthorizedKeysFile {0}/authorized\nStrictModes no\nUsePAM no\n\
             PidFile none\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n{lines}\n",
            directory.display()
        );
        fs::write(directory.join("sshd_config"), config).expect("the directory is new");
        // As root, sshd needs this empty folder, which its package creates when the service starts.
        // SAFETY: geteuid always succeeds.
        if unsafe { libc::geteuid() } == 0 {
            fs::create_dir_all("/run/sshd").expect("root is allowed to");
        }
        let mut command = Command::new(installed::program("sshd"));
        command.args(["-D", "-e", "-f"]).arg(directory.join("sshd_config"));
        let server = Server::start(command, &directory);
        server.until(|| std::net::TcpStream::connect(("127.0.0.1", port)).ok());
        let sshd = Sshd { port, directory: directory.clone(), server };
        sshd.client(&directory, "");
        sshd
    }
}
