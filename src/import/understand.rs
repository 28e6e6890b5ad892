//! What the parts of a markdown checklist mean: which item blocks which, who signs, which gaps are known.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;

use super::markdown::{Document, Section as Source, Task};
use super::probe::{self, Proposal};
use super::tag::{Tag, Tagged, tagged};

/// The checklist that the markdown describes.
#[derive(Debug)]
pub struct Imported {
    /// The file that it comes from.
    pub file: String,
    pub title: String,
    pub sections: Vec<Section>,
    pub gaps: Vec<Gap>,
}

/// A part of it.
#[derive(Debug)]
pub struct Section {
    pub id: String,
    pub title: String,
    pub note: Option<String>,
    pub text: String,
    pub items: Vec<Item>,
}

/// One line that a person would tick.
#[derive(Debug)]
pub struct Item {
    pub id: String,
    pub title: String,
    pub needs: Vec<String>,
    /// Lines that stand before it as remarks.
    pub remarks: Vec<String>,
    pub state: State,
    /// What could be observed of it.
    pub proposal: Option<Proposal>,
}

/// How it is judged for now.
#[derive(Debug)]
pub enum State {
    /// By the proposed probes.
    Probes,
    /// Nobody can look yet: why.
    Pending(String),
    /// It is not required: why.
    Deferred(String),
    /// By a person in this role.
    SignOff(String),
}

/// A row of the table of known gaps.
#[derive(Debug, Default)]
pub struct Gap {
    pub gap: String,
    pub items: Vec<String>,
    pub priority: Option<String>,
    pub owner: Option<String>,
    pub notes: Option<String>,
}

/// A variable's or a secret's name.
static CAPITALS: LazyLock<Regex> = LazyLock::new(|| regex(r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b"));
/// Who does what: `QA lead confirms …`.
static ROLE: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?i)^(.{2,40}?)\s+(?:confirms?|approves?|accepts?|signs?(?: off)?|reviews?|verifies)\b"));
static SIGN_OFF: LazyLock<Regex> = LazyLock::new(|| regex(r"(?i)\bsign[- ]?offs?\b"));
static GAPS: LazyLock<Regex> = LazyLock::new(|| regex(r"(?i)\bgaps?\b"));
/// A heading with something in brackets behind it.
static NOTE: LazyLock<Regex> = LazyLock::new(|| regex(r"^(.*\S)\s*\(([^()]+)\)$"));

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("it is well formed")
}

/// Says what the parts mean.
pub fn understand(document: Document, file: &str, name: &str) -> Imported {
    let title = document.title.unwrap_or_else(|| name.to_owned());
    let mut ids = Ids::default();
    let (mut sections, mut gaps, mut blocked) = (Vec::new(), Vec::new(), Vec::new());
    for source in document.sections {
        let is_gaps = source.tasks.is_empty() && GAPS.is_match(&source.title) && !source.tables.is_empty();
        if is_gaps {
            gaps.extend(source.tables.iter().flat_map(|table| rows(table)));
            continue;
        }
        sections.push(section(source, &title, file, &mut ids, &mut blocked));
    }
    let mut imported = Imported { file: file.to_owned(), title, sections, gaps };
    imported.link(&blocked);
    imported
}

fn section(source: Source, title: &str, file: &str, ids: &mut Ids, blocked: &mut Vec<(String, String)>) -> Section {
    let heading = if source.title.is_empty() { title.to_owned() } else { source.title.clone() };
    let is_signing = SIGN_OFF.is_match(&heading) && !heading.to_ascii_lowercase().contains("before");
    let (heading, note) = match NOTE.captures(&heading) {
        Some(found) if !source.tasks.is_empty() => (found[1].to_owned(), Some(found[2].to_owned())),
        Some(_) | None => (heading, None),
    };
    let id = ids.unique(&slug(&heading, "section"));
    let mut items: Vec<Item> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    for task in &source.tasks {
        let item = item(task, file, is_signing, ids, blocked);
        // One that holds others is done when they are.
        open.truncate(task.depth);
        if let Some(parent) = open.last() {
            items[*parent].needs.push(item.id.clone());
        }
        open.push(items.len());
        items.push(item);
    }
    let tables = source.tables.iter().map(|table| as_text(table));
    let text: Vec<String> =
        std::iter::once(source.text.clone()).chain(tables).filter(|part| !part.is_empty()).collect();
    Section { id, title: heading, note, text: text.join("\n\n"), items }
}

fn item(task: &Task, file: &str, is_signing: bool, ids: &mut Ids, blocked: &mut Vec<(String, String)>) -> Item {
    let Tagged { title, tags, claim } = tagged(&task.text);
    let id = ids.unique(&slug(&title, "item"));
    let mut remarks = vec![format!("{file}:{}", task.line)];
    let mut state = None;
    for tag in tags {
        match tag {
            Tag::Blocked(by) => {
                blocked.push((id.clone(), by.clone()));
                remarks.push(format!("blocked: {by}"));
                state = state.or(Some(State::Pending(format!("BLOCKED: {by}"))));
            }
            Tag::Deferred(why) => state = Some(State::Deferred(why)),
            Tag::Open(why) => {
                remarks.push(why.clone());
                // What is missing is seen to be missing; for all else a probe that is green would not be enough.
                let is_seen = why.starts_with("MISSING") && probe::proposal(&title).is_some_and(|found| found.is_sure);
                state = state.or((!is_seen).then_some(State::Pending(why)));
            }
        }
    }
    if is_signing {
        let role = ROLE.captures(&title).map_or_else(|| title.clone(), |found| found[1].to_owned());
        return Item { id, title, needs: Vec::new(), remarks, state: State::SignOff(role), proposal: None };
    }
    let proposal = probe::proposal(&title);
    if task.ticked {
        let how = claim.filter(|claim| !claim.is_empty()).map(|claim| format!(": {claim}")).unwrap_or_default();
        remarks.push(format!("ticked there, which is a claim that nobody has verified{how}"));
        state = state.or_else(|| {
            let is_sure = proposal.as_ref().is_some_and(|proposal| proposal.is_sure);
            (!is_sure).then(|| State::Pending(format!("claimed, not verified{how}")))
        });
    }
    let state = state.unwrap_or_else(|| match &proposal {
        Some(proposal) if proposal.is_sure => State::Probes,
        Some(_) | None => State::Pending("not looked at yet".to_owned()),
    });
    Item { id, title, needs: Vec::new(), remarks, state, proposal }
}

impl Imported {
    /// Finds what items, sign-offs and gaps mean by their words.
    fn link(&mut self, blocked: &[(String, String)]) {
        for (id, by) in blocked {
            let words: Vec<String> = CAPITALS.find_iter(by).map(|word| word.as_str().to_owned()).collect();
            let cause = self.about(&words, id).or_else(|| self.titled(by, id));
            if let (Some(cause), Some(item)) = (cause, self.items_mut().find(|item| item.id == *id)) {
                item.needs.push(cause);
            }
        }
        self.link_sign_offs();
        for at in 0..self.gaps.len() {
            let words: Vec<String> =
                CAPITALS.find_iter(&self.gaps[at].gap).map(|word| word.as_str().to_owned()).collect();
            let found = self.about(&words, "").or_else(|| self.like(&self.gaps[at].gap));
            self.gaps[at].items.extend(found);
        }
    }

    /// A sign-off needs the sections, or the items, that its text names.
    fn link_sign_offs(&mut self) {
        let named: Vec<(String, String)> = self
            .sections
            .iter()
            .filter(|section| section.items.iter().any(|item| !matches!(item.state, State::SignOff(_))))
            .map(|section| (section.title.to_lowercase(), section.id.clone()))
            .collect();
        let heads: Vec<(String, String)> = self
            .items()
            .filter(|item| !matches!(item.state, State::SignOff(_)))
            .filter_map(|item| Some((item.title.split_once(':')?.0.to_lowercase(), item.id.clone())))
            .collect();
        let mut before: Vec<String> = Vec::new();
        for section in &mut self.sections {
            for item in section.items.iter_mut().filter(|item| matches!(item.state, State::SignOff(_))) {
                let title = item.title.to_lowercase();
                item.needs.extend(named.iter().filter(|(name, _)| title.contains(name)).map(|(_, id)| id.clone()));
                if let Some((_, list)) = title.split_once('(') {
                    let words: HashSet<&str> = list.split([',', ')', ' ']).map(str::trim).collect();
                    let listed = heads.iter().filter(|(head, _)| words.contains(&**head));
                    item.needs.extend(listed.map(|(_, id)| id.clone()));
                }
                if item.needs.is_empty() {
                    item.needs.clone_from(&before);
                }
            }
            if section.items.iter().any(|item| !matches!(item.state, State::SignOff(_))) {
                before.push(section.id.clone());
            }
        }
    }

    /// The first item that speaks of one of these names, but for this one.
    fn about(&self, words: &[String], but: &str) -> Option<String> {
        let speaks = |item: &&Item| words.iter().any(|word| item.title.contains(word.as_str()));
        self.items().filter(|item| item.id != but).find(speaks).map(|item| item.id.clone())
    }

    /// The item whose title shares most words with this text, two at least.
    fn like(&self, text: &str) -> Option<String> {
        let wanted = words(text);
        let alike = |item: &&Item| words(&item.title).intersection(&wanted).count();
        let best = self.items().rev().filter(|item| alike(item) > 1).max_by_key(alike)?;
        Some(best.id.clone())
    }

    /// The item whose title begins with these words.
    fn titled(&self, words: &str, but: &str) -> Option<String> {
        let words = words.to_lowercase();
        let begins = |item: &&Item| !words.is_empty() && item.title.to_lowercase().starts_with(&words);
        self.items().filter(|item| item.id != but).find(begins).map(|item| item.id.clone())
    }

    fn items(&self) -> impl DoubleEndedIterator<Item = &Item> {
        self.sections.iter().flat_map(|section| &section.items)
    }

    fn items_mut(&mut self) -> impl Iterator<Item = &mut Item> {
        self.sections.iter_mut().flat_map(|section| &mut section.items)
    }
}

/// The words of a text that tell it from others.
fn words(text: &str) -> HashSet<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
    words
        .filter(|word| word.len() > 1 && !["and", "the", "not", "for", "run", "in", "is", "to"].contains(&&**word))
        .collect()
}

/// The gaps of a table whose head says what its columns are.
fn rows(table: &[Vec<String>]) -> Vec<Gap> {
    let Some((head, rows)) = table.split_first() else { return Vec::new() };
    let column =
        |names: &[&str]| head.iter().position(|cell| names.iter().any(|name| cell.to_lowercase().contains(name)));
    let (gap, priority, owner, notes) =
        (column(&["gap", "what"]).unwrap_or(0), column(&["prio"]), column(&["owner", "who"]), column(&["note"]));
    let cell =
        |row: &[String], at: Option<usize>| at.and_then(|at| row.get(at)).filter(|cell| !cell.is_empty()).cloned();
    let gaps = rows.iter().filter_map(|row| {
        Some(Gap {
            gap: cell(row, Some(gap))?,
            items: Vec::new(),
            priority: cell(row, priority),
            owner: cell(row, owner),
            notes: cell(row, notes),
        })
    });
    gaps.collect()
}

/// A table that is no list of gaps, as markdown again.
fn as_text(table: &[Vec<String>]) -> String {
    let line = |row: &Vec<String>| format!("| {} |", row.join(" | "));
    let mut lines: Vec<String> = table.iter().map(line).collect();
    if let Some(head) = table.first() {
        lines.insert(1, format!("|{}", "---|".repeat(head.len())));
    }
    lines.join("\n")
}

/// Names that are given once each.
#[derive(Debug, Default)]
struct Ids(HashSet<String>);

impl Ids {
    fn unique(&mut self, wanted: &str) -> String {
        let mut id = wanted.to_owned();
        let mut number = 2;
        while !self.0.insert(id.clone()) {
            id = format!("{wanted}-{number}");
            number += 1;
        }
        id
    }
}

/// A few words of a text as a name: letters, digits and `-`.
fn slug(text: &str, otherwise: &str) -> String {
    let head = match text.split_once(':') {
        Some((head, _)) if head.chars().filter(|c| c.is_alphanumeric()).count() > 1 => head,
        Some(_) | None => text,
    };
    let words = head.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let slug = words.take(4).collect::<Vec<_>>().join("-").to_ascii_lowercase();
    let slug: String = slug.chars().take(40).collect();
    if slug.is_empty() { otherwise.to_owned() } else { slug }
}
