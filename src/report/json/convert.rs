//! From a run to its JSON document of version 1, and back.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::report::Counts;
use crate::{diagnostic, run};

use super::v1::{
    Attempt, Changes, Commit, Document, Expectation, Gap, Given, Item, Place, Probe, SCHEMA, Section, SignOff, VERSION,
    Weaker,
};

impl<'a> From<&'a run::Run> for Document<'a> {
    fn from(it: &'a run::Run) -> Self {
        Self {
            schema: Some(SCHEMA.into()),
            verdict: it.verdict(),
            counts: Counts::of(it),
            version: VERSION,
            gate: text(&it.gate),
            name: text(&it.name),
            title: text(&it.title),
            file: text(&it.file),
            digest: text(&it.digest),
            subject: optional(it.subject.as_deref()),
            started: it.started,
            duration_ms: it.duration_ms,
            partial: optional(it.partial.as_deref()),
            shard: it.shard.as_ref().map(|own| own.shard.to_string().into()),
            definitions: it.shard.as_ref().map(|own| text(&own.definitions)),
            addresses: it
                .shard
                .as_ref()
                .map(|own| own.addresses.iter().map(|(name, address)| (text(name), text(address))).collect()),
            interrupted: it.interrupted,
            commit: optional(it.commit.as_deref()),
            dirty: it.dirty,
            vars: optional(it.vars.as_deref()),
            host: optional(it.host.as_deref()),
            user: optional(it.user.as_deref()),
            ci: optional(it.ci.as_deref()),
            sections: it.sections.iter().map(Into::into).collect(),
            gaps: it.gaps.iter().map(Into::into).collect(),
        }
    }
}

impl From<Document<'_>> for run::Run {
    fn from(it: Document<'_>) -> Self {
        Self {
            gate: it.gate.into_owned(),
            name: it.name.into_owned(),
            title: it.title.into_owned(),
            file: it.file.into_owned(),
            digest: it.digest.into_owned(),
            subject: it.subject.map(Cow::into_owned),
            started: it.started,
            duration_ms: it.duration_ms,
            partial: it.partial.map(Cow::into_owned),
            shard: shard(it.shard, it.definitions, it.addresses.unwrap_or_default()),
            interrupted: it.interrupted,
            commit: it.commit.map(Cow::into_owned),
            dirty: it.dirty,
            vars: it.vars.map(Cow::into_owned),
            host: it.host.map(Cow::into_owned),
            user: it.user.map(Cow::into_owned),
            ci: it.ci.map(Cow::into_owned),
            sections: it.sections.into_iter().map(Into::into).collect(),
            gaps: it.gaps.into_iter().map(Into::into).collect(),
        }
    }
}

impl<'a> From<&'a run::Section> for Section<'a> {
    fn from(it: &'a run::Section) -> Self {
        Self {
            id: optional(it.id.as_deref()),
            title: text(&it.title),
            note: optional(it.note.as_deref()),
            text: optional(it.text.as_deref()),
            changes: it.changes.as_ref().map(Into::into),
            items: it.items.iter().map(Into::into).collect(),
        }
    }
}

impl From<Section<'_>> for run::Section {
    fn from(it: Section<'_>) -> Self {
        Self {
            id: it.id.map(Cow::into_owned),
            title: it.title.into_owned(),
            note: it.note.map(Cow::into_owned),
            text: it.text.map(Cow::into_owned),
            changes: it.changes.map(Into::into),
            items: it.items.into_iter().map(Into::into).collect(),
        }
    }
}

impl<'a> From<&'a run::Changes> for Changes<'a> {
    fn from(it: &'a run::Changes) -> Self {
        Self {
            since: text(&it.since),
            commits: it.commits.iter().map(Into::into).collect(),
            more: it.more,
            problem: optional(it.problem.as_deref()),
            weaker: it.weaker.iter().map(|one| Weaker { item: text(&one.item), what: text(&one.what) }).collect(),
            uncompared: optional(it.uncompared.as_deref()),
        }
    }
}

impl From<Changes<'_>> for run::Changes {
    fn from(it: Changes<'_>) -> Self {
        Self {
            since: it.since.into_owned(),
            commits: it.commits.into_iter().map(Into::into).collect(),
            more: it.more,
            problem: it.problem.map(Cow::into_owned),
            weaker: it.weaker.into_iter().map(Into::into).collect(),
            uncompared: it.uncompared.map(Cow::into_owned),
        }
    }
}

impl From<Weaker<'_>> for run::Weaker {
    fn from(it: Weaker<'_>) -> Self {
        Self { item: it.item.into_owned(), what: it.what.into_owned() }
    }
}

impl<'a> From<&'a run::Commit> for Commit<'a> {
    fn from(it: &'a run::Commit) -> Self {
        Self { id: text(&it.id), date: text(&it.date), subject: text(&it.subject) }
    }
}

impl From<Commit<'_>> for run::Commit {
    fn from(it: Commit<'_>) -> Self {
        Self { id: it.id.into_owned(), date: it.date.into_owned(), subject: it.subject.into_owned() }
    }
}

impl<'a> From<&'a run::ItemResult> for Item<'a> {
    fn from(it: &'a run::ItemResult) -> Self {
        Self {
            id: text(&it.id),
            title: text(&it.title),
            owner: optional(it.owner.as_deref()),
            severity: it.severity,
            tags: it.tags.iter().map(|one| text(one)).collect(),
            status: it.status,
            flaky: it.flaky,
            stale: it.stale,
            advisory: it.advisory,
            insecure: it.insecure,
            reason: it.reason.as_ref().map(|reason| reason.to_string().into()),
            cause: optional(it.cause.as_deref()),
            evidence: optional(it.evidence.as_deref()),
            last_passed: it.last_passed,
            last_subject: optional(it.last_subject.as_deref()),
            red_since: it.red_since,
            valid_for: it.valid_for,
            hint: optional(it.hint.as_deref()),
            sign_off: it.sign_off.as_ref().map(Into::into),
            manual: optional(it.manual.as_deref()),
            parent: optional(it.parent.as_deref()),
            source: optional(it.source.as_deref()),
            definition: optional(it.definition.as_deref()),
            place: (&it.place).into(),
            probes: it.probes.iter().map(Into::into).collect(),
            duration_ms: it.duration_ms,
        }
    }
}

impl From<Item<'_>> for run::ItemResult {
    fn from(it: Item<'_>) -> Self {
        Self {
            id: it.id.into_owned(),
            title: it.title.into_owned(),
            owner: it.owner.map(Cow::into_owned),
            severity: it.severity,
            tags: it.tags.into_iter().map(Cow::into_owned).collect(),
            status: it.status,
            flaky: it.flaky,
            stale: it.stale,
            advisory: it.advisory,
            insecure: it.insecure,
            reason: it.reason.map(|reason| reason.into_owned().into()),
            cause: it.cause.map(Cow::into_owned),
            evidence: it.evidence.map(Cow::into_owned),
            last_passed: it.last_passed,
            last_subject: it.last_subject.map(Cow::into_owned),
            red_since: it.red_since,
            valid_for: it.valid_for,
            hint: it.hint.map(Cow::into_owned),
            sign_off: it.sign_off.map(Into::into),
            manual: it.manual.map(Cow::into_owned),
            parent: it.parent.map(Cow::into_owned),
            source: it.source.map(Cow::into_owned),
            definition: it.definition.map(Cow::into_owned),
            requirements: None,
            place: it.place.into(),
            probes: it.probes.into_iter().map(Into::into).collect(),
            duration_ms: it.duration_ms,
        }
    }
}

impl<'a> From<&'a run::SignOff> for SignOff<'a> {
    fn from(it: &'a run::SignOff) -> Self {
        Self { role: text(&it.role), given: it.given.as_ref().map(Into::into) }
    }
}

impl From<SignOff<'_>> for run::SignOff {
    fn from(it: SignOff<'_>) -> Self {
        Self { role: it.role.into_owned(), given: it.given.map(Into::into) }
    }
}

impl<'a> From<&'a run::Signed> for Given<'a> {
    fn from(it: &'a run::Signed) -> Self {
        Self {
            by: text(&it.by),
            on: it.on,
            subject: optional(it.subject.as_deref()),
            covers: it.covers.iter().map(|id| text(id)).collect(),
            definition: optional(it.definition.as_deref()),
        }
    }
}

impl From<Given<'_>> for run::Signed {
    fn from(it: Given<'_>) -> Self {
        Self {
            is_given: true,
            on: it.on,
            by: it.by.into_owned(),
            subject: it.subject.map(Cow::into_owned),
            covers: it.covers.into_iter().map(Cow::into_owned).collect(),
            definition: it.definition.map(Cow::into_owned),
        }
    }
}

impl<'a> From<&'a run::ProbeResult> for Probe<'a> {
    fn from(it: &'a run::ProbeResult) -> Self {
        Self {
            kind: text(&it.kind),
            alias: optional(it.alias.as_deref()),
            check: optional(it.check.as_deref()),
            cleanup: it.is_cleanup,
            status: it.status,
            attempts: it.attempts.iter().map(Into::into).collect(),
            observation: it.observation.as_deref().map(Cow::Borrowed),
            evidence: optional(it.evidence.as_deref()),
            expectations: it.expectations.iter().map(Into::into).collect(),
            error: it.error.as_ref().map(|error| error.to_string().into()),
            help: optional(it.help.as_deref()),
            reproduce: optional(it.reproduce.as_deref()),
            via: optional(it.via.as_deref()),
            insecure: it.insecure,
            place: (&it.place).into(),
        }
    }
}

impl From<Probe<'_>> for run::ProbeResult {
    fn from(it: Probe<'_>) -> Self {
        Self {
            kind: it.kind.into_owned(),
            alias: it.alias.map(Cow::into_owned),
            check: it.check.map(Cow::into_owned),
            is_cleanup: it.cleanup,
            status: it.status,
            attempts: it.attempts.into_iter().map(Into::into).collect(),
            observation: it.observation.map(Cow::into_owned),
            evidence: it.evidence.map(Cow::into_owned),
            expectations: it.expectations.into_iter().map(Into::into).collect(),
            error: it.error.map(|error| error.into_owned().into()),
            help: it.help.map(Cow::into_owned),
            reproduce: it.reproduce.map(Cow::into_owned),
            via: it.via.map(Cow::into_owned),
            insecure: it.insecure,
            place: it.place.into(),
        }
    }
}

impl<'a> From<&'a run::Attempt> for Attempt<'a> {
    fn from(it: &'a run::Attempt) -> Self {
        Self { status: it.status, duration_ms: it.duration_ms, reason: optional(it.reason.as_deref()) }
    }
}

impl From<Attempt<'_>> for run::Attempt {
    fn from(it: Attempt<'_>) -> Self {
        Self { status: it.status, duration_ms: it.duration_ms, reason: it.reason.map(Cow::into_owned) }
    }
}

impl<'a> From<&'a run::ExpectationResult> for Expectation<'a> {
    fn from(it: &'a run::ExpectationResult) -> Self {
        Self {
            path: text(&it.path),
            expected: text(&it.expected),
            observed: text(&it.observed),
            passed: it.passed,
            default: it.default,
            place: it.place.as_ref().map(Into::into),
        }
    }
}

impl From<Expectation<'_>> for run::ExpectationResult {
    fn from(it: Expectation<'_>) -> Self {
        Self {
            path: it.path.into_owned(),
            expected: it.expected.into_owned(),
            observed: it.observed.into_owned(),
            passed: it.passed,
            default: it.default,
            place: it.place.map(Into::into),
        }
    }
}

impl<'a> From<&'a run::Gap> for Gap<'a> {
    fn from(it: &'a run::Gap) -> Self {
        Self {
            gap: text(&it.gap),
            items: it.items.iter().map(|one| text(one)).collect(),
            priority: optional(it.priority.as_deref()),
            owner: optional(it.owner.as_deref()),
            notes: optional(it.notes.as_deref()),
            accepted_until: it.accepted_until,
            accepted_by: optional(it.accepted_by.as_deref()),
        }
    }
}

impl From<Gap<'_>> for run::Gap {
    fn from(it: Gap<'_>) -> Self {
        Self {
            gap: it.gap.into_owned(),
            items: it.items.into_iter().map(Cow::into_owned).collect(),
            priority: it.priority.map(Cow::into_owned),
            owner: it.owner.map(Cow::into_owned),
            notes: it.notes.map(Cow::into_owned),
            accepted_until: it.accepted_until,
            accepted_by: it.accepted_by.map(Cow::into_owned),
        }
    }
}

impl<'a> From<&'a diagnostic::Place> for Place<'a> {
    fn from(it: &'a diagnostic::Place) -> Self {
        Self { file: text(&it.file), line: it.line, column: it.column, text: text(&it.text) }
    }
}

impl From<Place<'_>> for diagnostic::Place {
    fn from(it: Place<'_>) -> Self {
        Self { file: it.file.into_owned(), line: it.line, column: it.column, text: it.text.into_owned() }
    }
}

/// Which of several runs it was, where both parts are there.
fn shard(
    shard: Option<Cow<str>>,
    definitions: Option<Cow<str>>,
    addresses: BTreeMap<Cow<str>, Cow<str>>,
) -> Option<run::ShardRun> {
    Some(run::ShardRun {
        shard: shard?.parse().ok()?,
        definitions: definitions?.into_owned(),
        addresses: addresses.into_iter().map(|(name, address)| (name.into_owned(), address.into_owned())).collect(),
    })
}

fn text(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}

fn optional(text: Option<&str>) -> Option<Cow<'_, str>> {
    text.map(Cow::Borrowed)
}
