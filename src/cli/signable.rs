//! The run that somebody signs: from the ledger, or from the JSON report of a CI job.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::checklist::{Checklist, Item};
use crate::diagnostic::Diagnostic;
use crate::ledger::Recorded;
use crate::report;
use crate::run::{ItemResult, Run, Status, is_same_subject};
use crate::sign_off::{SKEW, SignOffRequest, SignedRun, prefixed};
use crate::text::error;

/// A report that is longer is not one of gate.
const LIMIT: u64 = 256 << 20;

/// A run that may be signed.
#[derive(Debug)]
pub struct Signable {
    /// The digest of its record.
    digest: String,
    /// The run.
    pub run: Run,
}

impl From<Recorded> for Signable {
    fn from(recorded: Recorded) -> Self {
        Self { digest: prefixed(&recorded.digest), run: recorded.run }
    }
}

impl Signable {
    /// The run of a JSON report.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn of_report(path: &Path) -> Result<Self, Diagnostic> {
        let wrong = |why: String| Diagnostic::error(format!("cannot read `{}`: {why}", path.display()));
        let mut bytes = Vec::new();
        let read = File::open(path).and_then(|file| file.take(LIMIT + 1).read_to_end(&mut bytes));
        read.map_err(|problem| wrong(error::os(&problem)))?;
        if bytes.len() as u64 > LIMIT {
            return Err(wrong("it is longer than 256 MiB".to_owned()));
        }
        let run = report::read_json(&bytes)
            .map_err(|why| wrong(why).help("write it with `gate check NAME --report json=run.json`"))?;
        Ok(Self { digest: prefixed(&hex::encode(Sha256::digest(&bytes))), run })
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
        if run.name != checklist.name || run.title != checklist.title {
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
            return wrong(format!("the last whole run was of {}, and this is {}", named(then), named(now)));
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

    /// What somebody is about to sign: the run, and what in it counts as green without having passed.
    pub fn shown(&self, requests: &[&SignOffRequest], now: Timestamp) -> String {
        let run = &self.run;
        let mut text = format!(
            "run of {}, {} ago, on {}, {}\n",
            run.started.strftime("%Y-%m-%d %H:%M:%S UTC"),
            age(now.duration_since(run.started)),
            run.host.as_deref().unwrap_or("an unknown host"),
            run.commit.as_ref().map_or_else(|| "no commit".to_owned(), |commit| format!("commit {commit}")),
        );
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

/// Checks that all that an item needs is green.
///
/// # Errors
/// What is not.
pub fn green(checklist: &Checklist, item: &Item, run: &Run) -> Result<(), Diagnostic> {
    let items: Vec<&Item> = checklist.items().collect();
    let mut problem = Diagnostic::error(format!("`{}` can't be signed: not all that it needs is green", item.id));
    let mut is_green = true;
    for need in item.needs.iter().map(|need| &items[*need]) {
        let why = match run.items().find(|result| result.id == *need.id) {
            None => "not in the last whole run".to_owned(),
            Some(result) if result.status.is_green() => continue,
            Some(result) => match &result.reason {
                Some(reason) => format!("{}: {reason}", result.status.word()),
                None => result.status.word().to_owned(),
            },
        };
        is_green = false;
        problem = problem.help(format!("{}: {why}", need.id));
    }
    if is_green { Ok(()) } else { Err(problem.help(again(checklist))) }
}

/// What to do instead.
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
