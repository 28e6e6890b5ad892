//! Arguments that several commands share: overrides of a checklist, the location of the ledger, the output format.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Args, ValueEnum};

use crate::checklist::Overrides;
use crate::diagnostic::Diagnostic;
use crate::dotenv;
use crate::env::Env;
use crate::ledger::{Ledger, Location};
use crate::reader;
use crate::text::error;

use super::{Console, Failure};

/// The maximum size of an environment file, in bytes.
const ENV_FILE: u64 = 1 << 20;

// Overrides of the checklist. Not a doc comment, as below.
#[derive(Debug, Args)]
pub struct InputArgs {
    /// Override a variable of the checklist (`vars`); repeatable
    #[arg(long = "var", value_name = "KEY=VALUE", value_parser = pair)]
    pub vars: Vec<(String, String)>,
    /// Read environment variables from a file with KEY=VALUE lines; existing variables take precedence; repeatable
    #[arg(long, value_name = "FILE")]
    pub env_file: Vec<PathBuf>,
    /// Override the checklist's `subject`: the release or commit being checked
    #[arg(long, value_name = "TEXT")]
    pub subject: Option<String>,
}

impl InputArgs {
    pub fn overrides(&self) -> Overrides {
        Overrides { vars: self.vars.iter().cloned().collect(), subject: self.subject.clone(), shows_unset: false }
    }

    /// The same for a command that runs nothing: unset environment variables are shown as written.
    pub fn offline(&self) -> Overrides {
        Overrides { shows_unset: true, ..self.overrides() }
    }

    /// The environment with the variables of the files. They can't set the location of the ledger or its retention:
    /// such a file may come with the repository.
    pub fn env(&self, env: Console) -> Result<Console, Failure> {
        let mut found: BTreeMap<String, String> = BTreeMap::new();
        for file in &self.env_file {
            let text = reader::named(&env.cwd.join(file), ENV_FILE).map_err(|problem| {
                Failure::usage(
                    Diagnostic::error(format!("cannot read `{}`: {}", file.display(), error::os(&problem))),
                    &env,
                )
            })?;
            let pairs = dotenv::parse(&text).map_err(|bad| {
                let title = format!("`{}`, {bad}", file.display());
                Failure::usage(Diagnostic::error(title).help("each line is `KEY=VALUE`, or a comment with `#`"), &env)
            })?;
            found.extend(pairs);
        }
        let mut with_files = Env::clone(env.world());
        for (name, value) in found {
            if name.starts_with("GATE_LEDGER") {
                let warning = Diagnostic::warning(format!("`{name}` in `--env-file` is ignored"));
                Failure::usage(warning.help("set it in the environment, or use `--ledger`"), &env).print();
                continue;
            }
            with_files.vars.entry(name).or_insert(value);
        }
        Ok(env.with(with_files))
    }
}

// Location of the ledger. Not a doc comment: clap would show it as the description of each command with these arguments.
#[derive(Debug, Args)]
pub struct LedgerArgs {
    /// Ledger: a `postgres://user@host/name` URL or a file path. Default: GATE_LEDGER, or `.gate/ledger.db` beside
    /// `checklists/`
    #[arg(long, value_name = "URL")]
    pub ledger: Option<String>,
    /// Connect to the ledger's server through this SSH host, such as `ssh://deploy@bastion`. Default: GATE_LEDGER_VIA
    #[arg(long, value_name = "URL")]
    pub ledger_via: Option<String>,
}

impl LedgerArgs {
    /// Whether it is set.
    pub fn is_named(&self, env: &Console) -> bool {
        self.ledger.is_some() || env.var("GATE_LEDGER").is_some()
    }

    /// Its location. `root` is the folder that contains `checklists/`.
    pub fn location(&self, root: &Path, env: &Console) -> Result<Location, Failure> {
        Location::of(self.ledger.as_deref(), self.ledger_via.as_deref(), root, env)
            .map_err(|problem| Failure::usage(problem, env))
    }

    /// The ledger in which the runs of a checklist in this folder are recorded. `name` is the name of that checklist.
    pub async fn open(&self, name: &str, root: &Path, env: &Console) -> Result<Ledger, Failure> {
        let location = self.location(root, env)?;
        let place = location.name.clone();
        let opened = Ledger::open_existing(location, root, env).await;
        opened.map_err(|problem| Failure::output(problem, env))?.ok_or_else(|| {
            let problem = Diagnostic::error(format!("no runs are recorded: the ledger {place} does not exist"));
            Failure::usage(problem.help(format!("run `gate check {name}` first")), env)
        })
    }
}

/// When to use colors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR, CLICOLOR=0 or TERM=dumb is set; also with FORCE_COLOR or CLICOLOR_FORCE
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Color {
    /// The value on the command line, before it is parsed: its errors have colors, too.
    pub fn of(words: &[String]) -> Self {
        let own = words.iter().take_while(|word| *word != "--").map(String::as_str);
        let next = words.iter().skip(1).map(String::as_str).chain([""]);
        let said = own.zip(next).filter_map(|(word, next)| match word {
            "--color" => Some(next),
            _ => word.strip_prefix("--color="),
        });
        said.last().and_then(|word| Self::from_str(word, true).ok()).unwrap_or(Self::Auto)
    }

    /// The environment with or without colors.
    pub fn apply(self, env: Env) -> Env {
        match self {
            Self::Auto => env,
            Self::Always => env.with_color(true),
            Self::Never => env.with_color(false),
        }
    }
}

impl From<Color> for clap::ColorChoice {
    fn from(color: Color) -> Self {
        match color {
            Color::Auto => Self::Auto,
            Color::Always => Self::Always,
            Color::Never => Self::Never,
        }
    }
}

/// The output format of commands that don't print a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// A table for people
    Table,
    /// JSON for programs
    Json,
}

/// A number of at least 1.
pub fn count<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "expected a whole number from 1 up".to_owned())
}

/// A name and its value.
pub fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected `KEY=VALUE`")?;
    if name.is_empty() {
        return Err("the name before `=` is missing".to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}
