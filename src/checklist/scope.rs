//! The values of `${vars.x}` and `${env.X}`, known when the checklist is read.

use std::collections::{BTreeMap, HashMap};

use crate::diagnostic::{Diagnostic, MAX_SHOWN, Sources, Span, expected};
use crate::env::Env;
use crate::yaml::{Key, Lookup, Node, Part, Reference, Scalar, Style, Value, fill_and_note, head};

/// The first words of references, which are reserved names.
pub const ROOTS: [&str; 6] = ["vars", "env", "secrets", "items", "inputs", "each"];

/// Maximum length of a chain of variables.
const MAX_CHAIN: usize = 32;

/// Maximum depth of a variable's value.
const MAX_DEPTH: usize = 64;

/// Maximum number of values that all references to variables may have together.
const MAX_VALUES: usize = 1_000_000;

/// The names that can be referred to from anywhere in a checklist.
pub struct Scope<'a> {
    env: &'a Env,
    vars: HashMap<&'a str, Var<'a>>,
    /// In the order of the file.
    names: Vec<&'a str>,
    secrets: Vec<&'a str>,
    /// Problems of variables.
    problems: Vec<Diagnostic>,
    /// Length of the current chain of variables.
    chain: usize,
    /// How many more values references may have.
    left: usize,
    /// Number of undefined references.
    unknown: usize,
    /// Whether it is a base: checklists that extend it may add variables and secrets.
    is_base: bool,
}

/// A variable, before and after it is filled in.
#[derive(Clone)]
enum Var<'a> {
    Raw(&'a Node),
    /// It is being filled in: a reference to it now closes a cycle.
    Open,
    Filled(Node),
}

impl<'a> Scope<'a> {
    /// The scope of a checklist with `vars` and `secrets` in `head`, and the values of `--var`.
    pub fn new(head: &'a Node, given: &'a [(Key, Node)], env: &'a Env) -> Self {
        // Also of a list, which has been reported: its names are declared all the same.
        let nodes = |key| head.get(key).into_iter().flat_map(|node| node.elements().iter().chain([node]));
        let entries = |key| nodes(key).flat_map(Node::entries);
        let mut vars: HashMap<&str, Var> = entries("vars").map(|(key, node)| (&*key.text, Var::Raw(node))).collect();
        let names: Vec<&str> = entries("vars").map(|(key, _)| &*key.text).collect();
        let mut problems = Vec::new();
        for (key, node) in given {
            if let Some(Var::Raw(Node { value: Value::List(_) | Value::Map(_), .. })) = vars.get(&*key.text) {
                let problem = Diagnostic::error(format!("`--var {}`: a list or map can't be overridden", key.text));
                problems.push(problem.help("override a variable that is a text or a number, and refer to that in it"));
                continue;
            }
            if vars.insert(&key.text, Var::Filled(node.clone())).is_none() {
                vars.remove(&*key.text);
                let problem = Diagnostic::error(format!("`--var {}`: the checklist has no such variable", key.text));
                let otherwise = match &*names {
                    names if names.is_empty() || names.len() > MAX_SHOWN => "declare it under `vars:`".to_owned(),
                    names => expected(names),
                };
                problems.push(problem.suggest(&key.text, names.iter().copied(), otherwise));
            }
        }
        let listed = nodes("secrets").filter_map(Node::text);
        let secrets = entries("secrets").map(|(key, _)| &*key.text).chain(listed).collect();
        Self { env, vars, names, secrets, problems, chain: 0, left: MAX_VALUES, unknown: 0, is_base: false }
    }

    /// The same for a base: checklists that extend it may declare what it does not.
    pub fn of_base(self, is_base: bool) -> Self {
        Self { is_base, ..self }
    }

    /// The value of a node that is a single reference to a variable, before anything in it is filled in.
    pub fn unfilled(&self, node: &Node) -> Node {
        let mut node = node.clone();
        for _ in 0..MAX_CHAIN {
            let Value::Unresolved(template) = &node.value else { break };
            let [Part::Reference(Reference { path, default: None, .. })] = template.parts.as_slice() else { break };
            let Some(name) = path.strip_prefix("vars.") else { break };
            let (name, rest) = self.split(name);
            let Some(Var::Raw(value)) = self.vars.get(name) else { break };
            let Some(value) = value.at_path(rest) else { break };
            node = value.clone();
        }
        node
    }

    /// The name of a variable, and the path to a value in it.
    fn split<'n>(&self, name: &'n str) -> (&'n str, &'n str) {
        if self.vars.contains_key(name) { (name, "") } else { head(name) }
    }

    /// Fills everything in the node that is known.
    pub fn fill(&mut self, node: &mut Node, problems: &mut Vec<Diagnostic>) {
        fill_and_note(node, &mut |reference| self.lookup(reference), problems);
    }

    /// Fills in every variable, also unused ones, and returns the problems in them and in `--var`.
    pub fn problems(mut self) -> Vec<Diagnostic> {
        for name in self.names.clone() {
            self.var(name, Span::default());
        }
        self.problems
    }

    /// The value of a reference.
    fn lookup(&mut self, reference: &Reference) -> Lookup {
        let (head, name) = reference.path.split_once('.').unwrap_or((&reference.path, ""));
        let wrong = |problem: Diagnostic| Lookup::Wrong(Box::new(problem.at(reference.span)));
        match head {
            "vars" => self.var(name, reference.span),
            "env" if name.is_empty() => {
                let problem = Diagnostic::error("the name of the environment variable is missing");
                wrong(problem.help("such as `${env.STAGING_URL}`"))
            }
            "env" => match self.env.var(name) {
                Some(value) => Lookup::Found(text(value, reference.span)),
                None => Lookup::Missing,
            },
            "secrets" if self.is_base || self.secrets.contains(&name) => Lookup::Later,
            "each" if !self.is_base => wrong(
                Diagnostic::error(format!("`${{{}}}` is only known in an item with `each`", reference.path))
                    .help("such as `each: ${vars.services}`"),
            ),
            "secrets" => {
                let problem = Diagnostic::error(format!("secret `{name}` is not declared"));
                let otherwise = format!("declare it: a line `{name}:` under `secrets:`");
                wrong(problem.suggest(name, self.secrets.iter().copied(), otherwise))
            }
            "inputs" => wrong(
                Diagnostic::error("a checklist has no inputs")
                    .help("only checks in `checks/` have `inputs`; a checklist has `vars`"),
            ),
            // An observation is known after the probe has run.
            _ => Lookup::Later,
        }
    }

    fn var(&mut self, name: &str, span: Span) -> Lookup {
        let (name, path) = self.split(name);
        let node = match self.whole_var(name, span) {
            Ok(node) => node,
            Err(lookup) => return lookup,
        };
        match node.at_path(path) {
            Some(node) => self.found(node.clone(), name, span),
            None => {
                let problem = Diagnostic::error(format!("`vars.{name}` has no `{path}`")).at(span);
                let keys = node.entries().iter().map(|(key, _)| &*key.text);
                Lookup::Wrong(Box::new(problem.suggest(path, keys, format!("it is {}", node.kind()))))
            }
        }
    }

    /// The value of a variable.
    fn whole_var(&mut self, name: &str, span: Span) -> Result<Node, Lookup> {
        let Some((&name, state)) = self.vars.get_key_value(name) else {
            if self.is_base {
                return Err(Lookup::Later);
            }
            let problem = Diagnostic::error(format!("variable `{name}` is not defined")).at(span);
            self.unknown += 1;
            if self.unknown > MAX_SHOWN {
                return Err(Lookup::Wrong(Box::new(problem)));
            }
            let otherwise = match &*self.names {
                names if names.is_empty() || names.len() > MAX_SHOWN => "declare it under `vars:`".to_owned(),
                names => expected(names),
            };
            return Err(Lookup::Wrong(Box::new(problem.suggest(name, self.names.iter().copied(), otherwise))));
        };
        let raw = match state {
            Var::Filled(node) => return Ok(node.clone()),
            Var::Open => {
                let problem = Diagnostic::error(format!("`vars.{name}` refers to itself")).at(span);
                return Err(Lookup::Wrong(Box::new(problem)));
            }
            Var::Raw(_) if self.chain == MAX_CHAIN => {
                let title = format!("`vars.{name}` is at the end of {MAX_CHAIN} variables that refer to one another");
                let problem = Diagnostic::error(title).at(span);
                return Err(Lookup::Wrong(Box::new(problem.help("refer to it directly"))));
            }
            Var::Raw(node) => *node,
        };
        let mut filled = raw.clone();
        self.vars.insert(name, Var::Open);
        let mut problems = Vec::new();
        self.chain += 1;
        self.fill(&mut filled, &mut problems);
        self.chain -= 1;
        self.problems.extend(problems);
        self.vars.insert(name, Var::Filled(filled.clone()));
        Ok(filled)
    }

    /// The value of a variable, if it is small enough.
    fn found(&mut self, node: Node, name: &str, span: Span) -> Lookup {
        if node.fits(MAX_DEPTH, &mut self.left) {
            return Lookup::Found(node);
        }
        let problem = Diagnostic::error(format!("`vars.{name}` and what it refers to grow too large")).at(span);
        Lookup::Wrong(Box::new(problem.help(format!(
            "variables may nest {MAX_DEPTH} levels, and all references together may give a million values"
        ))))
    }
}

/// A text from outside.
pub fn text(value: &str, span: Span) -> Node {
    Node::new(span, Value::Scalar(Scalar { text: value.into(), style: Style::Filled }))
}

/// The values of `--var KEY=VALUE`, each with its own source for messages.
pub fn given(vars: &BTreeMap<String, String>, sources: &mut Sources) -> Vec<(Key, Node)> {
    let entry = |(name, value): (&String, &String)| {
        let file = sources.add(format!("--var {name}"), value.as_str());
        let span = Span { file, start: 0, end: u32::try_from(value.len()).unwrap_or(u32::MAX) };
        (Key { span, text: name.as_str().into() }, text(value, span))
    };
    vars.iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The problems of these variables, after all are filled in.
    fn said(vars: &str) -> Vec<String> {
        let mut sources = Sources::default();
        let file = sources.add("c.yaml", format!("vars:\n{vars}"));
        let mut problems = Vec::new();
        let head = crate::yaml::parse(&sources, file, &mut problems).expect("it is YAML");
        let env = Env::with([], std::path::PathBuf::new());
        problems.extend(Scope::new(&head, &[], &env).problems());
        problems.iter().map(|problem| problem.title().to_owned()).collect()
    }

    /// Each variable refers to the next one, once for each `@`.
    fn chain(length: usize, value: &str) -> String {
        (0..length).map(|at| format!("  v{at}: {}\n", value.replace('@', &format!("${{vars.v{}}}", at + 1)))).collect()
    }

    #[test]
    fn a_long_chain_of_variables_is_refused() {
        assert_eq!(said(&format!("{}  v30: x\n", chain(30, "a@"))), Vec::<String>::new());
        let problems = said(&format!("{}  v20000: x\n", chain(20_000, "a@")));
        assert_eq!(problems[0], "`vars.v32` is at the end of 32 variables that refer to one another");
    }

    #[test]
    fn variables_that_grow_without_end_are_refused_at_once() {
        for value in ["\"[@, @]\"", "[\"@\", \"@\"]", "\"${secrets.s:-@@}\"", "{ a: \"@\", b: \"@\" }"] {
            let vars = format!("{}  v30: {}\nsecrets: {{ s: }}\n", chain(30, value), "x".repeat(1000));
            let begun = std::time::Instant::now();
            let problems = said(&vars);
            assert!(begun.elapsed() < std::time::Duration::from_secs(3), "{value}: {:?}", begun.elapsed());
            assert!(problems[0].contains("grow"), "{value}: {problems:?}");
        }
    }

    #[test]
    fn variables_that_nest_without_end_are_refused() {
        let nested = format!("{}\"@\"{}", "[".repeat(20), "]".repeat(20));
        let problems = said(&format!("{}  v30: x\n", chain(30, &nested)));
        assert!(problems[0].contains("grow too large"), "{problems:?}");
    }
}
