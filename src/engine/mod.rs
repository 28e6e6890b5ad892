//! Runs a plan: one loop that owns all state, and one worker for each item that runs.

mod cleanup;
mod digests;
mod fill;
mod host;
mod item;
mod locked;
mod locks;
mod need;
mod open_files;
mod outline;
mod pace;
mod panic;
mod queue;
mod refresh;
mod run_probe;
mod scheduler;
mod secrets;
mod stop;
#[cfg(test)]
mod tests;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;

use crate::env::Env;
use crate::plan::Plan;
use crate::run::{Event, Run, Signal};
use crate::secret::Redactor;

pub use locks::{Held, Locks, Taken};
pub use outline::outline;
pub use panic::quiet as quiet_panics;
pub use refresh::refresh;
pub use run_probe::{ProbeOutcome, run_probe};

/// Maximum number of items that run at a time by default. Probes wait and don't compute, so it does not depend on the
/// number of cores.
pub const JOBS: usize = 512;

/// Options of a run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Maximum number of items that run at a time. Fewer if the limit of open files is too low for that.
    pub jobs: usize,
    /// How many items run at a time that connect to the same host and port; default: `jobs`.
    pub per_host: Option<usize>,
    /// When the whole run must end.
    pub deadline: Option<Duration>,
    /// Whether and how long to rerun failing items.
    pub wait: Option<Wait>,
    /// Stop after the first failure.
    pub fail_fast: bool,
    /// Block probes with effects.
    pub read_only: bool,
    /// Which observations and digests to keep in the run.
    pub keep: Keep,
    /// Whether results include their requirements, so that a later run can detect what got weaker.
    pub requirements: bool,
    /// The locks that are shared with other runs, if any.
    pub locks: Option<Arc<dyn Locks>>,
}

/// Which observations and digests a run keeps: they may be large, and only the whole record shows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// All.
    All,
    /// None.
    None,
}

/// How failing items are rerun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// For at most this long.
    pub within: Duration,
    /// The pause between two rounds.
    pub every: Duration,
    /// How many rounds in a row must be green.
    pub consecutive: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            jobs: JOBS,
            per_host: None,
            deadline: None,
            wait: None,
            fail_fast: false,
            read_only: false,
            keep: Keep::None,
            requirements: false,
            locks: None,
        }
    }
}

/// A finished run.
#[derive(Debug)]
pub struct Ran {
    /// The run. It must pass the redactor before it is shown.
    pub run: Run,
    /// The redactor of all secrets of the run.
    pub redactor: Redactor,
}

/// Runs a plan to its end, or until the first of the signals in `stop`: then only cleanups have a moment, which a second
/// one ends. Events are passed to `report`, in order.
pub async fn run(
    plan: Arc<Plan>,
    options: &Options,
    env: &Arc<Env>,
    stop: impl Stream<Item = Signal>,
    report: impl FnMut(&Event),
) -> Ran {
    scheduler::run(plan, options, env, stop, report).await
}
