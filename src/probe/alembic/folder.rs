//! The revision files of a folder, found as alembic finds them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::script::{self, Revision};
use crate::probe::Fault;
use crate::probe::file::observe;
use crate::text::error;

/// How deep folders are followed, against links that lead in circles.
const MAX_DEPTH: usize = 32;

/// The largest revision file that is read.
const MAX_SOURCE: usize = 16 << 20;

/// Which files of a folder are revision files.
#[derive(Debug, Clone, Copy, Default)]
pub struct Kind {
    /// Those of folders in it too.
    pub recursive: bool,
    /// Compiled ones too.
    pub sourceless: bool,
}

/// Reads the revision files of these folders. `project` is where shown paths start.
///
/// # Errors
/// When one can't be read or understood, or there is none at all.
pub fn read(folders: &[PathBuf], kind: Kind, project: &Path) -> Result<Vec<Revision>, Fault> {
    let shown = |path: &Path| path.strip_prefix(project).unwrap_or(path).display().to_string();
    let mut revisions = Vec::new();
    let mut seen = BTreeSet::new();
    for folder in folders {
        for path in files(folder, kind, 0).map_err(|(path, error)| unreadable(&shown(&path), &error))? {
            // Alembic takes a link for the file that it leads to.
            let real = path.canonicalize().map_err(|error| unreadable(&shown(&path), &error))?;
            let name = real.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with(".#") || name.starts_with("__init__") || !seen.insert(real.clone()) {
                continue;
            }
            if kind.sourceless && is_compiled(&name) && !has_source(&path) {
                return Err(Fault::new(format!("`{}` is compiled, and only Python can read it", shown(&path)))
                    .help("use `heads: command`, which runs alembic"));
            }
            if name.ends_with(".py") {
                let source = observe(&real, MAX_SOURCE)?.content.ok_or_else(|| {
                    Fault::new(format!("`{}` is not a file", shown(&path))).help("move it out of this folder")
                })?;
                if source.truncated {
                    return Err(Fault::new(format!("`{}` is larger than 16 MiB", shown(&path)))
                        .help("use `heads: command`, which runs alembic"));
                }
                revisions.push(script::read(&shown(&path), &source.bytes)?);
            }
        }
    }
    if revisions.is_empty() {
        let folders: Vec<String> = folders.iter().map(|folder| format!("`{}`", shown(folder))).collect();
        return Err(Fault::new(format!("no revision file is in {}", folders.join(" or ")))
            .help("is this the folder that alembic uses? `scripts` or `versions` may name another"));
    }
    Ok(revisions)
}

fn unreadable(path: &str, error: &std::io::Error) -> Fault {
    Fault::new(format!("cannot read `{path}`: {}", error::os(error)))
        .help("is the path right? `scripts` or `versions` may name the folder with the revision files")
}

/// The files of a folder in the order in which alembic loads them.
fn files(folder: &Path, kind: Kind, depth: usize) -> Result<Vec<PathBuf>, (PathBuf, std::io::Error)> {
    let failed = |error| (folder.to_owned(), error);
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        // A link to a folder is not followed.
        let is_folder = entry.file_type().map_err(failed)?.is_dir();
        if is_folder {
            folders.push(entry.path());
        } else if !entry.path().is_dir() {
            files.push(entry.path());
        }
    }
    files.sort();
    folders.sort();
    for inner in folders {
        let is_cache = inner.file_name().is_some_and(|name| name.to_string_lossy().ends_with("__pycache__"));
        if if is_cache { kind.sourceless } else { kind.recursive && depth < MAX_DEPTH } {
            files.extend(self::files(&inner, kind, depth + 1)?);
        }
    }
    Ok(files)
}

fn is_compiled(name: &str) -> bool {
    name.ends_with(".pyc") || name.ends_with(".pyo")
}

/// Whether the file that this one was compiled from is there: beside it, or beside its `__pycache__`.
fn has_source(compiled: &Path) -> bool {
    let folder = compiled.parent().unwrap_or(Path::new(""));
    let name = compiled.file_name().unwrap_or_default().to_string_lossy();
    let source = format!("{}.py", name.split('.').next().unwrap_or_default());
    let is_cached = folder.file_name().is_some_and(|name| name == "__pycache__");
    let beside = if is_cached { folder.parent().unwrap_or(folder) } else { folder };
    beside.join(source).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a folder with these files, each a revision with its own name as id.
    fn read_with(paths: &[&str], kind: Kind) -> String {
        let project = tempfile::tempdir().expect("a temporary folder");
        for path in paths {
            let path = project.path().join("versions").join(path);
            std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("the folder is writable");
            let id = path.file_name().expect("it has a name").to_string_lossy().replace('.', "_");
            std::fs::write(&path, format!("revision = '{id}'\ndown_revision = None\n"))
                .expect("the folder is writable");
        }
        match read(&[project.path().join("versions")], kind, project.path()) {
            Ok(revisions) => revisions.into_iter().map(|revision| revision.file).collect::<Vec<_>>().join(" "),
            Err(fault) => fault.to_string(),
        }
    }

    #[test]
    fn only_revision_files_are_read() {
        let paths =
            ["b.py", "a.py", ".#a.py", "__init__.py", "a.pyc", "a.py~", "README", "__pycache__/c.py", "in/d.py"];
        assert_eq!(read_with(&paths, Kind::default()), "versions/a.py versions/b.py");
    }

    #[test]
    fn folders_in_it_are_read_where_that_is_wanted() {
        let kind = Kind { recursive: true, sourceless: false };
        let paths = ["b.py", "in/a.py", "in/deeper/c.py", "__pycache__/d.py"];
        assert_eq!(read_with(&paths, kind), "versions/b.py versions/in/a.py versions/in/deeper/c.py");
    }

    #[test]
    fn compiled_files_are_not_read_past() {
        let kind = Kind { recursive: false, sourceless: true };
        assert_eq!(read_with(&["a.py", "a.pyc", "__pycache__/a.cpython-311.pyc"], kind), "versions/a.py");
        for compiled in ["b.pyc", "__pycache__/b.cpython-311.pyc"] {
            let expected = format!("`versions/{compiled}` is compiled, and only Python can read it");
            assert_eq!(read_with(&["a.py", compiled], kind), expected);
        }
    }

    /// Opening a FIFO would wait for a writer.
    #[test]
    fn a_pipe_or_device_is_not_read() {
        let project = tempfile::tempdir().expect("a temporary folder");
        let versions = project.path().join("versions");
        std::fs::create_dir(&versions).expect("the folder is writable");
        let made = std::process::Command::new("mkfifo").arg(versions.join("a.py")).status();
        assert!(made.expect("every Unix has it").success());
        let fault = read(&[versions], Kind::default(), project.path()).expect_err("it is a FIFO");
        assert_eq!(fault.to_string(), "`versions/a.py` is not a file");
    }

    #[test]
    fn an_empty_folder_is_not_a_history() {
        assert_eq!(read_with(&["README"], Kind::default()), "no revision file is in `versions`");
        let said = read_with(&[], Kind::default());
        assert_eq!(said, "cannot read `versions`: no such file or directory");
    }
}
