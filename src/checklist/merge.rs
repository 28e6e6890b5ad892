//! Merges a checklist and its bases: which value takes precedence, what is appended, and which single items are
//! changed.

use std::collections::HashSet;

use crate::diagnostic::Diagnostic;
use crate::yaml::{Key, Node, Scalar, Style, Value};

use super::digest::of_node;

/// The keys of an item that a file which extends its base may change.
pub const CHANGEABLE: [&str; 16] = [
    "deferred",
    "pending",
    "advisory",
    "timeout",
    "retry",
    "owner",
    "severity",
    "hint",
    "tags",
    "needs",
    "valid_for",
    "title",
    "evidence",
    "probes",
    "cleanup",
    "via",
];

/// A checklist or one of its bases.
#[derive(Debug)]
pub struct Layer {
    /// Its file, as spans name it.
    pub file: u32,
    /// Its tree.
    pub root: Node,
    /// The files of its bases, and of theirs.
    pub bases: HashSet<u32>,
}

/// The layers as one tree; later ones take precedence. The last one is the checklist, or a base itself.
pub fn merged(layers: Vec<Layer>, is_last_base: bool, problems: &mut Vec<Diagnostic>) -> Option<Node> {
    let count = layers.len();
    let mut below: Option<Node> = None;
    for (at, layer) in layers.into_iter().enumerate() {
        let is_base = at + 1 < count || is_last_base;
        below = Some(over(below, layer, is_base, problems));
    }
    below
}

fn over(below: Option<Node>, layer: Layer, is_base: bool, problems: &mut Vec<Diagnostic>) -> Node {
    let Value::Map(own) = &layer.root.value else { return layer.root };
    if below.is_none() && !own.iter().any(|(key, _)| matches!(&*key.text, "extends" | "items")) && !is_base {
        return layer.root;
    }
    let mut entries: Vec<(Key, Node)> = below.as_ref().map(|node| node.entries().to_vec()).unwrap_or_default();
    if let Some((key, changes)) = own.iter().find(|(key, _)| &*key.text == "items") {
        change_items(&mut entries, (key, changes), &layer, problems);
    }
    for (key, node) in own.iter() {
        let known = entries.iter().position(|(other, _)| other.text == key.text);
        match (&*key.text, known) {
            ("extends" | "items", _) => {}
            ("markdown", _) if is_base => {
                let problem = Diagnostic::warning("`markdown` of a base has no effect: it is not inherited");
                problems.push(problem.at(key.span).help("name a file in each checklist that extends this base"));
            }
            ("vars" | "secrets" | "defaults", Some(at)) => entries[at].1 = by_key(&entries[at].1, node),
            ("sections", Some(at)) => entries[at].1 = sections(&entries[at].1, node, problems),
            ("gaps", Some(at)) => entries[at].1 = appended(&entries[at].1, node),
            (_, Some(at)) => entries[at] = (key.clone(), node.clone()),
            (_, None) => entries.push((key.clone(), node.clone())),
        }
    }
    if let Some((key, items)) = own.iter().find(|(key, _)| &*key.text == "items" && layer.bases.is_empty())
        && layer.root.get("sections").is_none()
    {
        entries.push(section_of(key, items));
    }
    Node::new(layer.root.span, Value::Map(entries.into()))
}

/// Both maps as one; if both have a key, the second value wins as a whole.
fn by_key(below: &Node, own: &Node) -> Node {
    if own.is_null() {
        return below.clone();
    }
    if !matches!((&below.value, &own.value), (Value::Map(_), Value::Map(_))) {
        return own.clone();
    }
    let mut entries = below.entries().to_vec();
    own.entries().iter().for_each(|(key, node)| set(&mut entries, key, node.clone()));
    Node::new(own.span, Value::Map(entries.into()))
}

/// One list after the other. A value that is not a list is left for the reader to report.
fn appended(below: &Node, own: &Node) -> Node {
    match (&below.value, &own.value) {
        (_, Value::Scalar(_)) if own.is_null() => below.clone(),
        (Value::List(first), Value::List(second)) => {
            let all: Vec<Node> = first.iter().chain(second.iter()).cloned().collect();
            Node::new(own.span, Value::List(all.into()))
        }
        (Value::Scalar(_) | Value::Unresolved(_) | Value::Map(_) | Value::List(_), _) => own.clone(),
    }
}

/// Sections are appended; one with the id of an earlier section adds its items to that.
fn sections(below: &Node, own: &Node, problems: &mut Vec<Diagnostic>) -> Node {
    let (Value::List(first), Value::List(second)) = (&below.value, &own.value) else { return appended(below, own) };
    let mut all = first.to_vec();
    for section in second.iter() {
        let id = section.get("id").and_then(Node::text);
        let same =
            all[..first.len()].iter().position(|other| id.is_some() && other.get("id").and_then(Node::text) == id);
        match (same, id) {
            (Some(at), Some(id)) => all[at] = same_section(&all[at], section, id, problems),
            (None, Some(id)) if section.get("title").is_none() => {
                let ids = first.iter().filter_map(|section| section.get("id")?.text());
                let ids: Vec<&str> = ids.collect();
                let problem = Diagnostic::error(format!("no base has a section `{id}`, and this one has no title"));
                let problem = problem.at(section.get("id").map_or(section.span, |id| id.span));
                let otherwise = match ids.as_slice() {
                    [] => "give it a `title`".to_owned(),
                    ids => format!("give it a `title`, or add to one of `{}`", ids.join("`, `")),
                };
                problems.push(problem.suggest(id, ids, otherwise));
            }
            (None | Some(_), _) => all.push(section.clone()),
        }
    }
    Node::new(own.span, Value::List(all.into()))
}

fn same_section(below: &Node, own: &Node, id: &str, problems: &mut Vec<Diagnostic>) -> Node {
    let mut entries = below.entries().to_vec();
    if own.entries().len() < 2 {
        problems.push(Diagnostic::error(format!("this adds nothing to the section `{id}`")).at(own.span));
    }
    for (key, node) in own.entries() {
        let known = below.get(&key.text);
        match (&*key.text, known) {
            ("id", _) => {}
            ("items", Some(items)) => set(&mut entries, key, appended(items, node)),
            ("defaults", Some(defaults)) => set(&mut entries, key, by_key(defaults, node)),
            _ => set(&mut entries, key, node.clone()),
        }
    }
    Node::new(below.span, Value::Map(entries.into()))
}

/// `sections` with these items, which are not in one: their own problems are reported, too.
fn section_of(key: &Key, items: &Node) -> (Key, Node) {
    let word = |text: &str| Key { span: key.span, text: text.into() };
    let title = Node::new(key.span, Value::Scalar(Scalar { text: key.text.clone(), style: Style::Plain }));
    let section = Value::Map([(word("title"), title), (word("items"), items.clone())].into());
    (word("sections"), Node::new(items.span, Value::List([Node::new(items.span, section)].into())))
}

/// Changes single items of the bases.
fn change_items(
    below: &mut [(Key, Node)],
    (key, changes): (&Key, &Node),
    layer: &Layer,
    problems: &mut Vec<Diagnostic>,
) {
    let wrong = |title: &str| Diagnostic::error(title).at(key.span);
    if layer.bases.is_empty() {
        let problem = wrong("`items` must be in a section");
        return problems.push(problem.help("write `sections:` with a list: `- title: …`, and below it `  items:`"));
    }
    if !matches!(changes.value, Value::Map(_)) {
        let problem = wrong("`items` must be a map from the id of an item to its changes");
        return problems.push(problem.help("such as `items: { logs: { deferred: PROD SETUP } }`"));
    }
    let is_below = |item: &Node| layer.bases.contains(&item.span.file);
    let mut left: Vec<&(Key, Node)> = changes.entries().iter().collect();
    let mut ids: Vec<String> = Vec::new();
    if let Some((_, sections)) = below.iter_mut().find(|(key, _)| &*key.text == "sections") {
        *sections = each_item(sections, &mut |item| {
            let id = item.get("id").and_then(Node::text).filter(|_| is_below(item))?;
            ids.push(id.to_owned());
            let at = left.iter().position(|(key, _)| *key.text == *id)?;
            let (key, own) = left.remove(at);
            Some(changed(item, key, own, problems))
        });
    }
    for (key, _) in left {
        let id = &*key.text;
        let problem = Diagnostic::error(format!("no base has an item `{id}`")).at(key.span);
        let own = layer.root.get("sections").map(Node::elements).unwrap_or_default();
        let own = own.iter().flat_map(|section| section.get("items").map(Node::elements).unwrap_or_default());
        let is_own = own.filter_map(|item| item.get("id")?.text()).any(|own| own == id);
        problems.push(match is_own {
            true => problem.help("it is an item of this file: change it there"),
            false => problem.suggest(id, ids.iter().map(String::as_str), "`gate list` shows the items of a checklist"),
        });
    }
}

/// The sections with the items that have a replacement replaced.
pub fn each_item(sections: &Node, replaced: &mut dyn FnMut(&Node) -> Option<Node>) -> Node {
    let Value::List(list) = &sections.value else { return sections.clone() };
    let mut list = std::sync::Arc::clone(list);
    for at in 0..list.len() {
        let Some(Value::List(items)) = list[at].get("items").map(|items| &items.value) else { continue };
        let mut items = std::sync::Arc::clone(items);
        let mut is_changed = false;
        for item in 0..items.len() {
            if let Some(other) = replaced(&items[item]) {
                std::sync::Arc::make_mut(&mut items)[item] = other;
                is_changed = true;
            }
        }
        if !is_changed {
            continue;
        }
        if let Value::Map(entries) = &mut std::sync::Arc::make_mut(&mut list)[at].value {
            let entries = std::sync::Arc::make_mut(entries).iter_mut();
            for (_, node) in entries.filter(|(key, _)| &*key.text == "items") {
                node.value = Value::List(std::sync::Arc::clone(&items));
            }
        }
    }
    Node::new(sections.span, Value::List(list))
}

/// An item with its changes. One that changes nothing is a problem: it was meant for another item, or is outdated.
fn changed(item: &Node, id: &Key, changes: &Node, problems: &mut Vec<Diagnostic>) -> Node {
    let mut entries = item.entries().to_vec();
    if changes.entries().is_empty() {
        let problem = Diagnostic::error(format!("this changes nothing of the item `{}`", id.text)).at(id.span);
        problems.push(problem.help("name what to change, such as `{ deferred: PROD SETUP }`, or remove it"));
    }
    for (key, node) in changes.entries() {
        if !CHANGEABLE.contains(&&*key.text) {
            let problem = Diagnostic::error(format!("`{}` of a base's item can't be changed", key.text)).at(key.span);
            let otherwise = format!("only `{}` can", CHANGEABLE.join("`, `"));
            problems.push(problem.suggest(&key.text, CHANGEABLE, otherwise));
            continue;
        }
        // How long a sign-off is valid is one of its own settings.
        let sign_off = item.get("sign_off").filter(|node| &*key.text == "valid_for" && !node.entries().is_empty());
        let current = sign_off.unwrap_or(item).get(&key.text);
        if same(current, node) {
            let problem = Diagnostic::error(format!("`{}` is the same in the base", key.text)).at(key.span);
            let problem = problem.help("remove it: this changes nothing");
            problems.push(match current {
                Some(current) => problem.also(current.span, "the base"),
                None => problem.also(item.span, "the base"),
            });
            continue;
        }
        match sign_off {
            Some(sign_off) => {
                let mut terms = sign_off.entries().to_vec();
                set_or_remove(&mut terms, key, node);
                let value = Value::Map(terms.into());
                if let Some((_, old)) = entries.iter_mut().find(|(key, _)| &*key.text == "sign_off") {
                    *old = Node::new(sign_off.span, value);
                }
            }
            None => set_or_remove(&mut entries, key, node),
        }
    }
    Node::new(item.span, Value::Map(entries.into()))
}

/// Whether a change leaves a value as it is.
fn same(current: Option<&Node>, own: &Node) -> bool {
    let is_nothing = |node: &Node| {
        let is_empty = matches!(&node.value, Value::List(elements) if elements.is_empty());
        node.is_null() || is_empty || node.to_json() == serde_json::Value::Bool(false)
    };
    match current {
        None => is_nothing(own),
        Some(current) => is_nothing(current) && is_nothing(own) || of_node(current) == of_node(own),
    }
}

fn set_or_remove(entries: &mut Vec<(Key, Node)>, key: &Key, node: &Node) {
    match node.is_null() {
        true => entries.retain(|(other, _)| other.text != key.text),
        false => set(entries, key, node.clone()),
    }
}

fn set(entries: &mut Vec<(Key, Node)>, key: &Key, node: Node) {
    match entries.iter_mut().find(|(other, _)| other.text == key.text) {
        Some(entry) => *entry = (key.clone(), node),
        None => entries.push((key.clone(), node)),
    }
}
