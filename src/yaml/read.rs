//! A reader of types from the tree that finds every problem, not just the first.
//!
//! serde stops at the first error. So what was wrong is told, cut out, and the rest is read again, until nothing more is
//! found. Right input is read once.

use std::cell::RefCell;
use std::collections::HashSet;

use serde::de::DeserializeOwned;

use crate::diagnostic::{Collector, Diagnostic, MAX_SHOWN, Span, closest};

use super::de::{Cut, De, Error, What};
use super::{Node, Value};

/// How often one part is read: each time tells one problem more, and takes as long as the part is large.
const MAX_READINGS: usize = 100;

/// Reads a `T`. `None` when anything is wrong; then each problem has been told, with its place. A hole is a problem.
pub fn read<T: DeserializeOwned>(node: &Node, problems: &mut Vec<Diagnostic>) -> Option<T> {
    Reading::default().read(node, Holes::Refused, problems)
}

/// Tells every problem that reading a `T` would meet, passing over what is not filled yet.
/// `Some` only when there are no holes in the way and nothing is wrong.
pub fn read_with_holes<T: DeserializeOwned>(node: &Node, problems: &mut Vec<Diagnostic>) -> Option<T> {
    Reading::default().read(node, Holes::Passed, problems)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Holes {
    Refused,
    Passed,
}

/// What is known of a tree while it is read again and again.
#[derive(Default)]
pub(super) struct Reading {
    /// What is left out, because it was told or is a hole.
    cut: RefCell<HashSet<Cut>>,
    /// The holes that were left out.
    holes: RefCell<HashSet<Span>>,
    unknown: RefCell<HashSet<Span>>,
    found: RefCell<Collector>,
}

impl Reading {
    fn read<T: DeserializeOwned>(self, node: &Node, holes: Holes, problems: &mut Vec<Diagnostic>) -> Option<T> {
        if holes == Holes::Passed {
            // All in one go: there may be thousands.
            leave_out_holes(node, &mut self.cut.borrow_mut());
        }
        let mut is_whole = true;
        let mut readings = 0;
        let value = loop {
            readings += 1;
            let error = match T::deserialize(De::new(node, &self)) {
                Ok(value) => break Some(value),
                Err(error) => error,
            };
            is_whole = false;
            let cut = error.place.map_or(Cut::of(node), |place| place.cut);
            if let (What::Hole(_), Some(place)) = (&error.what, error.place) {
                self.holes.borrow_mut().insert(place.span);
            }
            if self.is_left_open(&error, node) {
                // What is not filled yet may be just what it lacks.
            } else if let Some(problem) = told(error, node, holes) {
                self.found.borrow_mut().push(problem);
            }
            if readings == MAX_READINGS {
                let problem = Diagnostic::error("too many problems here: the others are not shown").at(node.span);
                self.found.borrow_mut().push(problem);
                break None;
            }
            // The second is a guard: what was cut out can't fail again.
            if cut == Cut::of(node) || !self.cut.borrow_mut().insert(cut) {
                break None;
            }
        };
        let found = self.found.into_inner().into_problems();
        let is_clean = found.is_empty() && self.holes.borrow().is_empty();
        problems.extend(found);
        value.filter(|_| is_whole && is_clean)
    }

    /// Whether a rule is broken by a part in which something is not filled yet.
    fn is_left_open(&self, error: &Error, root: &Node) -> bool {
        if !matches!(error.what, What::Wrong { .. } | What::Invalid(_)) {
            return false;
        }
        let span = error.place.map_or(root.span, |place| place.span);
        let holes = self.holes.borrow();
        holes.iter().any(|hole| hole.file == span.file && span.start < hole.start && hole.end <= span.end)
    }

    pub(super) fn is_cut(&self, node: &Node) -> bool {
        let cut = self.cut.borrow();
        let is_cut = !cut.is_empty() && cut.contains(&Cut::of(node));
        if is_cut && matches!(node.value, Value::Hole(_)) {
            self.holes.borrow_mut().insert(node.span);
        }
        is_cut
    }

    /// Whether a key that was told to be unknown was probably meant to be this field.
    pub(super) fn is_misspelt(&self, node: &Node, field: &str) -> bool {
        let unknown = self.unknown.borrow();
        let mut keys = node.entries().iter().map(|(key, _)| key).filter(|key| unknown.contains(&key.span));
        keys.any(|key| closest(&key.text, [field]).is_some())
    }

    pub(super) fn unknown_key(&self, key: &super::Key, known: &[&'static str]) {
        if !self.unknown.borrow_mut().insert(key.span) {
            return;
        }
        let problem = Diagnostic::error(format!("unknown key `{}`", key.text)).at(key.span);
        if self.unknown.borrow().len() > MAX_SHOWN {
            // It is only counted: a suggestion would be in vain.
            return self.found.borrow_mut().push(problem);
        }
        let otherwise =
            if known.is_empty() { "no keys are allowed here".to_owned() } else { format!("there are {}", list(known)) };
        self.found.borrow_mut().push(problem.suggest(&key.text, known.iter().copied(), otherwise));
    }
}

/// Leaves out every hole below a node. Where the node is one itself, the reader meets it.
fn leave_out_holes(node: &Node, cut: &mut HashSet<Cut>) {
    let mut leave_out = |node: &Node| match node.value {
        Value::Hole(_) => drop(cut.insert(Cut::of(node))),
        Value::Scalar(_) => {}
        Value::List(_) | Value::Map(_) => leave_out_holes(node, cut),
    };
    node.elements().iter().for_each(&mut leave_out);
    node.entries().iter().for_each(|(_, node)| leave_out(node));
}

/// What to tell of an error; nothing where it follows from one that was told.
fn told(error: Error, root: &Node, holes: Holes) -> Option<Diagnostic> {
    let span = error.place.map_or(root.span, |place| place.span);
    match error.what {
        What::Consequence => None,
        What::Hole(_) if holes == Holes::Passed => None,
        What::Hole(None) => None,
        What::Hole(Some(path)) => Some(unfilled(&path, span)),
        What::Missing(field) => Some(Diagnostic::error(format!("`{field}` is missing")).at(span)),
        What::Invalid(title) => Some(Diagnostic::error(title).at(span)),
        What::Wrong { title, help } => Some(Diagnostic::error(title).at(span).maybe_help(help)),
    }
}

fn unfilled(path: &str, span: Span) -> Diagnostic {
    if let Some(name) = path.strip_prefix("env.") {
        return Diagnostic::error(format!(
            "the environment variable `{name}` is not set, and this must be known before anything runs"
        ))
        .at(span)
        .help(format!("set it, or give a default: `${{env.{name}:-…}}`"));
    }
    Diagnostic::error(format!("`${{{path}}}` can't stand here: this must be known before anything runs")).at(span)
}

pub(super) fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}
