//! The command line: one file for each command.

mod actions;
mod arguments;
mod check;
mod completions;
mod conclude;
mod console;
mod deliver;
mod demo;
mod diff;
mod failed;
mod history;
mod import;
mod init;
mod ledger;
mod list;
mod man;
mod memory;
mod output;
mod probe;
mod record;
mod render;
mod report;
mod saved;
mod schema;
mod show;
mod sign;
mod signed;
mod since;
mod stop;
mod stream;
mod validate;
mod verify;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::checklist::{self, Checklist, Described, Found, Overrides};
use crate::diagnostic::{Diagnostic, Diagnostics, Sources, expected};
use crate::engine;
use crate::env::Env;
use crate::ledger::Location;
use crate::probe::Registry;
use crate::report::ProtectedPaths;
use crate::run::{Signal, Verdict};
use crate::secret::{Redacted, Redactor};
use crate::text::error;
use crate::text::visible_lines;

use arguments::{Color, InputArgs, LedgerArgs, OutputFormat};
use console::Console;

/// Check whether an environment is ready for a release.
///
/// A YAML checklist lists what must be true. gate probes the environment, reports each failure with its reason, and
/// updates a Markdown checklist for people to read and sign off.
#[derive(Debug, Parser)]
#[command(name = "gate", version = env!("GATE_VERSION"), max_term_width = 100, subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    /// When to use colors: auto, always, never
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto", hide_possible_values = true)]
    color: Color,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
#[command(defer = true)] // The options of one command alone are made, which is faster.
enum Command {
    /// Run a checklist.
    Check(check::Check),
    /// Validate checklists without running probes.
    Validate(validate::Validate),
    /// List checklists, the items of one checklist, or the available probes and checks.
    List(list::List),
    /// Show items with defaults and variables filled in, or the manual of a probe or check.
    Show(show::Show),
    /// Print the Markdown checklist of the last full run, or update or check its file.
    Render(render::Render),
    /// List recorded runs, and the items that failed or flaked most often.
    History(history::History),
    /// Show which items broke, recovered or changed between two runs.
    Diff(diff::Diff),
    /// Export recorded runs, or delete old ones.
    Ledger(ledger::Ledger),
    /// Write a saved run in any format.
    Report(report::Report),
    /// Run one probe and print its result as JSON.
    Probe(probe::Probe),
    /// Propose a first checklist from the files of this repository.
    Init(init::Init),
    /// Convert a Markdown checklist to YAML.
    Import(import::Import),
    /// Run an example checklist against a simulated staging environment; no setup needed.
    Demo(demo::Demo),
    /// Sign off items, or revoke sign-offs.
    Sign(sign::Sign),
    /// Verify every sign-off.
    Verify(verify::Verify),
    /// Print the JSON Schema of checklists, checks or JSON reports.
    Schema(schema::Schema),
    /// Print completions for a shell.
    Completions(completions::Completions),
    /// Print the manual page, or write the pages of all commands.
    Man(man::Man),
}

/// The exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Every required item is green.
    Ready,
    /// A required item is not green.
    NotReady,
    /// The command line or a checklist is invalid; nothing was run.
    Usage,
    /// Nothing failed, but something could not be checked.
    Unknown,
    /// A report or the ledger could not be written.
    Output,
    /// A signal ended it.
    Interrupted,
    /// Another signal ended it.
    Terminated,
    /// The terminal was closed.
    HungUp,
}

impl Exit {
    /// The code for shells and CI.
    pub fn code(self) -> u8 {
        match self {
            Self::Ready => 0,
            Self::NotReady => 1,
            Self::Usage => 2,
            Self::Unknown => 3,
            Self::Output => 4,
            Self::Interrupted => 130,
            Self::Terminated => 143,
            Self::HungUp => 129,
        }
    }
}

impl From<Signal> for Exit {
    fn from(signal: Signal) -> Self {
        match signal {
            Signal::Interrupt => Self::Interrupted,
            Signal::Terminate => Self::Terminated,
            Signal::Hangup => Self::HungUp,
        }
    }
}

impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Ready => Self::Ready,
            Verdict::NotReady => Self::NotReady,
            Verdict::Unknown => Self::Unknown,
        }
    }
}

/// Runs the program with these arguments; the first one is its name.
pub async fn main(arguments: impl IntoIterator<Item: Into<OsString> + Clone>) -> ExitCode {
    memory::take_large_steps();
    engine::quiet_panics();
    let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    let words: Vec<String> = arguments.iter().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let color = Color::of(&words);
    let env = Console::new(color.apply(Env::from_process()), &words);
    let matches = Cli::command().color(color.into()).try_get_matches_from(arguments);
    let cli = match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(problem) => return ExitCode::from(misused(&with_tip(problem, &words), &env).code()),
    };
    let done = match cli.command {
        Command::Check(check) => check.run(env).await,
        Command::Validate(validate) => validate.run(&env).await,
        Command::List(list) => list.run(&env),
        Command::Show(show) => show.run(env).await,
        Command::Render(render) => render.run(env).await,
        Command::History(history) => history.run(env).await,
        Command::Diff(diff) => diff.run(env).await,
        Command::Ledger(ledger) => ledger.run(env).await,
        Command::Report(report) => report.run(env).await,
        Command::Probe(probe) => probe.run(env).await,
        Command::Init(init) => init.run(env).await,
        Command::Import(import) => import.run(&env),
        Command::Demo(demo) => demo.run(env).await,
        Command::Sign(sign) => sign.run(env).await,
        Command::Verify(verify) => verify.run(env).await,
        Command::Schema(schema) => schema.run(),
        Command::Completions(completions) => completions.run(),
        Command::Man(man) => man.run(&env),
    };
    ExitCode::from(done.unwrap_or_else(|failure| failure.print()).code())
}

/// The command line of `gate`, as clap knows it.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Prints clap's result for a command line: help and version to standard output, an error without the secrets in it to
/// standard error.
fn misused(problem: &clap::Error, env: &Console) -> Exit {
    if !problem.use_stderr() {
        // Help contains no secret. A reader that stops early is not an error.
        let _ = problem.print();
        return Exit::Ready;
    }
    let text = problem.render();
    let text = if env.color_stderr { text.ansi().to_string() } else { text.to_string() };
    eprint(&env.pass(text));
    Exit::Usage
}

/// The error with a tip: what to write instead of an argument that people expect, or where names are listed.
fn with_tip(mut problem: clap::Error, words: &[String]) -> clap::Error {
    let command = words.get(1).map(String::as_str).unwrap_or_default();
    let unknown = match (problem.kind(), problem.get(ContextKind::InvalidArg)) {
        (ErrorKind::UnknownArgument, Some(ContextValue::String(word))) => word.clone(),
        _ => String::new(),
    };
    let is_close = problem.get(ContextKind::SuggestedArg).is_some();
    let tip = match (command, unknown.as_str()) {
        ("check", "--timeout" | "--retry") => {
            Some(format!("`{}` is a setting of the checklist: `defaults: {{ timeout: 30s }}`", &unknown[2..]))
        }
        ("check", "--output" | "-o" | "--json" | "--junit") => {
            Some("`--report json=run.json` writes a report, and `--format json` prints one".to_owned())
        }
        ("check", word) if !word.is_empty() && !word.starts_with('-') => {
            Some(format!("to run one item and what it needs, use `--only {word}`"))
        }
        ("list", word) if !word.is_empty() && !word.starts_with('-') => {
            Some(format!("to show one item, use `gate show NAME {word}`"))
        }
        ("probe", word) if word.starts_with("--") => {
            Some(format!("settings are written without dashes: `{}`", settings_of(word, words)))
        }
        _ => None,
    };
    if let Some(tip) = tip.filter(|_| !is_close) {
        problem.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    if problem.kind() == ErrorKind::MissingRequiredArgument
        && let Some(ContextValue::Strings(missing)) = problem.get(ContextKind::InvalidArg)
        && missing.iter().any(|name| name == "<NAME>")
    {
        let tip = "`gate list` shows the checklists".to_owned();
        problem.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    let mut pairs = words.iter().zip(words.iter().skip(1));
    let path = pairs.find(|(option, path)| *option == "--markdown" && !path.starts_with('-')).map(|(_, path)| path);
    if let Some(path) = path.filter(|_| problem.kind() == ErrorKind::UnknownArgument) {
        let tip = format!("to write Markdown to `{path}`, use `--markdown={path}`");
        problem.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    problem
}

/// A setting that was written like an option: `url=…` for `--url=…`.
fn settings_of(option: &str, words: &[String]) -> String {
    let whole = words.iter().find(|word| word.starts_with(option)).map_or(option, String::as_str);
    let setting = whole.trim_start_matches('-');
    if setting.contains('=') { setting.to_owned() } else { format!("{setting}=…") }
}

/// Errors that end the program, printed when it ends.
#[derive(Debug)]
struct Failure {
    problems: Diagnostics,
    sources: Arc<Sources>,
    redactor: Redactor,
    styled: bool,
    width: Option<usize>,
    exit: Exit,
}

impl Failure {
    /// The command line or a file is invalid.
    fn usage(problems: impl Into<Diagnostics>, env: &Console) -> Self {
        Self {
            problems: problems.into(),
            sources: Arc::default(),
            redactor: env.redactor(),
            styled: env.color_stderr,
            width: env.width_stderr,
            exit: Exit::Usage,
        }
    }

    /// A file of sign-offs can't be read.
    fn unread((problems, sources): (Diagnostics, Sources), env: &Console) -> Self {
        Self { sources: Arc::new(sources), ..Self::usage(problems, env) }
    }

    /// The same with the sources of the problems.
    fn at(self, sources: &Arc<Sources>) -> Self {
        Self { sources: Arc::clone(sources), ..self }
    }

    /// An output can't be written.
    fn output(problems: impl Into<Diagnostics>, env: &Console) -> Self {
        Self { exit: Exit::Output, ..Self::usage(problems, env) }
    }

    /// Both as one.
    fn and(mut self, other: Self) -> Self {
        self.problems.0.extend(other.problems.0);
        self
    }

    fn print(self) -> Exit {
        if self.problems.0.is_empty() {
            return self.exit;
        }
        // First each text, before it is cut and colored, then the whole.
        let problems = self.redactor.pass(self.problems);
        let text = problems.render_within(self.width, &self.sources.masked(&self.redactor), self.styled);
        eprint(&self.redactor.pass(text));
        self.exit
    }
}

/// Writes to standard error. If that fails, nothing else can report it.
fn eprint(text: &Redacted<String>) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Writes text without colors to standard output: nothing in it is secret or acts on a terminal. A reader that stops
/// early is not an error.
fn print(text: &str, env: &Console) -> Result<(), Failure> {
    let text: Redacted<String> = env.pass(text.to_owned());
    let mut out = io::stdout().lock();
    match out.write_all(visible_lines(&text).as_bytes()).and_then(|()| out.flush()) {
        Err(problem) if problem.kind() != io::ErrorKind::BrokenPipe => Err(Failure::output(
            Diagnostic::error(format!("cannot write to standard output: {}", error::os(&problem))),
            env,
        )),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A valid checklist. A base is not one.
fn load(name: &str, overrides: &Overrides, env: &Console) -> Result<Checklist, Failure> {
    let found = checklist::find(name, &env.cwd).map_err(|problem| Failure::usage(problem, env))?;
    if found.is_base() {
        let problem = Diagnostic::error(format!("`{}` is a base, which checklists extend", found.name));
        let extending = checklist::extending(&found);
        return Err(Failure::usage(
            problem.help(match extending.as_slice() {
                [] => format!("make a checklist with `extends: {}.yaml`", found.name),
                names => format!("use a checklist that extends it: `{}`", names.join("`, `")),
            }),
            env,
        ));
    }
    read(name, found, overrides, env)
}

/// A valid checklist or base.
fn load_any(name: &str, overrides: &Overrides, env: &Console) -> Result<Checklist, Failure> {
    let found = checklist::find(name, &env.cwd).map_err(|problem| Failure::usage(problem, env))?;
    read(name, found, overrides, env)
}

fn read(name: &str, found: Found, overrides: &Overrides, env: &Console) -> Result<Checklist, Failure> {
    let loaded = checklist::load(found, overrides, env, &Registry::built_in());
    env.learn(&loaded.redactor);
    let problems = Failure::usage(loaded.problems, env).at(&loaded.sources);
    match loaded.checklist {
        Some(checklist) => {
            // They are only warnings.
            problems.print();
            if let Some(warning) = checklist::odd_name(name) {
                Failure::usage(warning, env).print();
            }
            Ok(checklist)
        }
        None => Err(problems),
    }
}

/// The files that no report of a checklist may replace.
fn kept(checklist: &Checklist, at: &LedgerArgs, env: &Console) -> ProtectedPaths {
    let location = at.location(&checklist.root, env).ok();
    let ledger = location.as_ref().and_then(Location::file);
    ProtectedPaths::new(&checklist.root, &env.cwd.join(&checklist.file), ledger)
}

/// A valid check: of the folder that contains `checklists/`, or a built-in one.
fn check(name: &str, env: &Console) -> Result<Described, Failure> {
    checklist::describe(name, &folder(env), &env.cwd, &Registry::built_in())
        .map_err(|(problems, sources)| Failure::usage(problems, env).at(&sources))
}

/// The folder that contains `checklists/`, or the working directory.
fn folder(env: &Console) -> PathBuf {
    checklist::all(&env.cwd).map_or_else(|_| env.cwd.clone(), |(root, _)| root)
}

/// The error for an unknown kind of probe.
fn unknown_kind(name: &str, registry: &Registry) -> Diagnostic {
    let names: Vec<&str> = registry.names().collect();
    let problem = Diagnostic::error(format!("unknown probe `{name}`"));
    problem.suggest(name, names.iter().copied(), expected(&names))
}
