//! Which default expectations of a kind an `expect` keeps: all but those that it overrides, path by path.

use crate::yaml::{Key, Node};

use super::Expectation;
use super::path::{Path, Step};

/// A default expectation's path, and other paths that state the same fact: naming one of these replaces it, too.
pub type SameFact = (&'static str, &'static [&'static str]);

/// The defaults that `expect` keeps. It overrides those whose path it names, a path above or below it, or one that
/// states the same fact. `own` is the parsed `expect`: all of it, if it has no references left.
pub fn in_force(defaults: &[Expectation], same: &[SameFact], expect: &Node, own: &[Expectation]) -> Vec<Expectation> {
    let is_read = own.len() == expect.entries().len();
    let read: Vec<Path> = match is_read {
        true => Vec::new(),
        false => expect.entries().iter().filter_map(|(key, _)| Path::read(key).ok()).collect(),
    };
    let named: Vec<&Path> = own.iter().map(|own| &own.assertion.path).filter(|_| is_read).chain(&read).collect();
    let is_replaced = |default: &Expectation| {
        let same = same.iter().filter(|(path, _)| *path == default.path()).flat_map(|(_, others)| *others);
        let same: Vec<Path> = same.filter_map(|path| known(path)).collect();
        named.iter().any(|own| std::iter::once(&default.assertion.path).chain(&same).any(|path| touches(own, path)))
    };
    defaults.iter().filter(|default| !is_replaced(default)).cloned().collect()
}

/// Whether the two paths overlap: they are the same, or one leads through the other. A JSONPath with several results
/// names what it leads through, but not everything below.
fn touches(own: &Path, other: &Path) -> bool {
    leads_through(own, other) || !own.branches() && leads_through(other, own)
}

fn leads_through(long: &Path, short: &Path) -> bool {
    let is_same = |(one, other): (&Step, &Step)| one.to == other.to;
    long.steps.len() >= short.steps.len() && short.steps.iter().zip(&long.steps).all(is_same)
}

fn known(path: &str) -> Option<Path> {
    Path::read(&Key { span: crate::diagnostic::Span::default(), text: path.into() }).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::tests::load;
    use super::*;
    use crate::diagnostic::Sources;
    use crate::yaml;

    const SAME: &[SameFact] = &[("holds", &["rows", "row_count"])];

    /// The paths of these defaults that this `expect` keeps.
    fn left(defaults: &str, expect: &str) -> String {
        let defaults = load(defaults, &Value::Bool(true)).expect("valid expectations");
        let mut sources = Sources::default();
        let file = sources.add("c.yaml", expect);
        let expect = yaml::parse(&sources, file, &mut Vec::new()).expect("the tests know YAML");
        in_force(&defaults, SAME, &expect, &[]).iter().map(Expectation::path).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn an_own_path_replaces_its_default_and_no_other() {
        let defaults = "{ passed: { above: 0 }, failures: 0, empty: { length: 0 } }";
        assert_eq!(left(defaults, "passed: { at_least: 2 }"), "failures empty");
        assert_eq!(left(defaults, "{ failures: { exists: true }, time: 3 }"), "passed empty");
        assert_eq!(left(defaults, "passedx: 1"), "passed failures empty");
    }

    #[test]
    fn a_path_above_or_below_replaces_it_too() {
        assert_eq!(left("replay.same_id: true", "replay: { exists: true }"), "");
        assert_eq!(left("tables: { length: 1 }", "tables[0].name: filter"), "");
        assert_eq!(left("replay.same_id: true", "replay.status: 200"), "replay.same_id");
    }

    #[test]
    fn a_path_of_the_same_fact_replaces_it() {
        for expect in ["row_count: 0", "rows: { length: 0 }", "rows[0].n: 1", "\"$.rows[*].n\": { every: 0 }"] {
            assert_eq!(left("{ holds: true, other: 1 }", expect), "other", "{expect}");
        }
    }

    #[test]
    fn a_json_path_over_everything_replaces_nothing() {
        for expect in ["$..error: { exists: false }", "\"$.*\": { length: 3 }"] {
            assert_eq!(left("{ holds: true, replay.same_id: true }", expect), "holds replay.same_id", "{expect}");
        }
    }
}
