//! Items for runbooks: each has its sections, and none of them is empty.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::json;

use crate::probe::file::headings;

use super::draft::{Draft, Part, Proposal, literal};
use super::repository::{Repository, file_name};

/// Maximum number of runbooks that become items.
const RUNBOOKS: usize = 20;
/// Maximum number of sections of each.
const CHAPTERS: usize = 12;

static RUNBOOK: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:run-?_?books?|play-?_?books?|on-?_?call|incident-response|disaster-recovery).*\.md$")
        .expect("it is well formed")
});

/// Adds an item for every runbook.
pub fn propose(repository: &mut Repository, draft: &mut Draft) {
    let is_runbook = |path: &str| RUNBOOK.is_match(path) && !file_name(path).eq_ignore_ascii_case("readme.md");
    for path in repository.paths(is_runbook).into_iter().take(RUNBOOKS) {
        let Some(text) = repository.text(&path) else { continue };
        let found = headings(&text).all;
        // The first one is the title.
        let chapters: Vec<String> = found.iter().skip(1).take(CHAPTERS).map(|heading| literal(heading)).collect();
        let own = literal(&repository.setting(&path));
        let probe = match chapters.is_empty() {
            true => json!({ "file": { "path": own } }),
            false => json!({ "use": "runbook", "with": { "path": own, "chapters": chapters } }),
        };
        let id = draft.id(&format!("runbook {}", file_name(&path).trim_end_matches(".md")), Part::Runbooks);
        let title = format!("Runbook {path} is complete");
        draft.push(Proposal::new(Part::Runbooks, id, title, path, vec![probe]));
    }
}
