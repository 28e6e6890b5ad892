//! The positions of the parts of an item: in a checklist with bases, they come from several files.

use std::collections::BTreeSet;

use crate::diagnostic::Span;
use crate::yaml::{Node, head};

/// A part of an item, and its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its name, such as `deferred`, `sign_off.valid_for`, `defaults.timeout` or `vars.api`.
    pub name: String,
    /// Where it is.
    pub span: Span,
}

/// The parts of an item: its own, those of the defaults, and the variables that it refers to.
pub fn parts(item: &Node, section: &Node, root: &Node) -> Vec<Part> {
    let mut parts: Vec<Part> =
        item.entries().iter().map(|(key, _)| Part { name: key.text.to_string(), span: key.span }).collect();
    for (key, node) in item.get("sign_off").map(Node::entries).unwrap_or_default() {
        let is_changed = key.span.file != node.span.file || key.span.file != item.span.file;
        if is_changed {
            parts.push(Part { name: format!("sign_off.{}", key.text), span: key.span });
        }
    }
    let own = section.get("defaults").map(Node::entries).unwrap_or_default();
    let inherited = root.get("defaults").map(Node::entries).unwrap_or_default();
    let inherited = inherited.iter().filter(|(key, _)| !own.iter().any(|(other, _)| other.text == key.text));
    let defaults = own.iter().chain(inherited).filter(|(key, _)| item.get(&key.text).is_none());
    parts.extend(defaults.map(|(key, _)| Part { name: format!("defaults.{}", key.text), span: key.span }));
    for kind in ["vars", "secrets"] {
        let declared = root.get(kind).map(Node::entries).unwrap_or_default();
        let used: BTreeSet<&str> = item
            .written_references()
            .into_iter()
            .filter_map(|reference| reference.path.strip_prefix(kind)?.strip_prefix('.'))
            .map(|path| head(path).0)
            .collect();
        let used = declared.iter().filter(|(key, _)| used.contains(&*key.text));
        parts.extend(used.map(|(key, _)| Part { name: format!("{kind}.{}", key.text), span: key.span }));
    }
    parts
}
