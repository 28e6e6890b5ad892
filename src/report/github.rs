//! `github`: annotations for GitHub Actions, at the lines of the checklist.

use std::io::{self, Write};

use crate::run::{ItemResult, Run, Status};

use super::RenderOptions;
use super::finding::{Effect, cut_short, is_cut_short, place, reason, short};

/// Maximum number of annotations of each kind that GitHub shows for one step.
const MOST: usize = 10;

/// The annotations, worst first: at most ten errors and ten warnings.
pub fn render(run: &Run, options: &RenderOptions, out: &mut dyn Write) -> io::Result<()> {
    if is_cut_short(run) {
        command("error", &options.workspace.relative(&run.file), 1, 1, "gate", &cut_short(run), out)?;
    }
    let mut red: Vec<&ItemResult> = run.items().filter(|item| Effect::of(item) == Effect::Fails).collect();
    red.sort_by_key(|item| severity(item)); // stable: otherwise in checklist order
    for item in red.into_iter().take(MOST) {
        annotate("error", run, item, &reason(run, item), options, out)?;
    }
    for (item, why) in run.items().filter_map(|item| Some((item, warning(run, item)?))).take(MOST) {
        annotate("warning", run, item, &why, options, out)?;
    }
    Ok(())
}

/// Items that failed come before those that are blocked by them.
fn severity(item: &ItemResult) -> u8 {
    match item.status {
        Status::Failed => 0,
        Status::Error => 1,
        Status::Blocked if item.cause.is_none() => 2,
        Status::Pending if item.sign_off.is_none() => 3,
        Status::Pending => 4,
        Status::Blocked | Status::Passed | Status::Waived | Status::Deferred => 5,
    }
}

/// Why an item that does not fail the run is worth a warning.
fn warning(run: &Run, item: &ItemResult) -> Option<String> {
    match Effect::of(item) {
        Effect::Excused => Some(reason(run, item)),
        Effect::Passes if item.flaky => Some("flaky: it did not pass at the first attempt".to_owned()),
        Effect::Passes if item.insecure => Some("insecure: TLS was not verified".to_owned()),
        Effect::Passes | Effect::Fails | Effect::Skipped => None,
    }
}

fn annotate(
    kind: &str,
    run: &Run,
    item: &ItemResult,
    why: &str,
    options: &RenderOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let place = place(run, item);
    let mut message = format!("{} ({}): {why}", short(&item.title), item.status.word());
    let help = item.probes.iter().filter(|probe| probe.status != Status::Passed).find_map(|probe| probe.help.as_ref());
    if let Some(hint) = item.hint.as_ref().or(help) {
        message = format!("{message}\nhelp: {}", short(hint));
    }
    let title = format!("gate: {}", short(&item.id));
    command(kind, &options.workspace.relative(&place.file), place.line, place.column, &title, &message, out)
}

/// A workflow command. No value can end it or start another.
fn command(
    kind: &str,
    file: &str,
    line: usize,
    column: usize,
    title: &str,
    message: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let [file, title] = [file, title].map(|text| data(text).replace(':', "%3A").replace(',', "%2C"));
    writeln!(out, "::{kind} file={file},line={line},col={column},title={title}::{}", data(message))
}

/// A message, escaped as the runner expects:
/// <https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts>.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A line of other output, escaped if a runner would take it for a workflow command.
pub fn defused(line: &str) -> String {
    let line = line.replace("##[", "##\\[");
    match line.trim_start().starts_with("::") {
        true => line.replacen("::", "\\::", 1),
        false => line,
    }
}
