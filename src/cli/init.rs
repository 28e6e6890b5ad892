//! `gate init`: proposes a first checklist from the files of the repository.

use std::collections::HashMap;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use crate::checklist::{self, Found, Overrides, OwnFiles};
use crate::diagnostic::Diagnostic;
use crate::engine::{self, Keep, Options, Ran};
use crate::init::{Counts, Init as Proposed, Place};
use crate::plan::{Plan, Selection};
use crate::probe::Registry;
use crate::report::Live;
use crate::run::{Interruption, Run, Status};
use crate::text::error;
use crate::text::visible;
use crate::writer::{self, Target, repository};

use super::stop::signals;
use super::{Console, Exit, Failure, InputArgs, eprint, print, read, signed};

/// How long all attempts together may take.
const DEADLINE: Duration = Duration::from_secs(120);
/// The schema that the first line of the checklist names.
const SCHEMA: &str = "checklist.schema.json";

#[derive(Debug, Args)]
pub struct Init {
    /// Write the checklist to this file; missing folders are created; an existing file is never overwritten
    #[arg(long, short, value_name = "PATH", default_value = "checklists/staging.yaml")]
    output: PathBuf,
    /// Print the checklist instead of writing it
    #[arg(long)]
    stdout: bool,
    /// Run each proposed probe once; items that don't pass become comments with the reason
    #[arg(long = "try")]
    is_tried: bool,
    /// With --try, read environment variables from a file with KEY=VALUE lines; repeatable
    #[arg(long, value_name = "FILE", requires = "is_tried")]
    env_file: Vec<PathBuf>,
}

impl Init {
    pub async fn run(self, env: Console) -> Result<Exit, Failure> {
        let input = InputArgs { vars: Vec::new(), env_file: self.env_file.clone(), subject: None };
        let env = input.env(env)?;
        let path = env.cwd.join(&self.output);
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        if checklist::is_base(&name) {
            let problem = Diagnostic::error(format!("`{name}` is the name of a base, which can't be run"));
            return Err(Failure::usage(problem.help("choose a name that does not begin with `_`"), &env));
        }
        if !self.stdout && path.symlink_metadata().is_ok() {
            return Err(self.exists(&env));
        }
        let folder = path.parent().unwrap_or(&env.cwd);
        let is_in_checklists = folder.file_name().is_some_and(|name| name == "checklists");
        let root = if is_in_checklists { folder.parent().unwrap_or(folder) } else { folder };
        let [root, cwd] = [root, &env.cwd].map(|folder| writer::resolve(folder).unwrap_or_else(|_| folder.to_owned()));
        let place = Place { folder: &cwd, repository: repository(&env.cwd), root: &root, name: &name };
        let mut proposed = Proposed::read(place);
        let found = |text: String| Found {
            name: name.clone(),
            file: checklist::shown(&path, &env.cwd),
            root: root.clone(),
            text,
            path: path.clone(),
            files: OwnFiles::Folder,
        };
        if self.is_tried
            && let Some(text) = proposed.attempt()
        {
            let run = attempt(found(text), &env).await?;
            if let Some(Interruption::Signal(signal)) = run.interrupted {
                return Ok(signal.into());
            }
            proposed.settle(&results(&run));
        }
        let yaml = proposed.yaml();
        read(&name, found(yaml.clone()), &Overrides::default(), &env)?;
        for unread in proposed.unread() {
            eprint(&env.pass(format!("not read: {}\n", visible(unread))));
        }
        if self.stdout {
            print(&yaml, &env)?;
            return Ok(Exit::Ready);
        }
        self.write(&path, &yaml, &env)?;
        print(&self.summary(&proposed, &name, &path, &env), &env)?;
        Ok(Exit::Ready)
    }

    fn exists(&self, env: &Console) -> Failure {
        let problem = Diagnostic::error(format!("`{}` already exists", self.output.display()));
        Failure::usage(
            problem.help(
                "delete it to propose it again; `-o PATH` writes another file, and `--stdout` prints the checklist",
            ),
            env,
        )
    }

    /// Writes the checklist, and the schema beside it if it does not exist.
    fn write(&self, path: &Path, yaml: &str, env: &Console) -> Result<(), Failure> {
        let failed = |problem: io::Error| {
            let title = format!("cannot write `{}`: {}", self.output.display(), error::os(&problem));
            Failure::output(Diagnostic::error(title), env)
        };
        match self.target(path, env).and_then(|target| target.create(|out| out.write_all(yaml.as_bytes()))) {
            Err(problem) if problem.kind() == io::ErrorKind::AlreadyExists => return Err(self.exists(env)),
            written => written.map_err(failed)?,
        }
        let schema = format!("{:#}\n", checklist::schema(&Registry::built_in()));
        let created = self
            .target(&path.with_file_name(SCHEMA), env)
            .and_then(|target| target.create(|out| out.write_all(schema.as_bytes())));
        match created {
            Err(problem) if problem.kind() != io::ErrorKind::AlreadyExists => Err(failed(problem)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// A file that may be written: in the repository, unless the command line names a path elsewhere.
    fn target(&self, path: &Path, env: &Console) -> io::Result<Target> {
        let is_below = self.output.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if is_below { Target::inside(path, repository(&env.cwd)) } else { Target::open(path) }
    }

    /// Prints which file was written, and the next step.
    fn summary(&self, proposed: &Proposed, name: &str, path: &Path, env: &Console) -> String {
        let Counts { live, held } = proposed.counts();
        let count = |number: usize, noun: &str| format!("{number} {noun}{}", if number == 1 { "" } else { "s" });
        let output = visible(&self.output.display().to_string()).into_owned();
        let mut text = match (live, held) {
            (0, 0) => format!("{output}: nothing to propose from the files here; wrote an example to edit\n"),
            (0, _) => format!("{output}: an example to complete, {} in comments\n", count(held, "proposal")),
            (_, 0) => format!("{output}: {}\n", count(live, "item")),
            (_, _) => format!("{output}: {}, {} in comments\n", count(live, "item"), count(held, "proposal")),
        };
        if self.is_tried {
            for (id, why) in proposed.left_out() {
                text.push_str(&format!("left out: {}: {}\n", visible(id), visible(why)));
            }
        }
        let unset: Vec<&str> = proposed.variables().into_iter().filter(|name| env.var(name).is_none()).collect();
        if !unset.is_empty() {
            text.push_str(&format!("environment variables to set: {}\n", unset.join(", ")));
        }
        let has_env = env.cwd.join(".env").is_file();
        let option = if has_env { " --env-file .env" } else { "" };
        let is_by_name = path.parent().and_then(Path::file_name).is_some_and(|folder| folder == "checklists");
        let wanted = if is_by_name { name } else { &output };
        text.push_str(&format!("next: read the file, then run `gate check {wanted}{option}`\n"));
        text
    }
}

/// Runs every item once.
async fn attempt(found: Found, env: &Console) -> Result<Run, Failure> {
    let name = found.name.clone();
    let checklist = read(&name, found, &Overrides::default(), env)?;
    let sources = Arc::clone(&checklist.sources);
    let sign_offs = signed::read(&checklist, signed::memory(env), env).await?;
    let plan = Plan::build(checklist, &Selection::default(), sign_offs)
        .map_err(|problems| Failure::usage(problems, env).at(&sources))?;
    let options = Options { deadline: Some(DEADLINE), read_only: true, keep: Keep::None, ..Options::default() };
    let signals = signals().map_err(|problem| {
        Failure::usage(Diagnostic::error(format!("cannot listen for signals: {}", error::os(&problem))), env)
    })?;
    let live = Live::new(plan.tasks.len(), false, env);
    let Ran { run, redactor } =
        engine::run(Arc::new(plan), &options, env.world(), signals, |event| live.show(event)).await;
    live.finish();
    env.learn(&redactor);
    Ok(Run::clone(&redactor.pass(run)))
}

/// The reason of every item that did not pass.
fn results(run: &Run) -> HashMap<String, Option<String>> {
    let result = |item: &crate::run::ItemResult| {
        let mut reason = item.reason.as_ref().map_or_else(|| "it did not pass".to_owned(), ToString::to_string);
        // The exit code of a program says little without its message.
        let said = item.probes.iter().filter(|probe| probe.kind == "command").find_map(|probe| probe.help.as_ref());
        if let Some(said) = said {
            reason = format!("{reason}; {said}");
        }
        (item.id.clone(), (item.status != Status::Passed).then_some(reason))
    };
    run.items().map(result).collect()
}
