//! References to observations, such as `${main.commit}`: the part after the alias is a path in the observation.

use serde_json::Value;

use crate::diagnostic::{Diagnostic, Span};
use crate::yaml::Key;

use super::path::Path;

/// The problem of a path in an observation of this JSON Schema; None if it may lead somewhere. An empty path is the
/// whole observation.
pub fn astray(path: &str, span: Span, schema: &Value) -> Option<Diagnostic> {
    if path.is_empty() {
        return None;
    }
    let key = Key { span, text: path.into() };
    match Path::read(&key) {
        Ok(path) => super::shape_at(&path, &key, schema).err().map(|problem| *problem),
        Err(problem) => Some(*problem),
    }
}

/// The value at the path of an observation.
///
/// # Errors
/// When there is none: a message.
pub fn take(path: &str, observation: &Value) -> Result<Value, String> {
    if path.is_empty() {
        return Ok(observation.clone());
    }
    let key = Key { span: Span::default(), text: path.into() };
    let path = Path::read(&key).map_err(|problem| problem.title().to_owned())?;
    path.find(observation).map(std::borrow::Cow::into_owned).map_err(|missing| missing.words(&path.text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{astray, take};
    use crate::diagnostic::Span;

    #[test]
    fn a_reference_takes_the_value_at_its_path() {
        let seen = json!({"status": 200, "json": {"ids": ["a", "b"]}});
        assert_eq!(take("json.ids[1]", &seen), Ok(json!("b")));
        assert_eq!(take("", &seen), Ok(seen.clone()));
        assert_eq!(take("json.name", &seen), Err("json.name: not found (json has ids)".to_owned()));
    }

    #[test]
    fn a_field_that_there_cannot_be_is_found_before_the_run() {
        let schema = json!({"type": "object", "properties": {"status": {"type": "integer"}}});
        assert!(astray("status", Span::default(), &schema).is_none());
        let problem = astray("stauts", Span::default(), &schema).expect("the field is unknown");
        assert_eq!(problem.title(), "unknown field `stauts`");
    }
}
