//! The description of a check: its purpose, its inputs and its probes.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use crate::diagnostic::{Diagnostics, Sources};
use crate::probe::Registry;
use crate::yaml;

use super::check::Checks;
use super::file::{FileCheck, FileInput};
use super::kind_info::KindCache;

/// A valid check.
#[derive(Debug)]
pub struct Described {
    /// Its name: `http-health` for `checks/http-health.yaml`.
    pub name: String,
    /// Its file, as messages name it.
    pub file: String,
    /// Whether it is one of the user's own.
    pub is_own: bool,
    /// Its purpose.
    pub description: String,
    /// Its inputs, in order.
    pub inputs: Vec<DescribedInput>,
    /// The kinds of its probes, in order and each once.
    pub kinds: Vec<String>,
    /// Its whole text.
    pub text: String,
}

/// An input of a check.
#[derive(Debug)]
pub struct DescribedInput {
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// Its default. An input without one is required.
    pub default: Option<Value>,
    /// An example value.
    pub example: Option<Value>,
}

/// The names of every check: those in this folder's `checks/`, and the built-in library.
pub fn check_names(root: &Path) -> Vec<String> {
    Checks::new(root, root).names()
}

/// The names of the checks in this folder's `checks/`.
pub fn own_check_names(root: &Path) -> Vec<String> {
    Checks::new(root, root).own_names()
}

/// The check of this name: the user's own, if there is one, or else the built-in one.
///
/// # Errors
/// When it is missing, or not valid.
pub fn describe(
    name: &str,
    root: &Path,
    cwd: &Path,
    registry: &Registry,
) -> Result<Described, (Diagnostics, Arc<Sources>)> {
    let mut sources = Sources::default();
    let mut problems = Vec::new();
    let mut checks = Checks::new(root, cwd);
    let found = checks.text(name).map_err(|problem| (problem.into(), Arc::default()))?;
    let (file, text) = found.clone();
    checks.check(name, found, &mut KindCache::new(registry), &mut sources, &mut problems);
    let at = sources.add(file.as_str(), text.as_str());
    let root = yaml::parse(&sources, at, &mut Vec::new());
    let read = root.as_ref().and_then(|root| yaml::read::<FileCheck>(root, &mut Vec::new()));
    let (Some(root), Some(read), true) = (root, read, problems.is_empty()) else {
        return Err((Diagnostics(problems), Arc::new(sources)));
    };
    let inputs = root.get("inputs").map(yaml::Node::entries).unwrap_or_default().iter();
    let inputs = inputs.filter_map(|(key, node)| {
        let input = yaml::read::<FileInput>(node, &mut Vec::new())?;
        Some(DescribedInput {
            name: key.text.to_string(),
            description: input.description,
            default: input.default.map(|node| node.to_text_json()),
            example: input.example.map(|node| node.to_text_json()),
        })
    });
    let mut kinds: Vec<String> = Vec::new();
    for probe in read.probes.elements() {
        let named = registry.names().find(|name| probe.get(name).is_some()).map(ToOwned::to_owned);
        kinds.extend(named.filter(|name| !kinds.contains(name)));
    }
    let is_own = checks.own_names().iter().any(|own| own == name);
    Ok(Described {
        name: name.to_owned(),
        file,
        is_own,
        description: read.description,
        inputs: inputs.collect(),
        kinds,
        text,
    })
}
