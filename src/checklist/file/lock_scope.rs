//! The setting `locks` of a checklist: the scope of the locks of its items.

use schemars::JsonSchema;
use serde::Deserialize;

/// Scope of the locks of items.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum LockScope {
    /// Locks keep items of one run apart.
    #[default]
    Run,
    /// Locks keep items of all runs apart that use the same ledger.
    Shared,
}
