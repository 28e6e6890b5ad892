//! What is known of a kind of probe before it looks: the shape of what it sees, and what it expects by itself.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use crate::diagnostic::Sources;
use crate::expect::{self, Expectation};
use crate::probe::Kind;
use crate::yaml::{self, Node};

/// What is known of a kind.
#[derive(Debug)]
pub struct KindInfo {
    /// The JSON Schema of its observation.
    pub observation: Value,
    /// What it expects by itself, as a checklist would state it.
    pub expect: Node,
    /// The same, read.
    pub expectations: Vec<Expectation>,
}

/// What is known of the kinds that were asked for. Finding it out costs more than an item.
#[derive(Debug, Default)]
pub struct KindCache(HashMap<&'static str, Arc<KindInfo>>);

impl KindCache {
    /// What is known of this kind.
    pub fn of(&mut self, kind: &'static Kind) -> Arc<KindInfo> {
        Arc::clone(self.0.entry(kind.name).or_insert_with(|| Arc::new(KindInfo::of(kind))))
    }
}

impl KindInfo {
    fn of(kind: &Kind) -> Self {
        let observation = (kind.observation)();
        let mut sources = Sources::default();
        let file = sources.add(kind.name, kind.expect);
        let mut problems = Vec::new();
        let expect = yaml::parse(&sources, file, &mut problems).expect("each kind's own expectation is YAML");
        let expectations = expect::read(&expect, &observation, &mut problems);
        assert!(problems.is_empty(), "what `{}` expects by itself is wrong: {problems:?}", kind.name);
        Self { observation, expect, expectations }
    }
}

#[cfg(test)]
mod tests {
    use super::KindInfo;
    use crate::probe::KINDS;

    #[test]
    fn what_each_kind_expects_by_itself_can_be_read_and_asserts_something() {
        for kind in KINDS {
            assert!(!KindInfo::of(kind).expectations.is_empty(), "{}", kind.name);
        }
    }
}
