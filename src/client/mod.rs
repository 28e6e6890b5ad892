//! How other systems are reached: HTTP, JSON APIs, SQL, SSH. Deadlines and size limits live here.

pub mod api;
mod context;
mod fault;
pub mod http;
pub mod number;
pub mod sql;
pub mod ssh;

pub use context::{Context, HttpOptions};
pub use fault::Fault;
