//! Access to other systems: HTTP, JSON APIs, SQL, SSH; with deadlines and size limits.

pub mod api;
pub mod aside;
mod context;
pub mod dial;
mod fault;
pub mod file;
pub mod git;
pub mod http;
pub mod load;
pub mod number;
pub mod proxy;
pub mod sql;
pub mod ssh;
pub mod trust;
pub mod via;

pub use context::{Context, HttpOptions, Manner};
pub use fault::Fault;
