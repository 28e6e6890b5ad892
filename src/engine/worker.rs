//! One probe of an item: its settings and expectations resolved, and its result.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::value::RawValue;

use crate::checklist::{Expectations, ProbeTask, Settings};
use crate::client::Context;
use crate::diagnostic::{Diagnostic, Place, Span};
use crate::expect::{Expectation, with_equals};
use crate::plan::Plan;
use crate::probe::Observe;
use crate::run::{Attempt, BlockedBecause, ExpectationResult, Interruption, ProbeResult, Reason, Status};
use crate::secret::Redactor;
use crate::yaml::Node;

use super::Keep;
use super::digests::Digests;
use super::fill::{Lacking, Scope, Seen};
use super::locks::Locks;
use super::run_probe::{ProbeOutcome, run_probe};
use super::secrets::Secrets;
use super::stop::Stopped;

/// An observation of up to this many bytes as JSON is always kept.
const SMALL: usize = 16 << 10;
/// How many bytes of larger ones a run keeps.
const LARGE: usize = 32 << 20;

/// The state that all workers share.
#[derive(Debug)]
pub struct Shared {
    /// The plan.
    pub plan: Arc<Plan>,
    /// The context of probes.
    pub cx: Context,
    /// The values of secrets.
    pub secrets: Secrets,
    /// The digests of items.
    pub digests: Digests,
    /// The redactor of secrets.
    pub redactor: Redactor,
    /// Whether probes with effects are blocked.
    pub read_only: bool,
    /// Which observations and digests to keep.
    pub keep: Keep,
    /// How many bytes of large observations are kept.
    pub large: AtomicUsize,
    /// Whether results include their requirements.
    pub requirements: bool,
    /// The locks that are shared with other runs, if any.
    pub locks: Option<Arc<dyn Locks>>,
    /// The interruption of the run.
    pub stop: Stopped,
}

/// Why a probe did not run.
enum Unready {
    /// It can't be run.
    Blocked(BlockedBecause),
    /// Something that it refers to is missing.
    Lacking(Lacking),
    /// A filled-in value does not fit.
    Error(String, Option<String>),
}

impl Shared {
    /// Runs a probe; attempts that are followed by another go to `report`, with their numbers.
    pub async fn probe(
        &self,
        probe_task: &ProbeTask,
        scope: &Scope,
        report: impl Fn(usize, Attempt),
    ) -> (ProbeResult, Seen) {
        self.observed(probe_task, scope, self.stop.by(), self.stop.wait(), report).await
    }

    /// Runs a cleanup probe like [`Self::probe`], but also for a moment after the run is interrupted.
    pub async fn cleanup(
        &self,
        probe_task: &ProbeTask,
        scope: &Scope,
        report: impl Fn(usize, Attempt),
    ) -> (ProbeResult, Seen) {
        let (stopped, stop) = (self.stop.cleanup_by(), self.stop.wait_for_cleanup());
        let (result, seen) = self.observed(probe_task, scope, stopped, stop, report).await;
        (ProbeResult { is_cleanup: true, ..result }, seen)
    }

    /// The result of a cleanup that lacks something from outside of its item. Nothing if it lacks nothing.
    pub fn without_input(&self, probe_task: &ProbeTask, scope: &Scope) -> Option<ProbeResult> {
        let lacking = probe_task.unresolved().filter_map(|node| scope.has_inputs(node, &self.secrets).err());
        let why = Unready::Lacking(lacking.reduce(Lacking::and)?);
        Some(ProbeResult { is_cleanup: true, ..self.unready(probe_task, why) })
    }

    async fn observed(
        &self,
        probe_task: &ProbeTask,
        scope: &Scope,
        stopped: Option<Interruption>,
        stop: impl Future<Output = Interruption>,
        report: impl Fn(usize, Attempt),
    ) -> (ProbeResult, Seen) {
        if let Some(by) = stopped {
            return (self.unready(probe_task, Unready::Blocked(BlockedBecause::Interrupted(by))), None);
        }
        let filled;
        let ready: Result<&dyn Observe, Unready> = match &probe_task.settings {
            Settings::Resolved { probe, .. } => Ok(&**probe),
            Settings::Unresolved(node) => match self.settings(probe_task, node, scope) {
                Ok(probe) => {
                    filled = probe;
                    Ok(&*filled)
                }
                Err(why) => Err(why),
            },
        };
        let judged;
        let expectations: Result<&[Expectation], Unready> = match &probe_task.expectations {
            Expectations::Default => Ok(&probe_task.info.expectations),
            Expectations::Resolved { parsed, .. } => Ok(parsed),
            Expectations::Unresolved(node) => match self.expectations(probe_task, node, scope) {
                Ok(read) => {
                    judged = read;
                    Ok(&judged)
                }
                Err(why) => Err(why),
            },
        };
        let (probe, expectations) = match (ready, expectations) {
            (Ok(probe), Ok(expectations)) => (probe, expectations),
            (Err(why), Ok(_)) | (Ok(_), Err(why)) => return (self.unready(probe_task, why), None),
            (Err(why), Err(also)) => return (self.unready(probe_task, why.and(also)), None),
        };
        if self.read_only && probe.has_effects() {
            let why = BlockedBecause::ReadOnly(probe_task.kind.name().to_owned());
            return (self.unready(probe_task, Unready::Blocked(why)), None);
        }
        let report = |number: usize, attempt: &Attempt| report(number, attempt.clone());
        let outcome = run_probe(probe, expectations, probe_task.timing, &self.cx, &self.redactor, stop, report).await;
        let seen = outcome.observation.clone();
        (self.result(probe_task, probe, expectations, outcome), seen)
    }

    fn settings(&self, probe_task: &ProbeTask, node: &Node, scope: &Scope) -> Result<Box<dyn Observe>, Unready> {
        let node = scope.fill(node, &self.secrets).map_err(Unready::Lacking)?;
        let mut problems = Vec::new();
        let probe = probe_task.kind.read(&node, &mut problems);
        probe.ok_or_else(|| Unready::of(&problems))
    }

    fn expectations(&self, probe_task: &ProbeTask, node: &Node, scope: &Scope) -> Result<Vec<Expectation>, Unready> {
        let node = scope.fill(&with_equals(node), &self.secrets).map_err(Unready::Lacking)?;
        let mut problems = Vec::new();
        let read = probe_task.info.read_filled(&node, &mut problems);
        if problems.is_empty() { Ok(read) } else { Err(Unready::of(&problems)) }
    }

    /// The result of a probe that did not run.
    fn unready(&self, probe_task: &ProbeTask, why: Unready) -> ProbeResult {
        let blank = self.blank(probe_task);
        match why {
            Unready::Blocked(because) => ProbeResult { error: Some(because.into()), ..blank },
            Unready::Lacking(Lacking { missing, span }) => ProbeResult {
                help: missing.help().map(ToOwned::to_owned),
                place: if missing.is_unset() { self.place(span) } else { blank.place },
                error: Some(missing.into()),
                ..blank
            },
            Unready::Error(why, help) => {
                ProbeResult { status: Status::Error, error: Some(Reason::Observed(why)), help, ..blank }
            }
        }
    }

    fn result(
        &self,
        probe_task: &ProbeTask,
        probe: &dyn Observe,
        expectations: &[Expectation],
        outcome: ProbeOutcome,
    ) -> ProbeResult {
        let judged = outcome.judgements.into_iter().zip(expectations).map(|(judgement, expectation)| {
            let passed = judgement.reason().is_none();
            ExpectationResult {
                path: judgement.path,
                expected: judgement.expected,
                observed: judgement.observed,
                passed,
                default: expectation.is_default,
                place: (!passed && !expectation.is_default).then(|| self.place(expectation.span)),
            }
        });
        // Only the complete record shows expectations that are met.
        let is_shown = outcome.status != Status::Passed || self.keep == Keep::All;
        ProbeResult {
            status: outcome.status,
            expectations: if is_shown { judged.collect() } else { Vec::new() },
            attempts: outcome.attempts,
            observation: match self.keep {
                Keep::All => outcome.observation.and_then(|seen| self.kept(&seen)),
                Keep::None => None,
            },
            evidence: outcome.evidence,
            error: outcome.error,
            help: outcome.help,
            reproduce: is_shown.then(|| probe.reproduce()).flatten().map(|argv| match probe.on() {
                Some(host) => self.redactor.shell_on(&host.command_line(), &argv),
                None => self.redactor.shell(&argv),
            }),
            insecure: probe.is_insecure(),
            via: probe.via().map(ToString::to_string),
            ..self.blank(probe_task)
        }
    }

    /// An observation as JSON. Large ones are kept as long as there is room for them.
    fn kept(&self, seen: &serde_json::Value) -> Option<Box<RawValue>> {
        let raw = raw(seen);
        let size = raw.get().len();
        let fits = |held: usize| held.checked_add(size).filter(|all| *all <= LARGE);
        let is_kept = size <= SMALL || self.large.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok();
        is_kept.then_some(raw)
    }

    fn blank(&self, probe_task: &ProbeTask) -> ProbeResult {
        ProbeResult {
            kind: probe_task.kind.name().to_owned(),
            alias: probe_task.alias.clone(),
            check: probe_task.used.as_ref().map(|used| used.check.to_string()),
            is_cleanup: false,
            status: Status::Blocked,
            attempts: Vec::new(),
            observation: None,
            evidence: None,
            expectations: Vec::new(),
            error: None,
            help: None,
            reproduce: None,
            via: None,
            insecure: false,
            place: self.place(probe_task.used.as_ref().map_or(probe_task.span, |used| used.span)),
        }
    }

    fn place(&self, span: Span) -> Place {
        self.plan.checklist.sources.locate(span)
    }
}

fn raw(seen: &serde_json::Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(seen).expect("a JSON value can be written as JSON")
}

impl Unready {
    /// Both, as far as they are missing values.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Lacking(one), Self::Lacking(other)) => Self::Lacking(one.and(other)),
            (one, _) => one,
        }
    }

    fn of(problems: &[Diagnostic]) -> Self {
        let titles: Vec<&str> = problems.iter().map(Diagnostic::title).collect();
        let help = problems.iter().find_map(|problem| problem.helps().first().cloned());
        let title = if titles.is_empty() { "what was filled in does not fit".to_owned() } else { titles.join("; ") };
        Self::Error(title, help)
    }
}
