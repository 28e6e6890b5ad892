//! Names of files relative to the repository, as forges use them.

use std::path::{Component, Path, PathBuf};

use crate::env::Env;
use crate::writer;

/// The folder of a repository, and the folder in it that the names in a run are relative to.
#[derive(Debug, Clone, Default)]
pub struct Workspace {
    root: PathBuf,
    cwd: PathBuf,
}

impl Workspace {
    /// The repository that a CI service has checked out, else that of the current folder.
    pub fn of(env: &Env) -> Self {
        let resolved = |path: &Path| writer::resolve(path).unwrap_or_else(|_| path.to_owned());
        let cwd = resolved(&env.cwd);
        let named = ["GITHUB_WORKSPACE", "CI_PROJECT_DIR"].into_iter().filter_map(|name| env.var(name));
        let checked_out = named.map(|path| resolved(Path::new(path))).find(|path| cwd.starts_with(path));
        let root = checked_out.unwrap_or_else(|| writer::repository(&cwd).to_owned());
        Self { root, cwd }
    }

    /// The file relative to the repository, with `/`. A file outside of it keeps its name.
    pub fn relative(&self, file: &str) -> String {
        let mut path = PathBuf::new();
        for part in self.cwd.join(file).components() {
            match part {
                Component::ParentDir => {
                    path.pop();
                }
                Component::CurDir => {}
                Component::Prefix(_) | Component::RootDir | Component::Normal(_) => path.push(part),
            }
        }
        match path.strip_prefix(&self.root) {
            Ok(inner) if !self.root.as_os_str().is_empty() => inner.to_string_lossy().into_owned(),
            Ok(_) | Err(_) => file.strip_prefix("./").unwrap_or(file).to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_relative_to_the_repository_wherever_gate_runs() {
        let workspace = Workspace { root: "/ws".into(), cwd: "/ws/backend".into() };
        let names = ["checklists/a.yaml", "../checklists/a.yaml", "/ws/x.yaml", "/else/x.yaml"];
        let relative = names.map(|name| workspace.relative(name));
        assert_eq!(relative, ["backend/checklists/a.yaml", "checklists/a.yaml", "x.yaml", "/else/x.yaml"]);
        assert_eq!(Workspace::default().relative("./checklists/a.yaml"), "checklists/a.yaml");
    }

    #[test]
    fn the_folder_that_ci_has_checked_out_comes_first() {
        let folder = tempfile::tempdir().expect("the temporary folder is writable");
        let inner = folder.path().join("a/b");
        std::fs::create_dir_all(inner.join(".git")).expect("the folder is writable");
        let relative = |vars: &[(&str, &Path)]| {
            let vars = vars.iter().map(|(name, path)| ((*name).to_owned(), path.display().to_string()));
            Workspace::of(&Env::with(vars, inner.clone())).relative("c.yaml")
        };
        assert_eq!(relative(&[]), "c.yaml");
        assert_eq!(relative(&[("GITHUB_WORKSPACE", folder.path())]), "a/b/c.yaml");
        assert_eq!(relative(&[("GITHUB_WORKSPACE", Path::new("/elsewhere"))]), "c.yaml");
    }
}
