//! What people vouch for: the entries of `checklists/NAME.signoffs.yaml`, and which of them count.
//!
//! An entry is bound to the checklist's name, the item, the role, the subject, and what the checklist said of the items
//! that it covers. It counts as long as all of that is so; nothing is ever taken out of the file.

mod entry;
mod file;
mod signature;
mod standing;

use std::collections::HashMap;

use jiff::Timestamp;

use crate::checklist::Checklist;
use crate::diagnostic::{Diagnostics, Sources};

pub use entry::{Action, Entry};
pub use file::{append, read};
pub use signature::sign;
pub use standing::{Claim, Judged, Standing, judge, standing};

/// How every sign-off of a checklist stands, by the id of its item.
///
/// # Errors
/// When the file can't be read; then nothing in it counts.
pub async fn standings(
    checklist: &Checklist,
    now: Timestamp,
) -> Result<HashMap<String, Standing>, (Diagnostics, Sources)> {
    let (claims, judged) = judged(checklist, now).await?;
    Ok(claims.iter().map(|claim| (claim.item.clone(), standing(claim, &judged, now))).collect())
}

/// The newest sign-off of a checklist that counts and is not of what is being signed off now.
///
/// # Errors
/// When the file can't be read.
pub async fn last(checklist: &Checklist, now: Timestamp) -> Result<Option<Entry>, (Diagnostics, Sources)> {
    let (_, judged) = judged(checklist, now).await?;
    Ok(standing::last(&judged, checklist.subject.as_deref()).cloned())
}

/// What has to be signed, and every entry.
async fn judged(checklist: &Checklist, now: Timestamp) -> Result<(Vec<Claim>, Vec<Judged>), (Diagnostics, Sources)> {
    let claims = Claim::all(checklist);
    // What comes through standard input has no file beside it.
    if claims.is_empty() || checklist.file == "-" {
        return Ok((claims, Vec::new()));
    }
    let entries = read(checklist)?;
    let judged = judge(checklist, &claims, entries, now).await;
    Ok((claims, judged))
}
