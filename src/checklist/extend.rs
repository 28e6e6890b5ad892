//! `extends`: finds the bases of a checklist, and merges all of them before anything is interpreted, so that each part
//! keeps its file and position.

use std::collections::{HashMap, HashSet};
use std::path::{Component, Path, PathBuf};

use crate::diagnostic::{Diagnostic, Sources};
use crate::text::error;
use crate::yaml::{self, Node, Value};

use super::find::{Found, is_base};
use super::merge::{Layer, merged};

/// Maximum number of bases, including bases of bases.
const MAX_BASES: usize = 64;

/// A checklist with its bases.
#[derive(Debug)]
pub struct Extended {
    /// All of it as one tree. None where a base can't be read.
    pub root: Option<Node>,
    /// The files of its bases, as spans name them.
    pub bases: Vec<u32>,
}

/// Merges the bases of a checklist into it.
pub fn extended(
    own: Node,
    file: u32,
    found: &Found,
    cwd: &Path,
    sources: &mut Sources,
    problems: &mut Vec<Diagnostic>,
) -> Extended {
    let known = HashMap::new();
    let mut reading =
        Reading { found, cwd, sources, problems, layers: Vec::new(), known, open: Vec::new(), is_whole: true };
    reading.add(&found.path, file, own);
    let Reading { layers, is_whole, .. } = reading;
    let files: Vec<u32> = layers.iter().map(|layer| layer.file).collect();
    let root = is_whole.then(|| merged(layers, found.is_base(), problems)).flatten();
    Extended { root, bases: files.into_iter().filter(|base| *base != file).collect() }
}

impl Found {
    /// The project under which its runs are recorded, if it or a base sets one. Everything else in it may be invalid.
    pub fn project(&self) -> Option<String> {
        let mut sources = Sources::default();
        let file = sources.add(self.file.as_str(), self.text.as_str());
        let root = yaml::parse(&sources, file, &mut Vec::new())?;
        let root = extended(root, file, self, &self.root, &mut sources, &mut Vec::new()).root?;
        root.get("project").and_then(yaml::Node::text).map(ToOwned::to_owned)
    }
}

/// The bases that a text names in `extends`, as paths. For files of a revision: everything else in it may be invalid.
pub fn bases_in(text: &str, path: &Path) -> Vec<PathBuf> {
    let mut sources = Sources::default();
    let file = sources.add("", text);
    let root = yaml::parse(&sources, file, &mut Vec::new());
    let names = root.as_ref().and_then(|root| root.get("extends")).map(one_or_more).unwrap_or_default();
    names.iter().filter_map(|name| beside(path, name.text()?)).collect()
}

/// The names of the checklists beside a base that extend it.
pub fn extending(base: &Found) -> Vec<String> {
    let folder = base.path.parent().unwrap_or(Path::new(""));
    let extends = |name: &String| {
        let path = folder.join(format!("{name}.yaml"));
        base.files.read(&path, &base.root).is_ok_and(|text| bases_in(&text, &path).contains(&base.path))
    };
    base.files.names(folder).into_iter().filter(|name| !is_base(name)).filter(extends).collect()
}

/// A file is read once, however many others extend it: a shared base comes first.
struct Reading<'a> {
    found: &'a Found,
    cwd: &'a Path,
    sources: &'a mut Sources,
    problems: &'a mut Vec<Diagnostic>,
    /// The files in the order in which they are merged.
    layers: Vec<Layer>,
    /// The files that each file includes: itself and its bases.
    known: HashMap<PathBuf, HashSet<u32>>,
    /// The files whose bases are being read.
    open: Vec<PathBuf>,
    is_whole: bool,
}

impl Reading<'_> {
    /// Adds a file after its bases. Returns the files that it includes.
    fn add(&mut self, path: &Path, file: u32, root: Node) -> HashSet<u32> {
        let mut bases = HashSet::new();
        self.open.push(path.to_owned());
        for name in self.names(&root) {
            match self.base(path, &name) {
                Some(base) => bases.extend(base),
                None => self.is_whole = false,
            }
        }
        self.open.pop();
        let mut reached = bases.clone();
        self.layers.push(Layer { file, root, bases });
        reached.insert(file);
        self.known.insert(path.to_owned(), reached.clone());
        reached
    }

    /// The names in `extends`.
    fn names(&mut self, root: &Node) -> Vec<Node> {
        let Some(extends) = root.get("extends") else { return Vec::new() };
        let names = one_or_more(extends);
        let mut problem = |node: &Node, title: &str| {
            self.problems.push(Diagnostic::error(title).at(node.span).help("such as `extends: _platform.yaml`"));
            self.is_whole = false;
        };
        if names.is_empty() {
            problem(extends, "`extends` names no base");
        }
        for (at, name) in names.iter().enumerate() {
            match name.text() {
                _ if matches!(name.value, Value::Unresolved(_)) => {
                    problem(name, "`extends` can't hold `${…}`: it is read before variables are filled in");
                }
                None => problem(name, "`extends` is the file name of a base, or a list of them"),
                Some(_) if name.is_null() => problem(name, "`extends` names no base"),
                Some(text) if names[..at].iter().any(|other| other.text() == Some(text)) => {
                    problem(name, &format!("duplicate base `{text}`"));
                }
                Some(_) => {}
            }
        }
        names.iter().filter(|name| name.text().is_some() && !name.is_null()).cloned().collect()
    }

    /// Reads the base that a file names. Returns the files that it includes; None if it has been reported.
    fn base(&mut self, from: &Path, name: &Node) -> Option<HashSet<u32>> {
        let text = name.text()?;
        let wrong = |title: String| Diagnostic::error(title).at(name.span);
        let refused = |problem: Diagnostic, problems: &mut Vec<Diagnostic>| {
            problems.push(problem);
            None
        };
        let Some(path) = beside(from, text) else {
            let problem = wrong(format!("invalid base `{text}`"));
            return refused(problem.help("name a file relative to this one, such as `_platform.yaml`"), self.problems);
        };
        let file_name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !is_base(file_name) || !file_name.ends_with(".yaml") {
            let problem = wrong(format!("`{text}` is not a base: the name of its file must be `_NAME.yaml`"));
            let help = "move what several checklists share to a base, such as `_platform.yaml`";
            return refused(problem.help(help), self.problems);
        }
        if let Some(at) = self.open.iter().position(|open| *open == path) {
            let circle = self.open[at..].iter().chain([&path]).filter_map(|path| path.file_name()?.to_str());
            let circle = circle.collect::<Vec<_>>().join(" → ");
            return refused(wrong(format!("bases extend each other in a cycle: {circle}")), self.problems);
        }
        if let Some(known) = self.known.get(&path) {
            return Some(known.clone());
        }
        if self.layers.len() + self.open.len() > MAX_BASES {
            return refused(wrong(format!("a checklist can have at most {MAX_BASES} bases")), self.problems);
        }
        let Found { files, root: folder, .. } = self.found;
        let content = match files.read(&path, folder) {
            Ok(content) => content,
            Err(problem) if problem.kind() == std::io::ErrorKind::NotFound => {
                let names = files.names(path.parent().unwrap_or(Path::new("")));
                let names: Vec<String> =
                    names.iter().filter(|name| is_base(name)).map(|name| format!("{name}.yaml")).collect();
                let otherwise = match names.as_slice() {
                    [] => "no base exists in that folder".to_owned(),
                    names => format!("its folder has `{}`", names.join("`, `")),
                };
                let problem = wrong(format!("no such base `{text}`"));
                let names = names.iter().map(String::as_str);
                return refused(problem.suggest(file_name, names, otherwise), self.problems);
            }
            Err(problem) => {
                let title = format!("cannot read `{text}`: {}", error::os(&problem));
                return refused(wrong(title), self.problems);
            }
        };
        let file = self.sources.add(files.shown(&path, folder, self.cwd), content);
        let root = yaml::parse(self.sources, file, self.problems)?;
        Some(self.add(&path, file, root))
    }
}

/// A list's elements, or the node alone.
fn one_or_more(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(elements) => elements,
        Value::Scalar(_) | Value::Unresolved(_) | Value::Map(_) => std::slice::from_ref(node),
    }
}

/// The path of a file that another file names. Links in it are followed only when it is read.
fn beside(from: &Path, name: &str) -> Option<PathBuf> {
    let mut path = from.parent()?.to_owned();
    for part in Path::new(name).components() {
        match part {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::ParentDir if path.pop() => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    (path.as_path() != from.parent()?).then_some(path)
}
