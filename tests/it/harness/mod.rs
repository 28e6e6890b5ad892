//! The harness of the integration tests: real servers, started on first use and shared; hostile servers inside
//! the test; and `gate` itself in a project of its own.
//!
//! ```ignore
//! let project = Project::new("...").env("REDIS_URL", harness::redis().url());
//! assert_eq!(project.gate(&["check", "staging"]).code, 0);
//! ```

mod alertmanager;
mod answer;
mod certificate;
mod child;
mod clock;
mod dnsmasq;
mod gate;
mod hostile;
mod http;
mod installed;
mod issuer;
mod job;
mod mariadb;
mod nginx;
mod pgbouncer;
mod place;
mod postgres;
mod prometheus;
mod raw;
mod redis;
mod registry;
mod sshd;
mod terminal;
mod tls_redis;

pub use alertmanager::{Alertmanager, alertmanager, alertmanager_with};
pub use answer::get;
pub use certificate::{Authority, Certificate};
pub use child::Server;
pub use dnsmasq::{Dnsmasq, dnsmasq};
pub use gate::{Gate, Output, Project, dedent, gate};
pub use hostile::{Foe, answers_with, drips, foes, message, mysql_that, mysql_with_plugin, packet, postgres_that};
pub use http::{HttpServer, Request, Response, http};
pub use installed::{alembic, find, k6, missing, program, python};
pub use issuer::{Issued, Issuer, issuer};
pub use job::Job;
pub use mariadb::{MariaDb, mariadb, mariadb_with};
pub use nginx::{Nginx, nginx, nginx_at, nginx_tls};
pub use pgbouncer::{PgBouncer, pgbouncer, pgbouncer_before, pgbouncer_with_tls};
pub use place::{directory, free_port};
pub use postgres::{Postgres, postgres, postgres_with};
pub use prometheus::{Prometheus, prometheus, prometheus_with, scraped};
pub use raw::{RawServer, raw};
pub use redis::{Redis, redis, redis_with};
pub use registry::{Registry, registry, registry_with_password, registry_with_tls};
pub use sshd::{Sshd, sshd, sshd_with};
pub use terminal::Terminal;
pub use tls_redis::{TlsRedis, tls_redis};
