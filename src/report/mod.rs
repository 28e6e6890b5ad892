//! The report formats: each is a pure function of the run, in checklist order.
//!
//! A new format is one file here, and its `mod` line and row below.

mod cause;
mod counts;
mod finding;
mod gap;
pub mod github;
mod gitlab;
mod html;
mod intoto;
mod json;
mod junit;
mod live;
mod markdown;
mod ndjson;
mod output;
mod paint;
mod prometheus;
#[cfg(test)]
mod sample;
mod sarif;
mod table;
mod tap;
mod text;
mod workspace;

use std::io::{self, Write};

use jiff::Timestamp;

use crate::env::Env;
use crate::run::{Event, Run, Verdict};
use crate::secret::Redacted;

pub use counts::Counts;
pub use json::{read as read_json, schema};
pub use live::Live;
pub use markdown::{Exactness, drift, embed, escape, structural_drift, subject};
pub use output::{Outputs, ProtectedPaths, Unmarked, open};
pub use workspace::Workspace;

/// All report formats, in alphabetical order. A new format adds its row here.
pub static FORMATS: &[Format] = &[
    Format {
        name: "github",
        doc: "annotations for GitHub Actions",
        is_shared: false,
        is_whole: false,
        is_for_people: false,
        render: github::render,
        events: None,
    },
    Format {
        name: "gitlab",
        doc: "a Code Quality report for GitLab merge requests",
        is_shared: false,
        is_whole: false,
        is_for_people: false,
        render: gitlab::render,
        events: None,
    },
    Format {
        name: "html",
        doc: "a web page in a single file",
        is_shared: false,
        is_whole: true,
        is_for_people: false,
        render: html::render,
        events: None,
    },
    Format {
        name: "intoto",
        doc: "an in-toto statement of the test result, ready to sign",
        is_shared: false,
        is_whole: true,
        is_for_people: false,
        render: intoto::render,
        events: None,
    },
    Format {
        name: "json",
        doc: "the complete run as JSON",
        is_shared: false,
        is_whole: true,
        is_for_people: false,
        render: json::render,
        events: None,
    },
    Format {
        name: "junit",
        doc: "JUnit XML, for CI",
        is_shared: false,
        is_whole: false,
        is_for_people: false,
        render: junit::render,
        events: None,
    },
    Format {
        name: "markdown",
        doc: "the Markdown checklist, to read and commit",
        is_shared: true,
        is_whole: false,
        is_for_people: true,
        render: markdown::render,
        events: None,
    },
    Format {
        name: "ndjson",
        doc: "run events, one JSON object per line; streamed on standard output",
        is_shared: false,
        is_whole: true,
        is_for_people: false,
        render: ndjson::render,
        events: Some(ndjson::EVENTS),
    },
    Format {
        name: "prometheus",
        doc: "metrics for the textfile collector of node_exporter",
        is_shared: false,
        is_whole: false,
        is_for_people: false,
        render: prometheus::render,
        events: None,
    },
    Format {
        name: "sarif",
        doc: "SARIF 2.1.0, for code scanning",
        is_shared: false,
        is_whole: false,
        is_for_people: false,
        render: sarif::render,
        events: None,
    },
    Format {
        name: "table",
        doc: "a table for the terminal",
        is_shared: false,
        is_whole: false,
        is_for_people: true,
        render: table::render,
        events: None,
    },
    Format {
        name: "tap",
        doc: "Test Anything Protocol, for prove",
        is_shared: false,
        is_whole: false,
        is_for_people: false,
        render: tap::render,
        events: None,
    },
];

/// A report format.
#[derive(Debug)]
pub struct Format {
    /// Its name on the command line.
    pub name: &'static str,
    /// Its purpose.
    pub doc: &'static str,
    /// Whether people write in the same file: then only the part between gate's markers is replaced.
    pub is_shared: bool,
    /// Whether it shows observations, or the origin of the run. For other formats these are not kept.
    pub is_whole: bool,
    /// Whether its lines are for people, so that a CI service could take one for a command.
    pub is_for_people: bool,
    render: Render,
    /// The writer of events as they happen, if the format has one.
    pub events: Option<Events>,
}

type Render = fn(&Run, &RenderOptions, &mut dyn Write) -> io::Result<()>;

/// The writer of events as they happen.
#[derive(Debug, Clone, Copy)]
pub struct Events {
    /// Writes one event.
    pub event: fn(&Event, &mut dyn Write) -> io::Result<()>,
    /// Writes the end.
    pub done: fn(&Run, &mut dyn Write) -> io::Result<()>,
}

impl Format {
    /// Writes a run in this form.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, run: &Redacted<Run>, options: &RenderOptions, out: &mut dyn Write) -> io::Result<()> {
        (self.render)(run, options, out)
    }
}

/// Options for rendering. Formats for files ignore most of them.
#[derive(Debug, Clone)]
pub struct RenderOptions {
    /// The columns of the terminal. None if the output is not a terminal.
    pub width: Option<usize>,
    /// Whether colors are used.
    pub color: bool,
    /// How much is shown.
    pub detail: Detail,
    /// The current time, which determines whether gaps have expired.
    pub now: Timestamp,
    /// Whether the run is in a ledger, where `gate sign` finds it.
    pub is_recorded: bool,
    /// The repository: forges name files relative to it.
    pub workspace: Workspace,
}

/// How much the table shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Green items as a count.
    Quiet,
    /// Every item, and the details of those that are not green.
    Default,
    /// The details of every item, with what its probes returned.
    Verbose,
}

impl RenderOptions {
    /// Options for a file in this environment: no colors, no terminal.
    pub fn file(env: &Env) -> Self {
        Self { workspace: Workspace::of(env), ..Self::plain(env.now()) }
    }

    /// Options for a file: no colors, no terminal.
    pub fn plain(now: Timestamp) -> Self {
        Self {
            width: None,
            color: false,
            detail: Detail::Default,
            now,
            is_recorded: true,
            workspace: Workspace::default(),
        }
    }
}

/// The format of this name.
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

/// The verdict in words.
pub fn words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ready => "READY",
        Verdict::NotReady => "NOT READY",
        Verdict::Unknown => "UNDECIDED",
    }
}

#[cfg(test)]
mod tests {
    use super::FORMATS;

    #[test]
    fn formats_are_in_alphabetical_order() {
        assert!(FORMATS.is_sorted_by_key(|format| format.name));
    }
}
