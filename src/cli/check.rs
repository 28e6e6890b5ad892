//! `gate check`: look at everything, tell what came of it, end with the code that says so.

use std::io::{self, BufWriter, Write};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use crate::checklist::{ListFile, Since};
use crate::diagnostic::Diagnostic;
use crate::engine::{self, Keep, Options, Ran, Wait};
use crate::ledger::{self, ChangeBases, Origin};
use crate::plan::{Plan, Selection};
use crate::report::{self, Format, Live, Look, Unmarked};
use crate::run::{Interruption, Run, Signal};
use crate::secret::Redacted;
use crate::text::error;
use crate::yaml::Duration;

use super::deliver::{Delivered, deliver};
use super::record::{Asked, Record, Recorder};
use super::stop::stop;
use super::stream::Stream;
use super::{Console, Exit, Failure, InputArgs, LedgerArgs, kept, load, signed};

/// How long it may take to find out where an unrecorded run comes from.
const ORIGIN: std::time::Duration = std::time::Duration::from_millis(800);

#[derive(Debug, Args)]
#[command(after_help = formats())]
pub struct Check {
    /// Checklist: a name (`staging` for checklists/staging.yaml), a path, or `-` for standard input
    name: String,
    /// Run only these items, sections or tags, and the items that they need; comma-separated, repeatable
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// Skip these items, sections or tags; comma-separated, repeatable
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    skip: Vec<String>,
    /// Maximum number of items to run concurrently
    #[arg(long, short, value_name = "N", default_value_t = NonZeroUsize::new(engine::JOBS).expect("it is not 0"))]
    jobs: NonZeroUsize,
    /// Stop the run after this time, such as `5m`; running items become errors, waiting items are blocked
    #[arg(long, value_name = "TIME")]
    deadline: Option<Duration>,
    /// Rerun failing items until they pass, for at most this long, such as `2m`
    #[arg(long, value_name = "TIME")]
    wait: Option<Duration>,
    /// With --wait, the pause between rounds
    #[arg(long, value_name = "TIME", requires = "wait", default_value = "1s")]
    interval: Duration,
    /// With --wait, require this many passing rounds in a row; above 1, each round reruns every item with probes
    #[arg(long, value_name = "N", requires = "wait", default_value = "1")]
    consecutive: NonZeroU32,
    /// Stop after the first failure; advisory items don't count
    #[arg(long)]
    fail_fast: bool,
    /// Don't run probes that can change something; their items are blocked
    #[arg(long)]
    read_only: bool,
    #[command(flatten)]
    input: InputArgs,
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
    #[command(flatten)]
    ledger: LedgerArgs,
    /// Don't read or write the ledger
    #[arg(long, conflicts_with = "ledger")]
    no_record: bool,
}

impl Check {
    pub async fn run(self, env: Console) -> Result<Exit, Failure> {
        let env = self.input.env(env)?;
        if self.markdown == Some(None) && self.name.ends_with(".md") {
            let problem = Diagnostic::error(format!("`{}` is not a checklist", self.name));
            let help = format!("to write Markdown to it: `gate check NAME --markdown={}`", self.name);
            return Err(Failure::usage(problem.help(help), &env));
        }
        let checklist = load(&self.name, &self.input.overrides(), &env)?;
        let reports = self.reports(&checklist.root, checklist.markdown.as_deref(), &env)?;
        let sources = Arc::clone(&checklist.sources);
        let selection = Selection { only: self.only.clone(), skip: self.skip.clone() };
        let changes: Vec<_> = checklist.sections.iter().map(|section| section.changes.clone()).collect();
        let mut sign_offs = signed::read(&checklist, signed::memory(&env), &env).await?;
        let is_recorded = !(self.no_record || (self.name == "-" && !self.ledger.is_named(&env)));
        let deadline = self.deadline.map(|deadline| deadline.0);
        if is_recorded {
            signed::compare_early(&mut sign_offs, &checklist, &self.ledger, deadline, &env).await;
        }
        let signed = match changes.iter().flatten().any(|changes| changes.since == Since::LastSignOff) {
            true => sign_offs.last(checklist.subject.value(), env.now()),
            false => None,
        };
        let plan = Plan::build(checklist, &selection, sign_offs)
            .map_err(|problems| Failure::usage(problems, &env).at(&sources))?;
        let kept = kept(&plan.checklist, &self.ledger, &env);
        let unmarked = if self.overwrite { Unmarked::Overwrite } else { Unmarked::Keep };
        let outputs = report::open(&reports, &plan.checklist.name, unmarked, &kept)
            .map_err(|problems| Failure::output(problems, &env))?;
        let recorder = match is_recorded {
            true => {
                let location = self.ledger.location(&plan.checklist.root, &env)?;
                Some(Recorder::start(location, &plan.checklist, deadline, &env))
            }
            false => None,
        };
        let keeps = std::iter::once(self.format).chain(self.report.iter().map(|(format, _)| *format));
        let options = Options {
            jobs: self.jobs.get(),
            deadline,
            wait: self.wait.map(|within| Wait {
                within: within.0,
                every: self.interval.0,
                consecutive: self.consecutive.get(),
            }),
            fail_fast: self.fail_fast,
            read_only: self.read_only,
            keep: match recorder.is_some() || keeps.into_iter().any(|format| format.is_whole) {
                true => Keep::All,
                false => Keep::None,
            },
            requirements: recorder.is_some(),
        };
        let stop = stop().map_err(|problem| {
            Failure::usage(Diagnostic::error(format!("cannot listen for signals: {}", error::os(&problem))), &env)
        })?;
        let live = Live::new(plan.tasks.iter().filter(|task| task.is_selected).count(), &env);
        let stream = self.format.events.map(Stream::start);
        let file = ListFile {
            name: plan.checklist.name.clone(),
            file: plan.checklist.file.clone(),
            root: plan.checklist.root.clone(),
            overrides: self.input.overrides(),
        };
        let Ran { mut run, redactor } = engine::run(plan, &options, env.world(), stop, |event| {
            live.show(event);
            stream.iter().for_each(|stream| stream.send(event));
        })
        .await;
        live.finish();
        env.learn(&redactor);
        let (run, recorded) = match recorder {
            Some(recorder) => {
                let asked = Asked { changes: &changes, signed, file: &file };
                let Record { run, recorded, warnings } = recorder.record(run, asked, &redactor, &env).await;
                for warning in warnings {
                    Failure::usage(warning, &env).tell();
                }
                (run, recorded.map_err(|problem| Failure::output(problem, &env)))
            }
            None => {
                // Whoever signs its report wants to know where it comes from. A table does not show it.
                if options.keep == Keep::All
                    && let Ok(origin) = tokio::time::timeout(ORIGIN, Origin::find(&file.root, &env)).await
                {
                    origin.sign(&mut run);
                }
                let green = Err("no ledger was asked when it last was green".to_owned());
                ledger::list_changes(&mut run, &changes, ChangeBases { green, sign_off: signed }, &file, &env).await;
                (redactor.pass(run), Ok(()))
            }
        };
        let file = Look::file(&env);
        let look = Look { width: env.width, color: env.color, ..file.clone() };
        let (exit, was_ended_early) = (exit(&run), run.interrupted.is_some());
        let format = self.format;
        // One that can't be written does not keep the others from it.
        let writing = move || {
            let shown = match stream {
                Some(stream) => stream.finish(&run),
                None => show(format, &run, &look),
            };
            (shown, outputs.write(&run, &file))
        };
        let unwritten = |problem| {
            Failure::output(
                Diagnostic::error(format!("cannot write to standard output: {}", error::os(&problem))),
                &env,
            )
        };
        let (shown, written) = match deliver(was_ended_early, writing).await.map_err(unwritten)? {
            Delivered::Done(done) => done,
            Delivered::Unread => return Err(unwritten(error::own("nobody reads it"))),
            Delivered::Stopped(signal) => return Ok(stopped_by(signal)),
        };
        let shown = shown.map_err(unwritten);
        let written = written.map_err(|problems| Failure::output(problems, &env));
        let failures = [recorded, shown, written].into_iter().filter_map(Result::err);
        match (failures.reduce(Failure::and).map_or(Ok(()), Err), exit) {
            (Err(failure), Exit::Interrupted | Exit::Terminated | Exit::HungUp) => {
                failure.tell();
                Ok(exit)
            }
            (Err(failure), _) => Err(failure),
            (Ok(()), _) => Ok(exit),
        }
    }

    /// Every report to a file: the format's name and the path.
    fn reports(
        &self,
        root: &std::path::Path,
        markdown: Option<&std::path::Path>,
        env: &Console,
    ) -> Result<Vec<(String, PathBuf)>, Failure> {
        let mut reports: Vec<(String, PathBuf)> =
            self.report.iter().map(|(format, path)| (format.name.to_owned(), path.clone())).collect();
        match &self.markdown {
            None => {}
            Some(Some(path)) => reports.push(("markdown".to_owned(), path.clone())),
            Some(None) => {
                let path = markdown.ok_or_else(|| {
                    let problem = Diagnostic::error("`--markdown` has no path, and the checklist names none");
                    let help = "say `--markdown=READINESS.md`, or put `markdown: READINESS.md` into the checklist";
                    Failure::usage(problem.help(help), env)
                })?;
                reports.push(("markdown".to_owned(), root.join(path)));
            }
        }
        Ok(reports)
    }
}

/// How a run ends the program.
fn exit(run: &Run) -> Exit {
    match run.interrupted {
        Some(Interruption::Signal(signal)) => stopped_by(signal),
        Some(Interruption::Deadline(_)) | None => run.verdict().into(),
    }
}

fn stopped_by(signal: Signal) -> Exit {
    match signal {
        Signal::Interrupt => Exit::Interrupted,
        Signal::Terminate => Exit::Terminated,
        Signal::Hangup => Exit::HungUp,
    }
}

fn show(format: &Format, run: &Redacted<Run>, look: &Look) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    match format.write(run, look, &mut out).and_then(|()| out.flush()) {
        Err(problem) if problem.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Every format with what it is for.
fn formats() -> String {
    let rows = report::FORMATS.iter().map(|format| format!("  {:<12}{}\n", format.name, format.doc));
    format!("Formats:\n{}", rows.collect::<String>())
}

fn format_named(name: &str) -> Result<&'static Format, String> {
    let names: Vec<&str> = report::FORMATS.iter().map(|format| format.name).collect();
    report::format(name).ok_or_else(|| {
        crate::diagnostic::suggestion(name, names.iter().copied())
            .unwrap_or_else(|| format!("the formats are {}", names.join(", ")))
    })
}

fn report(text: &str) -> Result<(&'static Format, PathBuf), String> {
    let (format, path) = text.split_once('=').ok_or("it is `FORMAT=PATH`, such as `json=run.json`")?;
    if path.is_empty() {
        return Err("there is no path behind `=`".to_owned());
    }
    Ok((format_named(format)?, path.into()))
}
