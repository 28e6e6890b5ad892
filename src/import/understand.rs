//! The meaning of the parts of a Markdown checklist: items, signers, known gaps.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::text::is_hidden;

use super::gap::Gap;
use super::ids::Ids;
use super::markdown::{Document, Part, Section as Source};
use super::person;
use super::probe;
use super::sure;
use super::table;
use super::tag::{self, Tag, Tagged, tagged};
use super::task::Task;

/// The checklist that the markdown describes.
#[derive(Debug)]
pub struct Imported {
    /// The file that it comes from.
    pub file: String,
    pub title: String,
    /// Remarks at the beginning.
    pub remarks: Vec<String>,
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
    pub remarks: Vec<String>,
    /// Whether its items are sign-offs.
    pub is_signing: bool,
    pub items: Vec<Item>,
}

/// One line that a person would tick.
#[derive(Debug)]
pub struct Item {
    pub id: String,
    pub title: String,
    pub owner: Option<String>,
    /// The id of the item that contains it.
    pub parent: Option<String>,
    pub needs: Vec<String>,
    /// The reason why it is pending, in the words of the list.
    pub blocked: Vec<String>,
    /// Remarks before it.
    pub remarks: Vec<String>,
    pub state: State,
    /// A proposal for its probes.
    pub proposal: Option<Vec<Value>>,
}

/// How it is judged for now.
#[derive(Debug)]
pub enum State {
    /// By the proposed probes.
    Probes,
    /// It can't be checked yet: why.
    Pending(String),
    /// It is not required: why.
    Deferred(String),
    /// By a person in this role.
    SignOff(String),
    /// By a person in this role who does these steps.
    Manual(String, String),
}

static SIGN_OFF: LazyLock<Regex> = LazyLock::new(|| regex(r"(?i)\bsign[- ]?offs?\b"));
static GAPS: LazyLock<Regex> = LazyLock::new(|| regex(r"(?i)\bgaps?\b"));
/// A heading that ends with something in brackets.
static NOTE: LazyLock<Regex> = LazyLock::new(|| regex(r"^(.*\S)\s*\(([^()]+)\)$"));

/// Why an item is pending that was ticked in the list.
const CLAIMED: &str = "claimed, not verified";

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("it is well formed")
}

/// Determines the meaning of the parts.
pub fn understand(document: Document, file: &str, name: &str) -> Imported {
    let title = document.title.filter(|title| !title.is_empty()).unwrap_or_else(|| name.to_owned());
    let mut ids = Ids::default();
    let (mut sections, mut gaps) = (Vec::new(), Vec::new());
    for mut source in document.sections {
        if GAPS.is_match(&source.title) {
            gaps.extend(known_gaps(&mut source, file));
        }
        if !source.tasks.is_empty() || !source.parts.is_empty() {
            sections.push(section(source, &title, file, &mut ids));
        }
    }
    let mut imported = Imported { file: file.to_owned(), title, remarks: document.remarks, sections, gaps };
    imported.require_something();
    imported
}

/// The gaps of a section, which are removed from it.
fn known_gaps(source: &mut Source, file: &str) -> Vec<Gap> {
    let mut gaps = Vec::new();
    if source.tasks.iter().any(|task| task.is_ticked.is_some()) {
        return gaps; // boxes are items, whatever their heading
    }
    for part in std::mem::take(&mut source.parts) {
        match &part.rows {
            Some(rows) => {
                let columns = rows.first().map(|head| format!("columns: {}", head.join(", ")));
                let rows = table::gaps(rows).into_iter().enumerate();
                gaps.extend(rows.map(|(at, gap)| Gap { remark: columns.clone().filter(|_| at == 0), ..gap }));
            }
            None => source.parts.push(part),
        }
    }
    for task in std::mem::take(&mut source.tasks).into_iter().filter(|task| !task.text.is_empty()) {
        gaps.push(Gap {
            gap: format!("{}{}", task.label, task.text),
            notes: Some(task.notes.join("\n")).filter(|notes| !notes.is_empty()),
            remark: Some(format!("{file}:{}", task.line)),
            ..Gap::default()
        });
    }
    if let Some(first) = gaps.first_mut() {
        let headings = source.parents.iter().chain([&source.title]).map(String::as_str);
        let remarks = std::mem::take(&mut source.remarks);
        let said = headings.chain(remarks.iter().map(String::as_str)).chain(first.remark.as_deref());
        first.remark = Some(said.collect::<Vec<_>>().join("; "));
    }
    gaps
}

/// The context of an item that may change its meaning.
struct Around<'a> {
    file: &'a str,
    /// The section's id.
    section: &'a str,
    is_signing: bool,
    /// Whether words around all items of the section make their meaning unclear.
    is_doubtful: bool,
}

fn section(source: Source, title: &str, file: &str, ids: &mut Ids) -> Section {
    let heading = if source.title.is_empty() { title.to_owned() } else { source.title };
    let is_signing = SIGN_OFF.is_match(&heading) && !heading.to_ascii_lowercase().contains("before");
    let (own, note) = match NOTE.captures(&heading) {
        Some(found) if !source.tasks.is_empty() => (found[1].to_owned(), Some(found[2].to_owned())),
        Some(_) | None => (heading.clone(), None),
    };
    let id = ids.give(&own, None);
    let mut path = source.parents;
    let is_doubtful = path.iter().chain([&heading]).any(|words| sure::is_doubtful(words))
        || source.parts.iter().any(|part| sure::is_negated(&part.text));
    path.push(own);
    let around = Around { file, section: &id, is_signing, is_doubtful };
    let mut items: Vec<Item> = Vec::with_capacity(source.tasks.len());
    let mut doubtful: Vec<bool> = Vec::with_capacity(source.tasks.len());
    for task in source.tasks {
        let parent = task.parent;
        let is_below_doubt = parent.is_some_and(|parent| doubtful[parent]);
        doubtful.push(is_below_doubt || sure::is_doubtful(&task.text));
        let mut item = item(task, &around, is_below_doubt, ids);
        // An item with nested ones is done when they are.
        if let Some(parent) = parent {
            items[parent].needs.push(item.id.clone());
            item.parent = Some(items[parent].id.clone());
        }
        items.push(item);
    }
    // The text of a section comes before its items: text between them is repeated where it was.
    let between = source.parts.iter().filter(|part| part.text.contains(char::is_alphanumeric));
    for part in between.filter(|part| part.after > 0) {
        if let Some(item) = items.get_mut(part.after) {
            let line = part.text.lines().find(|line| line.contains(char::is_alphanumeric)).unwrap_or_default();
            item.remarks.push(format!("after this line of the text: {}", line.trim()));
        }
    }
    let text = joined(&source.parts);
    Section { id, title: path.join(" / "), note, text, remarks: source.remarks, is_signing, items }
}

/// Blocks one after another. Indented code after a list would belong to it: a comment separates them.
fn joined(parts: &[Part]) -> String {
    let mut text = String::new();
    for part in parts.iter().map(|part| part.text.as_str()) {
        if !text.is_empty() {
            text.push_str(if part.starts_with("    ") { "\n\n<!-- -->\n\n" } else { "\n\n" });
        }
        text.push_str(part);
    }
    text
}

fn item(task: Task, around: &Around, is_below_doubt: bool, ids: &mut Ids) -> Item {
    let Tagged { title, tags, claims, owner } = tagged(&task.text);
    let id = ids.give(&title, Some(around.section));
    let title = format!("{}{title}", task.label);
    let mut remarks = vec![format!("{}:{}", around.file, task.line)];
    let mut owner = owner.or(task.owner);
    let mut notes = Vec::new();
    for note in task.notes {
        match tag::owner(&note).filter(|_| owner.is_none()) {
            Some(own) => owner = Some(own),
            None => notes.push(note),
        }
    }
    remarks.extend(task.asides.iter().cloned());
    remarks.extend(task.sign.iter().map(|sign| format!("marked {sign} in the list")));
    let title = if title.is_empty() { "…".to_owned() } else { title };
    let is_certain = !around.is_doubtful
        && !is_below_doubt
        && notes.is_empty()
        && task.asides.is_empty()
        && !claims.iter().any(|claim| sure::is_negated(claim));
    // Invisible text is not used in a probe.
    let is_visible = !title.chars().any(is_hidden);
    let sure = sure::probes(&title).filter(|_| is_certain && is_visible && !around.is_signing);
    let is_sure = sure.is_some();
    let proposal = sure.or_else(|| {
        let is_open = is_visible && !around.is_signing && !sure::is_negated(&title) && !sure::is_assignment(&title);
        probe::proposal(&title).filter(|_| is_open)
    });
    let mut item = Item {
        id,
        title,
        owner,
        parent: None,
        needs: Vec::new(),
        blocked: Vec::new(),
        remarks,
        state: State::Probes,
        proposal,
    };
    let mut deferred = None;
    let mut open = None;
    for (tag, words) in &tags {
        match tag {
            Tag::Deferred(why) => deferred = deferred.or(Some(why.clone())),
            Tag::Blocked(by) => {
                item.blocked.push(by.clone());
                open = open.or(Some(words.clone()));
            }
            // For a missing thing, a probe that fails is enough; for everything else, one that passes would not be.
            Tag::Open(why) if why.starts_with("MISSING") && is_sure => {}
            Tag::Open(why) => open = open.or(Some(why.clone())),
        }
    }
    let steps = || if notes.is_empty() { item.title.clone() } else { notes.join("\n\n") };
    item.state = if let Some(why) = deferred {
        State::Deferred(why)
    } else if around.is_signing {
        State::SignOff(role(&item))
    } else if item.proposal.is_none() && person::is_manual(&item.title) {
        State::Manual(role(&item), steps())
    } else if let Some(why) = open {
        State::Pending(why)
    } else if is_sure {
        State::Probes
    } else if task.is_ticked == Some(true) {
        let how = claims.first().and_then(|claim| claim.split_once([' ', ':'])).map(|(_, how)| how.trim());
        let how = how.filter(|how| !how.is_empty()).map(|how| format!(": {how}")).unwrap_or_default();
        State::Pending(format!("{CLAIMED}{how}"))
    } else {
        State::Pending("not checked yet".to_owned())
    };
    // Annotations that the state does not contain.
    let shown = match &item.state {
        State::Pending(why) | State::Deferred(why) => why.clone(),
        State::Probes | State::SignOff(_) | State::Manual(..) => String::new(),
    };
    let beside = tags.into_iter().map(|(_, words)| words);
    item.remarks.extend(beside.filter(|words| !shown.contains(words)).map(|words| format!("[{words}]")));
    let is_claim = shown.starts_with(CLAIMED);
    if task.is_ticked == Some(true) && !is_claim {
        item.remarks.push("ticked in the list".to_owned());
    }
    let is_shown = |claim: &String| is_claim && claim.strip_prefix("verified").is_some_and(|how| shown.contains(how));
    item.remarks.extend(claims.iter().filter(|claim| !is_shown(claim)).map(|claim| format!("claimed: {claim}")));
    if matches!(&item.state, State::SignOff(role) | State::Manual(role, _) if role == person::NOBODY) {
        item.remarks.push("the list names nobody: set who confirms it".to_owned());
    }
    // The steps of a manual item contain its notes.
    if !matches!(item.state, State::Manual(..)) {
        for note in notes {
            item.remarks.extend(note.lines().map(|line| format!("| {line}")));
        }
    }
    item
}

/// Who confirms an item.
fn role(item: &Item) -> String {
    let named = person::role(&item.title).map(str::to_owned);
    named.or_else(|| item.owner.clone()).unwrap_or_else(|| person::NOBODY.to_owned())
}

impl Item {
    /// Whether a person judges it.
    pub fn is_signed(&self) -> bool {
        matches!(self.state, State::SignOff(_) | State::Manual(..))
    }
}

impl Imported {
    /// Every item, in order.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.sections.iter().flat_map(|section| &section.items)
    }

    /// Every item, in order.
    pub fn items_mut(&mut self) -> impl Iterator<Item = &mut Item> {
        self.sections.iter_mut().flat_map(|section| &mut section.items)
    }

    /// A checklist in which nothing is required would always be ready: then nothing is deferred.
    fn require_something(&mut self) {
        if self.items().all(|item| matches!(item.state, State::Deferred(_))) {
            for item in self.items_mut() {
                if let State::Deferred(why) = &item.state {
                    item.state = State::Pending(why.clone());
                }
            }
        }
    }
}
