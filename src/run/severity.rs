//! The severity of an item.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How severe a failure is: `P0` is the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[schemars(inline)]
#[clap(rename_all = "verbatim")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Severity {
    P0,
    P1,
    P2,
    P3,
    P4,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        // `P0`, as in a checklist.
        write!(f, "P{}", *self as u8)
    }
}
