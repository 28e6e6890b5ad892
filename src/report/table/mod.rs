//! `table`: for a person at a terminal. One row for each item, then explanations of the red ones, then a list of them
//! with one line each, and the verdict last.

mod explain;
mod observed;

mod reds;
mod rows;
mod snippet;
mod summary;

use std::io::{self, Write};

use crate::run::Run;
use crate::text::visible;

use super::RenderOptions;
use super::text::wrap;
use crate::report::paint::Paint;

/// The width if the output is not a terminal.
const WIDTH: usize = 100;

/// The run as a table, with the red items explained.
pub fn render(run: &Run, options: &RenderOptions, out: &mut dyn Write) -> io::Result<()> {
    let paint = Paint(options.color);
    let width = options.width.unwrap_or(WIDTH).max(20);
    let title = match &run.subject {
        Some(subject) => format!("{} · {}", visible(&run.title), visible(subject)),
        None => visible(&run.title).into_owned(),
    };
    for line in wrap(&title, width) {
        writeln!(out, "{}", paint.heading(&line))?;
    }
    rows::write(run, options.detail, width, paint, out)?;
    explain::write(run, options, width, paint, out)?;
    summary::notes(run, options, width, out)?;
    reds::write(run, options, width, paint, out)?;
    summary::verdict(run, width, paint, out)
}

#[cfg(test)]
mod tests;
