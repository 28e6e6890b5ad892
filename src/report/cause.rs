//! Root causes of red items, each once, with the items that it blocks.

use std::collections::HashMap;

use crate::run::{ItemResult, Reason, Run, Status};

/// A root cause of red items.
#[derive(Debug)]
pub struct Cause<'a> {
    /// The cause.
    pub root: Root<'a>,
    /// The items that are blocked by it, in checklist order.
    pub blocks: Vec<&'a ItemResult>,
}

/// The kinds of causes.
#[derive(Debug, Clone, Copy)]
pub enum Root<'a> {
    /// An item that is red on its own.
    Item(&'a ItemResult),
    /// A missing input, such as a variable, and the first item that needs it.
    Input(Option<&'a Reason>, &'a ItemResult),
    /// An item that was not run this time.
    Absent(&'a str),
}

impl<'a> Cause<'a> {
    /// The item that it is, if it is one that was run.
    pub fn item(&self) -> Option<&'a ItemResult> {
        match self.root {
            Root::Item(item) => Some(item),
            Root::Input(..) | Root::Absent(_) => None,
        }
    }

    /// Whether it only waits for people: a sign-off that only other sign-offs need.
    pub fn is_only_waiting(&self) -> bool {
        let is_pending =
            matches!(self.root, Root::Item(item) if item.status == Status::Pending && item.sign_off.is_some());
        is_pending && self.blocks.iter().all(|item| item.sign_off.is_some())
    }
}

/// Whether two items are red for the same reason.
pub fn is_same(one: &ItemResult, other: &ItemResult) -> bool {
    one.status == other.status && one.reason.is_some() && one.reason == other.reason
}

/// The causes, in the order of the first red item of each.
pub fn causes(run: &Run) -> Vec<Cause<'_>> {
    let mut causes: Vec<Cause> = Vec::new();
    let mut by_item: HashMap<&str, usize> = HashMap::new();
    let mut by_input: HashMap<Option<&Reason>, usize> = HashMap::new();
    for item in run.items() {
        match (item.status, &item.cause) {
            (Status::Blocked, None) => {
                let reason = item.reason.as_ref();
                let at = *by_input.entry(reason).or_insert_with(|| {
                    causes.push(Cause { root: Root::Input(reason, item), blocks: Vec::new() });
                    causes.len() - 1
                });
                by_item.insert(&item.id, at);
            }
            (Status::Failed | Status::Error | Status::Pending, _) => {
                by_item.insert(&item.id, causes.len());
                causes.push(Cause { root: Root::Item(item), blocks: Vec::new() });
            }
            (Status::Blocked, Some(_)) | (Status::Passed | Status::Waived | Status::Deferred, _) => {}
        }
    }
    for item in run.items().filter(|item| item.status == Status::Blocked) {
        let id = item.cause.as_deref().unwrap_or(&item.id);
        let at = *by_item.entry(id).or_insert_with(|| {
            causes.push(Cause { root: Root::Absent(id), blocks: Vec::new() });
            causes.len() - 1
        });
        causes[at].blocks.push(item);
    }
    causes
}
