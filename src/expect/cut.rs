//! Parts of an observation that were read only up to a limit.

use super::path::{Path, To};

/// Paths of an observation that were cut at a limit.
///
/// A text or list there is the beginning of the real one, a number is a lower bound, and anything else is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truncation {
    /// The paths, such as `body` and `json`.
    pub paths: Vec<String>,
    /// How far it was read: `only the first 1 MiB was read`.
    pub read: String,
    /// The setting that raises the limit, such as `max_body`. None where the limit is fixed.
    pub setting: Option<&'static str>,
}

/// How much of the value at a path is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// Only its beginning.
    Part,
    /// Nothing: the value there may not be the one that the path means.
    Nothing,
}

impl Truncation {
    /// These paths were read up to a limit, described as `only the first 1 MiB was read`. The setting raises it.
    pub fn new(paths: &[&str], read: impl Into<String>, setting: impl Into<Option<&'static str>>) -> Self {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        Self { paths, read: read.into(), setting: setting.into() }
    }

    /// The relation of the path to the part that was cut. None if there is none.
    pub fn relation(&self, path: &Path) -> Option<Relation> {
        self.paths.iter().find_map(|cut| Relation::of(cut, path))
    }
}

/// How a path relates to one that was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// It is that path, contains it, or collects values from below it.
    Partial,
    /// It leads from there to one value, after this number of steps: those of the cut path.
    Below(usize),
    /// It counts from an end that was not read.
    FromEnd,
}

impl Relation {
    fn of(cut: &str, path: &Path) -> Option<Self> {
        let steps: Vec<&str> = cut.split('.').collect();
        let is_same = |(name, step): (&&str, &super::path::Step)| matches!(&step.to, To::Field(field) if field == name);
        if !steps.iter().zip(&path.steps).all(is_same) {
            return None;
        }
        let below = path.steps.get(steps.len()..).unwrap_or_default();
        if path.counts_from_end() || below.iter().any(|step| matches!(step.to, To::Index(index) if index < 0)) {
            return Some(Self::FromEnd);
        }
        Some(if below.is_empty() || path.branches() { Self::Partial } else { Self::Below(steps.len()) })
    }
}
