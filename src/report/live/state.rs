//! What is known of a run that goes on, and the lines that tell it.

use std::collections::HashMap;
use std::time::Duration;

use crate::report::text::{count, cut, duration};
use crate::run::{Event, Status};
use crate::text::visible;

/// How many of the items that take longest are named.
const NAMED: usize = 4;
/// What takes less than this is not worth a line.
const SLOW: Duration = Duration::from_millis(500);

/// What is known of a run that goes on.
#[derive(Debug)]
pub struct State {
    total: usize,
    /// What came of each item that came to its end.
    done: HashMap<String, Status>,
    running: HashMap<String, Running>,
    waiting: Option<Waiting>,
}

#[derive(Debug)]
struct Running {
    since: Duration,
    title: String,
    /// What was said of the last look that did not pass.
    attempt: Option<String>,
}

#[derive(Debug)]
struct Waiting {
    red: usize,
    until: Duration,
}

impl State {
    /// Nothing of this many items has begun.
    pub fn new(total: usize) -> Self {
        Self { total, done: HashMap::new(), running: HashMap::new(), waiting: None }
    }

    /// Takes note of what happened. Times are counted from the begin of the run.
    pub fn note(&mut self, event: &Event, now: Duration) {
        match *event {
            Event::Started { id, title } => {
                self.done.remove(id);
                let title = visible(title).into_owned();
                self.running.insert(id.to_owned(), Running { since: now, title, attempt: None });
            }
            Event::Attempt { id, number, attempt } => {
                if let Some(running) = self.running.get_mut(id) {
                    let reason = visible(attempt.reason.as_deref().unwrap_or(attempt.status.word())).into_owned();
                    running.attempt = Some(format!("attempt {number}: {reason}"));
                }
            }
            Event::Finished(item) => {
                self.running.remove(&item.id);
                self.done.insert(item.id.clone(), item.status);
            }
            Event::Waiting { red, left } => self.waiting = Some(Waiting { red, until: now + left }),
        }
    }

    /// What to show at this time, each line at most as wide as this.
    pub fn lines(&self, now: Duration, width: usize) -> Vec<String> {
        let mut lines = vec![cut(&self.summary(now), width)];
        let mut running: Vec<(&String, &Running)> = self.running.iter().collect();
        running.sort_by_key(|(id, item)| (item.since, *id));
        let slow = running.iter().take_while(|(_, item)| now.saturating_sub(item.since) >= SLOW).take(NAMED);
        for (id, item) in slow {
            let age = duration(millis(now.saturating_sub(item.since)) / 100 * 100);
            let mut line = format!("  {age:>6}  {} — {}", visible(id), item.title);
            if let Some(attempt) = &item.attempt {
                line = format!("{line} ({attempt})");
            }
            lines.push(cut(&line, width));
        }
        lines
    }

    fn summary(&self, now: Duration) -> String {
        let of = |status: Status| self.done.values().filter(|done| **done == status).count();
        let mut text = format!("{} of {}", self.done.len(), count(self.total, "item"));
        for status in [Status::Passed, Status::Failed, Status::Error, Status::Blocked, Status::Pending] {
            let number = of(status);
            if number > 0 {
                text = format!("{text} · {number} {}", status.word());
            }
        }
        if !self.running.is_empty() {
            text = format!("{text} · {} running", self.running.len());
        }
        text = format!("{text} · {}s", now.as_secs());
        if let Some(waiting) = &self.waiting {
            let left = waiting.until.saturating_sub(now).as_secs();
            text = format!("{text} · waits for {} to get green, {left}s left", count(waiting.red, "item"));
        }
        text
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::report::sample::{passed, red};
    use crate::report::text::width;
    use crate::run::Attempt;
    use crate::secret::{Redact, Redacted, Redactor};

    fn at(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn pass<T: Redact>(value: T) -> Redacted<T> {
        Redactor::default().pass(value)
    }

    fn going_on() -> State {
        let mut state = State::new(9);
        for (number, id) in ["api", "db", "redis", "grafana", "logs", "k6"].into_iter().enumerate() {
            let title = pass(format!("{id}: what a person would tick"));
            state.note(&Event::Started { id, title: &title }, at(number as f64 / 10.0));
        }
        state.note(&Event::Finished(&pass(passed("api", "API", "200"))), at(1.0));
        state.note(&Event::Finished(&pass(red("db", "DB", Status::Failed, "no"))), at(1.0));
        let reason = Some("connection refused".to_owned());
        let attempt = pass(Attempt { status: Status::Error, duration_ms: 1, reason });
        state.note(&Event::Attempt { id: "redis", number: 1, attempt: &attempt }, at(1.0));
        state
    }

    #[test]
    fn counts_stand_first_and_the_slowest_items_below() {
        assert_snapshot!(going_on().lines(at(72.4), 80).join("\n"), @"
        2 of 9 items · 1 passed · 1 failed · 4 running · 72s
          1m 12s  redis — redis: what a person would tick (attempt 1: connection refuse…
          1m 12s  grafana — grafana: what a person would tick
          1m 12s  logs — logs: what a person would tick
          1m 11s  k6 — k6: what a person would tick
        ");
    }

    #[test]
    fn what_has_just_begun_is_only_counted() {
        assert_snapshot!(going_on().lines(at(0.81), 80).join("\n"), @"
        2 of 9 items · 1 passed · 1 failed · 4 running · 0s
           600ms  redis — redis: what a person would tick (attempt 1: connection refuse…
           500ms  grafana — grafana: what a person would tick
        ");
    }

    #[test]
    fn waiting_for_red_items_says_for_how_many_and_how_long() {
        let mut state = going_on();
        state.note(&Event::Waiting { red: 1, left: at(90.0) }, at(5.0));
        state.note(&Event::Started { id: "db", title: &pass("DB".to_owned()) }, at(6.0));
        assert_snapshot!(state.lines(at(6.0), 100)[0], @"1 of 9 items · 1 passed · 5 running · 6s · waits for 1 item to get green, 89s left");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        assert!(going_on().lines(at(72.4), 30).iter().all(|line| width(line) <= 30));
    }
}
