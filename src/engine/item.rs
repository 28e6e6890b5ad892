//! One item: its probes in order, and what came of them, with nothing secret in it.

use std::sync::Arc;

use serde_json::value::RawValue;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use crate::checklist::{Expectations, Item, ProbeTask, Settings};
use crate::client::Context;
use crate::diagnostic::{Diagnostic, Place, Span};
use crate::expect::{self, Expectation};
use crate::plan::Plan;
use crate::probe::Observe;
use crate::run::{Attempt, ExpectationResult, ItemResult, ProbeResult, SignOff, Status};
use crate::secret::Redactor;

use super::Keep;
use super::fill::{EMPTY, NOT_SET, Scope, Seen};
use super::look::{Looked, look};
use super::secrets::Secrets;

const HOW_TO_SET: &str = "set it, or give it in a file: `--env-file FILE`";

/// What every worker needs.
#[derive(Debug)]
pub struct Shared {
    /// What is to be done.
    pub plan: Plan,
    /// What probes are given.
    pub cx: Context,
    /// The values of secrets.
    pub secrets: Secrets,
    /// What hides them.
    pub redactor: Redactor,
    /// Whether what has effects is blocked.
    pub read_only: bool,
    /// Which observations to keep.
    pub keep: Keep,
}

/// A look that is repeated.
#[derive(Debug)]
pub struct RetryNotice {
    /// The position of the item.
    pub task: usize,
    /// Which look it was, from 1.
    pub number: usize,
    /// What came of it.
    pub attempt: Attempt,
}

/// A worker's result.
#[derive(Debug)]
pub struct Done {
    /// The position of the item.
    pub task: usize,
    /// What came of it.
    pub result: ItemResult,
    /// What its probes saw, by alias.
    pub seen: Vec<(String, Seen)>,
}

/// The item's result before anything is known of it.
pub fn blank(plan: &Plan, task: usize, status: Status, reason: Option<String>) -> ItemResult {
    let item: &Item = plan.item(task);
    ItemResult {
        id: item.id.to_string(),
        title: item.title.to_string(),
        owner: item.owner.clone(),
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
        sign_off: item.sign_off.as_ref().map(|sign_off| SignOff { role: sign_off.role.clone() }),
        manual: item.manual.clone(),
        source: None,
        definition: None,
        place: plan.checklist.sources.locate(item.span),
        probes: Vec::new(),
        duration_ms: 0,
    }
}

/// Runs every probe of an item, also after a red one: one line of a checklist often states several facts.
pub async fn run(shared: Arc<Shared>, task: usize, mut scope: Scope, again: UnboundedSender<RetryNotice>) -> Done {
    let begun = Instant::now();
    let plan = &shared.plan;
    let mut probes = Vec::with_capacity(plan.item(task).probes.len());
    let mut seen = Vec::new();
    let tasks = &plan.item(task).probes;
    for probe in tasks {
        let (result, observation) = shared.probe(task, probe, &scope, &again).await;
        if let Some(alias) = &probe.alias {
            let green = observation.filter(|_| result.status == Status::Passed);
            scope.aliases.insert(alias.clone(), green.clone());
            seen.push((alias.clone(), green));
        }
        probes.push(result);
    }
    let (status, reason) = summary(&probes);
    let item = plan.item(task);
    let said = item.evidence.as_ref().and_then(|node| {
        let filled = scope.fill(node, &shared.secrets).ok()?;
        Some(shared.hide(filled.text()?.to_owned()))
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
    let is_flaky = |(probe, task): (&ProbeResult, &ProbeTask)| probe.attempts.len() > 1 && task.timing.is_retry();
    let result = ItemResult {
        flaky: status == Status::Passed && probes.iter().zip(tasks).any(is_flaky),
        insecure: probes.iter().any(|probe| probe.insecure),
        evidence: evidence.filter(|_| status == Status::Passed),
        probes,
        duration_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        ..blank(plan, task, status, reason)
    };
    Done { task, result, seen }
}

/// What its probes say of an item: what was seen to be wrong weighs most, what could not be asked least.
fn summary(probes: &[ProbeResult]) -> (Status, Option<String>) {
    let worst = [Status::Failed, Status::Error, Status::Pending, Status::Blocked]
        .into_iter()
        .find_map(|status| probes.iter().find(|probe| probe.status == status));
    match worst {
        None => (Status::Passed, None),
        Some(probe) => {
            let last = || probe.attempts.last().and_then(|attempt| attempt.reason.clone());
            (probe.status, probe.error.clone().or_else(last))
        }
    }
}

/// Settings or expectations that could not be read in the end.
enum Unready {
    /// An input is missing.
    Blocked(String),
    /// What was filled in does not fit.
    Error(String, Option<String>),
}

impl Shared {
    async fn probe(
        &self,
        task: usize,
        probe_task: &ProbeTask,
        scope: &Scope,
        again: &UnboundedSender<RetryNotice>,
    ) -> (ProbeResult, Seen) {
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
            (Err(why), _) | (_, Err(why)) => return (self.unready(probe_task, why), None),
        };
        if self.read_only && probe.has_effects() {
            let why = format!("`{}` has effects, and `--read-only` runs only what has none", probe_task.kind.name);
            return (self.unready(probe_task, Unready::Blocked(why)), None);
        }
        let tell = |number: usize, attempt: &Attempt| {
            let attempt = self.attempt(attempt.clone());
            // Nobody listens any more when the run was stopped.
            let _ = again.send(RetryNotice { task, number, attempt });
        };
        let looked = look(probe, expectations, probe_task.timing, &self.cx, tell).await;
        let seen = looked.observation.clone();
        (self.result(probe_task, probe, expectations, looked), seen)
    }

    fn settings(
        &self,
        probe_task: &ProbeTask,
        node: &crate::yaml::Node,
        scope: &Scope,
    ) -> Result<Box<dyn Observe>, Unready> {
        let node = scope.fill(node, &self.secrets).map_err(Unready::Blocked)?;
        let mut problems = Vec::new();
        let probe = (probe_task.kind.read)(&node, &mut problems);
        probe.ok_or_else(|| Unready::of(&problems))
    }

    fn expectations(
        &self,
        probe_task: &ProbeTask,
        node: &crate::yaml::Node,
        scope: &Scope,
    ) -> Result<Vec<Expectation>, Unready> {
        let node = scope.fill(node, &self.secrets).map_err(Unready::Blocked)?;
        let mut problems = Vec::new();
        let read = expect::read(&node, &probe_task.info.observation, &mut problems);
        if problems.is_empty() { Ok(read) } else { Err(Unready::of(&problems)) }
    }

    /// What came of a probe that did not look.
    fn unready(&self, probe_task: &ProbeTask, why: Unready) -> ProbeResult {
        let (status, error, help) = match why {
            Unready::Blocked(why) => {
                let help = [NOT_SET, EMPTY].iter().any(|end| why.ends_with(end)).then(|| HOW_TO_SET.to_owned());
                (Status::Blocked, why, help)
            }
            Unready::Error(why, help) => (Status::Error, why, help),
        };
        ProbeResult {
            status,
            error: Some(self.hide(error)),
            help: help.map(|help| self.hide(help)),
            ..self.blank(probe_task)
        }
    }

    fn result(
        &self,
        probe_task: &ProbeTask,
        probe: &dyn Observe,
        expectations: &[Expectation],
        looked: Looked,
    ) -> ProbeResult {
        let is_own = matches!(probe_task.expectations, Expectations::Default);
        let judged = looked.judgements.into_iter().zip(expectations).map(|(judgement, expectation)| {
            let passed = judgement.failure.is_none();
            ExpectationResult {
                path: judgement.path,
                expected: self.hide(judgement.expected),
                observed: self.hide(judgement.observed),
                passed,
                place: (!passed && !is_own).then(|| self.place(expectation.span)),
            }
        });
        ProbeResult {
            status: looked.status,
            expectations: judged.collect(),
            attempts: looked.attempts.into_iter().map(|attempt| self.attempt(attempt)).collect(),
            observation: match self.keep {
                Keep::All => looked.observation.map(|seen| self.raw(&seen)),
                Keep::None => None,
            },
            evidence: looked.evidence.map(|line| self.hide(line)),
            error: looked.error.map(|error| self.hide(error)),
            help: looked.help.map(|help| self.hide(help)),
            reproduce: (looked.status != Status::Passed || self.keep == Keep::All)
                .then(|| probe.reproduce())
                .flatten()
                .map(|argv| self.redactor.shell(&argv)),
            insecure: probe.is_insecure(),
            ..self.blank(probe_task)
        }
    }

    fn blank(&self, probe_task: &ProbeTask) -> ProbeResult {
        ProbeResult {
            kind: probe_task.kind.name.to_owned(),
            alias: probe_task.alias.clone(),
            check: probe_task.used.as_ref().map(|used| used.check.to_string()),
            status: Status::Blocked,
            attempts: Vec::new(),
            observation: None,
            evidence: None,
            expectations: Vec::new(),
            error: None,
            help: None,
            reproduce: None,
            insecure: false,
            place: self.place(probe_task.used.as_ref().map_or(probe_task.span, |used| used.span)),
        }
    }

    fn place(&self, span: Span) -> Place {
        self.plan.checklist.sources.locate(span)
    }

    fn attempt(&self, attempt: Attempt) -> Attempt {
        Attempt { reason: attempt.reason.map(|reason| self.hide(reason)), ..attempt }
    }

    fn hide(&self, text: String) -> String {
        match self.redactor.redact(&text) {
            std::borrow::Cow::Borrowed(_) => text,
            std::borrow::Cow::Owned(redacted) => redacted,
        }
    }

    fn raw(&self, seen: &serde_json::Value) -> Box<RawValue> {
        let mut seen = seen.clone();
        self.redactor.redact_json(&mut seen);
        serde_json::value::to_raw_value(&seen).expect("a JSON value can be written as JSON")
    }
}

impl Unready {
    fn of(problems: &[Diagnostic]) -> Self {
        let titles: Vec<&str> = problems.iter().map(Diagnostic::title).collect();
        let help = problems.iter().find_map(|problem| problem.helps().first().cloned());
        let title = if titles.is_empty() { "what was filled in does not fit".to_owned() } else { titles.join("; ") };
        Self::Error(title, help)
    }
}
