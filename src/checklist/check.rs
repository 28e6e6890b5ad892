//! `use:`: a check from `checks/` in place of a probe, with its inputs filled in.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Sources, expected};
use crate::text::error;
use crate::yaml::{self, Key, Lookup, Node, Reference, fill};

use super::built_in::BUILT_IN;
use super::file::{FileCheck, FileInput, FileUse};
use super::find::OwnFiles;
use super::form;
use super::kind_info::KindCache;
use super::probe::{Named, default_timing, named, read};
use super::references::{Declared, ReferenceScope};
use super::schema::check_schema;
use super::via;
use super::{ProbeTask, Timing, Used, shown};

/// The checks that are used, each read once.
pub struct Checks<'a> {
    /// The folder that contains `checks/`.
    root: &'a Path,
    cwd: &'a Path,
    own: OwnFiles,
    read: HashMap<String, Option<Arc<Check>>>,
}

/// A check that can be used.
struct Check {
    name: Arc<str>,
    inputs: Vec<Input>,
    probes: Node,
}

struct Input {
    key: Key,
    default: Option<Node>,
}

impl<'a> Checks<'a> {
    /// Checks are searched in this folder, then among the built-in ones.
    pub fn new(root: &'a Path, cwd: &'a Path) -> Self {
        Self { root, cwd, own: OwnFiles::Folder, read: HashMap::new() }
    }

    /// The same with the repository's own checks from elsewhere.
    pub fn given(self, own: &OwnFiles) -> Self {
        Self { own: own.clone(), ..self }
    }

    /// The probes of the check that `node` uses.
    pub fn expand(
        &mut self,
        node: &Node,
        timing: Timing,
        scope: &mut ReferenceScope,
        kinds: &mut KindCache<'_>,
        sources: &mut Sources,
        problems: &mut Vec<Diagnostic>,
    ) -> Vec<ProbeTask> {
        let Some(file) = yaml::read::<FileUse>(node, problems) else { return Vec::new() };
        let name = &file.name;
        if !self.read.contains_key(&name.value) {
            let text = match self.text(&name.value) {
                Ok(found) => found,
                Err(problem) => {
                    problems.push(problem.at(name.span));
                    return Vec::new();
                }
            };
            self.check(&name.value, text, kinds, sources, problems);
        }
        // One that can't be read has been reported.
        let Some(check) = self.read[&name.value].clone() else { return Vec::new() };
        form::wants_map("with", file.with.as_ref(), problems);
        let with = file.with.as_ref().map(Node::entries).unwrap_or_default();
        if !check.fits(with, &file, problems) {
            return Vec::new();
        }
        let mut own = Vec::new();
        let mut probes = check.filled(with, &mut own);
        if let Some(via) = via::entry(node) {
            probes = via::in_check(&probes, &via, kinds.registry);
        }
        let outside = scope.aliases.len();
        let specs = read_all(&probes, timing, scope, kinds, &mut own);
        // The aliases of a check are not visible outside of it.
        scope.aliases.truncate(outside);
        problems.extend(own.into_iter().map(|problem| problem.also(name.span, "used here")));
        let used = Used { check: check.name.clone(), span: name.span };
        specs.into_iter().map(|spec| ProbeTask { used: Some(used.clone()), ..spec }).collect()
    }

    /// Reports the problems of a check on its own.
    pub fn check(
        &mut self,
        name: &str,
        text: (String, String),
        kinds: &mut KindCache<'_>,
        sources: &mut Sources,
        problems: &mut Vec<Diagnostic>,
    ) {
        let check = Check::read(name, text, kinds, sources, problems).map(Arc::new);
        self.read.insert(name.to_owned(), check);
    }

    /// The names of the checks in the folder. They take precedence over built-in ones.
    pub fn own_names(&self) -> Vec<String> {
        self.own.names(&self.root.join("checks"))
    }

    /// The names of all checks, in order.
    pub fn names(&self) -> Vec<String> {
        let mut names = self.own_names();
        names.extend(BUILT_IN.iter().map(|(name, _)| (*name).to_owned()));
        names.sort();
        names.dedup();
        names
    }

    /// The file of a check as messages name it, and its text.
    ///
    /// # Errors
    /// When it is missing, or can't be read.
    pub fn text(&self, name: &str) -> Result<(String, String), Diagnostic> {
        let path = self.root.join("checks").join(format!("{name}.yaml"));
        let is_name = !name.contains(['/', '\\']) && !name.is_empty();
        let own = self.own.read(&path, self.root);
        match own {
            Ok(text) if is_name => return Ok((self.own.shown(&path, self.root, self.cwd), text)),
            Err(problem) if is_name && problem.kind() != std::io::ErrorKind::NotFound => {
                return Err(Diagnostic::error(format!(
                    "cannot read `{}`: {}",
                    shown(&path, self.cwd),
                    error::os(&problem)
                )));
            }
            Ok(_) | Err(_) => {}
        }
        if let Some((_, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) {
            return Ok((format!("built-in check {name}"), (*text).to_owned()));
        }
        let names = self.names();
        let problem = Diagnostic::error(format!("unknown check `{name}`"));
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Err(problem.suggest(name, names.iter().copied(), expected(&names)))
    }
}

impl Check {
    /// Reads a check on its own: its problems are reported once, not at each use.
    fn read(
        name: &str,
        (file, text): (String, String),
        kinds: &mut KindCache<'_>,
        sources: &mut Sources,
        problems: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        let before = problems.len();
        let file = sources.add(file, text);
        let root = yaml::parse(sources, file, problems)?;
        let read = yaml::read::<FileCheck>(&root, problems);
        form::wants_map("inputs", root.get("inputs"), problems);
        let mut inputs = Vec::new();
        for (key, node) in root.get("inputs").map(Node::entries).unwrap_or_default() {
            let default = yaml::read::<FileInput>(node, problems).and_then(|input| input.default);
            inputs.push(Input { key: key.clone(), default });
        }
        let mut used = Vec::new();
        let mut lookup = |reference: &Reference| lookup(reference, &inputs, &mut used);
        let mut probes = read?.probes;
        fill(&mut probes, &mut lookup, problems);
        if probes.elements().is_empty() {
            let problem = Diagnostic::error("a check without probes checks nothing").at(root.span);
            problems.push(problem.help("add a list: `probes:`"));
        }
        let is_sound = problems.len() == before;
        for input in inputs.iter().filter(|input| is_sound && !used.iter().any(|name| **name == *input.key.text)) {
            problems.push(Diagnostic::error(format!("the input `{}` is not used", input.key.text)).at(input.key.span));
        }
        let mut scope = ReferenceScope {
            aliases: Vec::new(),
            item: name,
            cleanup: Vec::new(),
            needs: &[],
            items: &|_| None,
            is_base: false,
            declared: &Declared::of(&root, &["inputs"]),
        };
        read_all(&probes, default_timing(), &mut scope, kinds, problems);
        form::complete(&mut problems[before..], &root, || check_schema(kinds.registry));
        (problems.len() == before).then(|| Self { name: name.into(), inputs, probes })
    }

    /// Its probes with these inputs.
    fn filled(&self, with: &[(Key, Node)], problems: &mut Vec<Diagnostic>) -> Node {
        let given = |input: &Input| {
            let said = with.iter().find(|(key, _)| key.text == input.key.text).map(|(_, node)| node.clone());
            said.or_else(|| input.default.clone())
        };
        let inputs: HashMap<&str, Node> =
            self.inputs.iter().filter_map(|input| Some((&*input.key.text, given(input)?))).collect();
        let mut lookup = |reference: &Reference| match reference.path.strip_prefix("inputs.") {
            Some(name) => inputs.get(name).map_or(Lookup::Missing, |node| Lookup::Found(node.clone())),
            None => Lookup::Later,
        };
        let mut probes = self.probes.clone();
        fill(&mut probes, &mut lookup, problems);
        probes
    }

    /// Whether it gets the inputs that it needs, and no others.
    fn fits(&self, with: &[(Key, Node)], file: &FileUse, problems: &mut Vec<Diagnostic>) -> bool {
        let before = problems.len();
        let names = || self.inputs.iter().map(|input| &*input.key.text);
        for (key, _) in with.iter().filter(|(key, _)| !names().any(|name| *name == *key.text)) {
            let problem = Diagnostic::error(format!("`{}` has no input `{}`", self.name, key.text)).at(key.span);
            problems.push(problem.suggest(&key.text, names(), expected(&names().collect::<Vec<_>>())));
        }
        // A missing input is probably one of those, under a wrong name.
        let is_clean = problems.len() == before;
        for input in self.inputs.iter().filter(|input| is_clean && input.default.is_none()) {
            if !with.iter().any(|(key, _)| key.text == input.key.text) {
                let title = format!("`{}` needs its input `{}`", self.name, input.key.text);
                let problem = Diagnostic::error(title).at(file.name.span).also(input.key.span, "declared here");
                problems.push(problem.help(format!("add it: `with: {{ {}: … }}`", input.key.text)));
            }
        }
        problems.len() == before
    }
}

/// The probes of a check. A check must not use another one: a reader should not have to follow them.
fn read_all(
    probes: &Node,
    timing: Timing,
    scope: &mut ReferenceScope,
    kinds: &mut KindCache<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Vec<ProbeTask> {
    let mut specs = Vec::new();
    for node in probes.elements() {
        match named(node, kinds.registry, problems) {
            Some(Named::Kind(kind, key, settings)) => {
                specs.extend(read((kind, key, settings), node, timing, scope, kinds, problems));
            }
            Some(Named::Use(key)) => {
                problems
                    .push(Diagnostic::error("a check cannot use another").at(key.span).help("name its probes here"));
            }
            None => {}
        }
    }
    specs
}

/// The value of a reference in a check, before it is used.
fn lookup(reference: &Reference, inputs: &[Input], used: &mut Vec<String>) -> Lookup {
    let (head, name) = reference.path.split_once('.').unwrap_or((&reference.path, ""));
    let wrong = |problem: Diagnostic| Lookup::Wrong(Box::new(problem.at(reference.span)));
    match head {
        "inputs" => match inputs.iter().find(|input| &*input.key.text == name) {
            Some(_) => {
                used.push(name.to_owned());
                Lookup::Later
            }
            None => {
                let problem = Diagnostic::error(format!("input `{name}` is not declared"));
                let otherwise = format!("declare it: `inputs: {{ {name}: {{ description: … }} }}`");
                wrong(problem.suggest(name, inputs.iter().map(|input| &*input.key.text), otherwise))
            }
        },
        "vars" | "env" | "secrets" | "items" => wrong(
            Diagnostic::error(format!("a check knows only its inputs, not `{head}`"))
                .help("declare an input; `with:` sets it where the check is used"),
        ),
        _ => Lookup::Later,
    }
}
