//! What the engine reports while it runs, in the order in which it happens.

use std::time::Duration;

use crate::secret::Redacted;

use super::{Attempt, ItemResult};

/// Something that happened.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// An item waits for locks that other runs may hold. It begins when it has them.
    Locking {
        /// Its id.
        id: &'a str,
        /// What a person would tick.
        title: &'a Redacted<String>,
        /// The names of the locks, such as `api, mail`.
        locks: &'a Redacted<String>,
    },
    /// An item began. With `--wait` it may begin again after it finished.
    Started {
        /// Its id.
        id: &'a str,
        /// What a person would tick.
        title: &'a Redacted<String>,
    },
    /// A look of an item did not pass, and it is looked at again.
    Attempt {
        /// The item's id.
        id: &'a str,
        /// Which look it was, from 1.
        number: usize,
        /// What came of it.
        attempt: &'a Redacted<Attempt>,
    },
    /// An item came to its end, also one that was never started: blocked, deferred, pending.
    Finished(&'a Redacted<ItemResult>),
    /// Everything was looked at, and what is red is looked at again.
    Waiting {
        /// How many items are not green yet.
        red: usize,
        /// How much longer they may take.
        left: Duration,
    },
}
