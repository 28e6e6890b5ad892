//! Connects items, sign-offs and gaps by their words: which item waits for which, and what a sign-off covers.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use regex::Regex;

use super::understand::{Imported, State};

/// A variable's or a secret's name.
static CAPITALS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b").expect("it is well formed"));
/// A word in more titles than this does not identify any of them.
const COMMON: usize = 50;
/// Maximum number of sections and items that all sign-offs list together.
const LISTED: usize = 20_000;
/// Number of words at the beginning of a title that count as its name.
const BEGINNING: usize = 4;

/// Finds the connections, and adds them.
pub fn link(imported: &mut Imported) {
    let index = Index::new(imported);
    let mut waits: Vec<(usize, usize)> = Vec::new();
    for (at, item) in imported.items().enumerate() {
        let causes = item.blocked.iter().filter_map(|by| index.named(by, at).or_else(|| index.titled(by, at)));
        waits.extend(causes.map(|cause| (at, cause)));
    }
    for gap in &mut imported.gaps {
        let found = index.named(&gap.gap, usize::MAX).or_else(|| index.like(&gap.gap));
        gap.items.extend(found.filter(|at| !index.is_signed[*at]).map(|at| index.ids[at].clone()));
    }
    sign_offs(imported, &index);
    let mut waits = without_cycles(imported, &index, waits).into_iter().peekable();
    for (at, item) in imported.items_mut().enumerate() {
        while let Some((_, cause)) = waits.next_if(|(item, _)| *item == at) {
            item.needs.push(index.ids[cause].clone());
        }
        let mut seen = HashSet::new();
        item.needs.retain(|need| seen.insert(need.clone()));
    }
}

/// The items by their words. Positions count over all sections.
struct Index {
    ids: Vec<String>,
    /// Whether a person judges it.
    is_signed: Vec<bool>,
    /// The first two items that name a variable: one of them may be the calling one.
    variables: HashMap<String, Vec<usize>>,
    /// The first two items whose titles begin with these words.
    beginnings: HashMap<String, Vec<usize>>,
    words: HashMap<String, Vec<usize>>,
}

impl Index {
    fn new(imported: &Imported) -> Self {
        let mut index = Self {
            ids: Vec::new(),
            is_signed: Vec::new(),
            variables: HashMap::new(),
            beginnings: HashMap::new(),
            words: HashMap::new(),
        };
        for (at, item) in imported.items().enumerate() {
            index.ids.push(item.id.clone());
            index.is_signed.push(item.is_signed());
            for name in CAPITALS.find_iter(&item.title) {
                push(&mut index.variables, name.as_str().to_owned(), at, 2);
            }
            let mut beginning = String::new();
            for word in split(&item.title).take(BEGINNING) {
                beginning = format!("{beginning} {word}");
                push(&mut index.beginnings, beginning.clone(), at, 2);
            }
            for word in words(&item.title) {
                push(&mut index.words, word, at, COMMON + 1);
            }
        }
        index
    }

    /// The first item that names a variable of this text, other than this one.
    fn named(&self, text: &str, but: usize) -> Option<usize> {
        let found = CAPITALS.find_iter(text).filter_map(|name| self.variables.get(name.as_str()));
        found.flatten().copied().filter(|at| *at != but).min()
    }

    /// The first item whose title begins with this text, other than this one.
    fn titled(&self, text: &str, but: usize) -> Option<usize> {
        let key: String = split(text).take(BEGINNING).map(|word| format!(" {word}")).collect();
        self.beginnings.get(&key)?.iter().copied().find(|at| *at != but)
    }

    /// The item whose title shares most words with this text, two at least.
    fn like(&self, text: &str) -> Option<usize> {
        let mut shared: HashMap<usize, usize> = HashMap::new();
        let postings = words(text).into_iter().filter_map(|word| self.words.get(&word));
        for at in postings.filter(|items| items.len() <= COMMON).flatten() {
            *shared.entry(*at).or_default() += 1;
        }
        let best = shared.into_iter().filter(|(_, count)| *count > 1);
        best.max_by_key(|(at, count)| (*count, usize::MAX - at)).map(|(at, _)| at)
    }
}

/// A sign-off covers the sections and items that its text names; else all sections before it.
fn sign_offs(imported: &mut Imported, index: &Index) {
    let mut sections: HashMap<String, String> = HashMap::new();
    let mut heads: HashMap<String, Vec<String>> = HashMap::new();
    let mut longest = 0;
    for section in imported.sections.iter().filter(|section| !section.is_signing && !section.items.is_empty()) {
        let words: Vec<String> = split(&section.title).collect();
        longest = longest.max(words.len().min(12));
        sections.entry(words.join(" ")).or_insert_with(|| section.id.clone());
        if let Some((_, own)) = section.title.rsplit_once(" / ") {
            sections.entry(split(own).collect::<Vec<_>>().join(" ")).or_insert_with(|| section.id.clone());
        }
        for item in &section.items {
            if let Some((head, _)) = item.title.split_once(':') {
                let named = heads.entry(head.trim().to_lowercase()).or_default();
                if named.len() < COMMON {
                    named.push(item.id.clone());
                }
            }
        }
    }
    let mut before: Vec<String> = Vec::new();
    let mut left = LISTED;
    let signed: HashSet<&str> =
        index.ids.iter().zip(&index.is_signed).filter(|(_, signed)| **signed).map(|(id, _)| id.as_str()).collect();
    for section in &mut imported.sections {
        for item in section.items.iter_mut().filter(|item| matches!(item.state, State::SignOff(_))) {
            let title: Vec<String> = split(&item.title).collect();
            let mut found: Vec<String> = Vec::new();
            for from in 0..title.len() {
                let named = (1..=longest.min(title.len() - from)).rev();
                found.extend(
                    named.filter_map(|count| sections.get(&title[from..from + count].join(" "))).take(1).cloned(),
                );
            }
            if let Some((_, list)) = item.title.split_once('(') {
                let words = list.split([',', ')', ' ', '/', '&']).map(|word| word.trim().to_lowercase());
                let named = words.filter_map(|word| heads.get(&word)).flatten();
                found.extend(named.filter(|id| !signed.contains(id.as_str())).cloned());
            }
            let is_named = !found.is_empty() || !item.needs.is_empty();
            let count = if is_named { found.len() } else { before.len() };
            if !is_named && count <= left {
                found.clone_from(&before);
            }
            if count <= left {
                left -= count;
                item.needs.extend(found);
            } else {
                item.remarks.push("too many to list: name in `needs` what it covers".to_owned());
            }
        }
        if !section.is_signing && !section.items.is_empty() {
            before.push(section.id.clone());
        }
    }
}

/// The dependencies, without those that would form a cycle.
fn without_cycles(imported: &Imported, index: &Index, waits: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
    let items = index.ids.len();
    let mut nodes: HashMap<&str, usize> = index.ids.iter().enumerate().map(|(at, id)| (id.as_str(), at)).collect();
    nodes.extend(imported.sections.iter().enumerate().map(|(at, section)| (section.id.as_str(), items + at)));
    let count = items + imported.sections.len();
    let mut needed_by: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut open = vec![0_usize; count];
    let mut edge = |from: usize, to: usize| {
        needed_by[to].push(from);
        open[from] += 1;
    };
    let mut at = 0;
    for (number, section) in imported.sections.iter().enumerate() {
        for item in &section.items {
            edge(items + number, at);
            item.needs.iter().filter_map(|need| nodes.get(need.as_str())).for_each(|need| edge(at, *need));
            at += 1;
        }
    }
    waits.iter().for_each(|(item, cause)| edge(*item, *cause));
    // A node without open needs is done, which reduces the needs of others. Nodes that are never done are in a cycle.
    let mut done: Vec<usize> = (0..count).filter(|node| open[*node] == 0).collect();
    while let Some(node) = done.pop() {
        for other in &needed_by[node] {
            open[*other] -= 1;
            if open[*other] == 0 {
                done.push(*other);
            }
        }
    }
    waits.into_iter().filter(|(item, _)| open[*item] == 0).collect()
}

fn push(map: &mut HashMap<String, Vec<usize>>, key: String, at: usize, most: usize) {
    let items = map.entry(key).or_default();
    if items.len() < most && items.last() != Some(&at) {
        items.push(at);
    }
}

fn split(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// The words of a text that distinguish it from others.
fn words(text: &str) -> HashSet<String> {
    let common = ["and", "the", "not", "for", "run", "in", "is", "to"];
    split(text).filter(|word| word.len() > 1 && !common.contains(&&**word)).collect()
}
