//! Finds a checklist: `checklists/NAME.yaml` here or in the nearest folder above, a path, or standard input.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, closest};
use crate::reader;
use crate::text::error;
use crate::writer::repository;

/// A checklist's text, not read as YAML yet.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its name: `staging` for `checklists/staging.yaml`.
    pub name: String,
    /// The file as messages name it: relative to the working directory, if it is below it.
    pub file: String,
    /// Where its relative paths start: the folder that contains `checklists/`.
    pub root: PathBuf,
    /// The whole text.
    pub text: String,
    /// Where the file is: names of bases are relative to its folder.
    pub path: PathBuf,
    /// Where its bases and checks are.
    pub files: OwnFiles,
}

/// Where the other files of a checklist are: bases, and checks in `checks/`.
#[derive(Debug, Clone, Default)]
pub enum OwnFiles {
    /// In their folders.
    #[default]
    Folder,
    /// Here: by path, as in a revision.
    Given {
        /// The revision, as messages name it.
        revision: String,
        /// The text of each.
        files: BTreeMap<PathBuf, String>,
    },
}

impl OwnFiles {
    /// The text of a file that belongs to the repository of this folder.
    ///
    /// # Errors
    /// When it can't be read, or leads out of the repository.
    pub fn read(&self, path: &Path, folder: &Path) -> io::Result<String> {
        match self {
            Self::Folder => reader::inside(path, repository(folder), LIMIT),
            Self::Given { files, .. } => files.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into()),
        }
    }

    /// The file as messages name it.
    pub fn shown(&self, path: &Path, folder: &Path, cwd: &Path) -> String {
        match self {
            Self::Folder => shown(path, cwd),
            Self::Given { revision, .. } => format!("{revision}:{}", shown(path, folder)),
        }
    }

    /// The names of the files of a folder that end with `.yaml`, without that, in order.
    pub fn names(&self, folder: &Path) -> Vec<String> {
        let name = |path: &Path| path.file_name()?.to_str()?.strip_suffix(".yaml").map(ToOwned::to_owned);
        let mut names: Vec<String> = match self {
            Self::Folder => {
                let entries = fs::read_dir(folder).into_iter().flatten().flatten();
                entries.filter_map(|entry| name(&entry.path())).collect()
            }
            Self::Given { files, .. } => {
                files.keys().filter(|path| path.parent() == Some(folder)).filter_map(|path| name(path)).collect()
            }
        };
        names.sort();
        names
    }
}

/// Whether a checklist of this name is a base, which other checklists extend.
pub fn is_base(name: &str) -> bool {
    name.starts_with('_')
}

impl Found {
    /// Whether it is a base, which other checklists extend.
    pub fn is_base(&self) -> bool {
        is_base(&self.name)
    }
}

/// Suffix of the name of the file with the sign-offs of a checklist, without `.yaml`.
pub const SIGNOFFS: &str = ".signoffs";

/// A longer file is not a checklist.
const LIMIT: u64 = 16 << 20;

/// Finds a checklist by name or path; `-` is standard input.
///
/// # Errors
/// When it is missing, or can't be read.
pub fn find(wanted: &str, cwd: &Path) -> Result<Found, Diagnostic> {
    if wanted == "-" {
        let text = reader::stdin(LIMIT).map_err(|problem| unread("standard input", &problem))?;
        return Ok(Found {
            name: "stdin".into(),
            file: "-".into(),
            root: cwd.to_owned(),
            text,
            path: cwd.join(wanted),
            files: OwnFiles::Folder,
        });
    }
    if let Some(name) = signed_checklist(Path::new(wanted)) {
        let problem = Diagnostic::error(format!("`{wanted}` contains sign-offs; it is not a checklist"));
        return Err(problem.help(format!("to verify them: `gate verify {name}`")));
    }
    if is_path(wanted) {
        let path = cwd.join(wanted);
        let found = read(&path, cwd, |path| reader::named(path, LIMIT));
        return found.map_err(|problem| if path.exists() { problem } else { problem.maybe_help(nearest(&path, cwd)) });
    }
    let (root, path) = by_name(wanted, cwd)?;
    read(&path, cwd, |path| reader::inside(path, repository(&root), LIMIT))
}

/// The names of all checklists of the nearest folder that has any, in order, and that folder.
///
/// # Errors
/// When the folder does not exist.
pub fn all(cwd: &Path) -> Result<(PathBuf, Vec<String>), Diagnostic> {
    let root = root(cwd).ok_or_else(|| {
        Diagnostic::error("found no folder `checklists` here or above")
            .help("`gate init` makes one, or give the path of a checklist")
    })?;
    let names = names(&root);
    Ok((root, names))
}

/// The name of the checklist whose sign-offs this file or name belongs to, if any: `staging` for `staging.signoffs/…`.
fn signed_checklist(wanted: &Path) -> Option<&str> {
    let folder = wanted.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    let name = wanted.file_name()?.to_str()?;
    let name = name.strip_suffix(".yaml").unwrap_or(name);
    [Some(name), folder].into_iter().flatten().find_map(|name| name.strip_suffix(SIGNOFFS))
}

/// Whether it is meant as a path, not a name.
fn is_path(wanted: &str) -> bool {
    wanted.contains('/') || wanted.ends_with(".yaml") || wanted.ends_with(".yml")
}

/// A warning about a name that is hard to type, or that has a meaning for a shell or a website. A path may have any
/// name.
pub fn odd_name(wanted: &str) -> Option<Diagnostic> {
    let is_fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if wanted == "-"
        || is_base(wanted)
        || is_path(wanted)
        || wanted.starts_with(|c: char| c.is_ascii_alphanumeric()) && wanted.chars().all(is_fine)
    {
        return None;
    }
    let title = format!(
        "`{wanted}`: names of checklists will be limited to letters, digits, `.`, `_` and `-`, and begin with a letter or digit"
    );
    Some(Diagnostic::warning(title).help("rename the file, or give its path"))
}

/// The nearest folder, from here upwards, that contains `checklists/`.
fn root(cwd: &Path) -> Option<PathBuf> {
    cwd.ancestors().find(|folder| folder.join("checklists").is_dir()).map(Path::to_owned)
}

fn names(root: &Path) -> Vec<String> {
    let mut names = named(root, "yaml");
    names.retain(|name| !name.ends_with(SIGNOFFS));
    names
}

/// The names of files with this extension in `checklists/`, in order.
fn named(root: &Path, extension: &str) -> Vec<String> {
    let entries = fs::read_dir(root.join("checklists")).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|found| found == extension) && path.is_file())
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    names
}

/// The help where no checklist was found: a file may have the other extension of YAML.
pub fn instead_of_none(root: &Path) -> String {
    match named(root, "yml").first() {
        Some(name) => format!("rename `{name}.yml` to `{name}.yaml`"),
        None => "`gate init` proposes one".to_owned(),
    }
}

/// The file of a name, and the folder that contains `checklists/`.
fn by_name(name: &str, cwd: &Path) -> Result<(PathBuf, PathBuf), Diagnostic> {
    let (root, names) = all(cwd)?;
    let path = root.join("checklists").join(format!("{name}.yaml"));
    if path.is_file() {
        return Ok((root, path));
    }
    let problem = Diagnostic::error(format!("checklist `{name}` not found"));
    let folder = shown(&root.join("checklists"), cwd);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let otherwise = match &*names {
        [] => format!("no `.yaml` file in `{folder}/`: {}", instead_of_none(&root)),
        names => format!("available: {}", names.join(", ")),
    };
    Err(problem.suggest(name, names.iter().copied(), otherwise))
}

fn read(path: &Path, cwd: &Path, read: impl FnOnce(&Path) -> io::Result<String>) -> Result<Found, Diagnostic> {
    let file = shown(path, cwd);
    let text = read(path).map_err(|problem| unread(&file, &problem))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let is_in_checklists = folder.file_name().is_some_and(|name| name == "checklists");
    let root = if is_in_checklists { folder.parent().unwrap_or(folder) } else { folder };
    let name = path.file_stem().map_or_else(|| file.clone(), |stem| stem.to_string_lossy().into_owned());
    Ok(Found { name, root: root.to_owned(), file, text, path: path.to_owned(), files: OwnFiles::Folder })
}

/// A proposal for a path that does not exist: the checklist of that name.
fn nearest(path: &Path, cwd: &Path) -> Option<String> {
    let (_, names) = all(cwd).ok()?;
    let stem = path.file_stem()?.to_str()?;
    let near = closest(stem, names.iter().map(String::as_str))?;
    Some(format!("did you mean `{near}`?"))
}

fn unread(name: &str, problem: &io::Error) -> Diagnostic {
    Diagnostic::error(format!("cannot read `{name}`: {}", error::os(problem)))
}

/// The path relative to the working directory, if it is below it; else as it is.
pub fn shown(path: &Path, cwd: &Path) -> String {
    path.strip_prefix(cwd).unwrap_or(path).display().to_string()
}
