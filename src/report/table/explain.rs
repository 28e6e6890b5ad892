//! Why items are red: root causes first, with the items that they block.

use std::io::{self, Write};

use jiff::Timestamp;

use crate::diagnostic::Place;
use crate::report::cause::{Cause, Root, causes};
use crate::report::finding;
use crate::report::gap;
use crate::report::text::{count, duration, wrap};
use crate::report::{Detail, RenderOptions};
use crate::run::{ExpectationResult, ItemResult, ProbeResult, Reason, Run, Status};
use crate::text::visible;

use super::{observed, snippet};
use crate::report::paint::{Paint, symbol};

/// Writes every cause with its details.
pub fn write(run: &Run, options: &RenderOptions, limit: usize, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let mut causes: Vec<Cause> = causes(run).into_iter().filter(|cause| !cause.is_only_waiting()).collect();
    causes.sort_by_key(|cause| cause.blocks.is_empty()); // stable: otherwise in checklist order
    let page = Page { options, limit, paint, started: run.started };
    for cause in &causes {
        writeln!(out)?;
        page.cause(cause, out)?;
    }
    if options.detail == Detail::Verbose {
        for item in run.items().filter(|item| item.status.is_green() && !item.probes.is_empty()) {
            writeln!(out)?;
            page.title(item.status, &titled(item), out)?;
            for probe in &item.probes {
                observed::write(probe, item.probes.len() > 1, limit, paint, out)?;
            }
        }
    }
    Ok(())
}

/// The id and the title of an item.
fn titled(item: &ItemResult) -> String {
    let advisory = if item.advisory { " (advisory)" } else { "" };
    format!("{} — {}{advisory}", visible(&item.id), visible(&item.title))
}

/// The sentence of a reason.
fn words(reason: Option<&Reason>) -> String {
    reason.map_or_else(|| "?".to_owned(), ToString::to_string)
}

struct Page<'a> {
    options: &'a RenderOptions,
    limit: usize,
    paint: Paint,
    started: Timestamp,
}

impl Page<'_> {
    fn cause(&self, cause: &Cause, out: &mut dyn Write) -> io::Result<()> {
        match cause.root {
            Root::Item(item) => {
                self.title(item.status, &titled(item), out)?;
                self.item(item, out)?;
                self.since(item, out)?;
            }
            Root::Input(reason, item) => {
                self.title(Status::Blocked, &visible(&words(reason)), out)?;
                let probe = item.probes.iter().find(|probe| probe.status == Status::Blocked);
                let place = probe.map_or(&item.place, |probe| &probe.place);
                match reason.is_some_and(Reason::is_unset) {
                    true => self.quote(place, "", "missing", out)?,
                    false => snippet::arrow(place, self.paint, out)?,
                }
                self.probes(item, |_, _| Ok(()), out)?;
            }
            Root::Absent(id) => {
                self.title(Status::Blocked, &format!("{} is not green, and was not run this time", visible(id)), out)?;
            }
        }
        if !cause.blocks.is_empty() {
            let ids: Vec<_> = cause.blocks.iter().map(|item| visible(&item.id)).collect();
            self.say(&format!("blocks {}: ", count(ids.len(), "item")), &ids.join(", "), out)?;
        }
        Ok(())
    }

    fn title(&self, status: Status, text: &str, out: &mut dyn Write) -> io::Result<()> {
        for (number, line) in wrap(text, self.limit.saturating_sub(2)).iter().enumerate() {
            let symbol = if number == 0 { symbol(status) } else { " " };
            writeln!(out, "{} {}", self.paint.status(status, symbol), self.paint.heading(line))?;
        }
        Ok(())
    }

    fn item(&self, item: &ItemResult, out: &mut dyn Write) -> io::Result<()> {
        if item.probes.iter().all(|probe| probe.status == Status::Passed) {
            self.say(&format!("{}: ", item.status.word()), &visible(&words(item.reason.as_ref())), out)?;
            snippet::arrow(&item.place, self.paint, out)?;
        }
        self.probes(item, |probe, out| self.probe(item, probe, out), out)
    }

    /// Every red probe with its help and how to reproduce it, and the hint of the item. One probe alone has its command
    /// last.
    fn probes(
        &self,
        item: &ItemResult,
        show: impl Fn(&ProbeResult, &mut dyn Write) -> io::Result<()>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let red: Vec<&ProbeResult> = item.probes.iter().filter(|probe| probe.status != Status::Passed).collect();
        for (at, probe) in red.iter().enumerate() {
            show(probe, out)?;
            let is_new = red[..at].iter().all(|before| before.help != probe.help);
            if let Some(help) = probe.help.as_deref().filter(|_| is_new) {
                self.say("help: ", &visible(help), out)?;
            }
            if red.len() > 1 {
                self.reproduce(probe, out)?;
            }
        }
        // The hint is about the service, not about a missing variable.
        let is_unset = item.reason.as_ref().is_some_and(Reason::is_unset);
        if let Some(hint) = item.hint.as_ref().filter(|_| !is_unset) {
            self.say("hint: ", &visible(hint), out)?;
        }
        match red.as_slice() {
            [only] => self.reproduce(only, out),
            [] | [_, ..] => Ok(()),
        }
    }

    /// How to reproduce the result. A command is not wrapped: it is meant to be copied.
    fn reproduce(&self, probe: &ProbeResult, out: &mut dyn Write) -> io::Result<()> {
        match probe.reproduce.as_deref() {
            Some(command) => writeln!(out, "  {}{}", self.paint.advice("reproduce: "), visible(command)),
            None => Ok(()),
        }
    }

    fn probe(&self, item: &ItemResult, probe: &ProbeResult, out: &mut dyn Write) -> io::Result<()> {
        let last = || probe.attempts.last()?.reason.clone();
        let reason = probe.error.as_ref().map(ToString::to_string).or_else(last);
        let mut label = format!("{}: ", probe.status.word());
        if item.probes.len() > 1 {
            label = format!("{} {label}", visible(&observed::named(probe)));
        }
        let mut said = visible(&reason.unwrap_or_else(|| words(item.reason.as_ref()))).into_owned();
        if probe.attempts.len() > 1 {
            // Only the item's time includes the pauses, and that of other probes.
            let over =
                if item.probes.len() == 1 { format!(" over {}", duration(item.duration_ms)) } else { String::new() };
            said = format!("{said} (after {}{over})", count(probe.attempts.len(), "attempt"));
        }
        // An error of the connection names it already.
        if let Some(machine) = probe.via.as_deref().filter(|machine| !said.contains(machine)) {
            said.push_str(&format!(" (via {})", visible(machine)));
        }
        if probe.insecure {
            said.push_str(" (insecure: TLS not verified)");
        }
        self.say(&label, &said, out)?;
        self.unmet(probe, out)?;
        if self.options.detail == Detail::Verbose {
            observed::returned(probe, self.limit, self.paint, out)
        } else {
            Ok(())
        }
    }

    /// The lines of the checklist with expectations that are not met. For one in a check, the line that uses the check
    /// comes first.
    fn unmet(&self, probe: &ProbeResult, out: &mut dyn Write) -> io::Result<()> {
        let unmet = || probe.expectations.iter().filter(|expectation| !expectation.passed);
        if unmet().next().is_none() {
            return snippet::arrow(&probe.place, self.paint, out);
        }
        let label = |of: &ExpectationResult| visible(&finding::unmet_words(probe, of)).into_owned();
        let mut defaults = unmet().filter(|expectation| expectation.place.is_none()).peekable();
        let word = probe.check.as_deref().unwrap_or(&probe.kind);
        if probe.check.is_some() && defaults.peek().is_none() {
            self.quote(&probe.place, word, "used here", out)?;
        }
        for default in defaults {
            let label = format!("{}: {} (default)", visible(&default.path), label(default));
            self.quote(&probe.place, word, &label, out)?;
        }
        for expectation in unmet() {
            if let Some(place) = &expectation.place {
                self.quote(place, &expectation.path, &label(expectation), out)?;
            }
        }
        Ok(())
    }

    /// A line of the checklist with this label.
    fn quote(&self, place: &Place, word: &str, label: &str, out: &mut dyn Write) -> io::Result<()> {
        snippet::write(place, word, label, self.options.width.map(|_| self.limit), self.paint, out)
    }

    /// How long it has been red, and when it last passed, if earlier runs are known.
    fn since(&self, item: &ItemResult, out: &mut dyn Write) -> io::Result<()> {
        let mut known = Vec::new();
        if let Some(since) = item.red_since.filter(|since| *since < self.started) {
            known.push(format!("not green since {}", self.when(since)));
        }
        if let Some(passed) = item.last_passed {
            let subject = item.last_subject.as_deref().map(|subject| format!(" at {}", visible(subject)));
            known.push(format!("last passed {}{}", self.when(passed), subject.unwrap_or_default()));
        }
        if known.is_empty() { Ok(()) } else { self.say("history: ", &known.join(", "), out) }
    }

    /// The day, or the time if it is the day of the run, in UTC.
    fn when(&self, instant: Timestamp) -> String {
        let day = gap::day(instant);
        if day == gap::day(self.started) { instant.strftime("%H:%M UTC").to_string() } else { day.to_string() }
    }

    fn say(&self, label: &str, text: &str, out: &mut dyn Write) -> io::Result<()> {
        let all = format!("{label}{text}");
        for (number, line) in wrap(&all, self.limit.saturating_sub(4)).iter().enumerate() {
            match line.strip_prefix(label.trim_end()) {
                Some(rest) if number == 0 => {
                    writeln!(out, "  {}{rest}", self.paint.advice(label.trim_end()))?;
                }
                Some(_) | None => writeln!(out, "    {line}")?,
            }
        }
        Ok(())
    }
}
