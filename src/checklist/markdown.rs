//! Each checklist writes its own Markdown file.

use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, Sources};
use crate::yaml::{self, Node};

use super::find::{Found, OwnFiles, is_base};

/// The problem of a checklist that names the same `markdown` as one beside it.
pub fn shared(root: &Node, found: &Found, cwd: &Path) -> Option<Diagnostic> {
    let OwnFiles::Folder = found.files else { return None };
    let own = root.get("markdown")?;
    let wanted = normal(own.text()?);
    let folder = found.path.parent()?;
    let file_name = wanted.file_name()?.to_str()?;
    let names = found.files.names(folder).into_iter().filter(|name| !is_base(name));
    let mut paths = names.map(|name| folder.join(format!("{name}.yaml"))).filter(|path| *path != found.path);
    let other = paths.find(|path| {
        // Parsing each of them takes time.
        let text = found.files.read(path, &found.root).ok().filter(|text| text.contains(file_name));
        text.and_then(markdown).is_some_and(|markdown| normal(&markdown) == wanted)
    })?;
    let other = found.files.shown(&other, &found.root, cwd);
    let problem = Diagnostic::error(format!("`{other}` writes the same Markdown file")).at(own.span);
    Some(problem.help("name another file: each checklist has its own"))
}

/// The `markdown` of a text.
fn markdown(text: String) -> Option<String> {
    let mut sources = Sources::default();
    let file = sources.add("", text);
    let root = yaml::parse(&sources, file, &mut Vec::new())?;
    root.get("markdown").and_then(Node::text).map(ToOwned::to_owned)
}

/// The path without `.` in it.
fn normal(path: &str) -> PathBuf {
    Path::new(path).components().filter(|part| *part != std::path::Component::CurDir).collect()
}
