//! The loop that owns all state of a run: what waits, what runs, and every result.

mod admit;
mod end;
mod finish;

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::client::Context;
use crate::env::Env;
use crate::plan::Plan;
use crate::run::{Event, Interruption, ItemResult, Signal};

use super::digests::Digests;
use super::fill::Seen;
use super::item::{Done, RetryNotice};
use super::open_files::affordable;
use super::pace::RecentStarts;
use super::queue::Queue;
use super::secrets::{Reading, Secrets, used};
use super::stop::{Stop, Stopped};
use super::worker::Shared;
use super::{Keep, Options, Ran};

/// The digests of more items are made on a thread of their own.
const MANY: usize = 100;

use admit::Next;

/// Runs a plan to its end, or until `stop`.
pub async fn run(
    plan: Arc<Plan>,
    options: &Options,
    env: &Arc<Env>,
    stop: impl Stream<Item = Signal>,
    report: impl FnMut(&Event),
) -> Ran {
    let (started, begun) = (env.now(), Instant::now());
    let mut stop = pin!(stop);
    let deadline = options.deadline.map(|limit| (begun + limit, limit));
    let cx = Context::new(Arc::clone(env), plan.checklist.root.as_path(), Duration::ZERO);
    let used = used(&plan);
    // A run that is only judged needs no secrets: nothing outside of the repository is read for it.
    let wanted = if plan.known.is_empty() { plan.checklist.secrets.as_slice() } else { &[] };
    let (secrets, reading) = Secrets::read(wanted, &used, options.read_only, &cx);
    let redactor = secrets.redactor(&plan.checklist, env);
    let (stopper, stopped) = Stopped::channel();
    let shared = Shared {
        plan,
        cx: cx.with_redactor(redactor.clone()),
        secrets,
        digests: Digests::default(),
        redactor,
        read_only: options.read_only,
        keep: options.keep,
        large: AtomicUsize::new(0),
        requirements: options.requirements,
        locks: options.locks.clone(),
        stop: stopped,
    };
    let shared = Arc::new(shared);
    if options.keep == Keep::All && reading.is_done() && shared.plan.tasks.len() > MANY {
        let shared = Arc::clone(&shared);
        // Every result has its digest: they are made while the first answers are under way.
        tokio::task::spawn_blocking(move || {
            shared.digests.make(&shared.plan, &shared.secrets);
        });
    }
    let mut scheduler = Scheduler::new(shared, options, reading, stopper, report);
    if !scheduler.reading.is_done() {
        (scheduler.report)(&Event::Reading { secrets: &scheduler.reading.names() });
    }
    let ended = scheduler.rounds(&mut stop, begun, deadline).await;
    if let Some(by) = ended {
        scheduler.cut(by, &mut stop).await;
    }
    let redactor = scheduler.shared.redactor.clone();
    Ran { run: scheduler.record(started, begun, ended), redactor }
}

/// Something that happened before all secrets were known.
#[derive(Debug)]
enum Unreported {
    /// An attempt that is followed by another.
    Attempt(RetryNotice),
    /// The result of this task.
    Finished(usize),
}

struct Scheduler<'a, T> {
    shared: Arc<Shared>,
    options: &'a Options,
    jobs: usize,
    report: T,
    /// The programs that print secrets.
    reading: Reading,
    /// The items that wait for one of these secrets.
    unread: Vec<usize>,
    /// Events from before all secrets were known: they may show one.
    unreported: Vec<Unreported>,
    results: Vec<Option<Box<ItemResult>>>,
    /// The results of the previous round, for items that are rerun.
    previous: HashMap<usize, Box<ItemResult>>,
    /// Observations that other items refer to, by `ID.ALIAS`.
    seen: HashMap<String, Seen>,
    /// Number of needs of each item that are not done.
    open_needs: Vec<usize>,
    /// The items that need each item.
    dependents: Vec<Vec<usize>>,
    queue: Queue,
    pace: RecentStarts,
    workers: JoinSet<Done>,
    again: (mpsc::UnboundedSender<RetryNotice>, mpsc::UnboundedReceiver<RetryNotice>),
    /// The items that wait for locks of other runs report here that they begin.
    locked: (mpsc::UnboundedSender<usize>, mpsc::UnboundedReceiver<usize>),
    /// The red item that stops a run with `--fail-fast`.
    failed: Option<usize>,
    /// Interrupts the workers.
    stopper: watch::Sender<Option<Stop>>,
}

impl<'a, T: FnMut(&Event)> Scheduler<'a, T> {
    fn new(
        shared: Arc<Shared>,
        options: &'a Options,
        reading: Reading,
        stopper: watch::Sender<Option<Stop>>,
        report: T,
    ) -> Self {
        let count = shared.plan.tasks.len();
        let mut dependents = vec![Vec::new(); count];
        for task in 0..count {
            shared.plan.item(task).needs.iter().for_each(|need| dependents[*need].push(task));
        }
        let jobs = options.jobs.min(affordable()).max(1);
        Self {
            options,
            jobs,
            report,
            reading,
            unread: Vec::new(),
            unreported: Vec::new(),
            results: vec![None; count],
            previous: HashMap::new(),
            seen: HashMap::new(),
            open_needs: vec![0; count],
            dependents,
            queue: Queue::new(options.per_host.unwrap_or(jobs)),
            pace: RecentStarts::default(),
            workers: JoinSet::new(),
            again: mpsc::unbounded_channel(),
            locked: mpsc::unbounded_channel(),
            failed: None,
            stopper,
            shared,
        }
    }

    /// One round, and with `--wait` more of them. Returns the interruption, if any.
    async fn rounds(
        &mut self,
        stop: &mut (impl Stream<Item = Signal> + Unpin),
        begun: Instant,
        deadline: Option<(Instant, Duration)>,
    ) -> Option<Interruption> {
        let count = self.results.len();
        let selected: Vec<usize> = (0..count).filter(|task| self.shared.plan.tasks[*task].is_selected).collect();
        let mut tasks = selected.clone();
        let mut green_rounds = 0;
        loop {
            self.admit(&tasks);
            if let Some(by) = self.round(stop, deadline).await {
                return Some(by);
            }
            let wait = self.options.wait?;
            green_rounds = if self.is_green() { green_rounds + 1 } else { 0 };
            tasks = match green_rounds {
                0 => self.worth_another_look(),
                // One green round is not enough: all of it is rerun.
                rounds if rounds < wait.consecutive => self.observed(&selected),
                _ => return None,
            };
            let left = wait.within.saturating_sub(begun.elapsed());
            if tasks.is_empty() || left < wait.every {
                return None;
            }
            let red = self.results.iter().flatten().filter(|result| !result.status.is_green()).count();
            (self.report)(&Event::Waiting { red, left });
            tokio::select! {
                biased;
                by = interrupted(stop, deadline) => return Some(by),
                () = tokio::time::sleep(wait.every) => {}
            }
            self.failed = None;
            for task in &tasks {
                self.previous.extend(self.results[*task].take().map(|result| (*task, result)));
            }
        }
    }

    /// Runs the admitted items. Returns the interruption, if any.
    async fn round(
        &mut self,
        stop: &mut (impl Stream<Item = Signal> + Unpin),
        deadline: Option<(Instant, Duration)>,
    ) -> Option<Interruption> {
        loop {
            let next = self.begin();
            if self.workers.is_empty() && self.unread.is_empty() {
                return None;
            }
            let (mut is_soon, paused) = match next {
                Next::Soon => (true, None),
                Next::At(until) => (false, Some(until)),
                Next::AfterResult => (false, None),
            };
            let mut turn = pin!(tokio::task::yield_now());
            loop {
                tokio::select! {
                    biased;
                    by = interrupted(stop, deadline) => return Some(by),
                    Some(task) = self.locked.1.recv() => self.started(task),
                    Some(again) = self.again.1.recv() => self.retried(again),
                    Some(done) = self.workers.join_next() => {
                        self.arrived(done);
                        is_soon = true;
                    }
                    Some((name, value)) = self.reading.next() => {
                        self.secret_read(&name, value);
                        is_soon = true;
                    }
                    () = &mut turn, if is_soon => break,
                    () = tokio::time::sleep_until(paused.unwrap_or_else(Instant::now)), if paused.is_some() => break,
                }
            }
        }
    }
}

/// Waits for a signal or the deadline.
async fn interrupted(
    stop: &mut (impl Stream<Item = Signal> + Unpin),
    deadline: Option<(Instant, Duration)>,
) -> Interruption {
    let late = async {
        match deadline {
            Some((end, limit)) => {
                tokio::time::sleep_until(end).await;
                Interruption::Deadline(Some(crate::yaml::Duration(limit)))
            }
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        signal = signal(stop) => Interruption::Signal(signal),
        by = late => by,
    }
}

/// Waits for the next signal.
async fn signal(signals: &mut (impl Stream<Item = Signal> + Unpin)) -> Signal {
    match signals.next().await {
        Some(signal) => signal,
        None => std::future::pending().await,
    }
}
