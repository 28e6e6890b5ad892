//! Whether an entry can count at all: forged, foreign or unsigned ones never do.

use std::path::{Path, PathBuf};

use futures_util::StreamExt;
use jiff::{SignedDuration, Timestamp};

use crate::checklist::{AllowedSigners, Checklist};
use crate::run::Signed;

use super::entry::{Decision, Entry};
use super::folder::Recorded;
use super::request::SignOffRequest;
use super::signature::{self, Memory};

/// How far clocks may differ.
pub const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// How many signatures are verified at a time.
const VERIFIED_AT_ONCE: usize = 8;

/// An entry, and why it can never count, if that is so.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The entry.
    pub recorded: Recorded,
    /// Why it is refused: it is forged, altered, of another checklist, or by a person who may not sign.
    pub refused: Option<String>,
    /// How much is known of who made it.
    pub identity: Identity,
}

/// How much is known of who made an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// A key of the principal signed it.
    Verified,
    /// The checklist says who may sign, but asks for no key.
    Unverified,
    /// The checklist lets anybody sign.
    Claimed,
}

/// How entries are judged.
#[derive(Debug)]
pub struct Judge<'a> {
    requests: &'a [SignOffRequest],
    allowed: Option<AllowedSigners>,
    root: PathBuf,
    memory: Memory,
    now: Timestamp,
}

impl Judged {
    /// The entry itself.
    pub fn entry(&self) -> &Entry {
        &self.recorded.entry
    }

    /// Who decided, when, and for what: the verified principal, followed by the claimed name.
    pub fn signed(&self) -> Signed {
        let entry = self.entry();
        let by = match self.identity {
            Identity::Verified if entry.principal() == entry.by => entry.by.clone(),
            Identity::Verified => format!("{} ({})", entry.principal(), entry.by),
            Identity::Unverified => format!("{} (unverified)", entry.by),
            Identity::Claimed => entry.by.clone(),
        };
        let signed = Signed::new(entry.decision == Decision::Give, entry.at, by, entry.subject.clone());
        Signed { covers: entry.covers.keys().cloned().collect(), definition: entry.definition(), ..signed }
    }

    /// Whether it gives a sign-off and can count.
    pub fn is_given(&self) -> bool {
        self.refused.is_none() && self.entry().decision == Decision::Give
    }
}

impl<'a> Judge<'a> {
    /// Judges by a checklist as it is now.
    pub fn new(checklist: &Checklist, requests: &'a [SignOffRequest], memory: Memory, now: Timestamp) -> Self {
        let (allowed, root) = (checklist.allowed_signers.clone(), checklist.root.clone());
        Self { requests, allowed, root, memory, now }
    }

    /// Judges every entry, in their order.
    pub async fn all(&self, entries: Vec<Recorded>) -> Vec<Judged> {
        let judging = futures_util::stream::iter(entries).map(|recorded| self.one(recorded));
        judging.buffered(VERIFIED_AT_ONCE).collect().await
    }

    /// Judges one entry.
    pub async fn one(&self, recorded: Recorded) -> Judged {
        let request = self.requests.iter().find(|request| request.item == recorded.entry.item);
        let entry = &recorded.entry;
        let is_restricted = request.is_some_and(|request| request.terms.by.is_some());
        let mut identity = if is_restricted { Identity::Unverified } else { Identity::Claimed };
        let mut refused = self.refusal(&recorded, request);
        let is_asked = request.is_some_and(|request| request.terms.signed) && entry.decision == Decision::Give;
        if refused.is_none() {
            // The role that the checklist asks for decides, not the one that the entry claims.
            let role = request.map_or(entry.role.as_str(), |request| request.role.as_str());
            let allowed = self.allowed.as_ref().and_then(|allowed| allowed.of(role));
            match (&entry.signature, allowed.map(|path| self.root.join(path))) {
                (None, _) if is_asked && is_current(&recorded, request) => {
                    refused = Some("it is not signed with a key, and has to be".to_owned());
                }
                (Some(_), None) if is_asked => {
                    refused = Some("the checklist names no `allowed_signers`".to_owned());
                }
                // The checklist requires no signature, so none can be verified.
                (None, _) | (Some(_), None) => {}
                (Some(signature), Some(allowed)) => match self.verify(&recorded, signature, &allowed).await {
                    Ok(()) => identity = Identity::Verified,
                    Err(why) => refused = Some(why),
                },
            }
        }
        Judged { recorded, refused, identity }
    }

    async fn verify(&self, recorded: &Recorded, signature: &str, allowed: &Path) -> Result<(), String> {
        signature::verify(&recorded.entry, &recorded.bytes, signature, allowed, &self.memory).await
    }

    /// Why an entry can never count, as far as that is known without its signature.
    fn refusal(&self, recorded: &Recorded, request: Option<&SignOffRequest>) -> Option<String> {
        let entry = &recorded.entry;
        let request = request?;
        if entry.checklist != request.checklist {
            return Some(format!("it was made for the checklist `{}`", entry.checklist));
        }
        if entry.decision == Decision::Revoke {
            return None; // anybody may revoke, whatever the clock says
        }
        if entry.at > self.now.saturating_add(SKEW).unwrap_or(self.now) {
            return Some(format!("it is from the future: {}", entry.at));
        }
        request.excludes(entry.principal()).filter(|_| is_current(recorded, Some(request)))
    }
}

/// Whether an entry was made for what the checklist asks now. What was acceptable once is not a forgery today.
fn is_current(recorded: &Recorded, request: Option<&SignOffRequest>) -> bool {
    let terms = recorded.entry.terms.as_ref();
    request.is_some_and(|request| terms.is_none_or(|terms| *terms == request.terms))
}
