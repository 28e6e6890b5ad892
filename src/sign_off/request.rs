//! The sign-offs that a checklist requests: who has to sign, and which items each covers.

use jiff::civil::Date;
use sha2::{Digest, Sha256};

use crate::checklist::{self, Checklist, SignOff, Subject};
use crate::run::is_same_subject;

use super::entry::{Entry, Terms, prefixed};

/// The conditions under which a sign-off counts today.
#[derive(Debug, Clone)]
pub struct SignOffRequest {
    /// The item's id.
    pub item: String,
    /// The checklist's name.
    pub checklist: String,
    /// The checklist's title. None while a variable in it is not set: then it can't be compared.
    pub title: Option<String>,
    /// The current subject.
    pub subject: Subject,
    /// The items that it covers, itself among them, in checklist order.
    pub covered: Vec<Covered>,
    /// The role of the signer.
    pub role: String,
    /// The other terms of the checklist.
    pub terms: Terms,
}

/// An item that a sign-off covers.
#[derive(Debug, Clone)]
pub struct Covered {
    /// Its id.
    pub id: String,
    /// The digest of its source.
    pub source: String,
    /// Through that day an accepted gap waives it.
    pub waived: Option<Date>,
    /// Whether it is deferred.
    pub is_deferred: bool,
    /// Whether it is advisory.
    pub is_advisory: bool,
}

impl SignOffRequest {
    /// Every sign-off of a checklist.
    pub fn all(checklist: &Checklist, today: Date) -> Vec<Self> {
        let items: Vec<_> = checklist.items().collect();
        let covered = |at: usize| {
            let item = items[at];
            let gaps = checklist.gaps.iter().filter(|gap| gap.waives(&item.id, today));
            Covered {
                id: item.id.to_string(),
                source: checklist::source(item, checklist),
                waived: gaps.filter_map(|gap| gap.accepted_until).max(),
                is_deferred: item.deferred.is_some(),
                is_advisory: item.advisory,
            }
        };
        let requests = items.iter().enumerate().filter_map(|(at, item)| {
            let SignOff { role, valid_for, by, signed } = item.sign_off.clone()?;
            let mut is_covered = vec![false; items.len()];
            let mut open = vec![at];
            while let Some(next) = open.pop() {
                if !std::mem::replace(&mut is_covered[next], true) {
                    open.extend(&items[next].needs);
                }
            }
            let allowed = checklist.allowed_signers.as_ref().and_then(|allowed| allowed.of(&role));
            let allowed_signers = allowed.map(|path| path.display().to_string());
            Some(Self {
                item: item.id.to_string(),
                checklist: checklist.name.clone(),
                title: (!checklist.has_unset_title).then(|| checklist.title.clone()),
                subject: checklist.subject.clone(),
                covered: (0..items.len()).filter(|at| is_covered[*at]).map(covered).collect(),
                role,
                terms: Terms { by, signed, allowed_signers, valid_for },
            })
        });
        requests.collect()
    }

    /// The digest by which the old single file binds a sign-off to all that it covers. None if a definition is not known,
    /// or a variable is filled into one.
    pub fn old_digest<'d>(&self, definition: impl Fn(&str) -> Option<&'d str>) -> Option<String> {
        let mut lines = String::new();
        for Covered { id, source, .. } in &self.covered {
            let definition = definition(id).filter(|definition| definition == source)?;
            lines.push_str(&format!("{id} {definition}\n"));
        }
        Some(prefixed(&hex::encode(Sha256::digest(lines))))
    }

    /// Whether an entry is for what is being signed off now.
    pub fn is_for(&self, entry: &Entry) -> bool {
        is_same_subject(entry.subject.as_deref(), self.subject.value())
    }

    /// Why a person may not sign it, if so.
    pub fn excludes(&self, principal: &str) -> Option<String> {
        let people = self.terms.by.as_ref()?;
        (!people.iter().any(|one| one == principal)).then(|| format!("{principal} may not sign as {}", self.role))
    }

    /// The items that it covers, without itself.
    pub fn others(&self) -> impl Iterator<Item = &Covered> {
        self.covered.iter().filter(|covered| covered.id != self.item)
    }
}
