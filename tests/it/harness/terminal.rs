//! A real terminal: `gate` in a pseudo-terminal, whose output is read as it appears on the screen.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::num::NonZero;
use std::os::unix::ffi::OsStrExt;
use std::process::{Child, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::Gate;

/// High enough that nothing scrolls off the screen.
const ROWS: u16 = 300;

/// `gate` in a terminal.
pub struct Terminal {
    ours: File,
    child: Child,
    screen: vt100::Parser,
    raw: Vec<u8>,
}

impl Terminal {
    /// Starts `gate` in a terminal of this width.
    pub fn start(gate: Gate, columns: u16) -> Terminal {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("there are terminals");
        grantpt(&ours).and_then(|()| unlockpt(&ours)).expect("it was just opened");
        let size = Winsize { ws_row: ROWS, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&ours, size).expect("it is a terminal");
        let name = ptsname(&ours, Vec::new()).expect("it has a name");
        let path = std::ffi::OsStr::from_bytes(name.as_bytes());
        let theirs = OpenOptions::new().read(true).write(true).open(path).expect("it is unlocked");
        let end = || Stdio::from(theirs.try_clone().expect("there are few open files"));
        let mut command = gate.env("TERM", "xterm-256color").command();
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().expect("cargo has built the binary");
        let size = |number| NonZero::new(number).expect("a terminal has a size");
        let screen = vt100::Parser::new(size(ROWS), size(columns), 0);
        Terminal { ours: File::from(ours), child, screen, raw: Vec::new() }
    }

    /// The current screen, without blank lines at the end.
    pub fn seen(&self) -> String {
        self.screen.screen().contents().trim_end().to_owned()
    }

    /// The whole raw output.
    pub fn raw(&self) -> String {
        String::from_utf8_lossy(&self.raw).into_owned()
    }

    /// Reads until the screen meets this condition, or `gate` has ended. Returns whether it was met.
    pub fn wait_for(&mut self, mut is_seen: impl FnMut(&str) -> bool) -> bool {
        let mut bytes = [0; 4_096];
        loop {
            if is_seen(&self.seen()) {
                return true;
            }
            // When the last process has closed its end, Linux returns an error.
            let Ok(count @ 1..) = self.ours.read(&mut bytes) else { return false };
            self.screen.process(&bytes[..count]);
            self.raw.extend_from_slice(&bytes[..count]);
        }
    }

    /// Reads to the end. Returns the exit code.
    pub fn end(&mut self) -> i32 {
        self.wait_for(|_| false);
        let status = self.child.wait().expect("it is a child of this process");
        status.code().expect("no signal ended it")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
