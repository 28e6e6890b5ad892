//! Sign-offs: the entries in `checklists/NAME.signoffs/`, and which of them count.
//!
//! An entry is bound to the checklist's name and title, the item, the subject, what the checklist asks of the sign-off,
//! and the definitions of the items that it covers. It counts as long as all of that is the same, nothing that it covers
//! failed since, and it was not revoked. No file is ever removed or changed.

mod entry;
mod folder;
mod judge;
mod old;
mod request;
mod signable;
mod signature;
mod state;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::checklist::Checklist;
use crate::diagnostic::{Diagnostics, Sources};
use crate::run::{SignOffReason, Signed};

use judge::Judge;
use state::{StateData, state};

pub use entry::{Decision, Entry, SignedRun, prefixed};
pub use folder::{Recorded, files, paths, write};
pub use judge::{Judged, SKEW};
pub use request::{Covered, SignOffRequest};
pub use signable::{Signable, again, green};
pub use signature::{Memory, sign};
pub use state::{Comparison, FailedRun, LaterRuns, SignOffState};

/// The sign-offs that a checklist requests, and all entries.
#[derive(Debug, Default)]
pub struct SignOffs {
    /// The requests, in checklist order.
    pub requests: Vec<SignOffRequest>,
    /// Every entry, oldest first.
    pub judged: Vec<Judged>,
    /// The text of their files.
    pub sources: Sources,
    later: Option<LaterRuns>,
}

/// The last sign-off, from which `changes:` can begin.
#[derive(Debug, Clone)]
pub struct LastSignOff {
    /// Who signed, and when.
    pub signed: Signed,
    /// The commit of the run that was signed.
    pub commit: Option<String>,
}

impl SignOffs {
    /// Reads and judges the entries of a checklist.
    ///
    /// # Errors
    /// When a file can't be read; then no entry counts.
    pub async fn read(checklist: &Checklist, memory: Memory, now: Timestamp) -> Result<Self, (Diagnostics, Sources)> {
        let requests = SignOffRequest::all(checklist, now.to_zoned_datetime(TimeZone::UTC).date());
        // A checklist from standard input has no files beside it.
        if requests.is_empty() || checklist.file == "-" {
            return Ok(Self { requests, ..Self::default() });
        }
        let entries = folder::read(checklist)?;
        let judged = Judge::new(checklist, &requests, memory, now).all(entries.entries).await;
        Ok(Self { requests, judged, sources: entries.sources, later: None })
    }

    /// Since when failures of what is signed off matter. None if nothing is signed.
    pub fn since(&self) -> Option<Timestamp> {
        let counts = |judged: &&Judged| {
            let entry = judged.entry();
            judged.is_given() && self.request(&entry.item).is_some_and(|request| request.is_for(entry))
        };
        self.judged.iter().filter(counts).map(|judged| judged.entry().since()).min()
    }

    /// Compares with later runs.
    pub fn compare(&mut self, later: LaterRuns) {
        self.later = Some(later);
    }

    /// Judges a new entry, and adds it. Returns why it would not count, where `definition` gives the digests of the run
    /// that it is bound to.
    pub async fn add<'d>(
        &mut self,
        checklist: &Checklist,
        entry: Entry,
        definition: impl Fn(&str) -> Option<&'d str>,
        now: Timestamp,
    ) -> Option<SignOffReason> {
        let judge = Judge::new(checklist, &self.requests, Memory::default(), now);
        let judged = judge.one(entry.into()).await;
        let request = self.request(&judged.entry().item);
        let void = match (&judged.refused, request) {
            (Some(why), _) => Some(SignOffReason::Refused(judged.signed(), why.clone())),
            (None, None) => Some(SignOffReason::Unsigned),
            (None, Some(_)) if judged.entry().decision == Decision::Revoke => None,
            (None, Some(request)) => state::void(request, &judged, self.known(now), &definition),
        };
        self.judged.push(judged);
        self.judged.sort_by_key(|judged| judged.entry().at);
        void
    }

    /// The request of an item.
    pub fn request(&self, item: &str) -> Option<&SignOffRequest> {
        self.requests.iter().find(|request| request.item == item)
    }

    /// The state of an item's sign-off, where `definition` gives the digest of an item's definition.
    pub fn state<'d>(&self, item: &str, definition: impl Fn(&str) -> Option<&'d str>, now: Timestamp) -> SignOffState {
        match self.request(item) {
            Some(request) => state(request, self.known(now), definition),
            None => SignOffState::Void(SignOffReason::Unsigned),
        }
    }

    /// Why an entry does not count today though it is not refused. Definitions are not compared.
    pub fn stale(&self, judged: &Judged, now: Timestamp) -> Option<SignOffReason> {
        self.request(&judged.entry().item).and_then(|request| state::stale(request, judged, self.known(now)))
    }

    /// The newest sign-off that was not revoked and is not of what is being signed off now.
    pub fn last(&self, subject: Option<&str>, now: Timestamp) -> Option<LastSignOff> {
        let is_other = |judged: &&Judged| {
            let of = judged.entry().subject.as_deref();
            judged.is_given() && (subject.is_none() || !crate::run::is_same_subject(of, subject))
        };
        let is_revoked = |judged: &Judged| matches!(self.stale(judged, now), Some(SignOffReason::Revoked(_)));
        let last = self.judged.iter().rev().filter(is_other).find(|judged| !is_revoked(judged))?;
        Some(LastSignOff { signed: last.signed(), commit: last.entry().run.as_ref()?.commit.clone() })
    }

    fn known(&self, now: Timestamp) -> StateData<'_> {
        StateData { judged: &self.judged, later: self.later.as_ref(), now }
    }
}
