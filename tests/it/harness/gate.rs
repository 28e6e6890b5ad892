//! `gate` itself: the built binary, run from a shell without the environment of the tests.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output as Finished, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::{clock, place};

/// The output of a finished command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The exit code; 128 + N after signal N, as in a shell.
    pub code: i32,
    /// All of its standard output.
    pub stdout: String,
    /// All of its standard error.
    pub stderr: String,
}

/// A command line of `gate` that has not run yet.
pub struct Gate {
    command: Command,
    stdin: Vec<u8>,
}

/// Runs `gate` with these arguments in a directory.
pub fn gate(directory: impl AsRef<Path>, arguments: &[&str]) -> Output {
    Gate::new(directory, arguments).run()
}

impl Gate {
    /// `gate` with these arguments in a directory, and only PATH, HOME (an empty directory), TZ and LANG set.
    pub fn new(directory: impl AsRef<Path>, arguments: &[&str]) -> Gate {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gate"));
        command.args(arguments).current_dir(directory).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", place::directory("home")).env("TZ", "UTC").env("LANG", "C.UTF-8");
        Gate { command, stdin: Vec::new() }
    }

    /// The same with a variable.
    pub fn env(mut self, name: &str, value: impl AsRef<str>) -> Gate {
        self.command.env(name, value.as_ref());
        self
    }

    /// The same at another time: seconds since 1970, by a clock that is paused.
    pub fn at(self, seconds: u64) -> Gate {
        let library = clock::library().to_str().expect("the path is writable").to_owned();
        self.env("LD_PRELOAD", library).env(clock::SECONDS, seconds.to_string())
    }

    /// The same with text on its standard input, which is empty otherwise.
    pub fn stdin(mut self, text: &str) -> Gate {
        self.stdin = text.as_bytes().to_vec();
        self
    }

    /// The command, for a test that starts, signals and ends it itself.
    pub fn command(self) -> Command {
        self.command
    }

    /// Runs it to its end. The test fails if it takes two minutes.
    pub fn run(mut self) -> Output {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().expect("cargo has built the binary");
        let pid = libc::pid_t::try_from(child.id()).expect("a process id fits");
        let mut input = child.stdin.take().expect("it is piped");
        let text = self.stdin;
        thread::spawn(move || match input.write_all(&text) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => panic!("writing to gate: {error}"),
            _ => {} // it may end without reading
        });
        let (sender, finished) = mpsc::channel();
        thread::spawn(move || sender.send(child.wait_with_output()).ok());
        match finished.recv_timeout(Duration::from_secs(120)) {
            Ok(output) => Output::of(output.expect("a child of this process can be waited for")),
            Err(_) => {
                // SAFETY: it has not been waited for yet, so the process id is still its own.
                unsafe { libc::kill(pid, libc::SIGKILL) };
                panic!("gate did not end within two minutes: {:?}", self.command);
            }
        }
    }
}

impl Output {
    /// The output of a child that the test started itself.
    pub fn of(output: Finished) -> Output {
        Output {
            code: output.status.code().unwrap_or_else(|| 128 + output.status.signal().unwrap_or_default()),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// A temporary directory with checklists, removed when dropped.
pub struct Project {
    directory: PathBuf,
    variables: Vec<(String, String)>,
}

impl Project {
    /// A project whose only file is `checklists/staging.yaml`, with this text. The common indentation of all lines
    /// is removed.
    pub fn new(checklist: &str) -> Project {
        let project = Project { directory: place::directory("project"), variables: Vec::new() };
        project.file("checklists/staging.yaml", &dedent(checklist))
    }

    /// The same with one more file: a path relative to the project, and its text.
    pub fn file(self, path: &str, text: &str) -> Project {
        let path = self.directory.join(path);
        fs::create_dir_all(path.parent().expect("a file is in a directory")).expect("the directory is writable");
        fs::write(path, text).expect("the directory is writable");
        self
    }

    /// The same with a variable for every `gate` that runs in it.
    pub fn env(mut self, name: &str, value: impl AsRef<str>) -> Project {
        self.variables.push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    /// The same at another time, for every `gate` that runs in it: seconds since 1970.
    pub fn at(self, seconds: u64) -> Project {
        let library = clock::library().to_str().expect("the path is writable");
        self.env("LD_PRELOAD", library).env(clock::SECONDS, seconds.to_string())
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.directory
    }

    /// The text of one of its files.
    pub fn read(&self, path: &str) -> String {
        let mut text = String::new();
        fs::File::open(self.directory.join(path))
            .and_then(|mut file| file.read_to_string(&mut text))
            .unwrap_or_else(|error| panic!("{path}: {error}"));
        text
    }

    /// Runs `gate` in it.
    pub fn gate(&self, arguments: &[&str]) -> Output {
        self.command(arguments).run()
    }

    /// `gate` in this project, not run yet.
    pub fn command(&self, arguments: &[&str]) -> Gate {
        let command = Gate::new(&self.directory, arguments);
        self.variables.iter().fold(command, |command, (name, value)| command.env(name, value))
    }
}

impl AsRef<Path> for Project {
    fn as_ref(&self) -> &Path {
        &self.directory
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.directory).ok();
    }
}

/// Removes the common indentation of all lines, and the line break after an opening quote.
pub fn dedent(text: &str) -> String {
    let text = text.strip_prefix('\n').unwrap_or(text);
    let indent = |line: &str| line.len() - line.trim_start().len();
    let shared = text.lines().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    text.lines().map(|line| line.get(shared..).unwrap_or("").to_owned() + "\n").collect()
}
