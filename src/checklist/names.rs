//! Ids: duplicates, the items that `needs` and gaps refer to, and cycles of `needs`.

use std::collections::HashMap;

use crate::diagnostic::{Diagnostic, MAX_SHOWN, Span, expected};
use crate::yaml::{Node, Spanned};

use super::each::list_of;

/// The ids of a checklist, also of items with other problems.
#[derive(Debug, Default)]
pub struct Names<'a> {
    items: HashMap<&'a str, Named<'a>>,
    sections: HashMap<&'a str, Vec<usize>>,
    /// The titles of sections without an id.
    unnamed: Vec<&'a str>,
    /// The items that `each` makes, by the id before the `/`.
    lists: HashMap<&'a str, Vec<usize>>,
    /// Ids of lists that could not be read: their items are not known.
    unread: &'a [String],
    /// Whether it is a base: checklists that extend it may have other items.
    is_base: bool,
    /// The id of each item; empty if it has none.
    ids: Vec<&'a str>,
    /// The items that have an item as their `parent`, by its position. One that is `advisory` never holds it back.
    children: HashMap<usize, Vec<Need>>,
}

#[derive(Debug)]
struct Named<'a> {
    position: usize,
    node: &'a Node,
    section: Option<&'a str>,
}

/// An entry of `needs`: the position of the other item, and where the checklist names it.
pub type Need = (usize, Span);

impl<'a> Names<'a> {
    /// The ids in a checklist. A duplicate is a problem.
    pub fn read(root: &'a Node, unread: &'a [String], is_base: bool, problems: &mut Vec<Diagnostic>) -> Self {
        let mut names = Self { unread, is_base, ..Self::default() };
        let mut places: HashMap<&str, (Span, &str)> = HashMap::new();
        let mut claim = |id: &'a Node, what: &'static str| {
            let text = id.text()?;
            // Items that are made from one list share the position of its id.
            let list = list_of(text).and_then(|list| Some((list, places.insert(list, (id.span, what))?)));
            let own = places.insert(text, (id.span, what)).map(|first| (text, first));
            let list = list.filter(|(_, (first, _))| *first != id.span);
            for (text, (first, of)) in list.into_iter().chain(own) {
                let problem = Diagnostic::error(format!("duplicate id `{text}`")).at(id.span);
                problems.push(problem.label(format!("id of this {what}")).also(first, format!("id of this {of}, too")));
            }
            Some(text)
        };
        for section in root.get("sections").map(Node::elements).unwrap_or_default() {
            let id = section.get("id").and_then(|id| claim(id, "section"));
            let first = names.ids.len();
            for item in section.get("items").map(Node::elements).unwrap_or_default() {
                let position = names.ids.len();
                let own = item.get("id").and_then(|id| claim(id, "item"));
                names.ids.push(own.unwrap_or_default());
                if let Some(own) = own {
                    names.nest(item, position, first);
                    if let Some(list) = list_of(own) {
                        names.lists.entry(list).or_default().push(position);
                    }
                    names.items.entry(own).or_insert(Named { position, node: item, section: id });
                }
            }
            match id {
                Some(id) => drop(names.sections.entry(id).or_insert_with(|| (first..names.ids.len()).collect())),
                None => names.unnamed.extend(section.get("title").and_then(Node::text)),
            }
        }
        names
    }

    /// Adds an item to those that its parent needs: an earlier item of the same section, which begins at `first`.
    fn nest(&mut self, item: &Node, position: usize, first: usize) {
        let Some(parent) = item.get("parent") else { return };
        let is_advisory = item.get("advisory").is_some_and(|node| node.to_json() == serde_json::Value::Bool(true));
        let above = parent.text().and_then(|id| self.items.get(id)).map(|named| named.position);
        if let Some(above) = above.filter(|above| *above >= first && !is_advisory) {
            self.children.entry(above).or_default().push((position, parent.span));
        }
    }

    /// Whether a need is one because of its `parent`.
    fn is_nested(&self, need: Need, item: usize) -> bool {
        self.children.get(&item).is_some_and(|children| children.contains(&need))
    }

    /// The probes of an item, and the id of the section that it is in.
    pub fn probes(&self, id: &str) -> Option<(&'a Node, Option<&'a str>)> {
        let named = self.items.get(id)?;
        Some((named.node.get("probes").unwrap_or(named.node), named.section))
    }

    /// The items that the item at this position needs, in order and each once: those that it names, and those that have
    /// it as their `parent`.
    pub fn needs(&self, item: usize, needs: &[Spanned<String>], problems: &mut Vec<Diagnostic>) -> Vec<Need> {
        let mut found: Vec<Need> = Vec::new();
        for need in needs {
            let name = need.value.as_str();
            let several = || self.sections.get(name).or_else(|| self.lists.get(name));
            let positions: &[usize] = match (self.items.get(name), several()) {
                (Some(named), _) => &[named.position],
                (None, Some(positions)) => positions,
                (None, None) if self.may_exist(name) => continue,
                (None, None) => {
                    problems.push(self.unknown_need(need, item, problems.len()));
                    continue;
                }
            };
            found.extend(positions.iter().map(|position| (*position, need.span)));
        }
        found.extend(self.children.get(&item).into_iter().flatten());
        found.sort_by_key(|(position, _)| *position);
        found.dedup_by_key(|(position, _)| *position);
        found
    }

    /// The ids of the items of a gap. The id of a list means all items made from it.
    pub fn of_gap(&self, items: &[Spanned<String>], problems: &mut Vec<Diagnostic>) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for item in items {
            let name = item.value.as_str();
            let ids = match (self.items.contains_key(name), self.lists.get(name)) {
                (false, Some(positions)) => positions.iter().map(|position| self.ids[*position]).collect(),
                (true, _) => vec![name],
                (false, None) if self.may_exist(name) => vec![name],
                (false, None) => {
                    let names = self.items.keys().chain(self.lists.keys()).copied();
                    let problem = self.unknown("item", item, names, problems.len());
                    problems.push(match self.sections.contains_key(name) {
                        true => problem.help("it is a section; a gap names its items"),
                        false => problem,
                    });
                    continue;
                }
            };
            let is_sign_off = |id: &&str| self.items.get(id).is_some_and(|named| named.node.get("sign_off").is_some());
            if let Some(id) = ids.iter().copied().find(is_sign_off) {
                let problem = Diagnostic::error(format!("a gap cannot cover the sign-off `{id}`")).at(item.span);
                problems.push(problem.help("name the items that it needs"));
            }
            for id in ids {
                if !found.iter().any(|known| known == id) {
                    found.push(id.to_owned());
                }
            }
        }
        found
    }

    /// Whether the items of all lists are known.
    pub fn is_whole(&self) -> bool {
        self.unread.is_empty()
    }

    /// Whether an unknown id may exist after all.
    fn may_exist(&self, name: &str) -> bool {
        let name = list_of(name).unwrap_or(name);
        self.is_base || self.unread.iter().any(|unread| unread == name)
    }

    /// The problem of a need of the item at this position. It can't need itself, nor its section.
    fn unknown_need(&self, need: &Spanned<String>, item: usize, problems: usize) -> Diagnostic {
        let what = "item or section";
        let wanted = id_of(&need.value);
        let same = |title: &&&str| !wanted.is_empty() && id_of(title) == wanted;
        if let Some(title) = self.unnamed.iter().find(same) {
            let problem = Diagnostic::error(format!("{what} `{}` not found", need.value)).at(need.span);
            let id = id_of(title);
            return problem
                .help(format!("the section `{title}` has no `id`: add `id: {id}`, and write `needs: [{id}]`"));
        }
        let items = self.items.iter().filter(|(_, named)| named.position != item).map(|(id, _)| *id);
        let several = self.sections.iter().chain(&self.lists).filter(|(_, items)| !items.contains(&item));
        let names = items.chain(several.map(|(id, _)| *id)).filter(|id| is_id(id));
        self.unknown(what, need, names, problems)
    }

    /// After many problems, nothing is suggested: finding a suggestion takes time in proportion to the number of names.
    fn unknown<'n>(
        &self,
        what: &str,
        id: &Spanned<String>,
        names: impl Iterator<Item = &'n str>,
        problems: usize,
    ) -> Diagnostic {
        let problem = Diagnostic::error(format!("{what} `{}` not found", id.value)).at(id.span);
        if problems > 5 * MAX_SHOWN {
            return problem;
        }
        let mut names: Vec<&str> = names.collect();
        names.sort_unstable();
        let otherwise = match names.len() {
            0 => "remove it: the checklist has no other item or section".to_owned(),
            1..=10 => expected(&names),
            _ => "`gate list NAME` lists the items of a checklist".to_owned(),
        };
        problem.suggest(&id.value, names, otherwise)
    }

    /// Reports cycles of needs: each cycle once, as a path.
    pub fn circles(&self, needs: &[Vec<Need>], problems: &mut Vec<Diagnostic>) {
        let mut state = vec![State::New; needs.len()];
        let mut found = 0;
        for start in 0..needs.len() {
            // An explicit stack: needs may be ten thousand deep.
            let mut path: Vec<(usize, usize)> = vec![(start, 0)];
            if state[start] != State::New {
                continue;
            }
            state[start] = State::Open;
            while let Some((item, next)) = path.last_mut() {
                let Some((need, span)) = needs[*item].get(*next).copied() else {
                    state[*item] = State::Done;
                    path.pop();
                    continue;
                };
                *next += 1;
                match state.get(need) {
                    Some(State::New) => {
                        state[need] = State::Open;
                        path.push((need, 0));
                    }
                    Some(State::Open) if found == MAX_SHOWN => {}
                    Some(State::Open) => {
                        found += 1;
                        let from = path.iter().position(|(item, _)| *item == need).unwrap_or(0);
                        let mut circle: Vec<&str> = path[from..].iter().map(|(item, _)| self.ids[*item]).collect();
                        circle.push(self.ids[need]);
                        if circle.len() > MAX_SHOWN {
                            circle.splice(MAX_SHOWN / 2..circle.len() - MAX_SHOWN / 2, ["…"]);
                        }
                        let title = format!("`needs` form a cycle: {}", circle.join(" → "));
                        let problem = Diagnostic::error(title).at(span).help("remove one of these `needs`");
                        let nested =
                            path[from..].iter().any(|(item, next)| self.is_nested(needs[*item][*next - 1], *item));
                        let why = nested.then(|| "an item needs those that have it as their `parent`".to_owned());
                        problems.push(problem.maybe_help(why));
                    }
                    Some(State::Done) | None => {}
                }
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    Done,
}

/// Whether a text can be an id. One that can't has been reported.
fn is_id(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/'))
}

/// The id that fits a title.
fn id_of(title: &str) -> String {
    let words = title.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}
