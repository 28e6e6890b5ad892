//! A hand-written markdown checklist as a checklist in YAML, in which a tick is a claim until a probe checks it.
//!
//! ```text
//! markdown ─► outline: blocks ─► read: sections, boxes, tables ─► understand: items ─► link: needs ─► write: YAML
//! ```

mod credential;
mod gap;
mod ids;
mod link;
mod mark;
mod markdown;
mod outline;
mod person;
mod probe;
mod source;
mod sure;
mod table;
mod tag;
mod task;
#[cfg(test)]
mod tests;
mod understand;
mod write;

use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

use credential::Replaced;

pub use ids::Ids;

/// A reference to a variable without a default, or to a secret.
static VARIABLE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\$\{(?:env|secrets)\.(\w+)\}").expect("it is well formed"));

/// Why a file could not be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusable {
    /// It has neither boxes nor lists.
    NoItems,
}

/// A file that was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The checklist.
    pub yaml: String,
    /// Lines that have no place in the checklist, each with its place in the file.
    pub left_out: Vec<String>,
    /// The environment variables that its items need, comments aside.
    pub variables: Vec<String>,
}

/// The checklist of a markdown file as YAML. `file` is its path as the user named it; `name` is its title if it has
/// no heading of the first level. With `bullets`, list items without a box count, too; they always do in a file
/// without any box.
///
/// # Errors
/// When it holds no items.
pub fn import(file: &str, text: &str, bullets: bool) -> Result<Import, Unusable> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (text, replaced) = credential::hidden(text);
    let mut document = markdown::read(&text, bullets);
    if document.sections.iter().all(|section| section.tasks.is_empty()) {
        return Err(Unusable::NoItems);
    }
    let cut = std::mem::take(&mut document.left_out).into_iter().map(|(line, words)| {
        format!("{file}:{line}: nothing follows this heading, or it is too long to repeat: {words}")
    });
    let hidden = replaced.into_iter().map(|Replaced { line, what }| {
        format!("{file}:{line}: {what} was replaced by `***`: keep it out of the list, and name it in `secrets:`")
    });
    let left_out = hidden.chain(cut).collect();
    let stem = Path::new(file).file_stem().map_or("Checklist".into(), |stem| stem.to_string_lossy());
    let mut imported = understand::understand(document, file, &stem);
    if imported.items().next().is_none() {
        return Err(Unusable::NoItems); // known gaps alone are not a checklist
    }
    link::link(&mut imported);
    let yaml = write::write(&imported);
    Ok(Import { variables: variables(&yaml), yaml, left_out })
}

/// The variables and secrets that lines of a checklist refer to, once each, without its comments.
fn variables(yaml: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in yaml.lines().filter(|line| !line.trim_start().starts_with('#')) {
        for reference in VARIABLE.captures_iter(line) {
            let name = reference[1].to_owned();
            if !found.contains(&name) {
                found.push(name);
            }
        }
    }
    found
}
