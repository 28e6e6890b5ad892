//! Runs an item while it holds locks that other runs see.

use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;

use crate::run::{ItemResult, Reason, Status};

use super::fill::Scope;
use super::item::{self, Done, RetryNotice, blank};
use super::locks::Taken;
use super::worker::Shared;

/// Runs an item while its locks are held. `begin` is called when they are.
pub async fn run(
    shared: Arc<Shared>,
    task: usize,
    scope: Scope,
    taken: Taken,
    begin: impl FnOnce(),
    again: UnboundedSender<RetryNotice>,
) -> Done {
    let undone = |status, reason| {
        let result = blank(&shared, task, status, Some(reason));
        Done { task, result, seen: Vec::new() }
    };
    let held = tokio::select! {
        biased;
        by = shared.stop.wait() => {
            let locks = shared.plan.item(task).locks.join(", ");
            let what = format!("waited for the shared lock {locks}, which another run may hold");
            return undone(Status::Blocked, by.before_start(Some(what)).into());
        }
        taken = taken => match taken {
            Ok(held) => held,
            Err(why) => return undone(Status::Error, Reason::Observed(why)),
        },
    };
    begin();
    let done = item::run(Arc::clone(&shared), task, scope, again).await;
    let freed = tokio::select! {
        biased;
        // An interruption does not wait for the answer: the locks are freed anyway.
        _ = shared.stop.wait() => return done,
        freed = held => freed,
    };
    match freed {
        Ok(()) => done,
        // Another run may have held them: the observations are unreliable and must not be used.
        Err(why) => {
            let Done { result: ItemResult { probes, duration_ms, .. }, .. } = done;
            let lost = undone(Status::Error, Reason::Observed(why));
            Done { result: ItemResult { probes, duration_ms, ..lost.result }, ..lost }
        }
    }
}
