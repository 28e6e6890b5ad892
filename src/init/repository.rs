//! The files of a repository: listed once, read within limits, and never outside of it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::diagnostic::Sources;
use crate::reader;
use crate::text::{error, visible};
use crate::yaml::{self, Node};

/// A longer file is not about the services of a repository.
const LIMIT: u64 = 1 << 20;
/// Maximum number of files and folders that are listed.
const ENTRIES: usize = 100_000;
/// Folders that are deeper are not listed.
const DEPTH: usize = 12;
/// Maximum number of bytes of all files together.
const TOTAL: usize = 64 << 20;
/// Folders with third-party or generated files.
const SKIPPED: [&str; 16] = [
    ".git",
    ".gate",
    ".hg",
    ".svn",
    ".idea",
    ".tox",
    ".venv",
    "venv",
    "node_modules",
    "bower_components",
    "site-packages",
    "vendor",
    "third_party",
    "target",
    "dist",
    "__pycache__",
];

/// The files of a repository.
#[derive(Debug)]
pub struct Repository {
    /// The folder whose files are listed.
    folder: PathBuf,
    /// The folder that no file may be outside of.
    edge: PathBuf,
    /// The paths of all files, relative to the folder, the shallow ones first.
    paths: Vec<String>,
    /// Paths that were not read, with reasons.
    unread: Vec<String>,
    left: usize,
    /// The relative path from the folder that contains `checklists/` to this one, with `/` at its end.
    way: String,
}

/// A file of YAML.
#[derive(Debug)]
pub struct Yaml {
    /// Its path.
    pub path: String,
    /// Its documents.
    pub documents: Vec<Node>,
    text: String,
}

impl Yaml {
    /// Its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A place in it, such as `compose.yaml:12`.
    pub fn at(&self, start: u32) -> String {
        let before = self.text.get(..start as usize).unwrap_or_default();
        format!("{}:{}", self.path, before.matches('\n').count() + 1)
    }
}

impl Repository {
    /// Lists the files of a folder. Links to folders are not followed. `root` is the folder that contains
    /// `checklists/`.
    pub fn list(folder: &Path, edge: &Path, root: &Path) -> Self {
        let mut paths: Vec<(usize, String)> = Vec::new();
        let mut open = vec![(folder.to_owned(), String::new(), 0_usize)];
        let mut entries = 0;
        while let Some((path, prefix, depth)) = open.pop() {
            for entry in fs::read_dir(&path).into_iter().flatten().flatten() {
                entries += 1;
                let (Ok(name), Ok(kind)) = (entry.file_name().into_string(), entry.file_type()) else { continue };
                if entries > ENTRIES || visible(&name) != name {
                    continue;
                }
                let own = format!("{prefix}{name}");
                if kind.is_dir() {
                    if depth < DEPTH && !SKIPPED.contains(&name.as_str()) {
                        open.push((entry.path(), format!("{own}/"), depth + 1));
                    }
                } else {
                    paths.push((depth, own));
                }
            }
        }
        paths.sort();
        let paths = paths.into_iter().map(|(_, path)| path).collect();
        let mut unread = Vec::new();
        if entries > ENTRIES {
            unread.push(format!("more than {ENTRIES} files: only a part of them was read"));
        }
        Self { folder: folder.to_owned(), edge: edge.to_owned(), paths, unread, left: TOTAL, way: way(root, folder) }
    }

    /// The name of the folder.
    pub fn name(&self) -> String {
        self.folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Paths that were not read, with reasons.
    pub fn unread(&self) -> &[String] {
        &self.unread
    }

    /// Whether it contains a file.
    pub fn holds(&self, path: &str) -> bool {
        self.paths.iter().any(|own| own == path)
    }

    /// The files of which this is true, the shallow ones first.
    pub fn paths(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
        self.paths.iter().filter(|path| is_wanted(path)).cloned().collect()
    }

    /// The text of a file. One that can't be read is noted.
    pub fn text(&mut self, path: &str) -> Option<String> {
        let limit = LIMIT.min(self.left as u64);
        match reader::inside(&self.folder.join(path), &self.edge, limit) {
            Ok(text) => {
                self.left -= text.len().min(self.left);
                Some(text)
            }
            Err(problem) => {
                self.unread.push(format!("{path}: {}", error::os(&problem)));
                None
            }
        }
    }

    /// A path for settings of probes: from the folder that contains `checklists/`.
    pub fn setting(&self, path: &str) -> String {
        format!("{}{path}", self.way)
    }

    /// The text of a file that is not listed. One that can't be read is not noted.
    pub fn hidden_text(&self, path: &str) -> Option<String> {
        reader::inside(&self.folder.join(path), &self.edge, LIMIT).ok()
    }

    /// Notes what is wrong with a file.
    pub fn unread_because(&mut self, path: &str, why: &str) {
        self.unread.push(format!("{path}: {why}"));
    }

    /// A file of YAML. One that can't be read is not noted.
    pub fn quiet_yaml(&mut self, path: &str) -> Option<Yaml> {
        let noted = self.unread.len();
        let file = self.yaml(path);
        self.unread.truncate(noted);
        file
    }

    /// A file of YAML. One that can't be read is noted.
    pub fn yaml(&mut self, path: &str) -> Option<Yaml> {
        let text = self.text(path)?;
        let mut sources = Sources::default();
        let file = sources.add(path, text.as_str());
        let documents = yaml::parse_foreign(&sources, file);
        if documents.is_empty() && !text.trim().is_empty() {
            self.unread.push(format!("{path}: it is not valid YAML"));
            return None;
        }
        Some(Yaml { path: path.to_owned(), documents, text })
    }
}

/// The last part of a path.
pub fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The folder of a path with `/` at its end, or nothing.
pub fn folder_of(path: &str) -> &str {
    &path[..path.len() - file_name(path).len()]
}

/// The relative path from one folder to another, with `/` at its end.
fn way(from: &Path, to: &Path) -> String {
    let (from, to): (Vec<_>, Vec<_>) = (from.components().collect(), to.components().collect());
    let shared = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
    let up = from[shared..].iter().map(|_| "../".to_owned());
    let down = to[shared..].iter().map(|part| format!("{}/", part.as_os_str().to_string_lossy()));
    up.chain(down).collect()
}
