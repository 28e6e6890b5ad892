//! The file of sign-offs: read with places, and added to so that neither a kill nor a second signer loses anything.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::checklist::{Checklist, SIGNOFFS};
use crate::diagnostic::{Diagnostic, Diagnostics, Sources, Span};
use crate::reader;
use crate::writer::{self, Target};
use crate::yaml::{self, Value};

use super::Entry;

/// More than this is something else.
const LIMIT: u64 = 16 << 20;

/// What is known of a file of sign-offs.
#[derive(Debug, Default)]
pub struct Entries {
    /// The entries in the order of the file, each with its place.
    pub entries: Vec<(Entry, Span)>,
    /// The text in which they stand.
    pub sources: Sources,
}

/// The file of a checklist: beside it.
fn path(checklist: &Checklist) -> PathBuf {
    let name = format!("{}{SIGNOFFS}.yaml", checklist.name);
    // A relative path is relative to where we are, which the checklist's own file is as well.
    Path::new(&checklist.file).parent().unwrap_or(Path::new("")).join(name)
}

/// Every entry. None where there is no file.
///
/// # Errors
/// When it can't be read, or something in it is no entry: each of them is told.
pub fn read(checklist: &Checklist) -> Result<Entries, (Diagnostics, Sources)> {
    let path = path(checklist);
    let name = path.display().to_string();
    let text =
        content(&path, checklist).map_err(|problem| (cannot("read", &path, &problem).into(), Sources::default()))?;
    parse(&name, text)
}

/// Adds an entry at the end. What is there stays byte for byte; the new file takes its name when it is complete.
///
/// # Errors
/// When something in the file is no entry, or it can't be written; it is left as it was.
pub fn append(checklist: &Checklist, entry: &Entry) -> Result<String, (Diagnostics, Sources)> {
    let path = path(checklist);
    let wrong = |problem: io::Error| (cannot("write", &path, &problem).into(), Sources::default());
    let target = Target::inside(&path, writer::repository(&checklist.root)).map_err(wrong)?;
    let folder = target.path().parent().expect("a file is in a folder");
    // The folder itself is locked: that leaves nothing behind, and the lock goes with the process.
    let lock = File::open(folder).map_err(wrong)?;
    lock.lock().map_err(wrong)?;
    let mut text = content(target.path(), checklist).map_err(wrong)?;
    let name = path.display().to_string();
    let before = parse(&name, text.clone())?;
    if text.trim().is_empty() {
        text = format!(
            "# Who vouched for what of `{}`. Written by `gate sign`; nothing is ever taken out. Review what is new.\n",
            checklist.name
        );
    } else if !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(&written(entry));
    let after = parse(&name, text.clone())?;
    let is_kept = after.entries.len() == before.entries.len() + 1
        && after.entries.iter().zip(&before.entries).all(|(after, before)| after.0 == before.0)
        && after.entries.last().is_some_and(|(last, _)| last == entry);
    if !is_kept {
        let problem = Diagnostic::error(format!("nothing can be added to `{name}` as it stands"));
        return Err((
            problem.help("write it as a list whose entries begin with `- ` at the margin").into(),
            Sources::default(),
        ));
    }
    target.replace(|out| out.write_all(text.as_bytes())).map_err(wrong)?;
    Ok(name)
}

/// One entry as it stands in the file. A dollar is doubled: alone it would begin a reference.
fn written(entry: &Entry) -> String {
    let mut json = serde_json::json!([entry]);
    for value in json[0].as_object_mut().into_iter().flat_map(|entry| entry.values_mut()) {
        if let Some(text) = value.as_str() {
            *value = text.replace('$', "$$").into();
        }
    }
    let mut text = yaml::write(&json);
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// The text of the file, none if it does not exist.
fn content(path: &Path, checklist: &Checklist) -> io::Result<String> {
    match reader::inside(path, writer::repository(&checklist.root), LIMIT) {
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        read => read,
    }
}

/// The entries of a text. A problem with one does not hide those of others.
fn parse(name: &str, text: String) -> Result<Entries, (Diagnostics, Sources)> {
    let is_bare = text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
    let mut sources = Sources::default();
    let file = sources.add(name, text);
    if is_bare {
        return Ok(Entries { entries: Vec::new(), sources });
    }
    let mut problems = Vec::new();
    let mut entries = Vec::new();
    if let Some(root) = yaml::parse(&sources, file, &mut problems) {
        if !matches!(root.value, Value::List(_)) {
            let title = format!("sign-offs are a list, not {}", root.kind());
            problems
                .push(Diagnostic::error(title).at(root.span).help("`gate sign` writes it: begin with an empty file"));
        }
        for node in root.elements() {
            let entry = yaml::read::<Entry>(node, &mut problems);
            entries.extend(entry.map(|entry| (entry, node.span)));
        }
    }
    match Diagnostics(problems) {
        problems if problems.has_errors() => Err((problems, sources)),
        Diagnostics(_) => Ok(Entries { entries, sources }),
    }
}

fn cannot(what: &str, path: &Path, problem: &io::Error) -> Diagnostic {
    Diagnostic::error(format!("cannot {what} `{}`: {problem}", path.display()))
}
