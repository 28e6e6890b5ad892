//! From a checklist to tasks: which items are to be looked at this time, and what each of them waits for.

use std::collections::HashSet;

use crate::checklist::{Checklist, Item, list_of};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::sign_off::SignOffs;

/// What is to be done.
#[derive(Debug)]
pub struct Plan {
    /// The checklist.
    pub checklist: Checklist,
    /// One task for each item, in checklist order.
    pub tasks: Vec<Task>,
    /// Why not everything is run, such as `--only db-head`.
    pub partial: Option<String>,
    /// What has been signed off.
    pub sign_offs: SignOffs,
}

/// One item's part of the plan.
#[derive(Debug)]
pub struct Task {
    /// The positions of its section, and of it in the section.
    at: (usize, usize),
    /// Whether it is to be run this time.
    pub is_selected: bool,
}

/// What the command line selects: ids of items, ids of sections, tags.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Only these, and what they need. Everything if empty.
    pub only: Vec<String>,
    /// Not these.
    pub skip: Vec<String>,
    /// Whether `only` is what was not green in the last run.
    pub is_failed: bool,
}

impl Plan {
    /// The plan for what is selected of a checklist.
    ///
    /// # Errors
    /// When a word of the selection means nothing, or nothing is selected.
    pub fn build(checklist: Checklist, selection: &Selection, sign_offs: SignOffs) -> Result<Self, Diagnostics> {
        let selected = selection.of(&checklist)?;
        let sections = checklist.sections.iter().enumerate();
        let places = sections.flat_map(|(section, own)| (0..own.items.len()).map(move |item| (section, item)));
        let tasks = places.zip(selected).map(|(at, is_selected)| Task { at, is_selected }).collect();
        Ok(Self { checklist, tasks, partial: selection.words(), sign_offs })
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
        let is_meant = |words: &[String], at: usize| {
            let (item, section) = items[at];
            words.iter().any(|word| {
                let word = word.as_str();
                word == &*item.id
                    || Some(word) == list_of(&item.id)
                    || Some(word) == section
                    || item.tags.iter().any(|tag| tag == word)
            })
        };
        let known: HashSet<&str> = items
            .iter()
            .flat_map(|(item, section)| {
                let own = std::iter::once(&*item.id).chain(list_of(&item.id)).chain(section.iter().copied());
                own.chain(item.tags.iter().map(String::as_str))
            })
            .collect();
        let mut problems = Vec::new();
        for (option, words) in [("--only", &self.only), ("--skip", &self.skip)] {
            for word in words.iter().filter(|word| !known.contains(word.as_str())) {
                let problem = Diagnostic::error(format!("`{option} {word}`: no such item, section or tag"));
                let mut names: Vec<&str> = known.iter().copied().collect();
                names.sort_unstable();
                let otherwise = format!("`gate list {}` shows what there is", checklist.name);
                problems.push(problem.suggest(word, names, otherwise));
            }
        }
        if !problems.is_empty() {
            return Err(Diagnostics(problems));
        }
        let mut selected: Vec<bool> =
            (0..items.len()).map(|at| self.only.is_empty() || is_meant(&self.only, at)).collect();
        let mut open: Vec<usize> = (0..items.len()).filter(|at| selected[*at]).collect();
        while let Some(at) = open.pop() {
            for need in &items[at].0.needs {
                if !std::mem::replace(&mut selected[*need], true) {
                    open.push(*need);
                }
            }
        }
        for (at, selected) in selected.iter_mut().enumerate() {
            *selected &= !is_meant(&self.skip, at);
        }
        if selected.contains(&true) {
            return Ok(selected);
        }
        Err(Diagnostic::error(format!("`{}` selects no item", self.words().unwrap_or_default()))
            .help("what checks nothing says nothing")
            .into())
    }

    /// The selection as it was typed; nothing when everything is selected.
    fn words(&self) -> Option<String> {
        let words =
            |option: &str, words: &[String]| (!words.is_empty()).then(|| format!("{option} {}", words.join(",")));
        let only = match self.is_failed {
            true => Some("--failed".to_owned()),
            false => words("--only", &self.only),
        };
        let parts: Vec<String> = [only, words("--skip", &self.skip)].into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    }
}
