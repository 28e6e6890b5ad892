//! The document in which the ledger stores a run, version 1: frozen. Stored documents stay readable forever.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::run::{Interruption, Severity, Status};
use crate::yaml::Duration;

/// The name of this form.
pub const SCHEMA: &str = "gate.ledger/v1";

/// The number of this form. It grows when a reader of the old form would be misled.
pub const VERSION: u32 = 1;

/// Text that is borrowed from a run when it is written, and owned when it is read.
type Text<'a> = Cow<'a, str>;

/// One execution of a checklist.
#[derive(Debug, Serialize, Deserialize)]
pub struct Document<'a> {
    #[serde(default)]
    pub schema: Option<Text<'a>>,
    pub version: u32,
    pub gate: Text<'a>,
    pub name: Text<'a>,
    pub title: Text<'a>,
    pub file: Text<'a>,
    pub digest: Text<'a>,
    pub subject: Option<Text<'a>>,
    pub started: Timestamp,
    pub duration_ms: u64,
    pub partial: Option<Text<'a>>,
    pub interrupted: Option<Interruption>,
    pub commit: Option<Text<'a>>,
    #[serde(default)]
    pub dirty: Option<bool>,
    #[serde(default)]
    pub vars: Option<Text<'a>>,
    pub host: Option<Text<'a>>,
    pub user: Option<Text<'a>>,
    pub ci: Option<Text<'a>>,
    pub sections: Vec<Section<'a>>,
    pub gaps: Vec<Gap<'a>>,
}

/// A section of the checklist.
#[derive(Debug, Serialize, Deserialize)]
pub struct Section<'a> {
    pub id: Option<Text<'a>>,
    pub title: Text<'a>,
    pub note: Option<Text<'a>>,
    pub text: Option<Text<'a>>,
    pub changes: Option<Changes<'a>>,
    pub items: Vec<Item<'a>>,
}

/// The commits since a revision.
#[derive(Debug, Serialize, Deserialize)]
pub struct Changes<'a> {
    pub since: Text<'a>,
    pub commits: Vec<Commit<'a>>,
    pub more: u64,
    pub problem: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weaker: Vec<Weaker<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncompared: Option<Text<'a>>,
}

/// Something that asks less than before.
#[derive(Debug, Serialize, Deserialize)]
pub struct Weaker<'a> {
    pub item: Text<'a>,
    pub what: Text<'a>,
}

/// One commit.
#[derive(Debug, Serialize, Deserialize)]
pub struct Commit<'a> {
    pub id: Text<'a>,
    pub date: Text<'a>,
    pub subject: Text<'a>,
}

/// The result of one item.
#[derive(Debug, Serialize, Deserialize)]
pub struct Item<'a> {
    pub id: Text<'a>,
    pub title: Text<'a>,
    pub owner: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    pub tags: Vec<Text<'a>>,
    pub status: Status,
    pub flaky: bool,
    #[serde(default)]
    pub stale: bool,
    pub advisory: bool,
    pub insecure: bool,
    pub reason: Option<Text<'a>>,
    pub cause: Option<Text<'a>>,
    pub evidence: Option<Text<'a>>,
    pub last_passed: Option<Timestamp>,
    pub last_subject: Option<Text<'a>>,
    pub red_since: Option<Timestamp>,
    pub valid_for: Option<Duration>,
    pub hint: Option<Text<'a>>,
    pub sign_off: Option<SignOff<'a>>,
    #[serde(default)]
    pub manual: Option<Text<'a>>,
    #[serde(default)]
    pub parent: Option<Text<'a>>,
    #[serde(default)]
    pub source: Option<Text<'a>>,
    #[serde(default)]
    pub definition: Option<Text<'a>>,
    #[serde(default)]
    pub requirements: Option<Requirements<'a>>,
    pub place: Place<'a>,
    pub probes: Vec<Probe<'a>>,
    pub duration_ms: u64,
}

/// The requirements of an item.
#[derive(Debug, Serialize, Deserialize)]
pub struct Requirements<'a> {
    pub probes: Vec<ProbeRequirement<'a>>,
    pub secrets: Vec<(Text<'a>, Text<'a>)>,
}

/// The requirements of one probe.
#[derive(Debug, Serialize, Deserialize)]
pub struct ProbeRequirement<'a> {
    pub kind: Text<'a>,
    pub check: Option<Text<'a>>,
    pub is_own_check: bool,
    pub expectations: Vec<(Text<'a>, Text<'a>)>,
    pub timeout_ms: u64,
    pub attempts: u32,
    pub insecure: bool,
}

/// Who has to sign.
#[derive(Debug, Serialize, Deserialize)]
pub struct SignOff<'a> {
    pub role: Text<'a>,
}

/// The result of one probe.
#[derive(Debug, Serialize, Deserialize)]
pub struct Probe<'a> {
    pub kind: Text<'a>,
    pub alias: Option<Text<'a>>,
    pub check: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cleanup: bool,
    pub status: Status,
    pub attempts: Vec<Attempt<'a>>,
    pub observation: Option<Cow<'a, RawValue>>,
    pub evidence: Option<Text<'a>>,
    pub expectations: Vec<Expectation<'a>>,
    pub error: Option<Text<'a>>,
    pub help: Option<Text<'a>>,
    pub reproduce: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Text<'a>>,
    pub insecure: bool,
    pub place: Place<'a>,
}

/// One attempt.
#[derive(Debug, Serialize, Deserialize)]
pub struct Attempt<'a> {
    pub status: Status,
    pub duration_ms: u64,
    pub reason: Option<Text<'a>>,
}

/// One expectation and what was found.
#[derive(Debug, Serialize, Deserialize)]
pub struct Expectation<'a> {
    pub path: Text<'a>,
    pub expected: Text<'a>,
    pub observed: Text<'a>,
    pub passed: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
    pub place: Option<Place<'a>>,
}

/// A known gap.
#[derive(Debug, Serialize, Deserialize)]
pub struct Gap<'a> {
    pub gap: Text<'a>,
    pub items: Vec<Text<'a>>,
    pub priority: Option<Text<'a>>,
    pub owner: Option<Text<'a>>,
    pub notes: Option<Text<'a>>,
    pub accepted_until: Option<Date>,
    pub accepted_by: Option<Text<'a>>,
}

/// A place in a file, and the line there.
#[derive(Debug, Serialize, Deserialize)]
pub struct Place<'a> {
    pub file: Text<'a>,
    pub line: usize,
    pub column: usize,
    pub text: Text<'a>,
}
