//! The files that no report may replace: checklists, checks, sign-offs and the ledger.

use std::path::{Path, PathBuf};

use crate::writer::resolve;

/// The checklist of a run, its folder, and the file of its ledger.
#[derive(Debug, Default)]
pub struct ProtectedPaths {
    root: PathBuf,
    checklist: PathBuf,
    ledger: Option<PathBuf>,
}

impl ProtectedPaths {
    /// `root` is the folder that contains `checklists/`. A ledger on a server has no file.
    pub fn new(root: &Path, checklist: &Path, ledger: Option<&Path>) -> Self {
        // A path that can't be resolved can't be written either.
        let resolved = |path: &Path| resolve(path).unwrap_or_else(|_| path.to_owned());
        Self { root: resolved(root), checklist: resolved(checklist), ledger: ledger.map(resolved) }
    }

    /// The kind of the file, if a report may not replace it. The path has no links in it.
    pub(super) fn name(&self, path: &Path) -> Option<&'static str> {
        let is_yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
        let is_below = |folder: &str| path.starts_with(self.root.join(folder));
        let folders = || path.ancestors().skip(1).filter_map(Path::file_name).map(|name| name.to_string_lossy());
        if path == self.checklist {
            return Some("a checklist");
        }
        if self.is_ledger(path) || is_below(".gate") {
            return Some("the ledger");
        }
        if path.to_string_lossy().ends_with(".signoffs.yaml") || folders().any(|name| name.ends_with(".signoffs")) {
            return Some("sign-offs");
        }
        if is_yaml && is_below("checklists") {
            return Some("a checklist");
        }
        if is_yaml && path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('_')) {
            return Some("a base");
        }
        (is_yaml && is_below("checks")).then_some("a check")
    }

    /// The file itself, and those that SQLite keeps beside it.
    fn is_ledger(&self, path: &Path) -> bool {
        let Some(ledger) = &self.ledger else { return false };
        let beside = |end: &str| path.as_os_str() == format!("{}{end}", ledger.display()).as_str();
        ["", "-wal", "-shm", "-journal"].into_iter().any(beside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checklists_sign_offs_and_the_ledger_are_protected() {
        let kept =
            ProtectedPaths::new(Path::new("/r"), Path::new("/elsewhere/list.yaml"), Some(Path::new("/var/gate.db")));
        let name = |path: &str| kept.name(Path::new(path)).unwrap_or("-");
        let paths =
            ["/elsewhere/list.yaml", "/r/checklists/a.yaml", "/r/checks/x.yml", "/r/checklists/a.signoffs.yaml"];
        assert_eq!(paths.map(name), ["a checklist", "a checklist", "a check", "sign-offs"]);
        let paths = ["/r/checklists/a.signoffs/1.yaml", "/var/gate.db", "/var/gate.db-wal", "/r/.gate/other.db"];
        assert_eq!(paths.map(name), ["sign-offs", "the ledger", "the ledger", "the ledger"]);
        assert_eq!(name("/r/platform/_shared.yaml"), "a base");
        assert_eq!(["/r/docs/A.md", "/r/checklists/README.md", "/var/gate.json"].map(name), ["-"; 3]);
    }
}
