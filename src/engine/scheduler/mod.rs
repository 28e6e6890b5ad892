//! The one loop that owns all state of a run: what waits, what runs, and every result.

mod admit;
mod end;
mod finish;

use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::client::Context;
use crate::env::Env;
use crate::plan::Plan;
use crate::run::{Event, ItemResult, Run};

use super::Options;
use super::fill::Seen;
use super::item::{Done, RetryNotice, Shared};
use super::open_files::affordable;
use super::queue::{Queue, ResourceClaim};
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
    let mut scheduler = Scheduler::new(shared, options, tell);
    if ended.is_none() {
        ended = scheduler.rounds(&mut stop, begun, deadline).await;
    }
    if let Some(ended) = ended {
        scheduler.cut(ended).await;
    }
    scheduler.record(started, begun, ended)
}

/// What ends a run before everything was looked at.
#[derive(Debug, Clone, Copy)]
enum End {
    Signal(&'static str),
    Deadline,
}

struct Scheduler<'a, T> {
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
    again: (mpsc::UnboundedSender<RetryNotice>, mpsc::UnboundedReceiver<RetryNotice>),
    /// The item whose being red stops a run with `--fail-fast`.
    failed: Option<usize>,
}

impl<'a, T: FnMut(&Event)> Scheduler<'a, T> {
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
}

fn claim(plan: &Plan, task: usize) -> ResourceClaim<'_> {
    let item = plan.item(task);
    ResourceClaim { locks: &item.locks, exclusive: item.exclusive }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
