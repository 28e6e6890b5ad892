//! `gate render`: writes the Markdown again from the last full run, as that run reads today.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::checklist::{Checklist, Overrides, Subject, shown};
use crate::diagnostic::Diagnostic;
use crate::engine;
use crate::ledger::{self, Key, Ledger, Which};
use crate::reader;
use crate::report::{self, Exactness, RenderOptions, Unmarked, drift, embed, structural_drift};
use crate::run::Run;
use crate::secret::Redacted;
use crate::sign_off::Memory;
use crate::text::error;
use crate::writer::repository;

use super::{Console, Exit, Failure, LedgerArgs, kept, load, print, saved, signed};

/// A longer file is not a Markdown checklist.
const LIMIT: u64 = 64 << 20;

#[derive(Debug, Args)]
pub struct Render {
    /// Checklist: a name or a path
    name: String,
    /// Write to PATH, or to the checklist's `markdown` file. Default: print to standard output
    #[arg(long, value_name = "PATH", num_args = 0..=1, require_equals = true)]
    #[expect(clippy::option_option, reason = "not given, given alone, given with a path")]
    markdown: Option<Option<PathBuf>>,
    /// Don't write: show a diff, and exit with 1 if the file is out of date. Without a recorded run, compare only
    /// structure, gaps and sign-offs
    #[arg(long, conflicts_with = "overwrite")]
    check: bool,
    /// With --check, compare dates and evidence, too
    #[arg(long, requires = "check")]
    exact: bool,
    /// Replace the whole Markdown file if it has no markers for this checklist
    #[arg(long)]
    overwrite: bool,
    /// Use the run in this JSON report. Default: the last full run in the ledger
    #[arg(long = "run", value_name = "RUN.json", conflicts_with = "ledger")]
    report: Option<PathBuf>,
    #[command(flatten)]
    ledger: LedgerArgs,
}

impl Render {
    pub async fn run(self, env: Console) -> Result<Exit, Failure> {
        let overrides = Overrides { shows_unset: true, ..Overrides::default() };
        let mut checklist = load(&self.name, &overrides, &env)?;
        let path = self.path(&checklist, &env)?;
        let name = checklist.name.clone();
        let kept = kept(&checklist, &self.ledger, &env);
        let options = RenderOptions::file(&env);
        let run = match self.source(&mut checklist, &env).await? {
            Some(run) => run,
            None if self.check && !self.exact => {
                let path = path.unwrap_or_default();
                return self.compare_structure(&path, checklist, &options, &env).await;
            }
            None => {
                let problem = Diagnostic::error(format!(
                    "no full run of `{name}` is recorded in {}",
                    self.place(&checklist, &env)?
                ));
                let help = format!("run `gate check {name}`, or pass a saved run with `--run RUN.json`");
                return Err(Failure::usage(problem.help(help), &env));
            }
        };
        let text = markdown(&run, &options);
        let Some(path) = path else {
            print(&String::from_utf8_lossy(&text), &env)?;
            return Ok(Exit::Ready);
        };
        if self.check {
            let exactness = if self.exact { Exactness::Bytes } else { Exactness::Meaning };
            let file = Existing::read(&path, self.is_named(), &checklist.root, &env)?;
            let wanted = file.with(&name, &text, &env)?;
            return file.report(drift(&file.text(), &wanted, &run, exactness, &file.shown), &env);
        }
        let unmarked = if self.overwrite { Unmarked::Overwrite } else { Unmarked::Keep };
        let outputs = report::open(&[("markdown".to_owned(), path)], &name, unmarked, &kept);
        let written = outputs.and_then(|outputs| outputs.write(&run, &options));
        written.map_err(|problems| Failure::output(problems, &env))?;
        Ok(Exit::Ready)
    }

    /// Whether the command line sets the file.
    fn is_named(&self) -> bool {
        matches!(self.markdown, Some(Some(_)))
    }

    /// The Markdown file, if there is one.
    fn path(&self, checklist: &Checklist, env: &Console) -> Result<Option<PathBuf>, Failure> {
        let own = || checklist.markdown.as_ref().map(|path| checklist.root.join(path));
        match &self.markdown {
            Some(Some(path)) => Ok(Some(env.cwd.join(path))),
            None if !self.check => Ok(None),
            Some(None) | None => own().map(Some).ok_or_else(|| {
                let problem = Diagnostic::error(
                    "missing path: the checklist has no `markdown`, or it refers to an unset variable",
                );
                let help = "pass `--markdown=READINESS.md`, or add `markdown: READINESS.md` to the checklist";
                Failure::usage(problem.help(help), env)
            }),
        }
    }

    /// The run to show: that of the report, or the last full one of the ledger.
    async fn source(&self, checklist: &mut Checklist, env: &Console) -> Result<Option<Redacted<Run>>, Failure> {
        let Some(path) = &self.report else { return last(checklist, &self.ledger, env).await };
        let (run, _) = saved::read(&env.cwd.join(path)).map_err(|problem| Failure::usage(problem, env))?;
        let wrong = |title: String| Err(Failure::usage(Diagnostic::error(title), env));
        if run.name != checklist.name {
            return wrong(format!("the run in `{}` is of `{}`, not of `{}`", path.display(), run.name, checklist.name));
        }
        if let Some(partial) = &run.partial {
            return wrong(format!("the run in `{}` is partial: {partial}", path.display()));
        }
        let shown = format!("the run in `{}`", path.display());
        current(run, checklist, &shown, None, env).await.map(Some)
    }

    /// The ledger, as messages name it.
    fn place(&self, checklist: &Checklist, env: &Console) -> Result<String, Failure> {
        Ok(self.ledger.location(&checklist.root, env)?.name)
    }

    /// Compares what is known without a run.
    async fn compare_structure(
        &self,
        path: &Path,
        mut checklist: Checklist,
        options: &RenderOptions,
        env: &Console,
    ) -> Result<Exit, Failure> {
        let file = Existing::read(path, self.is_named(), &checklist.root, env)?;
        // The subject is that of the file, whatever the environment says now.
        checklist.subject = match (report::subject(&file.text()), checklist.subject) {
            (_, Subject::Undeclared) => Subject::Undeclared,
            (Some(subject), _) => Subject::Set(subject),
            (None, _) => Subject::Unset,
        };
        let sign_offs = signed::read(&checklist, Memory::default(), env).await?;
        let outline = env.pass(engine::outline(&checklist, &sign_offs, env.now()));
        let wanted = file.with(&checklist.name, &markdown(&outline, options), env)?;
        let place = self.place(&checklist, env)?;
        let note =
            Diagnostic::warning(format!("no full run of `{}` in {place}: results were not compared", checklist.name));
        let help =
            "only structure, gaps and sign-offs were; to compare results, pass a saved run with `--run RUN.json`";
        Failure::usage(note.help(help), env).print();
        file.report(structural_drift(&file.text(), &wanted, &outline, &file.shown), env)
    }
}

/// A run as Markdown.
fn markdown(run: &Redacted<Run>, options: &RenderOptions) -> Vec<u8> {
    let mut text = Vec::new();
    let format = report::format("markdown").expect("it is in the registry");
    format.write(run, options, &mut text).expect("a vector takes all");
    text
}

/// A Markdown file to compare with. One that does not exist is empty.
struct Existing {
    shown: String,
    bytes: Vec<u8>,
}

impl Existing {
    /// Reads a file from the command line, or that of the checklist, which must be in its repository.
    fn read(path: &Path, named: bool, root: &Path, env: &Console) -> Result<Self, Failure> {
        let shown = shown(path, &env.cwd);
        let read = match named {
            true => reader::bytes(path, LIMIT),
            false => reader::inside(path, repository(root), LIMIT).map(String::into_bytes),
        };
        match read {
            Ok(bytes) => Ok(Self { shown, bytes }),
            Err(problem) if problem.kind() == std::io::ErrorKind::NotFound => Ok(Self { shown, bytes: Vec::new() }),
            Err(problem) => {
                let title = format!("cannot read `{shown}`: {}", error::os(&problem));
                Err(Failure::usage(Diagnostic::error(title), env))
            }
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The file with this Markdown in it.
    fn with(&self, name: &str, text: &[u8], env: &Console) -> Result<String, Failure> {
        let wanted = embed::embed(&self.bytes, name, text).map_err(|_| {
            let problem = Diagnostic::error(format!("`{}` has no markers for this checklist", self.shown));
            let (begin, end) = (embed::begin(name), embed::end(name));
            let help = format!("put these two lines where the checklist should be: `{begin}` and, below, `{end}`");
            Failure { exit: Exit::NotReady, ..Failure::usage(problem.help(help), env) }
        })?;
        Ok(String::from_utf8_lossy(&wanted).into_owned())
    }

    fn report(&self, diff: Option<String>, env: &Console) -> Result<Exit, Failure> {
        let Some(diff) = diff else { return Ok(Exit::Ready) };
        print(&diff, env)?;
        Ok(Exit::NotReady)
    }
}

/// The last full run of a checklist in the ledger, as it reads today. None if no such run is recorded.
async fn last(checklist: &mut Checklist, args: &LedgerArgs, env: &Console) -> Result<Option<Redacted<Run>>, Failure> {
    let key = Key::find(&checklist.name, checklist.project.as_deref(), &checklist.root, env).await;
    let failed = |problem: Diagnostic| Failure::output(problem, env);
    let location = args.location(&checklist.root, env)?;
    let Some(mut ledger) = Ledger::open_existing(location, &checklist.root, env).await.map_err(failed)? else {
        return Ok(None);
    };
    let recorded = ledger.last(&key, Which::Whole).await.map_err(failed)?;
    let facts = ledger.facts(&key).await.map_err(failed)?;
    let Some(mut recorded) = recorded else { return Ok(None) };
    ledger::annotate(&mut recorded.run, &facts);
    let shown = format!("run {}", recorded.id);
    current(recorded.run, checklist, &shown, Some((key, ledger)), env).await.map(Some)
}

/// A run as it reads today.
async fn current(
    mut run: Run,
    checklist: &mut Checklist,
    shown: &str,
    ledger: Option<(Key, Ledger)>,
    env: &Console,
) -> Result<Redacted<Run>, Failure> {
    if run.digest != checklist.digest {
        let warning = Diagnostic::warning(format!("`{}` has changed since {shown}", checklist.file));
        Failure::usage(warning.help(format!("run `gate check {}` again", checklist.name)), env).print();
    }
    // The subject is that of the run, whatever the environment says now.
    checklist.subject = match (&run.subject, &checklist.subject) {
        (Some(subject), _) => Subject::Set(subject.clone()),
        (None, Subject::Undeclared) => Subject::Undeclared,
        (None, Subject::Unset | Subject::Set(_)) => Subject::Unset,
    };
    let mut sign_offs = signed::read(checklist, Memory::default(), env).await?;
    if let Some((key, mut ledger)) = ledger {
        let compared = signed::compare(&mut sign_offs, &key, &mut ledger).await;
        compared.map_err(|problem| Failure::output(problem, env))?;
        ledger.close().await;
    }
    engine::refresh(&mut run, checklist, &sign_offs, env.now());
    Ok(env.pass(run))
}
