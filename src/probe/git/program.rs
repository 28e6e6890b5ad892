//! Runs `git` so that it only reads: nothing that a repository's own configuration names is started.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::Command;

use crate::child::{self, End};
use crate::probe::{Context, Fault};

/// How much of what it prints is kept.
const LIMIT: usize = 1 << 20;
/// What of our own environment it gets: where it is, and whose settings apply (`safe.directory` stands there).
const INHERITED: &[&str] = &["PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR"];
/// What it gets besides: one language, no locks, no questions, no transports, no replaced objects.
const ENVIRONMENT: &[(&str, &str)] = &[
    ("LC_ALL", "C"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_ALLOW_PROTOCOL", "none"),
];
/// Settings that stand above those of the repository. The first two name programs; the third one makes `git` say when
/// a name has two meanings.
const SETTINGS: &[&str] = &["core.fsmonitor=false", "core.hooksPath=/dev/null", "core.warnAmbiguousRefs=true"];

/// `git` in one folder.
#[derive(Debug)]
pub struct Git<'a> {
    cx: &'a Context,
    dir: PathBuf,
    settings: Vec<String>,
}

/// What it said.
#[derive(Debug)]
pub struct Said {
    /// Its exit code.
    pub code: i32,
    /// Its standard output, or the first MiB of it, without the line break at the end.
    pub text: String,
    /// Its standard error.
    pub errors: String,
}

impl<'a> Git<'a> {
    /// `git` in a folder, which must be there.
    ///
    /// # Errors
    /// When there is no such folder, or `git` can't be run, or can't read its configuration.
    pub async fn new(cx: &'a Context, dir: PathBuf) -> Result<Git<'a>, Fault> {
        if !dir.is_dir() {
            return Err(Fault::new(format!("there is no folder `{}`", dir.display()))
                .help("`dir` is relative to the folder that holds `checklists/`"));
        }
        let settings = SETTINGS.iter().map(|setting| (*setting).to_owned()).collect();
        let mut git = Git { cx, dir, settings };
        git.disarm().await?;
        Ok(git)
    }

    /// Filters clean a file before it is compared. Those that the repository itself defines are not run; the user's own
    /// are, such as those of Git LFS.
    async fn disarm(&mut self) -> Result<(), Fault> {
        let said = self.run(&["config", "--show-scope", "--name-only", "-z", "--get-regexp", "^filter\\."]).await?;
        let words: Vec<&str> = said.text.split('\0').collect();
        for pair in words.chunks_exact(2).filter(|pair| !matches!(pair[0], "system" | "global")) {
            let key = pair[1];
            if key.contains('=') {
                // It could not be overridden in the way that every version of git knows.
                return Err(Fault::new(format!(
                    "the repository's own configuration has a filter of an odd name, `{key}`"
                ))
                .help("gate runs no program that a repository names: rename the filter, or take it out"));
            }
            // An empty command is none.
            self.settings.push(format!("{key}={}", if key.ends_with(".required") { "false" } else { "" }));
        }
        Ok(())
    }

    /// Runs one of its commands, whatever that ends with.
    ///
    /// # Errors
    /// When it can't be run.
    pub async fn run(&self, arguments: &[&str]) -> Result<Said, Fault> {
        let mut command = Command::new("git");
        command.arg("--no-pager").args(self.settings.iter().flat_map(|setting| ["-c", setting]));
        command.args(arguments).current_dir(&self.dir).env_clear();
        command.envs(INHERITED.iter().filter_map(|name| Some((name, self.cx.env.var(name)?))));
        command.envs(ENVIRONMENT.iter().copied());
        let ended = child::run(command, None, LIMIT).await.map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                Fault::new("`git` is not installed here, or not in PATH").help("install git where gate runs")
            }
            _ => Fault::new(format!("`git` could not be run: {error}")),
        })?;
        let code = match ended.end {
            End::Exit(code) => code,
            End::Signal(number) => return Err(Fault::new(format!("`git` was ended by signal {number}"))),
        };
        let text = String::from_utf8_lossy(&ended.stdout.bytes).trim_end_matches('\n').to_owned();
        let errors = String::from_utf8_lossy(&ended.stderr.bytes).trim_end().to_owned();
        Ok(Said { code, text, errors })
    }

    /// What one of its commands prints.
    ///
    /// # Errors
    /// When it fails.
    pub async fn ask(&self, arguments: &[&str]) -> Result<Said, Fault> {
        let said = self.run(arguments).await?;
        if said.code == 0 { Ok(said) } else { Err(self.fault(&said)) }
    }

    /// Why one of its commands failed.
    pub fn fault(&self, said: &Said) -> Fault {
        let dir = self.dir.display();
        if said.errors.contains("not a git repository") {
            return Fault::new(format!("`{dir}` is not in a Git repository")).help(
                "`dir` is relative to the folder that holds `checklists/`; was the source copied without `.git`?",
            );
        }
        if said.errors.contains("dubious ownership") {
            return Fault::new(format!(
                "the Git repository at `{dir}` belongs to another user, so that git reads none of it"
            ))
            .help(format!("run gate as its owner, or allow it: git config --global --add safe.directory {dir}"));
        }
        let line = said.errors.lines().find(|line| line.starts_with("fatal: ")).or(said.errors.lines().last());
        let line = line.unwrap_or("it does not say why").trim_start_matches("fatal: ");
        Fault::new(format!("`git` failed ({}): {}", said.code, line.chars().take(200).collect::<String>()))
    }
}
