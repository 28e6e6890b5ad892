//! Findings for machine-readable formats: the effect of an item, its reason and its place.

use sha2::{Digest, Sha256};

use crate::diagnostic::Place;
use crate::run::{ExpectationResult, ItemResult, ProbeResult, Run, Status};
use crate::text::visible;

use super::gap;
use super::text::{count, cut};

/// Maximum number of columns of one text. An observation can be as long as a probe reads.
const MOST: usize = 2_000;

/// The effect of an item on the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It passed.
    Passes,
    /// It is required, and not green.
    Fails,
    /// It is not green, but waived or advisory.
    Excused,
    /// It is not required at this stage.
    Skipped,
}

impl Effect {
    /// The effect of an item.
    pub fn of(item: &ItemResult) -> Self {
        match item.status {
            Status::Passed => Self::Passes,
            Status::Deferred => Self::Skipped,
            Status::Waived => Self::Excused,
            Status::Failed | Status::Error | Status::Blocked | Status::Pending if item.advisory => Self::Excused,
            Status::Failed | Status::Error | Status::Blocked | Status::Pending => Self::Fails,
        }
    }
}

/// One fact about an item that is not green.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Its kind: a status, `expected`, `help`, `hint` or `reproduce`.
    pub label: &'static str,
    /// The fact on one line.
    pub text: String,
}

/// The text on one line, escaped and not too long.
pub fn short(text: &str) -> String {
    // Cut twice: escaping makes it longer, and a mebibyte need not be escaped for two thousand columns.
    cut(&visible(&cut(text, MOST)), MOST)
}

/// The name of an item: its id and title.
pub fn name(item: &ItemResult) -> String {
    format!("{}: {}", short(&item.id), short(&item.title))
}

/// The reason of an item on one line, or the evidence of one that passed.
pub fn reason(run: &Run, item: &ItemResult) -> String {
    let why = item.reason.as_ref().map(|reason| short(&reason.to_string()));
    match item.status {
        Status::Passed => short(item.evidence.as_deref().unwrap_or_default()),
        Status::Waived => {
            let gap = gap::covering(run, item);
            let until = gap.and_then(|gap| gap.accepted_until).map(|until| format!(" until {until}"));
            let gap = gap.map(|gap| format!(": {}", short(&gap.gap))).unwrap_or_default();
            let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
            format!("waived{}{gap}{why}", until.unwrap_or_default())
        }
        Status::Failed | Status::Error | Status::Blocked | Status::Pending | Status::Deferred => {
            let why = why.unwrap_or_else(|| item.status.word().to_owned());
            if item.advisory { format!("advisory: {}: {why}", item.status.word()) } else { why }
        }
    }
}

/// Everything that is known about an item that is not green, in order.
pub fn facts(item: &ItemResult) -> Vec<Fact> {
    let red = || item.probes.iter().filter(|probe| probe.status != Status::Passed);
    let mut facts: Vec<Fact> = red().flat_map(|probe| observed(item, probe)).collect();
    if facts.is_empty()
        && let Some(reason) = &item.reason
    {
        facts.push(Fact { label: item.status.word(), text: short(&reason.to_string()) });
    }
    let mut add = |label, text: Option<&str>| facts.extend(text.map(|text| Fact { label, text: short(text) }));
    red().for_each(|probe| add("help", probe.help.as_deref()));
    add("hint", item.hint.as_deref());
    red().for_each(|probe| add("reproduce", probe.reproduce.as_deref()));
    facts
}

/// Why a probe did not pass, and each expectation that does not hold.
fn observed(item: &ItemResult, probe: &ProbeResult) -> Vec<Fact> {
    let last = || probe.attempts.last()?.reason.clone();
    let why = probe.error.as_ref().map(ToString::to_string).or_else(last);
    let why = why.or_else(|| item.reason.as_ref().map(ToString::to_string)).unwrap_or_default();
    let cleanup = if probe.is_cleanup { "cleanup: " } else { "" };
    let kind = if item.probes.len() > 1 { format!("{cleanup}{}: ", short(&probe.kind)) } else { cleanup.to_owned() };
    let attempts = match probe.attempts.len() {
        0 | 1 => String::new(),
        number => format!(" (after {})", count(number, "attempt")),
    };
    let text = format!("{kind}{}{attempts}", short(&why));
    // An expectation in the reason is not repeated.
    let expected = |of: &ExpectationResult| Fact {
        label: "expected",
        text: format!("{}: {}", short(&of.path), short(&unmet_words(probe, of))),
    };
    let unmet: Vec<Fact> = unmet(probe).map(expected).filter(|fact| !text.contains(&fact.text)).collect();
    std::iter::once(Fact { label: probe.status.word(), text }).chain(unmet).collect()
}

/// Why an expectation is not met, without its path: `expected 200, got 503`, or the words of the probe's reason where
/// it has others, such as `DATABASE_URL` of `missing: DATABASE_URL`.
pub fn unmet_words(probe: &ProbeResult, of: &ExpectationResult) -> String {
    let reason = probe.attempts.last().and_then(|attempt| attempt.reason.as_deref()).unwrap_or_default();
    let start = format!("{}: ", of.path);
    let behind = reason.strip_prefix(&start).or_else(|| Some(reason.split_once(&format!("; {start}"))?.1));
    let next = |behind: &str| unmet(probe).filter_map(|other| behind.find(&format!("; {}", other.path))).min();
    let own = behind.map(|behind| &behind[..next(behind).unwrap_or(behind.len())]);
    match own.filter(|own| !own.starts_with("expected ")) {
        Some(own) if own.ends_with("not found") && of.observed != "nothing" => format!("{own} in {}", of.observed),
        Some(own) => own.to_owned(),
        None => format!("expected {}, got {}", of.expected, of.observed),
    }
}

fn unmet(probe: &ProbeResult) -> impl Iterator<Item = &ExpectationResult> {
    probe.expectations.iter().filter(|expectation| !expectation.passed)
}

/// Where the checklist states what is not green: the expectation, else the probe, else the item.
pub fn place<'a>(run: &Run, item: &'a ItemResult) -> &'a Place {
    let red = || item.probes.iter().filter(|probe| probe.status != Status::Passed);
    let expectations = red().flat_map(unmet).filter_map(|expectation| expectation.place.as_ref());
    let places = expectations.chain(red().map(|probe| &probe.place));
    // The place is in the checklist, not in a check that it uses.
    places.into_iter().find(|place| place.file == run.file).unwrap_or(&item.place)
}

/// Whether the run was interrupted and no item shows it: then the verdict has no item to point at.
pub fn is_cut_short(run: &Run) -> bool {
    run.interrupted.is_some() && !run.items().any(|item| Effect::of(item) == Effect::Fails)
}

/// The reason why the run ended early, in a sentence.
pub fn cut_short(run: &Run) -> String {
    let by = run.interrupted.map(|by| by.to_string()).unwrap_or_default();
    format!("the run was interrupted ({by}): unfinished items have no result")
}

/// An identifier of an item's finding that stays the same from run to run, whatever the reason: forges compare by it.
pub fn fingerprint(run: &Run, id: &str) -> String {
    hex::encode(Sha256::digest(format!("{}\0{id}", run.name)))
}
