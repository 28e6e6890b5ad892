//! Runs whose probes are made for the test, on a clock that is paused until everyone waits.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{Stream, stream};
use serde_json::json;

use crate::checklist::{self, Found, Overrides, OwnFiles, Settings};
use crate::client::{Context, Fault};
use crate::env::Env;
use crate::plan::{Plan, Selection};
use crate::probe::{Observe, Registry, Seen};
use crate::run::{Event, Interruption, Run, Signal, Status};
use crate::sign_off::SignOffs;

use super::{Held, Locks, Options, Taken, Wait, run};

/// The behavior of a probe in these tests.
#[derive(Clone)]
enum Act {
    /// Answers after this time.
    Answer(Duration),
    /// Never answers.
    Hang,
    /// Panics.
    Panic,
    /// Is red this number of times, then green.
    RedFirst(usize),
    /// Is red or green at each attempt as this says, then green.
    Flaps(&'static [bool]),
    /// Is red this number of times, then never answers.
    RedThenHang(usize),
}

struct Fake {
    act: Act,
    attempts: AtomicUsize,
    busy: Arc<Busy>,
}

/// How many probes run at a time, and the maximum.
#[derive(Default)]
struct Busy(AtomicUsize, AtomicUsize);

impl Observe for Fake {
    fn observe<'a>(&'a self, _: &'a Context) -> BoxFuture<'a, Result<Seen, Fault>> {
        Box::pin(async move {
            let attempt = self.attempts.fetch_add(1, Ordering::SeqCst);
            let now = self.busy.0.fetch_add(1, Ordering::SeqCst) + 1;
            self.busy.1.fetch_max(now, Ordering::SeqCst);
            let connected = match &self.act {
                Act::Answer(after) => {
                    tokio::time::sleep(*after).await;
                    true
                }
                Act::Hang => std::future::pending().await,
                Act::Panic => panic!("index out of bounds"),
                Act::RedFirst(times) => attempt >= *times,
                Act::Flaps(attempts) => attempts.get(attempt).copied().unwrap_or(true),
                Act::RedThenHang(times) if attempt < *times => false,
                Act::RedThenHang(_) => std::future::pending().await,
            };
            self.busy.0.fetch_sub(1, Ordering::SeqCst);
            let value = json!({ "connected": connected });
            Ok(Seen { value, ..Seen::default() })
        })
    }

    fn has_effects(&self) -> bool {
        false
    }

    fn is_insecure(&self) -> bool {
        false
    }

    fn reproduce(&self) -> Option<Vec<String>> {
        None
    }
}

/// A run of items that act so. `lines` are the items' further lines, such as `needs: [a]`.
struct Case {
    items: Vec<(&'static str, &'static str, Act)>,
    options: Options,
    busy: Arc<Busy>,
    events: Arc<Mutex<Vec<String>>>,
}

impl Case {
    fn new(items: &[(&'static str, &'static str, Act)]) -> Self {
        Self { items: items.to_vec(), options: Options::default(), busy: Arc::default(), events: Arc::default() }
    }

    async fn run(&self, stop: impl Future<Output = Signal>) -> Run {
        self.run_until(stream::once(stop)).await
    }

    async fn run_until(&self, signals: impl Stream<Item = Signal>) -> Run {
        let mut text = String::from("title: T\nsections:\n- title: S\n  items:\n");
        for (id, lines, _) in &self.items {
            text.push_str(&format!(
                "  - {{ id: {id}, title: {id}, {lines}probes: [{{ tcp: {{ address: \"127.0.0.1:1\" }} }}] }}\n"
            ));
        }
        let found = Found {
            name: "t".into(),
            file: "t.yaml".into(),
            root: PathBuf::from("/"),
            text,
            path: PathBuf::from("/t.yaml"),
            files: OwnFiles::Folder,
        };
        let env = Arc::new(Env::with([], PathBuf::from("/")));
        let loaded = checklist::load(found, &Overrides::default(), &env, &Registry::built_in());
        let mut checklist = loaded.checklist.unwrap_or_else(|| panic!("{:?}", loaded.problems));
        for (item, (_, _, act)) in checklist.sections[0].items.iter_mut().zip(&self.items) {
            let fake = Fake { act: act.clone(), attempts: AtomicUsize::new(0), busy: Arc::clone(&self.busy) };
            let node = item.probes[0].settings.node().clone();
            item.probes[0].settings = Settings::Resolved { node, probe: Box::new(fake) };
            for cleanup in &mut item.cleanup {
                let fake = Fake { act: Act::Hang, attempts: AtomicUsize::new(0), busy: Arc::clone(&self.busy) };
                let node = cleanup.settings.node().clone();
                cleanup.settings = Settings::Resolved { node, probe: Box::new(fake) };
            }
        }
        let plan = Plan::build(checklist, &Selection::default(), SignOffs::default()).expect("everything is selected");
        let report = |event: &Event| self.events.lock().expect("no panic").push(word(event));
        run(Arc::new(plan), &self.options, &env, signals, report).await.run
    }

    fn events(&self) -> String {
        self.events.lock().expect("no panic").join("; ")
    }
}

fn word(event: &Event) -> String {
    match event {
        Event::Reading { secrets } => format!("reading {secrets}"),
        Event::Locking { id, locks, .. } => format!("{id} waits for {locks}"),
        Event::Started { id, .. } => format!("{id} begins"),
        Event::Attempt { id, number, attempt } => format!("{id} attempt {number} {}", attempt.status.word()),
        Event::Finished(item) => format!("{} {}", item.id, item.status.word()),
        Event::Waiting { red, left } => format!("{red} red, {} s left", left.as_secs()),
    }
}

fn reported(run: &Run) -> String {
    let line = |item: &crate::run::ItemResult| {
        format!(
            "{}: {} {}\n",
            item.id,
            item.status.word(),
            item.reason.as_ref().map(ToString::to_string).unwrap_or_default()
        )
    };
    run.items().map(line).collect()
}

const NOW: Act = Act::Answer(Duration::ZERO);

fn wait(seconds: u64, consecutive: u32) -> Wait {
    Wait { within: Duration::from_secs(seconds), every: Duration::from_secs(1), consecutive }
}

fn never() -> impl Future<Output = Signal> {
    std::future::pending()
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_probe_is_the_error_of_its_item_and_of_no_other() {
    let case = Case::new(&[("a", "", Act::Panic), ("b", "", NOW)]);
    let run = case.run(never()).await;
    insta::assert_snapshot!(reported(&run), @"
    a: error the probe panicked: index out of bounds
    b: passed
    ");
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_never_answers_ends_with_its_timeout_at_each_attempt() {
    let case = Case::new(&[("a", "timeout: 3s, retry: { attempts: 2, every: 1s }, ", Act::Hang)]);
    let begun = tokio::time::Instant::now();
    let run = case.run(never()).await;
    insta::assert_snapshot!(reported(&run), @"a: error no answer within 3s");
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}

/// Locks of which another run lets go after this time, and that are lost where it says why.
#[derive(Debug)]
struct Elsewhere(Duration, Result<(), String>);

impl Locks for Elsewhere {
    fn take(&self, _names: &[String]) -> Taken {
        let (time, freed) = (self.0, self.1.clone());
        Box::pin(async move {
            tokio::time::sleep(time).await;
            Ok(Box::pin(std::future::ready(freed)) as Held)
        })
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_lock_of_another_run_does_not_count_as_time_of_an_item() {
    let mut case =
        Case::new(&[("a", "locks: [api], timeout: 3s, ", Act::Answer(Duration::from_secs(2))), ("b", "", NOW)]);
    case.options.locks = Some(Arc::new(Elsewhere(Duration::from_secs(60), Ok(()))));
    let run = case.run(never()).await;
    assert!(run.items().all(|item| item.status == Status::Passed && item.duration_ms < 3000), "{run:?}");
    assert_eq!(case.events(), "a waits for api; b begins; b passed; a begins; a passed");
}

#[tokio::test(start_paused = true)]
async fn an_item_whose_lock_was_lost_is_an_error_that_blocks_what_needs_it() {
    let mut case = Case::new(&[("a", "locks: [api], ", NOW), ("b", "needs: [a], ", NOW)]);
    case.options.locks = Some(Arc::new(Elsewhere(Duration::ZERO, Err("the connection was lost".to_owned()))));
    let run = case.run(never()).await;
    insta::assert_snapshot!(reported(&run), @"
    a: error the connection was lost
    b: blocked needs a (the connection was lost)
    ");
}

#[tokio::test(start_paused = true)]
async fn at_the_deadline_what_runs_is_an_error_and_what_has_not_begun_is_blocked() {
    let mut case = Case::new(&[
        ("quick", "", NOW),
        ("slow", "needs: [quick], timeout: 1h, ", Act::Hang),
        ("next", "needs: [slow], ", NOW),
    ]);
    case.options.deadline = Some(Duration::from_secs(90));
    let begun = tokio::time::Instant::now();
    let run = case.run(never()).await;
    assert_eq!(begun.elapsed().as_secs(), 90);
    assert_eq!(run.interrupted.map(|by| by.to_string()).as_deref(), Some("--deadline 1m30s"));
    insta::assert_snapshot!(reported(&run), @"
    quick: passed 
    slow: error not done by the deadline of 1m30s
    next: blocked not begun by the deadline of 1m30s
    ");
}

#[tokio::test(start_paused = true)]
async fn a_signal_ends_what_runs_and_reports_what_was_done() {
    let case = Case::new(&[("done", "", NOW), ("slow", "timeout: 1h, ", Act::Hang), ("next", "needs: [slow], ", NOW)]);
    let stop = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        Signal::Terminate
    };
    let run = case.run(stop).await;
    assert_eq!(run.interrupted, Some(Interruption::Signal(Signal::Terminate)));
    insta::assert_snapshot!(reported(&run), @"
    done: passed 
    slow: error interrupted by SIGTERM
    next: blocked not run: interrupted by SIGTERM
    ");
}

#[tokio::test(start_paused = true)]
async fn a_cleanup_that_hangs_has_a_second_after_a_signal_and_half_of_one_after_the_deadline() {
    let hangs = "timeout: 1h, cleanup: { tcp: { address: \"127.0.0.1:1\" } }, ";
    for (act, why) in
        [(Act::Hang, "interrupted by SIGTERM; cleanup not finished"), (NOW, "cleanup: interrupted by SIGTERM")]
    {
        let case = Case::new(&[("a", hangs, act), ("other", "timeout: 1h, ", Act::Hang)]);
        let stop = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            Signal::Terminate
        };
        let begun = tokio::time::Instant::now();
        let run = case.run(stop).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(6));
        assert_eq!(reported(&run), format!("a: error {why}\nother: error interrupted by SIGTERM\n"));
    }
    // A second signal after 300 ms more ends it at once.
    let signals =
        stream::unfold([Duration::from_secs(5), Duration::from_millis(300)].into_iter(), async |mut waits| {
            tokio::time::sleep(waits.next()?).await;
            Some((Signal::Interrupt, waits))
        });
    let begun = tokio::time::Instant::now();
    let run = Case::new(&[("a", hangs, Act::Hang)]).run_until(signals).await;
    assert_eq!(begun.elapsed(), Duration::from_millis(5300));
    assert_eq!(reported(&run), "a: error interrupted by SIGINT; cleanup not finished\n");
    let mut case = Case::new(&[("a", hangs, Act::Hang)]);
    case.options.deadline = Some(Duration::from_secs(5));
    let begun = tokio::time::Instant::now();
    let run = case.run(never()).await;
    assert_eq!(begun.elapsed(), Duration::from_millis(5500));
    assert_eq!(reported(&run), "a: error not done by the deadline of 5s; cleanup not finished\n");
}

#[tokio::test(start_paused = true)]
async fn wait_repeats_only_red_items() {
    let mut case = Case::new(&[("up", "", NOW), ("boots", "", Act::RedFirst(2)), ("smoke", "needs: [boots], ", NOW)]);
    case.options.wait = Some(wait(60, 1));
    let run = case.run(never()).await;
    insta::assert_snapshot!(reported(&run), @"
    up: passed 
    boots: passed 
    smoke: passed
    ");
    insta::assert_snapshot!(case.events(), @"up begins; boots begins; up passed; boots failed; smoke blocked; 2 red, 60 s left; boots begins; boots failed; smoke blocked; 2 red, 59 s left; boots begins; boots passed; smoke begins; smoke passed");
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_when_its_time_is_up() {
    let mut case = Case::new(&[("a", "", Act::RedFirst(usize::MAX))]);
    case.options.wait = Some(wait(10, 1));
    let begun = tokio::time::Instant::now();
    let run = case.run(never()).await;
    assert_eq!(begun.elapsed().as_secs(), 10);
    insta::assert_snapshot!(reported(&run), @"a: failed connected: expected true, got false");
}

#[tokio::test(start_paused = true)]
async fn a_run_takes_as_long_as_its_slowest_item_and_never_more_at_a_time_than_jobs() {
    let item = Act::Answer(Duration::from_secs(1));
    let ids: Vec<&'static str> = vec!["a", "b", "c", "d", "e", "f", "g", "h"];
    let items: Vec<_> = ids.into_iter().map(|id| (id, "", item.clone())).collect();
    let mut case = Case::new(&items);
    let begun = tokio::time::Instant::now();
    case.run(never()).await;
    assert_eq!((begun.elapsed().as_secs(), case.busy.1.load(Ordering::SeqCst)), (1, 8));
    case = Case::new(&items);
    case.options.jobs = 3;
    let begun = tokio::time::Instant::now();
    case.run(never()).await;
    assert_eq!((begun.elapsed().as_secs(), case.busy.1.load(Ordering::SeqCst)), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn few_items_run_at_a_time_where_all_are_answered_at_once_and_all_where_all_wait() {
    let ids: Vec<&'static str> = (0..200).map(|number| &*format!("i{number}").leak()).collect();
    let case = |act: Act| Case::new(&ids.iter().map(|id| (*id, "", act.clone())).collect::<Vec<_>>());
    let fast = case(Act::Answer(Duration::ZERO));
    fast.run(never()).await;
    assert!(fast.busy.1.load(Ordering::SeqCst) <= 48, "{}", fast.busy.1.load(Ordering::SeqCst));
    let slow = case(Act::Answer(Duration::from_secs(1)));
    let begun = tokio::time::Instant::now();
    slow.run(never()).await;
    assert_eq!(slow.busy.1.load(Ordering::SeqCst), 200);
    assert!(begun.elapsed() < Duration::from_millis(1_020), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn with_back_off_each_wait_is_twice_as_long_up_to_a_limit() {
    let begun = tokio::time::Instant::now();
    Case::new(&[("a", "retry: { attempts: 6, every: 1s..4s }, ", Act::RedFirst(usize::MAX))]).run(never()).await;
    assert_eq!(begun.elapsed().as_secs(), 1 + 2 + 4 + 4 + 4);
}

#[tokio::test(start_paused = true)]
async fn events_come_in_order_with_each_repeated_attempt() {
    let case = Case::new(&[("a", "retry: { attempts: 3, every: 1s }, ", Act::RedFirst(2))]);
    case.run(never()).await;
    insta::assert_snapshot!(case.events(), @"a begins; a attempt 1 failed; a attempt 2 failed; a passed");
}

#[tokio::test(start_paused = true)]
async fn many_attempts_come_to_an_end_though_not_all_are_kept() {
    let case = Case::new(&[("a", "retry: { attempts: 130, every: 1ms }, ", Act::RedFirst(usize::MAX))]);
    let run = case.run(never()).await;
    assert_eq!(run.sections[0].items[0].probes[0].attempts.len(), 100);
    assert!(case.events().contains("a attempt 129 failed; a failed"), "{}", case.events());
}

#[tokio::test(start_paused = true)]
async fn the_last_observation_is_kept_when_the_run_ends_early() {
    let mut case = Case::new(&[("a", "timeout: 1h, retry: { attempts: 5, every: 1s }, ", Act::RedThenHang(2))]);
    case.options.deadline = Some(Duration::from_secs(90));
    let run = case.run(never()).await;
    insta::assert_snapshot!(reported(&run), @"a: error not done by the deadline of 1m30s; last attempt: connected: expected true, got false");
    let probe = &run.sections[0].items[0].probes[0];
    assert_eq!((probe.attempts.len(), probe.expectations.len()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn with_consecutive_it_is_green_only_after_so_many_green_attempts_in_a_row() {
    let flaps = Act::Flaps(&[false, true, false, true, true]);
    let case = Case::new(&[("a", "retry: { attempts: 9, every: 1s, consecutive: 3 }, ", flaps.clone())]);
    let run = case.run(never()).await;
    insta::assert_snapshot!(reported(&run), @"a: passed");
    assert_eq!(run.sections[0].items[0].probes[0].attempts.len(), 6);
    let case = Case::new(&[("a", "retry: { attempts: 5, every: 1s, consecutive: 3 }, ", flaps)]);
    insta::assert_snapshot!(reported(&case.run(never()).await), @"a: failed passed 2 of 3 times in a row, then the time or the attempts were used up");
}

#[tokio::test(start_paused = true)]
async fn waiting_for_several_green_rounds_in_a_row_runs_all_of_it_again() {
    let mut case = Case::new(&[("a", "", NOW), ("b", "", Act::Flaps(&[false, true, false]))]);
    case.options.wait = Some(wait(60, 2));
    let run = case.run(never()).await;
    insta::assert_snapshot!(reported(&run), @"
    a: passed 
    b: passed
    ");
    assert_eq!(case.events().matches("b begins").count(), 5);
    assert_eq!(case.events().matches("a begins").count(), 3);
}
