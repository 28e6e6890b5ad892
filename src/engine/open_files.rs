//! How many items can run at a time under this process's limit of open files.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::JOBS;

/// Raises the limit of open files as far as needed and permitted, and returns how many items fit under it.
pub fn affordable() -> usize {
    /// An item with a program has this many at a time: three pipes with two ends, and two more for its supervisor.
    const EACH: u64 = 8;
    /// The program itself: the terminal, signals, the ledger, and Git beside the run.
    const OWN: u64 = 24;
    let wanted = OWN + EACH * JOBS as u64;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|soft| soft < wanted) {
        let raised = limit.maximum.map_or(wanted, |most| most.min(wanted));
        // Whether it was permitted shows in the limit.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(raised), ..limit });
    }
    let soft = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    if soft >= wanted { usize::MAX } else { usize::try_from(soft.saturating_sub(OWN) / EACH).unwrap_or(usize::MAX) }
}
