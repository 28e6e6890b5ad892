//! What people vouch for: the entries of `checklists/NAME.signoffs.yaml`, and which of them count.
//!
//! An entry is bound to the checklist's name, the item, the role, the subject, and the definitions of the items that it
//! covers. It counts as long as all of that is so; nothing is ever taken out of the file.

mod entry;
mod file;
mod signature;
mod state;

use jiff::Timestamp;

use crate::checklist::Checklist;
use crate::diagnostic::{Diagnostics, Sources};
use crate::run::SignOffReason;

use state::state;

pub use entry::{Action, Entry};
pub use file::{append, read};
pub use signature::sign;
pub use state::{Judged, SignOffRequest, SignOffState, judge};

/// What a checklist wants signed off, and every entry that there is.
#[derive(Debug, Default)]
pub struct SignOffs {
    requests: Vec<SignOffRequest>,
    judged: Vec<Judged>,
}

impl SignOffs {
    /// Reads and judges the entries of a checklist.
    ///
    /// # Errors
    /// When the file can't be read; then nothing in it counts.
    pub async fn read(checklist: &Checklist, now: Timestamp) -> Result<Self, (Diagnostics, Sources)> {
        let requests = SignOffRequest::all(checklist);
        // What comes through standard input has no file beside it.
        if requests.is_empty() || checklist.file == "-" {
            return Ok(Self { requests, judged: Vec::new() });
        }
        let entries = read(checklist)?;
        let judged = judge(checklist, &requests, entries, now).await;
        Ok(Self { requests, judged })
    }

    /// The state of an item's sign-off, where `definition` gives the digest of an item's definition.
    pub fn state<'d>(&self, item: &str, definition: impl Fn(&str) -> Option<&'d str>, now: Timestamp) -> SignOffState {
        match self.requests.iter().find(|request| request.item == item) {
            Some(request) => state(request, &self.judged, request.covers(definition).as_deref(), now),
            None => SignOffState::Void(SignOffReason::Unsigned),
        }
    }

    /// The newest sign-off that counts and is not of what is being signed off now.
    pub fn last(&self, subject: Option<&str>) -> Option<&Entry> {
        state::last(&self.judged, subject)
    }
}
