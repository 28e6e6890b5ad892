//! Cleans up after an item, whatever the result of its probes.

use crate::checklist::ProbeTask;
use crate::run::{Attempt, ProbeResult, Reason};

use super::fill::{Scope, Seen};
use super::worker::Shared;

/// Observations of probes that are not green, by alias: these may need cleaning up as well.
pub type RedSeen = Vec<(String, Seen)>;

/// Runs all cleanup probes in order, and adds their results. Does nothing if no probe of the item has started.
pub async fn clean_up(
    shared: &Shared,
    cleanup: &[ProbeTask],
    mut scope: Scope,
    red: RedSeen,
    probes: &mut Vec<ProbeResult>,
    report: impl Fn(usize, Attempt),
) {
    if !probes.iter().any(has_begun) {
        return;
    }
    scope.is_cleanup = true;
    scope.aliases.extend(red);
    for probe in cleanup {
        let (result, seen) = shared.cleanup(probe, &scope, &report).await;
        if let Some(alias) = &probe.alias {
            scope.aliases.insert(alias.clone(), seen);
        }
        probes.push(result);
    }
}

/// Whether a probe may have sent something.
fn has_begun(probe: &ProbeResult) -> bool {
    !probe.attempts.is_empty() || matches!(probe.error, Some(Reason::Interrupted { .. }))
}
