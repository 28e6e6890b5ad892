//! Probes: each observes one thing. None of them judges.
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
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client::ssh::Host;
use crate::client::{Context, Fault, HttpOptions};
use crate::expect::{SameFact, Truncation};

pub use kind::{Kind, Observe, Seen, VIA};

/// The kinds of probe that checklists may name.
#[derive(Debug, Clone)]
pub struct Registry(Arc<[Arc<dyn Kind>]>);

impl Registry {
    /// Every kind that comes with gate, in alphabetical order. A new kind adds its row here.
    pub fn built_in() -> Self {
        Self(Arc::new([
            kind::of::<alembic::Alembic>(),
            kind::of::<alertmanager::Alertmanager>(),
            kind::of::<backup::Backup>(),
            kind::of::<burst::Burst>(),
            kind::of::<command::Command>(),
            kind::of::<dns::Dns>(),
            kind::of::<env::Environment>(),
            kind::of::<file::File>(),
            kind::of::<git::Git>(),
            kind::of::<github::GitHub>(),
            kind::of::<grafana::Grafana>(),
            kind::of::<http::Http>(),
            kind::of::<image::Image>(),
            kind::of::<junit::Junit>(),
            kind::of::<k6::K6>(),
            kind::of::<logs::Logs>(),
            kind::of::<metrics::Metrics>(),
            kind::of::<nftables::Nftables>(),
            kind::of::<prometheus::Prometheus>(),
            kind::of::<race::Race>(),
            kind::of::<redis::Redis>(),
            kind::of::<sql::Sql>(),
            kind::of::<tcp::Tcp>(),
            kind::of::<tls::Tls>(),
            kind::of::<workflow::Workflow>(),
        ]))
    }

    /// The kind of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Kind>> {
        self.0.iter().find(|kind| kind.name() == name)
    }

    /// Every kind, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Kind>> {
        self.0.iter()
    }

    /// The names of the kinds, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|kind| kind.name())
    }
}

impl FromIterator<Arc<dyn Kind>> for Registry {
    fn from_iter<I: IntoIterator<Item = Arc<dyn Kind>>>(kinds: I) -> Self {
        Self(kinds.into_iter().collect())
    }
}

/// A setting, and those that it can't be combined with.
pub type Exclusive = (&'static str, &'static [&'static str]);

/// The alternative credentials.
const CREDENTIALS: &[Exclusive] = &[("token", &["user", "password"]), ("oauth2", &["token", "user", "password"])];

/// A probe that observes one thing. Its fields are its settings; their doc comments are the manual.
pub trait Probe: DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// Its name in a checklist.
    const KIND: &'static str;

    /// The default expectations: an `expect` map in YAML. A checklist replaces them path by path.
    const EXPECT: &'static str;

    /// Other paths that state the same fact as a path of `EXPECT`: an expectation there replaces that default, too.
    /// List only what can't hold while the default's fact is wrong, unless the checklist means just that.
    const SAME_FACT: &'static [SameFact] = &[];

    /// The path that says whether there is anything to observe, and its value where there is. With another value, all else
    /// that is wrong follows from that, and is not reported.
    const PRESENT: Option<(&'static str, &'static str)> = None;

    /// Settings that exclude others: each with those that it can't be combined with.
    const EXCLUSIVE: &'static [Exclusive] = CREDENTIALS;

    /// An entry of `probes` with it, in YAML, as its manual shows it: a use that a checklist would really have.
    const EXAMPLE: &'static str;

    /// When it may change something, as a sentence of its manual. Nothing where it never does.
    const EFFECTS: Option<&'static str> = None;

    /// Whether it only uses connections, which may go through another machine.
    const TAKES_VIA: bool = false;

    /// The observation.
    type Observation: Serialize + JsonSchema + Send;

    /// Observes once. Dropping it cancels it; it must leave nothing behind then.
    ///
    /// # Errors
    /// When the thing could not be observed. What was observed but is wrong is not an error.
    fn observe(&self, cx: &Context) -> impl Future<Output = Result<Self::Observation, Fault>> + Send;

    /// One short, stable line about the observation: no timings, no counts that differ each time.
    fn evidence(&self, seen: &Self::Observation) -> String;

    /// Advice about an observation, if the probe knows better than the checklist.
    fn advice(&self, _seen: &Self::Observation) -> Option<String> {
        None
    }

    /// Advice about single fields: given if an expectation of the field is not met, before any other advice.
    fn field_advice(&self, _seen: &Self::Observation) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// A field of the observation that is missing, and why, such as a body that is not JSON.
    fn absent(&self, _seen: &Self::Observation) -> Option<(&'static str, String)> {
        None
    }

    /// Which paths of the observation were cut at a limit, and are known only in part.
    fn cuts(&self, _seen: &Self::Observation) -> Vec<Truncation> {
        Vec::new()
    }

    /// Whether it may change something: such probes are blocked by `--read-only`, and not repeated by a `retry`
    /// that they only inherit.
    fn has_effects(&self) -> bool {
        false
    }

    /// Whether TLS is not verified.
    fn is_insecure(&self) -> bool {
        false
    }

    /// A command line that does the same, such as `["curl", "-i", "https://…"]`.
    fn reproduce(&self) -> Option<Vec<String>> {
        None
    }

    /// The machine on which that command line runs, if it is another one.
    fn on(&self) -> Option<&Host> {
        None
    }
}
