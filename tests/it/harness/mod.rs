//! What the integration tests stand on: real servers, started when first asked for and shared; hostile ones made in
//! the test; and `gate` itself in a project of its own.
//!
//! ```ignore
//! let project = Project::new("...").env("REDIS_URL", harness::redis().url());
//! assert_eq!(project.gate(&["check", "staging"]).code, 0);
//! ```

mod child;
mod gate;
mod http;
mod installed;
mod place;
mod postgres;
mod raw;
mod redis;

pub use child::Server;
pub use gate::{Gate, Output, Project, dedent, gate};
pub use http::{HttpServer, Request, Response, http};
pub use installed::{find, program};
pub use place::{directory, free_port};
pub use postgres::{Postgres, postgres};
pub use raw::{RawServer, raw};
pub use redis::{Redis, redis, redis_with};
