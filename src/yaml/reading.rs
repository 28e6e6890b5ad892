//! State of a tree that is read several times.

use std::cell::RefCell;
use std::collections::HashSet;

use crate::diagnostic::{Collector, Diagnostic, Lack, MAX_SHOWN, Span, expected, has_other_form};

use super::{Key, Node, Value};

/// A node to leave out, by its address: nodes don't move while they are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Skipped(usize);

impl Skipped {
    pub(super) fn of(node: &Node) -> Self {
        Self(std::ptr::from_ref(node).addr())
    }
}

/// State of a tree that is read several times.
#[derive(Default)]
pub(super) struct Reading {
    /// The parts that are left out, because they were reported or are unresolved.
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

    /// Whether a missing field follows from what was left out or reported in this map: its value, or an unknown key, which is
    /// probably that field under a wrong name. One of several fields that would do is called `` a` or `b ``.
    pub(super) fn explains(&self, node: &Node, field: &str) -> bool {
        let (skipped, unknown) = (self.skipped.borrow(), self.unknown.borrow());
        let is_left_out = |node: &Node| skipped.contains(&Skipped::of(node));
        let mut fields = field.split("` or `").filter_map(|field| node.get(field));
        fields.any(|value| is_left_out(value) || value.elements().iter().any(is_left_out))
            || node.entries().iter().any(|(key, _)| unknown.contains(&key.span))
    }

    /// Reports a key that is not one of the known ones. `behind` are the keys of the map after it.
    pub(super) fn unknown_key<'k>(&self, key: &Key, behind: impl Iterator<Item = &'k Key>, known: &[&'static str]) {
        if !self.unknown.borrow_mut().insert(key.span) {
            return;
        }
        let mut title = format!("unknown key `{}`", key.text);
        // `host` and `port` are one mistake where one setting holds both.
        let meant = known.iter().find(|meant| has_other_form(&key.text, meant));
        let others = meant.map(|meant| behind.filter(move |other| has_other_form(&other.text, meant)));
        for other in others.into_iter().flatten() {
            if self.unknown.borrow_mut().insert(other.span) {
                title = format!("{}, `{}`", title.replace("key ", "keys "), other.text);
            }
        }
        let problem = Diagnostic::error(title).at(key.span).lacking(Lack::Place);
        if self.unknown.borrow().len() > MAX_SHOWN {
            // It is only counted, so a suggestion is not needed.
            return self.found.borrow_mut().push(problem);
        }
        let otherwise = if known.is_empty() { "no keys are allowed here".to_owned() } else { expected(known) };
        self.found.borrow_mut().push(problem.suggest(&key.text, known.iter().copied(), otherwise));
    }
}
