//! The state of known gaps: which one covers an item, which is closed, and which has expired.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::run::{Gap, ItemResult, Run, Status};

/// The state of a gap on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its items are not all green, or were not run.
    Open,
    /// It is accepted through this day.
    Accepted(Date),
    /// Its acceptance expired on this day.
    Expired(Date),
    /// Everything that it names passed.
    Closed,
    /// It is accepted, but names no item that was run.
    Unused,
}

/// The day in UTC.
pub fn day(instant: Timestamp) -> Date {
    instant.to_zoned_datetime(TimeZone::UTC).date()
}

/// The state of the gap.
pub fn state(run: &Run, gap: &Gap, today: Date) -> State {
    let mut items = run.items().filter(|item| gap.items.contains(&item.id)).peekable();
    let seen = items.peek().is_some();
    if seen && items.all(|item| item.status == Status::Passed) {
        return State::Closed;
    }
    match gap.accepted_until {
        None => State::Open,
        Some(_) if !seen && run.partial.is_none() => State::Unused,
        Some(until) if until >= today => State::Accepted(until),
        Some(until) => State::Expired(until.tomorrow().unwrap_or(until)),
    }
}

/// The red items, without blocked ones, that no gap names. None if the checklist has no gaps.
pub fn unrecorded(run: &Run) -> Vec<&ItemResult> {
    if run.gaps.is_empty() {
        return Vec::new();
    }
    let is_named = |item: &ItemResult| run.gaps.iter().any(|gap| gap.items.contains(&item.id));
    run.items()
        .filter(|item| !item.status.is_green() && !item.advisory && item.sign_off.is_none() && item.cause.is_none())
        .filter(|item| !is_named(item))
        .collect()
}

/// The gap for which the item is waived: of several, the one that is accepted longest.
pub fn covering<'a>(run: &'a Run, item: &ItemResult) -> Option<&'a Gap> {
    run.gaps.iter().filter(|gap| gap.items.contains(&item.id)).max_by_key(|gap| gap.accepted_until)
}
