//! Which sign-offs count today: a pure function of the entries, the checklist and the later runs.

use jiff::Timestamp;

use crate::checklist::Subject;
use crate::run::{Excuse, SignOffReason, Signed, is_same_subject};

use super::entry::{Decision, Entry, prefixed};
use super::judge::{Judged, SKEW};
use super::request::SignOffRequest;

/// The state of an item's sign-off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignOffState {
    /// It was given, and counts as long as what it covers is green.
    Given(Signed, Comparison),
    /// It was not given, or does not count, and why.
    Void(SignOffReason),
}

/// Whether later runs of what a sign-off covers are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// It was compared with them, or covers nothing that runs.
    Done,
    /// There was no ledger to compare it with, or one that begins after the run that was signed.
    NotDone,
}

/// The runs after a sign-off, from a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaterRuns {
    /// Start of its oldest full run.
    pub oldest: Timestamp,
    /// Its full runs in which something failed, oldest first.
    pub failed: Vec<FailedRun>,
}

/// A full run in which something failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedRun {
    /// When it began.
    pub started: Timestamp,
    /// The subject.
    pub subject: Option<String>,
    /// The ids of the items that failed, with the digests of their definitions.
    pub failed: Vec<(String, String)>,
}

/// The data for the state of a sign-off.
#[derive(Debug, Clone, Copy)]
pub struct StateData<'a> {
    /// All entries, oldest first.
    pub judged: &'a [Judged],
    /// The later runs. None without a ledger.
    pub later: Option<&'a LaterRuns>,
    /// Now.
    pub now: Timestamp,
}

/// The state of a sign-off. `definition` gives the digest of an item's definition now. Any entry may count; if none does,
/// the newest one says why.
pub fn state<'d>(
    request: &SignOffRequest,
    known: StateData,
    definition: impl Fn(&str) -> Option<&'d str>,
) -> SignOffState {
    if matches!(request.subject, Subject::Unset) {
        return SignOffState::Void(SignOffReason::NoSubject);
    }
    let own = || known.judged.iter().rev().filter(|judged| judged.entry().item == request.item);
    let given = || own().filter(|judged| judged.is_given());
    let mut first = None;
    for judged in given().filter(|judged| request.is_for(judged.entry())) {
        match void(request, judged, known, &definition) {
            None => return SignOffState::Given(judged.signed(), comparison(request, judged, known)),
            Some(why) => first = first.or(Some(why)),
        }
    }
    let other = || void(request, given().next()?, known, &definition);
    let refused = || {
        let judged = own().find(|judged| judged.refused.is_some())?;
        Some(SignOffReason::Refused(judged.signed(), judged.refused.clone()?))
    };
    SignOffState::Void(first.or_else(other).or_else(refused).unwrap_or(SignOffReason::Unsigned))
}

fn comparison(request: &SignOffRequest, judged: &Judged, known: StateData) -> Comparison {
    // A ledger that begins later does not contain what happened in between, however many runs it has now.
    let began = judged.entry().since().as_millisecond();
    let is_known = known.later.is_some_and(|later| later.oldest.as_millisecond() <= began);
    let is_done = is_known || request.others().next().is_none();
    if is_done { Comparison::Done } else { Comparison::NotDone }
}

/// Why an entry that could count does not count now.
pub fn void<'d>(
    request: &SignOffRequest,
    judged: &Judged,
    known: StateData,
    definition: &impl Fn(&str) -> Option<&'d str>,
) -> Option<SignOffReason> {
    stale(request, judged, known)
        .or_else(|| redefined(request, judged, definition))
        .or_else(|| failed(request, judged, known))
}

/// Why an entry does not count now, as far as that is known without definitions.
pub fn stale(request: &SignOffRequest, judged: &Judged, known: StateData) -> Option<SignOffReason> {
    let (entry, signed) = (judged.entry(), judged.signed());
    if let Some(revocation) = revocation(entry, known) {
        return Some(SignOffReason::Revoked(revocation.signed()));
    }
    if !request.is_for(entry) {
        let now = request.subject.value().map(ToOwned::to_owned);
        return Some(SignOffReason::OtherSubject(signed, now));
    }
    if request.title.as_ref().is_some_and(|title| *title != entry.title) {
        return Some(SignOffReason::Retitled(signed));
    }
    let difference = entry.terms.as_ref().and_then(|terms| terms.difference(&request.terms));
    let role = (entry.role != request.role).then_some("role");
    if let Some(setting) = role.or(difference) {
        return Some(SignOffReason::OtherTerms(signed, setting));
    }
    if let Some((id, excuse)) = excused(request, entry).filter(|_| entry.terms.is_some()) {
        return Some(SignOffReason::Excused(signed, id, excuse));
    }
    let end = request.terms.valid_for.and_then(|time| entry.at.checked_add(time.0).ok());
    end.filter(|end| *end <= known.now).map(|end| SignOffReason::Expired(signed, end))
}

/// The newest revocation of an entry: one that names it, or one of the same item and subject that is not older.
fn revocation<'a>(entry: &Entry, known: StateData<'a>) -> Option<&'a Judged> {
    let digest = entry.digest();
    let latest = known.now.saturating_add(SKEW).unwrap_or(known.now);
    known.judged.iter().rev().find(|judged| {
        let other = judged.entry();
        other.decision == Decision::Revoke
            && other.checklist == entry.checklist
            && other.item == entry.item
            && is_same_subject(other.subject.as_deref(), entry.subject.as_deref())
            && (other.revokes.contains(&digest) || (entry.at <= other.at && other.at <= latest))
    })
}

/// A covered item that is waived, deferred or advisory, and was not when this was signed.
fn excused(request: &SignOffRequest, entry: &Entry) -> Option<(String, Excuse)> {
    request.others().find_map(|covered| {
        let id = &covered.id;
        let is_wider = |until| entry.waived.get(id).is_none_or(|signed| *signed < until);
        let excuse = if covered.is_deferred && !entry.deferred.contains(id) {
            Excuse::Deferred
        } else if covered.is_advisory && !entry.advisory.contains(id) {
            Excuse::Advisory
        } else if covered.waived.is_some_and(is_wider) {
            Excuse::Waived
        } else {
            return None;
        };
        Some((id.clone(), excuse))
    })
}

/// Whether the definition of something that it covers has changed.
fn redefined<'d>(
    request: &SignOffRequest,
    judged: &Judged,
    definition: &impl Fn(&str) -> Option<&'d str>,
) -> Option<SignOffReason> {
    let (entry, signed) = (judged.entry(), judged.signed());
    if let Some(covers) = &judged.recorded.old_covers {
        let is_same = request.old_digest(definition).as_ref() == Some(covers);
        return (!is_same).then_some(SignOffReason::Outdated(signed));
    }
    let changed = request.covered.iter().find(|covered| {
        let now = definition(&covered.id).map(prefixed);
        now.is_none() || now.as_ref() != entry.covers.get(&covered.id)
    });
    let gone = || entry.covers.keys().find(|id| !request.covered.iter().any(|covered| covered.id == **id));
    let id = changed.map(|covered| &covered.id).or_else(gone)?;
    Some(SignOffReason::Redefined(signed, id.clone()))
}

/// Whether something that it covers failed in a later run of the same definition and subject.
fn failed(request: &SignOffRequest, judged: &Judged, known: StateData) -> Option<SignOffReason> {
    let entry = judged.entry();
    let since = entry.since();
    let later = known
        .later?
        .failed
        .iter()
        .filter(|run| run.started > since && is_same_subject(run.subject.as_deref(), entry.subject.as_deref()));
    let is_covered = |(id, definition): &&(String, String)| match &judged.recorded.old_covers {
        Some(_) => request.others().any(|covered| covered.id == *id && covered.source == *definition),
        None => entry.covers.get(id) == Some(&prefixed(definition)),
    };
    let (run, id) = later.filter_map(|run| Some((run, &run.failed.iter().find(is_covered)?.0))).next()?;
    Some(SignOffReason::FailedLater(judged.signed(), id.clone(), run.started))
}
