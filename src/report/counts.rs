//! Number of items by status.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::run::{Run, Status};

use super::cause::causes;

/// Number of required items by status. Advisory ones are counted separately.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// All of them.
    pub total: usize,
    /// Those that count as green: passed, waived and deferred.
    pub green: usize,
    /// As expected.
    pub passed: usize,
    /// Not as expected.
    pub failed: usize,
    /// Could not be observed.
    pub error: usize,
    /// A need is not green, or an input is missing.
    pub blocked: usize,
    /// Nothing to judge yet.
    pub pending: usize,
    /// Not green, but covered by an accepted, unexpired known gap.
    pub waived: usize,
    /// Not required at this stage.
    pub deferred: usize,
    /// Number of root causes of the blocked ones.
    pub causes: usize,
    /// Passed, but not at the first attempt. They are counted as passed, too.
    pub flaky: usize,
    /// Observed without verifying TLS.
    pub insecure: usize,
    /// Advisory items, whatever their status.
    pub advisory: usize,
    /// Advisory items that are not green.
    pub advisory_red: usize,
}

impl Counts {
    /// Counts a run.
    pub fn of(run: &Run) -> Self {
        let (green, total) = run.green();
        let mut counts = Self { green, total, ..Self::default() };
        for item in run.items() {
            counts.insecure += usize::from(item.insecure);
            if item.advisory {
                counts.advisory += 1;
                counts.advisory_red += usize::from(!item.status.is_green());
                continue;
            }
            counts.flaky += usize::from(item.flaky);
            *match item.status {
                Status::Passed => &mut counts.passed,
                Status::Failed => &mut counts.failed,
                Status::Error => &mut counts.error,
                Status::Blocked => &mut counts.blocked,
                Status::Pending => &mut counts.pending,
                Status::Waived => &mut counts.waived,
                Status::Deferred => &mut counts.deferred,
            } += 1;
        }
        counts.causes = causes(run).iter().filter(|cause| cause.blocks.iter().any(|item| !item.advisory)).count();
        counts
    }
}
