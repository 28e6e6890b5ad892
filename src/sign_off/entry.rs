//! One sign-off or revocation: its fields, and the bytes of it that a key signs.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::yaml::Duration;

/// Somebody signed off an item, or revoked that.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The item's id.
    pub item: String,
    /// The decision.
    pub decision: Decision,
    /// In which role.
    pub role: String,
    /// Who decided: the claimed name.
    pub by: String,
    /// The mail address by which a key is looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// When.
    pub at: Timestamp,
    /// The subject that was signed off, if the checklist has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The checklist's name.
    pub checklist: String,
    /// The checklist's title.
    pub title: String,
    /// The terms of the sign-off. Missing in a revocation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<Terms>,
    /// The definition of each item that it covers: id, and `sha256:` with the digest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub covers: BTreeMap<String, String>,
    /// The run in which all that it covers was green. Missing in a revocation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<SignedRun>,
    /// The covered items that an accepted gap waived, each with the last day of that.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub waived: BTreeMap<String, Date>,
    /// The covered items that were deferred.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deferred: Vec<String>,
    /// The covered items that were advisory.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub advisory: Vec<String>,
    /// The digests of the entries that a revocation revokes, whatever their time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revokes: Vec<String>,
    /// The signature over all of the above, as `ssh-keygen -Y sign` writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// The decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// The sign-off was given.
    Give,
    /// It was revoked.
    Revoke,
}

/// The terms of a sign-off in the checklist. A change of any of these needs another sign-off.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Who may give it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Vec<String>>,
    /// Whether it has to be signed with a key.
    #[serde(default)]
    pub signed: bool,
    /// The file of keys that may sign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_signers: Option<String>,
    /// How long it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_for: Option<Duration>,
}

/// The run that was signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedRun {
    /// `sha256:` and the digest of its record in the ledger, or of its JSON report.
    pub digest: String,
    /// When it began.
    pub started: Timestamp,
    /// The commit that was checked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

impl Terms {
    /// The first setting that differs.
    pub fn difference(&self, other: &Self) -> Option<&'static str> {
        let pairs = [
            ("by", self.by == other.by),
            ("signed", self.signed == other.signed),
            ("allowed_signers", self.allowed_signers == other.allowed_signers),
            ("valid_for", self.valid_for == other.valid_for),
        ];
        pairs.into_iter().find(|(_, is_same)| !is_same).map(|(name, _)| name)
    }
}

impl Entry {
    /// Since when failures of what it covers matter: from the run that was signed.
    pub fn since(&self) -> Timestamp {
        self.run.as_ref().map_or(self.at, |run| run.started)
    }

    /// The text that a key signs: the line `gate-signoff 2`, then the entry without its signature as JSON on one line,
    /// its keys in the order of the file, and a line break.
    pub fn signed_bytes(&self) -> Vec<u8> {
        let unsigned = Self { signature: None, ..self.clone() };
        let json = serde_json::to_string(&unsigned).expect("text, days and instants can be written as JSON");
        format!("gate-signoff 2\n{json}\n").into_bytes()
    }

    /// `sha256:` and the digest of the signed bytes.
    pub fn digest(&self) -> String {
        prefixed(&hex::encode(Sha256::digest(self.signed_bytes())))
    }

    /// A short digest of the definitions that it covers. None for an entry of the old single file.
    pub fn definition(&self) -> Option<String> {
        let lines: String = self.covers.iter().map(|(id, digest)| format!("{id} {digest}\n")).collect();
        (!lines.is_empty()).then(|| hex::encode(&Sha256::digest(lines)[..6]))
    }

    /// By what keys are looked up: the address, or the name if there is none.
    pub fn principal(&self) -> &str {
        self.email.as_deref().unwrap_or(&self.by)
    }

    /// The name of its file: time, item and a short hash.
    pub fn file_name(&self) -> String {
        let hash = hex::encode(Sha256::digest(self.signed_bytes()));
        format!("{}-{}-{}.yaml", self.at.strftime("%Y%m%dT%H%M%SZ"), self.item.replace('/', "+"), &hash[..8])
    }
}

/// A digest as entries have it.
pub fn prefixed(hex: &str) -> String {
    format!("sha256:{hex}")
}
