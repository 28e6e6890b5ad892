//! How unmet needs affect an item, which may be a sign-off.

use std::collections::HashSet;

use crate::run::{BlockedBecause, ItemResult, Reason, SignOff, SignOffReason, Signed, Status};
use crate::sign_off::{Comparison, SignOffState};

/// Why an item can't be green, whatever it observes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    /// The item that is the root cause, not the nearest one.
    pub cause: String,
    /// Why that one is not green.
    pub reason: Reason,
    /// Whether one of the needs failed, or is not known to be green any longer.
    pub is_red: bool,
}

/// The outcome of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its status.
    pub status: Status,
    /// Why it is not green.
    pub reason: Option<Reason>,
    /// The item that is the cause.
    pub cause: Option<String>,
    /// The evidence, if it is green.
    pub evidence: Option<String>,
    /// Who signed, if that counts.
    pub given: Option<Signed>,
}

/// The needs that block an item: the first that failed or is pending, which decides the verdict, or else the first that
/// is not green. Each is given by its id, with its result if it has one.
pub fn blocked<'a>(needs: impl Iterator<Item = (&'a str, Option<&'a ItemResult>)>) -> Option<Blocked> {
    let mut first: Option<(String, Reason, bool)> = None;
    let mut causes: HashSet<&str> = HashSet::new();
    let mut is_red = false;
    for (id, result) in needs {
        let (cause, reason) = match result {
            Some(result) if result.status.is_green() => continue,
            None => (id.to_owned(), BlockedBecause::NeedNotRun(id.to_owned()).into()),
            // The cause of the need is the cause of this item.
            Some(ItemResult { cause: Some(root), reason: Some(reason), .. }) => (root.clone(), reason.clone()),
            Some(result) => {
                let why = result.reason.clone().map(Box::new);
                (
                    id.to_owned(),
                    BlockedBecause::Need { root: id.to_owned(), status: result.status, why, others: 0 }.into(),
                )
            }
        };
        causes.insert(result.and_then(|result| result.cause.as_deref()).unwrap_or(id));
        is_red |= result.is_some_and(|result| is_decided(result.status));
        let decides = is_decision(&reason) || result.is_some_and(|result| is_decided(result.status));
        if first.as_ref().is_none_or(|(.., decided)| decides && !decided) {
            first = Some((cause, reason, decides));
        }
    }
    first.map(|(cause, mut reason, _)| {
        if let Reason::Blocked(BlockedBecause::Need { others, .. }) = &mut reason {
            *others = causes.len().saturating_sub(1).max(*others);
        }
        Blocked { cause, reason, is_red }
    })
}

/// Whether it was seen that this is not as it should be, or waits for a person.
fn is_decided(status: Status) -> bool {
    matches!(status, Status::Failed | Status::Pending)
}

/// Whether the root cause of a blocked need is one that failed or is pending.
fn is_decision(reason: &Reason) -> bool {
    matches!(reason, Reason::Blocked(BlockedBecause::Need { status, .. }) if is_decided(*status))
}

/// The outcome of a sign-off: whether it counts, and whether what it covers is still green.
pub fn sign_off(state: &SignOffState, blocked: Option<Blocked>) -> Outcome {
    let pending = |reason: SignOffReason| Outcome {
        status: Status::Pending,
        reason: Some(reason.into()),
        cause: None,
        evidence: None,
        given: None,
    };
    match (state, blocked) {
        (SignOffState::Given(signed, _), Some(Blocked { is_red: true, reason, .. })) => {
            pending(SignOffReason::NotGreen(signed.clone(), Box::new(reason)))
        }
        (_, Some(blocked)) => blocked.into(),
        (SignOffState::Given(signed, comparison), None) => {
            let evidence = match comparison {
                Comparison::Done => signed.to_string(),
                Comparison::NotDone => format!("{signed}, not compared with later runs"),
            };
            Outcome {
                status: Status::Passed,
                reason: None,
                cause: None,
                evidence: Some(evidence),
                given: Some(signed.clone()),
            }
        }
        (SignOffState::Void(why), None) => pending(why.clone()),
    }
}

impl From<Blocked> for Outcome {
    fn from(blocked: Blocked) -> Self {
        let Blocked { cause, reason, .. } = blocked;
        Self { status: Status::Blocked, reason: Some(reason), cause: Some(cause), evidence: None, given: None }
    }
}

impl Outcome {
    /// The result with this outcome.
    pub fn write(self, result: ItemResult) -> ItemResult {
        let Self { status, reason, cause, evidence, given } = self;
        let sign_off = result.sign_off.map(|sign_off| SignOff { given, ..sign_off });
        ItemResult { status, reason, cause, evidence, sign_off, ..result }
    }
}
