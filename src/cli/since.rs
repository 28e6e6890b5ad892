//! Compares sign-offs with those of an earlier revision: none may be missing or changed.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use crate::checklist::Checklist;
use crate::client::git::{Git, git};
use crate::diagnostic::Diagnostic;
use crate::env::Env;
use crate::sign_off;

/// How many files one call of `git` hashes.
const AT_ONCE: usize = 500;

/// The comparison with a revision.
#[derive(Debug)]
pub struct SinceRevision {
    /// A line for each file that is missing or changed.
    pub problems: Vec<String>,
    /// The files of the revision.
    known: HashSet<String>,
}

impl SinceRevision {
    /// Compares the files of sign-offs in the working tree with those of a revision.
    ///
    /// # Errors
    /// When Git fails.
    pub async fn find(checklist: &Checklist, revision: &str, env: &Env) -> Result<Self, Diagnostic> {
        let root = &checklist.root;
        let commit = format!("{revision}^{{commit}}");
        let found = git(root, &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit], env).await;
        let Ok(commit) = found else { return Err(unknown(root, revision, env).await) };
        let failed = |why: String| Diagnostic::error(format!("cannot read the sign-offs of `{revision}`: {why}"));
        let git = Git::new(env, root.clone()).map_err(|fault| failed(fault.to_string()))?;
        let ask = async |arguments: &[&str]| match git.ask(arguments).await {
            Ok(said) if said.is_cut => Err(failed("there are too many".to_owned())),
            Ok(said) => Ok(said.text),
            Err(fault) => Err(failed(fault.to_string())),
        };
        let (old, entries) = sign_off::paths(checklist);
        let paths: Vec<PathBuf> = [&old, &entries].into_iter().map(|path| relative(&env.cwd, path, root)).collect();
        let mut arguments = vec!["ls-tree", "-r", "-z", commit.trim(), "--"];
        arguments.extend(paths.iter().filter_map(|path| path.to_str()));
        let listed = ask(&arguments).await?;
        let then: BTreeMap<&str, &str> = listed.split('\0').filter_map(listed_file).collect();
        let there: Vec<&str> = then.keys().copied().filter(|path| root.join(path).is_file()).collect();
        let mut hashes = Vec::new();
        for some in there.chunks(AT_ONCE) {
            let said = ask(&[&["hash-object", "--no-filters", "--"], some].concat()).await?;
            hashes.extend(said.lines().map(ToOwned::to_owned));
        }
        let now: BTreeMap<&str, &str> = there.iter().copied().zip(hashes.iter().map(String::as_str)).collect();
        let problem = |(path, hash): (&&str, &&str)| match now.get(path) {
            None => Some(format!("{path}: MISSING: `{revision}` has it")),
            Some(now) if now != hash => Some(format!("{path}: CHANGED since `{revision}`")),
            Some(_) => None,
        };
        Ok(Self {
            problems: then.iter().filter_map(problem).collect(),
            known: then.keys().map(|path| (*path).to_owned()).collect(),
        })
    }

    /// Whether the revision has a file of this name.
    pub fn knows(&self, file: &str) -> bool {
        let name = |path: &str| Path::new(path).file_name().map(ToOwned::to_owned);
        self.known.iter().any(|known| name(known) == name(file))
    }
}

/// The hash and the path of one file, as `git ls-tree` lists it.
fn listed_file(line: &str) -> Option<(&str, &str)> {
    let (attributes, path) = line.split_once('\t')?;
    Some((path, attributes.rsplit(' ').next()?))
}

/// A path that is relative to the working directory, made relative to the folder that contains `checklists/`.
fn relative(folder: &Path, path: &Path, root: &Path) -> PathBuf {
    let full = folder.join(path);
    full.strip_prefix(root).map(Path::to_owned).unwrap_or(full)
}

/// Why a revision can't be read.
async fn unknown(root: &Path, revision: &str, env: &Env) -> Diagnostic {
    if let Err(why) = git(root, &["rev-parse", "--git-dir"], env).await {
        return Diagnostic::error(format!("cannot compare with `{revision}`: {why}"));
    }
    let problem = Diagnostic::error(format!("unknown revision `{revision}`"));
    let is_shallow =
        git(root, &["rev-parse", "--is-shallow-repository"], env).await.is_ok_and(|said| said.trim() == "true");
    problem.help(match is_shallow {
        true => "the clone is shallow: set `fetch-depth: 0` for actions/checkout, or run `git fetch --unshallow`",
        false => "name a commit, a tag or a branch, such as `origin/main`",
    })
}
