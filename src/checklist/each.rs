//! `each`: one item for every element of a list. Lists are expanded before variables are filled in, so that a value in
//! an element counts as if it were written in the item.

use std::collections::HashMap;

use crate::diagnostic::{Diagnostic, Span};
use crate::yaml::{Key, Lookup, Node, Reference, Scalar, Style, Value, fill, head};

use super::scope::Scope;

/// Maximum number of items that all lists together may make.
const MAX_ITEMS: usize = 20_000;

/// A checklist in which every item is written out.
#[derive(Debug)]
pub struct Repeated {
    /// All of it.
    pub root: Node,
    /// The element that an item was made from, by its id.
    pub elements: HashMap<String, Span>,
    /// The ids of items whose list can't be read, which has been reported.
    pub unread: Vec<String>,
}

/// Makes an item for each element of the lists of items and sections.
pub fn repeated(root: Node, scope: &mut Scope, is_base: bool, problems: &mut Vec<Diagnostic>) -> Repeated {
    let mut repeating =
        Repeating { scope, is_base, problems, elements: HashMap::new(), unread: Vec::new(), left: MAX_ITEMS };
    let sections = root.get("sections").map(|node| repeating.sections(node));
    let Repeating { elements, unread, .. } = repeating;
    let root = sections.map_or_else(|| root.clone(), |sections| with(&root, "sections", sections));
    Repeated { root, elements, unread }
}

/// The items that are made from a list under this id: `health` for `health/api`.
pub fn list_of(id: &str) -> Option<&str> {
    id.split_once('/').map(|(list, _)| list)
}

struct Repeating<'s, 'a, 'p> {
    scope: &'s mut Scope<'a>,
    is_base: bool,
    problems: &'p mut Vec<Diagnostic>,
    elements: HashMap<String, Span>,
    unread: Vec<String>,
    /// How many more items may be made.
    left: usize,
}

/// An element, and the name that distinguishes its items.
struct Element {
    node: Node,
    key: String,
}

impl Repeating<'_, '_, '_> {
    fn sections(&mut self, sections: &Node) -> Node {
        let Value::List(list) = &sections.value else { return sections.clone() };
        let list: Vec<Node> = list.iter().map(|section| self.section(section)).collect();
        Node::new(sections.span, Value::List(list.into()))
    }

    fn section(&mut self, section: &Node) -> Node {
        let items = section.get("items").map(Node::elements).unwrap_or_default();
        let each = section.get("each");
        if each.is_none() && !items.iter().any(|item| item.get("each").is_some() || has_slash(item)) {
            return section.clone();
        }
        let mut made = Vec::new();
        match each {
            Some(each) => {
                for own in items.iter().filter_map(|item| entry(item, "each")) {
                    let problem = Diagnostic::error("`each` in a section with `each`").at(own.0.span);
                    self.problems.push(problem.also(each.span, "the section's").help("remove one of them"));
                }
                // All items of one element are next to each other.
                match self.list(each, items.len()) {
                    Some(elements) => {
                        for element in &elements {
                            made.extend(items.iter().map(|item| self.item(item, element)));
                        }
                    }
                    None => items.iter().for_each(|item| made.extend(self.unmade(item))),
                }
            }
            None => {
                for item in items {
                    match item.get("each").map(|each| self.list(each, 1)) {
                        None => {
                            self.refuse_slash(item);
                            made.push(item.clone());
                        }
                        Some(Some(elements)) => made.extend(elements.iter().map(|element| self.item(item, element))),
                        Some(None) => made.extend(self.unmade(item)),
                    }
                }
            }
        }
        let span = section.get("items").map_or(section.span, |items| items.span);
        with(&without(section, "each"), "items", Node::new(span, Value::List(made.into())))
    }

    /// The result for an item whose list is not known: in a base, a checklist that extends it may provide the list.
    fn unmade(&mut self, item: &Node) -> Option<Node> {
        self.unread.extend(item.get("id").and_then(Node::text).map(ToOwned::to_owned));
        self.is_base.then(|| without(item, "each"))
    }

    /// The elements of a list, each of which makes this number of items. None if it can't be read.
    fn list(&mut self, each: &Node, items: usize) -> Option<Vec<Element>> {
        let list = self.scope.unfilled(each);
        let before = self.problems.len();
        let wrong = |title: String| Diagnostic::error(title).at(each.span);
        let how = "such as `each: ${vars.services}`, with `vars: { services: [api, worker] }`";
        match &list.value {
            Value::List(elements) if elements.is_empty() => {
                self.problems.push(wrong("`each` needs at least one element".to_owned()).also(list.span, "the list"));
            }
            Value::List(elements) if elements.len().saturating_mul(items) > self.left => {
                self.problems.push(wrong(format!("`each` makes more than {MAX_ITEMS} items")));
                return None;
            }
            Value::List(elements) => self.left -= elements.len() * items,
            // An unknown variable is reported when all are filled in.
            Value::Unresolved(_) if self.is_base => return None,
            Value::Unresolved(_) => {
                let mut filled = list.clone();
                self.scope.fill(&mut filled, self.problems);
                if self.problems.len() == before {
                    let title = "the list of `each` must be in the checklist, not in the environment".to_owned();
                    self.problems.push(wrong(title).help(how));
                }
                return None;
            }
            Value::Scalar(_) | Value::Map(_) => {
                self.problems.push(wrong(format!("`each` needs a list, not {}", list.kind())).help(how));
            }
        }
        let mut keys: HashMap<String, Span> = HashMap::new();
        let mut elements = Vec::new();
        for node in list.elements() {
            let node = self.scope.unfilled(node);
            let Some(key) = self.key(&node) else { continue };
            if let Some(first) = keys.insert(key.clone(), node.span) {
                let problem = Diagnostic::error(format!("duplicate element `{key}`")).at(node.span);
                self.problems.push(problem.also(first, "first used here"));
            }
            elements.push(Element { node, key });
        }
        (self.problems.len() == before).then_some(elements)
    }

    /// The name of an element: a text itself, or the `name` of a map.
    fn key(&mut self, element: &Node) -> Option<String> {
        let mut name = match &element.value {
            Value::Map(_) => element.get("name").cloned().unwrap_or_else(|| element.clone()),
            Value::Scalar(_) | Value::Unresolved(_) | Value::List(_) => element.clone(),
        };
        if matches!(name.value, Value::Unresolved(_)) {
            self.scope.fill(&mut name, self.problems);
        }
        let problem = match &name.value {
            Value::Scalar(_) if name.is_null() => Diagnostic::error("an element of `each` needs a name"),
            Value::Scalar(Scalar { text, .. }) if is_key(text) => return Some(text.to_string()),
            Value::Scalar(Scalar { text, .. }) => Diagnostic::error(format!("invalid name of an element: `{text}`"))
                .help("use letters, digits, `.`, `_` and `-`, and begin with a letter or digit"),
            Value::Unresolved(_) => Diagnostic::error("the name of an element must be known before anything runs"),
            Value::Map(_) => Diagnostic::error("this element has no `name`").help("its items are named after it"),
            Value::List(_) => Diagnostic::error("an element of `each` is a text or a map with a `name`, not a list"),
        };
        self.problems.push(problem.at(name.span));
        None
    }

    /// The item for an element.
    fn item(&mut self, item: &Node, element: &Element) -> Node {
        let mut made = without(item, "each");
        if let Some((key, id)) = entry(item, "id") {
            if let Value::Unresolved(_) = id.value {
                let title = "the id of an item with `each` can't hold `${…}`";
                let problem = Diagnostic::error(title).at(id.span);
                self.problems.push(problem.help("write `id: health`: its items are called `health/NAME`"));
            } else {
                self.refuse_slash(item);
            }
            if let Some(text) = id.text().filter(|text| !text.contains('/')) {
                let text = format!("{text}/{}", element.key);
                self.elements.insert(text.clone(), element.node.span);
                let value = Value::Scalar(Scalar { text: text.into(), style: Style::Quoted });
                made = with(&made, &key.text, Node::new(id.span, value));
            }
        }
        let mut lookup = |reference: &Reference| of_element(reference, &element.node);
        fill(&mut made, &mut lookup, self.problems);
        made
    }

    /// `/` is reserved for items that are made from lists.
    fn refuse_slash(&mut self, item: &Node) {
        if let Some(id) = item.get("id").filter(|_| has_slash(item)) {
            let problem = Diagnostic::error(format!("invalid id `{}`", id.text().unwrap_or_default())).at(id.span);
            self.problems.push(problem.help("use letters, digits, `-` and `_`"));
        }
    }
}

/// The value of `${each}` and `${each.PATH}`.
fn of_element(reference: &Reference, element: &Node) -> Lookup {
    let (first, path) = head(&reference.path);
    if first != "each" {
        return Lookup::Later;
    }
    match element.at_path(path) {
        Some(node) => Lookup::Found(node.clone()),
        None if reference.default.is_some() => Lookup::Missing,
        None => {
            let problem = Diagnostic::error(format!("this element has no `{path}`")).at(element.span);
            let problem = problem.also(reference.span, "used here");
            let keys = element.entries().iter().map(|(key, _)| &*key.text);
            Lookup::Wrong(Box::new(problem.suggest(path, keys, "add it, or give a default: `${each.port:-80}`")))
        }
    }
}

fn is_key(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

fn has_slash(item: &Node) -> bool {
    item.get("id").and_then(Node::text).is_some_and(|id| id.contains('/'))
}

fn entry<'n>(node: &'n Node, key: &str) -> Option<&'n (Key, Node)> {
    node.entries().iter().find(|(name, _)| &*name.text == key)
}

fn without(node: &Node, key: &str) -> Node {
    let Value::Map(entries) = &node.value else { return node.clone() };
    let entries = entries.iter().filter(|(name, _)| &*name.text != key).cloned().collect();
    Node::new(node.span, Value::Map(entries))
}

/// The map with another value under a key that it has.
fn with(node: &Node, key: &str, value: Node) -> Node {
    let Value::Map(entries) = &node.value else { return node.clone() };
    let mut entries = entries.to_vec();
    if let Some((_, old)) = entries.iter_mut().find(|(name, _)| &*name.text == key) {
        *old = value;
    }
    Node::new(node.span, Value::Map(entries.into()))
}
