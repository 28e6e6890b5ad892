//! The one way to run `git`: it only reads, and starts nothing that a repository names. The system's and the user's
//! configuration count; of the repository's own, everything that names a program or a transport is overridden.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tokio::sync::OnceCell;

use crate::child::{self, End};
use crate::env::Env;
use crate::text::error;

use super::Fault;

/// How much of what it prints is kept.
const LIMIT: usize = 1 << 20;
/// Its timeout outside of probes.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The variables of our own environment that it gets: its location, and the user's configuration (such as
/// `safe.directory`).
const INHERITED: &[&str] =
    &["PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"];
/// The variables that it gets in addition: one language, no locks, no prompts, no transports, no replaced objects.
const ENVIRONMENT: &[(&str, &str)] = &[
    ("LC_ALL", "C"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_ALLOW_PROTOCOL", "none"),
];
/// Settings that override those of the repository. They name programs and transports, except the last two: a folder that
/// merely looks like a bare repository is none, and `git` says when a name has two meanings.
const SETTINGS: &[&str] = &[
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.alternateRefsCommand=",
    "core.askPass=",
    "core.sshCommand=false",
    "credential.helper=",
    "diff.external=",
    "gpg.program=false",
    "log.showSignature=false",
    "protocol.allow=never",
    "submodule.recurse=false",
    "safe.bareRepository=explicit",
    "core.warnAmbiguousRefs=true",
];
/// Keys with a name in the middle that make `git` run a program, and what to set them to instead. An empty command is
/// none.
const NAMED: &[(&str, &str, &str)] = &[
    ("filter.", ".clean", ""),
    ("filter.", ".smudge", ""),
    ("filter.", ".process", ""),
    ("filter.", ".required", "false"),
    ("diff.", ".textconv", ""),
    ("diff.", ".command", ""),
    ("credential.", ".helper", ""),
    ("gpg.", ".program", "false"),
    ("remote.", ".vcs", ""),
];

/// `git` in one folder.
#[derive(Debug)]
pub struct Git<'a> {
    env: &'a Env,
    dir: PathBuf,
    /// Whether it is a bare repository that was requested by its folder.
    is_bare: bool,
    overrides: OnceCell<Vec<String>>,
}

/// Its output.
#[derive(Debug)]
pub struct GitOutput {
    /// Its exit code.
    pub code: i32,
    /// Its standard output, or the first MiB of it, without the line break at the end.
    pub text: String,
    /// Whether there was more.
    pub is_cut: bool,
    /// Its standard error.
    pub errors: String,
}

impl<'a> Git<'a> {
    /// `git` in a folder, which must exist.
    ///
    /// # Errors
    /// When the folder does not exist.
    pub fn new(env: &'a Env, dir: PathBuf) -> Result<Git<'a>, Fault> {
        if !dir.is_dir() {
            return Err(Fault::new(format!("folder `{}` not found", dir.display()))
                .help("`dir` is relative to the folder that contains `checklists/`"));
        }
        Ok(Git { env, dir, is_bare: false, overrides: OnceCell::new() })
    }

    /// `git` in a folder that a checklist names, which may be a bare repository.
    ///
    /// # Errors
    /// As above.
    pub fn named(env: &'a Env, dir: PathBuf) -> Result<Git<'a>, Fault> {
        let git = Self::new(env, dir)?;
        let has = |name: &str| git.dir.join(name).exists();
        let is_bare = has("HEAD") && has("objects") && !has(".git");
        Ok(Git { is_bare, ..git })
    }

    /// Settings that override what the repository itself defines under a name, such as the filters that clean a file
    /// before it is compared. The user's own are kept, such as those of Git LFS.
    async fn overrides(&self) -> Result<Vec<String>, Fault> {
        let said = self.run_with(&["config", "--show-scope", "--name-only", "-z", "--list"], &[]).await?;
        if said.is_cut {
            return Err(Fault::new("the repository's configuration is longer than 1 MiB"));
        }
        let words: Vec<&str> = said.text.split('\0').collect();
        let mut overrides = Vec::new();
        for pair in words.chunks_exact(2).filter(|pair| !matches!(pair[0], "system" | "global" | "command")) {
            let key = pair[1];
            let is_meant = |(start, end, _): &&(&str, &str, &str)| key.starts_with(start) && key.ends_with(end);
            let Some((.., value)) = NAMED.iter().find(is_meant) else { continue };
            if key.contains('=') {
                // It could not be overridden in the way that every version of git knows.
                return Err(Fault::new(format!("the repository's configuration has an unusual key, `{key}`"))
                    .help("gate runs no program that a repository names: rename the key, or remove it"));
            }
            overrides.push(format!("{key}={value}"));
        }
        Ok(overrides)
    }

    /// Runs one of its commands, whatever that ends with.
    ///
    /// # Errors
    /// When it can't be run.
    pub async fn run(&self, arguments: &[&str]) -> Result<GitOutput, Fault> {
        let overrides: &[String] = match arguments {
            // They read neither files nor objects.
            ["config" | "rev-parse", ..] => &[],
            _ => self.overrides.get_or_try_init(|| self.overrides()).await?,
        };
        self.run_with(arguments, overrides).await
    }

    async fn run_with(&self, arguments: &[&str], overrides: &[String]) -> Result<GitOutput, Fault> {
        let mut command = Command::new("git");
        let settings = SETTINGS.iter().copied().chain(overrides.iter().map(String::as_str));
        command.arg("--no-pager").args(settings.flat_map(|setting| ["-c", setting]));
        if self.is_bare {
            command.arg("--git-dir=.");
        }
        command.args(arguments).current_dir(&self.dir).env_clear();
        command.envs(INHERITED.iter().filter_map(|name| Some((name, self.env.var(name)?))));
        command.envs(ENVIRONMENT.iter().copied());
        let ended = child::run(command, None, LIMIT).await.map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                Fault::new("`git` is not installed here, or not in PATH").help("install git where gate runs")
            }
            _ => Fault::new(format!("`git` could not be run: {}", error::os(&error))),
        })?;
        let code = match ended.end {
            End::Exit(code) => code,
            End::Signal(number) => return Err(Fault::new(format!("`git` was ended by signal {number}"))),
        };
        let text = String::from_utf8_lossy(&ended.stdout.bytes).trim_end_matches('\n').to_owned();
        let errors = String::from_utf8_lossy(&ended.stderr.bytes).trim_end().to_owned();
        Ok(GitOutput { code, text, is_cut: ended.stdout.truncated, errors })
    }

    /// The output of a Git command.
    ///
    /// # Errors
    /// When it fails.
    pub async fn ask(&self, arguments: &[&str]) -> Result<GitOutput, Fault> {
        let said = self.run(arguments).await?;
        if said.code == 0 { Ok(said) } else { Err(self.fault(&said)) }
    }

    /// Why one of its commands failed.
    pub fn fault(&self, said: &GitOutput) -> Fault {
        let dir = self.dir.display();
        if said.errors.contains("not a git repository") {
            return Fault::new(format!("`{dir}` is not in a Git repository")).help(
                "`dir` is relative to the folder that contains `checklists/`; was the source copied without `.git`?",
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

/// The output of a git command in a folder.
///
/// # Errors
/// Why there is none, as a message.
pub async fn git(folder: &Path, arguments: &[&str], env: &Env) -> Result<String, String> {
    let ask = async { Git::new(env, folder.to_owned())?.ask(arguments).await };
    match tokio::time::timeout(TIMEOUT, ask).await {
        Ok(Ok(said)) => Ok(said.text),
        Ok(Err(fault)) => Err(fault.to_string()),
        Err(_) => Err("`git` timed out after 10s".to_owned()),
    }
}

/// A setting of the user, such as `user.name`. The repository's own file may set it, but no file that this includes:
/// such a file may come with a pull request.
pub async fn setting(folder: &Path, key: &str, env: &Env) -> Option<String> {
    let own = git(folder, &["config", "--local", "--no-includes", "--get", key], env).await;
    let text = match own {
        Ok(text) => text,
        Err(_) => {
            // Outside a repository, no local configuration file exists.
            let all = git(folder, &["config", "--show-scope", "-z", "--get-all", key], env).await.ok()?;
            let words: Vec<&str> = all.split('\0').collect();
            let of_user = |pair: &&[&str]| matches!(pair[0], "system" | "global");
            words.chunks_exact(2).rfind(of_user)?[1].to_owned()
        }
    };
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}
