//! One probe: look, judge, and look again as its timing says.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::checklist::{RetryPolicy, Timing};
use crate::client::Context;
use crate::expect::{Expectation, Judgement};
use crate::probe::Observe;
use crate::run::{Attempt, Status};

use super::panic::Guarded;

/// How much later than a probe's own limit it is stopped: what it says of its time being up is better than what we can.
const GRACE: Duration = Duration::from_millis(200);

/// What came of a probe.
#[derive(Debug)]
pub struct Looked {
    /// Passed, failed, error or pending.
    pub status: Status,
    /// Every look.
    pub attempts: Vec<Attempt>,
    /// What was seen at the last.
    pub observation: Option<Arc<Value>>,
    /// A line of it.
    pub evidence: Option<String>,
    /// What came of each expectation at the last.
    pub judgements: Vec<Judgement>,
    /// Why nothing was seen at the last.
    pub error: Option<String>,
    /// What to do about it.
    pub help: Option<String>,
}

/// Looks until it is green or its timing allows no more. What was not green, and is looked at again, is told to `tell`.
pub async fn look(
    probe: &dyn Observe,
    expectations: &[Expectation],
    timing: Timing,
    cx: &Context,
    mut tell: impl FnMut(usize, &Attempt),
) -> Looked {
    let cx = cx.with_timeout(timing.timeout);
    let begun = Instant::now();
    let mut attempts = Vec::new();
    loop {
        let mut looked = once(probe, expectations, &cx).await;
        attempts.append(&mut looked.attempts);
        let wait = if looked.status == Status::Passed {
            None
        } else {
            pause(timing.retry, probe.has_effects(), attempts.len(), begun.elapsed())
        };
        let Some(wait) = wait else { return Looked { attempts, ..looked } };
        if let Some(last) = attempts.last() {
            tell(attempts.len(), last);
        }
        // What is looked at for minutes leaves its first and its latest looks.
        if attempts.len() > MOST {
            attempts.remove(MOST / 2);
        }
        tokio::time::sleep(wait).await;
    }
}

/// How many looks of a probe are kept.
const MOST: usize = 100;

/// How long to wait before the next look; nothing if there is none.
fn pause(retry: RetryPolicy, has_effects: bool, looks: usize, passed: Duration) -> Option<Duration> {
    match retry {
        RetryPolicy::Never => None,
        RetryPolicy::Retry { is_own: false, .. } if has_effects => None,
        RetryPolicy::Retry { attempts, every, .. } => (looks < attempts as usize).then_some(every),
        RetryPolicy::Eventually { within, every } => (passed + every <= within).then_some(every),
    }
}

async fn once(probe: &dyn Observe, expectations: &[Expectation], cx: &Context) -> Looked {
    let begun = Instant::now();
    let watched = tokio::time::timeout(cx.timeout + GRACE, Guarded::new(probe.observe(cx))).await;
    let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let done = |status: Status, reason: Option<String>| Looked {
        status,
        attempts: vec![Attempt { status, duration_ms, reason }],
        observation: None,
        evidence: None,
        judgements: Vec::new(),
        error: None,
        help: None,
    };
    let failed = |status, error: String, help: Option<String>| Looked {
        error: Some(error.clone()),
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
            let judgements: Vec<Judgement> =
                expectations.iter().map(|expectation| expectation.judge(&seen.value, now)).collect();
            let reason = judgements.iter().find_map(|judgement| judgement.failure.clone());
            // Nothing expected would be nothing asserted.
            let is_green = reason.is_none() && !judgements.is_empty();
            let status = if is_green { Status::Passed } else { Status::Failed };
            Looked {
                observation: Some(Arc::new(seen.value)),
                evidence: (!seen.evidence.is_empty()).then_some(seen.evidence),
                judgements,
                help: seen.advice.filter(|_| !is_green),
                ..done(status, reason)
            }
        }
    }
}
