//! One item: runs its probes in order, and combines their results.

use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use crate::checklist::{Checklist, Item, ProbeTask, requirements};
use crate::plan::KnownResult;
use crate::run::{
    Attempt, BlockedBecause, ItemResult, Missing, ProbeResult, Reason, SignOff, Status, WORST_FIRST, worst,
};

use super::Keep;
use super::cleanup::clean_up;
use super::fill::{Scope, Seen};
use super::worker::Shared;

/// An attempt that is followed by another.
#[derive(Debug)]
pub struct RetryNotice {
    /// The position of the item.
    pub task: usize,
    /// Its number, from 1.
    pub number: usize,
    /// Its result.
    pub attempt: Attempt,
}

/// A worker's result.
#[derive(Debug)]
pub struct Done {
    /// The position of the item.
    pub task: usize,
    /// The result.
    pub result: ItemResult,
    /// The observations of its probes, by alias.
    pub seen: Vec<(String, Seen)>,
}

/// The item's result before it has run.
pub fn blank(shared: &Shared, task: usize, status: Status, reason: Option<Reason>) -> ItemResult {
    let checklist = &shared.plan.checklist;
    let item: &Item = shared.plan.item(task);
    let digests = (shared.keep == Keep::All)
        .then(|| shared.digests.get(&item.id, &shared.plan, &shared.secrets).cloned())
        .flatten();
    let (source, definition) = digests.map(|digests| (digests.source, digests.definition)).unzip();
    ItemResult {
        source,
        definition,
        requirements: shared.requirements.then(|| Box::new(requirements(item, &checklist.secrets, &checklist.sources))),
        ..unobserved(checklist, item, status, reason)
    }
}

/// The result of an item that was not run.
pub fn unobserved(checklist: &Checklist, item: &Item, status: Status, reason: Option<Reason>) -> ItemResult {
    ItemResult {
        id: item.id.to_string(),
        title: item.title.to_string(),
        parent: item.parent.clone(),
        owner: item.owner.clone(),
        severity: item.severity,
        tags: item.tags.clone(),
        status,
        flaky: false,
        stale: false,
        advisory: item.advisory,
        insecure: false,
        reason,
        cause: None,
        evidence: None,
        last_passed: None,
        last_subject: None,
        red_since: None,
        valid_for: item.valid_for,
        hint: item.hint.clone(),
        sign_off: item.sign_off.as_ref().map(|sign_off| SignOff { role: sign_off.role.clone(), given: None }),
        manual: item.manual.clone(),
        source: None,
        definition: None,
        requirements: None,
        place: checklist.sources.locate(item.span),
        probes: Vec::new(),
        duration_ms: 0,
    }
}

/// The result of an item that is not run, from what is known of it.
pub fn known(shared: &Shared, task: usize, known: &KnownResult) -> ItemResult {
    let seen = match known {
        KnownResult::Observed(seen) => seen,
        KnownResult::NotRun(because) => return blank(shared, task, Status::Blocked, Some(because.clone().into())),
    };
    ItemResult {
        flaky: seen.flaky,
        stale: seen.stale,
        insecure: seen.insecure,
        evidence: seen.evidence.clone(),
        probes: seen.probes.clone(),
        duration_ms: seen.duration_ms,
        // Whether a gap covers it is decided again.
        ..blank(shared, task, seen.without_waiver(), seen.reason.clone())
    }
}

/// Runs every probe of an item, also after a red one: one line of a checklist often states several facts. Then it cleans
/// up.
pub async fn run(shared: Arc<Shared>, task: usize, mut scope: Scope, again: UnboundedSender<RetryNotice>) -> Done {
    let begun = Instant::now();
    let item = shared.plan.item(task);
    let tasks = &item.probes;
    // An item is not started if its cleanup could not run.
    if let Some(lacking) = item.cleanup.iter().find_map(|probe| shared.without_input(probe, &scope)) {
        let reason = lacking.error.clone();
        let result = ItemResult { probes: vec![lacking], ..blank(&shared, task, Status::Blocked, reason) };
        return Done { task, result, seen: Vec::new() };
    }
    let mut probes = Vec::with_capacity(tasks.len() + item.cleanup.len());
    let (mut seen, mut red) = (Vec::new(), Vec::new());
    let report = |number: usize, attempt: Attempt| {
        // If the run was stopped, nothing receives it any more.
        let _ = again.send(RetryNotice { task, number, attempt });
    };
    for probe in tasks {
        let (result, observation) = shared.probe(probe, &scope, report).await;
        if let Some(alias) = &probe.alias {
            if !item.cleanup.is_empty() && result.status != Status::Passed {
                red.push((alias.clone(), observation.clone()));
            }
            let green = observation.filter(|_| result.status == Status::Passed);
            scope.aliases.insert(alias.clone(), green.clone());
            seen.push((alias.clone(), green));
        }
        probes.push(result);
    }
    let said = item.evidence.as_ref().and_then(|node| {
        let filled = scope.fill(node, &shared.secrets).ok()?;
        Some(filled.text()?.to_owned())
    });
    let evidence = said.or_else(|| {
        let mut lines: Vec<&str> = Vec::new();
        for line in probes.iter().filter_map(|probe| probe.evidence.as_deref()) {
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        (!lines.is_empty()).then(|| lines.join("; "))
    });
    if !item.cleanup.is_empty() {
        // In a box, so that items without it don't become larger.
        Box::pin(clean_up(&shared, &item.cleanup, scope, red, &mut probes, report)).await;
    }
    let (status, reason) = summary(&probes);
    let is_flaky = |(probe, task): (&ProbeResult, &ProbeTask)| {
        task.timing.is_retry() && probe.attempts.iter().any(|attempt| attempt.status != Status::Passed)
    };
    let result = ItemResult {
        flaky: status == Status::Passed && probes.iter().zip(tasks).any(is_flaky),
        insecure: probes.iter().any(|probe| probe.insecure),
        evidence: evidence.filter(|_| status == Status::Passed),
        probes,
        duration_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        ..blank(&shared, task, status, reason)
    };
    Done { task, result, seen }
}

/// The status of an item and its reasons: those of its probes, and where these passed, of its cleanup.
fn summary(probes: &[ProbeResult]) -> (Status, Option<Reason>) {
    let own = reasons(probes.iter().filter(|probe| !probe.is_cleanup));
    let cleanup = reasons(probes.iter().filter(|probe| probe.is_cleanup));
    match (own, cleanup) {
        (own, None) => own.unwrap_or((Status::Passed, None)),
        (None, Some((status, why))) => (status, why.map(|why| Reason::Cleanup(Box::new(why)))),
        // Objects that it created may be left.
        (Some((status, Some(why @ Reason::Interrupted { .. }))), Some((_, Some(cleanup)))) => {
            (status, Some(why.uncleaned(cleanup)))
        }
        // A blocked cleanup is mostly a consequence of the failure that is reported already.
        (Some((status, Some(Reason::Observed(why)))), Some((worst, Some(also)))) if worst != Status::Blocked => {
            (status, Some(Reason::Observed(format!("{why}; {}", Reason::Cleanup(Box::new(also))))))
        }
        (Some(own), Some(_)) => own,
    }
}

/// The worst status of probes and their reasons. Every reason is given, but what is blocked only where nothing else is
/// wrong: mostly it follows from that.
fn reasons<'p>(probes: impl Iterator<Item = &'p ProbeResult> + Clone) -> Option<(Status, Option<Reason>)> {
    let worst = worst(probes.clone())?;
    let shown = WORST_FIRST.into_iter().filter(|status| *status == worst || *status != Status::Blocked);
    let shown = shown.flat_map(|status| probes.clone().filter(move |probe| probe.status == status));
    let mut reasons: Vec<Reason> = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    for probe in shown {
        let last = || probe.attempts.last()?.reason.clone().map(Reason::Observed);
        if let Some(reason) = probe.error.clone().or_else(last).filter(|reason| !reasons.contains(reason)) {
            reasons.push(reason);
            names.push(probe.alias.as_deref().unwrap_or(&probe.kind));
        }
    }
    if reasons.len() > 1 && reasons.iter().all(|reason| matches!(reason, Reason::Observed(_))) {
        // Probes of one kind and without names are not distinguished by their kind.
        let are_named = names.iter().any(|name| *name != names[0]);
        let said =
            |(reason, name): (&Reason, &&str)| if are_named { format!("{name}: {reason}") } else { reason.to_string() };
        let all: Vec<String> = reasons.iter().zip(&names).map(said).collect();
        return Some((worst, Some(Reason::Observed(all.join("; ")))));
    }
    let lacking = reasons.iter().filter_map(|reason| match reason {
        Reason::Blocked(BlockedBecause::Missing(missing)) => Some(missing.clone()),
        _ => None,
    });
    let lacking = lacking.reduce(Missing::and).filter(|_| worst == Status::Blocked);
    Some((worst, lacking.map(Reason::from).or_else(|| reasons.first().cloned())))
}
