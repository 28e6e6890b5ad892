//! Output for a job of GitHub Actions: annotations, a summary, outputs.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::diagnostic::Diagnostic;
use crate::env::Env;
use crate::report::{self, Counts, RenderOptions, github};
use crate::run::{Run, Verdict, Weaker};
use crate::secret::Redacted;
use crate::text::{error, visible};
use crate::writer;

/// GitHub rejects a step summary longer than 1 MiB; a part of that is left for other programs of the step.
const SUMMARY: usize = 1_000_000;
/// The end of a summary that was cut.
const CUT: &str = "\n**The summary is cut here:** GitHub shows no more than 1 MiB of a step.\n";

/// A job of GitHub Actions.
pub struct Actions {
    summary: Option<PathBuf>,
    output: Option<PathBuf>,
}

impl Actions {
    /// The job that gate runs in, if any.
    pub fn of(env: &Env) -> Option<Self> {
        let path = |name| env.var(name).filter(|path| !path.is_empty()).map(PathBuf::from);
        let is_on = env.var("GITHUB_ACTIONS") == Some("true");
        is_on.then(|| Self { summary: path("GITHUB_STEP_SUMMARY"), output: path("GITHUB_OUTPUT") })
    }

    /// Writes annotations to standard error, and appends the summary and the outputs to the runner's files. A file that
    /// can't be written is a warning: the verdict is the same.
    pub fn publish(&self, run: &Redacted<Run>, weaker: &[Weaker], options: &RenderOptions) -> Vec<Diagnostic> {
        let mut annotations = Vec::new();
        let format = report::format("github").expect("it is in the registry");
        format.write(run, options, &mut annotations).expect("a vector takes all");
        // If standard error is closed, nothing can be reported there.
        let _ = io::stderr().write_all(&annotations);
        let summary =
            append("GITHUB_STEP_SUMMARY", self.summary.as_deref(), |length| summary(run, weaker, options, length));
        let outputs = append("GITHUB_OUTPUT", self.output.as_deref(), |_| outputs(run));
        [summary, outputs].into_iter().flatten().collect()
    }
}

/// Appends text to a file of the runner. The text is made from the current length of the file. Returns a warning if
/// that fails.
fn append(name: &str, path: Option<&Path>, text: impl FnOnce(usize) -> String) -> Option<Diagnostic> {
    let Some(path) = path else {
        return Some(Diagnostic::warning(format!("`{name}` is not set, so nothing is written there")));
    };
    let written = writer::append(path, |length| text(usize::try_from(length).unwrap_or(usize::MAX)).into_bytes());
    let problem = written.err()?;
    Some(Diagnostic::warning(format!("cannot write `{}` ({name}): {}", path.display(), error::os(&problem))))
}

/// The Markdown, and what got weaker, cut below the limit.
fn summary(run: &Redacted<Run>, weaker: &[Weaker], options: &RenderOptions, length: usize) -> String {
    let mut markdown = Vec::new();
    let format = report::format("markdown").expect("it is in the registry");
    format.write(run, options, &mut markdown).expect("a vector takes all");
    let mut text = String::from_utf8_lossy(&markdown).into_owned();
    if !weaker.is_empty() {
        text.push_str("\n## Weaker since the last green run\n\n");
    }
    for Weaker { item, what } in weaker {
        writeln!(text, "- {}: {}", report::escape(item), report::escape(what)).expect("a string takes all");
    }
    text.push('\n');
    let room = SUMMARY.saturating_sub(length);
    if text.len() <= room {
        return text;
    }
    let end = text.floor_char_boundary(room.saturating_sub(CUT.len()));
    let end = text[..end].rfind('\n').map_or(0, |end| end + 1);
    format!("{}{CUT}", &text[..end])
}

/// The outputs of the step, one per line.
fn outputs(run: &Run) -> String {
    let counts = Counts::of(run);
    let red = run.items().filter(|item| !item.advisory && !item.status.is_green());
    let red: Vec<_> = red.map(|item| visible(&item.id)).collect();
    let verdict = match run.verdict() {
        Verdict::Ready => "ready",
        Verdict::NotReady => "not-ready",
        Verdict::Unknown => "unknown",
    };
    let numbers = [
        ("total", counts.total),
        ("green", counts.green),
        ("passed", counts.passed),
        ("failed", counts.failed),
        ("error", counts.error),
        ("blocked", counts.blocked),
        ("pending", counts.pending),
        ("waived", counts.waived),
        ("deferred", counts.deferred),
    ];
    let mut text = format!("ready={}\nverdict={verdict}\nred={}\n", run.verdict() == Verdict::Ready, red.join(","));
    for (name, number) in numbers {
        writeln!(text, "{name}={number}").expect("a string takes all");
    }
    text
}

/// A writer whose output has no line that is a workflow command.
pub struct Defused<W: Write> {
    out: W,
    line: Vec<u8>,
}

impl<W: Write> Defused<W> {
    /// Wraps another writer.
    pub fn new(out: W) -> Self {
        Self { out, line: Vec::new() }
    }

    fn end_line(&mut self) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        self.out.write_all(github::defused(&String::from_utf8_lossy(&line)).as_bytes())
    }
}

impl<W: Write> Write for Defused<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend(part);
            if part.ends_with(b"\n") {
                self.end_line()?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.end_line()?;
        self.out.flush()
    }
}
