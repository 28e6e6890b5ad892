//! The state of a run in progress, and the lines that show it.

use std::collections::HashMap;
use std::time::Duration;

use crate::report::paint::{Paint, symbol};
use crate::report::text::{count, cut, duration, width};
use crate::run::{Event, Status};
use crate::text::visible;

/// How many of the slowest items are named, and how many red ones.
const NAMED: usize = 4;
/// A faster item is not worth a line.
const SLOW: Duration = Duration::from_millis(500);
/// How much of a reason a line of a log shows, in columns.
const REASON: usize = 100;

/// The state of a run in progress.
#[derive(Debug)]
pub struct State {
    total: usize,
    /// The status of each finished item.
    done: HashMap<String, Status>,
    /// Red items, in the order in which they turned red; also while they are rerun.
    red: Vec<Red>,
    running: HashMap<String, Running>,
    waiting: Option<Duration>,
    /// The secrets that programs are printing.
    reading: Option<String>,
}

#[derive(Debug)]
struct Running {
    since: Duration,
    title: String,
    /// The locks that it waits for.
    locks: Option<String>,
    /// The reason of the last attempt that did not pass.
    attempt: Option<String>,
}

/// An item that did not pass, and may pass at another attempt.
#[derive(Debug)]
struct Red {
    id: String,
    status: Status,
    reason: String,
}

/// A part of a line, and the status that determines its color.
type Piece = (Option<Status>, String);

impl State {
    /// The state before anything has started.
    pub fn new(total: usize) -> Self {
        Self { total, done: HashMap::new(), red: Vec::new(), running: HashMap::new(), waiting: None, reading: None }
    }

    /// Notes an event. Times are counted from the start of the run.
    pub fn note(&mut self, event: &Event, now: Duration) {
        match *event {
            Event::Reading { secrets } => {
                self.reading = (!secrets.is_empty()).then(|| format!("reading secrets: {}", visible(secrets)));
            }
            Event::Locking { id, title, locks } => self.begin(id, title, Some(visible(locks).into_owned()), now),
            Event::Started { id, title } => self.begin(id, title, None, now),
            Event::Attempt { id, number, attempt } => {
                if let Some(running) = self.running.get_mut(id) {
                    let reason = visible(attempt.reason.as_deref().unwrap_or(attempt.status.word())).into_owned();
                    running.attempt = Some(format!("attempt {number}: {reason}"));
                }
            }
            Event::Finished(item) => {
                self.running.remove(&item.id);
                self.done.insert(item.id.clone(), item.status);
                self.finish(&item.id, item.status, item.sign_off.is_some(), || {
                    let reason = item.reason.as_ref().map(ToString::to_string);
                    visible(&reason.unwrap_or_else(|| item.status.word().to_owned())).into_owned()
                });
            }
            Event::Waiting { left, .. } => self.waiting = Some(now + left),
        }
    }

    fn begin(&mut self, id: &str, title: &str, locks: Option<String>, now: Duration) {
        self.done.remove(id);
        let title = visible(title).into_owned();
        self.running.insert(id.to_owned(), Running { since: now, title, locks, attempt: None });
    }

    /// Notes the status of an item. Blocked items and those that wait for a person are not awaited.
    fn finish(&mut self, id: &str, status: Status, is_sign_off: bool, reason: impl FnOnce() -> String) {
        let is_red = matches!(status, Status::Failed | Status::Error) || status == Status::Pending && !is_sign_off;
        let at = self.red.iter().position(|red| red.id == id);
        match (at, is_red) {
            (Some(at), true) => {
                let red = &mut self.red[at];
                (red.status, red.reason) = (status, reason());
            }
            (None, true) => self.red.push(Red { id: id.to_owned(), status, reason: reason() }),
            (Some(at), false) => drop(self.red.remove(at)),
            (None, false) => {}
        }
    }

    /// The lines to show now, each at most this wide.
    pub fn lines(&self, now: Duration, width: usize, paint: Paint) -> Vec<String> {
        let mut lines = vec![fitted(&self.summary(now), width, paint)];
        lines.extend(self.reading.iter().map(|text| fitted(&[(None, text.clone())], width, paint)));
        lines.extend(self.wait(now).map(|text| fitted(&[(None, text)], width, paint)));
        for red in self.red.iter().rev().take(NAMED) {
            let glyph = format!("{} {}", symbol(red.status), visible(&red.id));
            lines.push(fitted(&[(Some(red.status), glyph), (None, format!("  {}", red.reason))], width, paint));
        }
        if self.red.len() > NAMED {
            lines.push(fitted(&[(None, format!("  and {} more", self.red.len() - NAMED))], width, paint));
        }
        for (id, item) in self.longest().take_while(|(_, item)| now.saturating_sub(item.since) >= SLOW).take(NAMED) {
            let age = duration(millis(now.saturating_sub(item.since)) / 100 * 100);
            let mut line = format!("  {age:>6}  {} — {}", visible(id), item.title);
            if let Some(locks) = &item.locks {
                line = format!("{line} (waiting for the lock {locks})");
            }
            if let Some(attempt) = &item.attempt {
                line = format!("{line} ({attempt})");
            }
            lines.push(fitted(&[(None, line)], width, paint));
        }
        lines
    }

    /// The same in one line of a log.
    pub fn line(&self, now: Duration) -> String {
        let text: String = self.summary(now).into_iter().map(|(_, text)| text).collect();
        let longest = self.longest().next();
        let longest = longest.map(|(id, item)| {
            let age = now.saturating_sub(item.since);
            let age = if age.as_secs() < 60 { format!("{}s", age.as_secs()) } else { duration(millis(age)) };
            let what = if item.locks.is_some() { "waiting for a lock" } else { "longest" };
            format!(" · {what}: {} ({age})", visible(id))
        });
        let wait = self.wait(now).map(|text| format!(" · {text}")).unwrap_or_default();
        let reading = self.reading.as_ref().map(|text| format!(" · {text}")).unwrap_or_default();
        format!("{text}{reading}{wait}{}{}", longest.unwrap_or_default(), self.reasons())
    }

    /// The red items with their reasons.
    pub fn reasons(&self) -> String {
        let named: Vec<String> = self
            .red
            .iter()
            .take(NAMED)
            .map(|red| format!("{}: {}", visible(&red.id), cut(&red.reason, REASON)))
            .collect();
        match (named.is_empty(), self.red.len().saturating_sub(NAMED)) {
            (true, _) => String::new(),
            (false, 0) => format!(" · {}", named.join("; ")),
            (false, more) => format!(" · {}; and {more} more", named.join("; ")),
        }
    }

    /// The running items, the slowest first.
    fn longest(&self) -> impl Iterator<Item = (&String, &Running)> {
        let mut running: Vec<(&String, &Running)> = self.running.iter().collect();
        running.sort_by_key(|(id, item)| (item.since, *id));
        running.into_iter()
    }

    fn summary(&self, now: Duration) -> Vec<Piece> {
        let of = |status: Status| self.done.values().filter(|done| **done == status).count();
        let mut pieces = vec![(None, format!("{} of {}", self.done.len(), count(self.total, "item")))];
        for status in [Status::Passed, Status::Failed, Status::Error, Status::Blocked, Status::Pending] {
            let number = of(status);
            if number > 0 {
                pieces.extend([(None, " · ".to_owned()), (Some(status), format!("{number} {}", status.word()))]);
            }
        }
        if !self.running.is_empty() {
            pieces.push((None, format!(" · {} running", self.running.len())));
        }
        pieces.push((None, format!(" · {}s", now.as_secs())));
        pieces
    }

    /// The awaited items, and how long `--wait` goes on.
    fn wait(&self, now: Duration) -> Option<String> {
        let left = self.waiting?.saturating_sub(now).as_secs();
        Some(format!("waits for {}, {left}s left", self.awaited()))
    }

    /// The awaited items: by name, if these are few.
    fn awaited(&self) -> String {
        match &*self.red {
            [] => "another green round".to_owned(),
            few @ ([_] | [_, _]) => few.iter().map(|red| visible(&red.id)).collect::<Vec<_>>().join(" and "),
            many => count(many.len(), "item"),
        }
    }
}

/// The pieces as one line of at most this width.
fn fitted(pieces: &[Piece], limit: usize, paint: Paint) -> String {
    let whole: String = pieces.iter().map(|(_, text)| text.as_str()).collect();
    let is_cut = width(&whole) > limit;
    let line = cut(&whole, limit);
    let mut left = if is_cut { line.len() - '…'.len_utf8() } else { line.len() };
    let mut out = String::with_capacity(line.len());
    for (status, text) in pieces {
        let kept = &text[..left.min(text.len())];
        left -= kept.len();
        match status {
            Some(status) if !kept.is_empty() => out.push_str(&paint.status(*status, kept)),
            Some(_) | None => out.push_str(kept),
        }
    }
    if is_cut {
        out.push('…');
    }
    out
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
    fn counts_come_first_and_the_slowest_items_below() {
        assert_snapshot!(going_on().lines(at(72.4), 80, Paint(false)).join("\n"), @"
        2 of 9 items · 1 passed · 1 failed · 4 running · 72s
        ✗ db  no
          1m 12s  redis — redis: what a person would tick (attempt 1: connection refuse…
          1m 12s  grafana — grafana: what a person would tick
          1m 12s  logs — logs: what a person would tick
          1m 11s  k6 — k6: what a person would tick
        ");
    }

    #[test]
    fn items_that_have_just_started_are_only_counted() {
        assert_snapshot!(going_on().lines(at(0.81), 80, Paint(false)).join("\n"), @"
        2 of 9 items · 1 passed · 1 failed · 4 running · 0s
        ✗ db  no
           600ms  redis — redis: what a person would tick (attempt 1: connection refuse…
           500ms  grafana — grafana: what a person would tick
        ");
    }

    #[test]
    fn waiting_for_red_items_says_for_how_many_and_how_long() {
        let mut state = going_on();
        state.note(&Event::Waiting { red: 1, left: at(90.0) }, at(5.0));
        state.note(&Event::Started { id: "db", title: &pass("DB".to_owned()) }, at(6.0));
        assert_snapshot!(state.lines(at(6.0), 100, Paint(false))[..3].join("\n"), @"
        1 of 9 items · 1 passed · 5 running · 6s
        waits for db, 89s left
        ✗ db  no
        ");
        assert_snapshot!(state.line(at(6.0)), @"1 of 9 items · 1 passed · 5 running · 6s · waits for db, 89s left · longest: redis (5s) · db: no");
    }

    #[test]
    fn secrets_that_are_awaited_are_named_until_they_are_read() {
        let mut state = State::new(9);
        state.note(&Event::Reading { secrets: "GITHUB_TOKEN, API_KEY" }, at(0.0));
        let line = "0 of 9 items · 0s\nreading secrets: GITHUB_TOKEN, API_KEY";
        assert_eq!(state.lines(at(0.4), 80, Paint(false)).join("\n"), line);
        assert_eq!(state.line(at(5.0)), "0 of 9 items · 5s · reading secrets: GITHUB_TOKEN, API_KEY");
        state.note(&Event::Reading { secrets: "" }, at(6.0));
        assert_eq!(state.line(at(6.0)), "0 of 9 items · 6s");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        assert!(going_on().lines(at(72.4), 30, Paint(false)).iter().all(|line| width(line) <= 30));
    }
}
