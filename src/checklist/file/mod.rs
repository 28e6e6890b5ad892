//! The checklist as in its file: what may be written where, and the manual of it.
//!
//! What belongs to parts that are read one by one, so that a slip in one does not hide those in others, is a [`Node`].

mod any;
mod lock_scope;

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

use crate::run::Severity;
use crate::yaml::{Duration, Node, Pause, Spanned};

use super::name::{ItemId, Name};
use super::signers::AllowedSigners;

pub use lock_scope::LockScope;

use any::{AnyExpect, AnyProbe, EachList, FileOrByRole, ItemChanges, OneOrMore};

/// How long to wait between two looks when nobody says.
pub const EVERY: Pause = Pause::constant(std::time::Duration::from_secs(1));

/// What must be true of an environment.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Checklist")]
pub struct FileChecklist {
    /// The bases that it extends: files `_NAME.yaml`, relative to this one, such as `_platform.yaml` or
    /// `[_platform.yaml, _web.yaml]`. What is here takes precedence over what is there, and sections and gaps are appended.
    #[serde(default)]
    #[schemars(with = "Option<OneOrMore>")]
    pub extends: Option<Node>,
    /// Changes to single items of the bases, by id, such as `{ logs: { deferred: PROD SETUP } }`; `null` removes a setting.
    #[serde(default)]
    #[schemars(with = "Option<BTreeMap<String, ItemChanges>>")]
    pub items: Option<Node>,
    /// The heading of the checklist, such as `Staging Readiness`.
    pub title: String,
    /// How far the locks of items reach: `run` keeps items of one run apart, `shared` those of all runs of this checklist
    /// that use the same PostgreSQL ledger, such as CI jobs and shards. Default: `run`.
    #[serde(default)]
    pub locks: LockScope,
    /// The project under which runs are recorded. Default: the Git remote `upstream` or `origin`, else the folder.
    #[serde(default)]
    pub project: Option<String>,
    /// What is being signed off, such as `${env.RELEASE}`. Sign-offs are bound to it.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub subject: Option<Node>,
    /// The file that `--markdown` writes when it is given no path, such as `docs/READINESS.md`. Relative to the folder
    /// that holds `checklists/`.
    #[serde(default)]
    pub markdown: Option<PathBuf>,
    /// Values that items refer to as `${vars.NAME}`. They may refer to `${env.X}` and to each other.
    #[serde(default)]
    #[schemars(with = "Option<BTreeMap<String, Node>>")]
    pub vars: Option<Node>,
    /// Values that no output may show, referred to as `${secrets.NAME}`. With nothing behind its name, a secret is the
    /// environment variable of that name. What needs one that is missing is blocked.
    #[serde(default)]
    #[schemars(with = "Option<BTreeMap<String, Option<FileSecret>>>")]
    pub secrets: Option<Node>,
    /// What counts for every probe that does not say otherwise.
    #[serde(default)]
    #[schemars(with = "Option<FileTiming>")]
    pub defaults: Option<Node>,
    /// The parts of the checklist, in order.
    #[schemars(with = "Vec<FileSection>", length(min = 1))]
    pub sections: Node,
    /// What is known to be missing.
    #[serde(default)]
    #[schemars(with = "Option<Vec<FileGap>>")]
    pub gaps: Option<Node>,
    /// The priorities of gaps that may be accepted for a while, such as `[P2, P3]`. Default: all but
    /// `P0` and `P1`.
    #[serde(default)]
    pub waivable: Option<Vec<String>>,
    /// The file of keys that may sign, as OpenSSH's `allowed_signers`, relative to the folder that holds `checklists/`; or
    /// one for each role, such as `{ QA lead: team/qa.signers, SRE: team/sre.signers }`.
    #[serde(default)]
    #[schemars(with = "Option<FileOrByRole>")]
    pub allowed_signers: Option<AllowedSigners>,
}

/// Where a secret comes from: one of these.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Secret")]
pub struct FileSecret {
    /// The environment variable that holds it, where that has another name, such as `STAGING_DB_URL`.
    #[serde(default)]
    pub env: Option<String>,
    /// The file that holds it, such as `/run/secrets/token`. Blanks and line breaks at its end don't count.
    #[serde(default)]
    pub file: Option<PathBuf>,
    /// The program that prints it, with its arguments, such as `[gh, auth, token]`. No shell reads them.
    #[serde(default)]
    pub command: Option<Vec<String>>,
}

/// How long a probe may take, and how often it looks.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Defaults")]
pub struct FileTiming {
    /// How long one look may take. `10s` if nobody says otherwise.
    #[serde(default, deserialize_with = "above_zero")]
    pub timeout: Option<Duration>,
    /// Whether to look again when a look is red. Not inherited by probes that have effects.
    #[serde(default, deserialize_with = "reachable_retry")]
    pub retry: Option<FileRetry>,
    /// The machine that probes connect from, such as `ssh://deploy@bastion.example`: for those that connect to something.
    /// Default: this machine.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub via: Option<Node>,
}

/// Looking again when a look is red. Green at a later attempt is passed, and marked flaky.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Retry")]
pub struct FileRetry {
    /// How many looks there are at most, the first among them. At least 1.
    pub attempts: NonZeroU32,
    /// How long to wait between two looks, such as `5s`; or `1s..30s`: 1 s at first, twice as long each time, 30 s at most.
    /// Default: `1s`.
    #[serde(default)]
    pub every: Option<Pause>,
    /// How many attempts in a row must be green, such as `3` for what is not steady at first. Default: 1.
    #[serde(default)]
    pub consecutive: Option<NonZeroU32>,
}

/// Looking again until it holds: for what takes a while to come true.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Eventually")]
pub struct FileEventually {
    /// How long it may take, such as `2m`.
    pub within: Duration,
    /// How long to wait between two looks, such as `5s`; or `1s..30s`: 1 s at first, twice as long each time, 30 s at most.
    /// Default: `1s`.
    #[serde(default)]
    pub every: Option<Pause>,
    /// How many attempts in a row must be green, such as `3` for what is not steady at first. Default: 1.
    #[serde(default)]
    pub consecutive: Option<NonZeroU32>,
}

/// A part of the checklist: items, text, changes, or several of these.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Section")]
pub struct FileSection {
    /// Its heading.
    pub title: String,
    /// The name by which `needs`, `--only` and `--skip` mean all of its items.
    #[serde(default)]
    pub id: Option<Spanned<Name>>,
    /// The text in parentheses after the heading.
    #[serde(default)]
    pub note: Option<String>,
    /// Markdown that is copied unchanged.
    #[serde(default)]
    pub text: Option<String>,
    /// The commits since some time, from `git log`, such as `{ since: last-green, paths: [backend] }`.
    #[serde(default)]
    pub changes: Option<Spanned<FileChanges>>,
    /// What counts for its probes, before the checklist's defaults.
    #[serde(default)]
    #[schemars(with = "Option<FileTiming>")]
    pub defaults: Option<Node>,
    /// The list for each of whose elements all of its items are made, such as `${vars.services}`.
    #[serde(default)]
    #[schemars(with = "Option<EachList>")]
    pub each: Option<Node>,
    /// What a person would tick, in order.
    #[serde(default)]
    #[schemars(with = "Option<Vec<FileItem>>")]
    pub items: Option<Node>,
}

/// The commits of the checklist's repository since some time.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Changes")]
pub struct FileChanges {
    /// `last-green`, the last whole run in which everything that gates was green; `last-sign-off`, the run that was signed
    /// last for another subject, and `last-green` where there is none; or a revision, such as `v1.4.0`. `last-green` if
    /// absent.
    #[serde(default)]
    #[schemars(with = "String", default = "last_green")]
    pub since: Since,
    /// Only commits that change something in these files and folders, relative to the folder that holds `checklists/`.
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

/// One line that a person would tick. It has `probes`, or `sign_off`, or `deferred`, or `pending`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Item")]
pub struct FileItem {
    /// Its name, such as `db-head`: letters, digits, `-` and `_`.
    pub id: Spanned<ItemId>,
    /// The list for each of whose elements an item is made, such as `${vars.services}`. Items are called `ID/NAME`, after the
    /// element or its `name`, and refer to it as `${each}` or `${each.FIELD}`.
    #[serde(default)]
    #[schemars(with = "Option<EachList>")]
    pub each: Option<Node>,
    /// What a person would tick.
    pub title: String,
    /// The id of an earlier item of the same section; the Markdown shows this one nested below it.
    #[serde(default)]
    pub parent: Option<Spanned<String>>,
    /// Who looks after it, such as `@platform`.
    #[serde(default)]
    pub owner: Option<String>,
    /// How bad it is that it is red: `P0` (the worst) to `P4`. `--severity P1` selects `P0` and `P1`.
    #[serde(default)]
    pub severity: Option<Severity>,
    /// Words by which `--only` and `--skip` select it.
    #[serde(default)]
    pub tags: Vec<Spanned<Name>>,
    /// Ids of items and sections that must be green; else this one is blocked.
    #[serde(default)]
    pub needs: Vec<Spanned<String>>,
    /// It never runs beside another item with one of these locks.
    #[serde(default)]
    pub locks: Vec<String>,
    /// It runs beside nothing else.
    #[serde(default)]
    pub exclusive: bool,
    /// It is shown with its true status, but never gates.
    #[serde(default)]
    pub advisory: bool,
    /// Why it is not required at this stage. It is shown, not run, and does not gate.
    #[serde(default)]
    pub deferred: Option<Spanned<String>>,
    /// Why nobody can look at it yet, such as `NEEDS RUN`. It is pending, which is not green, until it has `probes`.
    #[serde(default)]
    pub pending: Option<Spanned<String>>,
    /// How long it may be believed that it passed, such as `7d`. In what is shown later from the ledger, it is pending
    /// after that. Default: unlimited.
    #[serde(default)]
    pub valid_for: Option<Spanned<Duration>>,
    /// Who must sign it off. It covers the items in `needs`; without `needs`, the steps in `manual`.
    #[serde(default)]
    pub sign_off: Option<Spanned<FileSignOff>>,
    /// Markdown: the steps that a person does, for what no probe can check, such as `1. Call the on-call number`. Such an
    /// item has a `sign_off`, and is judged by that alone.
    #[serde(default)]
    pub manual: Option<Spanned<String>>,
    /// Ways to look at it, in order. All must be green.
    #[serde(default)]
    #[schemars(with = "Option<Vec<AnyProbe>>")]
    pub probes: Option<Node>,
    /// The text after its tick, such as `commit ${main.short}`. Default: what its probes report.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub evidence: Option<Node>,
    /// What to do when it is red.
    #[serde(default)]
    pub hint: Option<String>,
    /// How long one look of its probes may take, such as `30s`.
    #[serde(default, deserialize_with = "above_zero")]
    pub timeout: Option<Duration>,
    /// Whether its probes look again when they are red.
    #[serde(default, deserialize_with = "reachable_retry")]
    pub retry: Option<FileRetry>,
    /// The machine that its probes connect from, such as `ssh://deploy@bastion.example`. Default: what `defaults` says.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub via: Option<Node>,
}

/// A person's part.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SignOff")]
pub struct FileSignOff {
    /// The role, such as `QA lead`.
    pub role: String,
    /// How long it counts, such as `7d`. Default: until the subject changes. Required in a checklist without `subject`.
    #[serde(default)]
    pub valid_for: Option<Duration>,
    /// Who may sign it off: mail addresses, or names where a sign-off has no address, such as `[dana@example.com]`.
    /// Default: anybody.
    #[serde(default)]
    pub by: Option<Vec<String>>,
    /// Only what is signed with a key counts: one that the checklist's `allowed_signers` has for the address.
    #[serde(default)]
    pub signed: bool,
}

/// What may stand beside a probe's kind.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ProbeOptions")]
pub struct FileProbe {
    /// The name by which later probes, the evidence and other items refer to what it saw.
    #[serde(default, rename = "as")]
    pub alias: Option<Spanned<Name>>,
    /// What the observation must be: from a path in it to a matcher, such as `{ status: 200 }`. Default: the
    /// default expectations of this kind of probe.
    #[serde(default)]
    #[schemars(with = "Option<AnyExpect>")]
    pub expect: Option<Node>,
    /// How long one look may take, such as `30s`.
    #[serde(default, deserialize_with = "above_zero")]
    pub timeout: Option<Duration>,
    /// Whether to look again when it is red.
    #[serde(default, deserialize_with = "reachable_retry")]
    #[schemars(with = "Option<FileRetry>")]
    pub retry: Option<Spanned<FileRetry>>,
    /// Look again until it holds, instead of `retry`.
    #[serde(default, deserialize_with = "reachable_eventually")]
    #[schemars(with = "Option<FileEventually>")]
    pub eventually: Option<Spanned<FileEventually>>,
}

/// A check that is where a probe could.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Use")]
pub struct FileUse {
    /// The check's name: `upstash-redis` for `checks/upstash-redis.yaml`.
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
    /// What it is for, in one sentence.
    pub description: String,
    /// What it has to be given, and its probes refer to as `${inputs.NAME}`. They can refer to nothing else from outside.
    #[serde(default)]
    #[schemars(with = "Option<BTreeMap<String, FileInput>>")]
    pub inputs: Option<Node>,
    /// Ways to look, in order.
    #[schemars(with = "Vec<AnyProbe>", length(min = 1))]
    pub probes: Node,
}

/// What a check has to be given.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Input")]
pub struct FileInput {
    /// What it is, in one sentence.
    pub description: String,
    /// What it is when nobody gives it; with `null`, the setting that it fills is as if it were absent. An input without a
    /// default has to be given.
    #[serde(default, deserialize_with = "also_null")]
    #[schemars(with = "Option<Node>")]
    pub default: Option<Node>,
    /// A value that somebody would give: its manual shows it.
    #[serde(default)]
    pub example: Option<Node>,
}

/// `null` is a value too.
fn also_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Node>, D::Error> {
    Node::deserialize(deserializer).map(Some)
}

/// Something that people know to be missing.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Gap")]
pub struct FileGap {
    /// What is missing.
    pub gap: String,
    /// The ids of the items that it explains.
    #[serde(default)]
    pub items: Vec<Spanned<String>>,
    /// One of `P0` to `P4` where it is accepted for a while; else any word.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub priority: Option<Spanned<String>>,
    /// Who will close it.
    #[serde(default)]
    pub owner: Option<String>,
    /// Anything else.
    #[serde(default)]
    pub notes: Option<String>,
    /// Through that day, in UTC, its items count as green, such as `2026-03-01`. At most a year ahead. Needs
    /// `accepted_by`, and a priority that is `waivable`.
    #[serde(default, deserialize_with = "day")]
    #[schemars(with = "Option<String>")]
    pub accepted_until: Option<Spanned<jiff::civil::Date>>,
    /// Who accepted that.
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

/// No time at all is not a time to look.
fn above_zero<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let time = Option::<Duration>::deserialize(deserializer)?;
    if time.is_some_and(|time| time.0.is_zero()) {
        return Err(de::Error::custom("a timeout of nothing leaves no time to look"));
    }
    Ok(time)
}

impl Borrow<FileRetry> for Spanned<FileRetry> {
    fn borrow(&self) -> &FileRetry {
        &self.value
    }
}

/// More green attempts in a row than there are attempts can't be reached.
fn reachable_retry<'de, D: Deserializer<'de>, T: Deserialize<'de> + Borrow<FileRetry>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let retry = Option::<T>::deserialize(deserializer)?;
    let is_short = |retry: &FileRetry| retry.consecutive.is_some_and(|wanted| wanted > retry.attempts);
    match retry.as_ref().map(Borrow::borrow).filter(|retry| is_short(retry)) {
        Some(FileRetry { attempts, .. }) => Err(de::Error::custom(format!(
            "{attempts} attempts can never be green more often in a row: raise `attempts`, or lower `consecutive`"
        ))),
        None => Ok(retry),
    }
}

/// The same for attempts that don't fit into the time.
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
        Some(_) => Err(de::Error::custom("so many attempts don't fit into `within`: raise it, or lower `consecutive`")),
        None => Ok(eventually),
    }
}
