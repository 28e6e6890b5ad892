//! Admits items: those whose needs are done are ready to run, or already have their result.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::time::Instant;

use crate::checklist::split_reference;
use crate::run::{Event, ItemResult, Reason, SignOffReason, Status};
use crate::sign_off::SignOffState;

use super::super::fill::{Scope, Seen};
use super::super::host::hosts;
use super::super::item::{self, blank};
use super::super::locked;
use super::super::need::{Blocked, Outcome, blocked, sign_off};
use super::super::pace::AT_ONCE;
use super::super::queue::{Claim, Resource};
use super::Scheduler;

/// When other items may start.
#[derive(Debug, Clone, Copy)]
pub(super) enum Next {
    /// As soon as what was answered meanwhile is taken in.
    Soon,
    /// Then, or after the next result.
    At(Instant),
    /// After the next result.
    AfterResult,
}

impl<T: FnMut(&Event)> Scheduler<'_, T> {
    /// Takes in the tasks of a round.
    pub(super) fn admit(&mut self, tasks: &[usize]) {
        let shared = Arc::clone(&self.shared);
        let mut free = Vec::new();
        for &task in tasks {
            let needs = &shared.plan.item(task).needs;
            // A need that is not run this time is done, and not green.
            let is_open = |need: &usize| shared.plan.tasks[*need].is_selected && self.results[*need].is_none();
            self.open_needs[task] = needs.iter().filter(|need| is_open(need)).count();
            if self.open_needs[task] == 0 {
                free.push(task);
            }
        }
        for task in free {
            self.free(task);
        }
    }

    /// All needs of a task are done: it is ready, or has its result already, which may free others.
    pub(super) fn free(&mut self, task: usize) {
        let mut free = VecDeque::from([task]);
        while let Some(task) = free.pop_front() {
            let item = self.shared.plan.item(task);
            // Its definition covers the secret, whatever becomes of it.
            if self.reading.awaited_by(item).is_some() {
                self.unread.push(task);
                continue;
            }
            let result = if let Some(why) = &item.deferred {
                Some(blank(&self.shared, task, Status::Deferred, Some(Reason::Stated(why.clone()))))
            } else if item.sign_off.is_some() {
                Some(self.sign_off(task))
            } else if let Some(blocked) = self.blocked(task) {
                Some(Outcome::from(blocked).write(blank(&self.shared, task, Status::Blocked, None)))
            } else if let Some(why) = &item.pending {
                Some(blank(&self.shared, task, Status::Pending, Some(Reason::Stated(why.clone()))))
            } else if let Some(known) = self.shared.plan.known.get(&*item.id) {
                Some(item::known(&self.shared, task, known))
            } else if let Some(failed) = self.failed {
                Some(self.not_begun(task, self.fail_fast(failed)))
            } else {
                self.queue.push(task, self.claim(task));
                None
            };
            if let Some(result) = result {
                free.extend(self.finish(task, result));
            }
        }
    }

    /// The resources of an item while it runs. Its needs are done, so its references are known.
    fn claim(&self, task: usize) -> Claim {
        let item = self.shared.plan.item(task);
        let mut resources: Vec<Resource> = item.locks.iter().cloned().map(Resource::Lock).collect();
        if self.options.per_host.is_some_and(|limit| limit < self.jobs) {
            let hosts = hosts(item, &self.scope(task), &self.shared.secrets);
            resources.extend(hosts.into_iter().map(Resource::Host));
        }
        Claim { resources, exclusive: item.exclusive }
    }

    /// The reason that blocks an item, if a need does.
    fn blocked(&self, task: usize) -> Option<Blocked> {
        let plan = &self.shared.plan;
        blocked(plan.item(task).needs.iter().map(|need| (&*plan.item(*need).id, self.results[*need].as_deref())))
    }

    /// The result of a sign-off. A partial run that is green does not show that all it covers is.
    fn sign_off(&self, task: usize) -> ItemResult {
        let shared = &self.shared;
        let plan = &shared.plan;
        let item = plan.item(task);
        let definition = |id: &str| Some(shared.digests.get(id, plan, &shared.secrets)?.definition.as_str());
        let state = plan.sign_offs.state(&item.id, definition, self.shared.cx.env.now());
        let blank = blank(&self.shared, task, Status::Pending, None);
        // Its items are spread over all shards, and known when they are merged.
        let blocked = if plan.shard.is_some() { None } else { self.blocked(task) };
        match (sign_off(&state, blocked), state) {
            (Outcome { status: Status::Passed, .. }, SignOffState::Given(signed, _))
                if plan.partial.is_some() && plan.shard.is_none() && !item.needs.is_empty() =>
            {
                ItemResult { reason: Some(SignOffReason::Partial(signed).into()), ..blank }
            }
            (outcome, _) => outcome.write(blank),
        }
    }

    /// Starts what may start, a few items at a time. When others may start.
    pub(super) fn begin(&mut self) -> Next {
        for _ in 0..AT_ONCE {
            if self.workers.len() >= self.jobs {
                return Next::AfterResult;
            }
            if let Some(until) = self.pace.pause() {
                return Next::At(until);
            }
            let shared = Arc::clone(&self.shared);
            let Some(task) = self.queue.pop() else { return Next::AfterResult };
            self.pace.began(task);
            let item = shared.plan.item(task);
            let scope = self.scope(task);
            let again = self.again.0.clone();
            match shared.locks.as_ref().filter(|_| !item.locks.is_empty()) {
                None => {
                    self.started(task);
                    self.workers.spawn(item::run(Arc::clone(&shared), task, scope, again));
                }
                Some(locks) => {
                    let title = shared.redactor.pass(item.title.to_string());
                    let names = shared.redactor.pass(item.locks.join(", "));
                    (self.report)(&Event::Locking { id: &item.id, title: &title, locks: &names });
                    let (taken, begun) = (locks.take(&item.locks), self.locked.0.clone());
                    let begin = move || {
                        // If the run was stopped, nothing receives it any more.
                        let _ = begun.send(task);
                    };
                    self.workers.spawn(locked::run(Arc::clone(&shared), task, scope, taken, begin, again));
                }
            }
        }
        Next::Soon
    }

    /// The values of an item's references before any of its probes ran.
    fn scope(&self, task: usize) -> Scope {
        let has_needs = !self.shared.plan.item(task).needs.is_empty();
        let items = if has_needs { self.elsewhere(task) } else { HashMap::new() };
        Scope { items, ..Scope::default() }
    }

    /// Reports that an item began.
    pub(super) fn started(&mut self, task: usize) {
        let item = self.shared.plan.item(task);
        let title = self.shared.redactor.pass(item.title.to_string());
        (self.report)(&Event::Started { id: &item.id, title: &title });
    }

    /// The observations of other items that this one refers to.
    fn elsewhere(&self, task: usize) -> HashMap<String, Seen> {
        let item = self.shared.plan.item(task);
        let is_need = |id: &str| item.needs.iter().any(|need| *self.shared.plan.item(*need).id == *id);
        let references = item.unresolved().flat_map(|node| node.references());
        let names = references.filter_map(|reference| {
            let (id, alias, _) = split_reference(reference.path.strip_prefix("items.")?, is_need)?;
            Some(format!("{id}.{alias}"))
        });
        names.map(|name| (name.clone(), self.seen.get(&name).cloned().flatten())).collect()
    }
}
