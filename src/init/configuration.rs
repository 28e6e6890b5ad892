//! Items for environment variables with secrets: they are set, and are not placeholders.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::dotenv::{is_deployed, is_secret};
use super::draft::{Draft, Part, Proposal, literal};
use super::facts::Facts;
use super::repository::{Repository, file_name, folder_of};

/// Maximum number of variables of a file.
const NAMES: usize = 60;

/// The variables of gate's environment that a probe of these items checks.
pub fn names(probe: &Value) -> impl Iterator<Item = &str> {
    probe["with"]["names"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// Adds an item for the secrets of every file that names some.
pub fn propose(repository: &Repository, facts: &Facts, draft: &mut Draft) {
    let mut files: BTreeMap<(usize, &str), Vec<&str>> = BTreeMap::new();
    for (name, file) in facts.names.iter().filter(|(name, _)| is_secret(name)) {
        files.entry((file.matches('/').count(), file)).or_default().push(name);
    }
    for ((_, file), mut names) in files {
        names.truncate(NAMES);
        let word = file_name(file).trim_start_matches('.');
        let words =
            if file.contains('/') { format!("secrets {}{word}", folder_of(file)) } else { "secrets".to_owned() };
        let id = draft.id(&words, Part::Configuration);
        let title = format!("Secrets named in {file} are set, and are not placeholders");
        let (probe, hint) = match is_deployed(file) {
            true => {
                let own = literal(&repository.setting(file));
                (json!({ "env": { "file": own, "names": names } }), format!("set them in {file}"))
            }
            false => (
                json!({ "use": "secrets-present", "with": { "names": names } }),
                "set them in the environment of gate, or give a file: `--env-file .env`".to_owned(),
            ),
        };
        let mut item = Proposal::new(Part::Configuration, id, title, file, vec![probe]);
        item.hint = Some(hint);
        draft.push(item);
    }
}
