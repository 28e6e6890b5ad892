//! The one loop that owns all state of a run: what waits, what runs, what came of it.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::client::Context;
use crate::env::Env;
use crate::plan::{Ask, Judge, Plan};
use crate::run::{Event, ItemResult, Run, Section, Status, VERSION};
use crate::sign_off::Standing;
use crate::yaml::Node;

use super::Options;
use super::fill::{Scope, Seen};
use super::item::{self, Again, Done, Shared, blank};
use super::need::{Blocked, Outcome, blocked, sign_off};
use super::queue::{Claim, Queue};
use super::secrets::{Secrets, used};

/// How long to wait before what is red is looked at again.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs a plan to its end, or until `stop`.
pub async fn run(
    plan: Plan,
    options: &Options,
    env: &Arc<Env>,
    stop: impl Future<Output = &'static str>,
    tell: impl FnMut(&Event),
) -> Run {
    let (started, begun) = (env.now(), Instant::now());
    let mut stop = pin!(stop);
    let deadline = options.deadline.map(|deadline| begun + deadline);
    let cx = Context::new(Arc::clone(env), plan.checklist.root.as_path(), Duration::ZERO);
    let used = used(&plan);
    let mut ended = None;
    let secrets = tokio::select! {
        biased;
        signal = &mut stop => { ended = Some(End::Signal(signal)); Secrets::default() }
        () = until(deadline) => { ended = Some(End::Deadline); Secrets::default() }
        secrets = Secrets::read(&plan.checklist.secrets, &used, &cx) => secrets,
    };
    let redactor = secrets.redactor(env);
    let shared = Arc::new(Shared { plan, cx, secrets, redactor, read_only: options.read_only, keep: options.keep });
    let mut owner = Owner::new(shared, options, tell);
    if ended.is_none() {
        ended = owner.rounds(&mut stop, begun, deadline).await;
    }
    if let Some(ended) = ended {
        owner.cut(ended).await;
    }
    owner.run(started, begun, ended)
}

/// What ends a run before everything was looked at.
#[derive(Debug, Clone, Copy)]
enum End {
    Signal(&'static str),
    Deadline,
}

struct Owner<'a, T> {
    shared: Arc<Shared>,
    options: &'a Options,
    jobs: usize,
    tell: T,
    results: Vec<Option<ItemResult>>,
    /// What other items refer to, by `ID.ALIAS`.
    seen: HashMap<String, Seen>,
    /// How many needs of each item are not done.
    open_needs: Vec<usize>,
    /// The items that need each item.
    dependents: Vec<Vec<usize>>,
    queue: Queue,
    workers: JoinSet<Done>,
    again: (mpsc::UnboundedSender<Again>, mpsc::UnboundedReceiver<Again>),
    /// The item whose being red stops a run with `--fail-fast`.
    failed: Option<usize>,
}

impl<'a, T: FnMut(&Event)> Owner<'a, T> {
    fn new(shared: Arc<Shared>, options: &'a Options, tell: T) -> Self {
        let count = shared.plan.tasks.len();
        let mut dependents = vec![Vec::new(); count];
        for task in 0..count {
            shared.plan.item(task).needs.iter().for_each(|need| dependents[*need].push(task));
        }
        Self {
            options,
            jobs: options.jobs.min(affordable()).max(1),
            tell,
            results: std::iter::repeat_with(|| None).take(count).collect(),
            seen: HashMap::new(),
            open_needs: vec![0; count],
            dependents,
            queue: Queue::default(),
            workers: JoinSet::new(),
            again: mpsc::unbounded_channel(),
            failed: None,
            shared,
        }
    }

    /// One round, and with `--wait` more of them. What ended it early, if anything did.
    async fn rounds(
        &mut self,
        stop: &mut (impl Future<Output = &'static str> + Unpin),
        begun: Instant,
        deadline: Option<Instant>,
    ) -> Option<End> {
        let count = self.results.len();
        let mut tasks: Vec<usize> = (0..count).filter(|task| self.shared.plan.tasks[*task].is_selected).collect();
        loop {
            self.admit(&tasks);
            loop {
                self.begin();
                if self.workers.is_empty() {
                    break;
                }
                tokio::select! {
                    biased;
                    signal = &mut *stop => return Some(End::Signal(signal)),
                    () = until(deadline) => return Some(End::Deadline),
                    Some(again) = self.again.1.recv() => self.retried(&again),
                    Some(done) = self.workers.join_next() => self.arrived(done),
                }
            }
            let wait = self.options.wait?;
            tasks = self.worth_another_look();
            let left = wait.saturating_sub(begun.elapsed());
            if tasks.is_empty() || left < PAUSE {
                return None;
            }
            (self.tell)(&Event::Waiting { red: tasks.len(), left });
            tokio::select! {
                biased;
                signal = &mut *stop => return Some(End::Signal(signal)),
                () = until(deadline) => return Some(End::Deadline),
                () = tokio::time::sleep(PAUSE) => {}
            }
            self.failed = None;
            tasks.iter().for_each(|task| self.results[*task] = None);
        }
    }

    /// Takes in the tasks of a round: those that wait for nothing are ready, or done.
    fn admit(&mut self, tasks: &[usize]) {
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

    /// All needs of a task are done. It is ready, or has its result already, which may free others.
    fn free(&mut self, task: usize) {
        let mut free = VecDeque::from([task]);
        while let Some(task) = free.pop_front() {
            let item = self.shared.plan.item(task);
            let result = if let Some(why) = &item.deferred {
                Some(blank(&self.shared.plan, task, Status::Deferred, Some(why.clone())))
            } else if item.sign_off.is_some() {
                Some(self.sign_off(task))
            } else if let Some(blocked) = self.blocked(task) {
                Some(Outcome::from(blocked).write(blank(&self.shared.plan, task, Status::Blocked, None)))
            } else if let Some(why) = &item.pending {
                Some(blank(&self.shared.plan, task, Status::Pending, Some(why.clone())))
            } else if let Some(failed) = self.failed {
                Some(self.not_begun(task, &self.fail_fast(failed)))
            } else {
                self.queue.push(task, claim(&self.shared.plan, task));
                None
            };
            if let Some(result) = result {
                free.extend(self.finish(task, result));
            }
        }
    }

    /// What keeps an item from running, if a need does.
    fn blocked(&self, task: usize) -> Option<Blocked> {
        let plan = &self.shared.plan;
        blocked(plan.item(task).needs.iter().map(|need| (&*plan.item(*need).id, self.results[*need].as_ref())))
    }

    /// The result of a sign-off. That a partial run is green does not show that all it covers is.
    fn sign_off(&self, task: usize) -> ItemResult {
        let plan = &self.shared.plan;
        let item = plan.item(task);
        let standing = plan.sign_offs.get(&*item.id).unwrap_or(&Standing::Absent);
        match (sign_off(standing, self.blocked(task)), standing) {
            (Outcome { status: Status::Passed, .. }, Standing::Given(given))
                if plan.partial.is_some() && !item.needs.is_empty() =>
            {
                let reason = format!("{given}, but a partial run does not show that all it covers is green");
                blank(plan, task, Status::Pending, Some(reason))
            }
            (outcome, _) => outcome.write(blank(plan, task, Status::Pending, None)),
        }
    }

    /// Begins what may begin.
    fn begin(&mut self) {
        while self.workers.len() < self.jobs {
            let shared = Arc::clone(&self.shared);
            let Some(task) = self.queue.pop(|task| claim(&shared.plan, task)) else { return };
            let item = shared.plan.item(task);
            (self.tell)(&Event::Started { id: &item.id, title: &item.title });
            let items = if item.needs.is_empty() { HashMap::new() } else { self.elsewhere(task) };
            let scope = Scope { items, ..Scope::default() };
            self.workers.spawn(item::run(Arc::clone(&self.shared), task, scope, self.again.0.clone()));
        }
    }

    /// What other items saw that this one refers to.
    fn elsewhere(&self, task: usize) -> HashMap<String, Seen> {
        let mut found = HashMap::new();
        let mut note = |node: &Node| {
            for reference in node.references() {
                let Some(name) = reference.path.strip_prefix("items.").and_then(exported) else { continue };
                found.insert(name.clone(), self.seen.get(&name).cloned().flatten());
            }
        };
        self.shared.plan.item(task).evidence.iter().for_each(&mut note);
        for look in &self.shared.plan.tasks[task].looks {
            if let Ask::Open(node) = &look.ask {
                note(node);
            }
            if let Judge::Open(node) = &look.judge {
                note(node);
            }
        }
        found
    }

    fn retried(&mut self, again: &Again) {
        let Again { task, number, attempt } = again;
        let id = &self.shared.plan.item(*task).id;
        (self.tell)(&Event::Attempt {
            id,
            attempt: *number,
            status: attempt.status,
            reason: attempt.reason.as_deref(),
        });
    }

    fn arrived(&mut self, done: Result<Done, tokio::task::JoinError>) {
        // What was told before the end comes before it.
        while let Ok(again) = self.again.1.try_recv() {
            self.retried(&again);
        }
        let Done { task, result, seen } = done.expect("a worker's panics are its probes', which are caught");
        let shared = Arc::clone(&self.shared);
        if !self.dependents[task].is_empty() {
            let id = &shared.plan.item(task).id;
            self.seen.extend(seen.into_iter().map(|(alias, seen)| (format!("{id}.{alias}"), seen)));
        }
        self.queue.done(task, claim(&shared.plan, task));
        for next in self.finish(task, result) {
            self.free(next);
        }
    }

    /// Keeps a result, and gives the tasks that wait for nothing more now.
    fn finish(&mut self, task: usize, mut result: ItemResult) -> Vec<usize> {
        if !result.status.is_green() && self.is_waived(&result.id) {
            result.status = Status::Waived;
        }
        (self.tell)(&Event::Finished(&result));
        let stops = matches!(result.status, Status::Failed | Status::Error) && !result.advisory;
        self.results[task] = Some(result);
        let mut free = self.count_down(task);
        if stops && self.options.fail_fast && self.failed.is_none() {
            self.failed = Some(task);
            let reason = self.fail_fast(task);
            for left in self.queue.clear() {
                free.extend(self.finish(left, self.not_begun(left, &reason)));
            }
        }
        free
    }

    /// One need less for those who need it; those who need no more.
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

    fn fail_fast(&self, failed: usize) -> String {
        format!("not run: `--fail-fast` stopped after {}", self.shared.plan.item(failed).id)
    }

    fn not_begun(&self, task: usize, why: &str) -> ItemResult {
        blank(&self.shared.plan, task, Status::Blocked, Some(why.to_owned()))
    }

    /// Whether a gap that somebody accepted, and that has not expired, covers an item.
    fn is_waived(&self, id: &str) -> bool {
        let today = self.shared.cx.env.today();
        self.shared.plan.checklist.gaps.iter().any(|gap| gap.waives(id, today))
    }

    /// What is red and could be green at another look. Nothing when nobody but a person can make it green.
    fn worth_another_look(&self) -> Vec<usize> {
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

    /// Ends what runs, and says of all that has no result why.
    async fn cut(&mut self, end: End) {
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
            if !result.status.is_green() && self.is_waived(&result.id) {
                result.status = Status::Waived;
            }
            (self.tell)(&Event::Finished(&result));
            self.results[task] = Some(result);
        }
    }

    /// The record of it all, in checklist order.
    fn run(self, started: jiff::Timestamp, begun: Instant, ended: Option<End>) -> Run {
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
            version: VERSION,
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

fn claim(plan: &Plan, task: usize) -> Claim<'_> {
    let item = plan.item(task);
    Claim { locks: &item.locks, exclusive: item.exclusive }
}

/// `ID.ALIAS` of what stands behind `items.`.
fn exported(path: &str) -> Option<String> {
    let (item, rest) = path.split_once('.')?;
    Some(format!("{item}.{}", crate::checklist::head(rest).0))
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// How many items may run beside each other for the open files that this process may have. The limit is raised as far
/// as that needs, where it may be.
fn affordable() -> usize {
    /// An item of a program has this many at a time: three pipes with two ends, and two more for its supervisor.
    const EACH: u64 = 8;
    const OWN: u64 = 64;
    let wanted = OWN + EACH * super::JOBS as u64;
    // SAFETY: both are given a `rlimit` of our own.
    let soft = unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) != 0 {
            return super::JOBS;
        }
        if limit.rlim_cur < wanted {
            limit.rlim_cur = wanted.min(limit.rlim_max);
            libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
            libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        }
        limit.rlim_cur
    };
    if soft >= wanted { usize::MAX } else { usize::try_from(soft.saturating_sub(OWN) / EACH).unwrap_or(usize::MAX) }
}
