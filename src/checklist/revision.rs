//! The requirements of a checklist at a Git revision. Only git is run, and nothing is written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::client::git::Git;
use crate::diagnostic::{Diagnostic, Severity};
use crate::env::Env;
use crate::probe::Registry;
use crate::run::Demands;

use super::corrected::load;
use super::extend::bases_in;
use super::find::{Found, OwnFiles};
use super::load::Overrides;
use super::requirement::demands;

/// How long git may take for all of it.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The file of a checklist, and how to read it.
#[derive(Debug, Clone)]
pub struct ListFile {
    /// The checklist's name.
    pub name: String,
    /// The file as messages name it.
    pub file: String,
    /// Where its relative paths start.
    pub root: PathBuf,
    /// Overrides on the command line.
    pub overrides: Overrides,
}

/// The requirements of the checklist at a revision. None if it did not exist then.
///
/// # Errors
/// Why they can't be read, as a message.
pub async fn demands_at(
    file: &ListFile,
    revision: &str,
    env: &Env,
    registry: &Registry,
) -> Result<Option<Demands>, String> {
    let reading = tokio::time::timeout(TIMEOUT, found(file, revision, env));
    let Some(found) = reading.await.map_err(|_| "`git` timed out after 10s".to_owned())?? else { return Ok(None) };
    let loaded = load(found, &file.overrides, env, registry);
    match &loaded.checklist {
        Some(checklist) => Ok(Some(demands(checklist))),
        None => {
            let first = loaded
                .problems
                .0
                .iter()
                .filter(|problem| problem.severity() == Severity::Error)
                .map(Diagnostic::title)
                .next()
                .unwrap_or_default();
            let first = loaded.redactor.redact(first);
            Err(format!("the checklist of `{revision}` is not valid: {first}"))
        }
    }
}

async fn found(file: &ListFile, revision: &str, env: &Env) -> Result<Option<Found>, String> {
    let path = env.cwd.join(&file.file);
    let path = path.strip_prefix(&file.root).ok().and_then(|path| path.to_str());
    let path = path.ok_or_else(|| format!("`{}` is not a file of a repository", file.file))?;
    let git = Git::new(env, file.root.clone()).map_err(|fault| fault.to_string())?;
    let commit = format!("{revision}^{{commit}}");
    let said = git.run(&["rev-parse", "--verify", "--end-of-options", &commit]).await;
    let said = said.map_err(|fault| fault.to_string())?;
    let commit = match said.code {
        0 => said.text,
        _ if said.errors.contains("single revision") => {
            return Err(format!("commit `{revision}` not found; in a shallow clone, fetch it (`fetch-depth: 0`)"));
        }
        _ => return Err(git.fault(&said).to_string()),
    };
    let at = Revision { git, commit: &commit };
    let Some(text) = at.files(&[path]).await?.pop() else { return Ok(None) };
    let path = file.root.join(path);
    let mut files = BTreeMap::new();
    let mut texts = vec![text.1.clone()];
    let mut open = bases_in(&text.1, &path);
    while let Some(base) = open.pop() {
        if files.contains_key(&base) || files.len() > MAX_BASES {
            continue;
        }
        let named = relative(&base, &file.root);
        for (_, text) in at.files(&[&named]).await? {
            open.extend(bases_in(&text, &base));
            texts.push(text.clone());
            files.insert(base.clone(), text);
        }
    }
    for (name, blob) in at.listed(&["checks/"]).await? {
        let check = name.strip_prefix("checks/").and_then(|name| name.strip_suffix(".yaml"));
        // Reading one that is not used takes time.
        if check.is_some_and(|check| texts.iter().any(|text| text.contains(check))) {
            files.insert(file.root.join(&name), content(&at.git, &blob).await?);
        }
    }
    let shown = format!("{revision}:{}", relative(&path, &file.root));
    let files = OwnFiles::Given { revision: revision.to_owned(), files };
    Ok(Some(Found { name: file.name.clone(), file: shown, root: file.root.clone(), text: text.1, path, files }))
}

/// Maximum number of bases. More are refused when the checklist is read.
const MAX_BASES: usize = 100;

/// A commit in a repository.
struct Revision<'a> {
    git: Git<'a>,
    commit: &'a str,
}

impl Revision<'_> {
    /// The regular files at these paths, with their objects.
    async fn listed(&self, paths: &[&str]) -> Result<Vec<(String, String)>, String> {
        let mut arguments = vec!["ls-tree", "-z", self.commit, "--"];
        arguments.extend(paths);
        let listed = self.git.ask(&arguments).await.map_err(|fault| fault.to_string())?;
        let files = listed.text.split('\0').filter_map(regular);
        Ok(files.map(|(path, blob)| (path.to_owned(), blob.to_owned())).collect())
    }

    /// The regular files at these paths, with their texts.
    async fn files(&self, paths: &[&str]) -> Result<Vec<(String, String)>, String> {
        let mut files = Vec::new();
        for (path, blob) in self.listed(paths).await? {
            files.push((path, content(&self.git, &blob).await?));
        }
        Ok(files)
    }
}

/// The path from a folder, with `..` if it is above.
fn relative(path: &Path, folder: &Path) -> String {
    let shared = path.components().zip(folder.components()).take_while(|(one, other)| one == other).count();
    let up = folder.components().skip(shared).map(|_| "..".to_owned());
    let down = path.components().skip(shared).map(|part| part.as_os_str().to_string_lossy().into_owned());
    up.chain(down).collect::<Vec<_>>().join("/")
}

/// The path and the object of a regular file, of a line such as `100644 blob 0f1d… checks/own.yaml`.
fn regular(line: &str) -> Option<(&str, &str)> {
    let (what, path) = line.split_once('\t')?;
    let blob = what.strip_prefix("100644 blob ").or_else(|| what.strip_prefix("100755 blob "))?;
    Some((path, blob))
}

async fn content(git: &Git<'_>, blob: &str) -> Result<String, String> {
    let said = git.ask(&["cat-file", "blob", blob]).await.map_err(|fault| fault.to_string())?;
    if said.is_cut { Err("a file of it is longer than 1 MiB".to_owned()) } else { Ok(said.text + "\n") }
}
