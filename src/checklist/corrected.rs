//! Reads a checklist, and again with the keys that were probably meant: so all of its mistakes are reported at once.

use crate::diagnostic::{Diagnostic, MAX_SHOWN};
use crate::env::Env;
use crate::probe::Registry;

use super::Found;
use super::load::{Loaded, Overrides, load_as};
use super::meant::Meant;

/// How often a checklist is read again with the keys that were probably meant: each may be below another. After many
/// mistakes, it is not.
const MAX_CORRECTIONS: usize = 8;

/// Reads a checklist, fills in known values, and checks everything that can be checked before a run. What is below a
/// misspelled key is checked as if the key were right.
pub fn load(found: Found, overrides: &Overrides, env: &Env, registry: &Registry) -> Loaded {
    let mut meant = Meant::default();
    let mut misspelled: Vec<Diagnostic> = Vec::new();
    for _ in 0..MAX_CORRECTIONS {
        let loaded = load_as(found.clone(), &meant, overrides, env, registry);
        let new = meant.add(&loaded.problems);
        if new.is_empty() || misspelled.len() + new.len() >= MAX_SHOWN {
            return with(misspelled, loaded);
        }
        misspelled.extend(new);
    }
    with(misspelled, load_as(found, &meant, overrides, env, registry))
}

/// The same with the problems of misspelled keys.
fn with(mut misspelled: Vec<Diagnostic>, mut loaded: Loaded) -> Loaded {
    let problems = &mut loaded.problems.0;
    let is_same = |one: &Diagnostic, other: &Diagnostic| one.span() == other.span() && one.title() == other.title();
    // A word that is not the key of a map is reported again.
    misspelled.retain(|problem| !problems.iter().any(|other| is_same(problem, other)));
    if !misspelled.is_empty() {
        loaded.checklist = None;
        problems.extend(misspelled);
    }
    loaded
}
