//! The last line: the verdict and the number of items by status.

use std::io::{self, Write};

use crate::report::gap::{self, State};
use crate::report::text::{count, wrap};
use crate::report::{Counts, RenderOptions, words};
use crate::run::{Gap, Run};
use crate::text::visible;

use crate::report::paint::Paint;

/// Writes notes about gaps, and why the run is not a full one.
pub fn notes(run: &Run, options: &RenderOptions, limit: usize, out: &mut dyn Write) -> io::Result<()> {
    let mut notes: Vec<String> = run.gaps.iter().filter_map(|gap| note(run, gap, options)).collect();
    let unrecorded: Vec<&str> = gap::unrecorded(run).into_iter().map(|item| item.id.as_str()).collect();
    if !unrecorded.is_empty() {
        notes.push(format!("not in `gaps`: {}", visible(&unrecorded.join(", "))));
    }
    if let Some(partial) = &run.partial {
        notes.push(format!("PARTIAL: not everything was run ({}). This run can't be signed off.", visible(partial)));
    }
    if let Some(by) = &run.interrupted {
        notes.push(format!("INTERRUPTED by {by}: unfinished items have no result."));
    }
    if !notes.is_empty() {
        writeln!(out)?;
    }
    for line in notes.iter().flat_map(|note| wrap(note, limit)) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Writes the verdict.
pub fn verdict(run: &Run, limit: usize, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let verdict = run.verdict();
    let words = format!("{}:", words(verdict));
    writeln!(out)?;
    for (number, line) in wrap(&format!("{words} {}", tally(run)), limit).iter().enumerate() {
        match line.strip_prefix(&words) {
            Some(rest) if number == 0 => writeln!(out, "{}{rest}", paint.verdict(verdict, &words))?,
            Some(_) | None => writeln!(out, "{line}")?,
        }
    }
    Ok(())
}

/// Such as `15 of 21 passed, 3 failed, 1 error, 4 blocked by 1 cause, 1 pending in 1.2 s`.
fn tally(run: &Run) -> String {
    let counts = Counts::of(run);
    let mut text = format!("{} of {} passed", counts.passed, counts.total);
    let mut say = |number: usize, what: String| {
        if number > 0 {
            text.push_str(&what);
        }
    };
    say(counts.failed, format!(", {} failed", counts.failed));
    say(counts.error, format!(", {}", count(counts.error, "error")));
    say(counts.blocked, format!(", {} blocked by {}", counts.blocked, count(counts.causes, "cause")));
    say(counts.pending, format!(", {} pending", counts.pending));
    say(counts.waived, format!(", {} waived", counts.waived));
    say(counts.deferred, format!(", {} deferred", counts.deferred));
    say(counts.flaky, format!(", {} flaky", counts.flaky));
    say(counts.insecure, format!(", {} insecure", counts.insecure));
    say(counts.advisory_red, format!(", {} advisory not green", counts.advisory_red));
    if run.partial.is_some() {
        text.push_str(", partial");
    }
    if run.interrupted.is_some() {
        text.push_str(", interrupted");
    }
    format!("{text} in {}", seconds(run.duration_ms))
}

/// `1.2 s`, and from a minute on `2m 03s`.
fn seconds(ms: u64) -> String {
    match ms {
        0..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => crate::report::text::duration(ms),
    }
}

/// The note about a gap that is closed, unused or no longer accepted.
fn note(run: &Run, gap: &Gap, options: &RenderOptions) -> Option<String> {
    let text = visible(&gap.gap);
    match gap::state(run, gap, gap::day(options.now)) {
        State::Closed => Some(format!("remove from `gaps`, its items pass: {text}")),
        State::Expired(since) => Some(format!("known gap no longer accepted since {since}: {text}")),
        State::Unused if gap.items.is_empty() => Some(format!("known gap without `items`: {text}")),
        State::Unused => Some(format!("known gap names no item that was run: {text}")),
        State::Open | State::Accepted(_) => None,
    }
}
