//! The record of one execution; every output is made from it.
//!
//! This is the engine's own record. Stored and published forms have types of their own: `report/json/v1.rs` and
//! `ledger/document/v1.rs`.

mod compare;
mod event;
mod interruption;
mod reason;
mod redact;
mod requirement;
mod severity;
mod shard;

use std::collections::HashSet;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::diagnostic::Place;
use crate::yaml::Duration;

pub use compare::{Change, Turn, Weaker, changes, weaker, words};
pub use event::Event;
pub use interruption::{Interruption, Signal};
pub use reason::{BlockedBecause, Excuse, Missing, Reason, SignOffReason, Signed};
pub use requirement::{Demand, Demands, ProbeRequirement, Requirements};
pub use severity::Severity;
pub use shard::{Shard, ShardRun};

/// One execution of a checklist.
#[derive(Debug, Clone)]
pub struct Run {
    /// The version of gate that ran.
    pub gate: String,
    /// The checklist's name: `staging` for `checklists/staging.yaml`.
    pub name: String,
    /// The checklist's title.
    pub title: String,
    /// The checklist's file, as the user named it.
    pub file: String,
    /// SHA-256 of the checklist's file, in hexadecimal.
    pub digest: String,
    /// The release or commit that is signed off.
    pub subject: Option<String>,
    /// When it began.
    pub started: Timestamp,
    /// How long it took.
    pub duration_ms: u64,
    /// Why not everything was run, such as `--only db-head`. Absent for a whole run.
    pub partial: Option<String>,
    /// The shard that it was. Absent for a run of everything that was selected.
    pub shard: Option<ShardRun>,
    /// The reason why it ended early: `SIGINT`, `SIGTERM`, `SIGHUP` or `deadline`. Missing for a complete run.
    pub interrupted: Option<Interruption>,
    /// The commit that was checked out in the folder of the checklist.
    pub commit: Option<String>,
    /// Whether tracked files differed from that commit.
    pub dirty: Option<bool>,
    /// The variables set by `--var`, such as `target=blue, size=3`.
    pub vars: Option<String>,
    /// The machine that it ran on.
    pub host: Option<String>,
    /// Who ran it.
    pub user: Option<String>,
    /// A link to the CI job that ran it.
    pub ci: Option<String>,
    /// Sections in checklist order.
    pub sections: Vec<Section>,
    /// Known gaps in checklist order.
    pub gaps: Vec<Gap>,
}

/// A section of the checklist, as in its Markdown.
#[derive(Debug, Clone)]
pub struct Section {
    /// Its id, if it has one.
    pub id: Option<String>,
    /// Its title.
    pub title: String,
    /// The text in parentheses after the title.
    pub note: Option<String>,
    /// Markdown that is copied as it is.
    pub text: Option<String>,
    /// Its `changes`: the commits that it lists.
    pub changes: Option<Changes>,
    /// Its items in checklist order.
    pub items: Vec<ItemResult>,
}

/// The commits of a range.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// The start of the range, in words: `the last green run (0f1d7aa, 2025-12-01)`.
    pub since: String,
    /// The commits, newest first.
    pub commits: Vec<Commit>,
    /// Number of further commits.
    pub more: u64,
    /// Why they are not known.
    pub problem: Option<String>,
    /// Requirements that are weaker than at the start of the range.
    pub weaker: Vec<Weaker>,
    /// Why these are not known.
    pub uncompared: Option<String>,
}

/// One commit.
#[derive(Debug, Clone)]
pub struct Commit {
    /// Its name, shortened.
    pub id: String,
    /// The day of the commit.
    pub date: String,
    /// The first line of its message.
    pub subject: String,
}

/// The result of one item.
#[derive(Debug, Clone)]
pub struct ItemResult {
    /// Its id.
    pub id: String,
    /// The line that a person would tick.
    pub title: String,
    /// The id of the item that it is nested below.
    pub parent: Option<String>,
    /// Who is responsible for it.
    pub owner: Option<String>,
    /// How severe a failure is.
    pub severity: Option<Severity>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its status.
    pub status: Status,
    /// It passed, but not at the first attempt.
    pub flaky: bool,
    /// It passed, but too long ago. Only in output from the ledger.
    pub stale: bool,
    /// It is shown with its true status, but not required.
    pub advisory: bool,
    /// Something was observed without verifying TLS.
    pub insecure: bool,
    /// One line: why it is not green, or why it is deferred.
    pub reason: Option<Reason>,
    /// The id of the item that is the root cause, if it is blocked.
    pub cause: Option<String>,
    /// One short, stable line about the observation, if it passed.
    pub evidence: Option<String>,
    /// When it last passed, if the ledger knows. Absent if it passes now.
    pub last_passed: Option<Timestamp>,
    /// The subject at that time.
    pub last_subject: Option<String>,
    /// Start of the first run of the current series of red ones. Absent without a ledger.
    pub red_since: Option<Timestamp>,
    /// How long a passed result is valid.
    pub valid_for: Option<Duration>,
    /// Advice for when the item is red.
    pub hint: Option<String>,
    /// The sign-off, if it is one.
    pub sign_off: Option<SignOff>,
    /// The steps of a person, as Markdown, for a manual item.
    pub manual: Option<String>,
    /// SHA-256 of its source, in hexadecimal: settings and expectations as written.
    pub source: Option<String>,
    /// SHA-256 of its definition, in hexadecimal: its source with variables filled in.
    pub definition: Option<String>,
    /// Its requirements, to detect later what got weaker. Only in the ledger.
    pub requirements: Option<Box<Requirements>>,
    /// Where the checklist states it.
    pub place: Place,
    /// The results of its probes, in order, then those of its cleanup.
    pub probes: Vec<ProbeResult>,
    /// From its first attempt to its end.
    pub duration_ms: u64,
}

/// The sign-off of an item.
#[derive(Debug, Clone)]
pub struct SignOff {
    /// The role, such as `QA lead`.
    pub role: String,
    /// Who signed, if that counts.
    pub given: Option<Signed>,
}

/// The result of one probe.
#[derive(Debug, Clone)]
pub struct ProbeResult {
    /// The kind of probe, such as `http`.
    pub kind: String,
    /// The name by which others refer to its observation.
    pub alias: Option<String>,
    /// The check that it comes from.
    pub check: Option<String>,
    /// It cleans up behind the probes of its item.
    pub is_cleanup: bool,
    /// Its status: passed, failed, error, blocked or pending.
    pub status: Status,
    /// All attempts, in order. Empty if it was blocked.
    pub attempts: Vec<Attempt>,
    /// The observation of the last attempt, redacted.
    pub observation: Option<Box<RawValue>>,
    /// One short, stable line about it.
    pub evidence: Option<String>,
    /// Each expectation with the observed value.
    pub expectations: Vec<ExpectationResult>,
    /// Why nothing could be observed, or what it waits for.
    pub error: Option<Reason>,
    /// Advice of the probe, if any.
    pub help: Option<String>,
    /// A command line to reproduce it; secrets are shown as `$NAME`.
    pub reproduce: Option<String>,
    /// The machine that it connected through.
    pub via: Option<String>,
    /// TLS was not verified.
    pub insecure: bool,
    /// Where the checklist states it.
    pub place: Place,
}

/// One attempt.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Its status.
    pub status: Status,
    /// How long it took.
    pub duration_ms: u64,
    /// Why it was not passed.
    pub reason: Option<String>,
}

/// One expectation and the observed value.
#[derive(Debug, Clone)]
pub struct ExpectationResult {
    /// The path in the observation.
    pub path: String,
    /// The expected value, in words.
    pub expected: String,
    /// The observed value, shortened.
    pub observed: String,
    /// Whether it is met.
    pub passed: bool,
    /// Whether it is a default of the kind of probe.
    pub default: bool,
    /// Where the checklist states it. Absent if it is met, and for defaults.
    pub place: Option<Place>,
}

/// A known gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The gap, in a few words.
    pub gap: String,
    /// The ids of the items that it explains.
    pub items: Vec<String>,
    /// Such as `P1`.
    pub priority: Option<String>,
    /// Who will close it.
    pub owner: Option<String>,
    /// Notes.
    pub notes: Option<String>,
    /// Through that day, in UTC, it counts as green.
    pub accepted_until: Option<Date>,
    /// Who accepted it.
    pub accepted_by: Option<String>,
}

/// The status of an item or a probe. The words are part of every stored form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Observed, and as expected.
    Passed,
    /// Observed, and not as expected.
    Failed,
    /// Could not be observed.
    Error,
    /// A need is not green, or an input is missing.
    Blocked,
    /// Nothing to judge yet.
    Pending,
    /// Not green, but covered by an accepted, unexpired known gap.
    Waived,
    /// Not required at this stage.
    Deferred,
}

impl Status {
    /// Whether it counts as green.
    pub fn is_green(self) -> bool {
        match self {
            Self::Passed | Self::Waived | Self::Deferred => true,
            Self::Failed | Self::Error | Self::Blocked | Self::Pending => false,
        }
    }

    /// The word for it, as YAML and JSON have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Error => "error",
            Self::Blocked => "blocked",
            Self::Pending => "pending",
            Self::Waived => "waived",
            Self::Deferred => "deferred",
        }
    }
}

/// The verdict of a run. The words are part of every stored form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every required item is green.
    Ready,
    /// Something is not as expected, or waits for a person.
    NotReady,
    /// Nothing failed, but something could not be checked.
    Unknown,
}

impl Run {
    /// Every item, in checklist order.
    pub fn items(&self) -> impl Iterator<Item = &ItemResult> {
        self.sections.iter().flat_map(|section| &section.items)
    }

    /// The verdict. A run that was interrupted is never ready.
    pub fn verdict(&self) -> Verdict {
        let red = || self.items().filter(|item| !item.advisory && !item.status.is_green());
        let is_decided = |item: &ItemResult| matches!(item.status, Status::Failed | Status::Pending);
        // An advisory item never counts, but an item that needs it does.
        let advisory = || self.items().filter(|item| item.advisory && is_decided(item)).map(|item| item.id.as_str());
        let causes: HashSet<&str> = advisory().collect();
        let is_blocked_by_red = |item: &ItemResult| item.cause.as_deref().is_some_and(|cause| causes.contains(cause));
        if red().any(|item| is_decided(item) || is_blocked_by_red(item)) {
            Verdict::NotReady
        } else if red().next().is_some() || self.interrupted.is_some() {
            Verdict::Unknown
        } else {
            Verdict::Ready
        }
    }

    /// Number of green items, and of all items, without advisory ones.
    pub fn green(&self) -> (usize, usize) {
        let gating = || self.items().filter(|item| !item.advisory);
        (gating().filter(|item| item.status.is_green()).count(), gating().count())
    }
}

impl Gap {
    /// Whether a red item is accepted, and the acceptance has not expired.
    pub fn waives(&self, id: &str, today: Date) -> bool {
        self.accepted_until.is_some_and(|until| until >= today) && self.items.iter().any(|item| item == id)
    }
}

/// Whether two subjects are the same. A commit may be written at any length of at least 7 characters.
pub fn is_same_subject(one: Option<&str>, other: Option<&str>) -> bool {
    const SHORTEST: usize = 7;
    let is_commit = |text: &str| text.len() >= SHORTEST && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match (one, other) {
        (Some(one), Some(other)) if is_commit(one) && is_commit(other) => {
            let length = one.len().min(other.len());
            one[..length].eq_ignore_ascii_case(&other[..length])
        }
        (one, other) => one == other,
    }
}

/// The waiver rule: an item that is not green counts as waived while an accepted, unexpired gap covers it.
pub fn with_waivers(status: Status, id: &str, gaps: &[Gap], today: Date) -> Status {
    let is_waived = !status.is_green() && gaps.iter().any(|gap| gap.waives(id, today));
    if is_waived { Status::Waived } else { status }
}

/// Updates a recorded run: expired waivers no longer count, and results that are too old are pending.
pub fn expire(run: &mut Run, now: Timestamp) {
    let day = |instant: Timestamp| instant.to_zoned_datetime(TimeZone::UTC).date();
    let (started, today) = (run.started, day(now));
    for item in run.sections.iter_mut().flat_map(|section| &mut section.items) {
        if item.status == Status::Waived && !run.gaps.iter().any(|gap| gap.waives(&item.id, today)) {
            item.status = item.without_waiver();
        }
        let Some(valid) = item.valid_for.filter(|_| item.status == Status::Passed) else { continue };
        let is_over = started.checked_add(valid.0).is_ok_and(|end| end < now);
        if is_over {
            item.status = Status::Pending;
            item.stale = true;
            item.reason = Some(Reason::Expired { verified: day(started), valid_for: valid });
            item.evidence = None;
        }
    }
}

/// Statuses that are not green, the worst first: a wrong observation weighs most, what was blocked least.
pub const WORST_FIRST: [Status; 4] = [Status::Failed, Status::Error, Status::Pending, Status::Blocked];

/// The worst status of probes that did not pass.
pub fn worst<'p>(probes: impl Iterator<Item = &'p ProbeResult> + Clone) -> Option<Status> {
    WORST_FIRST.into_iter().find(|status| probes.clone().any(|probe| probe.status == *status))
}

impl ItemResult {
    /// Its probes without those that clean up.
    pub fn own_probes(&self) -> impl Iterator<Item = &ProbeResult> + Clone {
        self.probes.iter().filter(|probe| !probe.is_cleanup)
    }

    /// The results of its cleanup.
    pub fn cleanup(&self) -> impl Iterator<Item = &ProbeResult> + Clone {
        self.probes.iter().filter(|probe| probe.is_cleanup)
    }

    /// Its status if no gap covered it.
    pub fn without_waiver(&self) -> Status {
        if self.status != Status::Waived {
            return self.status;
        }
        let seen = worst(self.own_probes()).or_else(|| worst(self.cleanup()));
        seen.unwrap_or(if self.cause.is_some() { Status::Blocked } else { Status::Pending })
    }
}
