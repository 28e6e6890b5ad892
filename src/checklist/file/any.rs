//! Schemas of parts of a checklist that are read later, or that may have several forms.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::yaml::Node;

use super::super::merge::CHANGEABLE;
use super::{FileItem, FileProbe, FileUse};

/// An entry of `probes`: one kind with its settings, or the use of a check. `schema` adds the kinds of the registry.
pub struct AnyProbe;

impl JsonSchema for AnyProbe {
    fn schema_name() -> Cow<'static, str> {
        "Probe".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let options = generator.subschema_for::<FileProbe>();
        let uses = generator.subschema_for::<FileUse>();
        let definition = |schema: &Schema, generator: &SchemaGenerator| -> Map<String, Value> {
            let name = schema.as_value()["$ref"].as_str().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
            generator.definitions()[name]["properties"].as_object().cloned().unwrap_or_default()
        };
        let mut properties = definition(&uses, generator);
        properties.extend(definition(&options, generator));
        Schema::try_from(json!({
            "type": "object",
            "description": "One probe: a kind with its settings, or `use` of a check.",
            "properties": properties,
            "additionalProperties": false,
        }))
        .expect("it is an object")
    }
}

/// The value of `extends`.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub enum OneOrMore {
    /// One.
    One(String),
    /// Several, in order: later ones take precedence.
    More(Vec<String>),
}

/// The value of `cleanup`.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub enum OneProbeOrMore {
    /// One.
    One(AnyProbe),
    /// Several, in order.
    More(Vec<AnyProbe>),
}

/// The value of `each`: a list, or a reference to one.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub enum EachList {
    /// A reference, such as `${vars.services}`.
    Reference(String),
    /// Texts, or maps with a `name`.
    List(Vec<Node>),
}

/// The value of `allowed_signers`.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub enum FileOrByRole {
    /// A file for every role.
    File(String),
    /// A file for each role.
    ByRole(std::collections::BTreeMap<String, String>),
}

/// Changes of an item of a base.
pub struct ItemChanges;

impl JsonSchema for ItemChanges {
    fn schema_name() -> Cow<'static, str> {
        "ItemChanges".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let items = generator.subschema_for::<FileItem>();
        let name = items.as_value()["$ref"].as_str().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
        let all = generator.definitions()[name]["properties"].as_object().cloned().unwrap_or_default();
        let of_item = |(key, schema): (String, Value)| {
            let description = schema["description"].clone();
            let is_changeable = CHANGEABLE.contains(&key.as_str());
            is_changeable.then(|| (key, json!({ "description": description, "anyOf": [schema, { "type": "null" }] })))
        };
        let properties: Map<String, Value> = all.into_iter().filter_map(of_item).collect();
        Schema::try_from(json!({
            "type": "object",
            "description": "What is different in this checklist from the item of the base; `null` removes a setting.",
            "properties": properties,
            "additionalProperties": false,
            "minProperties": 1,
        }))
        .expect("it is an object")
    }
}

/// The value of `expect`.
pub struct AnyExpect;

impl JsonSchema for AnyExpect {
    fn schema_name() -> Cow<'static, str> {
        "Expect".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        Schema::try_from(json!({
            "type": "object",
            "description": "The expected value, or operators, for each path of the observation.",
            "additionalProperties": { "$ref": "#/definitions/matcher" },
            "minProperties": 1,
        }))
        .expect("it is an object")
    }
}
