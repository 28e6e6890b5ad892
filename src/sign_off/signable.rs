//! The run that is signed, and the rules for it: which run, which signer, and what the entry is bound to.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::checklist::{Checklist, Item};
use crate::diagnostic::{Diagnostic, MAX_SHOWN};
use crate::run::{ItemResult, Run, Status, is_same_subject};
use crate::text::shell::quoted;

use super::{Covered, Entry, Judged, SKEW, SignOffRequest, SignedRun, prefixed};

/// A run that may be signed.
#[derive(Debug)]
pub struct Signable {
    /// The digest of its record.
    digest: String,
    /// The run.
    pub run: Run,
}

impl Signable {
    /// A run with the digest of its record, in hexadecimal.
    pub fn new(digest: &str, run: Run) -> Self {
        Self { digest: prefixed(digest), run }
    }

    /// As an entry names it.
    pub fn signed_run(&self) -> SignedRun {
        SignedRun { digest: self.digest.clone(), started: self.run.started, commit: self.run.commit.clone() }
    }

    /// Checks that the run is whole, of this checklist and subject, and not from the future.
    ///
    /// # Errors
    /// Why it can't be signed.
    pub fn check(&self, checklist: &Checklist, now: Timestamp) -> Result<(), Diagnostic> {
        let run = &self.run;
        let wrong = |title: String| Err(Diagnostic::error(title).help(again(checklist)));
        let is_retitled = run.title != checklist.title && !checklist.has_unset_title;
        if run.name != checklist.name || is_retitled {
            return wrong(format!(
                "the run is of `{}` ({}), and the checklist is `{}` ({})",
                run.name, run.title, checklist.name, checklist.title
            ));
        }
        if let Some(partial) = &run.partial {
            return wrong(format!("the run is partial: {partial}"));
        }
        if let Some(by) = run.interrupted {
            return wrong(format!("the run was interrupted: {by}"));
        }
        if run.started > now.saturating_add(SKEW).unwrap_or(now) {
            return wrong(format!("the run is from the future: it began at {}", run.started));
        }
        let (then, now) = (run.subject.as_deref(), checklist.subject.value());
        if !is_same_subject(then, now) {
            let named = |subject: Option<&str>| subject.unwrap_or("nothing").to_owned();
            let title = format!("the last whole run was of {}, and this is {}", named(then), named(now));
            let that = then.map(|then| format!("to sign that run, pass `--subject {}`", quoted(then)));
            return Err(Diagnostic::error(title).help(again(checklist)).maybe_help(that));
        }
        Ok(())
    }

    /// Checks that the run is recent enough for a sign-off and of the definitions that the checklist has now.
    ///
    /// # Errors
    /// Why it can't be signed.
    pub fn check_for(&self, checklist: &Checklist, request: &SignOffRequest, now: Timestamp) -> Result<(), Diagnostic> {
        let wrong = |title: String| Err(Diagnostic::error(title).help(again(checklist)));
        if let Some(valid) = request.terms.valid_for
            && self.run.started.checked_add(valid.0).is_ok_and(|end| end <= now)
        {
            let age = age(now.duration_since(self.run.started));
            return wrong(format!(
                "the run is too old: it began {age} ago, and `{}` is valid for {valid}",
                request.item
            ));
        }
        for covered in &request.covered {
            let then = self.run.items().find(|result| result.id == covered.id);
            if !then.is_some_and(|then| then.source.as_ref() == Some(&covered.source) && then.definition.is_some()) {
                return wrong(format!("the checklist has changed since the run: `{}`", covered.id));
            }
        }
        Ok(())
    }

    /// Checks that no later run is known: from the ledger, or signed already.
    ///
    /// # Errors
    /// Where the later one is.
    pub fn check_newest(
        &self,
        newest: Option<Timestamp>,
        requests: &[SignOffRequest],
        judged: &[Judged],
    ) -> Result<(), Diagnostic> {
        let wrong = |title: String| Err(Diagnostic::error(title).help("sign the newest run"));
        let is_later = |started: Timestamp| started > self.run.started;
        if newest.is_some_and(is_later) {
            return wrong("the run is not the newest: the ledger has a later one".to_owned());
        }
        for request in requests {
            let given = judged.iter().filter(|judged| judged.is_given()).map(Judged::entry);
            let mut given = given.filter(|entry| entry.item == request.item && request.is_for(entry));
            if given.any(|entry| entry.run.as_ref().is_some_and(|run| is_later(run.started))) {
                return wrong(format!("the run is not the newest: `{}` is signed for a later one", request.item));
            }
        }
        Ok(())
    }

    /// The digest of an item's definition in the run.
    pub fn definition(&self, id: &str) -> Option<&str> {
        definition(&self.run, id)
    }

    /// The entry with what it is bound to: this run, in which `aged` is what counts today, and the definitions in it.
    pub fn bind(&self, entry: Entry, request: &SignOffRequest, aged: &Run) -> Entry {
        let covered = || request.covered.iter();
        let definitions = covered().filter_map(|one| Some((one.id.clone(), prefixed(definition(aged, &one.id)?))));
        let of_run = |id: &str| aged.items().find(|item| item.id == id);
        let mut waived: BTreeMap<_, _> = covered().filter_map(|one| Some((one.id.clone(), one.waived?))).collect();
        for gap in &aged.gaps {
            let Some(until) = gap.accepted_until else { continue };
            for one in covered().filter(|one| gap.items.contains(&one.id)) {
                let known = waived.entry(one.id.clone()).or_insert(until);
                *known = until.max(*known);
            }
        }
        let ids = |is_meant: &dyn Fn(&Covered) -> bool| {
            request.others().filter(|one| is_meant(one)).map(|one| one.id.clone()).collect::<Vec<_>>()
        };
        Entry {
            title: self.run.title.clone(),
            terms: Some(request.terms.clone()),
            covers: definitions.collect(),
            deferred: ids(&|one| {
                one.is_deferred || of_run(&one.id).is_some_and(|item| item.status == Status::Deferred)
            }),
            advisory: ids(&|one| one.is_advisory || of_run(&one.id).is_some_and(|item| item.advisory)),
            waived,
            run: Some(self.signed_run()),
            ..entry
        }
    }

    /// The run to be signed, and its items that count as green without having passed.
    pub fn shown(&self, requests: &[&SignOffRequest], now: Timestamp) -> String {
        let run = &self.run;
        let mut text = format!(
            "run of {}, {} ago, on {}, {}\n",
            run.started.strftime("%Y-%m-%d %H:%M:%S UTC"),
            age(now.duration_since(run.started)),
            run.host.as_deref().unwrap_or("an unknown host"),
            run.commit.as_ref().map_or_else(|| "no commit".to_owned(), |commit| format!("commit {commit}")),
        );
        if run.dirty == Some(true) {
            text.push_str("  uncommitted changes: tracked files differed from that commit\n");
        }
        if let Some(vars) = &run.vars {
            text.push_str(&format!("  --var: {vars}\n"));
        }
        let is_covered =
            |item: &ItemResult| requests.iter().any(|request| request.covered.iter().any(|one| one.id == item.id));
        let mut list = |label: &str, is_meant: &dyn Fn(&ItemResult) -> bool| {
            let ids: Vec<&str> =
                run.items().filter(|item| is_covered(item) && is_meant(item)).map(|item| item.id.as_str()).collect();
            if !ids.is_empty() {
                text.push_str(&format!("  {label}: {}\n", ids.join(", ")));
            }
        };
        list("waived", &|item| item.status == Status::Waived);
        list("deferred", &|item| item.status == Status::Deferred);
        list("advisory", &|item| item.advisory);
        list("TLS not verified", &|item| item.insecure);
        text
    }
}

/// Checks that all needs of an item are green.
///
/// # Errors
/// Those that are not.
pub fn green(checklist: &Checklist, item: &Item, run: &Run) -> Result<(), Diagnostic> {
    let items: Vec<&Item> = checklist.items().collect();
    let mut problem = Diagnostic::error(format!("`{}` can't be signed: items that it needs are not green", item.id));
    let mut red = 0;
    for need in item.needs.iter().map(|need| &items[*need]) {
        let why = match run.items().find(|result| result.id == *need.id) {
            None => "not in the last full run".to_owned(),
            Some(result) if result.status.is_green() => continue,
            Some(result) => match &result.reason {
                Some(reason) => format!("{}: {reason}", result.status.word()),
                None => result.status.word().to_owned(),
            },
        };
        red += 1;
        if red <= MAX_SHOWN {
            problem = problem.help(format!("{}: {why}", need.id));
        }
    }
    if red > MAX_SHOWN {
        problem = problem.help(format!("… and {} more", red - MAX_SHOWN));
    }
    if red == 0 { Ok(()) } else { Err(problem.help(again(checklist))) }
}

fn definition<'r>(run: &'r Run, id: &str) -> Option<&'r str> {
    run.items().find(|item| item.id == id)?.definition.as_deref()
}

/// The help: run the checklist first.
pub fn again(checklist: &Checklist) -> String {
    format!("run `gate check {}`, then sign", checklist.name)
}

/// A time in days, hours and minutes.
fn age(time: SignedDuration) -> String {
    let minutes = time.as_mins();
    let parts = [("d", minutes / 1440), ("h", minutes / 60 % 24), ("m", minutes % 60)];
    let parts: Vec<String> =
        parts.iter().filter(|(_, count)| *count > 0).take(2).map(|(unit, count)| format!("{count}{unit}")).collect();
    if parts.is_empty() { "less than a minute".to_owned() } else { parts.join(" ") }
}
