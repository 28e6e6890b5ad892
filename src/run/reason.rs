//! Why an item is not green: types that code decides by, and the sentence that reports print for each.

use std::collections::HashSet;
use std::fmt;

use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};

use crate::yaml::Duration;

use super::{Interruption, Shard, Status};

/// Why an item or a probe is not green, or why it counts as green without having passed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reason {
    /// A probe's observation is not as expected, or it could not observe anything.
    Observed(String),
    /// The checklist's own text for `deferred` or `pending`.
    Stated(String),
    /// It was not run.
    Blocked(BlockedBecause),
    /// It was running when the run was interrupted.
    Interrupted {
        /// The run was interrupted.
        by: Interruption,
        /// Why its last attempt was not green, where there was one.
        last: Option<String>,
    },
    /// Its probes passed, but what was to clean up behind them did not, and why.
    Cleanup(Box<Reason>),
    /// It was interrupted, and its cleanup did not finish.
    Uncleaned {
        /// The interruption.
        why: Box<Reason>,
        /// Why the cleanup did not finish.
        cleanup: Box<Reason>,
    },
    /// It passed longer ago than `valid_for` allows.
    Expired {
        /// The day on which it passed, in UTC.
        verified: Date,
        /// How long that is valid.
        valid_for: Duration,
    },
    /// A sign-off that does not count.
    SignOff(SignOffReason),
    /// The sentence of a stored run or report, without further details.
    Recorded(String),
}

/// Why an item or a probe was not run.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum BlockedBecause {
    /// A need is not green.
    Need {
        /// The item that is the root cause, not the nearest one.
        root: String,
        /// Its status.
        status: Status,
        /// Why it is not green.
        why: Option<Box<Reason>>,
        /// How many other root causes its needs have, at least.
        others: usize,
    },
    /// A need was not run this time.
    NeedNotRun(String),
    /// Something that it refers to is missing.
    Missing(Missing),
    /// It has effects, and `--read-only` blocks those. Its kind.
    ReadOnly(String),
    /// `--fail-fast` stopped the run after this item.
    FailFast(String),
    /// The run was interrupted before it started.
    Interrupted(Interruption),
    /// The same, and what it waited for: such as `waited for the lock api`.
    Waiting(Interruption, String),
    /// The report of the shard that was to run it is missing.
    ShardMissing(Shard),
    /// The shard that ran it started too long before the last one.
    ShardLate(Shard, Duration),
}

/// A missing value that an item refers to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Missing {
    /// This variable of the environment is not set.
    Unset(String),
    /// This variable or secret is empty.
    Empty(String),
    /// This secret could not be read.
    Unreadable {
        /// Its name.
        name: String,
        /// Why.
        why: String,
        /// The next step for the user.
        help: String,
    },
    /// This secret is so short that it can't be redacted in reports; the minimum number of characters.
    Short(String, usize),
    /// This secret was not read.
    NotRead(String),
    /// The probe of this name is not green.
    NotGreen(String),
    /// The probe of this name observed nothing.
    NotSeen(String),
    /// The observation of the probe of this name lacks the path, and how.
    NotObserved(String, String),
    /// A value does not fit where it is used, and why.
    Misfit(String),
    /// The reference is undefined.
    Unknown,
    /// Several of these.
    Several(Vec<Missing>),
}

/// Why a sign-off does not count.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SignOffReason {
    /// Nobody has signed.
    Unsigned,
    /// The checklist's subject is not set.
    NoSubject,
    /// The entry is refused, and why.
    Refused(Signed, String),
    /// It was revoked.
    Revoked(Signed),
    /// It was given for another subject than this one.
    OtherSubject(Signed, Option<String>),
    /// Its `valid_for` ended then.
    Expired(Signed, Timestamp),
    /// The title of the checklist has changed.
    Retitled(Signed),
    /// This setting of the sign-off has changed.
    OtherTerms(Signed, &'static str),
    /// This item that it covers was excused after it was signed.
    Excused(Signed, String, Excuse),
    /// The definition of this item that it covers has changed.
    Redefined(Signed, String),
    /// It is of the old single file, and its definitions have changed or contain variables.
    Outdated(Signed),
    /// This item that it covers failed in a later run, which began then.
    FailedLater(Signed, String, Timestamp),
    /// An item that it covers is not green, and why.
    NotGreen(Signed, Box<Reason>),
    /// A partial run does not show whether all that it covers is green.
    Partial(Signed),
}

/// Why an item is excused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Excuse {
    /// A gap waives it.
    Waived,
    /// It is deferred.
    Deferred,
    /// It is advisory.
    Advisory,
}

/// Who signed off, or revoked that, and when.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Signed {
    /// Whether it is a sign-off; else it is a revocation.
    pub is_given: bool,
    /// The day, in UTC.
    pub on: Date,
    /// The person's name.
    pub by: String,
    /// The subject that was signed off.
    pub subject: Option<String>,
    /// The ids of the items that it covers.
    pub covers: Vec<String>,
    /// A short digest of their definitions.
    pub definition: Option<String>,
}

impl Reason {
    /// Whether a variable is missing: to set it is what helps.
    pub fn is_unset(&self) -> bool {
        matches!(self, Self::Blocked(BlockedBecause::Missing(missing)) if missing.is_unset())
    }

    /// The same of an item whose cleanup did not finish.
    pub fn uncleaned(self, cleanup: Reason) -> Self {
        Self::Uncleaned { why: Box::new(self), cleanup: Box::new(cleanup) }
    }

    /// Whether the item was not run for a reason outside of it: its state is unchanged.
    pub fn is_not_run(&self) -> bool {
        match self {
            Self::Cleanup(why) | Self::Uncleaned { why, .. } => why.is_not_run(),
            Self::Blocked(BlockedBecause::Need { why, .. }) => why.as_deref().is_some_and(Self::is_not_run),
            Self::Blocked(
                BlockedBecause::NeedNotRun(_)
                | BlockedBecause::FailFast(_)
                | BlockedBecause::Interrupted(_)
                | BlockedBecause::Waiting(..)
                | BlockedBecause::ShardMissing(_)
                | BlockedBecause::ShardLate(..),
            )
            | Self::Interrupted { .. } => true,
            Self::Blocked(BlockedBecause::Missing(_) | BlockedBecause::ReadOnly(_))
            | Self::Observed(_)
            | Self::Stated(_)
            | Self::Expired { .. }
            | Self::SignOff(_)
            | Self::Recorded(_) => false,
        }
    }
}

impl Interruption {
    /// Why an item did not start, and what it waited for, if that is known.
    pub fn before_start(self, waited: Option<String>) -> BlockedBecause {
        match waited {
            Some(what) => BlockedBecause::Waiting(self, what),
            None => BlockedBecause::Interrupted(self),
        }
    }
}

impl Missing {
    /// Whether setting a variable fixes it.
    pub fn is_unset(&self) -> bool {
        match self {
            Self::Unset(_) | Self::Empty(_) => true,
            Self::Several(all) => all.iter().all(Self::is_unset),
            Self::Unreadable { .. }
            | Self::Short(..)
            | Self::NotRead(_)
            | Self::NotGreen(_)
            | Self::NotSeen(_)
            | Self::NotObserved(..)
            | Self::Misfit(_)
            | Self::Unknown => false,
        }
    }

    /// Whether it comes from outside of the run.
    fn is_input(&self) -> bool {
        match self {
            Self::Unset(_) | Self::Empty(_) | Self::Unreadable { .. } | Self::Short(..) | Self::NotRead(_) => true,
            Self::NotGreen(_) | Self::NotSeen(_) | Self::NotObserved(..) | Self::Misfit(_) | Self::Unknown => false,
            Self::Several(all) => all.iter().all(Self::is_input),
        }
    }

    /// Both, if both are inputs; else the one that is, or the first.
    pub fn and(self, other: Self) -> Self {
        let parts = |one| if let Self::Several(parts) = one { parts } else { vec![one] };
        match (self.is_input(), other.is_input()) {
            (true, true) if self == other => self,
            (true, true) => {
                let mut all = parts(self);
                all.extend(parts(other));
                let mut seen = HashSet::new();
                all.retain(|one| seen.insert(one.clone()));
                Self::Several(all)
            }
            (false, true) => other,
            (_, false) => self,
        }
    }

    /// The next step for the user.
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::Unset(_) | Self::Empty(_) => Some("set it, or give it in a file: `--env-file FILE`"),
            Self::Unreadable { help, .. } => Some(help),
            Self::Short(..) => Some("use a longer secret"),
            Self::Several(all) => all.first()?.help(),
            Self::NotRead(_)
            | Self::NotGreen(_)
            | Self::NotSeen(_)
            | Self::NotObserved(..)
            | Self::Misfit(_)
            | Self::Unknown => None,
        }
    }
}

impl From<BlockedBecause> for Reason {
    fn from(because: BlockedBecause) -> Self {
        Self::Blocked(because)
    }
}

impl From<Missing> for Reason {
    fn from(missing: Missing) -> Self {
        Self::Blocked(BlockedBecause::Missing(missing))
    }
}

impl From<SignOffReason> for Reason {
    fn from(reason: SignOffReason) -> Self {
        Self::SignOff(reason)
    }
}

impl From<String> for Reason {
    fn from(sentence: String) -> Self {
        Self::Recorded(sentence)
    }
}

impl From<&str> for Reason {
    fn from(sentence: &str) -> Self {
        Self::Recorded(sentence.to_owned())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Observed(words) | Self::Stated(words) | Self::Recorded(words) => f.write_str(words),
            Self::Blocked(because) => because.fmt(f),
            Self::Interrupted { by, last } => {
                match by {
                    Interruption::Signal(signal) => write!(f, "interrupted by {signal}")?,
                    Interruption::Deadline(Some(limit)) => write!(f, "not done by the deadline of {limit}")?,
                    Interruption::Deadline(None) => f.write_str("not done by the deadline")?,
                }
                last.as_ref().map_or(Ok(()), |last| write!(f, "; last attempt: {last}"))
            }
            Self::Cleanup(why) => write!(f, "cleanup: {why}"),
            Self::Uncleaned { why, cleanup } => match &**cleanup {
                // The same interruption, which was named.
                Self::Interrupted { last: None, .. } | Self::Blocked(BlockedBecause::Interrupted(_)) => {
                    write!(f, "{why}; cleanup not finished")
                }
                cleanup => write!(f, "{why}; cleanup not finished: {cleanup}"),
            },
            Self::Expired { verified, valid_for } => write!(f, "verified {verified}, valid for {valid_for}"),
            Self::SignOff(reason) => reason.fmt(f),
        }
    }
}

impl fmt::Display for BlockedBecause {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Need { root, status, why, others } => {
                match why {
                    Some(why) => write!(f, "needs {root} ({why})"),
                    None => write!(f, "needs {root} ({})", status.word()),
                }?;
                if *others > 0 { write!(f, " and {others} more") } else { Ok(()) }
            }
            Self::NeedNotRun(need) => write!(f, "needs {need} (not run this time)"),
            Self::Missing(missing) => missing.fmt(f),
            Self::ReadOnly(kind) => {
                write!(f, "the `{kind}` probe can change something, and `--read-only` does not run it")
            }
            Self::FailFast(after) => write!(f, "not run: `--fail-fast` stopped after {after}"),
            Self::Interrupted(Interruption::Signal(signal)) => write!(f, "not run: interrupted by {signal}"),
            Self::Interrupted(Interruption::Deadline(Some(limit))) => {
                write!(f, "not begun by the deadline of {limit}")
            }
            Self::Interrupted(Interruption::Deadline(None)) => f.write_str("not begun by the deadline"),
            Self::Waiting(by, what) => write!(f, "{}: {what}", Self::Interrupted(*by)),
            Self::ShardMissing(shard) => write!(f, "not known: shard {shard} is missing"),
            Self::ShardLate(shard, within) => {
                write!(f, "not known: shard {shard} began more than {within} before the last one")
            }
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Unset(name) => write!(f, "{name} is not set"),
            Self::Empty(name) => write!(f, "{name} is empty"),
            Self::Unreadable { name, why, .. } => write!(f, "{name}: {why}"),
            Self::Short(name, minimum) => {
                write!(f, "{name} is shorter than {minimum} characters, and can't be kept out of reports")
            }
            Self::NotRead(name) => write!(f, "{name} was not read"),
            Self::NotGreen(name) => write!(f, "`{name}` is not green"),
            Self::NotSeen(name) => write!(f, "`{name}` observed nothing"),
            Self::NotObserved(name, why) => write!(f, "`{name}` observed no such value: {why}"),
            Self::Misfit(why) => f.write_str(why),
            Self::Unknown => f.write_str("not everything that it refers to is known"),
            Self::Several(all) => {
                let all: Vec<String> = all.iter().map(ToString::to_string).collect();
                f.write_str(&all.join(", "))
            }
        }
    }
}

impl fmt::Display for SignOffReason {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Unsigned => f.write_str("not signed"),
            Self::NoSubject => f.write_str("subject is not set"),
            Self::Refused(signed, why) => write!(f, "refused: {signed}: {why}"),
            Self::Revoked(signed) => signed.fmt(f),
            Self::OtherSubject(signed, Some(now)) => write!(f, "{signed}, and now it is {now}"),
            Self::OtherSubject(signed, None) => write!(f, "{signed}, and no subject"),
            Self::Expired(signed, end) => write!(f, "{signed}, which counted until {end}"),
            Self::Retitled(signed) => write!(f, "{signed}, but the title of the checklist has changed"),
            Self::OtherTerms(signed, setting) => write!(f, "{signed}, but `{setting}` of the sign-off has changed"),
            Self::Excused(signed, item, excuse) => write!(f, "{signed}, but {item} is {excuse} since then"),
            Self::Redefined(signed, item) => write!(f, "{signed}, but the definition of {item} has changed"),
            Self::Outdated(signed) => {
                write!(f, "{signed} in the old single file, which does not match the definitions of today")
            }
            Self::FailedLater(signed, item, at) => {
                write!(f, "{signed}, but {item} failed in the run of {}", at.strftime("%Y-%m-%d %H:%M UTC"))
            }
            Self::NotGreen(signed, why) => write!(f, "{signed}, but what it covers turned red: {why}"),
            Self::Partial(signed) => {
                write!(f, "{signed}, but a partial run does not show that all it covers is green")
            }
        }
    }
}

impl fmt::Display for Excuse {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Waived => "waived",
            Self::Deferred => "deferred",
            Self::Advisory => "advisory",
        })
    }
}

impl Signed {
    /// The person, and the day of `at` in UTC.
    pub fn new(is_given: bool, at: Timestamp, by: String, subject: Option<String>) -> Self {
        let on = at.to_zoned_datetime(TimeZone::UTC).date();
        Self { is_given, on, by, subject, covers: Vec::new(), definition: None }
    }
}

/// Such as `signed 2025-12-06 by Dana Reyes for 0f1d7aa`.
impl fmt::Display for Signed {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { is_given, on, by, subject, .. } = self;
        write!(f, "{} {on} by {by}", if *is_given { "signed" } else { "revoked" })?;
        subject.as_ref().map_or(Ok(()), |subject| write!(f, " for {subject}"))
    }
}
