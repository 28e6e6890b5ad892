//! The texts of a run that pass the redactor: all that come from outside.
//!
//! Each type is destructured completely, so that a new field can't be forgotten.

use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::diagnostic::Place;
use crate::secret::{Redact, Redactor};

use super::{
    Attempt, BlockedBecause, Changes, Commit, ExpectationResult, Gap, ItemResult, Missing, ProbeResult, Reason, Run,
    Section, SignOff, SignOffReason, Signed, Weaker,
};

/// Redacts each of these fields.
macro_rules! redact {
    ($redactor:expr; $($field:expr),+ $(,)?) => {{ $($field.redact($redactor);)+ }};
}

impl Redact for Run {
    fn redact(&mut self, redactor: &Redactor) {
        let Self {
            gate: _,
            name: _,
            title,
            file: _,
            digest: _,
            subject,
            started: _,
            duration_ms: _,
            partial,
            shard: _,
            interrupted: _,
            commit: _,
            dirty: _,
            vars,
            host,
            user,
            ci,
            sections,
            gaps,
        } = self;
        redact!(redactor; title, subject, partial, vars, host, user, ci, sections, gaps);
    }
}

impl Redact for Section {
    fn redact(&mut self, redactor: &Redactor) {
        let Self { id: _, title, note, text, changes, items } = self;
        redact!(redactor; title, note, text, changes, items);
    }
}

impl Redact for Changes {
    fn redact(&mut self, redactor: &Redactor) {
        let Self { since, commits, more: _, problem, weaker, uncompared } = self;
        redact!(redactor; since, commits, problem, weaker, uncompared);
    }
}

impl Redact for Weaker {
    fn redact(&mut self, redactor: &Redactor) {
        let Self { item: _, what } = self;
        what.redact(redactor);
    }
}

impl Redact for Commit {
    fn redact(&mut self, redactor: &Redactor) {
        let Self { id: _, date: _, subject } = self;
        subject.redact(redactor);
    }
}

impl Redact for ItemResult {
    fn redact(&mut self, redactor: &Redactor) {
        let Self {
            id: _,
            title,
            owner,
            severity: _,
            tags,
            status: _,
            flaky: _,
            stale: _,
            advisory: _,
            insecure: _,
            reason,
            cause: _,
            evidence,
            last_passed: _,
            last_subject,
            red_since: _,
            valid_for: _,
            hint,
            sign_off,
            manual,
            parent: _,
            source: _,
            definition: _,
            requirements: _,
            place,
            probes,
            duration_ms: _,
        } = self;
        redact!(redactor; title, owner, tags, reason, evidence, last_subject, hint, sign_off, manual, place, probes);
    }
}

impl Redact for SignOff {
    fn redact(&mut self, redactor: &Redactor) {
        let Self { role, given } = self;
        redact!(redactor; role, given);
    }
}

impl Redact for ProbeResult {
    fn redact(&mut self, redactor: &Redactor) {
        let Self {
            kind: _,
            alias: _,
            check: _,
            is_cleanup: _,
            status: _,
            attempts,
            observation,
            evidence,
            expectations,
            error,
            help,
            // A line for a shell contains `$NAME`; a value that is still in it is redacted like any other.
            reproduce,
            via,
            insecure: _,
            place,
        } = self;
        redact!(redactor; attempts, observation, evidence, expectations, error, help, reproduce, via, place);
    }
}

impl Redact for Attempt {
    fn redact(&mut self, redactor: &Redactor) {
        let Self { status: _, duration_ms: _, reason } = self;
        reason.redact(redactor);
    }
}

impl Redact for ExpectationResult {
    fn redact(&mut self, redactor: &Redactor) {
        let Self { path, expected, observed, passed: _, default: _, place } = self;
        redact!(redactor; path, expected, observed, place);
    }
}

impl Redact for Gap {
    fn redact(&mut self, redactor: &Redactor) {
        let Self { gap, items: _, priority, owner, notes, accepted_until: _, accepted_by } = self;
        redact!(redactor; gap, priority, owner, notes, accepted_by);
    }
}

impl Redact for Place {
    /// The column still points to the same word: a value is replaced by the same number of asterisks.
    fn redact(&mut self, redactor: &Redactor) {
        let Self { file: _, line: _, column: _, text } = self;
        *text = redactor.mask(text).into_owned();
    }
}

impl Redact for Reason {
    fn redact(&mut self, redactor: &Redactor) {
        match self {
            Self::Observed(text) | Self::Stated(text) | Self::Recorded(text) => text.redact(redactor),
            Self::Blocked(because) => because.redact(redactor),
            Self::Interrupted { by: _, last } => last.redact(redactor),
            Self::Cleanup(why) => why.redact(redactor),
            Self::Uncleaned { why, cleanup } => {
                why.redact(redactor);
                cleanup.redact(redactor);
            }
            Self::Expired { verified: _, valid_for: _ } => {}
            Self::SignOff(reason) => reason.redact(redactor),
        }
    }
}

impl Redact for BlockedBecause {
    fn redact(&mut self, redactor: &Redactor) {
        match self {
            Self::Need { root: _, status: _, why, others: _ } => {
                if let Some(why) = why {
                    why.redact(redactor);
                }
            }
            Self::Missing(missing) => missing.redact(redactor),
            Self::Waiting(_, what) => what.redact(redactor),
            Self::NeedNotRun(_)
            | Self::ReadOnly(_)
            | Self::FailFast(_)
            | Self::Interrupted(_)
            | Self::ShardMissing(_)
            | Self::ShardLate(..) => {}
        }
    }
}

impl Redact for Missing {
    fn redact(&mut self, redactor: &Redactor) {
        match self {
            Self::Unreadable { why, .. } | Self::NotObserved(_, why) | Self::Misfit(why) => why.redact(redactor),
            Self::Several(all) => all.iter_mut().for_each(|one| one.redact(redactor)),
            Self::Unset(_)
            | Self::Empty(_)
            | Self::Short(..)
            | Self::NotRead(_)
            | Self::NotGreen(_)
            | Self::NotSeen(_)
            | Self::Unknown => {}
        }
    }
}

impl Redact for SignOffReason {
    fn redact(&mut self, redactor: &Redactor) {
        match self {
            Self::Unsigned | Self::NoSubject => {}
            Self::Refused(signed, why) => redact!(redactor; signed, why),
            Self::OtherSubject(signed, subject) => redact!(redactor; signed, subject),
            Self::NotGreen(signed, why) => redact!(redactor; signed, why),
            Self::Revoked(signed)
            | Self::Expired(signed, _)
            | Self::Retitled(signed)
            | Self::OtherTerms(signed, _)
            | Self::Excused(signed, ..)
            | Self::Redefined(signed, _)
            | Self::Outdated(signed)
            | Self::FailedLater(signed, ..)
            | Self::Partial(signed) => signed.redact(redactor),
        }
    }
}

impl Redact for Signed {
    fn redact(&mut self, redactor: &Redactor) {
        let Self { is_given: _, on: _, by, subject, covers, definition: _ } = self;
        redact!(redactor; by, subject, covers);
    }
}

impl Redact for Box<RawValue> {
    fn redact(&mut self, redactor: &Redactor) {
        // Text without secrets keeps its bytes, including numbers of any size.
        if redactor.redact(self.get()) == self.get() {
            return;
        }
        let mut value: Value = serde_json::from_str(self.get()).expect("a raw value is JSON");
        redactor.redact_json(&mut value);
        *self = to_raw_value(&value).expect("a JSON value can be written as JSON");
    }
}
