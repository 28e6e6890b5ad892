//! Takes in results: applies waivers, frees dependents, and stops after a failure with `--fail-fast`.

use crate::run::{BlockedBecause, Event, ItemResult, Missing, Status, with_waivers};

use super::super::item::{Done, RetryNotice, blank};
use super::super::secrets::Value;
use super::{Scheduler, Unreported};

impl<T: FnMut(&Event)> Scheduler<'_, T> {
    /// Reports an attempt that is followed by another.
    pub(super) fn retried(&mut self, again: RetryNotice) {
        if !self.reading.is_done() {
            return self.unreported.push(Unreported::Attempt(again));
        }
        let RetryNotice { task, number, attempt } = again;
        let id = &self.shared.plan.item(task).id;
        let attempt = self.shared.redactor.pass(attempt);
        (self.report)(&Event::Attempt { id, number, attempt: &attempt });
    }

    /// Takes in a secret that a program printed, or why there is none: the items that waited for it go on.
    pub(super) fn secret_read(&mut self, name: &str, value: Result<Value, Missing>) {
        if let Ok(value) = &value {
            self.shared.redactor.learn(name, value.get());
        }
        self.shared.secrets.keep(name, value);
        (self.report)(&Event::Reading { secrets: &self.reading.names() });
        if self.reading.is_done() {
            self.report_all();
        }
        for task in std::mem::take(&mut self.unread) {
            self.free(task);
        }
    }

    /// Reports what was kept until all secrets are known.
    pub(super) fn report_all(&mut self) {
        for event in std::mem::take(&mut self.unreported) {
            match event {
                Unreported::Attempt(again) => self.retried(again),
                Unreported::Finished(task) => {
                    if let Some(result) = self.results[task].take() {
                        self.keep(task, *result);
                    }
                }
            }
        }
    }

    /// Takes in a worker's result.
    pub(super) fn arrived(&mut self, done: Result<Done, tokio::task::JoinError>) {
        // Events that were reported before the end come before it.
        while let Ok(task) = self.locked.1.try_recv() {
            self.started(task);
        }
        while let Ok(again) = self.again.1.try_recv() {
            self.retried(again);
        }
        let Done { task, result, seen } = done.expect("a worker's panics are its probes', which are caught");
        if !self.dependents[task].is_empty() {
            let id = &self.shared.plan.item(task).id;
            self.seen.extend(seen.into_iter().map(|(alias, seen)| (format!("{id}.{alias}"), seen)));
        }
        self.queue.done(task);
        self.pace.done(task);
        for next in self.finish(task, result) {
            self.free(next);
        }
    }

    /// Keeps a result; returns the tasks that wait for nothing more now.
    pub(super) fn finish(&mut self, task: usize, mut result: ItemResult) -> Vec<usize> {
        self.waive(&mut result);
        let stops = matches!(result.status, Status::Failed | Status::Error) && !result.advisory;
        self.keep(task, result);
        let mut free = self.count_down(task);
        if stops && self.options.fail_fast && self.failed.is_none() {
            self.failed = Some(task);
            let reason = self.fail_fast(task);
            for left in self.queue.clear() {
                free.extend(self.finish(left, self.not_begun(left, reason.clone())));
            }
        }
        free
    }

    /// Reports a result, and keeps it, without secrets: others may quote it. Both wait until all secrets are known: a
    /// secret of which another one was replaced by its name would not be found.
    pub(super) fn keep(&mut self, task: usize, result: ItemResult) {
        let result = if self.reading.is_done() {
            let result = self.shared.redactor.pass(result);
            (self.report)(&Event::Finished(&result));
            result.into_inner()
        } else {
            self.unreported.push(Unreported::Finished(task));
            result
        };
        self.results[task] = Some(Box::new(result));
    }

    /// Decrements the open needs of dependents; returns those that are free now.
    fn count_down(&mut self, task: usize) -> Vec<usize> {
        let mut free = Vec::new();
        for &dependent in &self.dependents[task] {
            if self.open_needs[dependent] > 0 && self.results[dependent].is_none() {
                self.open_needs[dependent] -= 1;
                if self.open_needs[dependent] == 0 && self.shared.plan.tasks[dependent].is_selected {
                    free.push(dependent);
                }
            }
        }
        free
    }

    pub(super) fn fail_fast(&self, failed: usize) -> BlockedBecause {
        BlockedBecause::FailFast(self.shared.plan.item(failed).id.to_string())
    }

    /// The result of an item that was not run.
    pub(super) fn not_begun(&self, task: usize, because: BlockedBecause) -> ItemResult {
        blank(&self.shared, task, Status::Blocked, Some(because.into()))
    }

    /// Counts a result that is not green as waived where an accepted gap covers its item.
    pub(super) fn waive(&self, result: &mut ItemResult) {
        let gaps = &self.shared.plan.checklist.gaps;
        result.status = with_waivers(result.status, &result.id, gaps, self.shared.cx.env.today());
    }

    /// Whether every required item is green.
    pub(super) fn is_green(&self) -> bool {
        let mut gating = self.results.iter().flatten().filter(|result| !result.advisory);
        gating.all(|result| result.status.is_green())
    }

    /// The tasks that have observed something.
    pub(super) fn observed(&self, tasks: &[usize]) -> Vec<usize> {
        let has_probes = |task: &usize| self.results[*task].as_ref().is_some_and(|result| !result.probes.is_empty());
        tasks.iter().copied().filter(has_probes).collect()
    }

    /// Red items that could be green at another attempt. Empty if only a person can make them green.
    pub(super) fn worth_another_look(&self) -> Vec<usize> {
        let red = |task: &usize| {
            let result = self.results[*task].as_ref();
            result.is_some_and(|result| !matches!(result.status, Status::Passed | Status::Deferred))
        };
        let can_change = |task: &usize| {
            self.results[*task].as_ref().is_some_and(|result| match result.status {
                Status::Failed | Status::Error => true,
                Status::Pending => !result.probes.is_empty(),
                Status::Passed | Status::Blocked | Status::Waived | Status::Deferred => false,
            })
        };
        if !(0..self.results.len()).any(|task| can_change(&task)) {
            return Vec::new();
        }
        (0..self.results.len()).filter(red).collect()
    }
}
