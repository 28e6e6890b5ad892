//! `command`: what is the output of a program, and how does it end?

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Instant;

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::child::{self, End, Finished, Text};
use crate::text::shell::quoted;
use crate::text::{error, json, without_mark};

use super::{Context, Fault, Probe, SameFact, Truncation};
use crate::client::http::Size;
use crate::client::ssh::{Host, RemoteOutcome, refusing};
use crate::yaml::Duration;

/// The variables of our own environment that a program gets unless `env` sets them.
const INHERITED: &[&str] = &["PATH", "HOME", "LANG", "USER", "TMPDIR"];

/// Runs a program and checks how it ends. When it has ended or timed out, everything that it started is killed,
/// background jobs too.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Command {
    /// The machine to run it on, such as `ssh://deploy@web-1.staging.example`. Default: this machine. gate connects
    /// with your own `ssh`, its configuration and keys, and never prompts. There, `cwd` starts in the user's home, the
    /// environment is that of a login plus `env`, and a signal is an exit code above 128.
    on: Option<Host>,
    /// The program and its arguments, such as `[kubectl, get, nodes, -o, json]`. No shell is involved.
    argv: Option<Vec<String>>,
    /// A line for `sh -c`, such as `"df -P / | tail -1"`, instead of `argv`. Pass values through `env`, not in the
    /// line.
    shell: Option<String>,
    /// The working directory, such as `deploy`. A relative one starts at the default. Default: the folder that contains
    /// `checklists/`.
    cwd: Option<PathBuf>,
    /// Environment variables to set, such as `{ KUBECONFIG: "${env.KUBECONFIG}" }`. Of the environment of `gate`, a
    /// program gets only `PATH`, `HOME`, `LANG`, `USER` and `TMPDIR`.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// Standard input of the program. Default: nothing.
    stdin: Option<String>,
    /// Whether the program changes nothing. If `false` or absent, it counts as having effects: `--read-only` doesn't
    /// run it.
    #[serde(default)]
    read_only: bool,
    /// How much to keep of standard output, and of standard error. Default: `1MiB`; the rest is discarded.
    #[serde(default = "default_max_output")]
    max_output: Size,
}

/// The output of a program, and how it ended.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CommandSeen {
    /// Exit code. Absent if a signal ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The signal that ended it, such as `SIGSEGV`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// Standard output, without line breaks at its end.
    pub stdout: String,
    /// Standard error, without line breaks at its end.
    pub stderr: String,
    /// Standard output parsed as JSON, if it is JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
    /// Duration in milliseconds.
    pub duration_ms: u64,
    /// Whether standard output or standard error was longer than `max_output`.
    pub truncated: bool,
    /// The outputs that were, and what is made of them.
    #[serde(skip)]
    pub cut: Vec<&'static str>,
}

/// Help if a program is not found.
const INSTALL: &str = "install it, or give its whole path";

impl Probe for Command {
    const KIND: &'static str = "command";
    const EXPECT: &'static str = "{ exit_code: 0 }";
    const SAME_FACT: &'static [SameFact] = &[("exit_code", &["signal"])];
    const EXAMPLE: &'static str = r#"command: { argv: [nft, --version], read_only: true }
expect: { stdout: { starts_with: nftables } }
"#;
    const EFFECTS: Option<&'static str> =
        Some("A program may do anything, unless `read_only` promises that this one changes nothing.");
    type Observation = CommandSeen;

    async fn observe(&self, cx: &Context) -> Result<CommandSeen, Fault> {
        let cwd = cx.path(self.cwd.as_deref().unwrap_or(Path::new("")));
        if self.on.is_none() && !cwd.is_dir() {
            return Err(Fault::new(format!("the folder `{}` to run it in does not exist", cwd.display())));
        }
        let start = Instant::now();
        let running = async {
            match &self.on {
                Some(host) => self.there(host, cx).await,
                None => {
                    let input = self.stdin.clone().map(String::into_bytes);
                    let ended = child::run(self.command(cx, &cwd), input, self.max_output.get()).await;
                    ended.map_err(|error| self.fault(&error, &cwd))
                }
            }
        };
        let Ok(ended) = tokio::time::timeout(cx.timeout, running).await else {
            let fault = Fault::new(format!("`{}` timed out after {}", self.program(), Duration(cx.timeout)));
            return Err(fault.help("it was killed, with its child processes; does it need a longer `timeout`?"));
        };
        let duration_ms = start.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
        Ok(seen(ended?, duration_ms))
    }

    fn evidence(&self, seen: &CommandSeen) -> String {
        match (seen.exit_code, &seen.signal) {
            (Some(code), _) => format!("exit {code}"),
            (None, signal) => format!("ended by {}", signal.as_deref().unwrap_or("a signal")),
        }
    }

    fn absent(&self, seen: &CommandSeen) -> Option<(&'static str, String)> {
        let text = Some(&seen.stdout).filter(|_| seen.json.is_none() && !seen.truncated)?;
        let error = json::parse::<Value>(text.as_bytes()).err()?;
        let why = if text.trim().is_empty() { "empty".to_owned() } else { error::json(&error) };
        Some(("json", format!("standard output is {why}")))
    }

    fn cuts(&self, seen: &CommandSeen) -> Vec<Truncation> {
        let read = format!("only the first {} of the output was read", self.max_output);
        if seen.cut.is_empty() { Vec::new() } else { vec![Truncation::new(&seen.cut, read, "max_output")] }
    }

    fn advice(&self, seen: &CommandSeen) -> Option<String> {
        // The last line usually says why.
        let said = |text: &str| text.lines().rev().find(|line| !line.trim().is_empty()).map(|line| cut(line.trim()));
        match (seen.exit_code, seen.signal.as_deref()) {
            (Some(0), _) => seen.truncated.then(|| "its output was cut at `max_output`".to_owned()),
            (Some(126), _) if self.shell.is_some() => {
                Some(format!("{} (126: it can't be executed)", said(&seen.stderr)?))
            }
            (Some(127), _) if self.shell.is_some() => Some(format!("{} (127: no such program)", said(&seen.stderr)?)),
            (None, Some("SIGKILL")) => Some("was it out of memory? The kernel kills programs then".to_owned()),
            (_, _) => {
                let line = |name: &str, text: &str| said(text).map(|line| format!("{name}: {line}"));
                line("stderr", &seen.stderr).or_else(|| line("stdout", &seen.stdout))
            }
        }
    }

    fn has_effects(&self) -> bool {
        !self.read_only
    }

    fn reproduce(&self) -> Option<Vec<String>> {
        let mut argv = Vec::new();
        if self.cwd.is_some() || !self.env.is_empty() {
            argv.push("env".to_owned());
            argv.extend(self.cwd.iter().flat_map(|cwd| ["-C".to_owned(), cwd.display().to_string()]));
            argv.extend(self.env.iter().map(|(name, value)| format!("{name}={value}")));
        }
        argv.extend(self.argv());
        Some(argv)
    }

    fn on(&self) -> Option<&Host> {
        self.on.as_ref()
    }
}

impl Command {
    fn argv(&self) -> Vec<String> {
        match (&self.argv, &self.shell) {
            (Some(argv), _) => argv.clone(),
            (None, line) => vec!["sh".to_owned(), "-c".to_owned(), line.clone().unwrap_or_default()],
        }
    }

    fn program(&self) -> String {
        self.argv.as_ref().map_or_else(|| "sh".to_owned(), |argv| argv[0].clone())
    }

    fn command(&self, cx: &Context, cwd: &Path) -> std::process::Command {
        let argv = self.argv();
        let mut command = std::process::Command::new(&argv[0]);
        command.args(&argv[1..]).current_dir(cwd).env_clear();
        command.envs(INHERITED.iter().filter_map(|name| Some((name, cx.env.var(name)?))));
        command.envs(&self.env);
        command
    }

    /// Runs it on another machine.
    async fn there(&self, host: &Host, cx: &Context) -> Result<Finished, Fault> {
        let mut script = String::new();
        if let Some(cwd) = &self.cwd {
            script += &format!("cd -- {} || {}\n", quoted(&cwd.display().to_string()), refusing("cwd"));
        }
        for (name, value) in &self.env {
            script += &format!("export {name}={}\n", quoted(value));
        }
        let program = quoted(&self.program());
        script += &format!("command -v {program} >/dev/null || {}\n", refusing("program"));
        if let Some(input) = &self.stdin {
            script += &format!("printf %s {} | ", quoted(input));
        }
        script += &self.argv().iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
        match host.run(cx, &script, self.max_output.get()).await? {
            RemoteOutcome::Ended(ended) => Ok(ended),
            RemoteOutcome::Refused(what) if what == "cwd" => {
                let cwd = self.cwd.as_deref().unwrap_or(Path::new("")).display();
                Err(Fault::new(format!("the folder `{cwd}` to run it in does not exist on {host}")))
            }
            RemoteOutcome::Refused(_) => {
                Err(Fault::new(format!("`{}` is not installed on {host}, or not in PATH there", self.program()))
                    .help(self.split().unwrap_or_else(|| INSTALL.to_owned())))
            }
        }
    }

    /// How to write a command line that is the first entry of `argv` as a whole.
    fn split(&self) -> Option<String> {
        let line = self.argv.as_ref()?.first()?.trim();
        let words: Vec<&str> = line.split_whitespace().collect();
        let argv = || self.argv.iter().flatten().skip(1).map(String::as_str);
        let all: Vec<&str> = words.iter().copied().chain(argv()).collect();
        (words.len() > 1)
            .then(|| format!("each argument is an entry of its own: `argv: [{}]`; or use `shell`", all.join(", ")))
    }

    /// Why a program can't be started.
    fn fault(&self, error: &io::Error, cwd: &Path) -> Fault {
        let program = self.program();
        match error.kind() {
            ErrorKind::NotFound if program.contains('/') && cwd.join(&program).exists() => {
                Fault::new(format!("the interpreter of `{program}` does not exist"))
                    .help("its first line, `#!…`, names a program that does not exist here")
            }
            ErrorKind::NotFound if program.contains('/') => {
                let help = format!("relative paths start at `{}`", cwd.display());
                Fault::new(format!("`{program}` not found")).help(self.split().unwrap_or(help))
            }
            ErrorKind::NotFound => Fault::new(format!("`{program}` is not installed here, or not in PATH"))
                .help(self.split().unwrap_or_else(|| INSTALL.to_owned())),
            ErrorKind::PermissionDenied => Fault::new(format!("`{program}` may not be executed"))
                .help("is it a program, and is it executable for this user (chmod +x)?"),
            ErrorKind::ArgumentListTooLong => {
                Fault::new(format!("the arguments of `{program}` are too long")).help("pass long texts through `stdin`")
            }
            _ => match error.raw_os_error() {
                Some(libc::ENOEXEC) => Fault::new(format!("`{program}` is not a program for this machine"))
                    .help("a script needs a first line such as `#!/bin/sh`"),
                _ => Fault::new(format!("`{program}` could not be run: {}", error::os(error))),
            },
        }
    }
}

impl<'de> Deserialize<'de> for Command {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let probe = Command::deserialize(deserializer)?;
        let problem = match (&probe.argv, &probe.shell) {
            (None, None) => return Err(D::Error::missing_field("argv` or `shell")),
            (Some(_), Some(_)) => Some("`argv` and `shell` can't be used together"),
            (Some(argv), None) if argv.first().is_none_or(|program| program.trim().is_empty()) => {
                Some("the program is missing: it is the first element of `argv`")
            }
            (None, Some(line)) if line.trim().is_empty() => Some("`shell` is empty"),
            (Some(_), None) | (None, Some(_)) => None,
        };
        match problem {
            Some(problem) => Err(D::Error::custom(problem)),
            None => match probe.env.keys().find(|name| name.is_empty() || name.contains(['=', '\0'])) {
                Some(name) => Err(D::Error::custom(format!("`{name}` is not a valid name of a variable"))),
                None if probe.on.is_some() && !probe.env.keys().all(|name| is_shell_name(name)) => {
                    Err(D::Error::custom("on another machine, the name of a variable is letters, digits and `_`"))
                }
                None => Ok(probe),
            },
        }
    }
}

fn seen(ended: Finished, duration_ms: u64) -> CommandSeen {
    let (exit_code, signal) = match ended.end {
        End::Exit(code) => (Some(code), None),
        End::Signal(number) => (None, Some(signal(number))),
    };
    let mut cut = Vec::new();
    if ended.stdout.truncated {
        cut.extend(["stdout", "json"]);
    }
    if ended.stderr.truncated {
        cut.push("stderr");
    }
    CommandSeen {
        exit_code,
        signal,
        cut,
        json: if ended.stdout.truncated { None } else { json::parse_exactly(&ended.stdout.bytes).ok() },
        duration_ms,
        truncated: ended.stdout.truncated || ended.stderr.truncated,
        stdout: text(ended.stdout),
        stderr: text(ended.stderr),
    }
}

fn text(text: Text) -> String {
    let text = String::from_utf8_lossy(without_mark(&text.bytes)).into_owned();
    text.trim_end_matches(['\n', '\r']).to_owned()
}

fn is_shell_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(200) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}

fn signal(number: i32) -> String {
    let name = match number {
        libc::SIGHUP => "SIGHUP",
        libc::SIGINT => "SIGINT",
        libc::SIGQUIT => "SIGQUIT",
        libc::SIGILL => "SIGILL",
        libc::SIGABRT => "SIGABRT",
        libc::SIGBUS => "SIGBUS",
        libc::SIGFPE => "SIGFPE",
        libc::SIGKILL => "SIGKILL",
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGPIPE => "SIGPIPE",
        libc::SIGALRM => "SIGALRM",
        libc::SIGTERM => "SIGTERM",
        libc::SIGXCPU => "SIGXCPU",
        libc::SIGXFSZ => "SIGXFSZ",
        _ => return format!("signal {number}"),
    };
    name.to_owned()
}

fn default_max_output() -> Size {
    Size::bytes(1 << 20)
}
