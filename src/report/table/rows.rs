//! One row for each item, under the heading of its section.

use std::io::{self, Write};

use tabled::builder::Builder;
use tabled::settings::object::Columns;
use tabled::settings::{Padding, Style};

use crate::report::Detail;
use crate::report::gap;
use crate::report::text::{width, wrap};
use crate::run::{ItemResult, Run, Status};
use crate::text::visible;

use crate::report::paint::{Paint, symbol};

/// The blanks between two columns.
const GAP: usize = 2;
/// Below this, title and detail don't stand side by side.
const READABLE: usize = 44;

/// What is in a row, each on one line and harmless.
struct Row {
    status: Status,
    title: String,
    detail: String,
}

/// Writes every section that has items.
pub fn write(run: &Run, detail: Detail, limit: usize, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let is_listed = |item: &&ItemResult| detail != Detail::Quiet || !item.status.is_green();
    let rows: Vec<Row> = run.items().filter(is_listed).map(|item| Row::of(run, item)).collect();
    let (table, heights) = lay_out(&rows, limit, paint);
    let mut lines = table.lines();
    let mut heights = heights.into_iter();
    for section in run.sections.iter().filter(|section| !section.items.is_empty()) {
        writeln!(out)?;
        let mut heading = visible(&section.title).into_owned();
        if let Some(note) = &section.note {
            heading = format!("{heading} ({})", visible(note));
        }
        for line in wrap(&heading, limit) {
            writeln!(out, "{}", paint.heading(&line))?;
        }
        let listed = section.items.iter().filter(is_listed).count();
        let height = heights.by_ref().take(listed).sum();
        for line in lines.by_ref().take(height) {
            writeln!(out, "{}", line.trim_end())?;
        }
        let folded = section.items.len() - listed;
        if folded > 0 {
            let line = format!("{} {folded} green", symbol(Status::Passed));
            writeln!(out, "{}", paint.status(Status::Passed, &line))?;
        }
    }
    Ok(())
}

impl Row {
    fn of(run: &Run, item: &ItemResult) -> Self {
        Self { status: item.status, title: visible(&item.title).into_owned(), detail: detail(run, item) }
    }
}

/// What was seen, or why it is not green, and what one should know of how.
fn detail(run: &Run, item: &ItemResult) -> String {
    let reason = || item.reason.as_ref().map(|reason| visible(&reason.to_string()).into_owned()).unwrap_or_default();
    let mut detail = match item.status {
        Status::Passed => visible(item.evidence.as_deref().unwrap_or_default()).into_owned(),
        Status::Failed | Status::Error | Status::Blocked | Status::Pending | Status::Deferred => reason(),
        Status::Waived => match gap::covering(run, item) {
            Some(gap) => match gap.accepted_until {
                Some(until) => format!("until {until}: {}", visible(&gap.gap)),
                None => visible(&gap.gap).into_owned(),
            },
            None => reason(),
        },
    };
    let mut marks = Vec::new();
    if item.flaky {
        let attempts = item.probes.iter().map(|probe| probe.attempts.len()).max().unwrap_or_default();
        marks.push(format!("flaky: passed at attempt {}", attempts.max(2)));
    }
    if item.insecure {
        marks.push("insecure: TLS not verified".to_owned());
    }
    if item.advisory {
        marks.push("advisory".to_owned());
    }
    if !marks.is_empty() {
        detail = format!("{detail} ({})", marks.join(", "));
    }
    detail.trim_start().to_owned()
}

/// The rows as one table, so that the columns of all sections are in line, and how many lines each row takes.
fn lay_out(rows: &[Row], limit: usize, paint: Paint) -> (String, Vec<usize>) {
    if rows.is_empty() {
        return (String::new(), Vec::new());
    }
    let widest = |text: fn(&Row) -> &str| rows.iter().map(|row| width(text(row))).max().unwrap_or_default();
    let (title, detail) = (widest(|row| &row.title), widest(|row| &row.detail));
    let status = rows.iter().map(|row| 2 + row.status.word().len()).max().unwrap_or_default();
    let left = limit.saturating_sub(status + 2 * GAP);
    let mut heights = Vec::with_capacity(rows.len());
    let mut table = Builder::with_capacity(rows.len(), 3);
    let side_by_side = left >= READABLE || title + detail <= left;
    let (title, detail) = share(left, title, detail);
    for row in rows {
        let state = paint.status(row.status, &format!("{} {}", symbol(row.status), row.status.word()));
        let cells = if side_by_side {
            let (titles, details) = (wrap(&row.title, title), wrap(&row.detail, detail));
            heights.push(titles.len().max(details.len()));
            vec![state, titles.join("\n"), details.join("\n")]
        } else {
            let room = limit.saturating_sub(status + GAP);
            let mut lines = wrap(&row.title, room);
            lines.extend(wrap(&row.detail, room).iter().filter(|line| !line.is_empty()).map(|line| paint.faint(line)));
            heights.push(lines.len());
            vec![state, lines.join("\n")]
        };
        table.push_record(cells);
    }
    let mut table = table.build();
    table.with(Style::empty()).with(Padding::zero());
    table.modify(Columns::new(..if side_by_side { 2 } else { 1 }), Padding::new(0, GAP, 0, 0));
    (table.to_string(), heights)
}

/// Shares the columns between two texts by what they want: a short one gets all it wants, two long ones get half each.
fn share(left: usize, first: usize, second: usize) -> (usize, usize) {
    let half = left / 2;
    let (first, second) = if first + second <= left {
        (first, second)
    } else if first <= half {
        (first, left - first)
    } else if second <= half {
        (left - second, second)
    } else {
        (left - half, half)
    };
    (first.max(1), second.max(1))
}
