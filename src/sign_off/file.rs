//! The file of sign-offs: read with places, and added to so that neither a kill nor a second signer loses anything.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::checklist::{Checklist, SIGNOFFS};
use crate::diagnostic::{Diagnostic, Diagnostics, Sources, Span};
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
    let text = content(&path).map_err(|problem| (cannot("read", &path, &problem).into(), Sources::default()))?;
    parse(&name, text)
}

/// Adds an entry at the end. What is there stays byte for byte; the new file takes its name when it is complete.
///
/// # Errors
/// When something in the file is no entry, or it can't be written; it is left as it was.
pub fn append(checklist: &Checklist, entry: &Entry) -> Result<String, (Diagnostics, Sources)> {
    let path = path(checklist);
    let wrong = |problem: io::Error| (cannot("write", &path, &problem).into(), Sources::default());
    // A link stays a link.
    let target = if path.exists() { path.canonicalize().map_err(wrong)? } else { path.clone() };
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // The folder itself is locked: that leaves nothing behind, and the lock goes with the process.
    let lock = File::open(folder).map_err(wrong)?;
    lock.lock().map_err(wrong)?;
    let mut text = content(&target).map_err(wrong)?;
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
    replace(&target, folder, text.as_bytes()).map_err(wrong)?;
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

/// Writes a new file beside the old one, and gives it its name. One that a kill left behind is written over: whoever
/// holds the lock is alone.
fn replace(target: &Path, folder: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let new = folder.join(format!(".{name}.new"));
    let written = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&new)?;
        file.write_all(bytes)?;
        if let Ok(old) = fs::metadata(target) {
            file.set_permissions(old.permissions())?;
        }
        file.sync_all()?;
        fs::rename(&new, target)
    };
    if let Err(problem) = written() {
        // A disk that is full is not to keep half a file.
        let _ = fs::remove_file(&new);
        return Err(problem);
    }
    File::open(folder)?.sync_all()
}

fn content(path: &Path) -> io::Result<String> {
    match fs::metadata(path) {
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        Ok(there) if there.len() > LIMIT => return Err(io::Error::other("it is longer than 16 MiB")),
        Ok(_) | Err(_) => {}
    }
    fs::read_to_string(path)
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
