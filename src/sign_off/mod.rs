//! What people vouch for: the entries of `checklists/NAME.signoffs.yaml`, and which of them count.
//!
//! An entry is bound to the checklist's name, the item, the role, the subject, and what the checklist said of the items
//! that it covers. It counts as long as all of that is so; nothing is ever taken out of the file.

mod entry;
mod file;
mod signature;
mod state;

use std::collections::HashMap;

use jiff::Timestamp;

use crate::checklist::Checklist;
use crate::diagnostic::{Diagnostics, Sources};

pub use entry::{Action, Entry};
pub use file::{append, read};
pub use signature::sign;
pub use state::{Judged, SignOffRequest, SignOffState, judge, state};

/// How every sign-off of a checklist stands, by the id of its item.
///
/// # Errors
/// When the file can't be read; then nothing in it counts.
pub async fn states(
    checklist: &Checklist,
    now: Timestamp,
) -> Result<HashMap<String, SignOffState>, (Diagnostics, Sources)> {
    let (requests, judged) = judged(checklist, now).await?;
    Ok(requests.iter().map(|request| (request.item.clone(), state(request, &judged, now))).collect())
}

/// The newest sign-off of a checklist that counts and is not of what is being signed off now.
///
/// # Errors
/// When the file can't be read.
pub async fn last(checklist: &Checklist, now: Timestamp) -> Result<Option<Entry>, (Diagnostics, Sources)> {
    let (_, judged) = judged(checklist, now).await?;
    Ok(state::last(&judged, checklist.subject.as_deref()).cloned())
}

/// What has to be signed, and every entry.
async fn judged(
    checklist: &Checklist,
    now: Timestamp,
) -> Result<(Vec<SignOffRequest>, Vec<Judged>), (Diagnostics, Sources)> {
    let requests = SignOffRequest::all(checklist);
    // What comes through standard input has no file beside it.
    if requests.is_empty() || checklist.file == "-" {
        return Ok((requests, Vec::new()));
    }
    let entries = read(checklist)?;
    let judged = judge(checklist, &requests, entries, now).await;
    Ok((requests, judged))
}
