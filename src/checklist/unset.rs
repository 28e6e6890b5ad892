//! Unset environment variables outside of probes: a command that runs nothing shows them as written.

use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::yaml::{Key, Node, Scalar, Style, Value};

/// Settings with text for people.
const TEXTS: [&str; 15] = [
    "title",
    "note",
    "text",
    "project",
    "owner",
    "deferred",
    "pending",
    "manual",
    "hint",
    "role",
    "gap",
    "priority",
    "notes",
    "accepted_by",
    "locks",
];

/// Settings that a command which runs nothing does not need.
const UNUSED: [&str; 4] = ["markdown", "timeout", "retry", "eventually"];

/// The settings below which there are others.
const NESTED: [&str; 7] = ["sections", "items", "gaps", "sign_off", "probes", "cleanup", "defaults"];

/// Whether the title of a checklist refers to an unset variable. With `is_shown`, references to unset variables are
/// shown as written in texts, and other settings that need them are left out.
pub fn has_unset_title(root: Option<&mut Node>, is_shown: bool, problems: &mut Vec<Diagnostic>) -> bool {
    let Some(root) = root else { return false };
    let has_unset_title = root.get("title").is_some_and(Node::has_holes);
    if is_shown {
        show(root, problems);
    }
    has_unset_title
}

fn show(node: &mut Node, problems: &mut Vec<Diagnostic>) {
    match &mut node.value {
        Value::List(elements) if elements.iter().any(Node::has_holes) => {
            let elements = Arc::make_mut(elements).iter_mut();
            elements.filter(|element| element.has_holes()).for_each(|element| show(element, problems));
        }
        Value::Map(entries) => {
            let is_left_out = |(key, node): &(Key, Node)| UNUSED.contains(&&*key.text) && is_unset(node);
            if entries.iter().any(is_left_out) {
                // Commands that need the path report it.
                let shown = entries.iter().filter(|(key, _)| &*key.text != "markdown");
                problems.extend(shown.filter(|entry| is_left_out(entry)).map(left_out));
                *entries = entries.iter().filter(|entry| !is_left_out(entry)).cloned().collect();
            }
            for (key, node) in Arc::make_mut(entries) {
                if TEXTS.contains(&&*key.text) {
                    as_written(node);
                } else if NESTED.contains(&&*key.text) {
                    show(node, problems);
                }
            }
        }
        Value::List(_) | Value::Scalar(_) | Value::Unresolved(_) => {}
    }
}

/// Whether it is unknown only because of unset variables.
fn is_unset(node: &Node) -> bool {
    node.has_holes() && node.references().iter().all(|reference| reference.path.starts_with("env."))
}

fn as_written(node: &mut Node) {
    if let Value::List(elements) = &mut node.value {
        Arc::make_mut(elements).iter_mut().for_each(as_written);
    } else if is_unset(node)
        && let Some(text) = node.to_text_json().as_str()
    {
        node.value = Value::Scalar(Scalar { text: text.into(), style: Style::Quoted });
    }
}

fn left_out((key, node): &(Key, Node)) -> Diagnostic {
    let references = node.references();
    let name = references.first().map_or("", |reference| &reference.path["env.".len()..]);
    Diagnostic::warning(format!("`{}` is ignored here: the environment variable `{name}` is not set", key.text))
        .at(node.span)
}
