//! Names in a checklist: of items, sections, tags and observations.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

/// Letters, digits, `-` and `_`, so that it can be used in a path, on a command line and in a Markdown anchor.
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
            "invalid name `{text}`: use letters, digits, `-` and `_`; it must not begin with `-`"
        )))
    }
}

/// The id of an item: a name; for an item made from a list, followed by `/` and the name of its element. Only `each`
/// makes those: such an id in a file has been refused before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemId(pub String);

impl std::fmt::Display for ItemId {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ItemId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let name = text.split_once('/').map_or(text.as_str(), |(name, _)| name);
        Name::deserialize(de::value::StrDeserializer::new(name))?;
        Ok(Self(text))
    }
}

impl JsonSchema for ItemId {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ItemId".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Name::json_schema(generator)
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
