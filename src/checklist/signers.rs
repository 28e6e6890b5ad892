//! Which keys may sign: one file for all roles, or one for each.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::diagnostic::Diagnostic;
use crate::yaml::Node;

/// The files of keys that may sign, relative to the folder that contains `checklists/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedSigners {
    /// One file for every role.
    All(PathBuf),
    /// A file for each role.
    ByRole(BTreeMap<String, PathBuf>),
}

impl AllowedSigners {
    /// The file of a role.
    pub fn of(&self, role: &str) -> Option<&Path> {
        match self {
            Self::All(path) => Some(path),
            Self::ByRole(paths) => paths.get(role).map(PathBuf::as_path),
        }
    }
}

impl<'de> Deserialize<'de> for AllowedSigners {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FileOrMap;
        impl<'de> Visitor<'de> for FileOrMap {
            type Value = AllowedSigners;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a file, or a map from roles to files")
            }

            fn visit_str<E>(self, path: &str) -> Result<AllowedSigners, E> {
                Ok(AllowedSigners::All(path.into()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<AllowedSigners, A::Error> {
                let mut paths = BTreeMap::new();
                while let Some((role, path)) = map.next_entry::<String, PathBuf>()? {
                    paths.insert(role, path);
                }
                Ok(AllowedSigners::ByRole(paths))
            }
        }
        deserializer.deserialize_any(FileOrMap)
    }
}

/// The files that `allowed_signers` names.
pub fn files(root: &Node) -> Vec<&Node> {
    let Some(node) = root.get("allowed_signers") else { return Vec::new() };
    if node.text().is_some() { vec![node] } else { node.entries().iter().map(|(_, node)| node).collect() }
}

/// The problems of roles without a file, and of files without a role. The sections are those of the whole checklist.
pub fn check(root: &Node) -> Vec<Diagnostic> {
    let Some(allowed) = root.get("allowed_signers").filter(|node| !node.entries().is_empty()) else {
        return Vec::new();
    };
    let sections = root.get("sections").map(Node::elements).unwrap_or_default();
    let items = sections.iter().flat_map(|section| section.get("items").map(Node::elements).unwrap_or_default());
    let sign_offs: Vec<(&Node, bool)> = items
        .filter_map(|item| item.get("sign_off"))
        .filter_map(|sign_off| {
            let is_signed = sign_off.get("signed").and_then(Node::text) == Some("true");
            Some((sign_off.get("role")?, is_signed))
        })
        .collect();
    let roles: Vec<&str> = sign_offs.iter().filter_map(|(role, _)| role.text()).collect();
    let mut problems = Vec::new();
    for (key, _) in allowed.entries().iter().filter(|(key, _)| !roles.contains(&&*key.text)) {
        let problem = Diagnostic::error(format!("no sign-off has the role `{}`", key.text)).at(key.span);
        let otherwise = format!("the roles are `{}`", roles.join("`, `"));
        problems.push(problem.suggest(&key.text, roles.iter().copied(), otherwise));
    }
    for (role, _) in sign_offs.iter().filter(|(_, is_signed)| *is_signed) {
        let Some(text) = role.text().filter(|text| allowed.get(text).is_none()) else { continue };
        let problem = Diagnostic::error(format!("nobody may sign as `{text}`: it has no file in `allowed_signers`"));
        problems.push(problem.at(role.span).also(allowed.span, "the files"));
    }
    problems
}
