//! The history of each item from all runs: when it last passed, for which subject, and how long it has been red.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::run::{ItemResult, Reason, Run, Status};

/// The facts about each item, by its id.
pub type AllFacts = HashMap<String, Facts>;

/// The history of an item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// When it last passed.
    pub last_passed: Option<Passed>,
    /// When it turned red, if it was red the last time.
    pub red_since: Option<Timestamp>,
    /// The start of the latest run with a result of it.
    pub seen: Timestamp,
}

/// A time at which an item passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// When the run began.
    pub at: Timestamp,
    /// The subject at that time.
    pub subject: Option<String>,
    /// The run.
    pub run: i64,
    /// The digest of its definition then; missing in what gate 0.1 recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
}

impl Facts {
    /// Whether it last passed in this run.
    pub fn last_passed_in(&self, run: i64) -> bool {
        self.last_passed.as_ref().is_some_and(|passed| passed.run == run)
    }
}

/// The facts as they are stored.
pub fn read(json: &str) -> Result<AllFacts, sqlx::Error> {
    serde_json::from_str(json).map_err(|why| sqlx::Error::Decode(why.into()))
}

/// The result of an item in a run, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemState {
    /// Its id.
    pub id: String,
    /// Its status.
    pub status: Status,
    /// Whether it passed, but not at the first attempt.
    pub flaky: bool,
    /// The digest of its definition; missing in what gate 0.1 recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
}

/// The results of all items that ran.
pub fn states(run: &Run) -> Vec<ItemState> {
    let of = |item: &ItemResult| ItemState {
        id: item.id.clone(),
        status: item.status,
        flaky: item.flaky,
        definition: item.definition.clone(),
    };
    run.items().filter(|item| was_observed(run, item)).map(of).collect()
}

/// Whether the result is about the item itself: the facts of an item that did not start, or was interrupted, are unchanged.
fn was_observed(run: &Run, item: &ItemResult) -> bool {
    match item.status {
        Status::Passed | Status::Failed | Status::Deferred | Status::Waived => true,
        Status::Error | Status::Pending => run.interrupted.is_none(),
        Status::Blocked => run.interrupted.is_none() && !item.reason.as_ref().is_some_and(Reason::is_not_run),
    }
}

/// Adds one more run.
pub fn take(facts: &mut AllFacts, run: i64, started: Timestamp, subject: Option<&str>, states: &[ItemState]) {
    for ItemState { id, status, definition, .. } in states {
        let known = facts.entry(id.clone()).or_default();
        // Of two concurrent runs, the one that started later may be recorded first.
        if started < known.seen {
            continue;
        }
        known.seen = started;
        match status {
            Status::Passed => {
                let (subject, definition) = (subject.map(ToOwned::to_owned), definition.clone());
                known.last_passed = Some(Passed { at: started, subject, run, definition });
                known.red_since = None;
            }
            Status::Failed | Status::Error | Status::Blocked | Status::Pending | Status::Waived => {
                known.red_since.get_or_insert(started);
            }
            Status::Deferred => known.red_since = None,
        }
    }
}

/// Adds the history to the items of a run. A pass counts for the definition that passed.
pub fn annotate(run: &mut Run, facts: &AllFacts) {
    let started = run.started;
    for item in run.sections.iter_mut().flat_map(|section| &mut section.items) {
        let known = facts.get(&item.id);
        if item.status == Status::Passed {
            continue;
        }
        let is_same = |passed: &&Passed| passed.definition.is_none() || passed.definition == item.definition;
        if let Some(passed) = known.and_then(|known| known.last_passed.as_ref()).filter(is_same) {
            item.last_passed = Some(passed.at);
            item.last_subject.clone_from(&passed.subject);
        }
        item.red_since = match item.status {
            // A sign-off is not expected before anything was run.
            Status::Failed | Status::Error | Status::Blocked | Status::Pending | Status::Waived
                if item.sign_off.is_none() =>
            {
                Some(known.and_then(|known| known.red_since).map_or(started, |since| since.min(started)))
            }
            Status::Failed | Status::Error | Status::Blocked | Status::Pending | Status::Waived => None,
            Status::Deferred | Status::Passed => None,
        };
    }
}
