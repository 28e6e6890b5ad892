//! `gate check`: runs a checklist, reports the results, and exits with the code of the verdict.

use std::num::{NonZeroU32, NonZeroUsize};
use std::str::FromStr;
use std::sync::Arc;

use clap::Args;

use crate::checklist::{Checklist, LockScope};
use crate::diagnostic::Diagnostic;
use crate::engine::{self, Keep, Locks, Options, Ran, Wait};
use crate::env::Env;
use crate::ledger::{Key, SharedLocks};
use crate::plan::{self, Plan, Selection};
use crate::report::Live;
use crate::run::{Severity, Shard};
use crate::text::error;
use crate::yaml::Duration;

use super::arguments::count;
use super::conclude::{Destination, FoundOrigin, Recording, conclude};
use super::output::{OutputArgs, formats};
use super::record::{LedgerRequest, Recorder};
use super::stop::signals;
use super::{Console, Exit, Failure, InputArgs, LedgerArgs, failed, kept, load, signed};

#[derive(Debug, Args)]
#[command(after_help = formats())]
pub struct Check {
    /// Checklist: a name (`staging` for checklists/staging.yaml), a path, or `-` for standard input
    name: String,
    /// Run only these items, sections or tags, and the items that they need: names or expressions such as
    /// `smoke and not slow`; comma-separated, repeatable
    #[arg(long, value_name = "EXPR", value_delimiter = ',')]
    only: Vec<String>,
    /// Skip these items, sections or tags: names or expressions; comma-separated, repeatable
    #[arg(long, value_name = "EXPR", value_delimiter = ',')]
    skip: Vec<String>,
    /// Run only items of this severity or higher (P0 is the highest), and the items that they need
    #[arg(long, value_name = "LEVEL", ignore_case = true)]
    severity: Option<Severity>,
    /// Run only the items that were not green in the last recorded run, and the items that they need
    #[arg(long, conflicts_with_all = ["only", "no_record"])]
    failed: bool,
    /// Run only the items of this shard, such as `1/4`, or `ci` to read it from the CI job's variables; merge the
    /// JSON reports of all with `gate report`
    #[arg(long, value_name = "K/N|ci", conflicts_with_all = ["only", "skip", "severity", "failed"])]
    shard: Option<ShardArg>,
    /// Maximum number of items to run concurrently
    #[arg(long, short, value_name = "N", value_parser = count::<NonZeroUsize>, default_value_t = NonZeroUsize::new(engine::JOBS).expect("it is not 0"))]
    jobs: NonZeroUsize,
    /// Maximum number of items to run concurrently that connect to the same host and port; default: as many as --jobs
    #[arg(long, value_name = "N")]
    per_host: Option<NonZeroUsize>,
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
    #[arg(long, value_name = "N", requires = "wait", value_parser = count::<NonZeroU32>, default_value = "1")]
    consecutive: NonZeroU32,
    /// Stop after the first failure; advisory items don't count
    #[arg(long)]
    fail_fast: bool,
    /// Don't run probes that can change something; their items are blocked
    #[arg(long)]
    read_only: bool,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
    /// Don't read or write the ledger
    #[arg(long, conflicts_with = "ledger")]
    no_record: bool,
}

impl Check {
    pub async fn run(self, env: Console) -> Result<Exit, Failure> {
        let env = self.input.env(env)?;
        if self.output.wants_own_markdown() && self.name.ends_with(".md") {
            let problem = Diagnostic::error(format!("`{}` is not a checklist", self.name));
            let help = format!("to write Markdown to it: `gate check NAME --markdown={}`", self.name);
            return Err(Failure::usage(problem.help(help), &env));
        }
        let checklist = load(&self.name, &self.input.overrides(), &env)?;
        let own = checklist.markdown.as_ref().map(|path| checklist.root.join(path));
        let reports = self.output.paths(own, &env)?;
        let sources = Arc::clone(&checklist.sources);
        let only = match self.failed {
            true => failed::ids(&checklist, &self.ledger, &env).await?,
            false => self.only.clone(),
        };
        let shard = self.shard.map(|shard| shard.find(&env)).transpose();
        let shard = shard.map_err(|why| Failure::usage(Diagnostic::error(format!("`--shard ci`: {why}")), &env))?;
        let selection =
            Selection { only, skip: self.skip.clone(), severity: self.severity, is_failed: self.failed, shard };
        let is_recorded = !(self.no_record || (self.name == "-" && !self.ledger.is_named(&env)));
        let deadline = self.deadline.map(|deadline| deadline.0);
        let sign_offs = signed::ready(&checklist, is_recorded.then_some(&self.ledger), deadline, &env).await?;
        let asked = LedgerRequest::of(&checklist, &sign_offs, self.input.overrides(), &env);
        let plan = Plan::build(checklist, &selection, sign_offs)
            .map_err(|problems| Failure::usage(problems, &env).at(&sources))?;
        let kept = kept(&plan.checklist, &self.ledger, &env);
        let locks = match plan.checklist.locks {
            LockScope::Run => None,
            LockScope::Shared => Some(self.locks(&plan.checklist, &env).await?),
        };
        let outputs = self.output.open(&reports, &plan.checklist.name, &kept, &env)?;
        let recorder = match is_recorded {
            true => {
                let location = self.ledger.location(&plan.checklist.root, &env)?;
                Some(Recorder::start(location, &plan.checklist, deadline, None, &env))
            }
            false => None,
        };
        let options = Options {
            jobs: self.jobs.get(),
            per_host: self.per_host.map(NonZeroUsize::get),
            deadline,
            wait: self.wait.map(|within| Wait {
                within: within.0,
                every: self.interval.0,
                consecutive: self.consecutive.get(),
            }),
            fail_fast: self.fail_fast,
            read_only: self.read_only,
            keep: match recorder.is_some() || self.output.is_whole() {
                true => Keep::All,
                false => Keep::None,
            },
            requirements: recorder.is_some(),
            locks,
        };
        let signals = signals().map_err(|problem| {
            Failure::usage(Diagnostic::error(format!("cannot listen for signals: {}", error::os(&problem))), &env)
        })?;
        let live = Live::new(plan.tasks.iter().filter(|task| task.is_selected).count(), self.output.is_quiet(), &env);
        let stream = self.output.stream();
        let plan = Arc::new(plan);
        let Ran { run, redactor } = engine::run(Arc::clone(&plan), &options, env.world(), signals, |event| {
            live.show(event);
            stream.iter().for_each(|stream| stream.send(event));
        })
        .await;
        live.finish();
        // The program ends soon, and takes no long list apart for that.
        std::mem::forget(plan);
        env.learn(&redactor);
        let recording = match recorder {
            Some(recorder) => Recording::In(recorder),
            // A table does not show the origin of a run.
            None if options.keep == Keep::None => Recording::Nowhere(FoundOrigin::NotShown),
            None => Recording::Nowhere(FoundOrigin::Find),
        };
        let destination = Destination { output: &self.output, outputs, stream, recording };
        conclude(run, asked, destination, &redactor, &env).await
    }

    /// Locks shared with other runs. With `--no-record`, they are still in the database that `GATE_LEDGER` names.
    async fn locks(&self, checklist: &Checklist, env: &Console) -> Result<Arc<dyn Locks>, Failure> {
        let location = self.ledger.location(&checklist.root, env)?;
        let key = Key::find(&checklist.name, checklist.project.as_deref(), &checklist.root, env).await;
        let locks = SharedLocks::new(location, key, &checklist.root, env);
        locks.map(|locks| Arc::new(locks) as Arc<dyn Locks>).map_err(|problem| Failure::usage(problem, env))
    }
}

/// The value of `--shard`.
#[derive(Debug, Clone, Copy)]
enum ShardArg {
    /// This shard.
    Shard(Shard),
    /// The shard in the variables of the CI job.
    Ci,
}

impl ShardArg {
    fn find(self, env: &Env) -> Result<Shard, String> {
        match self {
            Self::Shard(shard) => Ok(shard),
            Self::Ci => plan::of_ci(env),
        }
    }
}

impl FromStr for ShardArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "ci" { Ok(Self::Ci) } else { text.parse().map(Self::Shard) }
    }
}
