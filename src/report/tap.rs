//! `tap`: the Test Anything Protocol, flat: one test point for each item, for `prove` and its like.

use std::io::{self, Write};

use crate::run::{ItemResult, Run};

use super::RenderOptions;
use super::finding::{Effect, cut_short, facts, is_cut_short, name, place, reason, short};

/// The run as TAP. `prove` gets gate's verdict.
pub fn render(run: &Run, options: &RenderOptions, out: &mut dyn Write) -> io::Result<()> {
    // It is valid TAP 14, too, but the `prove` of most systems rejects that number.
    writeln!(out, "TAP version 13\n1..{}", run.items().count())?;
    for (number, item) in run.items().enumerate() {
        point(run, item, number + 1, options, out)?;
    }
    if is_cut_short(run) {
        writeln!(out, "Bail out! {}", escape(&cut_short(run)))?;
    }
    Ok(())
}

fn point(run: &Run, item: &ItemResult, number: usize, options: &RenderOptions, out: &mut dyn Write) -> io::Result<()> {
    let (word, directive) = match Effect::of(item) {
        Effect::Passes => ("ok", None),
        Effect::Skipped => ("ok", Some("SKIP")),
        Effect::Excused => ("not ok", Some("TODO")),
        Effect::Fails => ("not ok", None),
    };
    write!(out, "{word} {number} - {}", escape(&name(item)))?;
    match directive {
        Some(directive) => writeln!(out, " # {directive} {}", escape(&reason(run, item)))?,
        None => writeln!(out)?,
    }
    if word == "ok" {
        return Ok(());
    }
    let place = place(run, item);
    writeln!(out, "  ---")?;
    writeln!(out, "  message: {}", quoted(&reason(run, item)))?;
    writeln!(out, "  status: {}", item.status.word())?;
    writeln!(out, "  severity: {}", if directive.is_some() { "todo" } else { "fail" })?;
    writeln!(out, "  at:\n    file: {}", quoted(&short(&options.workspace.relative(&place.file))))?;
    writeln!(out, "    line: {}\n    column: {}", place.line, place.column)?;
    let mut facts = facts(item).into_iter().peekable();
    if facts.peek().is_some() {
        writeln!(out, "  details: |")?;
    }
    for fact in facts {
        writeln!(out, "    {}: {}", fact.label, fact.text)?;
    }
    writeln!(out, "  ...")
}

/// Text on a test line: a `#` in it begins no directive.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('#', "\\#")
}

/// A YAML string.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
