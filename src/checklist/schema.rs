//! The JSON Schema of a checklist, by which editors complete and explain it.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::expect;
use crate::probe::KINDS;

use super::file::{FileCheck, FileChecklist, FileProbe, FileUse};

/// The schema of a checklist, as of draft 7.
pub fn schema() -> Value {
    finished(SchemaSettings::draft07().into_generator().into_root_schema_for::<FileChecklist>().to_value())
}

/// The schema of a check, as of draft 7.
pub fn check_schema() -> Value {
    finished(SchemaSettings::draft07().into_generator().into_root_schema_for::<FileCheck>().to_value())
}

/// An entry of `probes`: one kind with its settings, or the use of a check.
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
        let mut properties = Map::new();
        for kind in KINDS {
            properties.insert(kind.name.to_owned(), json!({ "$ref": format!("#/definitions/{}", kind.name) }));
        }
        properties.extend(definition(&uses, generator));
        properties.extend(definition(&options, generator));
        let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).chain(["use"]).collect();
        let one: Vec<Value> = names.iter().map(|name| json!({ "required": [name] })).collect();
        Schema::try_from(json!({
            "type": "object",
            "description": "A way to look at one thing: its kind with the settings, or `use` of a check.",
            "properties": properties,
            "additionalProperties": false,
            "oneOf": one,
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
            "description": "What must stand at each path of the observation.",
            "additionalProperties": { "$ref": "#/definitions/matcher" },
            "minProperties": 1,
        }))
        .expect("it is an object")
    }
}

/// The schema with the kinds' settings, in each of which a `${…}` may stand for a value.
fn finished(mut schema: Value) -> Value {
    let mut definitions = schema["definitions"].take().as_object().cloned().unwrap_or_default();
    for kind in KINDS {
        let mut settings = (kind.settings)();
        if let Some(own) = settings.as_object_mut().and_then(|settings| settings.remove("definitions")) {
            definitions.extend(own.as_object().cloned().unwrap_or_default());
        }
        if let Some(settings) = settings.as_object_mut() {
            settings.remove("$schema");
            settings.remove("title");
        }
        definitions.insert(kind.name.to_owned(), settings);
    }
    definitions.insert("matcher".to_owned(), expect::json_schema());
    schema["definitions"] = Value::Object(definitions);
    let_references(&mut schema);
    schema
}

/// Lets `"${…}"` stand where a number or a bool is wanted.
fn let_references(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            let wants = map.get("type").map(|kind| match kind {
                Value::String(one) => vec![one.clone()],
                Value::Array(all) => all.iter().filter_map(|one| one.as_str().map(ToOwned::to_owned)).collect(),
                _ => Vec::new(),
            });
            if let Some(mut wants) = wants
                && wants.iter().any(|one| matches!(one.as_str(), "integer" | "number" | "boolean"))
                && !wants.iter().any(|one| one == "string")
                && map.get("enum").is_none()
            {
                wants.push("string".to_owned());
                map.insert("type".to_owned(), wants.into());
                map.entry("pattern").or_insert_with(|| r"\$\{".into());
            }
            map.values_mut().for_each(let_references);
        }
        Value::Array(all) => all.iter_mut().for_each(let_references),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
