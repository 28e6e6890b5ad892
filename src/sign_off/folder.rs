//! The folder of sign-offs: each entry is a file of its own, so that two branches merge without conflict.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::checklist::{Checklist, SIGNOFFS};
use crate::diagnostic::{Diagnostic, Diagnostics, Sources, Span};
use crate::reader;
use crate::text::error;
use crate::writer::{self, Target};
use crate::yaml::{self, Node, Value};

use super::entry::Entry;
use super::old::OldEntry;

/// A file that is longer is not one of sign-offs.
const LIMIT: u64 = 16 << 20;

/// Entries that were read.
#[derive(Debug, Default)]
pub struct Entries {
    /// Each entry, oldest first.
    pub entries: Vec<Recorded>,
    /// The text of their files.
    pub sources: Sources,
}

/// An entry as it was recorded.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The entry itself.
    pub entry: Entry,
    /// The bytes that its key signs.
    pub bytes: Vec<u8>,
    /// For one of the old single file, the digest over all that it covers.
    pub old_covers: Option<String>,
    /// Its place. None for one that was just made.
    pub span: Option<Span>,
}

impl From<Entry> for Recorded {
    fn from(entry: Entry) -> Self {
        Self { bytes: entry.signed_bytes(), entry, old_covers: None, span: None }
    }
}

/// The old single file and the folder of entries, both beside the checklist.
pub fn paths(checklist: &Checklist) -> (PathBuf, PathBuf) {
    let name = format!("{}{SIGNOFFS}", checklist.name);
    let folder = Path::new(&checklist.file).parent().unwrap_or(Path::new(""));
    (folder.join(format!("{name}.yaml")), folder.join(name))
}

/// The files of the folder, in the order of their names.
///
/// # Errors
/// When the folder can't be read.
pub fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let listed = match fs::read_dir(folder) {
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed?,
    };
    let mut files = Vec::new();
    for entry in listed {
        let name = entry?.file_name();
        let is_entry = name.to_str().is_some_and(|name| name.ends_with(".yaml") && !name.starts_with('.'));
        files.extend(is_entry.then(|| folder.join(name)));
    }
    files.sort_unstable();
    Ok(files)
}

/// Every entry of a checklist, oldest first.
///
/// # Errors
/// When a file can't be read, or something in it is not an entry; all of these problems.
pub fn read(checklist: &Checklist) -> Result<Entries, (Diagnostics, Sources)> {
    let (old, folder) = paths(checklist);
    let repository = writer::repository(&checklist.root);
    let mut reading = Reading::default();
    if let Some(root) = reading.parse(&old, repository) {
        if !matches!(root.value, Value::List(_)) {
            let title = format!("expected a list of sign-offs, got {}", root.kind());
            reading.problems.push(Diagnostic::error(title).at(root.span));
        }
        for node in root.elements() {
            let entry: Option<OldEntry> = reading.entry(node);
            reading.entries.extend(entry.map(|old| Recorded {
                bytes: old.signed_bytes(),
                old_covers: Some(old.covers().to_owned()),
                entry: old.into_entry(&checklist.title),
                span: Some(node.span),
            }));
        }
    }
    match files(&folder) {
        Err(problem) => reading.problems.push(cannot("read", &folder, &problem)),
        Ok(files) => {
            for path in files {
                let Some(root) = reading.parse(&path, repository) else { continue };
                let entry: Option<Entry> = reading.entry(&root);
                reading.entries.extend(entry.map(|entry| Recorded { span: Some(root.span), ..entry.into() }));
            }
        }
    }
    let Reading { mut entries, sources, problems } = reading;
    entries.sort_by_key(|recorded| recorded.entry.at);
    match Diagnostics(problems) {
        problems if problems.has_errors() => Err((problems, sources)),
        Diagnostics(_) => Ok(Entries { entries, sources }),
    }
}

/// Writes an entry as a new file, which appears complete or not at all. Returns its path.
///
/// # Errors
/// When it can't be written, or exists.
pub fn write(checklist: &Checklist, entry: &Entry) -> Result<PathBuf, Diagnostic> {
    let (_, folder) = paths(checklist);
    let path = folder.join(entry.file_name());
    let repository = writer::repository(&checklist.root);
    let written = || {
        writer::confine(&path, repository).map_err(error::own)?;
        fs::create_dir_all(&folder)?;
        Target::inside(&path, repository)?.create(|out| out.write_all(text(entry).as_bytes()))
    };
    written().map_err(|problem| {
        let _ = fs::remove_dir(&folder); // only if it is empty
        cannot("write", &path, &problem)
    })?;
    Ok(path)
}

/// One entry as it is written. A dollar is doubled: alone it would begin a reference.
fn text(entry: &Entry) -> String {
    let mut json = serde_json::to_value(entry).expect("text, days and instants can be written as JSON");
    escape(&mut json);
    let mut text = yaml::write(&json);
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn escape(json: &mut serde_json::Value) {
    match json {
        serde_json::Value::String(text) => *text = text.replace('$', "$$"),
        serde_json::Value::Array(elements) => elements.iter_mut().for_each(escape),
        serde_json::Value::Object(entries) => entries.values_mut().for_each(escape),
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
    }
}

/// The entries read so far. A problem with one entry does not hide those of others.
#[derive(Default)]
struct Reading {
    entries: Vec<Recorded>,
    sources: Sources,
    problems: Vec<Diagnostic>,
}

impl Reading {
    /// The tree of a file. None if the file does not exist or is empty.
    fn parse(&mut self, path: &Path, repository: &Path) -> Option<Node> {
        let text = match content(path, repository) {
            Ok(text) => text,
            Err(problem) => {
                self.problems.push(cannot("read", path, &problem));
                return None;
            }
        };
        if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
            return None;
        }
        let file = self.sources.add(path.display().to_string(), text);
        yaml::parse(&self.sources, file, &mut self.problems)
    }

    fn entry<T: DeserializeOwned>(&mut self, node: &Node) -> Option<T> {
        yaml::read(node, &mut self.problems)
    }
}

/// The text of a file in a repository, none if it does not exist.
fn content(path: &Path, repository: &Path) -> io::Result<String> {
    match reader::inside(path, repository, LIMIT) {
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        read => read,
    }
}

fn cannot(what: &str, path: &Path, problem: &io::Error) -> Diagnostic {
    Diagnostic::error(format!("cannot {what} `{}`: {}", path.display(), error::os(problem)))
}
