//! Writing a run: the arguments that commands share, and the writer itself.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::Args;

use crate::diagnostic::{Diagnostic, expected};
use crate::report::{self, Detail, Format, Outputs, ProtectedPaths, RenderOptions, Unmarked};
use crate::run::{Run, Signal, Weaker};
use crate::secret::Redacted;
use crate::text::error;

use super::actions::{Actions, Defused};
use super::deliver::{Delivered, deliver};
use super::stream::Stream;
use super::{Console, Failure};

// The formats and files of a run. Not a doc comment: clap would show it as the description of the command.
#[derive(Debug, Args)]
pub struct OutputArgs {
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = format_named)]
    format: &'static Format,
    /// Also write a report to a file; repeatable
    #[arg(long, value_name = "FORMAT=PATH", value_parser = report)]
    report: Vec<(&'static Format, PathBuf)>,
    /// Write the Markdown checklist to PATH. Default: the checklist's `markdown` file
    #[arg(long, value_name = "PATH", num_args = 0..=1, require_equals = true)]
    #[expect(clippy::option_option, reason = "not given, given alone, given with a path")]
    markdown: Option<Option<PathBuf>>,
    /// Replace the whole Markdown file if it has no markers for this checklist
    #[arg(long)]
    overwrite: bool,
    /// In the table, count green items instead of listing them
    #[arg(long, short, conflicts_with = "verbose")]
    quiet: bool,
    /// In the table, also show what the probes of each item returned
    #[arg(long, short)]
    verbose: bool,
    /// Don't write GitHub Actions annotations, summary and outputs
    #[arg(long)]
    no_ci: bool,
}

impl OutputArgs {
    /// Whether one of the formats shows observations.
    pub fn is_whole(&self) -> bool {
        let formats = std::iter::once(self.format).chain(self.report.iter().map(|(format, _)| *format));
        self.verbose || formats.into_iter().any(|format| format.is_whole)
    }

    /// Whether the output is as short as possible.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    fn detail(&self) -> Detail {
        match (self.quiet, self.verbose) {
            (true, _) => Detail::Quiet,
            (false, true) => Detail::Verbose,
            (false, false) => Detail::Default,
        }
    }

    /// Whether the Markdown is written to the checklist's own file.
    pub fn wants_own_markdown(&self) -> bool {
        self.markdown == Some(None)
    }

    /// The writer of events as they happen, if the format supports it.
    pub fn stream(&self) -> Option<Stream> {
        self.format.events.map(Stream::start)
    }

    /// All reports to files: the format's name and the path. `own` is the checklist's own file.
    pub fn paths(&self, own: Option<PathBuf>, env: &Console) -> Result<Vec<(String, PathBuf)>, Failure> {
        let mut reports: Vec<(String, PathBuf)> =
            self.report.iter().map(|(format, path)| (format.name.to_owned(), path.clone())).collect();
        let markdown = match &self.markdown {
            None => None,
            Some(Some(path)) => Some(path.clone()),
            Some(None) => Some(own.ok_or_else(|| {
                let problem = Diagnostic::error("`--markdown` has no path, and the checklist has no `markdown`");
                let help = "pass `--markdown=READINESS.md`, or add `markdown: READINESS.md` to the checklist";
                Failure::usage(problem.help(help), env)
            })?),
        };
        reports.extend(markdown.map(|path| ("markdown".to_owned(), path)));
        Ok(reports)
    }

    /// Checks that all of them can be written. `name` is the name of the checklist.
    pub fn open(
        &self,
        reports: &[(String, PathBuf)],
        name: &str,
        kept: &ProtectedPaths,
        env: &Console,
    ) -> Result<Outputs, Failure> {
        let unmarked = if self.overwrite { Unmarked::Overwrite } else { Unmarked::Keep };
        report::open(reports, name, unmarked, kept).map_err(|problems| Failure::output(problems, env))
    }

    /// Writes all of them; one that can't be written does not prevent the others. A signal may end it.
    pub async fn write(
        &self,
        run: Redacted<Run>,
        weaker: Vec<Weaker>,
        outputs: Outputs,
        stream: Option<Stream>,
        is_recorded: bool,
        env: &Console,
    ) -> Result<Option<Signal>, Failure> {
        let file = RenderOptions { is_recorded, ..RenderOptions::file(env) };
        let options = RenderOptions { width: env.width, color: env.color, detail: self.detail(), ..file.clone() };
        let (format, was_ended_early) = (self.format, run.interrupted.is_some());
        let actions = if self.no_ci { None } else { Actions::of(env) };
        let writing = move || {
            let shown = match stream {
                Some(stream) => stream.finish(&run),
                None => show(format, &run, &options, actions.is_some()),
            };
            let written = outputs.write(&run, &file);
            let warnings = actions.map(|actions| actions.publish(&run, &weaker, &file)).unwrap_or_default();
            // The program ends soon, and takes no long list apart for that.
            std::mem::forget(run);
            (shown, written, warnings)
        };
        let unwritten = |problem| {
            let title = format!("cannot write to standard output: {}", error::os(&problem));
            Failure::output(Diagnostic::error(title), env)
        };
        let (shown, written, warnings) = match deliver(was_ended_early, writing).await.map_err(unwritten)? {
            Delivered::Done(done) => done,
            Delivered::Unread => return Err(unwritten(error::own("nobody reads it"))),
            Delivered::Stopped(signal) => return Ok(Some(signal)),
        };
        for warning in warnings {
            Failure::usage(warning, env).print();
        }
        let written = written.map_err(|problems| Failure::output(problems, env));
        let failures = [shown.map_err(unwritten), written].into_iter().filter_map(Result::err);
        failures.reduce(Failure::and).map_or(Ok(None), Err)
    }
}

/// Writes to standard output. A reader that stops early is not an error.
fn show(format: &Format, run: &Redacted<Run>, options: &RenderOptions, is_in_actions: bool) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    let written = match is_in_actions && format.is_for_people {
        true => {
            let mut out = Defused::new(&mut out);
            format.write(run, options, &mut out).and_then(|()| out.flush())
        }
        false => format.write(run, options, &mut out).and_then(|()| out.flush()),
    };
    match written {
        Err(problem) if problem.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Every format with its description.
pub fn formats() -> String {
    let rows = report::FORMATS.iter().map(|format| format!("  {:<12}{}\n", format.name, format.doc));
    format!("Formats:\n{}", rows.collect::<String>())
}

fn format_named(name: &str) -> Result<&'static Format, String> {
    let names: Vec<&str> = report::FORMATS.iter().map(|format| format.name).collect();
    report::format(name).ok_or_else(|| expected(&names))
}

fn report(text: &str) -> Result<(&'static Format, PathBuf), String> {
    let (format, path) = text.split_once('=').ok_or("expected `FORMAT=PATH`, such as `json=run.json`")?;
    if path.is_empty() {
        return Err("missing path after `=`".to_owned());
    }
    Ok((format_named(format)?, path.into()))
}
