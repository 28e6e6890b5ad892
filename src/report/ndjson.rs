//! `ndjson`: the events of a run, one JSON object per line, for programs that follow it.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use crate::run::{Attempt, Event, Interruption, ItemResult, Run, Verdict};
use crate::text::json;

use super::{Counts, Events, RenderOptions, json as document};

/// The writer of events as they happen.
pub const EVENTS: Events = Events { event, done };

/// One line. Fields may be added; none is renamed or removed.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Line<'a> {
    /// Programs are printing secrets, and results come when they have. Only in lines that are written as it happens.
    Reading { secrets: &'a str },
    /// An item waits for locks that other runs may hold. Only in lines that are written as it happens.
    Locking { id: &'a str, title: &'a str, locks: &'a str },
    /// An item began.
    Started { id: &'a str, title: &'a str },
    /// An attempt did not pass, and another one follows.
    Attempt { id: &'a str, number: usize, status: &'a str, duration_ms: u64, reason: Option<&'a str> },
    /// An item ended.
    Finished { item: Box<document::Item<'a>> },
    /// A round is over, and failing items are rerun. Only in lines that are written as it happens.
    Waiting { red: usize, left_ms: u128 },
    /// The run ended. Always the last line.
    Done {
        name: &'a str,
        subject: Option<&'a str>,
        verdict: Verdict,
        counts: Counts,
        started: Timestamp,
        duration_ms: u64,
        partial: Option<&'a str>,
        interrupted: Option<Interruption>,
    },
}

/// The lines of a finished run, in checklist order.
pub fn render(run: &Run, _options: &RenderOptions, out: &mut dyn Write) -> io::Result<()> {
    run.items().try_for_each(|item| ended(item, out))?;
    done(run, out)
}

/// The line of an event.
fn event(event: &Event, out: &mut dyn Write) -> io::Result<()> {
    let line = match *event {
        Event::Reading { secrets: "" } => return Ok(()),
        Event::Reading { secrets } => Line::Reading { secrets },
        Event::Locking { id, title, locks } => Line::Locking { id, title, locks },
        Event::Started { id, title } => Line::Started { id, title },
        Event::Attempt { id, number, attempt: seen } => attempt(id, number, seen),
        Event::Finished(item) => Line::Finished { item: Box::new((&**item).into()) },
        Event::Waiting { red, left } => Line::Waiting { red, left_ms: left.as_millis() },
    };
    json::write_line(&line, out)
}

/// The last line.
fn done(run: &Run, out: &mut dyn Write) -> io::Result<()> {
    let line = Line::Done {
        name: &run.name,
        subject: run.subject.as_deref(),
        verdict: run.verdict(),
        counts: Counts::of(run),
        started: run.started,
        duration_ms: run.duration_ms,
        partial: run.partial.as_deref(),
        interrupted: run.interrupted,
    };
    json::write_line(&line, out)
}

fn ended(item: &ItemResult, out: &mut dyn Write) -> io::Result<()> {
    if item.probes.iter().any(|probe| !probe.attempts.is_empty()) {
        json::write_line(&Line::Started { id: &item.id, title: &item.title }, out)?;
    }
    for probe in &item.probes {
        let (_, again) = probe.attempts.split_last().unzip();
        for (number, seen) in again.into_iter().flatten().enumerate() {
            json::write_line(&attempt(&item.id, number + 1, seen), out)?;
        }
    }
    json::write_line(&Line::Finished { item: Box::new(item.into()) }, out)
}

fn attempt<'a>(id: &'a str, number: usize, seen: &'a Attempt) -> Line<'a> {
    let Attempt { status, duration_ms, reason } = seen;
    Line::Attempt { id, number, status: status.word(), duration_ms: *duration_ms, reason: reason.as_deref() }
}
