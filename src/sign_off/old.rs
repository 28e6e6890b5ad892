//! The single file of sign-offs that earlier versions wrote. It is still read, never written.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use std::collections::BTreeMap;

use super::entry::{Decision, Entry, SignedRun};

/// An entry of that file, its keys in the order in which they were signed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OldEntry {
    item: String,
    action: Decision,
    role: String,
    by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    checklist: String,
    covers: String,
    file: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
}

impl OldEntry {
    /// The text that a key signed.
    pub fn signed_bytes(&self) -> Vec<u8> {
        let unsigned = Self { signature: None, ..self.clone() };
        let json = serde_json::to_string(&unsigned).expect("text and an instant can be written as JSON");
        format!("gate-signoff 1\n{json}\n").into_bytes()
    }

    /// The digest over the definitions of all that it covers.
    pub fn covers(&self) -> &str {
        &self.covers
    }

    /// The same as an entry of today, as far as it says that.
    pub fn into_entry(self, title: &str) -> Entry {
        let (at, commit) = (self.at, self.commit);
        Entry {
            item: self.item,
            decision: self.action,
            role: self.role,
            by: self.by,
            email: self.email,
            at,
            subject: self.subject,
            note: self.note,
            checklist: self.checklist,
            title: title.to_owned(),
            terms: None,
            covers: BTreeMap::new(),
            run: self.run.map(|digest| SignedRun { digest, started: at, commit }),
            waived: BTreeMap::new(),
            deferred: Vec::new(),
            advisory: Vec::new(),
            revokes: Vec::new(),
            signature: self.signature,
        }
    }
}
