//! What is known of a tree while it is read again and again.

use std::cell::RefCell;
use std::collections::HashSet;

use crate::diagnostic::{Collector, Diagnostic, MAX_SHOWN, Span, closest};

use super::{Key, Node, Value};

/// A node to leave out, by its address: nodes don't move while they are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Skipped(usize);

impl Skipped {
    pub(super) fn of(node: &Node) -> Self {
        Self(std::ptr::from_ref(node).addr())
    }
}

/// What is known of a tree while it is read again and again.
#[derive(Default)]
pub(super) struct Reading {
    /// What is left out, because it was reported or is a hole.
    pub(super) skipped: RefCell<HashSet<Skipped>>,
    /// The holes that were left out.
    pub(super) holes: RefCell<HashSet<Span>>,
    unknown: RefCell<HashSet<Span>>,
    pub(super) found: RefCell<Collector>,
}

impl Reading {
    pub(super) fn is_skipped(&self, node: &Node) -> bool {
        let skipped = self.skipped.borrow();
        let is_skipped = !skipped.is_empty() && skipped.contains(&Skipped::of(node));
        if is_skipped && matches!(node.value, Value::Unresolved(_)) {
            self.holes.borrow_mut().insert(node.span);
        }
        is_skipped
    }

    /// Whether a key that was reported to be unknown was probably meant to be this field.
    pub(super) fn is_misspelt(&self, node: &Node, field: &str) -> bool {
        let unknown = self.unknown.borrow();
        let mut keys = node.entries().iter().map(|(key, _)| key).filter(|key| unknown.contains(&key.span));
        keys.any(|key| closest(&key.text, [field]).is_some())
    }

    pub(super) fn unknown_key(&self, key: &Key, known: &[&'static str]) {
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

/// Words in a sentence: `a`, `b` and `c`.
pub(super) fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}
