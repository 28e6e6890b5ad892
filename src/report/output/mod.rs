//! Reports in files: each path is checked before the run, and no reader ever sees half of one.

mod protected;
mod sink;

use std::io;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::run::Run;
use crate::secret::Redacted;
use crate::text::error;

use super::markdown::embed::{self, NoPlace};
use super::{FORMATS, Format, RenderOptions, format};
pub use protected::ProtectedPaths;
use sink::Sink;

/// Where the reports of a run go.
#[derive(Debug)]
pub struct Outputs(Vec<Output>);

#[derive(Debug)]
struct Output {
    format: &'static Format,
    /// The path as the user gave it.
    path: PathBuf,
    sink: Sink,
    unmarked: Unmarked,
}

/// The behavior for a file that has other content and no markers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmarked {
    /// Keep it, and report an error.
    Keep,
    /// Replace all of it, as the user requested.
    Overwrite,
}

/// Checks that every report can be written, before the run. `name` is the name of the checklist.
///
/// # Errors
/// Every report that can't be written, or would replace one of the files that are `kept`.
pub fn open(
    specs: &[(String, PathBuf)],
    name: &str,
    unmarked: Unmarked,
    kept: &ProtectedPaths,
) -> Result<Outputs, Diagnostics> {
    let mut problems = Vec::new();
    let mut outputs: Vec<Output> = Vec::new();
    for (format, path) in specs {
        match Output::open(format, path, name, unmarked, kept) {
            Ok(output) => match outputs.iter().find(|other| other.sink.is_same_file(&output.sink)) {
                Some(other) => problems.push(twice(other, &output)),
                None => outputs.push(output),
            },
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(Outputs(outputs)) } else { Err(Diagnostics(problems)) }
}

impl Outputs {
    /// Writes every report. One that can't be written does not prevent the others.
    pub fn write(&self, run: &Redacted<Run>, options: &RenderOptions) -> Result<(), Diagnostics> {
        let problems: Vec<_> = self.0.iter().filter_map(|output| output.write(run, options).err()).collect();
        if problems.is_empty() { Ok(()) } else { Err(Diagnostics(problems)) }
    }
}

impl Output {
    fn open(
        name: &str,
        path: &Path,
        checklist: &str,
        unmarked: Unmarked,
        kept: &ProtectedPaths,
    ) -> Result<Self, Diagnostic> {
        let format = format(name).ok_or_else(|| unknown(name))?;
        let sink = Sink::open(path).map_err(|problem| cannot_write(path, &problem))?;
        if let Sink::File(file) = &sink
            && let Some(what) = kept.name(file.path())
        {
            let title = format!("cannot write `{}`: a report never replaces {what}", path.display());
            return Err(Diagnostic::error(title).help("give it another path"));
        }
        if format.is_shared
            && let Sink::File(file) = &sink
        {
            let there = file.content().map_err(|problem| cannot_write(path, &problem))?;
            if !embed::is_blank(&there) {
                match embed::place(&there, checklist) {
                    Ok(_) => {}
                    Err(NoPlace::Unmarked) if unmarked == Unmarked::Overwrite => {}
                    Err(why) => return Err(no_place(path, checklist, why)),
                }
            }
        }
        Ok(Self { format, path: path.to_owned(), sink, unmarked })
    }

    fn write(&self, run: &Redacted<Run>, options: &RenderOptions) -> Result<(), Diagnostic> {
        let failed = |problem: io::Error| cannot_write(&self.path, &problem);
        match &self.sink {
            Sink::File(file) if self.format.is_shared => {
                let mut markdown = Vec::new();
                self.format.write(run, options, &mut markdown).map_err(failed)?;
                // Read again: it may have been edited during the run.
                let there = file.content().map_err(failed)?;
                let whole = match embed::embed(&there, &run.name, &markdown) {
                    Err(NoPlace::Unmarked) if self.unmarked == Unmarked::Overwrite => {
                        embed::embed(b"", &run.name, &markdown)
                    }
                    embedded => embedded,
                };
                let whole = whole.map_err(|why| no_place(&self.path, &run.name, why))?;
                file.replace(|out| out.write_all(&whole)).map_err(failed)
            }
            Sink::File(file) => file.replace(|out| self.format.write(run, options, out)).map_err(failed),
            Sink::Stdout | Sink::Stderr | Sink::Stream(_) => {
                self.sink.stream(|out| self.format.write(run, options, out)).map_err(failed)
            }
        }
    }
}

fn unknown(name: &str) -> Diagnostic {
    let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
    let otherwise = format!("the formats are {}", names.join(", "));
    Diagnostic::error(format!("unknown format `{name}`")).suggest(name, names, otherwise)
}

fn twice(first: &Output, second: &Output) -> Diagnostic {
    Diagnostic::error(format!(
        "two reports go to `{}`: {} and {}",
        second.path.display(),
        first.format.name,
        second.format.name
    ))
    .help("give each its own file")
}

fn cannot_write(path: &Path, problem: &io::Error) -> Diagnostic {
    let help = match problem.kind() {
        io::ErrorKind::PermissionDenied => {
            Some("the file and its folder must be writable: a new file is made beside the old one".to_owned())
        }
        _ => None, // there is nothing to add to the system's own message
    };
    Diagnostic::error(format!("cannot write `{}`: {}", path.display(), error::os(problem))).maybe_help(help)
}

fn no_place(path: &Path, name: &str, why: NoPlace) -> Diagnostic {
    let (begin, end) = (embed::begin(name), embed::end(name));
    let what = match why {
        NoPlace::Unmarked => "has no markers for this checklist, so it was not changed",
        NoPlace::Unclear => "has the markers for this checklist more than once, or only one of them",
    };
    Diagnostic::error(format!("`{}` {what}", path.display())).help(match why {
        NoPlace::Unmarked => format!(
            "put these two lines where the checklist should be: `{begin}` and, below, `{end}`; `--overwrite` replaces the whole file"
        ),
        NoPlace::Unclear => format!("it must have these two lines, once each: `{begin}` and, below, `{end}`"),
    })
}

#[cfg(test)]
mod tests;
