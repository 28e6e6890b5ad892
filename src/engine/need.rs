//! What needs that are not green make of an item, be it a sign-off or not.

use crate::run::{ItemResult, Status};
use crate::sign_off::SignOffState;

/// Why an item can't be green by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    /// The item that is the root cause, not the nearest one.
    pub cause: String,
    /// Why that one is not green.
    pub reason: String,
    /// Whether one of the needs was seen not to be as it should, or is not known to be so any longer.
    pub is_red: bool,
}

/// What becomes of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What it counts as.
    pub status: Status,
    /// Why it is not green.
    pub reason: Option<String>,
    /// The item that keeps it from being so.
    pub cause: Option<String>,
    /// What was said of it, where it is green.
    pub evidence: Option<String>,
}

/// What keeps an item from running: the first of its needs that is not green. Each is given by its id, with its result
/// where it has one.
pub fn blocked<'a>(needs: impl Iterator<Item = (&'a str, Option<&'a ItemResult>)>) -> Option<Blocked> {
    let mut first = None;
    let mut is_red = false;
    for (id, result) in needs {
        let (cause, reason) = match result {
            Some(result) if result.status.is_green() => continue,
            None => (id.to_owned(), format!("{id}: not run this time")),
            Some(ItemResult { cause: Some(root), reason, .. }) => {
                (root.clone(), reason.clone().unwrap_or_else(|| root.clone()))
            }
            Some(result) => {
                let why = result.reason.as_deref().unwrap_or(result.status.word());
                (id.to_owned(), format!("{id}: {why}"))
            }
        };
        is_red |= result.is_some_and(|result| matches!(result.status, Status::Failed | Status::Pending));
        first.get_or_insert((cause, reason));
    }
    first.map(|(cause, reason)| Blocked { cause, reason, is_red })
}

/// What becomes of a sign-off: what somebody said, and whether what it covers is still green.
pub fn sign_off(state: &SignOffState, blocked: Option<Blocked>) -> Outcome {
    let pending =
        |reason: String| Outcome { status: Status::Pending, reason: Some(reason), cause: None, evidence: None };
    match (state, blocked) {
        (SignOffState::Given(given), Some(Blocked { is_red: true, reason, .. })) => {
            pending(format!("{given}, but what it covers turned red: {reason}"))
        }
        (_, Some(blocked)) => blocked.into(),
        (SignOffState::Given(given), None) => {
            Outcome { status: Status::Passed, reason: None, cause: None, evidence: Some(given.clone()) }
        }
        (SignOffState::Void(why), None) => pending(why.clone()),
        (SignOffState::Absent, None) => pending("not signed".to_owned()),
    }
}

impl From<Blocked> for Outcome {
    fn from(blocked: Blocked) -> Self {
        let Blocked { cause, reason, .. } = blocked;
        Self { status: Status::Blocked, reason: Some(reason), cause: Some(cause), evidence: None }
    }
}

impl Outcome {
    /// The result with this outcome.
    pub fn write(self, result: ItemResult) -> ItemResult {
        let Self { status, reason, cause, evidence } = self;
        ItemResult { status, reason, cause, evidence, ..result }
    }
}
