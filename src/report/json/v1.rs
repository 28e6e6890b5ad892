//! The JSON document of a run, version 1: frozen. Fields may be added; none is renamed, removed or changed in meaning.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::report::Counts;
use crate::run::{Interruption, Severity, Status, Verdict};
use crate::yaml::Duration;

/// The name of this form.
pub const SCHEMA: &str = "gate.run/v1";

/// The number of this form. It grows when a reader of the old form would be misled.
pub const VERSION: u32 = 1;

/// Text that is borrowed from a run when it is written, and owned when it is read.
type Text<'a> = Cow<'a, str>;

/// One execution of a checklist, as one JSON document. `gate report` reads it back.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Document<'a> {
    /// The name of this form: `gate.run/v1`. Missing in documents of gate 0.1.
    #[serde(default)]
    pub schema: Option<Text<'a>>,
    /// The verdict of the run.
    pub verdict: Verdict,
    /// Number of items by status.
    pub counts: Counts,
    /// The version of this form: 1.
    pub version: u32,
    /// The version of gate that ran.
    pub gate: Text<'a>,
    /// The checklist's name: `staging` for `checklists/staging.yaml`.
    pub name: Text<'a>,
    /// The checklist's title.
    pub title: Text<'a>,
    /// The checklist's file, as the user named it.
    pub file: Text<'a>,
    /// SHA-256 of the checklist's file, in hexadecimal.
    pub digest: Text<'a>,
    /// The release or commit that is signed off.
    pub subject: Option<Text<'a>>,
    /// When it began.
    #[schemars(with = "String")]
    pub started: Timestamp,
    /// How long it took.
    pub duration_ms: u64,
    /// Why not everything was run, such as `--only db-head`. Null for a full run.
    pub partial: Option<Text<'a>>,
    /// The shard that it was: `1/4` for the first of four. Null for a run without shards.
    #[serde(default)]
    pub shard: Option<Text<'a>>,
    /// SHA-256 of the definitions of all items, in hexadecimal, for a shard.
    #[serde(default)]
    pub definitions: Option<Text<'a>>,
    /// For a shard, a digest of the address in each secret that is a URL, by the secret's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addresses: Option<BTreeMap<Text<'a>, Text<'a>>>,
    /// The reason why it ended early: `SIGINT`, `SIGTERM`, `deadline`. Null for a complete run.
    #[schemars(with = "Option<String>")]
    pub interrupted: Option<Interruption>,
    /// The commit that was checked out in the checklist's repository.
    pub commit: Option<Text<'a>>,
    /// Whether tracked files differed from that commit. Null if it is not known.
    #[serde(default)]
    pub dirty: Option<bool>,
    /// The variables set by `--var`, such as `target=blue, size=3`. Null without `--var`.
    #[serde(default)]
    pub vars: Option<Text<'a>>,
    /// The machine that it ran on.
    pub host: Option<Text<'a>>,
    /// Who ran it.
    pub user: Option<Text<'a>>,
    /// A link to the CI job that ran it.
    pub ci: Option<Text<'a>>,
    /// Sections in checklist order.
    pub sections: Vec<Section<'a>>,
    /// Known gaps in checklist order.
    pub gaps: Vec<Gap<'a>>,
}

/// A section of the checklist.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Section<'a> {
    /// Its id, if it has one.
    pub id: Option<Text<'a>>,
    /// Its title.
    pub title: Text<'a>,
    /// The note in parentheses after the title.
    pub note: Option<Text<'a>>,
    /// Markdown that is copied as it is.
    pub text: Option<Text<'a>>,
    /// The commits of a section with `changes`.
    pub changes: Option<Changes<'a>>,
    /// Its items in checklist order.
    pub items: Vec<Item<'a>>,
}

/// The commits of a range.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Changes<'a> {
    /// Start of the range, in words: `the last green run (0f1d7aa, 2025-12-01)`.
    pub since: Text<'a>,
    /// The commits, newest first.
    pub commits: Vec<Commit<'a>>,
    /// Number of further commits.
    pub more: u64,
    /// Why they are unknown.
    pub problem: Option<Text<'a>>,
    /// The requirements of the checklist that got weaker.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weaker: Vec<Weaker<'a>>,
    /// Why that is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncompared: Option<Text<'a>>,
}

/// A requirement that is weaker than before.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Weaker<'a> {
    /// The id of the item.
    pub item: Text<'a>,
    /// The weaker requirement, such as `now advisory`.
    pub what: Text<'a>,
}

/// One commit.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Commit<'a> {
    /// Its abbreviated hash.
    pub id: Text<'a>,
    /// The day of the commit.
    pub date: Text<'a>,
    /// The first line of its message.
    pub subject: Text<'a>,
}

/// The result of one item.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Item<'a> {
    /// Its id.
    pub id: Text<'a>,
    /// The line that a person would tick.
    pub title: Text<'a>,
    /// Who is responsible for it.
    pub owner: Option<Text<'a>>,
    /// How severe a failure is: `P0` (the worst) to `P4`.
    #[serde(default)]
    pub severity: Option<Severity>,
    /// Its tags.
    pub tags: Vec<Text<'a>>,
    /// Its status.
    pub status: Status,
    /// Passed, but not at the first attempt.
    pub flaky: bool,
    /// Passed, but longer ago than its `valid_for`. Only in reports from the ledger.
    #[serde(default)]
    pub stale: bool,
    /// Shown with its true status, but not required.
    pub advisory: bool,
    /// A probe of it didn't verify TLS.
    pub insecure: bool,
    /// One line: why it is not green, why it is deferred, or until when it is waived.
    pub reason: Option<Text<'a>>,
    /// The id of the item that is the root cause, if it is blocked.
    pub cause: Option<Text<'a>>,
    /// One short, stable line about the observation, if it passed.
    pub evidence: Option<Text<'a>>,
    /// When it last passed, if the ledger has that. Null if it passes now.
    #[schemars(with = "Option<String>")]
    pub last_passed: Option<Timestamp>,
    /// The subject at that time.
    pub last_subject: Option<Text<'a>>,
    /// Start of the first run of the current series of red ones. Null if no ledger was read.
    #[schemars(with = "Option<String>")]
    pub red_since: Option<Timestamp>,
    /// How long a passed result is valid.
    pub valid_for: Option<Duration>,
    /// Advice for when the item is red.
    pub hint: Option<Text<'a>>,
    /// The sign-off, if it is one.
    pub sign_off: Option<SignOff<'a>>,
    /// The steps of a person, as Markdown, for a manual item. Missing in documents of gate 0.1.
    #[serde(default)]
    pub manual: Option<Text<'a>>,
    /// The id of the item that it is nested below. Missing in documents of gate 0.1.
    #[serde(default)]
    pub parent: Option<Text<'a>>,
    /// SHA-256 of its source, in hexadecimal: its probes, expectations and needs as written. Missing in documents of
    /// gate 0.1.
    #[serde(default)]
    pub source: Option<Text<'a>>,
    /// SHA-256 of its definition, in hexadecimal: its source with variables filled in. Missing in documents of gate 0.1.
    #[serde(default)]
    pub definition: Option<Text<'a>>,
    /// Where the checklist states it.
    pub place: Place<'a>,
    /// The result of each of its probes, in order, and behind them of its cleanup.
    pub probes: Vec<Probe<'a>>,
    /// From its first attempt to its end.
    pub duration_ms: u64,
}

/// The sign-off of an item.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct SignOff<'a> {
    /// The role, such as `QA lead`.
    pub role: Text<'a>,
    /// Who signed, if that counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<Given<'a>>,
}

/// A sign-off that counts.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Given<'a> {
    /// The person: the verified principal, followed by the claimed name.
    pub by: Text<'a>,
    /// The day, in UTC.
    #[schemars(with = "String")]
    pub on: Date,
    /// The subject that was signed off.
    pub subject: Option<Text<'a>>,
    /// The ids of the items that it covers.
    pub covers: Vec<Text<'a>>,
    /// A short digest of their definitions.
    pub definition: Option<Text<'a>>,
}

/// The result of one probe.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Probe<'a> {
    /// The kind of probe, such as `http`.
    pub kind: Text<'a>,
    /// The name by which others refer to its observation.
    pub alias: Option<Text<'a>>,
    /// The check that it comes from.
    pub check: Option<Text<'a>>,
    /// Whether it is one of the item's `cleanup`. Missing for others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cleanup: bool,
    /// Its status: passed, failed, error, blocked or pending.
    pub status: Status,
    /// Every attempt, in order. Empty if it was blocked.
    pub attempts: Vec<Attempt<'a>>,
    /// The observation of the last attempt, redacted. Null if there was none, or if it is longer than 16 KiB and those
    /// of the run have more than 32 MiB together.
    #[schemars(with = "Option<serde_json::Value>")]
    pub observation: Option<Cow<'a, RawValue>>,
    /// One short, stable line about it.
    pub evidence: Option<Text<'a>>,
    /// Each expectation with what was found.
    pub expectations: Vec<Expectation<'a>>,
    /// Why nothing could be observed, or what it waits for.
    pub error: Option<Text<'a>>,
    /// Advice of the probe, if any.
    pub help: Option<Text<'a>>,
    /// A command line to reproduce it; secrets are written `$NAME`.
    pub reproduce: Option<Text<'a>>,
    /// The machine that it connected through, such as `deploy@bastion.example`.
    #[serde(default)]
    pub via: Option<Text<'a>>,
    /// TLS was not verified.
    pub insecure: bool,
    /// Where the checklist states it.
    pub place: Place<'a>,
}

/// One attempt.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attempt<'a> {
    /// Its status.
    pub status: Status,
    /// How long it took.
    pub duration_ms: u64,
    /// Why it did not pass.
    pub reason: Option<Text<'a>>,
}

/// One expectation and what was found.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Expectation<'a> {
    /// The path in the observation.
    pub path: Text<'a>,
    /// The expected value, in words.
    pub expected: Text<'a>,
    /// The observed value, shortened.
    pub observed: Text<'a>,
    /// Whether it is met.
    pub passed: bool,
    /// Whether it is a default of the kind of probe that `expect` does not override.
    #[serde(default)]
    pub default: bool,
    /// Where the checklist states it. Null if it passed, and for a default expectation.
    pub place: Option<Place<'a>>,
}

/// A known gap.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Gap<'a> {
    /// The gap, in a few words.
    pub gap: Text<'a>,
    /// The ids of the items that it explains.
    pub items: Vec<Text<'a>>,
    /// Such as `P1`.
    pub priority: Option<Text<'a>>,
    /// Who will close it.
    pub owner: Option<Text<'a>>,
    /// Notes.
    pub notes: Option<Text<'a>>,
    /// Through that day, in UTC, its items count as green.
    #[schemars(with = "Option<String>")]
    pub accepted_until: Option<Date>,
    /// Who accepted it.
    pub accepted_by: Option<Text<'a>>,
}

/// A place in a file, and the line there.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Place<'a> {
    /// The file, as the user named it.
    pub file: Text<'a>,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The whole line, without its end.
    pub text: Text<'a>,
}
