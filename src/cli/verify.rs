//! `gate verify`: verifies every sign-off, and that none of an earlier revision is missing or changed.

use clap::Args;

use crate::checklist::Checklist;
use crate::ledger::{Key, Ledger};
use crate::run::{SignOffReason, is_same_subject};
use crate::sign_off::{Decision, Entry, Judged, Memory, SignOffs, prefixed};
use crate::text::visible;

use super::since::SinceRevision;
use super::{Console, Exit, Failure, InputArgs, LedgerArgs, load, print, signed};

#[derive(Debug, Args)]
pub struct Verify {
    /// Checklist: a name or a path
    name: String,
    /// Fail if a sign-off in this Git revision was removed or changed, or if a newer one is invalid
    #[arg(long, value_name = "REF")]
    since: Option<String>,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

impl Verify {
    pub async fn run(self, env: Console) -> Result<Exit, Failure> {
        let env = self.input.env(env)?;
        let checklist = load(&self.name, &self.input.offline(), &env)?;
        let sign_offs = signed::read(&checklist, Memory::default(), &env).await?;
        let since = match &self.since {
            Some(revision) => {
                let found = SinceRevision::find(&checklist, revision, &env).await;
                Some(found.map_err(|problem| Failure::usage(problem, &env))?)
            }
            None => None,
        };
        let mut lookup = self.lookup(&checklist, &env).await?;
        let mut lines: Vec<String> = since.iter().flat_map(|since| since.problems.clone()).collect();
        let mut refused = lines.len();
        let mut is_all_valid = true;
        for judged in &sign_offs.judged {
            let place = judged.recorded.span.map(|span| sign_offs.sources.locate(span));
            let is_new = since.as_ref().zip(place.as_ref()).is_some_and(|(since, place)| !since.knows(&place.file));
            let words = match self.problem(&sign_offs, judged, &mut lookup, is_new, &env).await? {
                Some(why) => {
                    refused += 1;
                    format!("REFUSED: {why}")
                }
                None => state(&sign_offs, judged, &env),
            };
            is_all_valid &= words == "valid";
            let place = place.map(|place| format!("{}:{}: ", place.file, place.line)).unwrap_or_default();
            lines.push(format!("{place}{}, {}: {words}", judged.entry().item, judged.signed()));
        }
        lines.push(match (sign_offs.judged.len(), refused) {
            (0, 0) => "no sign-off entries".to_owned(),
            (_, 0) if is_all_valid => format!("{}, all valid", entries(&sign_offs.judged)),
            (_, 0) => format!("{}, none refused", entries(&sign_offs.judged)),
            (_, _) => format!("{}, {refused} REFUSED", entries(&sign_offs.judged)),
        });
        let unsigned: Vec<String> = unsigned(&sign_offs, &env).collect();
        if !unsigned.is_empty() {
            lines.push(format!("not signed: {}", unsigned.join(", ")));
        }
        let text: String = lines.iter().map(|line| format!("{}\n", visible(line))).collect();
        print(&text, &env)?;
        Ok(if refused == 0 { Exit::Ready } else { Exit::NotReady })
    }

    /// The ledger, in which signed runs are looked up.
    async fn lookup(&self, checklist: &Checklist, env: &Console) -> Result<Option<(Ledger, Key)>, Failure> {
        let location = self.ledger.location(&checklist.root, env)?;
        let opened = Ledger::open_existing(location, &checklist.root, env).await;
        let Some(ledger) = opened.map_err(|problem| Failure::output(problem, env))? else { return Ok(None) };
        let key = Key::find(&checklist.name, checklist.project.as_deref(), &checklist.root, env).await;
        Ok(Some((ledger, key)))
    }

    /// Why an entry is refused, if it is.
    async fn problem(
        &self,
        sign_offs: &SignOffs,
        judged: &Judged,
        lookup: &mut Option<(Ledger, Key)>,
        is_new: bool,
        env: &Console,
    ) -> Result<Option<String>, Failure> {
        let entry = judged.entry();
        if let Some(why) = &judged.refused {
            return Ok(Some(why.clone()));
        }
        if is_new && sign_offs.request(&entry.item).is_none() {
            return Ok(Some(format!("the checklist has no sign-off `{}`", entry.item)));
        }
        if is_new && judged.recorded.old_covers.is_some() {
            return Ok(Some("it is new in the old single file, which is not written any more".to_owned()));
        }
        if let (true, Some(why)) = (is_new, sign_offs.stale(judged, env.now()))
            && matches!(why, SignOffReason::Retitled(_) | SignOffReason::OtherTerms(..) | SignOffReason::Excused(..))
        {
            return Ok(Some(why.to_string()));
        }
        let (Some(run), Some((ledger, key))) = (&entry.run, lookup) else { return Ok(None) };
        let digest = run.digest.trim_start_matches("sha256:");
        let recorded = ledger.run_of_digest(key, digest).await.map_err(|problem| Failure::output(problem, env))?;
        let is_same = recorded.is_none_or(|recorded| {
            let of = |id: &str| recorded.run.items().find(|item| item.id == id)?.definition.as_deref();
            judged.recorded.old_covers.is_some()
                || (recorded.run.started == run.started
                    && entry.covers.iter().all(|(id, digest)| of(id).map(prefixed).as_ref() == Some(digest)))
        });
        Ok((!is_same).then(|| "the run that it names is recorded with other definitions".to_owned()))
    }
}

/// The number of entries, and of the revocations among them: `3 sign-off entries (1 revocation)`.
fn entries(judged: &[Judged]) -> String {
    let noun = if judged.len() == 1 { "entry" } else { "entries" };
    let revocations = match judged.iter().filter(|judged| judged.entry().decision == Decision::Revoke).count() {
        0 => String::new(),
        1 => " (1 revocation)".to_owned(),
        number => format!(" ({number} revocations)"),
    };
    format!("{} sign-off {noun}{revocations}", judged.len())
}

/// The items that no entry signs off today, with their roles.
fn unsigned(sign_offs: &SignOffs, env: &Console) -> impl Iterator<Item = String> {
    let counts = |judged: &Judged| judged.is_given() && sign_offs.stale(judged, env.now()).is_none();
    let is_signed = move |item: &str| sign_offs.judged.iter().any(|one| one.entry().item == item && counts(one));
    let open = sign_offs.requests.iter().filter(move |request| !is_signed(&request.item));
    open.map(|request| format!("{} ({})", request.item, request.role))
}

/// The state of an accepted entry today.
pub fn state(sign_offs: &SignOffs, judged: &Judged, env: &Console) -> String {
    let entry = judged.entry();
    if entry.decision == Decision::Revoke {
        return "valid".to_owned();
    }
    if sign_offs.request(&entry.item).is_none() {
        return format!("stale: the checklist has no sign-off `{}`", entry.item);
    }
    let is_later = |later: &&Judged| later.is_given() && is_same(later.entry(), entry) && later.entry().at > entry.at;
    if let Some(SignOffReason::Revoked(revocation)) = sign_offs.stale(judged, env.now()) {
        return revocation.to_string();
    }
    if let Some(later) = sign_offs.judged.iter().rfind(is_later) {
        let place = later.recorded.span.map(|span| sign_offs.sources.locate(span).file);
        let name = place.as_deref().and_then(|file| file.rsplit('/').next()).map(ToOwned::to_owned);
        return format!("superseded by {}", name.unwrap_or_else(|| later.signed().to_string()));
    }
    match sign_offs.stale(judged, env.now()) {
        None => "valid".to_owned(),
        Some(SignOffReason::OtherSubject(_, Some(now))) => format!("stale: now it is {now}"),
        Some(SignOffReason::OtherSubject(_, None)) => "stale: no subject".to_owned(),
        Some(SignOffReason::Expired(_, end)) => format!("stale: counted until {end}"),
        Some(why) => format!("stale: {why}"),
    }
}

/// Whether two entries are for the same item and subject.
fn is_same(one: &Entry, other: &Entry) -> bool {
    one.item == other.item && is_same_subject(one.subject.as_deref(), other.subject.as_deref())
}
