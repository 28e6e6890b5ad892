//! One entry of a file of sign-offs, and the bytes of it that a key signs.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::run::Signed;

/// Somebody vouched for an item, or took that back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The item's id.
    pub item: String,
    /// What was done.
    pub action: Action,
    /// In which role.
    pub role: String,
    /// Who did it.
    pub by: String,
    /// The mail address, by which a key is looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// When.
    pub at: Timestamp,
    /// What was signed off, where the checklist says that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The checklist's name.
    pub checklist: String,
    /// `sha256:` and the digest of the definitions of the items that this covers.
    pub covers: String,
    /// `sha256:` and the digest of the checklist's file. For information: an edit elsewhere in it changes nothing.
    pub file: String,
    /// `sha256:` and the digest of the run in which all that this covers was green. Absent when it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// The commit that was checked out in that run. For information: `changes` can begin there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The signature over all of the above, as `ssh-keygen -Y sign` writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It was given.
    Give,
    /// It was taken back.
    Revoke,
}

impl Entry {
    /// What a key signs: the line `gate-signoff 1`, then the entry without its signature as JSON on one line, its keys in
    /// the order of the file, and a line break.
    pub fn signed_bytes(&self) -> Vec<u8> {
        let unsigned = Self { signature: None, ..self.clone() };
        let json = serde_json::to_string(&unsigned).expect("text and an instant can be written as JSON");
        format!("gate-signoff 1\n{json}\n").into_bytes()
    }

    /// By what keys are looked up: the address, or the name where there is none.
    pub fn principal(&self) -> &str {
        self.email.as_deref().unwrap_or(&self.by)
    }

    /// Who did it, when, and for what.
    pub fn signed(&self) -> Signed {
        Signed::new(self.action == Action::Give, self.at, self.by.clone(), self.subject.clone())
    }
}
