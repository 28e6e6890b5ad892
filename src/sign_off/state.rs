//! Which entries count: each is judged by itself and by those before it; the state of an item is a pure function of that.

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::checklist::{Checklist, SignOff};
use crate::diagnostic::Span;

use super::file::Entries;
use super::signature;
use super::{Action, Entry};

/// Clocks may differ by so much.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// How the sign-off of an item stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignOffState {
    /// Nobody has signed.
    Absent,
    /// Somebody has, and it holds as long as what it covers is green: `signed 2025-12-06 by Dana Reyes for 0f1d7aa`.
    Given(String),
    /// What there is does not count, and why.
    Void(String),
}

/// What a sign-off has to be like to count today.
#[derive(Debug, Clone)]
pub struct SignOffRequest {
    /// The item's id.
    pub item: String,
    /// The checklist's name.
    pub checklist: String,
    /// What is being signed off now.
    pub subject: Option<String>,
    /// The digest of what the checklist says now of the items that are covered.
    pub covers: String,
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
            let covered = (0..items.len()).filter(|at| is_covered[*at]);
            let said: String = covered.map(|at| format!("{} {}\n", items[at].id, items[at].definition)).collect();
            let digest = hex::encode(Sha256::digest(said));
            Some(Self {
                item: item.id.to_string(),
                checklist: checklist.name.clone(),
                subject: checklist.subject.clone(),
                covers: format!("sha256:{digest}"),
                asked,
            })
        });
        requests.collect()
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
        let same = |other: &&Entry| other.item == entry.item && other.subject == entry.subject;
        good().filter(same).any(|other| other.action == Action::Revoke && other.at > entry.at)
    };
    let given = good().filter(|entry| entry.action == Action::Give && !is_revoked(entry));
    given.filter(|entry| subject.is_none() || entry.subject.as_deref() != subject).max_by_key(|entry| entry.at)
}

/// How an item stands: the last entry for what is being signed off now decides.
pub fn state(request: &SignOffRequest, judged: &[Judged], now: Timestamp) -> SignOffState {
    let own = || judged.iter().filter(|judged| judged.entry.item == request.item);
    let good = || own().filter(|judged| judged.refused.is_none()).map(|judged| &judged.entry);
    let of_subject = good().rfind(|entry| entry.subject == request.subject);
    let Some(entry) = of_subject.or_else(|| good().next_back()) else {
        return match own().next_back() {
            Some(Judged { entry, refused: Some(why), .. }) => {
                SignOffState::Void(format!("refused: {}: {why}", entry.words()))
            }
            Some(_) | None => SignOffState::Absent,
        };
    };
    match stale(request, entry, now) {
        Some(why) => SignOffState::Void(why),
        None => SignOffState::Given(entry.words()),
    }
}

/// Why an entry that could count does not count today.
fn stale(request: &SignOffRequest, entry: &Entry, now: Timestamp) -> Option<String> {
    let words = entry.words();
    if entry.action == Action::Revoke {
        return Some(words);
    }
    if entry.subject != request.subject {
        let now = request
            .subject
            .as_deref()
            .map_or_else(|| "no subject".to_owned(), |subject| format!("now it is {subject}"));
        return Some(format!("{words}, and {now}"));
    }
    if let Some(end) =
        request.asked.valid_for.and_then(|time| entry.at.checked_add(time.0).ok()).filter(|end| *end <= now)
    {
        return Some(format!("{words}, which counted until {end}"));
    }
    (entry.covers != request.covers)
        .then(|| format!("{words}, and the checklist says something else now of what it covers"))
}

impl Judged {
    /// Why it does not count today though nothing is wrong with it, if that is so.
    pub fn stale(&self, request: &SignOffRequest, now: Timestamp) -> Option<String> {
        stale(request, &self.entry, now)
    }
}
