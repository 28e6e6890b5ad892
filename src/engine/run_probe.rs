//! One probe: observes, judges, and retries according to its timing.

use std::borrow::Cow;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use crate::checklist::Timing;
use crate::client::Context;
use crate::expect::{Expectation, Judgement, Outcome};
use crate::probe::{Observe, Seen};
use crate::run::{Attempt, Interruption, Reason, Status};
use crate::secret::Redactor;

use super::panic::Guarded;

/// How much later than its own timeout a probe is stopped: it may have started to count late, and its message says
/// more. In the same poll, the probe comes first.
const GRACE: Duration = Duration::from_millis(25);

/// The result of a probe.
#[derive(Debug)]
pub struct ProbeOutcome {
    /// Passed, failed, error or pending.
    pub status: Status,
    /// All attempts.
    pub attempts: Vec<Attempt>,
    /// The observation of the last attempt.
    pub observation: Option<Arc<Value>>,
    /// A line about it.
    pub evidence: Option<String>,
    /// The judgements of the last attempt.
    pub judgements: Vec<Judgement>,
    /// Why the last attempt observed nothing.
    pub error: Option<Reason>,
    /// The help: what to do about it.
    pub help: Option<String>,
}

/// Runs a probe until it is green, its timing allows no more attempts, or `stop`. An attempt that is followed by another
/// goes to `report`, with its number.
pub async fn run_probe(
    probe: &dyn Observe,
    expectations: &[Expectation],
    timing: Timing,
    cx: &Context,
    redactor: &Redactor,
    stop: impl Future<Output = Interruption>,
    mut report: impl FnMut(usize, &Attempt),
) -> ProbeOutcome {
    let cx = cx.with_timeout(timing.timeout);
    let mut stop = pin!(stop);
    let begun = Instant::now();
    let wanted = timing.retry.consecutive(probe.has_effects());
    let (mut count, mut in_a_row) = (0, 0);
    let mut attempts = Vec::new();
    let mut last = None;
    loop {
        let mut outcome = tokio::select! {
            biased;
            by = &mut stop => return interrupted(by, last, attempts),
            outcome = once(probe, expectations, &cx, redactor) => outcome,
        };
        attempts.append(&mut outcome.attempts);
        count += 1;
        in_a_row = if outcome.status == Status::Passed { in_a_row + 1 } else { 0 };
        if in_a_row >= wanted {
            return ProbeOutcome { attempts, ..outcome };
        }
        let Some(wait) = timing.retry.pause(probe.has_effects(), count, begun.elapsed()) else {
            return if in_a_row > 0 {
                unsteady(in_a_row, wanted, outcome, attempts)
            } else {
                ProbeOutcome { attempts, ..outcome }
            };
        };
        if let Some(last) = attempts.last() {
            report(count, last);
        }
        // Of many attempts the first and the latest are kept.
        if attempts.len() >= MOST {
            attempts.remove(MOST / 2);
        }
        last = Some(outcome);
        tokio::select! {
            biased;
            by = &mut stop => return interrupted(by, last, attempts),
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// How many attempts of a probe are kept.
const MOST: usize = 100;

/// The result of a probe whose last attempts were green, but not enough of them in a row.
fn unsteady(in_a_row: usize, wanted: usize, last: ProbeOutcome, attempts: Vec<Attempt>) -> ProbeOutcome {
    let why = format!("passed {in_a_row} of {wanted} times in a row, then the time or the attempts were used up");
    ProbeOutcome { status: Status::Failed, attempts, error: Some(Reason::Observed(why)), ..last }
}

/// The result of a probe that was stopped, with what its last attempt observed.
fn interrupted(by: Interruption, last: Option<ProbeOutcome>, attempts: Vec<Attempt>) -> ProbeOutcome {
    let why = attempts.last().and_then(|attempt| attempt.reason.clone());
    let last = last.unwrap_or_else(|| ProbeOutcome::blind(Status::Error));
    ProbeOutcome { status: Status::Error, attempts, error: Some(Reason::Interrupted { by, last: why }), ..last }
}

impl ProbeOutcome {
    /// A result without an observation.
    fn blind(status: Status) -> Self {
        Self {
            status,
            attempts: Vec::new(),
            observation: None,
            evidence: None,
            judgements: Vec::new(),
            error: None,
            help: None,
        }
    }
}

async fn once(probe: &dyn Observe, expectations: &[Expectation], cx: &Context, redactor: &Redactor) -> ProbeOutcome {
    let begun = Instant::now();
    let watched = tokio::time::timeout(cx.timeout + GRACE, Guarded::new(probe.observe(cx))).await;
    let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let done = |status: Status, reason: Option<String>| ProbeOutcome {
        attempts: vec![Attempt { status, duration_ms, reason }],
        ..ProbeOutcome::blind(status)
    };
    let failed = |status, error: String, help: Option<String>| ProbeOutcome {
        error: Some(Reason::Observed(error.clone())),
        help,
        ..done(status, Some(error))
    };
    match watched {
        Err(_) => {
            let limit = crate::yaml::Duration(cx.timeout);
            let help = "is it overloaded, or does it need a longer `timeout`?".to_owned();
            failed(Status::Error, format!("no answer within {limit}"), Some(help))
        }
        Ok(Err(panic)) => {
            let help = "this is a bug in gate: please report it".to_owned();
            failed(Status::Error, format!("the probe panicked: {panic}"), Some(help))
        }
        Ok(Ok(Err(fault))) => {
            let status = if fault.is_pending { Status::Pending } else { Status::Error };
            failed(status, fault.message.into_owned(), fault.help.map(Cow::into_owned))
        }
        Ok(Ok(Ok(seen))) => {
            let now = cx.env.now();
            let judge = |expectation: &Expectation| expectation.judge(&seen.value, &seen.cuts, now);
            let mut judgements: Vec<Judgement> = expectations.iter().map(judge).collect();
            hide_before_cut(&mut judgements, expectations, &seen, redactor, now);
            if let Some(path) = seen.nothing {
                leave_out_consequences(&mut judgements, path);
            }
            if let Some((field, why)) = &seen.absent {
                explain(&mut judgements, field, why);
            }
            say_what_is_missing(&mut judgements, &seen.evidence);
            let reasons: Vec<&str> = judgements.iter().filter_map(Judgement::reason).collect();
            let mut reason = (!reasons.is_empty()).then(|| reasons.join("; "));
            // That a field of the observation is false says little; the evidence says what was observed.
            let is_bare = |one: &Judgement| {
                let is_bool = matches!(&*one.observed, "true" | "false") && one.observed != seen.evidence;
                one.reason().is_some() && is_bool && !is_missing(one) && !one.path.contains(['.', '['])
            };
            let says_more = !seen.evidence.is_empty() && judgements.iter().any(is_bare);
            if let Some(reason) = reason.as_mut().filter(|_| says_more) {
                reason.push_str(&format!(" ({})", seen.evidence));
            }
            let status = judgements.iter().map(status).max_by_key(|status| weight(*status));
            // Without an expectation, nothing would be asserted.
            let status = status.unwrap_or(Status::Failed);
            let raise = judgements.iter().find_map(|judgement| match judgement.outcome {
                Outcome::Unknown(_, setting) => setting.map(|setting| format!("raise `{setting}` to read more")),
                Outcome::Holds | Outcome::Fails(_) => None,
            });
            let is_red =
                |field: &str| judgements.iter().any(|one| one.reason().is_some() && is_below(&one.path, field));
            let of_field = seen.field_advice.into_iter().find(|(field, _)| is_red(field)).map(|(_, advice)| advice);
            let advice = of_field.or(seen.advice);
            ProbeOutcome {
                observation: Some(Arc::new(seen.value)),
                evidence: (!seen.evidence.is_empty()).then_some(seen.evidence),
                judgements,
                help: raise.or(advice.filter(|_| status != Status::Passed)),
                ..done(status, reason)
            }
        }
    }
}

/// Makes the texts of judgements that were cut again from the redacted value: a secret that is cut in two is not
/// recognized. The outcome stays the same.
fn hide_before_cut(
    judgements: &mut [Judgement],
    expectations: &[Expectation],
    seen: &Seen,
    redactor: &Redactor,
    now: Timestamp,
) {
    let is_cut = |judgement: &Judgement| {
        judgement.observed.contains('…') || judgement.reason().is_some_and(|reason| reason.contains('…'))
    };
    if !judgements.iter().any(is_cut) {
        return;
    }
    let mut shown = seen.value.clone();
    redactor.redact_json(&mut shown);
    if shown == seen.value {
        return;
    }
    for (judgement, expectation) in judgements.iter_mut().zip(expectations).filter(|(judgement, _)| is_cut(judgement)) {
        let again = expectation.judge(&shown, &seen.cuts, now);
        judgement.observed = again.observed;
        match (&mut judgement.outcome, again.outcome) {
            (Outcome::Fails(reason), Outcome::Fails(again)) => *reason = again,
            // With the secret it fails, without it does not: then the value alone says enough.
            (Outcome::Fails(reason), Outcome::Holds | Outcome::Unknown(..)) => {
                *reason = format!("{}: expected {}, got {}", judgement.path, judgement.expected, judgement.observed);
            }
            (Outcome::Holds | Outcome::Unknown(..), _) => {}
        }
    }
}

/// Leaves the failure that shows that there is nothing to observe: that of this path, or else the first one.
fn leave_out_consequences(judgements: &mut Vec<Judgement>, path: &str) {
    let is_red = |judgement: &Judgement| judgement.reason().is_some();
    let root = judgements.iter().position(|judgement| is_red(judgement) && judgement.path == path);
    if let Some(root) = root.or_else(|| judgements.iter().position(is_red)) {
        let mut at = 0..;
        judgements.retain(|judgement| at.next() == Some(root) || !is_red(judgement));
    }
}

/// Whether it fails because the object of the probe does not exist.
fn is_missing(judgement: &Judgement) -> bool {
    judgement.reason().is_some() && judgement.path == "exists" && judgement.observed == "false"
}

/// Says what does not exist, as the evidence names it, instead of `exists: expected true, got false`.
fn say_what_is_missing(judgements: &mut [Judgement], evidence: &str) {
    for judgement in judgements.iter_mut().filter(|judgement| !evidence.is_empty() && is_missing(judgement)) {
        if let Outcome::Fails(reason) = &mut judgement.outcome {
            *reason = format!("exists: {evidence}");
        }
    }
}

/// Says why a field is missing where an expectation needs it.
fn explain(judgements: &mut [Judgement], field: &str, why: &str) {
    for judgement in judgements.iter_mut().filter(|judgement| is_below(&judgement.path, field)) {
        if let Outcome::Fails(reason) = &mut judgement.outcome {
            *reason = format!("{}: not found ({why})", judgement.path);
        }
    }
}

/// Whether a path leads to a field, or to something in it.
fn is_below(path: &str, field: &str) -> bool {
    path.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// The status of a judgement: what depends on a part that was not read could not be observed.
fn status(judgement: &Judgement) -> Status {
    match judgement.outcome {
        Outcome::Holds => Status::Passed,
        Outcome::Fails(_) => Status::Failed,
        Outcome::Unknown(..) => Status::Error,
    }
}

/// Something wrong weighs more than something unknown.
fn weight(status: Status) -> u8 {
    match status {
        Status::Failed => 2,
        Status::Error | Status::Blocked | Status::Pending => 1,
        Status::Passed | Status::Waived | Status::Deferred => 0,
    }
}
