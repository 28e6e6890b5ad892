//! Ends a run: stops what still runs where it was interrupted, and makes the record of it all.

use tokio::time::Instant;

use crate::run::{Event, Run, Section, Status};

use super::super::item::blank;
use super::{End, Scheduler};

impl<T: FnMut(&Event)> Scheduler<'_, T> {
    /// Ends what runs, and says of all that has no result why.
    pub(super) async fn cut(&mut self, end: End) {
        let running: Vec<usize> = self.queue.running().collect();
        self.workers.shutdown().await;
        let (ran, not_run) = match end {
            End::Signal(signal) => (format!("interrupted by {signal}"), format!("not run: interrupted by {signal}")),
            End::Deadline => {
                let deadline = crate::yaml::Duration(self.options.deadline.unwrap_or_default());
                (format!("not done by the deadline of {deadline}"), format!("not begun by the deadline of {deadline}"))
            }
        };
        for task in 0..self.results.len() {
            if self.results[task].is_some() || !self.shared.plan.tasks[task].is_selected {
                continue;
            }
            let mut result = if running.contains(&task) {
                blank(&self.shared.plan, task, Status::Error, Some(ran.clone()))
            } else if let Some(why) = &self.shared.plan.item(task).deferred {
                blank(&self.shared.plan, task, Status::Deferred, Some(why.clone()))
            } else {
                self.not_begun(task, &not_run)
            };
            self.waive(&mut result);
            (self.tell)(&Event::Finished(&result));
            self.results[task] = Some(result);
        }
    }

    /// The record of it all, in checklist order.
    pub(super) fn record(self, started: jiff::Timestamp, begun: Instant, ended: Option<End>) -> Run {
        let checklist = &self.shared.plan.checklist;
        let mut results = self.results.into_iter();
        let sections = checklist.sections.iter().map(|section| Section {
            id: section.id.clone(),
            title: section.title.clone(),
            note: section.note.clone(),
            text: section.text.clone(),
            changes: None,
            items: results.by_ref().take(section.items.len()).flatten().collect(),
        });
        Run {
            gate: env!("CARGO_PKG_VERSION").to_owned(),
            name: checklist.name.clone(),
            title: checklist.title.clone(),
            file: checklist.file.clone(),
            digest: checklist.digest.clone(),
            subject: checklist.subject.clone(),
            started,
            duration_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            partial: self.shared.plan.partial.clone(),
            interrupted: ended.map(|ended| match ended {
                End::Signal(signal) => signal.to_owned(),
                End::Deadline => "deadline".to_owned(),
            }),
            commit: None,
            host: None,
            user: None,
            ci: None,
            sections: sections.collect(),
            gaps: checklist.gaps.clone(),
        }
    }
}
