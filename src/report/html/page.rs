//! The contents of the page, as texts.

use serde::Serialize;

use crate::report::cause::{Cause, Root, causes};
use crate::report::finding::{facts, reason, short};
use crate::report::gap::{self, State};
use crate::report::text::{count, duration};
use crate::report::{Counts, RenderOptions, words};
use crate::run::{Changes, Gap, ItemResult, Run, Section, Status, Verdict};
use crate::text::visible_lines;

/// The page.
#[derive(Serialize)]
pub struct Page {
    title: String,
    verdict: &'static str,
    tone: &'static str,
    summary: String,
    notes: Vec<String>,
    verified: String,
    facts: Vec<Labelled>,
    causes: Vec<Card>,
    waiting: Vec<Row>,
    sections: Vec<Part>,
    gaps: Vec<GapRow>,
    sign_offs: Vec<Row>,
    legend: Vec<Meaning>,
    footer: String,
}

/// A status with its explanation.
#[derive(Serialize)]
struct Meaning {
    status: &'static str,
    tone: &'static str,
    text: &'static str,
}

#[derive(Serialize)]
struct Labelled {
    label: &'static str,
    text: String,
}

/// A root cause.
#[derive(Serialize)]
struct Card {
    status: &'static str,
    tone: &'static str,
    title: String,
    about: String,
    why: Vec<String>,
    todo: Vec<String>,
    blocks: String,
    history: String,
    commands: Vec<String>,
}

/// A section of the checklist.
#[derive(Serialize)]
struct Part {
    title: String,
    note: Option<String>,
    text: Option<String>,
    changes: Vec<String>,
    items: Vec<Row>,
}

/// An item.
#[derive(Serialize)]
struct Row {
    status: &'static str,
    tone: &'static str,
    title: String,
    owner: Option<String>,
    detail: String,
    role: String,
    steps: Option<String>,
}

#[derive(Serialize)]
struct GapRow {
    gap: String,
    priority: String,
    owner: String,
    notes: String,
    accepted: String,
}

impl Page {
    /// The page of a run.
    pub fn of(run: &Run, options: &RenderOptions) -> Self {
        let verdict = run.verdict();
        let (waiting, red): (Vec<_>, Vec<_>) = causes(run).into_iter().partition(|cause| person(cause).is_some());
        let sign_offs = run.items().filter(|item| item.sign_off.is_some());
        Self {
            title: short(&run.title),
            verdict: words(verdict),
            tone: match verdict {
                Verdict::Ready => "good",
                Verdict::NotReady => "bad",
                Verdict::Unknown => "odd",
            },
            summary: summary(run),
            notes: notes(run),
            verified: format!("{}, in {}", run.started.strftime("%Y-%m-%d %H:%M UTC"), duration(run.duration_ms)),
            facts: head(run),
            causes: red.iter().map(|cause| Card::of(run, cause)).collect(),
            waiting: waiting.iter().filter_map(|cause| Some(Row::of(run, person(cause)?))).collect(),
            sections: run.sections.iter().map(|section| Part::of(run, section)).collect(),
            gaps: run.gaps.iter().map(|gap| GapRow::of(run, gap, options)).collect(),
            sign_offs: sign_offs.map(|item| Row::of(run, item)).collect(),
            legend: legend(run),
            footer: footer(run),
        }
    }
}

/// The statuses that occur.
fn legend(run: &Run) -> Vec<Meaning> {
    let all = [
        (Status::Passed, "checked, and as expected"),
        (Status::Failed, "checked, and not as expected"),
        (Status::Error, "could not be checked, for example because a server did not answer"),
        (Status::Blocked, "not checked, because something that it needs is missing or not green"),
        (Status::Pending, "waits for a person, or for something that does not exist yet"),
        (Status::Waived, "not as expected, and accepted for now as a known gap; counts as green"),
        (Status::Deferred, "not required at this stage; counts as green"),
    ];
    let occurs = |status: Status| run.items().any(|item| item.status == status);
    let known = all.into_iter().filter(|(status, _)| occurs(*status));
    known.map(|(status, text)| Meaning { status: status.word(), tone: tone(status), text }).collect()
}

/// The sign-off of a cause that only waits for a person.
fn person<'a>(cause: &Cause<'a>) -> Option<&'a ItemResult> {
    match cause.root {
        Root::Item(item) if item.status == Status::Pending && item.sign_off.is_some() => Some(item),
        Root::Item(_) | Root::Input(..) | Root::Absent(_) => None,
    }
}

/// Such as `15 of 21 items passed: 3 failed, 1 pending.`
fn summary(run: &Run) -> String {
    let counts = Counts::of(run);
    let numbers = [
        (counts.failed, "failed"),
        (counts.error, "could not be checked"),
        (counts.blocked, "blocked"),
        (counts.pending, "pending"),
        (counts.waived, "waived"),
        (counts.deferred, "deferred"),
        (counts.flaky, "flaky"),
        (counts.insecure, "without verified TLS"),
        (counts.advisory_red, "advisory and not green"),
    ];
    let named = numbers.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}"));
    let named = named.collect::<Vec<_>>().join(", ");
    let colon = if named.is_empty() { "" } else { ": " };
    format!("{} of {} passed{colon}{named}.", counts.passed, count(counts.total, "item"))
}

fn notes(run: &Run) -> Vec<String> {
    let partial = run.partial.as_deref().map(|why| format!("Partial: not everything was run ({}).", short(why)));
    let interrupted = run.interrupted.map(|by| format!("Interrupted by {by}: unfinished items have no result."));
    partial.into_iter().chain(interrupted).collect()
}

fn head(run: &Run) -> Vec<Labelled> {
    let facts = [
        ("Release", run.subject.as_deref()),
        ("Commit", run.commit.as_deref()),
        ("Run by", run.user.as_deref()),
        ("Machine", run.host.as_deref()),
        ("CI job", run.ci.as_deref()),
    ];
    let known = facts.into_iter().filter_map(|(label, text)| Some(Labelled { label, text: short(text?) }));
    known.collect()
}

fn footer(run: &Run) -> String {
    format!("gate {} · {} · sha256 {}", short(&run.gate), short(&run.file), short(&run.digest))
}

fn tone(status: Status) -> &'static str {
    match status {
        Status::Passed => "good",
        Status::Failed | Status::Error => "bad",
        Status::Blocked | Status::Pending | Status::Waived => "odd",
        Status::Deferred => "off",
    }
}

impl Card {
    fn of(run: &Run, cause: &Cause) -> Self {
        let titles: Vec<String> = cause.blocks.iter().map(|item| short(&item.title)).collect();
        let empty = Self {
            status: Status::Blocked.word(),
            tone: tone(Status::Blocked),
            title: String::new(),
            about: String::new(),
            why: Vec::new(),
            todo: Vec::new(),
            blocks: titles.join("; "),
            history: String::new(),
            commands: Vec::new(),
        };
        match cause.root {
            Root::Item(item) => Self::item(run, item, empty),
            Root::Input(reason, item) => Self {
                title: reason.map(|reason| short(&reason.to_string())).unwrap_or_default(),
                todo: of(item, &["hint", "help"]),
                ..empty
            },
            Root::Absent(id) => Self { title: format!("{} was not run this time", short(id)), ..empty },
        }
    }

    fn item(run: &Run, item: &ItemResult, empty: Self) -> Self {
        let mut about: Vec<String> = item.owner.iter().map(|owner| format!("Owner: {}", short(owner))).collect();
        about.extend(item.advisory.then(|| "Advisory: it does not stop the gate".to_owned()));
        let mut why = of(item, &["failed", "error", "pending", "blocked", "expected"]);
        if why.is_empty() {
            why.push(reason(run, item));
        }
        Self {
            status: item.status.word(),
            tone: tone(item.status),
            title: short(&item.title),
            about: about.join(" · "),
            why,
            todo: of(item, &["hint", "help"]),
            history: history(run, item),
            commands: of(item, &["reproduce"]),
            ..empty
        }
    }
}

/// The facts of an item with one of these labels.
fn of(item: &ItemResult, labels: &[&str]) -> Vec<String> {
    facts(item).into_iter().filter(|fact| labels.contains(&fact.label)).map(|fact| fact.text).collect()
}

/// How long it has been red, and when it last passed.
fn history(run: &Run, item: &ItemResult) -> String {
    let mut known = Vec::new();
    if let Some(since) = item.red_since.filter(|since| *since < run.started) {
        known.push(format!("Red since {}", gap::day(since)));
    }
    if let Some(passed) = item.last_passed {
        let subject = item.last_subject.as_deref().map(|subject| format!(" for {}", short(subject)));
        known.push(format!("Last passed {}{}", gap::day(passed), subject.unwrap_or_default()));
    }
    known.join(" · ")
}

impl Part {
    fn of(run: &Run, section: &Section) -> Self {
        Self {
            title: short(&section.title),
            note: section.note.as_deref().map(short),
            text: section.text.as_deref().map(|text| visible_lines(text.trim()).into_owned()),
            changes: section.changes.as_ref().map(changes).unwrap_or_default(),
            items: section.items.iter().map(|item| Row::of(run, item)).collect(),
        }
    }
}

fn changes(changes: &Changes) -> Vec<String> {
    if let Some(problem) = &changes.problem {
        return vec![format!("What has changed is unknown: {}", short(problem))];
    }
    let mut lines = match changes.commits.is_empty() {
        true => vec![format!("No commit since {}.", short(&changes.since))],
        false => vec![format!("Since {}:", short(&changes.since))],
    };
    let commits = changes.commits.iter();
    lines.extend(commits.map(|commit| short(&format!("{} {} ({})", commit.id, commit.subject, commit.date))));
    if changes.more > 0 {
        lines.push(format!("and {} more", changes.more));
    }
    lines.extend(
        changes.weaker.iter().map(|one| short(&format!("The checklist got weaker: {}: {}", one.item, one.what))),
    );
    lines.extend(
        changes.uncompared.iter().map(|why| short(&format!("Whether the checklist got weaker is unknown: {why}"))),
    );
    lines
}

impl Row {
    fn of(run: &Run, item: &ItemResult) -> Self {
        let mut detail = reason(run, item);
        let marks = [(item.flaky, "flaky"), (item.insecure, "insecure: TLS not verified"), (item.advisory, "advisory")];
        let marks: Vec<&str> = marks.into_iter().filter(|(is_set, _)| *is_set).map(|(_, mark)| mark).collect();
        if !marks.is_empty() {
            detail = format!("{detail} ({})", marks.join(", ")).trim_start().to_owned();
        }
        Self {
            status: item.status.word(),
            tone: tone(item.status),
            title: short(&item.title),
            owner: item.owner.as_deref().map(short),
            detail,
            role: item.sign_off.as_ref().map(|sign_off| short(&sign_off.role)).unwrap_or_default(),
            steps: item.manual.as_deref().map(|steps| visible_lines(steps.trim()).into_owned()),
        }
    }
}

impl GapRow {
    fn of(run: &Run, gap: &Gap, options: &RenderOptions) -> Self {
        let text = |text: Option<&str>| text.map(short).unwrap_or_default();
        let by = gap.accepted_by.as_deref().map(|by| format!(" by {}", short(by))).unwrap_or_default();
        let accepted = match gap::state(run, gap, gap::day(options.now)) {
            State::Open => "not accepted".to_owned(),
            State::Accepted(until) => format!("{until}{by}"),
            State::Expired(since) => format!("expired since {since}"),
            State::Closed => "closed: remove it from the checklist".to_owned(),
            State::Unused if gap.items.is_empty() => "unused: it has no items".to_owned(),
            State::Unused => "unused: it names no item of this run".to_owned(),
        };
        Self {
            gap: short(&gap.gap),
            priority: text(gap.priority.as_deref()),
            owner: text(gap.owner.as_deref()),
            notes: text(gap.notes.as_deref()),
            accepted,
        }
    }
}
