//! Another machine, reached with the user's own OpenSSH: a script runs there, and leaves no processes behind.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::Command;

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use sha2::{Digest, Sha256};
use url::{Host as Name, Url};

use crate::child::{self, End, Finished, Text};
use crate::env::Env;
use crate::text::error;
use crate::text::shell::quoted;

use super::{Context, Fault};

/// The variables of our own environment that ssh gets.
const INHERITED: &[&str] = &["PATH", "HOME", "LANG", "USER", "TMPDIR", "SSH_AUTH_SOCK", "SSH_ASKPASS_REQUIRE"];
/// The exit code of ssh for its own failures. A remote program may have the same.
const OWN: i32 = 255;
/// How much a login there may print before our program runs: a profile, a banner.
const NOISE: usize = 64 << 10;

/// A machine to run commands on, such as `ssh://deploy@web-1.staging.example`, with `:PORT` if it is not 22. gate
/// connects with your own `ssh`, its configuration, keys and known hosts, and never prompts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, JsonSchema)]
#[schemars(with = "String", inline)]
pub struct Host {
    /// `user@host`, or `host`.
    destination: String,
    port: Option<u16>,
}

/// The result of a remote script.
#[derive(Debug)]
pub enum RemoteOutcome {
    /// It ran to its end.
    Ended(Finished),
    /// It did not start, for this reason, as written by [`refusing`].
    Refused(String),
}

impl Host {
    /// Reads `ssh://user@host:port`.
    ///
    /// # Errors
    /// When the text is not a valid SSH host.
    pub fn read(text: &str) -> Result<Self, String> {
        let fault = || "invalid SSH host: write `ssh://user@host`, with `:port` unless it is 22".to_owned();
        let url = Url::parse(text).map_err(|_| fault())?;
        let host = match url.host() {
            Some(Name::Ipv6(address)) => address.to_string(),
            Some(Name::Domain(name)) => name.to_owned(),
            Some(Name::Ipv4(address)) => address.to_string(),
            None => return Err(fault()),
        };
        if url.scheme() != "ssh" || !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some()
        {
            return Err(fault());
        }
        if url.password().is_some() {
            return Err("a password has no place here: ssh takes a key, or an agent".to_owned());
        }
        let user = percent_encoding::percent_decode_str(url.username()).decode_utf8().map_err(|_| fault())?;
        let is_word = |text: &str| {
            text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '\\' | '+'))
        };
        if !is_word(&user) || !is_word(&host) || user.starts_with('-') || host.starts_with('-') {
            return Err(fault());
        }
        let destination = if user.is_empty() { host } else { format!("{user}@{host}") };
        Ok(Self { destination, port: url.port() })
    }

    /// Runs a script of a POSIX shell there, and keeps so much of each of its outputs, without what a login prints before
    /// it. That it ran is proven by a mark that it prints: an account with a command of its own, or without a shell,
    /// ignores the script. The script goes through the standard input, so that nothing of it can be seen in a list of
    /// processes. It has nothing to read. When this future is dropped
    /// or the connection breaks, all that it has started is ended, where `setsid` is installed there; else it alone is.
    ///
    /// # Errors
    /// When the machine can't be reached, with the reason.
    pub async fn run(&self, cx: &Context, script: &str, limit: usize) -> Result<RemoteOutcome, Fault> {
        let mark = mark(script, cx);
        let ended = child::run_held(self.ssh(cx), wrapped(script, &mark).into_bytes(), limit + NOISE).await;
        let mut ended = ended.map_err(|error| unstarted(&error))?;
        let has_begun = begun(&mut ended.stdout, &mark, limit) & begun(&mut ended.stderr, &mark, limit);
        if ended.end != End::Exit(OWN) {
            return if has_begun { Ok(RemoteOutcome::Ended(ended)) } else { Err(self.ignored(&ended)) };
        }
        let said = String::from_utf8_lossy(&ended.stderr.bytes).into_owned();
        if let Some((_, why)) = said.split_once(&format!("{mark} refused ")) {
            return Ok(RemoteOutcome::Refused(why.split(&mark).next().unwrap_or(why).to_owned()));
        }
        let Some(at) = said.rfind(&format!("{mark} ended")) else { return Err(self.unreached(&said)) };
        ended.stderr.bytes.truncate(at);
        Ok(RemoteOutcome::Ended(ended))
    }

    fn ssh(&self, cx: &Context) -> Command {
        let seconds = cx.timeout.as_secs().max(1);
        let mut ssh = self.client(&cx.env, &cx.dir, &["LogLevel=ERROR", &format!("ConnectTimeout={seconds}")]);
        ssh.args(["--", &self.destination, "sh -s"]);
        ssh
    }

    /// The user's `ssh` with these options, which never asks anything.
    fn client(&self, env: &Env, dir: &Path, options: &[&str]) -> Command {
        let mut ssh = Command::new("ssh");
        ssh.env_clear().envs(INHERITED.iter().filter_map(|name| Some((name, env.var(name)?)))).env("LC_ALL", "C");
        ssh.current_dir(dir).arg("-T");
        let always = ["BatchMode=yes", "ClearAllForwardings=yes", "RemoteCommand=none"];
        ssh.args(always.iter().chain(options).flat_map(|option| ["-o", *option]));
        ssh.args(self.port.iter().flat_map(|port| ["-p".to_owned(), port.to_string()]));
        ssh
    }

    /// The `ssh` that keeps one connection open, through which others go that ask at the socket `control`.
    pub fn master(&self, env: &Env, dir: &Path, control: &Path) -> Command {
        let options = [
            "ControlPersist=no",
            "ForwardAgent=no",
            "ForwardX11=no",
            "PermitLocalCommand=no",
            // At this level, `ssh` logs why the machine could not make a connection.
            "LogLevel=INFO",
            "ConnectTimeout=30",
            "ServerAliveInterval=10",
            "ServerAliveCountMax=3",
        ];
        let mut ssh = self.client(env, dir, &options);
        // In its name, `%` would begin a token.
        ssh.args(["-N", "-M", "-S", &control.to_string_lossy().replace('%', "%%"), "--", &self.destination]);
        ssh
    }

    /// The login succeeded, but another program than ours ran.
    fn ignored(&self, ended: &Finished) -> Fault {
        let outputs = [&ended.stdout, &ended.stderr].map(|output| String::from_utf8_lossy(&output.bytes).into_owned());
        let said = outputs.iter().flat_map(|output| output.lines()).map(str::trim).find(|line| !line.is_empty());
        let said: String = said.unwrap_or("it printed nothing").chars().filter(|c| !c.is_control()).take(200).collect();
        Fault::new(format!("{self} did not run the command: {said}")).help(format!(
            "does `ssh {} 'echo hello'` print hello? An account with a forced command or without a login shell can't be used",
            self.words()
        ))
    }

    /// Why ssh did not connect.
    pub fn unreached(&self, said: &str) -> Fault {
        let last = said.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("ssh gave no reason");
        let fault = Fault::new(format!("ssh did not reach {self}: {last}"));
        let is = |words: &str| said.contains(words);
        if is("Permission denied") {
            fault.help(format!(
                "does `ssh {}` let you in without asking? The key must be on the machine, and in the agent here",
                self.words()
            ))
        } else if is("IDENTIFICATION HAS CHANGED") {
            fault
                .help("its key is different from the one that is known: was it set up anew, or is somebody in between?")
        } else if is("Host key verification failed") || is("key is known for") {
            fault.help(format!("connect once by hand, and compare its key: `ssh {}`", self.words()))
        } else if is("Could not resolve") {
            fault.help("is the name right, or is it an alias that only another user's ssh configuration has?")
        } else if is("Connection refused") || is("timed out") || is("No route") {
            fault.help("is it up, does sshd listen there, and does a firewall let us pass?")
        } else {
            fault
        }
    }

    /// The arguments of `ssh` on a command line.
    fn words(&self) -> String {
        match self.port {
            Some(port) => format!("-p {port} {}", self.destination),
            None => self.destination.clone(),
        }
    }

    /// The same in one line.
    pub fn by_hand(&self, argv: &[&str]) -> String {
        format!("ssh {} {}", self.words(), argv.join(" "))
    }

    /// The beginning of a command line that runs another there.
    pub fn command_line(&self) -> Vec<String> {
        let port = self.port.iter().flat_map(|port| ["-p".to_owned(), port.to_string()]);
        ["ssh".to_owned()].into_iter().chain(port).chain([self.destination.clone()]).collect()
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.destination),
            None => f.write_str(&self.destination),
        }
    }
}

impl<'de> Deserialize<'de> for Host {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// Why `ssh` could not be run.
pub fn unstarted(error: &io::Error) -> Fault {
    match error.kind() {
        ErrorKind::NotFound => {
            Fault::new("`ssh` is not installed here, or not in PATH").help("install the OpenSSH client")
        }
        _ => Fault::new(format!("`ssh` could not be run: {}", error::os(error))),
    }
}

/// A line of a script that ends it, saying why it could not begin.
pub fn refusing(why: &str) -> String {
    format!("{{ printf '%s refused %s' \"$gate\" {} >&2; exit {OWN}; }}", quoted(why))
}

/// Cuts off what was printed before the program began, and what is beyond the limit. Whether it began.
fn begun(output: &mut Text, mark: &str, limit: usize) -> bool {
    let start = format!("{mark} began\n").into_bytes();
    let Some(at) = output.bytes.windows(start.len()).position(|window| window == start) else { return false };
    output.bytes.drain(..at + start.len());
    output.truncated |= output.bytes.len() > limit;
    output.bytes.truncate(limit);
    true
}

/// A word that no output contains.
fn mark(script: &str, cx: &Context) -> String {
    let text = format!("{script}{}{:?}", std::process::id(), cx.env.now());
    format!("\ngate-{}", hex::encode(&Sha256::digest(text)[..12]))
}

/// The script, wrapped so that it ends when its result is no longer awaited: then its input, which is held open, ends.
fn wrapped(script: &str, mark: &str) -> String {
    let end = mark.trim();
    format!(
        "{{\n\
         exec 3<&0\n\
         gate='{mark}'\n\
         export gate\n\
         printf '%s began\\n' \"$gate\"\n\
         printf '%s began\\n' \"$gate\" >&2\n\
         $(command -v setsid) sh -s <<'{end}' 3<&- &\n\
         {{\nexec </dev/null\n{script}\nexit $?\n}}\n\
         {end}\n\
         child=$!\n\
         (\n\
         cat <&3 >/dev/null\n\
         for signal in TERM KILL; do kill -$signal -$child || kill -$signal $child; sleep 1; done\n\
         ) >/dev/null 2>&1 &\n\
         watch=$!\n\
         wait $child\n\
         code=$?\n\
         kill $watch\n\
         [ $code != {OWN} ] || printf '%s ended' \"$gate\" >&2\n\
         exit $code\n\
         }}\n"
    )
}
