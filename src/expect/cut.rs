//! What of an observation was read only up to a limit, and is therefore known only in part.

use super::path::{Path, To};

/// Paths of an observation that were cut at a limit.
///
/// A text or list there is the beginning of the real one, a number is the least that it may be, and anything else is
/// not known at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
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
    /// Nothing: what is there may not be what the path means.
    Nothing,
}

impl Cut {
    /// These paths were read up to a limit, in words such as `only the first 1 MiB was read`. The setting raises it.
    pub fn new(paths: &[&str], read: impl Into<String>, setting: impl Into<Option<&'static str>>) -> Self {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        Self { paths, read: read.into(), setting: setting.into() }
    }

    /// How the path relates to what was cut. None if it has nothing to do with it.
    pub fn relation(&self, path: &Path) -> Option<Relation> {
        self.paths.iter().find_map(|cut| Relation::of(cut, path))
    }
}

/// How a path relates to one that was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// It is that path, holds it, or gathers values from below it.
    Partial,
    /// It leads from there to one value, by so many steps: how many steps the cut path has.
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
