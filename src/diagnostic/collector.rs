//! Collects problems; repeated ones are counted.

use std::collections::HashMap;

use super::{Diagnostic, Severity};

/// How many problems of one kind are shown: a file may repeat one mistake a million times.
pub const MAX_SHOWN: usize = 20;

/// Problems as they are found: of each kind the first [`MAX_SHOWN`] are kept, and the others counted.
#[derive(Debug, Default)]
pub struct Collector {
    problems: Vec<Diagnostic>,
    /// How many of each kind are kept, and where the last one is.
    kinds: HashMap<(Severity, String), (usize, usize)>,
}

impl Collector {
    /// Keeps or counts a problem.
    pub fn push(&mut self, problem: Diagnostic) {
        let (kept, last) = self.kinds.entry((problem.severity, problem.kind())).or_default();
        if *kept < MAX_SHOWN {
            (*kept, *last) = (*kept + 1, self.problems.len());
            self.problems.push(problem);
        } else {
            let more = &mut self.problems[*last].more;
            *more = more.saturating_add(problem.more).saturating_add(1);
        }
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// The problems that are kept, in order.
    pub fn into_problems(self) -> Vec<Diagnostic> {
        self.problems
    }
}
