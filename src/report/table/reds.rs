//! The list of items that are not green, one line each: it is still visible when a long table has scrolled by.

use std::io::{self, Write};

use crate::report::RenderOptions;
use crate::report::cause::{Cause, Root, causes, is_same};
use crate::report::text::{cut, width, wrap};
use crate::run::{ItemResult, Reason, Run, SignOffReason, Status};
use crate::text::visible;

use crate::report::paint::{Paint, symbol};

/// A line of the list: an item, and why it is not green.
struct Line<'a> {
    item: &'a ItemResult,
    why: String,
}

/// Writes every item that is not green below its cause, and one line with the people that are waited for.
pub fn write(run: &Run, options: &RenderOptions, limit: usize, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let (waiting, mut causes): (Vec<_>, Vec<_>) = causes(run).into_iter().partition(Cause::is_only_waiting);
    causes.sort_by_key(|cause| cause.blocks.is_empty()); // stable, as the explanations above
    let lines = lines(&causes);
    if !lines.is_empty() {
        writeln!(out, "\n{}", paint.heading("Not green:"))?;
    }
    let widest = |text: fn(&Line) -> usize| lines.iter().map(text).max().unwrap_or_default();
    let status = widest(|line| line.item.status.word().len());
    let id = widest(|line| width(&visible(&line.item.id))).min(limit / 3);
    for Line { item, why } in &lines {
        let state = format!("{} {:status$}", symbol(item.status), item.status.word());
        let name = visible(&item.id);
        let name = cut(&name, id);
        let blank = " ".repeat(id.saturating_sub(width(&name)));
        let line = format!("  {name}{blank}  {why}");
        // All of it is above.
        let line = cut(&line, limit.saturating_sub(width(&state)));
        writeln!(out, "{}{}", paint.status(item.status, &state), line.trim_end())?;
    }
    persons(&waiting, limit, paint, out)?;
    // Only a full run in the ledger can be signed.
    if options.is_recorded && run.partial.is_none() && run.interrupted.is_none() {
        how_to_sign(run, &waiting, paint, out)?;
    }
    Ok(())
}

/// The items below their causes. Where several have the same reason, it is shown once.
fn lines<'a>(causes: &[Cause<'a>]) -> Vec<Line<'a>> {
    let mut lines: Vec<Line> = Vec::new();
    for (at, cause) in causes.iter().enumerate() {
        let first = match cause.root {
            Root::Item(item) | Root::Input(_, item) => Some(item),
            Root::Absent(_) => None,
        };
        if first.is_some_and(|item| lines.iter().any(|line| line.item.id == item.id)) {
            continue;
        }
        lines.extend(first.map(|item| Line { item, why: reason(item) }));
        for item in cause.blocks.iter().filter(|item| first.is_none_or(|first| first.id != item.id)) {
            let why = match (&cause.root, &item.cause) {
                (Root::Absent(id), _) => format!("{} was not run", visible(id)),
                (Root::Item(_), Some(root)) | (Root::Input(..), Some(root)) => format!("blocked by {}", visible(root)),
                (Root::Item(root), None) | (Root::Input(_, root), None) => same(item, root),
            };
            lines.push(Line { item, why });
        }
        for other in causes[at + 1..].iter().filter(|other| other.blocks.is_empty()) {
            if let (Root::Item(item), Root::Item(other)) = (cause.root, other.root)
                && is_same(item, other)
            {
                lines.push(Line { item: other, why: same(other, item) });
            }
        }
    }
    lines
}

/// The reason of an item that is that of another: repeated, unless it is longer than the other's id.
fn same(item: &ItemResult, other: &ItemResult) -> String {
    let (own, short) = (reason(item), format!("same reason as {}", visible(&other.id)));
    if width(&own) <= width(&short) { own } else { short }
}

fn reason(item: &ItemResult) -> String {
    let advisory = if item.advisory { " (advisory)" } else { "" };
    let why = item.reason.as_ref().map(|reason| visible(&reason.to_string()).into_owned()).unwrap_or_default();
    format!("{why}{advisory}")
}

/// The people that are waited for, and those after them.
fn persons(waiting: &[Cause], limit: usize, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let person = |item: &ItemResult| {
        let role = item.sign_off.as_ref().map(|sign_off| visible(&sign_off.role).into_owned()).unwrap_or_default();
        format!("{} ({role})", visible(&item.id))
    };
    let roots: Vec<String> = waiting.iter().filter_map(Cause::item).map(person).collect();
    if roots.is_empty() {
        return Ok(());
    }
    let mut line = format!("{} waits for {}", symbol(Status::Pending), roots.join(", "));
    let after: Vec<String> = waiting.iter().flat_map(|cause| &cause.blocks).map(|item| person(item)).collect();
    if !after.is_empty() {
        line = format!("{line}, then {}", after.join(", "));
    }
    writeln!(out)?;
    for line in wrap(&line, limit) {
        writeln!(out, "{}", paint.status(Status::Pending, &line))?;
    }
    Ok(())
}

/// The command that signs what only waits for that.
fn how_to_sign(run: &Run, waiting: &[Cause], paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let has_subject = |item: &&ItemResult| item.reason != Some(Reason::SignOff(SignOffReason::NoSubject));
    let ids = waiting.iter().filter_map(Cause::item).filter(has_subject);
    let ids = ids.map(|item| visible(&item.id).into_owned()).collect::<Vec<_>>().join(" ");
    if ids.is_empty() {
        return Ok(());
    }
    writeln!(out, "  {}gate sign {} {ids}", paint.advice("to sign: "), visible(&run.name))
}
