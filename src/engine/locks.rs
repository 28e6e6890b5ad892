//! Locks of items that are shared with other runs.

use std::fmt::Debug;

use futures_util::future::BoxFuture;

/// Locks that other runs see.
pub trait Locks: Debug + Send + Sync {
    /// Waits until all of these are free, and holds them.
    fn take(&self, names: &[String]) -> Taken;
}

/// Locks that are being taken. An error says why they can't be. Dropping it ends the wait.
pub type Taken = BoxFuture<'static, Result<Held, String>>;

/// Locks that are held. It frees them; an error says that they were lost before. Dropping it frees them as well.
pub type Held = BoxFuture<'static, Result<(), String>>;
