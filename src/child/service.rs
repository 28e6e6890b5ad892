//! A program that runs as long as it is needed.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::Command;

use super::{Guard, spawn};

/// A running program. It is killed, with everything that it started, when this is dropped or this process dies.
#[derive(Debug)]
pub struct Service {
    _guard: Guard,
    status: OwnedFd,
}

impl Service {
    /// Starts a program with the inputs and outputs that `command` has.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn start(command: Command) -> io::Result<Self> {
        let (guard, status) = spawn(command)?;
        Ok(Self { _guard: guard, status })
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        let mut status = libc::pollfd { fd: self.status.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: it is one descriptor, open as long as this is.
        unsafe { libc::poll(&raw mut status, 1, 0) > 0 }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::process::Stdio;

    use super::*;

    #[test]
    fn a_service_ends_with_its_owner_or_on_its_own() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let out = folder.path().join("pid");
        let mut sleeping = Command::new("sh");
        sleeping.args(["-c", "echo $$; exec sleep 600"]).stdin(Stdio::null());
        sleeping.stdout(fs::File::create(&out).expect("the folder is writable"));
        let service = Service::start(sleeping).expect("there is a shell");
        let pid = loop {
            let text = fs::read_to_string(&out).expect("the file is writable");
            match text.trim() {
                "" => std::thread::yield_now(),
                pid => break pid.to_owned(),
            }
        };
        assert!(!service.has_ended());
        drop(service);
        assert!(!Path::new("/proc").join(pid).exists(), "it is left");

        let ending = Service::start(Command::new("true")).expect("it is installed");
        while !ending.has_ended() {
            std::thread::yield_now();
        }
    }
}
