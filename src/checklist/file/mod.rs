//! The checklist as in its file: its keys, and their documentation.
//!
//! A part that is read separately, so that a mistake in it does not hide those in others, is a [`Node`].

mod any;
mod item;
mod lock_scope;

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

use crate::yaml::{Duration, Node, Pause, Spanned};

use super::name::Name;
use super::signers::AllowedSigners;

pub use item::{FileItem, FileSignOff};
pub use lock_scope::LockScope;

use any::{AnyExpect, AnyProbe, EachList, FileOrByRole, ItemChanges, OneOrMore};

/// Pause between two attempts by default.
pub const EVERY: Pause = Pause::constant(std::time::Duration::from_secs(1));

/// The requirements for an environment.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Checklist")]
pub struct FileChecklist {
    /// The bases that it extends: files `_NAME.yaml`, relative to this one, such as `_platform.yaml` or
    /// `[_platform.yaml, _web.yaml]`. This file takes precedence over them, and sections and gaps are appended.
    #[serde(default)]
    #[schemars(with = "Option<OneOrMore>")]
    pub extends: Option<Node>,
    /// Changes to single items of the bases, by id, such as `{ logs: { deferred: PROD SETUP } }`; `null` removes a setting.
    #[serde(default)]
    #[schemars(with = "Option<BTreeMap<String, ItemChanges>>")]
    pub items: Option<Node>,
    /// The title of the checklist, such as `Staging Readiness`.
    pub title: String,
    /// Scope of the locks of items: `run` keeps items of one run apart, `shared` those of all runs of this checklist
    /// that use the same PostgreSQL ledger, such as CI jobs and shards. Default: `run`.
    #[serde(default)]
    pub locks: LockScope,
    /// The project under which runs are recorded, such as `github.com/acme/shop`. Default: the Git remote `upstream` or `origin`, else the folder.
    #[serde(default)]
    pub project: Option<String>,
    /// The release or commit that is signed off, such as `${env.RELEASE}`. Sign-offs are bound to it.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub subject: Option<Node>,
    /// The file that `--markdown` writes without a path, such as `docs/READINESS.md`. Relative to the folder that
    /// contains `checklists/`.
    #[serde(default)]
    pub markdown: Option<PathBuf>,
    /// Values that items refer to as `${vars.NAME}`, such as `{ api: https://api.staging.example }`. They may refer to
    /// `${env.X}` and to each other.
    #[serde(default)]
    #[schemars(with = "Option<BTreeMap<String, Node>>")]
    pub vars: Option<Node>,
    /// Values that no output may show, referred to as `${secrets.NAME}`. Without a value, a secret is read from the
    /// environment variable of that name. Items that need a missing secret are blocked.
    #[serde(default)]
    #[schemars(with = "Option<BTreeMap<String, Option<FileSecret>>>")]
    pub secrets: Option<Node>,
    /// Defaults of all probes, such as `{ timeout: 30s }`.
    #[serde(default)]
    #[schemars(with = "Option<FileTiming>")]
    pub defaults: Option<Node>,
    /// The parts of the checklist, in order.
    #[schemars(with = "Vec<FileSection>", length(min = 1))]
    pub sections: Node,
    /// Known gaps: what is known to be missing, such as `[{ gap: No replica yet, items: [replay] }]`.
    #[serde(default)]
    #[schemars(with = "Option<Vec<FileGap>>")]
    pub gaps: Option<Node>,
    /// The priorities of gaps that may be accepted temporarily, such as `[P2, P3]`. Default: all but `P0` and `P1`.
    #[serde(default)]
    pub waivable: Option<Vec<String>>,
    /// The file of keys that may sign, as OpenSSH's `allowed_signers`, relative to the folder that contains `checklists/`; or
    /// one for each role, such as `{ QA lead: team/qa.signers, SRE: team/sre.signers }`.
    #[serde(default)]
    #[schemars(with = "Option<FileOrByRole>")]
    pub allowed_signers: Option<AllowedSigners>,
}

/// The source of a secret: one of these.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Secret")]
pub struct FileSecret {
    /// The environment variable of its value, if that has another name, such as `STAGING_DB_URL`.
    #[serde(default)]
    pub env: Option<String>,
    /// The file of its value, such as `/run/secrets/token`. Blanks and line breaks at its end don't count.
    #[serde(default)]
    pub file: Option<PathBuf>,
    /// The program that prints its value, with arguments, such as `[gh, auth, token]`. No shell is involved. It may take
    /// 30s and print 1 MiB; items that don't use the secret run meanwhile.
    #[serde(default)]
    pub command: Option<Vec<String>>,
}

/// Timeout and retries of a probe.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Defaults")]
pub struct FileTiming {
    /// Timeout of one attempt, such as `30s`. Default: `10s`.
    #[serde(default, deserialize_with = "above_zero")]
    pub timeout: Option<Duration>,
    /// Retries of a failed attempt. Not inherited by probes that have effects.
    #[serde(default, deserialize_with = "reachable_retry")]
    pub retry: Option<FileRetry>,
    /// The machine that probes connect from, such as `ssh://deploy@bastion.example`; for probes that open connections.
    /// Default: this machine.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub via: Option<Node>,
}

/// Retries of a failed attempt. An item that passes at a later attempt is passed, and marked flaky.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Retry")]
pub struct FileRetry {
    /// Maximum number of attempts, including the first, such as `3`. At least 1.
    pub attempts: NonZeroU32,
    /// Pause between two attempts, such as `5s`; or `1s..30s`: 1 s at first, twice as long each time, at most 30 s.
    /// Default: `1s`.
    #[serde(default)]
    pub every: Option<Pause>,
    /// Number of attempts in a row that must pass, such as `3` for a service that is unstable at first. Default: 1.
    #[serde(default)]
    pub consecutive: Option<NonZeroU32>,
}

/// Repeats a probe until it passes, for conditions that take time.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Eventually")]
pub struct FileEventually {
    /// Maximum time, such as `2m`. An attempt that begins in time may end later, by its `timeout` at most.
    pub within: Duration,
    /// Pause between two attempts, such as `5s`; or `1s..30s`: 1 s at first, twice as long each time, at most 30 s.
    /// Default: `1s`.
    #[serde(default)]
    pub every: Option<Pause>,
    /// Number of attempts in a row that must pass, such as `3` for a service that is unstable at first. Default: 1.
    #[serde(default)]
    pub consecutive: Option<NonZeroU32>,
}

/// A part of the checklist: items, text, changes, or several of these.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Section")]
pub struct FileSection {
    /// Its title, such as `Data`.
    pub title: String,
    /// The name by which `needs`, `--only` and `--skip` refer to all of its items.
    #[serde(default)]
    pub id: Option<Spanned<Name>>,
    /// Text in parentheses after the title, such as `daily`.
    #[serde(default)]
    pub note: Option<String>,
    /// Markdown that is copied as it is.
    #[serde(default)]
    pub text: Option<String>,
    /// Commits in a range, from `git log`, such as `{ since: last-green, paths: [backend] }`.
    #[serde(default)]
    pub changes: Option<Spanned<FileChanges>>,
    /// Defaults of its probes; they take precedence over those of the checklist.
    #[serde(default)]
    #[schemars(with = "Option<FileTiming>")]
    pub defaults: Option<Node>,
    /// The list from which its items are made, one for each element, such as `${vars.services}`.
    #[serde(default)]
    #[schemars(with = "Option<EachList>")]
    pub each: Option<Node>,
    /// Its items, in order.
    #[serde(default)]
    #[schemars(with = "Option<Vec<FileItem>>")]
    pub items: Option<Node>,
}

/// The commits of the checklist's repository in a range.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Changes")]
pub struct FileChanges {
    /// `last-green`, the last full run in which every required item was green; `last-sign-off`, the run that was signed
    /// last for another subject, or `last-green` if there is none; or a revision, such as `v1.4.0`. Default:
    /// `last-green`.
    #[serde(default)]
    #[schemars(with = "String", default = "last_green")]
    pub since: Since,
    /// Only commits that change something in these files and folders, relative to the folder that contains `checklists/`.
    /// Default: all.
    #[serde(default)]
    pub paths: Vec<String>,
}

fn last_green() -> String {
    "last-green".to_owned()
}

/// Where `changes` begin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum Since {
    /// `last-green`.
    #[default]
    LastGreen,
    /// `last-sign-off`.
    LastSignOff,
    /// A revision.
    Revision(String),
}

impl From<String> for Since {
    fn from(text: String) -> Self {
        match text.as_str() {
            "last-green" => Self::LastGreen,
            "last-sign-off" => Self::LastSignOff,
            _ => Self::Revision(text),
        }
    }
}

/// The keys beside a probe's kind.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ProbeOptions")]
pub struct FileProbe {
    /// The name by which later probes, the evidence and other items refer to its observation.
    #[serde(default, rename = "as")]
    pub alias: Option<Spanned<Name>>,
    /// The expected observation: a map from paths to values or operators, such as `{ status: 200 }`. Default: the
    /// default expectations of this kind of probe.
    #[serde(default)]
    #[schemars(with = "Option<AnyExpect>")]
    pub expect: Option<Node>,
    /// Timeout of one attempt, such as `30s`.
    #[serde(default, deserialize_with = "above_zero")]
    pub timeout: Option<Duration>,
    /// Retries of a failed attempt.
    #[serde(default, deserialize_with = "reachable_retry")]
    #[schemars(with = "Option<FileRetry>")]
    pub retry: Option<Spanned<FileRetry>>,
    /// Repeat until it passes, instead of `retry`.
    #[serde(default, deserialize_with = "reachable_eventually")]
    #[schemars(with = "Option<FileEventually>")]
    pub eventually: Option<Spanned<FileEventually>>,
}

/// The use of a check in place of a probe.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Use")]
pub struct FileUse {
    /// The name of the check: `upstash-redis` for `checks/upstash-redis.yaml`.
    #[serde(rename = "use")]
    pub name: Spanned<String>,
    /// Its inputs.
    #[serde(default)]
    #[schemars(with = "Option<BTreeMap<String, Node>>")]
    pub with: Option<Node>,
    /// The machine that its probes connect from, such as `ssh://deploy@bastion.example`. Default: that of the item.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub via: Option<Node>,
}

/// A reusable list of probes: the file `checks/NAME.yaml`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Check")]
pub struct FileCheck {
    /// One sentence that says what the check verifies.
    pub description: String,
    /// Its inputs. Its probes refer to them as `${inputs.NAME}`, and to nothing else outside of the check.
    #[serde(default)]
    #[schemars(with = "Option<BTreeMap<String, FileInput>>")]
    pub inputs: Option<Node>,
    /// Its probes, in order.
    #[schemars(with = "Vec<AnyProbe>", length(min = 1))]
    pub probes: Node,
}

/// An input of a check.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Input")]
pub struct FileInput {
    /// One sentence that says what the input is.
    pub description: String,
    /// Its default; with `null`, the setting that it fills is treated as absent. An input without a default is
    /// required.
    #[serde(default, deserialize_with = "also_null")]
    #[schemars(with = "Option<Node>")]
    pub default: Option<Node>,
    /// An example value for its manual.
    #[serde(default)]
    pub example: Option<Node>,
}

/// `null` is a value, too.
fn also_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Node>, D::Error> {
    Node::deserialize(deserializer).map(Some)
}

/// Something that is known to be missing.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Gap")]
pub struct FileGap {
    /// The gap, in a few words, such as `No replica yet`.
    pub gap: String,
    /// The ids of the items that it explains, such as `[replay]`.
    #[serde(default)]
    pub items: Vec<Spanned<String>>,
    /// One of `P0` to `P4` if it is accepted temporarily; else any word.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub priority: Option<Spanned<String>>,
    /// Who will close it, such as `@platform`.
    #[serde(default)]
    pub owner: Option<String>,
    /// Notes.
    #[serde(default)]
    pub notes: Option<String>,
    /// Through that day, in UTC, its items count as green, such as `2026-03-01`. At most a year ahead. Requires
    /// `accepted_by`, and a priority that is `waivable`.
    #[serde(default, deserialize_with = "day")]
    #[schemars(with = "Option<String>")]
    pub accepted_until: Option<Spanned<jiff::civil::Date>>,
    /// Who accepted it, such as `@sre-lead`.
    #[serde(default)]
    pub accepted_by: Option<String>,
}

/// A day as `YYYY-MM-DD`.
fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Spanned<jiff::civil::Date>>, D::Error> {
    let Some(Spanned { value, span }) = Option::<Spanned<String>>::deserialize(deserializer)? else { return Ok(None) };
    let is_dated = value.len() == 10 && value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    match value.parse().ok().filter(|_| is_dated) {
        Some(value) => Ok(Some(Spanned { value, span })),
        None => Err(de::Error::custom(format!(
            "invalid date `{value}`: write a day of the calendar as YYYY-MM-DD, such as 2026-03-01"
        ))),
    }
}

/// A timeout of zero leaves no time for an attempt.
fn above_zero<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let time = Option::<Duration>::deserialize(deserializer)?;
    if time.is_some_and(|time| time.0.is_zero()) {
        return Err(de::Error::custom("`timeout` must be greater than zero"));
    }
    Ok(time)
}

impl Borrow<FileRetry> for Spanned<FileRetry> {
    fn borrow(&self) -> &FileRetry {
        &self.value
    }
}

/// There can't be more green attempts in a row than attempts.
fn reachable_retry<'de, D: Deserializer<'de>, T: Deserialize<'de> + Borrow<FileRetry>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let retry = Option::<T>::deserialize(deserializer)?;
    let is_short = |retry: &FileRetry| retry.consecutive.is_some_and(|wanted| wanted > retry.attempts);
    match retry.as_ref().map(Borrow::borrow).filter(|retry| is_short(retry)) {
        Some(FileRetry { attempts, .. }) => Err(de::Error::custom(format!(
            "`consecutive` is greater than `attempts` ({attempts}): raise `attempts`, or lower `consecutive`"
        ))),
        None => Ok(retry),
    }
}

/// The same for attempts that take longer than `within`.
fn reachable_eventually<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Spanned<FileEventually>>, D::Error> {
    let eventually = Option::<Spanned<FileEventually>>::deserialize(deserializer)?;
    let is_short = |eventually: &Spanned<FileEventually>| {
        let FileEventually { within, every, consecutive } = eventually.value;
        let pauses = consecutive.map_or(0, |wanted| wanted.get() - 1);
        every.unwrap_or(EVERY).first.saturating_mul(pauses) > within.0
    };
    match eventually.as_ref().filter(|eventually| is_short(eventually)) {
        Some(_) => Err(de::Error::custom(
            "`within` is too short for this number of attempts: raise it, or lower `consecutive`",
        )),
        None => Ok(eventually),
    }
}
