//! From a checklist to tasks: which items are run, and what each of them waits for.

mod expression;
mod shard;

use std::collections::{HashMap, HashSet};

use crate::checklist::{Checklist, Item, list_of};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::run::{BlockedBecause, ItemResult, Severity, Shard};
use crate::sign_off::SignOffs;

use expression::Expression;
pub use shard::{of_ci, spread};

/// The tasks of a run.
#[derive(Debug)]
pub struct Plan {
    /// The checklist.
    pub checklist: Checklist,
    /// One task for each item, in checklist order.
    pub tasks: Vec<Task>,
    /// Why not everything is run, such as `--only db-head`.
    pub partial: Option<String>,
    /// The shard that it is.
    pub shard: Option<Shard>,
    /// The sign-offs.
    pub sign_offs: SignOffs,
    /// Results of items that are known already, by id: they are judged, and not run.
    pub known: HashMap<String, KnownResult>,
}

/// The known result of an item that is not run.
#[derive(Debug)]
pub enum KnownResult {
    /// It was observed in another run.
    Observed(Box<ItemResult>),
    /// It was not observed.
    NotRun(BlockedBecause),
}

/// One item of the plan.
#[derive(Debug)]
pub struct Task {
    /// The positions of its section, and of the item in the section.
    at: (usize, usize),
    /// Whether it is run.
    pub is_selected: bool,
}

/// The selection on the command line: ids of items, ids of sections, tags, and expressions of these.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Only these, and what they need. Everything if empty.
    pub only: Vec<String>,
    /// Not these.
    pub skip: Vec<String>,
    /// Only items at least this severe, and what they need.
    pub severity: Option<Severity>,
    /// Whether `only` contains what was not green in the last run.
    pub is_failed: bool,
    /// Of these, the ones of this shard.
    pub shard: Option<Shard>,
}

impl Plan {
    /// The plan for the selected items of a checklist.
    ///
    /// # Errors
    /// When a word of the selection is unknown, or nothing is selected.
    pub fn build(checklist: Checklist, selection: &Selection, sign_offs: SignOffs) -> Result<Self, Diagnostics> {
        let selected = selection.of(&checklist)?;
        let sections = checklist.sections.iter().enumerate();
        let places = sections.flat_map(|(section, own)| (0..own.items.len()).map(move |item| (section, item)));
        let tasks = places.zip(selected).map(|(at, is_selected)| Task { at, is_selected }).collect();
        let (partial, shard) = (selection.words(), selection.shard);
        Ok(Self { checklist, tasks, partial, shard, sign_offs, known: HashMap::new() })
    }

    /// The item of a task.
    pub fn item(&self, task: usize) -> &Item {
        let (section, item) = self.tasks[task].at;
        &self.checklist.sections[section].items[item]
    }
}

impl Selection {
    /// Which items are selected, in checklist order.
    fn of(&self, checklist: &Checklist) -> Result<Vec<bool>, Diagnostics> {
        let items: Vec<(&Item, Option<&str>)> = checklist
            .sections
            .iter()
            .flat_map(|section| section.items.iter().map(|item| (item, section.id.as_deref())))
            .collect();
        let known: HashSet<&str> = items
            .iter()
            .flat_map(|(item, section)| {
                let own = std::iter::once(&*item.id).chain(list_of(&item.id)).chain(section.iter().copied());
                own.chain(item.tags.iter().map(String::as_str))
            })
            .collect();
        let mut problems = Vec::new();
        let mut read = |option: &str, words: &[String]| {
            let mut read = |word: &String| expression(option, word, &known, checklist, &mut problems);
            words.iter().filter_map(&mut read).collect::<Vec<Expression>>()
        };
        let (only, skip) = (read("--only", &self.only), read("--skip", &self.skip));
        if !problems.is_empty() {
            return Err(Diagnostics(problems));
        }
        let is_meant = |expressions: &[Expression], at: usize| {
            let (item, section) = items[at];
            let is = |name: &str| {
                name == &*item.id
                    || Some(name) == list_of(&item.id)
                    || Some(name) == section
                    || item.tags.iter().any(|tag| tag == name)
            };
            expressions.iter().any(|expression| expression.holds(&is))
        };
        let is_severe = |at: usize| match self.severity {
            None => true,
            Some(least) => items[at].0.severity.is_some_and(|severity| severity <= least),
        };
        let mut selected: Vec<bool> =
            (0..items.len()).map(|at| is_severe(at) && (only.is_empty() || is_meant(&only, at))).collect();
        let mut open: Vec<usize> = (0..items.len()).filter(|at| selected[*at]).collect();
        while let Some(at) = open.pop() {
            for need in &items[at].0.needs {
                if !std::mem::replace(&mut selected[*need], true) {
                    open.push(*need);
                }
            }
        }
        for (at, selected) in selected.iter_mut().enumerate() {
            *selected &= !is_meant(&skip, at);
        }
        if let Some(shard) = self.shard {
            let own = spread(checklist, shard.total());
            let is_own = |at: usize| own[at] == Some(shard.number());
            let mut in_shard: Vec<bool> = (0..items.len()).map(|at| selected[at] && is_own(at)).collect();
            // A sign-off that they need is read with them. Whether its items are green is decided when shards are
            // merged.
            let needs = (0..items.len()).filter(|at| is_own(*at)).flat_map(|at| &items[at].0.needs);
            needs.filter(|need| own[**need].is_none()).for_each(|need| in_shard[*need] = selected[*need]);
            // A shard may have no items.
            return Ok(in_shard);
        }
        if selected.contains(&true) {
            return Ok(selected);
        }
        let words = self.words().unwrap_or_default();
        let problem = match words.starts_with("--skip") {
            true => Diagnostic::error(format!("`{words}` skips every item")),
            false => Diagnostic::error(format!("`{words}` selects no item")).help("select at least one item"),
        };
        Err(problem.into())
    }

    /// The selection as it was typed; nothing if everything is selected.
    fn words(&self) -> Option<String> {
        let words =
            |option: &str, words: &[String]| (!words.is_empty()).then(|| format!("{option} {}", words.join(",")));
        let only = match self.is_failed {
            true => Some("--failed".to_owned()),
            false => words("--only", &self.only),
        };
        let severity = self.severity.map(|severity| format!("--severity {severity}"));
        let shard = self.shard.map(|shard| format!("--shard {shard}"));
        let parts: Vec<String> = [only, words("--skip", &self.skip), severity, shard].into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    }
}

/// One word of `--only` or `--skip`: a name, or an expression of names.
fn expression(
    option: &str,
    word: &str,
    known: &HashSet<&str>,
    checklist: &Checklist,
    problems: &mut Vec<Diagnostic>,
) -> Option<Expression> {
    // A name may be one of the words that combine names.
    if known.contains(word) {
        return Some(Expression::Name(word.to_owned()));
    }
    let expression = match Expression::parse(word) {
        Ok(expression) => expression,
        Err(why) => {
            let problem = Diagnostic::error(format!("`{option} {word}`: {why}"));
            problems.push(problem.help("such as `smoke and not slow`, with the names of items, sections and tags"));
            return None;
        }
    };
    for name in expression.names().into_iter().filter(|name| !known.contains(name)) {
        let title = match name == word {
            true => format!("`{option} {word}`: no such item, section or tag"),
            false => format!("`{option} {word}`: no item, section or tag `{name}`"),
        };
        let mut names: Vec<&str> = known.iter().copied().collect();
        names.sort_unstable();
        let otherwise = format!("`gate list {}` shows what there is", checklist.name);
        problems.push(Diagnostic::error(title).suggest(name, names, otherwise));
    }
    Some(expression)
}
