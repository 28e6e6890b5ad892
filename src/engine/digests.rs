//! The digests of all items, computed on demand: most runs show none.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use crate::checklist;
use crate::plan::{KnownResult, Plan};

use super::secrets::Secrets;

/// The digests of an item, each in hexadecimal.
#[derive(Debug, Clone)]
pub struct ItemDigests {
    /// The digest of its settings and expectations as written.
    pub source: String,
    /// The same with variables filled in. Of an item that was observed in another run, what it was there.
    pub definition: String,
}

/// The digests of all items of a plan, by their ids.
#[derive(Debug, Default)]
pub struct Digests(OnceLock<HashMap<Arc<str>, ItemDigests>>);

impl Digests {
    /// The digests of the item with this id.
    pub fn get(&self, id: &str, plan: &Plan, secrets: &Secrets) -> Option<&ItemDigests> {
        self.make(plan, secrets).get(id)
    }

    /// Computes them once. Concurrent callers wait.
    pub fn make(&self, plan: &Plan, secrets: &Secrets) -> &HashMap<Arc<str>, ItemDigests> {
        self.0.get_or_init(|| all(plan, secrets))
    }
}

fn all(plan: &Plan, secrets: &Secrets) -> HashMap<Arc<str>, ItemDigests> {
    let digests = |item: &checklist::Item| {
        let (source, definition) = checklist::digests(item, &plan.checklist);
        let observed = match plan.known.get(&*item.id) {
            Some(KnownResult::Observed(seen)) => seen.definition.clone(),
            Some(KnownResult::NotRun(_)) | None => None,
        };
        let definition = observed.unwrap_or_else(|| definition.digest(|name| secrets.get(name).ok()));
        (Arc::clone(&item.id), ItemDigests { source, definition })
    };
    plan.checklist.items().map(digests).collect()
}
