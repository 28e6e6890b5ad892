//! Ids: which there are, what `needs` and gaps mean by them, and whether needs lead in a circle.

use std::collections::HashMap;

use crate::diagnostic::{Diagnostic, MAX_SHOWN, Span};
use crate::yaml::{Node, Spanned};

/// The ids of a checklist, also of items in which something else is wrong.
#[derive(Debug, Default)]
pub struct Names<'a> {
    items: HashMap<&'a str, Named<'a>>,
    sections: HashMap<&'a str, Vec<usize>>,
    /// The id of each item; nothing where it has none.
    ids: Vec<&'a str>,
}

#[derive(Debug)]
struct Named<'a> {
    position: usize,
    node: &'a Node,
    section: Option<&'a str>,
}

/// What an item needs: the position of another item, and where the checklist says so.
pub type Need = (usize, Span);

impl<'a> Names<'a> {
    /// The ids that stand in a checklist. One that stands twice is a problem.
    pub fn read(root: &'a Node, problems: &mut Vec<Diagnostic>) -> Self {
        let mut names = Self::default();
        let mut places: HashMap<&str, Span> = HashMap::new();
        let mut claim = |id: &'a Node, what: &str| {
            let text = id.text()?;
            if let Some(first) = places.insert(text, id.span) {
                let problem = Diagnostic::error(format!("the id `{text}` stands twice")).at(id.span);
                problems.push(problem.label(format!("this {what}")).also(first, "the first"));
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
                    names.items.entry(own).or_insert(Named { position, node: item, section: id });
                }
            }
            if let Some(id) = id {
                names.sections.entry(id).or_insert_with(|| (first..names.ids.len()).collect());
            }
        }
        names
    }

    /// The id of the item at a position.
    pub fn id(&self, position: usize) -> &'a str {
        self.ids[position]
    }

    /// The probes of an item, and the id of the section that it is in.
    pub fn probes(&self, id: &str) -> Option<(&'a Node, Option<&'a str>)> {
        let named = self.items.get(id)?;
        Some((named.node.get("probes").unwrap_or(named.node), named.section))
    }

    /// The items that an item needs, in order and each once.
    pub fn needs(&self, needs: &[Spanned<String>], problems: &mut Vec<Diagnostic>) -> Vec<Need> {
        let mut found: Vec<Need> = Vec::new();
        for need in needs {
            let positions: &[usize] =
                match (self.items.get(need.value.as_str()), self.sections.get(need.value.as_str())) {
                    (Some(named), _) => &[named.position],
                    (None, Some(positions)) => positions,
                    (None, None) => {
                        let names = self.items.keys().chain(self.sections.keys()).copied();
                        problems.push(self.unknown(need, names, problems.len()));
                        continue;
                    }
                };
            found.extend(positions.iter().map(|position| (*position, need.span)));
        }
        found.sort_by_key(|(position, _)| *position);
        found.dedup_by_key(|(position, _)| *position);
        found
    }

    /// Tells which items of a gap there are not.
    pub fn check_gap(&self, items: &[Spanned<String>], problems: &mut Vec<Diagnostic>) {
        for item in items.iter().filter(|item| !self.items.contains_key(item.value.as_str())) {
            let problem = self.unknown(item, self.items.keys().copied(), problems.len());
            problems.push(match self.sections.contains_key(item.value.as_str()) {
                true => problem.help("it is a section; a gap names its items"),
                false => problem,
            });
        }
        let is_sign_off = |item: &&Spanned<String>| {
            self.items.get(item.value.as_str()).is_some_and(|named| named.node.get("sign_off").is_some())
        };
        for item in items.iter().filter(is_sign_off) {
            let problem = Diagnostic::error(format!("a gap cannot cover the sign-off `{}`", item.value)).at(item.span);
            problems.push(problem.help("name the items that it needs"));
        }
    }

    /// After many problems there is no suggestion any more: finding one takes as long as there are names.
    fn unknown<'n>(&self, id: &Spanned<String>, names: impl Iterator<Item = &'n str>, problems: usize) -> Diagnostic {
        let problem = Diagnostic::error(format!("no item is called `{}`", id.value)).at(id.span);
        if problems > 5 * MAX_SHOWN {
            return problem;
        }
        let mut names: Vec<&str> = names.collect();
        names.sort_unstable();
        let otherwise = match names.len() {
            0..=10 => format!("there are `{}`", names.join("`, `")),
            _ => "`gate list` shows what there is".to_owned(),
        };
        problem.suggest(&id.value, names, otherwise)
    }

    /// Tells where needs lead in a circle: each circle once, as a path.
    pub fn circles(&self, needs: &[Vec<Need>], problems: &mut Vec<Diagnostic>) {
        let mut state = vec![State::New; needs.len()];
        let mut found = 0;
        for start in 0..needs.len() {
            // A stack of our own: needs may be ten thousand deep.
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
                        let title = format!("needs lead in a circle: {}", circle.join(" → "));
                        problems.push(Diagnostic::error(title).at(span).help("none of these could ever begin"));
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
