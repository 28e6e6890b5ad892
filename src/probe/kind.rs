//! A probe without its type: what the registry is a table of.

use futures_util::future::BoxFuture;
use serde_json::Value;

use crate::diagnostic::Diagnostic;
use crate::expect::{Cut, SameFact};
use crate::yaml::{self, Node};

use super::{Context, Fault, Probe};

/// A kind of probe: how its settings are read, and what it sees.
pub struct Kind {
    /// Its name in a checklist.
    pub name: &'static str,
    /// The default expectations: an `expect` map in YAML.
    pub expect: &'static str,
    /// Other paths that state the same fact as one of these.
    pub same_fact: &'static [SameFact],
    /// An entry of `probes` with it, in YAML.
    pub example: &'static str,
    /// When looking may change something, as a sentence.
    pub effects: Option<&'static str>,
    /// The JSON Schema of its settings.
    pub settings: fn() -> Value,
    /// The JSON Schema of its observation.
    pub observation: fn() -> Value,
    /// Tells what is wrong with settings in which not everything is filled yet.
    pub check: fn(&Node, &mut Vec<Diagnostic>),
    /// Reads settings in which everything is filled.
    pub read: Reader,
}

/// Settings to a probe, with every problem told.
pub type Reader = fn(&Node, &mut Vec<Diagnostic>) -> Option<Box<dyn Observe>>;

/// A probe that is ready to look.
pub trait Observe: Send + Sync {
    /// Looks once.
    fn observe<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Seen, Fault>>;
    /// Whether looking may change something.
    fn has_effects(&self) -> bool;
    /// Whether TLS is not verified.
    fn is_insecure(&self) -> bool;
    /// The command line by which a person would look.
    fn reproduce(&self) -> Option<Vec<String>>;
}

/// What a probe saw, without its type.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The observation as JSON.
    pub value: Value,
    /// One short, stable line of it.
    pub evidence: String,
    /// What to do about it, where the probe knows.
    pub advice: Option<String>,
    /// Which of its paths were cut at a limit.
    pub cuts: Vec<Cut>,
}

impl Kind {
    /// The row of a probe.
    pub const fn of<P: Probe>() -> Self {
        Self {
            name: P::KIND,
            expect: P::EXPECT,
            same_fact: P::SAME_FACT,
            example: P::EXAMPLE,
            effects: P::EFFECTS,
            settings: || {
                schemars::generate::SchemaSettings::draft07().into_generator().into_root_schema_for::<P>().into()
            },
            observation: || {
                let settings = schemars::generate::SchemaSettings::draft07().for_serialize();
                settings.into_generator().into_root_schema_for::<P::Observation>().into()
            },
            check: |node, problems| drop(yaml::read_with_holes::<P>(node, problems)),
            read: |node, problems| Some(Box::new(yaml::read::<P>(node, problems)?)),
        }
    }
}

impl<P: Probe> Observe for P {
    fn observe<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Seen, Fault>> {
        Box::pin(async move {
            let seen = Probe::observe(self, cx).await?;
            let value = serde_json::to_value(&seen)
                .map_err(|error| Fault::new(format!("the result can't be written as JSON: {error}")))?;
            let (evidence, advice, cuts) = (self.evidence(&seen), self.advice(&seen), self.cuts(&seen));
            Ok(Seen { value, evidence, advice, cuts })
        })
    }

    fn has_effects(&self) -> bool {
        let has_effects = Probe::has_effects(self);
        debug_assert!(!has_effects || P::EFFECTS.is_some(), "the manual of `{}` says when it has effects", P::KIND);
        has_effects
    }

    fn is_insecure(&self) -> bool {
        Probe::is_insecure(self)
    }

    fn reproduce(&self) -> Option<Vec<String>> {
        Probe::reproduce(self)
    }
}
