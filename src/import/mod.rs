//! A hand-written markdown checklist as a checklist in YAML, in which a tick is a claim until somebody looks.
//!
//! ```text
//! markdown ─► read: sections, task items, tables ─► understand: ids, needs, probes ─► write: YAML with remarks
//! ```

mod markdown;
mod probe;
mod tag;
#[cfg(test)]
mod tests;
mod understand;
mod write;

use std::path::Path;

/// Why a file could not be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusable {
    /// There is not one `- [ ] …` in it.
    NoItems,
}

/// The checklist of a markdown file as YAML. `file` is its path as the user named it; `name` is its title where it has
/// no heading of the first level.
///
/// # Errors
/// When it holds no task items.
pub fn import(file: &str, text: &str) -> Result<String, Unusable> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let document = markdown::read(text);
    if document.sections.iter().all(|section| section.tasks.is_empty()) {
        return Err(Unusable::NoItems);
    }
    let stem = Path::new(file).file_stem().map_or("Checklist".into(), |stem| stem.to_string_lossy());
    Ok(write::write(&understand::understand(document, file, &stem)))
}
