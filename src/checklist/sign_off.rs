//! Rules for what a sign-off must cover and how long it may be valid, checked before anything runs.

use crate::diagnostic::Diagnostic;

use super::file::FileItem;

/// The context of a sign-off.
#[derive(Debug, Clone, Copy)]
pub struct Around {
    /// Whether the item has probes.
    pub has_probes: bool,
    /// Whether the checklist has a subject, so that a sign-off ends with the release.
    pub has_subject: bool,
    /// How many items its `needs` resolve to.
    pub covered: usize,
}

/// The problems of an item's `sign_off` and `manual`.
pub fn check(item: &FileItem, around: Around) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    if let Some(manual) = &item.manual {
        let error = |title: &str| Diagnostic::error(title).at(manual.span);
        if manual.value.trim().is_empty() {
            problems.push(error("`manual` is empty").help("describe the steps that a person does"));
        }
        if around.has_probes {
            let problem = error("an item has probes or is manual, not both");
            problems.push(problem.help("make it two items; the manual one can have the other in its `needs`"));
        } else if item.sign_off.is_none() {
            let problem = error("a manual item needs a `sign_off`");
            problems.push(problem.help("add a `sign_off`, such as `sign_off: { role: QA lead, valid_for: 7d }`"));
        }
    }
    let Some(sign_off) = &item.sign_off else { return problems };
    let error = |title: &str| Diagnostic::error(title).at(sign_off.span);
    if around.has_probes && item.manual.is_none() {
        let problem = error("an item has probes or a sign-off, not both");
        problems.push(problem.help("make it two items; list the other in the sign-off's `needs`"));
    } else if item.manual.is_none() && around.covered == 0 {
        let problem = error("this sign-off covers nothing");
        problems.push(problem.help(
            "list the items and sections that it covers in `needs`, or describe in `manual` what the person does",
        ));
    }
    if !around.has_subject && sign_off.value.valid_for.is_none() {
        let problem = error("this sign-off would never expire: the checklist has no `subject`");
        problems.push(problem.help("add `valid_for: 7d` to it, or `subject: ${env.RELEASE}` to the checklist"));
    }
    problems
}
