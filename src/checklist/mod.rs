//! A checklist: read, filled in and validated as far as possible before a run.

mod built_in;
mod check;
mod corrected;
mod credential;
mod describe;
mod digest;
mod each;
mod extend;
#[expect(dead_code, reason = "some fields are there for the schema, and read from the tree one by one")]
mod file;
mod find;
mod form;
mod gap;
mod kind_info;
mod load;
mod markdown;
mod meant;
mod merge;
mod name;
mod names;
mod part;
mod probe;
mod probe_list;
mod probe_task;
mod references;
mod requirement;
mod revision;
mod schema;
mod scope;
mod secret;
mod sign_off;
mod signers;
mod tree;
mod unset;
mod via;

use std::path::PathBuf;
use std::sync::Arc;

use crate::diagnostic::{Sources, Span};
use crate::run::{Gap, Severity};
use crate::secret::Redactor;
use crate::yaml::Node;

pub use built_in::BUILT_IN;
pub use corrected::load;
pub use credential::{Credential, credentials, in_argument, redactor, sets_credential};
pub use describe::{Described, DescribedInput, check_names, describe, own_check_names};
pub use digest::{Definition, digests, source};
pub use each::list_of;
pub use extend::extending;
pub use file::{FileChanges as Changes, FileSignOff as SignOff, LockScope, Since};
pub use find::{Found, OwnFiles, SIGNOFFS, all, find, instead_of_none, is_base, odd_name, shown};
pub use form::complete;
pub use kind_info::KindInfo;
pub use load::{Loaded, Overrides};

pub use part::Part;
pub use probe::default_timing;
pub use probe_task::{Expectations, ProbeTask, RetryPolicy, Settings, Timing, Used};
pub use references::{head, split_reference};
pub use requirement::{demands, requirements};
pub use revision::{ListFile, demands_at};
pub use schema::{check_schema, schema};
pub use secret::{Secret, SecretSource};
pub use signers::AllowedSigners;

/// A checklist in which everything is known that can be known before the run.
#[derive(Debug)]
pub struct Checklist {
    /// Its name: `staging` for `checklists/staging.yaml`.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Whether the title refers to a variable that is not set.
    pub has_unset_title: bool,
    /// The file as messages name it.
    pub file: String,
    /// SHA-256 of the file, in hexadecimal.
    pub digest: String,
    /// The project under which its runs are recorded, if it names one.
    pub project: Option<String>,
    /// Scope of the locks of its items.
    pub locks: LockScope,
    /// The release or commit that is signed off.
    pub subject: Subject,
    /// The variables set by `--var`, such as `target=blue, size=3`.
    pub vars: Option<String>,
    /// The file that `--markdown` writes without a path.
    pub markdown: Option<PathBuf>,
    /// The files of keys that may sign.
    pub allowed_signers: Option<AllowedSigners>,
    /// Where its relative paths start.
    pub root: PathBuf,
    /// Its secrets, in the order of the file.
    pub secrets: Vec<Secret>,
    /// The credentials in its settings.
    pub credentials: Vec<Credential>,
    /// Its sections, in order.
    pub sections: Vec<Section>,
    /// Its known gaps.
    pub gaps: Vec<Gap>,
    /// Every text that it was read from.
    pub sources: Arc<Sources>,
    /// The redactor of the secrets that are known without reading files or running programs.
    pub redactor: Redactor,
}

/// The release or commit that is signed off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The checklist declares none.
    Undeclared,
    /// It is declared, but a variable in it is not set.
    Unset,
    /// It is this.
    Set(String),
}

impl Subject {
    /// The subject, if it is set.
    pub fn value(&self) -> Option<&str> {
        match self {
            Self::Undeclared | Self::Unset => None,
            Self::Set(subject) => Some(subject),
        }
    }
}

/// A part of the checklist.
#[derive(Debug)]
pub struct Section {
    /// The name that refers to all of its items.
    pub id: Option<String>,
    /// Its title.
    pub title: String,
    /// The text in parentheses after the title.
    pub note: Option<String>,
    /// Markdown that is copied as it is.
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
    /// Where each of its parts is, in a checklist with bases; else nothing.
    pub parts: Vec<Part>,
    /// The element of a list that it was made from.
    pub element: Option<Span>,
    /// The line that a person would tick.
    pub title: Arc<str>,
    /// The id of the item that it is nested below.
    pub parent: Option<String>,
    /// Who is responsible for it.
    pub owner: Option<String>,
    /// How severe a failure is.
    pub severity: Option<Severity>,
    /// Words by which it can be selected.
    pub tags: Vec<String>,
    /// The positions, over all sections, of the items that must be green, in order and without duplicates.
    pub needs: Vec<usize>,
    /// It never runs at the same time as another item with one of these.
    pub locks: Vec<String>,
    /// It never runs at the same time as any other item.
    pub exclusive: bool,
    /// It is not required.
    pub advisory: bool,
    /// Why it is not required at this stage.
    pub deferred: Option<String>,
    /// Why it can't be checked yet.
    pub pending: Option<String>,
    /// How long a passed result is valid.
    pub valid_for: Option<crate::yaml::Duration>,
    /// Who must sign it off.
    pub sign_off: Option<SignOff>,
    /// The steps of a person, as Markdown.
    pub manual: Option<String>,
    /// Its probes, in order.
    pub probes: Vec<ProbeTask>,
    /// Probes that run after its probes, whatever their results, in order.
    pub cleanup: Vec<ProbeTask>,
    /// The template of its evidence, if the checklist sets one.
    pub evidence: Option<Node>,
    /// Advice for when the item is red.
    pub hint: Option<String>,
}

impl Item {
    /// Its probes, and behind them its cleanup.
    pub fn all_probes(&self) -> impl Iterator<Item = &ProbeTask> {
        self.probes.iter().chain(&self.cleanup)
    }

    /// Everything in it that is resolved during the run.
    pub fn unresolved(&self) -> impl Iterator<Item = &Node> {
        self.all_probes().flat_map(ProbeTask::unresolved).chain(&self.evidence)
    }
}

impl Checklist {
    /// SHA-256 of the definitions of all items, in hexadecimal: it changes with the variables.
    pub fn definitions(&self) -> String {
        digest::of_all(self)
    }

    /// The digest of the address in the value of a secret, in hexadecimal. None if that is not a URL.
    pub fn address(&self, secret: &str, value: &str) -> Option<String> {
        digest::of_address(secret, value, self)
    }

    /// The item at this position, over all sections.
    pub fn item(&self, mut position: usize) -> Option<&Item> {
        for section in &self.sections {
            match section.items.get(position) {
                Some(item) => return Some(item),
                None => position -= section.items.len(),
            }
        }
        None
    }

    /// Every item, in order.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.sections.iter().flat_map(|section| &section.items)
    }
}
