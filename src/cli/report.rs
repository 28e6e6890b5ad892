//! `gate report`: writes a saved run in any format, or merges those of several shards.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use futures_util::stream;

use crate::checklist::Overrides;
use crate::diagnostic::Diagnostic;
use crate::engine::{self, Keep, Options, Ran};
use crate::merge::{Saved, merge};
use crate::plan::{Plan, Selection};
use crate::report::ProtectedPaths;
use crate::run::Run;
use crate::writer::{contained, repository};
use crate::yaml::Duration;

use super::conclude::{Destination, FoundOrigin, Recording, conclude, warn};
use super::output::{OutputArgs, formats};
use super::record::{LedgerRequest, Recorder};
use super::{Console, Exit, Failure, LedgerArgs, folder, kept, load, saved, signed};

#[derive(Debug, Args)]
#[command(after_help = formats())]
pub struct Report {
    /// The JSON report of a run, or those of all shards, which are merged
    #[arg(value_name = "RUN.json", required = true)]
    runs: Vec<PathBuf>,
    /// With shards, the maximum time between the start of the first and the last shard
    #[arg(long, value_name = "TIME", default_value = "1h")]
    within: Duration,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
    /// With shards, don't read or write the ledger
    #[arg(long, conflicts_with = "ledger")]
    no_record: bool,
}

impl Report {
    pub async fn run(self, env: Console) -> Result<Exit, Failure> {
        let mut all = Vec::with_capacity(self.runs.len());
        for path in &self.runs {
            let (run, _) = saved::read(path).map_err(|problem| Failure::usage(problem, &env))?;
            all.push(Saved { file: path.display().to_string(), run });
        }
        match <[Saved; 1]>::try_from(all) {
            // A single shard is incomplete: the merge reports what is missing.
            Ok([Saved { run, .. }]) if run.shard.is_none() => self.shown(run, &env).await,
            Ok([one]) => self.merged(vec![one], &env).await,
            Err(all) => self.merged(all, &env).await,
        }
    }

    /// Writes a run as it was judged: nothing expires in a saved run.
    async fn shown(&self, run: Run, env: &Console) -> Result<Exit, Failure> {
        let paths = self.output.paths(None, env)?;
        let kept = ProtectedPaths::new(&folder(env), &env.cwd.join(&run.file), None);
        let outputs = self.output.open(&paths, &run.name, &kept, env)?;
        let exit = Exit::from(run.verdict());
        match self.output.write(env.pass(run), Vec::new(), outputs, None, true, env).await? {
            Some(signal) => Ok(signal.into()),
            None => Ok(exit),
        }
    }

    /// Judges the observations of all shards as one run, records it and writes it.
    async fn merged(&self, all: Vec<Saved>, env: &Console) -> Result<Exit, Failure> {
        let first = all.first().expect("one is required");
        let overrides = Overrides { subject: first.run.subject.clone(), ..Overrides::default() };
        let checklist = load(checklist_of(first, env)?, &overrides, env)?;
        let own = checklist.markdown.as_ref().map(|path| checklist.root.join(path));
        let paths = self.output.paths(own, env)?;
        let sources = Arc::clone(&checklist.sources);
        let mut merged = merge(all, &checklist, self.within, env.now())
            .map_err(|problems| Failure::usage(problems, env).at(&sources))?;
        let recorded = (!self.no_record).then_some(&self.ledger);
        let sign_offs = signed::ready(&checklist, recorded, None, env).await?;
        let asked = LedgerRequest::of(&checklist, &sign_offs, overrides, env);
        let mut plan = Plan::build(checklist, &Selection::default(), sign_offs)
            .map_err(|problems| Failure::usage(problems, env).at(&sources))?;
        let kept = kept(&plan.checklist, &self.ledger, env);
        let outputs = self.output.open(&paths, &plan.checklist.name, &kept, env)?;
        let recording = match self.no_record {
            true => Recording::Nowhere(FoundOrigin::Known(merged.origin.clone())),
            false => {
                let location = self.ledger.location(&plan.checklist.root, env)?;
                let origin = Some(merged.origin.clone());
                Recording::In(Recorder::start(location, &plan.checklist, None, origin, env))
            }
        };
        // Nothing is run: all results are known.
        let options = Options {
            read_only: true,
            keep: Keep::All,
            requirements: matches!(recording, Recording::In(_)),
            ..Options::default()
        };
        plan.known = std::mem::take(&mut merged.known);
        let Ran { mut run, redactor } =
            engine::run(Arc::new(plan), &options, env.world(), stream::pending(), |_| {}).await;
        merged.date(&mut run);
        env.learn(&redactor);
        warn(merged.warnings, env);
        let destination = Destination { output: &self.output, outputs, stream: None, recording };
        conclude(run, asked, destination, &redactor, env).await
    }
}

/// The checklist of a report: the file that it names, or the one of that name. A report may come from anywhere: files
/// outside of the repository are not read.
fn checklist_of<'a>(saved: &'a Saved, env: &Console) -> Result<&'a str, Failure> {
    let Run { file, name, .. } = &saved.run;
    let path = env.cwd.join(file);
    if Path::new(file).is_relative() && path.is_file() && contained(&path, repository(&env.cwd)).is_ok() {
        return Ok(file);
    }
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c)) && name != "-";
    if is_name && !name.starts_with('.') {
        return Ok(name);
    }
    let problem = Diagnostic::error(format!("cannot merge `{}`: it names no checklist of this repository", saved.file));
    Err(Failure::usage(problem.help("merge the reports in the repository of the checklist"), env))
}
