//! The observation of a probe, with `--verbose`.

use std::borrow::Cow;
use std::io::{self, Write};

use crate::report::text::{count, duration, wrap};
use crate::run::{ExpectationResult, ProbeResult};
use crate::text::visible;

use crate::report::paint::Paint;

/// Maximum number of characters of an observation.
const MOST: usize = 1_000;

/// Writes the evidence of a green probe, each of its expectations, and its observation.
pub fn write(probe: &ProbeResult, is_named: bool, limit: usize, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let evidence = visible(probe.evidence.as_deref().unwrap_or(probe.status.word()));
    let time = probe.attempts.iter().map(|attempt| attempt.duration_ms).sum();
    let attempts = match probe.attempts.len() {
        0 | 1 => String::new(),
        number => format!(", {}", count(number, "attempt")),
    };
    let kind = if is_named { format!("{} ", visible(&named(probe))) } else { String::new() };
    let label = format!("{kind}{}:", probe.status.word());
    say(&label, &format!("{evidence} ({}{attempts})", duration(time)), limit, paint, out)?;
    for ExpectationResult { path, expected, observed, .. } in &probe.expectations {
        let text = format!("{}: expected {}, got {}", visible(path), visible(expected), visible(observed));
        say("expect:", &text, limit, paint, out)?;
    }
    returned(probe, limit, paint, out)
}

/// The kind of a probe, its name if it has one, and whether it cleans up.
pub fn named(probe: &ProbeResult) -> Cow<'_, str> {
    let name = match &probe.alias {
        Some(alias) => Cow::Owned(format!("{} {alias}", probe.kind)),
        None => Cow::Borrowed(probe.kind.as_str()),
    };
    if probe.is_cleanup { Cow::Owned(format!("cleanup {name}")) } else { name }
}

/// Writes what a probe returned.
pub fn returned(probe: &ProbeResult, limit: usize, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let Some(observation) = &probe.observation else { return Ok(()) };
    let text = visible(observation.get());
    let mut shown: String = text.chars().take(MOST).collect();
    if shown.len() < text.len() {
        shown.push_str("… (`--format json` shows all of it)");
    }
    say("returned:", &shown, limit, paint, out)
}

fn say(label: &str, text: &str, limit: usize, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    for (number, line) in wrap(&format!("{label} {text}"), limit.saturating_sub(4)).iter().enumerate() {
        match line.strip_prefix(label) {
            Some(rest) if number == 0 => writeln!(out, "  {}{rest}", paint.advice(label))?,
            Some(_) | None => writeln!(out, "    {line}")?,
        }
    }
    Ok(())
}
