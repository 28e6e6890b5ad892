//! Static information about a kind of probe: the shape of its observation, and its default expectations.

use std::collections::HashMap;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Sources};
use crate::expect::{self, Expectation};
use crate::probe::{Kind, Registry};
use crate::yaml::{self, Node, Style, Value};

use super::digest::of_node;

/// Static information about a kind.
#[derive(Debug)]
pub struct KindInfo {
    /// The JSON Schema of its observation.
    pub observation: serde_json::Value,
    /// Its default expectations, as a checklist would state them.
    pub expect: Node,
    /// The digest of these.
    pub expect_digest: [u8; 32],
    /// The same, parsed.
    pub expectations: Vec<Expectation>,
    /// The kind.
    kind: Arc<dyn Kind>,
}

/// The kinds that a checklist may use, with information about those that were used so far: it is expensive to make.
#[derive(Debug)]
pub struct KindCache<'r> {
    /// The kinds.
    pub registry: &'r Registry,
    known: HashMap<String, Arc<KindInfo>>,
    /// The expectations that were read without a problem, by their kind and what they say.
    read: HashMap<String, Vec<Expectation>>,
}

/// How many different `expect` maps are kept.
const MOST: usize = 256;

impl<'r> KindCache<'r> {
    /// An empty cache.
    pub fn new(registry: &'r Registry) -> Self {
        Self { registry, known: HashMap::new(), read: HashMap::new() }
    }

    /// Information about this kind.
    pub fn of(&mut self, kind: &Arc<dyn Kind>) -> Arc<KindInfo> {
        if let Some(known) = self.known.get(kind.name()) {
            return Arc::clone(known);
        }
        let info = Arc::new(KindInfo::of(kind));
        self.known.insert(kind.name().to_owned(), Arc::clone(&info));
        info
    }

    /// The expectations of a probe with this `expect`: the defaults that it leaves in force, then its own. A list states
    /// the same few again and again.
    pub fn read(&mut self, info: &KindInfo, expect: &Node, problems: &mut Vec<Diagnostic>) -> Vec<Expectation> {
        let mut words = info.kind.name().to_owned();
        if !write(expect, &mut words) {
            return info.read(expect, problems);
        }
        if let Some(read) = self.read.get(&words) {
            let mut spans = expect.entries().iter().map(|(key, _)| key.span);
            let here =
                |one: &Expectation| if one.is_default { one.clone() } else { one.at(spans.next().unwrap_or(one.span)) };
            return read.iter().map(here).collect();
        }
        let before = problems.len();
        let read = info.read(expect, problems);
        if problems.len() == before && self.read.len() < MOST {
            self.read.insert(words, read.clone());
        }
        read
    }
}

impl KindInfo {
    fn read(&self, expect: &Node, problems: &mut Vec<Diagnostic>) -> Vec<Expectation> {
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

    /// The default expectations that this `expect` does not override.
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

/// Writes what a tree says, without its places. Returns whether it has no holes.
fn write(node: &Node, words: &mut String) -> bool {
    match &node.value {
        Value::Unresolved(_) => false,
        Value::Scalar(scalar) => {
            let style = match scalar.style {
                Style::Plain => 'p',
                Style::Quoted => 'q',
                Style::Filled => 'f',
            };
            push(style, &scalar.text, words);
            true
        }
        Value::List(elements) => {
            words.push('[');
            let is_whole = elements.iter().all(|element| write(element, words));
            words.push(']');
            is_whole
        }
        Value::Map(entries) => {
            words.push('{');
            let is_whole = entries.iter().all(|(key, value)| {
                push('k', &key.text, words);
                write(value, words)
            });
            words.push('}');
            is_whole
        }
    }
}

/// A text with its length: what it says can't be taken for anything else.
fn push(tag: char, text: &str, words: &mut String) {
    words.push(tag);
    words.push_str(&text.len().to_string());
    words.push(':');
    words.push_str(text);
}

#[cfg(test)]
mod tests {
    use super::{KindCache, KindInfo};
    use crate::diagnostic::{Sources, Span};
    use crate::expect;
    use crate::probe::Registry;
    use crate::yaml;

    #[test]
    fn a_repeated_default_is_read_once_and_keeps_each_position() {
        let registry = Registry::built_in();
        let mut kinds = KindCache::new(&registry);
        let info = kinds.of(registry.get("http").expect("it is built in"));
        let mut read = |text: &str| {
            let mut sources = Sources::default();
            let file = sources.add("c.yaml", text);
            let mut problems = Vec::new();
            let expect = yaml::parse(&sources, file, &mut problems).expect("it is YAML");
            let read = kinds.read(&info, &expect, &mut problems);
            let places: Vec<u32> = read.iter().filter(|one| !one.is_default).map(|one| one.span.start).collect();
            let words: Vec<String> = read.iter().map(|one| format!("{} {}", one.path(), one.describe())).collect();
            (places, words.join(", "), problems.len())
        };
        let first = read("{ body: \"1\", json.ok: true }");
        assert_eq!(first, (vec![2, 13], "status at least 200 and below 300, body \"1\", json.ok true".to_owned(), 0));
        assert_eq!(read("{ body:   \"1\",   json.ok: true }"), (vec![2, 17], first.1, 0));
        assert_eq!(read("{ json.n: 1 }").1, "status at least 200 and below 300, json.n 1");
        assert_eq!(read("{ json.n: \"1\" }").1, "status at least 200 and below 300, json.n \"1\"");
        assert_eq!([read("{ stauts: 1 }").2, read("{ stauts: 1 }").2], [1, 1], "a problem is reported each time");
    }

    #[test]
    fn the_defaults_of_each_kind_can_be_read_and_assert_something() {
        for kind in Registry::built_in().iter() {
            assert!(!KindInfo::of(kind).expectations.is_empty(), "{}", kind.name());
        }
    }

    #[test]
    fn an_expectation_about_the_same_fact_overrides_a_default() {
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
