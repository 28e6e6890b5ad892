//! Items for the migrations of Alembic.

use serde_json::{Value, json};

use super::database;
use super::draft::{Draft, Part, Proposal, literal};
use super::facts::Facts;
use super::repository::{Repository, file_name};

/// Maximum number of configurations.
const CONFIGURATIONS: usize = 20;

/// Adds an item for every `alembic.ini`.
pub fn propose(repository: &mut Repository, facts: &Facts, draft: &mut Draft) {
    let files = repository.paths(|path| file_name(path) == "alembic.ini");
    for path in files.into_iter().take(CONFIGURATIONS) {
        if !repository.text(&path).is_some_and(|text| text.lines().any(|line| line.starts_with("script_location"))) {
            continue;
        }
        let known = draft.databases.first().map(|database| (database.settings.clone(), Some(database.item.clone())));
        let url = database::sql_url(facts).map(|(name, from)| (name.to_owned(), from.to_owned()));
        let (mut settings, need, is_known) = match (known, url) {
            (Some((settings, need)), _) => (settings, need, true),
            (None, Some((name, from))) => {
                let secret = draft.secret(&name, &from);
                ([("url".to_owned(), Value::from(secret))].into_iter().collect(), None, true)
            }
            (None, None) => {
                let secret = draft.secret("DATABASE_URL", "TODO: the URL of the database that Alembic migrates");
                ([("url".to_owned(), Value::from(secret))].into_iter().collect(), None, false)
            }
        };
        settings.insert("config".to_owned(), literal(&repository.setting(&path)).into());
        let id = draft.id(&format!("{} migrations", path.trim_end_matches("alembic.ini")), Part::Database);
        let title = format!("Database: Alembic at head ({path})");
        let probe = json!({ "alembic": settings });
        let mut item = Proposal::new(Part::Database, id, title, &path, vec![probe]).needs(need);
        item.hint = Some(format!("alembic -c {path} upgrade head"));
        draft.push(if is_known { item } else { item.doubtful("no file says where the database is: set DATABASE_URL") });
    }
}
