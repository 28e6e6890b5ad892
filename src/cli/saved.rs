//! A run that was saved as a JSON report.

use std::path::Path;

use crate::diagnostic::Diagnostic;
use crate::reader;
use crate::report;
use crate::run::Run;
use crate::text::error;

/// A longer file is not a report of gate.
const LIMIT: u64 = 256 << 20;

/// Reads the run, and returns it with the bytes of the file.
///
/// # Errors
/// When it can't be read.
pub fn read(path: &Path) -> Result<(Run, Vec<u8>), Diagnostic> {
    let wrong = |why: String| Diagnostic::error(format!("cannot read `{}`: {why}", path.display()));
    let bytes = reader::bytes(path, LIMIT).map_err(|problem| wrong(error::os(&problem)))?;
    let run = report::read_json(&bytes)
        .map_err(|why| wrong(why).help("write it with `gate check NAME --report json=run.json`"))?;
    Ok((run, bytes))
}
