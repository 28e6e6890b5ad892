//! Routes for health and versions that documents mention.

use super::facts::Facts;
use super::health;
use super::repository::{Repository, file_name};

/// Maximum number of documents.
const DOCUMENTS: usize = 40;
/// Maximum number of routes.
const ROUTES: usize = 40;

/// Adds the routes that the README and other documents mention.
pub fn read(repository: &mut Repository, facts: &mut Facts) {
    let is_document = |path: &str| {
        let name = file_name(path).to_ascii_lowercase();
        let is_near = path.matches('/').count() <= 2;
        is_near && name.ends_with(".md") && !name.contains("changelog") && !path.contains("release-notes")
    };
    let mut files = repository.paths(is_document);
    files.sort_by_key(|path| (path.matches('/').count(), !file_name(path).to_ascii_lowercase().starts_with("readme")));
    for path in files.into_iter().take(DOCUMENTS) {
        let Some(text) = repository.text(&path) else { continue };
        for (number, line) in text.lines().enumerate().filter(|(_, line)| line.len() < 1000) {
            for route in health::mentioned(line, &format!("{path}:{}", number + 1)) {
                let is_known = facts.routes.iter().any(|known| known.path == route.path && known.port == route.port);
                if !is_known && facts.routes.len() < ROUTES {
                    facts.routes.push(route);
                }
            }
        }
    }
}
