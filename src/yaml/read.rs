//! A reader of types from the tree that finds every problem, not just the first.
//!
//! serde stops at the first error. So what was wrong is reported, cut out, and the rest is read again, until nothing more is
//! found. Right input is read once.

use std::collections::HashSet;

use serde::de::DeserializeOwned;

use crate::diagnostic::{Diagnostic, Lack, Span};

use super::de::NodeDeserializer;
use super::error::{Error, ErrorKind};
use super::reading::{Reading, Skipped};
use super::{Node, Value};

/// Maximum number of times that one part is read: each time reports one problem more, and takes as long as the part is
/// large.
const MAX_READINGS: usize = 100;

/// Reads a `T`. `None` when anything is wrong; then each problem has been reported, with its place. A hole is a problem.
pub fn read<T: DeserializeOwned>(node: &Node, problems: &mut Vec<Diagnostic>) -> Option<T> {
    read_all(node, Holes::Refused, problems)
}

/// Reports every problem that reading a `T` would meet, passing over what is not filled yet.
/// `Some` only if nothing is unresolved and nothing is wrong.
pub fn read_with_holes<T: DeserializeOwned>(node: &Node, problems: &mut Vec<Diagnostic>) -> Option<T> {
    read_all(node, Holes::Passed, problems)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Holes {
    Refused,
    Passed,
}

fn read_all<T: DeserializeOwned>(node: &Node, holes: Holes, problems: &mut Vec<Diagnostic>) -> Option<T> {
    let reading = Reading::default();
    if holes == Holes::Passed {
        // All in one go: there may be thousands.
        leave_out_holes(node, &mut reading.skipped.borrow_mut());
    }
    let mut is_whole = true;
    let mut readings = 0;
    let value = loop {
        readings += 1;
        let error = match T::deserialize(NodeDeserializer::new(node, &reading)) {
            Ok(value) => break Some(value),
            Err(error) => error,
        };
        is_whole = false;
        let skipped = error.place.map_or(Skipped::of(node), |place| place.skipped);
        if let (ErrorKind::Unresolved(_), Some(place)) = (&error.what, error.place) {
            reading.holes.borrow_mut().insert(place.span);
        }
        let is_explained =
            matches!(error.what, ErrorKind::Missing(field) if error.place.is_none() && reading.explains(node, field));
        if is_explained || is_left_open(&reading, &error, node) {
            // The missing part may be one that is not filled in yet.
        } else {
            reported(error, node, holes).into_iter().for_each(|problem| reading.found.borrow_mut().push(problem));
        }
        if readings == MAX_READINGS {
            let problem = Diagnostic::error("too many problems here: the others are not shown").at(node.span);
            reading.found.borrow_mut().push(problem);
            break None;
        }
        // The second is a guard: a node that was left out can't fail again.
        if skipped == Skipped::of(node) || !reading.skipped.borrow_mut().insert(skipped) {
            break None;
        }
    };
    let found = reading.found.into_inner().into_problems();
    let is_clean = found.is_empty() && reading.holes.borrow().is_empty();
    problems.extend(found);
    value.filter(|_| is_whole && is_clean)
}

/// Whether a rule is broken by a part in which something is not filled yet.
fn is_left_open(reading: &Reading, error: &Error, root: &Node) -> bool {
    if !matches!(
        error.what,
        ErrorKind::Wrong { .. } | ErrorKind::Misfit { .. } | ErrorKind::Mistyped { .. } | ErrorKind::Invalid(_)
    ) {
        return false;
    }
    let span = error.place.map_or(root.span, |place| place.span);
    let holes = reading.holes.borrow();
    holes.iter().any(|hole| hole.file == span.file && span.start < hole.start && hole.end <= span.end)
}

/// Leaves out every hole below a node. Where the node is one itself, the reader meets it.
fn leave_out_holes(node: &Node, skipped: &mut HashSet<Skipped>) {
    let mut leave_out = |node: &Node| match node.value {
        Value::Unresolved(_) => drop(skipped.insert(Skipped::of(node))),
        Value::Scalar(_) => {}
        Value::List(_) | Value::Map(_) => leave_out_holes(node, skipped),
    };
    node.elements().iter().for_each(&mut leave_out);
    node.entries().iter().for_each(|(_, node)| leave_out(node));
}

/// The problems of an error; none if it follows from a reported one.
fn reported(error: Error, root: &Node, holes: Holes) -> Vec<Diagnostic> {
    let span = error.place.map_or(root.span, |place| place.span);
    match error.what {
        ErrorKind::Consequence => Vec::new(),
        ErrorKind::Unresolved(_) if holes == Holes::Passed => Vec::new(),
        ErrorKind::Unresolved(paths) => unfilled(&paths, span),
        ErrorKind::Missing(field) => vec![Diagnostic::error(format!("`{field}` is missing")).at(span)],
        ErrorKind::Mistyped { expected, found } => {
            vec![Diagnostic::error(format!("expected {expected}, got {found}")).at(span)]
        }
        ErrorKind::Invalid(title) => vec![Diagnostic::error(title).at(span)],
        ErrorKind::Misfit { title, help } => {
            vec![Diagnostic::error(title).at(span).maybe_help(help).lacking(Lack::Form)]
        }
        ErrorKind::Wrong { title, help } => vec![Diagnostic::error(title).at(span).maybe_help(help)],
    }
}

/// The problems of references in one value that can't be filled: one for all variables that are not set.
fn unfilled(paths: &[String], span: Span) -> Vec<Diagnostic> {
    let mut unset: Vec<&str> = Vec::new();
    let mut problems = Vec::new();
    for path in paths {
        let why = match super::head(path) {
            ("env", name) => {
                unset.extend(Some(name).filter(|name| !unset.contains(name)));
                continue;
            }
            // In a base, checklists that extend it may provide the variable or the list.
            ("vars" | "each", _) => continue,
            ("secrets", _) => "only settings and expectations of probes can use a secret, as reports show the rest",
            _ => "its value is known only while probes run",
        };
        problems.push(Diagnostic::error(format!("`${{{path}}}` is not allowed here: {why}")).at(span));
    }
    let listed = |form: fn(&str) -> String| unset.iter().map(|name| form(name)).collect::<Vec<_>>().join(", ");
    let (names, defaults) = (listed(|name| format!("`{name}`")), listed(|name| format!("`${{env.{name}:-…}}`")));
    let (title, help) = match unset.len() {
        0 => return problems,
        1 => (format!("the environment variable {names} is not set, and its value is"), "set it, or give a default"),
        _ => (
            format!("the environment variables {names} are not set, and their values are"),
            "set them, or give defaults",
        ),
    };
    let title = format!("{title} needed before anything runs");
    problems.insert(0, Diagnostic::error(title).at(span).help(format!("{help}: {defaults}")));
    problems
}
