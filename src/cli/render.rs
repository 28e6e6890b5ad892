//! `gate render`: the markdown again from the last whole run, as that run reads today.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::checklist::{Checklist, Overrides, Subject, shown};
use crate::diagnostic::Diagnostic;
use crate::engine;
use crate::ledger::{self, Key, Which};
use crate::reader;
use crate::report::{self, Exactness, Look, Unmarked, drift, embed};
use crate::run::Run;
use crate::secret::Redacted;
use crate::sign_off::Memory;
use crate::text::error;

use super::{Console, Exit, Failure, LedgerArgs, kept, load, print, signed};

/// A markdown file that is longer is something else.
const LIMIT: u64 = 64 << 20;

#[derive(Debug, Args)]
pub struct Render {
    /// Checklist: a name or a path
    name: String,
    /// Write to PATH, or to the checklist's `markdown` file. Default: print to standard output
    #[arg(long, value_name = "PATH", num_args = 0..=1, require_equals = true)]
    #[expect(clippy::option_option, reason = "not given, given alone, given with a path")]
    markdown: Option<Option<PathBuf>>,
    /// Don't write: show a diff, and exit with 1 if the file is out of date
    #[arg(long, conflicts_with = "overwrite")]
    check: bool,
    /// With --check, compare dates and evidence, too
    #[arg(long, requires = "check")]
    exact: bool,
    /// Replace the whole Markdown file if it has no markers for this checklist
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    ledger: LedgerArgs,
}

impl Render {
    pub async fn run(self, env: Console) -> Result<Exit, Failure> {
        let checklist = load(&self.name, &Overrides::default(), &env)?;
        let path = self.path(&checklist, &env)?;
        let name = checklist.name.clone();
        let kept = kept(&checklist, &self.ledger, &env);
        let run = last(checklist, &self.ledger, &env).await?;
        let markdown = report::format("markdown").expect("it is in the registry");
        let look = Look::file(&env);
        let mut text = Vec::new();
        markdown.write(&run, &look, &mut text).expect("a vector takes all");
        let Some(path) = path else {
            print(&String::from_utf8_lossy(&text), &env)?;
            return Ok(Exit::Ready);
        };
        if self.check {
            return self.compare(&path, &name, &run, &text, &env);
        }
        let unmarked = if self.overwrite { Unmarked::Overwrite } else { Unmarked::Keep };
        let outputs = report::open(&[("markdown".to_owned(), path)], &name, unmarked, &kept);
        let written = outputs.and_then(|outputs| outputs.write(&run, &look));
        written.map_err(|problems| Failure::output(problems, &env))?;
        Ok(Exit::Ready)
    }

    /// The file that it is about, where there is one.
    fn path(&self, checklist: &Checklist, env: &Console) -> Result<Option<PathBuf>, Failure> {
        let own = || checklist.markdown.as_ref().map(|path| checklist.root.join(path));
        match &self.markdown {
            Some(Some(path)) => Ok(Some(env.cwd.join(path))),
            None if !self.check => Ok(None),
            Some(None) | None => own().map(Some).ok_or_else(|| {
                let problem = Diagnostic::error("there is no path, and the checklist names none");
                let help = "say `--markdown=READINESS.md`, or put `markdown: READINESS.md` into the checklist";
                Failure::usage(problem.help(help), env)
            }),
        }
    }

    fn compare(&self, path: &Path, name: &str, run: &Run, text: &[u8], env: &Console) -> Result<Exit, Failure> {
        let shown = shown(path, &env.cwd);
        let there = match reader::bytes(path, LIMIT) {
            Ok(there) => there,
            Err(problem) if problem.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(problem) => {
                return Err(Failure::usage(
                    Diagnostic::error(format!("cannot read `{shown}`: {}", error::os(&problem))),
                    env,
                ));
            }
        };
        let wanted = embed::embed(&there, name, text).map_err(|_| {
            let problem = Diagnostic::error(format!("`{shown}` does not say where the checklist is"));
            let (begin, end) = (embed::begin(name), embed::end(name));
            let help = format!("put these two lines where it belongs: `{begin}` and, below, `{end}`");
            Failure { exit: Exit::NotReady, ..Failure::usage(problem.help(help), env) }
        })?;
        let exactness = if self.exact { Exactness::Bytes } else { Exactness::Meaning };
        let (there, wanted) = (String::from_utf8_lossy(&there), String::from_utf8_lossy(&wanted));
        match drift(&there, &wanted, run, exactness, &shown) {
            None => Ok(Exit::Ready),
            Some(diff) => {
                print(&diff, env)?;
                Ok(Exit::NotReady)
            }
        }
    }
}

/// The last whole run of a checklist, as it reads today.
async fn last(mut checklist: Checklist, args: &LedgerArgs, env: &Console) -> Result<Redacted<Run>, Failure> {
    let name = &checklist.name;
    let key = Key::find(name, checklist.project.as_deref(), &checklist.root, env).await;
    let mut ledger = args.open(name, &checklist.root, env).await?;
    let failed = |problem: Diagnostic| Failure::output(problem, env);
    let recorded = ledger.last(&key, Which::Whole).await.map_err(failed)?;
    let facts = ledger.facts(&key).await.map_err(failed)?;
    let Some(mut recorded) = recorded else {
        let problem = Diagnostic::error(format!("no whole run of `{name}` is recorded"));
        return Err(Failure::usage(problem.help(format!("make one: `gate check {name}`")), env));
    };
    if recorded.run.digest != checklist.digest {
        let warning = Diagnostic::warning(format!("`{}` has changed since run {}", checklist.file, recorded.id));
        Failure::usage(warning.help(format!("`gate check {name}` looks at what it says now")), env).tell();
    }
    ledger::annotate(&mut recorded.run, &facts);
    // The run says what it was of, whatever the environment says now.
    checklist.subject = match (&recorded.run.subject, checklist.subject) {
        (Some(subject), _) => Subject::Set(subject.clone()),
        (None, Subject::Undeclared) => Subject::Undeclared,
        (None, Subject::Unset | Subject::Set(_)) => Subject::Unset,
    };
    let mut sign_offs = signed::read(&checklist, Memory::default(), env).await?;
    signed::compare(&mut sign_offs, &key, &mut ledger).await.map_err(failed)?;
    ledger.close().await;
    engine::age(&mut recorded.run, &checklist, &sign_offs, env.now());
    Ok(env.pass(recorded.run))
}
