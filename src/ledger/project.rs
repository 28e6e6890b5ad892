//! The key of the runs of a checklist: its project and its name.

use std::path::Path;

use crate::client::git::git;
use crate::env::Env;

/// The key of a checklist's runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The project: `github.com/acme/aos`.
    pub project: String,
    /// The checklist's name.
    pub name: String,
    /// Whether the project is only the folder's name.
    pub is_of_folder: bool,
}

impl Key {
    /// The key of a checklist. `declared` is its own `project:`; without one, it is the repository's remote `upstream` or
    /// `origin`, and without these, the folder's name. `root` is the folder that holds `checklists/`.
    pub async fn find(name: &str, declared: Option<&str>, root: &Path, env: &Env) -> Self {
        let named = match declared {
            Some(project) => Some(project.to_owned()),
            None => remote(root, env).await,
        };
        let is_of_folder = named.is_none();
        Self { project: named.unwrap_or_else(|| folder(root)), name: name.to_owned(), is_of_folder }
    }

    /// The key of a checklist in a folder without a remote.
    pub fn of_folder(name: &str, root: &Path) -> Self {
        Self { project: folder(root), name: name.to_owned(), is_of_folder: true }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{} {}", self.project, self.name)
    }
}

/// The remote's host and path, with the folder's path in the repository.
async fn remote(root: &Path, env: &Env) -> Option<String> {
    let listed = git(root, &["config", "--get-regexp", r"^remote\.(upstream|origin)\.url$"], env).await.ok()?;
    let of = |name: &str| listed.lines().find_map(|line| line.strip_prefix(&format!("remote.{name}.url ")));
    let remote = address(of("upstream").or_else(|| of("origin"))?)?;
    let prefix = git(root, &["rev-parse", "--show-prefix"], env).await.unwrap_or_default();
    let prefix = prefix.trim().trim_matches('/');
    Some(if prefix.is_empty() { remote } else { format!("{remote}/{prefix}") })
}

fn folder(root: &Path) -> String {
    let name = root.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    name.unwrap_or_else(|| "checklists".to_owned())
}

/// Host and path of a remote's URL, without scheme, user, port and `.git`.
fn address(url: &str) -> Option<String> {
    let url = url.trim();
    let (host, path) = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?,
        // `git@github.com:acme/aos.git`, unless it is a path.
        None => match url.split_once(':') {
            Some((host, path)) if !host.contains('/') => (host, path),
            _ => ("", url),
        },
    };
    let host = host.rsplit('@').next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default().to_lowercase();
    let path = path.split(['?', '#']).next().unwrap_or_default().trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let parts = [host.as_str(), path].into_iter().filter(|part| !part.is_empty());
    let address = parts.collect::<Vec<_>>().join("/");
    (!address.is_empty()).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn a_remote_is_its_host_and_path() {
        for url in [
            "https://github.com/acme/aos.git",
            "https://user:token@GitHub.com/acme/aos",
            "git@github.com:acme/aos.git",
            "ssh://git@github.com:22/acme/aos.git/",
            "git://github.com/acme/aos",
        ] {
            assert_eq!(address(url).as_deref(), Some("github.com/acme/aos"), "{url}");
        }
        assert_eq!(address("/srv/git/aos.git").as_deref(), Some("srv/git/aos"));
        assert_eq!(address("file:///srv/git/aos.git").as_deref(), Some("srv/git/aos"));
        assert_eq!(address("https://host/").as_deref(), Some("host"));
        assert_eq!(address(""), None);
    }
}
