//! What is known of a kind of probe before it runs: the shape of its observation, and its default expectations.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use crate::diagnostic::{Diagnostic, Sources};
use crate::expect::{self, Expectation};
use crate::probe::{Kind, Registry};
use crate::yaml::{self, Node};

use super::digest::of_node;

/// What is known of a kind.
#[derive(Debug)]
pub struct KindInfo {
    /// The JSON Schema of its observation.
    pub observation: Value,
    /// Its default expectations, as a checklist would state them.
    pub expect: Node,
    /// The digest of these.
    pub expect_digest: [u8; 32],
    /// The same, read.
    pub expectations: Vec<Expectation>,
    /// The kind.
    kind: Arc<dyn Kind>,
}

/// The kinds that a checklist may name, and what is known of those that were asked for: it costs more than an item.
#[derive(Debug)]
pub struct KindCache<'r> {
    /// The kinds.
    pub registry: &'r Registry,
    known: HashMap<String, Arc<KindInfo>>,
}

impl<'r> KindCache<'r> {
    /// Nothing is known yet.
    pub fn new(registry: &'r Registry) -> Self {
        Self { registry, known: HashMap::new() }
    }

    /// What is known of this kind.
    pub fn of(&mut self, kind: &Arc<dyn Kind>) -> Arc<KindInfo> {
        if let Some(known) = self.known.get(kind.name()) {
            return Arc::clone(known);
        }
        let info = Arc::new(KindInfo::of(kind));
        self.known.insert(kind.name().to_owned(), Arc::clone(&info));
        info
    }
}

impl KindInfo {
    /// The expectations of a probe with this `expect`: the defaults that it leaves in force, then its own.
    pub fn read(&self, expect: &Node, problems: &mut Vec<Diagnostic>) -> Vec<Expectation> {
        self.with_defaults(expect, expect::read(expect, &self.observation, problems))
    }

    /// The same during a run, where every reference is resolved.
    pub fn read_filled(&self, expect: &Node, problems: &mut Vec<Diagnostic>) -> Vec<Expectation> {
        self.with_defaults(expect, expect::read_filled(expect, &self.observation, problems))
    }

    fn with_defaults(&self, expect: &Node, own: Vec<Expectation>) -> Vec<Expectation> {
        let defaults = expect::in_force(&self.expectations, self.kind.same_fact(), expect, &own);
        if defaults.is_empty() {
            return own;
        }
        let mut all = Vec::with_capacity(defaults.len() + own.len());
        all.extend(defaults);
        all.extend(own);
        all
    }

    /// The default expectations that this `expect` leaves in force.
    pub fn in_force(&self, expect: &Node) -> Vec<Expectation> {
        expect::in_force(&self.expectations, self.kind.same_fact(), expect, &[])
    }

    fn of(kind: &Arc<dyn Kind>) -> Self {
        let observation = kind.observation();
        let mut sources = Sources::default();
        let file = sources.add(kind.name(), kind.expect());
        let mut problems = Vec::new();
        let expect = yaml::parse(&sources, file, &mut problems).expect("each kind's default expectations are YAML");
        let mut expectations = expect::read(&expect, &observation, &mut problems);
        expectations.iter_mut().for_each(|expectation| expectation.is_default = true);
        assert!(problems.is_empty(), "the default expectations of `{}` are wrong: {problems:?}", kind.name());
        let expect_digest = of_node(&expect);
        Self { observation, expect, expect_digest, expectations, kind: Arc::clone(kind) }
    }
}

#[cfg(test)]
mod tests {
    use super::KindInfo;
    use crate::diagnostic::Span;
    use crate::expect;
    use crate::probe::Registry;

    #[test]
    fn the_defaults_of_each_kind_can_be_read_and_assert_something() {
        for kind in Registry::built_in().iter() {
            assert!(!KindInfo::of(kind).expectations.is_empty(), "{}", kind.name());
        }
    }

    #[test]
    fn what_states_the_same_fact_as_a_default_is_observed() {
        for kind in Registry::built_in().iter() {
            let info = KindInfo::of(kind);
            for (default, others) in kind.same_fact() {
                assert!(info.expectations.iter().any(|one| one.path() == *default), "{}: {default}", kind.name());
                for other in *others {
                    let problem = expect::astray(other, Span::default(), &info.observation);
                    assert!(problem.is_none(), "{}: {other}", kind.name());
                }
            }
        }
    }
}
