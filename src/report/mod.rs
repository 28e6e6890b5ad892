//! How a run is told: every format is a pure function of the run, in checklist order.
//!
//! A new format is one file here, and its `mod` line and row below.

mod cause;
mod counts;
mod gap;
mod json;
mod live;
mod markdown;
mod output;
#[cfg(test)]
mod sample;
mod table;
mod text;

use std::io::{self, Write};

use jiff::Timestamp;

use crate::run::{Run, Verdict};
use crate::secret::Redacted;

pub use counts::Counts;
pub use json::{read as read_json, schema};
pub use live::Live;
pub use markdown::{Exactness, drift, embed};
pub use output::{Kept, Outputs, Unmarked, open};

/// Every format that a run can be told in, in alphabetical order. A new format adds its row here.
pub static FORMATS: &[Format] = &[
    Format {
        name: "json",
        doc: "the whole record, for programs",
        is_shared: false,
        is_whole: true,
        render: json::render,
    },
    Format {
        name: "markdown",
        doc: "the checklist with its ticks, to be read and committed",
        is_shared: true,
        is_whole: false,
        render: markdown::render,
    },
    Format {
        name: "table",
        doc: "for a person at a terminal",
        is_shared: false,
        is_whole: false,
        render: table::render,
    },
];

/// A form that a run can be told in.
#[derive(Debug)]
pub struct Format {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is for.
    pub doc: &'static str,
    /// Whether people write in the same file: then only what stands between gate's markers is replaced.
    pub is_shared: bool,
    /// Whether it shows observations. For others they are not kept.
    pub is_whole: bool,
    render: fn(&Run, &Look, &mut dyn Write) -> io::Result<()>,
}

impl Format {
    /// Writes a run in this form.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, run: &Redacted<Run>, look: &Look, out: &mut dyn Write) -> io::Result<()> {
        (self.render)(run, look, out)
    }
}

/// How the reader sees it. Formats for files take no notice.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// The columns of the terminal. `None` when it is read elsewhere.
    pub width: Option<usize>,
    /// Whether colours may be used.
    pub color: bool,
    /// The time at which it is read, by which gaps have expired or not.
    pub now: Timestamp,
}

impl Look {
    /// How a file is written: no colours, no terminal.
    pub fn plain(now: Timestamp) -> Self {
        Self { width: None, color: false, now }
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
        Verdict::Unknown => "COULD NOT TELL",
    }
}

#[cfg(test)]
mod tests {
    use super::FORMATS;

    #[test]
    fn formats_stand_in_alphabetical_order() {
        assert!(FORMATS.is_sorted_by_key(|format| format.name));
    }
}
