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

/// The digests of all items of a plan, by their ids. Those of an item are computed when its secrets are read.
#[derive(Debug, Default)]
pub struct Digests(OnceLock<HashMap<Arc<str>, OnDemand>>);

#[derive(Debug)]
struct OnDemand {
    /// The position of the item.
    task: usize,
    digests: OnceLock<ItemDigests>,
}

impl Digests {
    /// The digests of the item with this id. Concurrent callers wait.
    pub fn get(&self, id: &str, plan: &Plan, secrets: &Secrets) -> Option<&ItemDigests> {
        let of = |task| (Arc::clone(&plan.item(task).id), OnDemand { task, digests: OnceLock::new() });
        let items = self.0.get_or_init(|| (0..plan.tasks.len()).map(of).collect());
        let OnDemand { task, digests } = items.get(id)?;
        Some(digests.get_or_init(|| of_item(plan.item(*task), plan, secrets)))
    }

    /// Computes those of all items.
    pub fn make(&self, plan: &Plan, secrets: &Secrets) {
        for task in 0..plan.tasks.len() {
            self.get(&plan.item(task).id, plan, secrets);
        }
    }
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
