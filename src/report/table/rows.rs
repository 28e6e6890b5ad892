//! One row for each item, under the title of its section.

use std::borrow::Cow;
use std::io::{self, Write};

use crate::report::Detail;
use crate::report::gap;
use crate::report::text::{width, wrap};
use crate::run::{ItemResult, Run, Status};
use crate::text::visible;

use crate::report::paint::{Paint, symbol};

/// Number of blanks between two columns.
const GAP: usize = 2;
/// Below this width, title and detail are not side by side.
const READABLE: usize = 44;

/// The texts of a row, each on one line and escaped.
struct Row<'r> {
    status: Status,
    title: Cow<'r, str>,
    detail: Cow<'r, str>,
}

/// Writes every section that has items. The columns of all sections are aligned.
pub fn write(run: &Run, detail: Detail, limit: usize, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let is_listed = |item: &&ItemResult| detail != Detail::Quiet || !item.status.is_green();
    let rows: Vec<Row> = run.items().filter(is_listed).map(|item| Row::of(run, item)).collect();
    let layout = Layout::of(&rows, limit);
    let mut rows = rows.iter();
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
        let folded =
            |status: Status| section.items.iter().filter(move |item| !is_listed(item) && item.status == status);
        for row in rows.by_ref().take(listed) {
            layout.write(row, paint, out)?;
        }
        for status in [Status::Passed, Status::Waived, Status::Deferred] {
            let number = folded(status).count();
            if number > 0 {
                let line = format!("{} {number} {}", symbol(status), status.word());
                writeln!(out, "{}", paint.status(status, &line))?;
            }
        }
    }
    Ok(())
}

impl<'r> Row<'r> {
    fn of(run: &'r Run, item: &'r ItemResult) -> Self {
        Self { status: item.status, title: visible(&item.title), detail: detail(run, item) }
    }

    /// The lines of its title and of its detail.
    fn lines(&self, layout: &Layout, paint: Paint) -> (Vec<String>, Vec<String>) {
        let mut titles = wrap(&self.title, layout.title);
        let details = wrap(&self.detail, layout.detail);
        if layout.is_side_by_side {
            return (titles, details);
        }
        titles.extend(details.iter().filter(|line| !line.is_empty()).map(|line| paint.faint(line)));
        (titles, Vec::new())
    }
}

/// The evidence, or why it is not green, and caveats.
fn detail<'r>(run: &'r Run, item: &'r ItemResult) -> Cow<'r, str> {
    let reason = || match &item.reason {
        Some(reason) => Cow::Owned(visible(&reason.to_string()).into_owned()),
        None => Cow::Borrowed(""),
    };
    let mut detail = match item.status {
        Status::Passed => visible(item.evidence.as_deref().unwrap_or_default()),
        Status::Failed | Status::Error | Status::Blocked | Status::Pending | Status::Deferred => reason(),
        Status::Waived => match gap::covering(run, item) {
            Some(gap) => match gap.accepted_until {
                Some(until) => format!("until {until}: {}", visible(&gap.gap)).into(),
                None => visible(&gap.gap),
            },
            None => reason(),
        },
    };
    let mut marks = Vec::new();
    if item.flaky {
        let attempts = item.own_probes().map(|probe| probe.attempts.len()).max().unwrap_or_default();
        marks.push(format!("flaky: passed at attempt {}", attempts.max(2)));
    }
    if item.insecure {
        marks.push("insecure: TLS not verified".to_owned());
    }
    if item.advisory {
        marks.push("advisory".to_owned());
    }
    if !marks.is_empty() {
        detail = format!("{detail} ({})", marks.join(", ")).trim_start().to_owned().into();
    }
    detail
}

/// The widths of the columns, without the blanks between them.
struct Layout {
    status: usize,
    /// The widest line of a title.
    column: usize,
    /// Maximum width of a title.
    title: usize,
    /// Maximum width of a detail.
    detail: usize,
    /// Whether the detail has a column of its own. Otherwise it is below the title.
    is_side_by_side: bool,
}

impl Layout {
    fn of(rows: &[Row], limit: usize) -> Self {
        let widest = |text: fn(&Row) -> usize| rows.iter().map(text).max().unwrap_or_default();
        let status = widest(|row| 2 + row.status.word().len());
        let (widest_title, detail) = (widest(|row| width(&row.title)), widest(|row| width(&row.detail)));
        let left = limit.saturating_sub(status + 2 * GAP);
        let is_side_by_side = left >= READABLE || widest_title + detail <= left;
        let room = limit.saturating_sub(status + GAP);
        let (title, detail) = if is_side_by_side { share(left, widest_title, detail) } else { (room, room) };
        // A column is as wide as its lines, which are shorter than the limit if they are wrapped.
        let column = match widest_title <= title {
            true => widest_title,
            false => rows.iter().flat_map(|row| wrap(&row.title, title)).map(|line| width(&line)).max().unwrap_or(0),
        };
        Self { status, column, title, detail, is_side_by_side }
    }

    fn write(&self, row: &Row, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
        let (titles, details) = row.lines(self, paint);
        for at in 0..titles.len().max(details.len()) {
            let line = |lines: &[String]| lines.get(at).cloned().unwrap_or_default();
            let (title, detail) = (line(&titles), line(&details));
            let state = format!("{} {}", symbol(row.status), row.status.word());
            let (state, taken) =
                if at == 0 { (paint.status(row.status, &state), width(&state)) } else { Default::default() };
            let first = (self.status + GAP).saturating_sub(taken);
            let second = if detail.is_empty() { 0 } else { (self.column + GAP).saturating_sub(width(&title)) };
            writeln!(out, "{}", format!("{state}{:first$}{title}{:second$}{detail}", "", "").trim_end())?;
        }
        Ok(())
    }
}

/// Divides the width between two texts by their lengths: a short one gets all it needs, two long ones get half each.
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
