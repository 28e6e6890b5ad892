//! Ends a run: stops what still runs after an interruption, and makes the record.

use std::pin::pin;
use std::time::Duration;

use futures_util::Stream;
use tokio::time::{Instant, timeout, timeout_at};

use crate::run::{Event, Interruption, ItemResult, Reason, Run, Section, ShardRun, Signal, Status};

use super::super::item::blank;
use super::super::stop::Stop;
use super::{Scheduler, signal};

/// How long workers have to return their last observations.
const GRACE: Duration = Duration::from_millis(250);

impl<T: FnMut(&Event)> Scheduler<'_, T> {
    /// Stops running items, and records why each item without a result has none. Last observations are kept. Running
    /// items may clean up for a moment, until another signal.
    pub(super) async fn cut(&mut self, by: Interruption, signals: &mut (impl Stream<Item = Signal> + Unpin)) {
        let running: Vec<usize> = self.queue.running().collect();
        let awaited = std::mem::take(&mut self.reading);
        self.report_all();
        self.collect(by, &running, signals).await;
        self.workers.shutdown().await;
        for task in 0..self.results.len() {
            if !self.shared.plan.tasks[task].is_selected || (self.results[task].is_some() && !running.contains(&task)) {
                continue;
            }
            let result = self.results[task].take().or_else(|| self.previous.remove(&task));
            let mut result = match (result, &self.shared.plan.item(task).deferred) {
                (Some(result), _) => *result,
                (None, Some(why)) => blank(&self.shared, task, Status::Deferred, Some(Reason::Stated(why.clone()))),
                (None, None) if running.contains(&task) => {
                    let reason = Reason::Interrupted { by, last: None };
                    let reason = match self.shared.plan.item(task).cleanup.is_empty() {
                        true => reason,
                        false => reason.clone().uncleaned(reason),
                    };
                    blank(&self.shared, task, Status::Error, Some(reason))
                }
                (None, None) => {
                    let what = match awaited.awaited_by(self.shared.plan.item(task)) {
                        Some(secret) if self.unread.contains(&task) => Some(awaited.wait(secret)),
                        Some(_) | None => self.queue.lock_of(task).map(|(lock, holder)| {
                            format!("waited for the lock {lock}, which {} holds", self.shared.plan.item(holder).id)
                        }),
                    };
                    self.not_begun(task, by.before_start(what))
                }
            };
            self.waive(&mut result);
            self.keep(task, result);
        }
    }

    /// Interrupts the workers, and takes in what they saw until they have to let go.
    async fn collect(
        &mut self,
        by: Interruption,
        running: &[usize],
        signals: &mut (impl Stream<Item = Signal> + Unpin),
    ) {
        let stop = Stop::now(by);
        let cleans_up = running.iter().any(|task| !self.shared.plan.item(*task).cleanup.is_empty());
        let end = if cleans_up { stop.cleanup_until } else { Instant::now() };
        self.stopper.send_replace(Some(stop));
        let mut collected = pin!(async {
            while let Some(done) = self.workers.join_next().await {
                let Ok(done) = done else { continue };
                let has_seen = done.result.own_probes().any(|probe| !probe.attempts.is_empty())
                    || done.result.cleanup().any(|probe| probe.status != Status::Passed);
                self.results[done.task] = match self.previous.remove(&done.task) {
                    Some(previous) if !has_seen => Some(previous),
                    Some(_) | None => Some(Box::new(done.result)),
                };
            }
        });
        // A worker that is not done by then is abandoned.
        tokio::select! {
            biased;
            _ = timeout_at(end + GRACE, &mut collected) => {}
            _ = signal(signals), if cleans_up => {
                self.stopper.send_replace(Some(Stop { cleanup_until: Instant::now(), ..stop }));
                let _ = timeout(GRACE, collected).await;
            }
        }
    }

    /// The record of the run, in checklist order.
    pub(super) fn record(self, started: jiff::Timestamp, begun: Instant, ended: Option<Interruption>) -> Run {
        let checklist = &self.shared.plan.checklist;
        let sections = checklist.sections.iter().map(|section| Section {
            id: section.id.clone(),
            title: section.title.clone(),
            note: section.note.clone(),
            text: section.text.clone(),
            changes: None,
            items: Vec::new(),
        });
        let mut run = Run {
            gate: env!("CARGO_PKG_VERSION").to_owned(),
            name: checklist.name.clone(),
            title: checklist.title.clone(),
            file: checklist.file.clone(),
            digest: checklist.digest.clone(),
            subject: None,
            started,
            duration_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            partial: self.shared.plan.partial.clone(),
            shard: self.shared.plan.shard.map(|shard| ShardRun {
                shard,
                definitions: checklist.definitions(),
                addresses: self.shared.secrets.addresses(checklist),
            }),
            interrupted: ended,
            commit: None,
            dirty: None,
            vars: checklist.vars.clone(),
            host: None,
            user: None,
            ci: None,
            sections: sections.collect(),
            gaps: checklist.gaps.clone(),
        };
        // Its items hold nothing secret already, and its subject is compared with those of sign-offs.
        self.shared.redactor.hide(&mut run);
        run.subject = checklist.subject.value().map(ToOwned::to_owned);
        // A sign-off belongs to no shard: it was read for the items that need it, and what it covers was not known.
        let is_shard = run.shard.is_some();
        let is_own = |result: &ItemResult| !is_shard || result.sign_off.is_none();
        let mut results = self.results.into_iter();
        for (section, own) in run.sections.iter_mut().zip(&checklist.sections) {
            section.items.reserve_exact(own.items.len());
            let own = results.by_ref().take(own.items.len()).flatten().map(|result| *result);
            section.items.extend(own.filter(is_own));
            // Results from before a token was learned may contain it, if the server had issued it earlier.
            if self.shared.redactor.has_learned() {
                section.items.iter_mut().for_each(|item| self.shared.redactor.hide(item));
            }
        }
        run
    }
}
