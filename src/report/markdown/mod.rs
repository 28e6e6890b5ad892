//! `markdown`: the checklist with its ticks, to be read by people and committed. The same results give the same bytes.

mod drift;
pub mod embed;
mod escape;
mod item;
mod structure;

use std::collections::HashMap;
use std::io::{self, Write};

use jiff::civil::Date;

use crate::run::{Changes, Gap, ItemResult, Reason, Run, Section, SignOffReason, Status};
use crate::text::visible_lines;

use super::gap::{self, State};
use super::{Counts, RenderOptions, words};
use escape::{cell, line};
use item::{ItemLine, Remark};

pub use drift::{Exactness, drift};
pub use escape::escape;
pub use structure::{structural_drift, subject};

/// Items that are nested deeper are shown at this depth.
const DEEPEST: usize = 8;

/// The run as markdown. Dates are those of the run, in UTC.
pub fn render(run: &Run, _options: &RenderOptions, out: &mut dyn Write) -> io::Result<()> {
    let today = gap::day(run.started);
    head(run, out)?;
    // The signers read the gaps first.
    let signing = run.sections.iter().position(is_acceptance).unwrap_or(run.sections.len());
    for (number, section) in run.sections.iter().enumerate() {
        if number == signing {
            gaps(run, today, out)?;
        }
        write_section(run, section, today, out)?;
    }
    if signing == run.sections.len() {
        gaps(run, today, out)?;
    }
    signed(run, out)
}

/// The signers: who signed which item, when, and for which subject and definition.
fn signed(run: &Run, out: &mut dyn Write) -> io::Result<()> {
    let given: Vec<_> = run.items().filter_map(|item| Some((item, item.sign_off.as_ref()?.given.as_ref()?))).collect();
    if given.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n## Sign-offs\n\n| Item | Role | Signed by | Date | Subject | Covers | Definition |")?;
    writeln!(out, "|------|------|-----------|------|---------|--------|------------|")?;
    for (item, signed) in given {
        let role = item.sign_off.as_ref().map(|sign_off| cell(&sign_off.role)).unwrap_or_default();
        let count = signed.covers.iter().filter(|id| **id != item.id).count();
        let covers = match count {
            0 if item.manual.is_some() => "its steps".to_owned(),
            0 => String::new(),
            1 => "1 item".to_owned(),
            _ => format!("{count} items"),
        };
        let subject = signed.subject.as_deref().map(cell).unwrap_or_default();
        let definition = signed.definition.as_deref().map(cell).unwrap_or_default();
        let (id, by, on) = (cell(&item.id), cell(&signed.by), signed.on);
        writeln!(out, "| {id} | {role} | {by} | {on} | {subject} | {covers} | {definition} |")?;
    }
    Ok(())
}

fn head(run: &Run, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# {}\n\n{}", line(&run.title), head_line(run))
}

/// The line below the title.
fn head_line(run: &Run) -> String {
    let Counts { passed, total, waived, deferred, .. } = Counts::of(run);
    let excused = [(waived, "waived"), (deferred, "deferred")].into_iter().filter(|(number, _)| *number > 0);
    let excused: String = excused.map(|(number, what)| format!(", {number} {what}")).collect();
    let subject = run.subject.as_deref().map(|subject| format!(" · **Subject:** {}", escape(subject)));
    let partial = run.partial.as_deref().map(|partial| format!("; partial: {}", escape(partial)));
    let interrupted = run.interrupted.map(|by| format!("; interrupted: {by}"));
    format!(
        "**Last Verified:** {}{} · **Verdict:** {} ({passed} of {total} passed{excused}{}{})",
        gap::day(run.started),
        subject.unwrap_or_default(),
        words(run.verdict()),
        partial.unwrap_or_default(),
        interrupted.unwrap_or_default(),
    )
}

/// The line of each item, in checklist order.
fn item_lines(run: &Run) -> Vec<ItemLine> {
    let today = gap::day(run.started);
    run.items().map(|item| item_line(run, item, today)).collect()
}

fn item_line(run: &Run, item: &ItemResult, today: Date) -> ItemLine {
    let tick = if item.status == Status::Passed { 'x' } else { ' ' };
    let tag = tag(run, item).map(|tag| format!(" **[{tag}]**")).unwrap_or_default();
    ItemLine { head: format!("- [{tick}] {}{tag}", line(&item.title)), remarks: remarks(run, item, today) }
}

/// Whether the section is nothing but sign-offs.
fn is_acceptance(section: &Section) -> bool {
    !section.items.is_empty() && section.items.iter().all(|item| item.sign_off.is_some())
}

fn write_section(run: &Run, section: &Section, today: Date, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "\n## {}", line(&section.title))?;
    if let Some(note) = &section.note {
        write!(out, " ({})", line(note))?;
    }
    writeln!(out)?;
    if let Some(text) = &section.text {
        writeln!(out, "\n{}", visible_lines(text.trim_matches('\n')))?;
        if !section.items.is_empty() {
            writeln!(out)?;
        }
    }
    if let Some(changes) = &section.changes {
        write_changes(changes, out)?;
        if !section.items.is_empty() {
            writeln!(out)?;
        }
    }
    let mut depths: HashMap<&str, usize> = HashMap::new();
    for item in &section.items {
        let above = item.parent.as_deref().and_then(|parent| depths.get(parent));
        let depth = above.map_or(0, |depth| (depth + 1).min(DEEPEST));
        depths.insert(&item.id, depth);
        write_item(run, item, depth, today, out)?;
    }
    Ok(())
}

fn write_changes(changes: &Changes, out: &mut dyn Write) -> io::Result<()> {
    if let Some(problem) = &changes.problem {
        return writeln!(out, "\nWhat has changed is not known: {}", escape(problem));
    }
    if changes.commits.is_empty() {
        writeln!(out, "\nNo commit since {}.", escape(&changes.since))?;
    } else {
        writeln!(out, "\nSince {}:\n", escape(&changes.since))?;
    }
    for commit in &changes.commits {
        writeln!(out, "- {} {} ({})", escape(&commit.id), escape(&commit.subject), escape(&commit.date))?;
    }
    if changes.more > 0 {
        writeln!(out, "- and {} more", changes.more)?;
    }
    if let Some(why) = &changes.uncompared {
        writeln!(out, "\nWhether this checklist got weaker is not known: {}", escape(why))?;
    }
    if !changes.weaker.is_empty() {
        writeln!(out, "\nThis checklist got weaker:\n")?;
    }
    for weaker in &changes.weaker {
        writeln!(out, "- {}: {}", escape(&weaker.item), escape(&weaker.what))?;
    }
    Ok(())
}

fn write_item(run: &Run, item: &ItemResult, depth: usize, today: Date, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{:1$}{2}", "", 2 * depth, item_line(run, item, today))?;
    match &item.manual {
        Some(steps) => write_steps(steps, depth, out),
        None => Ok(()),
    }
}

/// The steps of a manual item, indented so that they belong to it.
fn write_steps(steps: &str, depth: usize, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out)?;
    for line in steps.trim_matches('\n').lines().map(str::trim_end) {
        match line.is_empty() {
            true => writeln!(out)?,
            false => writeln!(out, "{:1$}{line}", "", 2 * depth + 2)?,
        }
    }
    Ok(())
}

/// The tag in bold brackets after an item that is not green.
fn tag(run: &Run, item: &ItemResult) -> Option<String> {
    let reason = || item.reason.as_ref().map(|reason| escape(&reason.to_string()));
    let with = |word: &str, reason: Option<String>| match reason {
        Some(reason) => format!("{word}: {reason}"),
        None => word.to_owned(),
    };
    match item.status {
        Status::Passed => None,
        Status::Failed => Some(with("FAILED", reason())),
        Status::Error => Some(with("ERROR", reason())),
        Status::Blocked => Some(with("BLOCKED", reason().or_else(|| item.cause.as_deref().map(escape)))),
        Status::Pending if item.sign_off.is_some() => Some(match &item.reason {
            None | Some(Reason::SignOff(SignOffReason::Unsigned)) => "NEEDS SIGN-OFF".to_owned(),
            Some(why) => format!("NEEDS SIGN-OFF: {}", escape(&why.to_string())),
        }),
        Status::Pending if item.stale => Some(with("STALE", reason())),
        // It can't be checked yet, and the checklist says why.
        Status::Pending if item.probes.is_empty() => Some(reason().unwrap_or_else(|| "NEEDS RUN".to_owned())),
        Status::Pending => Some("NEEDS RUN".to_owned()),
        Status::Waived => Some(match gap::covering(run, item) {
            Some(Gap { gap, accepted_until: Some(until), .. }) => format!("WAIVED until {until}: {}", line(gap)),
            Some(Gap { gap, accepted_until: None, .. }) => format!("WAIVED: {}", line(gap)),
            None => with("WAIVED", reason()),
        }),
        Status::Deferred => {
            Some(item.reason.as_ref().map_or_else(|| "DEFERRED".to_owned(), |why| line(&why.to_string())))
        }
    }
}

/// The remarks in parentheses at the end: evidence, dates and caveats.
fn remarks(run: &Run, item: &ItemResult, today: Date) -> Vec<Remark> {
    let mut remarks = Vec::new();
    match (item.status, &item.evidence) {
        // The evidence of a sign-off contains person and date already.
        (Status::Passed, Some(evidence)) if item.sign_off.is_some() => remarks.push(Remark::Fixed(escape(evidence))),
        (Status::Passed, Some(evidence)) => remarks.push(Remark::Verified(today, Some(escape(evidence)))),
        (Status::Passed, None) => remarks.push(Remark::Verified(today, None)),
        (Status::Failed | Status::Error | Status::Blocked | Status::Pending | Status::Waived | Status::Deferred, _) => {
        }
    }
    if item.flaky {
        remarks.push(Remark::Fixed("flaky".to_owned()));
    }
    if item.insecure {
        remarks.push(Remark::Fixed("insecure: TLS not verified".to_owned()));
    }
    if item.advisory {
        remarks.push(Remark::Fixed("advisory".to_owned()));
    }
    if let Some(last) = item.last_passed.filter(|_| item.status != Status::Passed) {
        let subject = item.last_subject.as_deref().filter(|_| item.last_subject != run.subject);
        let subject = subject.map(|subject| format!(" at {}", escape(subject))).unwrap_or_default();
        remarks.push(Remark::Since(format!("last verified {}{subject}", gap::day(last))));
    }
    let is_red = !item.status.is_green() && !item.stale;
    if let Some(since) = item.red_since.map(gap::day).filter(|since| is_red && *since < today) {
        remarks.push(Remark::Since(format!("red since {since}")));
    }
    remarks
}

fn gaps(run: &Run, today: Date, out: &mut dyn Write) -> io::Result<()> {
    if run.gaps.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n## Known Gaps\n")?;
    writeln!(out, "| Gap | Priority | Owner | Notes | Accepted until |")?;
    writeln!(out, "|-----|----------|-------|-------|----------------|")?;
    for gap in &run.gaps {
        let mut name = cell(&gap.gap);
        let mut until = gap.accepted_until.map(|until| until.to_string()).unwrap_or_default();
        if let Some(by) = &gap.accepted_by {
            until = format!("{until} by {}", cell(by));
        }
        match gap::state(run, gap, today) {
            State::Closed => name.push_str(" **[CLOSED: remove it]**"),
            State::Expired(_) => until.push_str(" **[EXPIRED]**"),
            State::Unused if gap.items.is_empty() => name.push_str(" **[UNUSED: it has no items]**"),
            State::Unused => name.push_str(" **[UNUSED: names no item that was run]**"),
            State::Open | State::Accepted(_) => {}
        }
        let cells = [&gap.priority, &gap.owner, &gap.notes].map(|text| cell(text.as_deref().unwrap_or_default()));
        writeln!(out, "| {name} | {} | {} |", cells.join(" | "), until.trim())?;
    }
    let unrecorded = gap::unrecorded(run);
    if !unrecorded.is_empty() {
        writeln!(out, "\nNot yet recorded:\n")?;
    }
    for item in unrecorded {
        writeln!(out, "- {}", line(&item.title))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
