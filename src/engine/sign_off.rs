//! What becomes of a sign-off in a run: what somebody said, and whether what it covers is still green.

use crate::plan::Plan;
use crate::run::{ItemResult, Status};
use crate::sign_off::Standing;

use super::item::blank;

/// The result of a sign-off. `blocked` is what a need that is not green makes of it.
pub fn result(plan: &Plan, task: usize, results: &[Option<ItemResult>], blocked: Option<ItemResult>) -> ItemResult {
    let item = plan.item(task);
    let pending = |reason: String| blank(plan, task, Status::Pending, Some(reason));
    let standing = plan.sign_offs.get(&*item.id).unwrap_or(&Standing::Absent);
    match (standing, blocked) {
        (Standing::Given(given), Some(blocked)) => {
            let is_red = |need: &usize| {
                let status = results[*need].as_ref().map(|result| result.status);
                matches!(status, Some(Status::Failed | Status::Pending))
            };
            let because = blocked.reason.as_deref().unwrap_or("what it covers is not green");
            match item.needs.iter().any(is_red) {
                true => pending(format!("{given}, but what it covers turned red: {because}")),
                false => blocked,
            }
        }
        (Standing::Absent | Standing::Void(_), Some(blocked)) => blocked,
        (Standing::Given(given), None) if plan.partial.is_some() && !item.needs.is_empty() => {
            pending(format!("{given}, but a partial run does not show that all it covers is green"))
        }
        (Standing::Given(given), None) => {
            ItemResult { evidence: Some(given.clone()), ..blank(plan, task, Status::Passed, None) }
        }
        (Standing::Void(why), None) => pending(why.clone()),
        (Standing::Absent, None) => pending("not signed".to_owned()),
    }
}
