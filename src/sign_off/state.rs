//! Which entries count: each is judged by itself and by those before it; the state of an item is a pure function of that.

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::checklist::{Checklist, SignOff, Subject};
use crate::diagnostic::Span;
use crate::run::{SignOffReason, Signed, is_same_subject};

use super::file::Entries;
use super::signature;
use super::{Action, Entry};

/// Clocks may differ by so much.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// The state of an item's sign-off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignOffState {
    /// It was given, and counts as long as what it covers is green.
    Given(Signed),
    /// It was not given, or does not count, and why.
    Void(SignOffReason),
}

/// What a sign-off has to be like to count today.
#[derive(Debug, Clone)]
pub struct SignOffRequest {
    /// The item's id.
    pub item: String,
    /// The checklist's name.
    pub checklist: String,
    /// What is being signed off now.
    pub subject: Subject,
    /// The ids of the items that it covers, itself among them, in checklist order.
    pub covered: Vec<String>,
    /// Who has to sign, and for how long that counts.
    pub asked: SignOff,
}

/// An entry, and why it can never count, if that is so.
#[derive(Debug)]
pub struct Judged {
    /// The entry.
    pub entry: Entry,
    /// Where it stands.
    pub span: Span,
    /// Why it is refused: it is forged, altered, replayed, or from somebody who may not sign.
    pub refused: Option<String>,
}

impl SignOffRequest {
    /// Every sign-off of a checklist.
    pub fn all(checklist: &Checklist) -> Vec<Self> {
        let items: Vec<_> = checklist.items().collect();
        let requests = items.iter().enumerate().filter_map(|(at, item)| {
            let asked = item.sign_off.clone()?;
            let mut is_covered = vec![false; items.len()];
            let mut open = vec![at];
            while let Some(next) = open.pop() {
                if !std::mem::replace(&mut is_covered[next], true) {
                    open.extend(&items[next].needs);
                }
            }
            Some(Self {
                item: item.id.to_string(),
                checklist: checklist.name.clone(),
                subject: checklist.subject.clone(),
                covered: (0..items.len()).filter(|at| is_covered[*at]).map(|at| items[at].id.to_string()).collect(),
                asked,
            })
        });
        requests.collect()
    }

    /// `sha256:` and the digest of the definitions of all that it covers. None where one of them is not known.
    pub fn covers<'d>(&self, definition: impl Fn(&str) -> Option<&'d str>) -> Option<String> {
        let mut lines = String::new();
        for id in &self.covered {
            lines.push_str(&format!("{id} {}\n", definition(id)?));
        }
        Some(format!("sha256:{}", hex::encode(Sha256::digest(lines))))
    }

    /// Whether an entry is for what is being signed off now.
    fn is_for(&self, entry: &Entry) -> bool {
        is_same_subject(entry.subject.as_deref(), self.subject.value())
    }
}

/// Judges every entry, in the order of the file.
pub async fn judge(
    checklist: &Checklist,
    requests: &[SignOffRequest],
    entries: Entries,
    now: Timestamp,
) -> Vec<Judged> {
    let allowed = checklist.allowed_signers.as_ref().map(|path| checklist.root.join(path));
    let mut judged: Vec<Judged> = Vec::new();
    for (entry, span) in entries.entries {
        let request = requests.iter().find(|request| request.item == entry.item);
        let mut refused = refusal(&entry, request, &judged, now);
        let must_sign = request.is_some_and(|request| request.asked.signed) && entry.action == Action::Give;
        if refused.is_none() && (must_sign || entry.signature.is_some()) {
            refused = match (&entry.signature, &allowed) {
                (None, _) => Some("it is not signed with a key, and has to be".to_owned()),
                (Some(_), None) if must_sign => Some("the checklist names no `allowed_signers`".to_owned()),
                // Nobody asks for one, and nobody could say whose it is.
                (Some(_), None) => None,
                (Some(signature), Some(allowed)) => signature::verify(&entry, signature, allowed).await.err(),
            };
        }
        judged.push(Judged { entry, span, refused });
    }
    judged
}

/// Why an entry can never count, as far as that is known without its signature.
fn refusal(entry: &Entry, request: Option<&SignOffRequest>, before: &[Judged], now: Timestamp) -> Option<String> {
    let Some(request) = request else { return Some(format!("there is no sign-off called `{}`", entry.item)) };
    if entry.checklist != request.checklist {
        return Some(format!("it was made for the checklist `{}`", entry.checklist));
    }
    if entry.at > now.saturating_add(SKEW).unwrap_or(now) {
        return Some(format!("it is from the future: {}", entry.at));
    }
    let earlier = before.iter().filter(|judged| judged.refused.is_none() && judged.entry.item == entry.item);
    if let Some(last) = earlier.map(|judged| judged.entry.at).max().filter(|last| entry.at <= *last) {
        return Some(format!("it is a copy or out of order: it is not later than the one of {last} before it"));
    }
    if entry.action == Action::Revoke {
        return None; // less is vouched for: anybody may say so
    }
    if entry.role != request.asked.role {
        return Some(format!("it was given as {}, and {} is asked for", entry.role, request.asked.role));
    }
    match &request.asked.by {
        Some(people) if !people.iter().any(|one| one == entry.principal()) => {
            Some(format!("{} may not sign as {}", entry.principal(), request.asked.role))
        }
        Some(_) | None => None,
    }
}

/// The newest sign-off that was given, not taken back, and is not of what is being signed off now.
pub fn last<'a>(judged: &'a [Judged], subject: Option<&str>) -> Option<&'a Entry> {
    let good = || judged.iter().filter(|judged| judged.refused.is_none()).map(|judged| &judged.entry);
    let is_revoked = |entry: &Entry| {
        let same = |other: &&Entry| {
            other.item == entry.item && is_same_subject(other.subject.as_deref(), entry.subject.as_deref())
        };
        good().filter(same).any(|other| other.action == Action::Revoke && other.at > entry.at)
    };
    let given = good().filter(|entry| entry.action == Action::Give && !is_revoked(entry));
    let is_other = |entry: &&Entry| subject.is_none() || !is_same_subject(entry.subject.as_deref(), subject);
    given.filter(is_other).max_by_key(|entry| entry.at)
}

/// The state of a sign-off: the last entry for what is being signed off now decides. `covers` is the digest of what it
/// covers now.
pub fn state(request: &SignOffRequest, judged: &[Judged], covers: Option<&str>, now: Timestamp) -> SignOffState {
    if matches!(request.subject, Subject::Unset) {
        return SignOffState::Void(SignOffReason::NoSubject);
    }
    let own = || judged.iter().filter(|judged| judged.entry.item == request.item);
    let good = || own().filter(|judged| judged.refused.is_none()).map(|judged| &judged.entry);
    let of_subject = good().rfind(|entry| request.is_for(entry));
    let Some(entry) = of_subject.or_else(|| good().next_back()) else {
        return SignOffState::Void(match own().next_back() {
            Some(Judged { entry, refused: Some(why), .. }) => SignOffReason::Refused(entry.signed(), why.clone()),
            Some(_) | None => SignOffReason::Unsigned,
        });
    };
    let stale = stale(request, entry, now);
    match stale.or_else(|| (covers != Some(&entry.covers)).then(|| SignOffReason::Redefined(entry.signed()))) {
        Some(why) => SignOffState::Void(why),
        None => SignOffState::Given(entry.signed()),
    }
}

/// Why an entry that could count does not count today, whatever is defined now.
fn stale(request: &SignOffRequest, entry: &Entry, now: Timestamp) -> Option<SignOffReason> {
    if entry.action == Action::Revoke {
        return Some(SignOffReason::Revoked(entry.signed()));
    }
    if !request.is_for(entry) {
        let now = request.subject.value().map(ToOwned::to_owned);
        return Some(SignOffReason::OtherSubject(entry.signed(), now));
    }
    let end = request.asked.valid_for.and_then(|time| entry.at.checked_add(time.0).ok());
    end.filter(|end| *end <= now).map(|end| SignOffReason::Expired(entry.signed(), end))
}

impl Judged {
    /// Why it does not count today though nothing is wrong with it, if that is so. Definitions are not compared.
    pub fn stale(&self, request: &SignOffRequest, now: Timestamp) -> Option<SignOffReason> {
        stale(request, &self.entry, now)
    }
}
