//! The setting `locks` of a checklist: how far the locks of its items reach.

use schemars::JsonSchema;
use serde::Deserialize;

/// How far the locks of items reach.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum LockScope {
    /// They keep items of one run apart.
    #[default]
    Run,
    /// They keep items of all runs apart that use the same ledger.
    Shared,
}
