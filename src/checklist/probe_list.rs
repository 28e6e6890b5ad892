//! The probes in a list of an item: each is a kind, or the use of a check.

use std::slice;

use crate::diagnostic::{Diagnostic, Sources, closest};
use crate::yaml::{Key, Node, Value};

use super::check::Checks;
use super::credential::{Credential, credentials};
use super::kind_info::KindCache;
use super::probe::{self, Named, named};
use super::references::ReferenceScope;
use super::{ProbeTask, Timing};

/// The key of what runs after the probes of an item.
pub const CLEANUP: &str = "cleanup";

/// Reads the probes of an item.
pub struct ProbeReader<'r, 'a> {
    /// The checks that they may use.
    pub checks: &'r mut Checks<'a>,
    /// The kinds of probes, cached.
    pub kinds: &'r mut KindCache<'a>,
    /// The texts of the checks.
    pub sources: &'r mut Sources,
    /// The credentials in their settings.
    pub credentials: &'r mut Vec<Credential>,
    /// The problems found so far.
    pub problems: &'r mut Vec<Diagnostic>,
}

impl ProbeReader<'_, '_> {
    /// The probes of `probes`, which is a list.
    pub fn list(&mut self, list: &Node, timing: Timing, scope: &mut ReferenceScope) -> Vec<ProbeTask> {
        if !matches!(list.value, Value::List(_)) {
            let title = format!("`probes` must be a list, not {}", list.kind());
            self.problems.push(Diagnostic::error(title).at(list.span).help("begin each probe with `- `"));
        }
        // A probe without its dash has mistakes of its own.
        let kinds = || self.kinds.registry.names().chain(["use"]);
        let is_probe = |(key, _): &(Key, Node)| closest(&key.text, kinds()).is_some();
        let probes = if list.entries().iter().any(is_probe) { slice::from_ref(list) } else { list.elements() };
        self.each(probes, timing, scope)
    }

    /// The probes of `cleanup`, which is a probe or a list of them.
    pub fn cleanup(&mut self, cleanup: &Node, timing: Timing, scope: &mut ReferenceScope) -> Vec<ProbeTask> {
        match &cleanup.value {
            Value::List(elements) => self.each(elements, timing, scope),
            Value::Map(_) => self.each(slice::from_ref(cleanup), timing, scope),
            Value::Scalar(_) if cleanup.is_null() => Vec::new(),
            Value::Scalar(_) | Value::Unresolved(_) => {
                let title = format!("`{CLEANUP}` must be a probe or a list of probes, not {}", cleanup.kind());
                let problem = Diagnostic::error(title).at(cleanup.span);
                self.problems.push(problem.help("such as `cleanup: { http: { method: DELETE, url: … } }`"));
                Vec::new()
            }
        }
    }

    fn each(&mut self, probes: &[Node], timing: Timing, scope: &mut ReferenceScope) -> Vec<ProbeTask> {
        let mut read = Vec::with_capacity(probes.len());
        for probe in probes {
            match named(probe, self.kinds.registry, self.problems) {
                Some(Named::Kind(kind, key, settings)) => {
                    read.extend(probe::read((kind, key, settings), probe, timing, scope, self.kinds, self.problems));
                }
                Some(Named::Use(_)) => {
                    let expanded = self.checks.expand(probe, timing, scope, self.kinds, self.sources, self.problems);
                    // An input may be called anything: what it fills says what it is.
                    for task in expanded {
                        self.credentials.extend(credentials(task.settings.node()));
                        read.push(task);
                    }
                }
                None => {}
            }
        }
        read
    }
}
