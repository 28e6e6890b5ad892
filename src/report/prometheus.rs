//! `prometheus`: gauges in the text format, for the textfile collector of the node exporter.

use std::fmt::Display;
use std::io::{self, Write};

use crate::run::{ItemResult, Run, Section, Status, Verdict};
use crate::text::visible;

use super::RenderOptions;

/// The run as gauges. No timestamps: the collector rejects them.
pub fn render(run: &Run, _options: &RenderOptions, out: &mut dyn Write) -> io::Result<()> {
    let list = ("checklist", run.name.as_str());
    let items = || run.sections.iter().flat_map(|section| section.items.iter().map(move |item| (section, item)));
    let id = |item: &'_ ItemResult| labels(&[list, ("id", &item.id)]);

    let ready = u8::from(run.verdict() == Verdict::Ready);
    family("gate_ready", "Whether everything that gates is green.", [(labels(&[list]), ready)], out)?;
    let started = (labels(&[list]), run.started.as_second());
    family("gate_run_timestamp_seconds", "When the run began.", [started], out)?;
    let status = items().map(|(section, item)| {
        let labels = [list, ("id", &item.id), ("section", name(section)), ("status", item.status.word())];
        (self::labels(&labels), 1)
    });
    family("gate_item_status", "The current status of an item, as a label.", status, out)?;
    let duration = items().map(|(_, item)| (id(item), seconds(item.duration_ms)));
    family("gate_item_duration_seconds", "How long an item took.", duration, out)?;
    let passed = items().filter_map(|(_, item)| Some((id(item), last_passed(run, item)?)));
    family("gate_item_last_passed_timestamp_seconds", "When an item last passed.", passed, out)
}

/// One metric with all of its samples, or nothing without any.
fn family<V: Display>(
    name: &str,
    help: &str,
    samples: impl IntoIterator<Item = (String, V)>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut samples = samples.into_iter().peekable();
    if samples.peek().is_none() {
        return Ok(());
    }
    writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge")?;
    samples.try_for_each(|(labels, value)| writeln!(out, "{name}{{{labels}}} {value}"))
}

fn labels(pairs: &[(&str, &str)]) -> String {
    let escaped = |text: &str| visible(text).replace('\\', "\\\\").replace('"', "\\\"");
    let pairs = pairs.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value)));
    pairs.collect::<Vec<_>>().join(",")
}

fn name(section: &Section) -> &str {
    section.id.as_deref().unwrap_or(&section.title)
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1_000, ms % 1_000)
}

fn last_passed(run: &Run, item: &ItemResult) -> Option<i64> {
    let passed = if item.status == Status::Passed { Some(run.started) } else { item.last_passed };
    passed.map(|at| at.as_second())
}
