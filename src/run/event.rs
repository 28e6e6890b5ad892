//! Events of a run, in the order in which they happen.

use std::time::Duration;

use crate::secret::Redacted;

use super::{Attempt, ItemResult};

/// An event.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// Programs are printing secrets. Items that don't use these run, and are reported as finished afterwards.
    Reading {
        /// The names of the secrets, such as `GITHUB_TOKEN, API_KEY`. Empty when all are read.
        secrets: &'a str,
    },
    /// An item waits for locks that other runs may hold. It starts when it has them.
    Locking {
        /// Its id.
        id: &'a str,
        /// The line that a person would tick.
        title: &'a Redacted<String>,
        /// The names of the locks, such as `api, mail`.
        locks: &'a Redacted<String>,
    },
    /// An item started. With `--wait` it may start again after it finished.
    Started {
        /// Its id.
        id: &'a str,
        /// The line that a person would tick.
        title: &'a Redacted<String>,
    },
    /// An attempt of an item did not pass, and another one follows.
    Attempt {
        /// The item's id.
        id: &'a str,
        /// Number of the attempt, from 1.
        number: usize,
        /// Its result.
        attempt: &'a Redacted<Attempt>,
    },
    /// An item finished, also one that never started: blocked, deferred, pending.
    Finished(&'a Redacted<ItemResult>),
    /// A round is over, and failing items are rerun.
    Waiting {
        /// Number of items that are not green yet.
        red: usize,
        /// How much longer they may take.
        left: Duration,
    },
}
