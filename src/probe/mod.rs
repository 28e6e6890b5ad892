//! Probes: each looks at one thing and tells what it saw. None of them judges.
//!
//! A new probe is one file here, and its `mod` line and row below.

pub mod alembic;
pub mod alertmanager;
pub mod backup;
pub mod burst;
pub mod command;
pub mod dns;
pub mod env;
pub mod file;
pub mod git;
pub mod github;
pub mod grafana;
pub mod http;
pub mod image;
pub mod junit;
pub mod k6;
mod kind;
pub mod logs;
pub mod metrics;
pub mod nftables;
pub mod prometheus;
pub mod race;
pub mod redis;
pub mod sql;
pub mod tcp;
pub mod tls;
pub mod workflow;

use std::future::Future;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client::{Context, Fault, HttpOptions};
use crate::expect::{Cut, SameFact};

pub use kind::{Kind, Observe, Seen};

/// Every probe that a checklist may name, in alphabetical order. A new probe adds its row here.
pub static KINDS: &[Kind] = &[
    Kind::of::<alembic::Alembic>(),
    Kind::of::<alertmanager::Alertmanager>(),
    Kind::of::<backup::Backup>(),
    Kind::of::<burst::Burst>(),
    Kind::of::<command::Command>(),
    Kind::of::<dns::Dns>(),
    Kind::of::<env::Environment>(),
    Kind::of::<file::File>(),
    Kind::of::<git::Git>(),
    Kind::of::<github::GitHub>(),
    Kind::of::<grafana::Grafana>(),
    Kind::of::<http::Http>(),
    Kind::of::<image::Image>(),
    Kind::of::<junit::Junit>(),
    Kind::of::<k6::K6>(),
    Kind::of::<logs::Logs>(),
    Kind::of::<metrics::Metrics>(),
    Kind::of::<nftables::Nftables>(),
    Kind::of::<prometheus::Prometheus>(),
    Kind::of::<race::Race>(),
    Kind::of::<redis::Redis>(),
    Kind::of::<sql::Sql>(),
    Kind::of::<tcp::Tcp>(),
    Kind::of::<tls::Tls>(),
    Kind::of::<workflow::Workflow>(),
];

/// The kind of this name.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// A way to look at one thing. Its fields are its settings; their doc comments are the manual.
pub trait Probe: DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// Its name in a checklist.
    const KIND: &'static str;

    /// The default expectations: an `expect` map in YAML. A checklist replaces them path by path.
    const EXPECT: &'static str;

    /// Other paths that state the same fact as a path of `EXPECT`: an expectation there replaces that default, too.
    /// List only what can't hold while the default's fact is wrong, unless the checklist means just that.
    const SAME_FACT: &'static [SameFact] = &[];

    /// An entry of `probes` with it, in YAML, as its manual shows it: a use that a checklist would really have.
    const EXAMPLE: &'static str;

    /// When looking may change something, as a sentence of its manual. Nothing where it never does.
    const EFFECTS: Option<&'static str> = None;

    /// What it saw.
    type Observation: Serialize + JsonSchema + Send;

    /// Looks once. It is cancelled by being dropped, and must leave nothing behind then.
    ///
    /// # Errors
    /// When the thing could not be observed. What was observed but is wrong is no error.
    fn observe(&self, cx: &Context) -> impl Future<Output = Result<Self::Observation, Fault>> + Send;

    /// One short, stable line of what was seen: no timings, no counts that differ each time.
    fn evidence(&self, seen: &Self::Observation) -> String;

    /// What to do about what was seen, where the probe knows better than the checklist.
    fn advice(&self, _seen: &Self::Observation) -> Option<String> {
        None
    }

    /// Which paths of the observation were cut at a limit, and are known only in part.
    fn cuts(&self, _seen: &Self::Observation) -> Vec<Cut> {
        Vec::new()
    }

    /// Whether looking may change something: such probes are blocked by `--read-only`, and not repeated by a `retry`
    /// that they only inherit.
    fn has_effects(&self) -> bool {
        false
    }

    /// Whether TLS is not verified.
    fn is_insecure(&self) -> bool {
        false
    }

    /// The command line by which a person would look, such as `["curl", "-i", "https://…"]`.
    fn reproduce(&self) -> Option<Vec<String>> {
        None
    }
}
