//! Names that a checklist gives: to items, sections, tags, and to what probes saw.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

/// Letters, digits, `-` and `_`, so that it can stand in a path, on a command line and in a markdown anchor.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(pub String);

impl std::ops::Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let is_fine = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if is_fine && !text.is_empty() && !text.starts_with('-') {
            return Ok(Self(text));
        }
        Err(de::Error::custom(format!(
            "`{text}` is no name: it has letters, digits, `-` and `_`, and does not begin with `-`"
        )))
    }
}

impl JsonSchema for Name {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Name".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Za-z0-9_][A-Za-z0-9_-]*$" })
    }
}
