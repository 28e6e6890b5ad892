//! What `${vars.x}` and `${env.X}` stand for, known when the checklist is read.

use std::collections::{BTreeMap, HashMap};

use crate::diagnostic::{Diagnostic, Sources, Span};
use crate::env::Env;
use crate::yaml::{Key, Lookup, Node, Reference, Scalar, Style, Value, fill};

/// The first words of references that mean something by themselves.
pub const ROOTS: [&str; 5] = ["vars", "env", "secrets", "items", "inputs"];

/// What can be referred to from anywhere in a checklist.
pub struct Scope<'a> {
    env: &'a Env,
    vars: HashMap<&'a str, Var<'a>>,
    /// In the order of the file.
    names: Vec<&'a str>,
    secrets: Vec<&'a str>,
    /// What is wrong in variables.
    problems: Vec<Diagnostic>,
}

/// A variable on its way to its value.
#[derive(Clone)]
enum Var<'a> {
    Raw(&'a Node),
    /// Being filled: whoever asks for it now closes a circle.
    Open,
    Filled(Node),
}

impl<'a> Scope<'a> {
    /// The scope of a checklist whose `vars` and `secrets` stand in `head`, with what `--var` says.
    pub fn new(head: &'a Node, given: &'a [(Key, Node)], env: &'a Env) -> Self {
        let entries = |key| head.get(key).map(Node::entries).unwrap_or_default();
        let mut vars: HashMap<&str, Var> =
            entries("vars").iter().map(|(key, node)| (&*key.text, Var::Raw(node))).collect();
        let names: Vec<&str> = entries("vars").iter().map(|(key, _)| &*key.text).collect();
        let mut problems = Vec::new();
        for (key, node) in given {
            if vars.insert(&key.text, Var::Filled(node.clone())).is_none() {
                vars.remove(&*key.text);
                let problem = Diagnostic::error(format!("`--var {}`: the checklist has no such variable", key.text));
                let otherwise = "only variables under `vars` can be overridden";
                problems.push(problem.suggest(&key.text, names.iter().copied(), otherwise));
            }
        }
        Self { env, vars, names, secrets: entries("secrets").iter().map(|(key, _)| &*key.text).collect(), problems }
    }

    /// Fills everything in the node that is known.
    pub fn fill(&mut self, node: &mut Node, problems: &mut Vec<Diagnostic>) {
        fill(node, &mut |reference| self.lookup(reference), problems);
    }

    /// Fills every variable, also those that nothing refers to, and tells what is wrong in them and in `--var`.
    pub fn problems(mut self) -> Vec<Diagnostic> {
        for name in std::mem::take(&mut self.names) {
            self.var(name, Span::default());
        }
        self.problems
    }

    /// What a reference stands for.
    fn lookup(&mut self, reference: &Reference) -> Lookup {
        let (head, name) = reference.path.split_once('.').unwrap_or((&reference.path, ""));
        let wrong = |problem: Diagnostic| Lookup::Wrong(Box::new(problem.at(reference.span)));
        match head {
            "vars" => self.var(name, reference.span),
            "env" if name.is_empty() => {
                wrong(Diagnostic::error("`env` alone is no value").help("name a variable: `${env.STAGING_URL}`"))
            }
            "env" => match self.env.var(name) {
                Some(value) => Lookup::Found(text(value, reference.span)),
                None => Lookup::Missing,
            },
            "secrets" if self.secrets.contains(&name) => Lookup::Later,
            "secrets" => {
                let problem = Diagnostic::error(format!("no secret is called `{name}`"));
                let otherwise = format!("declare it: a line `{name}:` under `secrets:`");
                wrong(problem.suggest(name, self.secrets.iter().copied(), otherwise))
            }
            "inputs" => wrong(
                Diagnostic::error("a checklist has no inputs")
                    .help("only a check in `checks/` is given `inputs`; a checklist has `vars`"),
            ),
            // What a probe saw is known when it has looked.
            _ => Lookup::Later,
        }
    }

    fn var(&mut self, name: &str, span: Span) -> Lookup {
        let Some((&name, state)) = self.vars.get_key_value(name) else {
            let problem = Diagnostic::error(format!("no variable is called `{name}`")).at(span);
            let otherwise = match &*self.names {
                [] => "there are none: put it under `vars:`".to_owned(),
                names => format!("there are `{}`", names.join("`, `")),
            };
            return Lookup::Wrong(Box::new(problem.suggest(name, self.names.iter().copied(), otherwise)));
        };
        let raw = match state {
            Var::Filled(node) => return Lookup::Found(node.clone()),
            Var::Open => {
                let problem = Diagnostic::error(format!("`vars.{name}` is made of itself")).at(span);
                return Lookup::Wrong(Box::new(problem));
            }
            Var::Raw(node) => *node,
        };
        let mut filled = raw.clone();
        self.vars.insert(name, Var::Open);
        let mut problems = Vec::new();
        self.fill(&mut filled, &mut problems);
        self.problems.extend(problems);
        self.vars.insert(name, Var::Filled(filled.clone()));
        Lookup::Found(filled)
    }
}

/// A text from outside.
pub fn text(value: &str, span: Span) -> Node {
    Node { span, value: Value::Scalar(Scalar { text: value.into(), style: Style::Filled }) }
}

/// What `--var NAME=VALUE` gives, with a place of its own for messages.
pub fn given(vars: &BTreeMap<String, String>, sources: &mut Sources) -> Vec<(Key, Node)> {
    let entry = |(name, value): (&String, &String)| {
        let file = sources.add(format!("--var {name}"), value.as_str());
        let span = Span { file, start: 0, end: u32::try_from(value.len()).unwrap_or(u32::MAX) };
        (Key { span, text: name.as_str().into() }, text(value, span))
    };
    vars.iter().map(entry).collect()
}
