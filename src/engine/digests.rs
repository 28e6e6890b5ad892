//! The digests of all items, computed on demand: most runs show none.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use crate::checklist::{self, Item};
use crate::plan::{KnownResult, Plan};

use super::secrets::Secrets;

/// The digests of an item, each in hexadecimal.
#[derive(Debug, Clone)]
pub struct ItemDigests {
    /// The digest of its settings and expectations as written.
    pub source: String,
    /// The same with variables filled in.
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
    plan.checklist.items().map(|item| (Arc::clone(&item.id), of_item(item, plan, secrets))).collect()
}

/// The digests of an item. Those of one that was observed in another run are known: what differs there is not merged.
fn of_item(item: &Item, plan: &Plan, secrets: &Secrets) -> ItemDigests {
    if let Some(KnownResult::Observed(seen)) = plan.known.get(&*item.id)
        && let (Some(source), Some(definition)) = (&seen.source, &seen.definition)
    {
        return ItemDigests { source: source.clone(), definition: definition.clone() };
    }
    let (source, definition) = checklist::digests(item, &plan.checklist);
    ItemDigests { source, definition: definition.digest(|name| secrets.get(name).ok()) }
}
