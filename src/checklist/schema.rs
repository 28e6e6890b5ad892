//! The JSON Schema of a checklist, for completion and documentation in editors.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::expect;
use crate::probe::Registry;

use super::file::{FileCheck, FileChecklist};

/// The schema of a checklist (draft 7).
pub fn schema(registry: &Registry) -> Value {
    let schema = SchemaSettings::draft07().into_generator().into_root_schema_for::<FileChecklist>().to_value();
    let mut schema = finished(schema, registry);
    // A base may provide the title, also of a section.
    let parts = [(&["title", "sections"][..], "extends", None), (&["title"][..], "id", Some("Section"))];
    for (required, instead, definition) in parts {
        let part = match definition {
            Some(name) => &mut schema["definitions"][name],
            None => &mut schema,
        };
        if let Some(part) = part.as_object_mut() {
            part.remove("required");
            part.insert("anyOf".to_owned(), json!([{ "required": required }, { "required": [instead] }]));
        }
    }
    schema
}

/// The schema of a check (draft 7).
pub fn check_schema(registry: &Registry) -> Value {
    finished(SchemaSettings::draft07().into_generator().into_root_schema_for::<FileCheck>().to_value(), registry)
}

/// The schema with the settings of all kinds; each of these may be a `${…}`.
fn finished(mut schema: Value, registry: &Registry) -> Value {
    let mut definitions = schema["definitions"].take().as_object().cloned().unwrap_or_default();
    let mut properties = Map::new();
    for kind in registry.iter() {
        properties.insert(kind.name().to_owned(), json!({ "$ref": format!("#/definitions/{}", kind.name()) }));
        let mut settings = kind.settings();
        if let Some(own) = settings.as_object_mut().and_then(|settings| settings.remove("definitions")) {
            definitions.extend(own.as_object().cloned().unwrap_or_default());
        }
        if let Some(settings) = settings.as_object_mut() {
            settings.remove("$schema");
            settings.remove("title");
        }
        definitions.insert(kind.name().to_owned(), settings);
    }
    if let Some(probe) = definitions.get_mut("Probe") {
        properties.extend(probe["properties"].as_object().cloned().unwrap_or_default());
        probe["properties"] = Value::Object(properties);
        probe["oneOf"] = registry.names().chain(["use"]).map(|name| json!({ "required": [name] })).collect();
    }
    definitions.insert("matcher".to_owned(), expect::json_schema());
    schema["definitions"] = Value::Object(definitions);
    let_references(&mut schema);
    schema
}

/// Allows `"${…}"` in place of a number or bool.
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
