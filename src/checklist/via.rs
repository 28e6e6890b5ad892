//! Passes `via` of `defaults`, sections, items and uses of checks on to the settings of each probe that takes it.

use std::sync::Arc;

use crate::client::ssh::Host;
use crate::diagnostic::Diagnostic;
use crate::probe::{Registry, VIA};
use crate::yaml::{self, Key, Node, Value};

use super::probe_list::CLEANUP;
use super::tree::Tree;

/// An entry `via`, as written.
type Entry = (Key, Node);

/// The checklist with `via` in the settings of each probe that takes it and does not have its own. An invalid one is
/// reported where it is written, and not passed on.
pub fn handed_down(tree: Tree, registry: &Registry, problems: &mut Vec<Diagnostic>) -> Tree {
    let root = tree.root.map(|root| if has_any(&root) { in_root(root, registry, problems) } else { root });
    Tree { root, ..tree }
}

/// Whether there is anything to pass on.
fn has_any(root: &Node) -> bool {
    let is_in = |map: &Node| map.get(VIA).is_some();
    let mut sections = root.get("sections").into_iter().flat_map(Node::elements);
    root.get("defaults").is_some_and(is_in)
        || sections.any(|section| {
            let mut items = section.get("items").into_iter().flat_map(Node::elements);
            section.get("defaults").is_some_and(is_in) || items.any(is_in)
        })
}

fn in_root(root: Node, registry: &Registry, problems: &mut Vec<Diagnostic>) -> Node {
    let mut hand = Hand { registry, problems };
    let outer = root.get("defaults").and_then(|defaults| hand.entry(defaults));
    hand.each(root, "sections", |hand, section| {
        let defaults = section.get("defaults").and_then(|defaults| hand.entry(defaults));
        let of_section = defaults.or_else(|| outer.clone());
        hand.each(section, "items", |hand, item| {
            let of_item = hand.entry(&item).or_else(|| of_section.clone());
            match of_item {
                Some(via) => {
                    let item = hand.each(item, "probes", |hand, probe| with(probe, &via, hand.registry));
                    hand.each(item, CLEANUP, |hand, probe| with(probe, &via, hand.registry))
                }
                None => item,
            }
        })
    })
}

/// The probes of a check with this `via`.
pub fn in_check(probes: &Node, via: &Entry, registry: &Registry) -> Node {
    let changed = probes.elements().iter().map(|one| with(one.clone(), via, registry)).collect();
    Node { value: Value::List(changed), ..probes.clone() }
}

/// The entry `via` of a map.
pub fn entry(map: &Node) -> Option<Entry> {
    map.entries().iter().find(|(key, _)| &*key.text == VIA).cloned()
}

struct Hand<'a> {
    registry: &'a Registry,
    problems: &'a mut Vec<Diagnostic>,
}

impl Hand<'_> {
    /// The entry `via` of a map, where it is valid.
    fn entry(&mut self, map: &Node) -> Option<Entry> {
        let entry = entry(map)?;
        let before = self.problems.len();
        drop(yaml::read_with_holes::<Option<Host>>(&entry.1, self.problems));
        (self.problems.len() == before).then_some(entry)
    }

    /// The map with each element of a list in it changed, or what is there instead of a list of one. Others stay shared.
    fn each(&mut self, map: Node, list: &str, mut change: impl FnMut(&mut Self, Node) -> Node) -> Node {
        let Node { span, value: Value::Map(mut entries), written } = map else { return map };
        if let Some(at) = entries.iter().position(|(key, _)| &*key.text == list) {
            let own = &entries[at].1;
            let changed = match own.value {
                Value::List(_) => {
                    let changed: Vec<Node> = own.elements().iter().map(|one| change(self, one.clone())).collect();
                    (changed != own.elements()).then(|| Node { value: Value::List(changed.into()), ..own.clone() })
                }
                Value::Map(_) if list == CLEANUP => Some(change(self, own.clone())),
                Value::Map(_) | Value::Scalar(_) | Value::Unresolved(_) => None,
            };
            if let Some(changed) = changed {
                Arc::make_mut(&mut entries)[at].1 = changed;
            }
        }
        Node { span, value: Value::Map(entries), written }
    }
}

/// A probe, or the use of a check, with this `via`, if it takes one and has none.
fn with(probe: Node, via: &Entry, registry: &Registry) -> Node {
    let Node { span, value: Value::Map(mut entries), written } = probe else { return probe };
    let takes = |name: &str| registry.get(name).is_some_and(|kind| kind.takes_via());
    if let Some(at) = entries.iter().position(|(key, _)| takes(&key.text)) {
        let settings = added(entries[at].1.clone(), via);
        Arc::make_mut(&mut entries)[at].1 = settings;
    } else if entries.iter().any(|(key, _)| &*key.text == "use") {
        return added(Node { span, value: Value::Map(entries), written }, via);
    }
    Node { span, value: Value::Map(entries), written }
}

/// A map with this entry, if it has none.
fn added(map: Node, via: &Entry) -> Node {
    match &map.value {
        Value::Map(entries) if map.get(VIA).is_none() => {
            let entries = entries.iter().cloned().chain([via.clone()]).collect();
            Node { value: Value::Map(entries), ..map.clone() }
        }
        Value::Map(_) | Value::Scalar(_) | Value::Unresolved(_) | Value::List(_) => map,
    }
}
