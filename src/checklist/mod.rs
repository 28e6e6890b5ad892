//! What is asked: a checklist, read, filled and checked as far as that can be done without looking.

mod check;
mod definition;
mod describe;
#[expect(dead_code, reason = "some fields are there for the schema, and read from the tree one by one")]
mod file;
mod find;
mod known;
mod load;
mod name;
mod names;
mod probe;
mod references;
mod schema;
mod scope;
mod secret;
mod stock;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::diagnostic::{Sources, Span};
use crate::expect::Expectation;
use crate::probe::{Kind, Observe};
use crate::run::Gap;
use crate::yaml::Node;

pub use describe::{Described, DescribedInput, check_names, describe, own_check_names};
pub use file::{FileChanges as Changes, FileSignOff as SignOff};
pub use find::{Found, SIGNOFFS, all, find, shown};
pub use known::Known;
pub use load::{Loaded, Overrides, load};
pub use probe::default_pace;
pub use references::head;
pub use schema::{check_schema, schema};
pub use secret::{From, Secret};
pub use stock::STOCK;

/// A checklist in which everything is known that can be before the run.
#[derive(Debug)]
pub struct Checklist {
    /// Its name: `staging` for `checklists/staging.yaml`.
    pub name: String,
    /// Its heading.
    pub title: String,
    /// The file as messages name it.
    pub file: String,
    /// SHA-256 of the file, in hexadecimal.
    pub digest: String,
    /// What is being signed off.
    pub subject: Option<String>,
    /// The file that `--markdown` writes when it is given no path.
    pub markdown: Option<PathBuf>,
    /// The file of keys that may sign.
    pub allowed_signers: Option<PathBuf>,
    /// Where its relative paths start.
    pub root: PathBuf,
    /// What it keeps secret, in the order of the file.
    pub secrets: Vec<Secret>,
    /// Its parts, in order.
    pub sections: Vec<Section>,
    /// What is known to be missing.
    pub gaps: Vec<Gap>,
    /// Every text that it was read from.
    pub sources: Arc<Sources>,
}

/// A part of the checklist.
#[derive(Debug)]
pub struct Section {
    /// The name by which all of its items are meant.
    pub id: Option<String>,
    /// Its heading.
    pub title: String,
    /// What stands in brackets behind the heading.
    pub note: Option<String>,
    /// Markdown that is copied as it stands.
    pub text: Option<String>,
    /// The commits that it lists.
    pub changes: Option<Changes>,
    /// Its items, in order.
    pub items: Vec<Item>,
}

/// One line that a person would tick.
#[derive(Debug)]
pub struct Item {
    /// Its name.
    pub id: Arc<str>,
    /// Where the checklist states it.
    pub span: Span,
    /// What a person would tick.
    pub title: Arc<str>,
    /// Who looks after it.
    pub owner: Option<String>,
    /// Words that select it.
    pub tags: Vec<String>,
    /// The positions, over all sections, of the items that must be green. Without repetition, in order.
    pub needs: Vec<usize>,
    /// It never runs beside another item with one of these.
    pub locks: Vec<String>,
    /// It runs beside nothing else.
    pub exclusive: bool,
    /// It never gates.
    pub advisory: bool,
    /// Why it is not required at this stage.
    pub deferred: Option<String>,
    /// Why nobody can look at it yet.
    pub pending: Option<String>,
    /// How long it may be believed that it passed.
    pub valid_for: Option<crate::yaml::Duration>,
    /// Who has to vouch for it.
    pub sign_off: Option<SignOff>,
    /// SHA-256 of what the checklist says of it, with the variables and checks that it uses, in hexadecimal. What the
    /// environment holds is not in it.
    pub definition: String,
    /// How to look at it, in order.
    pub probes: Vec<ProbeSpec>,
    /// What its evidence is made of, where the checklist says so.
    pub evidence: Option<Node>,
    /// What to do when it is red.
    pub hint: Option<String>,
}

/// One probe of an item.
pub struct ProbeSpec {
    /// Its kind.
    pub kind: &'static Kind,
    /// What is known of that kind.
    pub known: Arc<Known>,
    /// Where its kind is named.
    pub span: Span,
    /// The name by which others refer to what it saw.
    pub alias: Option<String>,
    /// The check that it comes from.
    pub used: Option<Used>,
    /// How long it may take, and how often it looks.
    pub pace: Pace,
    /// What to ask, and how.
    pub settings: Settings,
    /// What the observation must be.
    pub expect: Expect,
}

/// The use of a check.
#[derive(Debug, Clone)]
pub struct Used {
    /// The check's name.
    pub check: Arc<str>,
    /// Where the checklist uses it.
    pub span: Span,
}

/// The settings of a probe.
pub struct Settings {
    /// As they stand, filled as far as they can be.
    pub node: Node,
    /// The probe, where nothing is left to fill.
    pub ready: Option<Box<dyn Observe>>,
}

/// The expectations of a probe.
#[derive(Debug)]
pub enum Expect {
    /// The kind's own.
    Own,
    /// As the checklist states them, with nothing left to fill.
    Ready(Node, Vec<Expectation>),
    /// As the checklist states them, filled as far as they can be.
    Open(Node),
}

/// How long a probe may take, and how often it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How long one look may take.
    pub timeout: Duration,
    /// Whether it looks again.
    pub again: Again,
}

/// Whether, and how often, a probe that is red looks again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// It looks once.
    Never,
    /// It looks so often at most.
    Retry {
        /// How many looks there are at most.
        attempts: u32,
        /// How long to wait between two.
        every: Duration,
        /// Whether the probe says so itself. What is inherited is not for probes that have effects.
        is_own: bool,
    },
    /// Until it holds.
    Eventually {
        /// How long that may take.
        within: Duration,
        /// How long to wait between two looks.
        every: Duration,
    },
}

impl Pace {
    /// Whether a later look that is green makes it flaky. What may take a while was expected to.
    pub fn is_retry(self) -> bool {
        matches!(self.again, Again::Retry { .. })
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.debug_struct("Settings").field("is_ready", &self.ready.is_some()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ProbeSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.debug_struct("ProbeSpec").field("kind", &self.kind.name).field("alias", &self.alias).finish_non_exhaustive()
    }
}

impl Checklist {
    /// Every item, in order.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.sections.iter().flat_map(|section| &section.items)
    }
}
