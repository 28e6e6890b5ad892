//! The fields of a JSON Schema, one per line, for people who write YAML.

use serde_json::Value;

/// A setting, or a part of an observation.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// Where it is, such as `tls.days_left` or `alerts[0].name`.
    pub path: String,
    /// Its type, such as `text` or `list of numbers`.
    pub kind: String,
    /// Whether it is required.
    pub is_required: bool,
    /// Its default as JSON, if its type has one.
    pub default: Option<String>,
    /// Its description, in one line that is safe in a table.
    pub description: String,
}

/// No settings are deeper; a recursive type would have no end.
const DEPTH: usize = 4;

/// The fields of a schema, each followed by those inside of it.
pub fn fields(root: &Value) -> Vec<Field> {
    let mut found = Vec::new();
    walk(root, root, "", DEPTH, &mut found);
    found
}

/// Text in one line that is safe in a table.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

fn walk(schema: &Value, root: &Value, prefix: &str, depth: usize, found: &mut Vec<Field>) {
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{prefix}{name}");
        let shape = resolved(field, root);
        let described = field["description"].as_str().or(shape["description"].as_str()).unwrap_or_default();
        let default = field.get("default").filter(|default| !is_empty_default(default)).map(ToString::to_string);
        found.push(Field {
            path: path.clone(),
            kind: words(field, root, true),
            is_required: required.contains(&name.as_str()),
            default,
            description: format!("{}{}", one_line(described), choices(shape)),
        });
        if depth == 0 {
            continue;
        }
        let inner = resolved(&shape["items"], root);
        if shape["properties"].is_object() {
            walk(shape, root, &format!("{path}."), depth - 1, found);
        } else if inner["properties"].is_object() {
            walk(inner, root, &format!("{path}[0]."), depth - 1, found);
        }
    }
}

/// Whether a default means the same as no value.
fn is_empty_default(default: &Value) -> bool {
    match default {
        Value::Null => true,
        Value::Array(all) => all.is_empty(),
        Value::Object(all) => all.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// The schema itself, where it is a reference or may be absent.
fn resolved<'s>(schema: &'s Value, root: &'s Value) -> &'s Value {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/definitions/")) {
        return resolved(&root["definitions"][name], root);
    }
    for key in ["allOf", "anyOf"] {
        let mut present = schema[key].as_array().into_iter().flatten().filter(|option| option["type"] != "null");
        if let (Some(only), None) = (present.next(), present.next()) {
            return resolved(only, root);
        }
    }
    schema
}

/// The type: of one value, or of several.
fn words(schema: &Value, root: &Value, is_one: bool) -> String {
    let schema = resolved(schema, root);
    let consts = constants(schema);
    if !consts.is_empty() {
        return consts.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ");
    }
    for key in ["anyOf", "oneOf"] {
        let options = schema[key].as_array().into_iter().flatten().filter(|option| option["type"] != "null");
        let mut options: Vec<String> = options.map(|option| words(option, root, is_one)).collect();
        options.dedup();
        if !options.is_empty() {
            return options.join(", or ");
        }
    }
    let types = match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(all) => all.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").collect(),
        _ => Vec::new(),
    };
    let words: Vec<String> = types.into_iter().map(|kind| word(kind, schema, root, is_one)).collect();
    if words.is_empty() { "anything".to_owned() } else { words.join(", or ") }
}

fn word(kind: &str, schema: &Value, root: &Value, is_one: bool) -> String {
    match (kind, is_one) {
        ("string", true) => "text".to_owned(),
        ("string", false) => "texts".to_owned(),
        ("integer", true) => "whole number".to_owned(),
        ("integer", false) => "whole numbers".to_owned(),
        ("number", true) => "number".to_owned(),
        ("number", false) => "numbers".to_owned(),
        ("boolean", _) => "`true` or `false`".to_owned(),
        ("array", _) => {
            let items = match &schema["items"] {
                Value::Array(each) => each.first().unwrap_or(&Value::Null),
                one => one,
            };
            format!("list of {}", words(items, root, false))
        }
        ("object", true) if schema["properties"].is_object() => "map".to_owned(),
        ("object", false) if schema["properties"].is_object() => "maps".to_owned(),
        ("object", _) if schema["additionalProperties"].is_object() => {
            format!("map of {}", words(&schema["additionalProperties"], root, false))
        }
        ("object", true) => "map".to_owned(),
        ("object", false) => "maps".to_owned(),
        (other, _) => other.to_owned(),
    }
}

/// The values of an enumeration, if it is one.
fn constants(schema: &Value) -> Vec<&str> {
    let listed = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let one_of = schema["oneOf"].as_array().into_iter().flatten();
    let mut found: Vec<&str> = listed.collect();
    for option in one_of {
        match (&option["const"], option["enum"].as_array()) {
            (Value::String(word), _) => found.push(word),
            (_, Some(words)) => found.extend(words.iter().filter_map(Value::as_str)),
            _ => return Vec::new(),
        }
    }
    found
}

/// The descriptions of the values of an enumeration.
fn choices(schema: &Value) -> String {
    let mut said = String::new();
    for option in schema["oneOf"].as_array().into_iter().flatten() {
        if let (Some(word), Some(meaning)) = (option["const"].as_str(), option["description"].as_str()) {
            said.push_str(&format!(" `{word}`: {}", one_line(meaning)));
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(schema: &Value) -> Vec<String> {
        let line = |field: Field| {
            let default = field.default.unwrap_or_else(|| if field.is_required { "!".into() } else { "-".into() });
            format!("{}: {} ({default}) {}", field.path, field.kind, field.description)
        };
        fields(schema).into_iter().map(line).collect()
    }

    #[test]
    fn every_shape_is_described_in_words() {
        let schema = json!({
            "required": ["url"],
            "properties": {
                "url": { "type": "string", "description": "Where\nit is: a|b." },
                "list": { "type": ["array", "null"], "items": { "type": "integer" }, "default": [] },
                "map": { "type": "object", "additionalProperties": { "type": "string" } },
                "write": { "type": "boolean", "default": false },
                "mode": { "description": "How.", "oneOf": [
                    { "const": "a", "description": "The first." }, { "const": "b" }] },
                "any": {},
            },
        });
        assert_eq!(
            shown(&schema),
            [
                r"url: text (!) Where it is: a\|b.",
                "list: list of whole numbers (-) ",
                "map: map of texts (-) ",
                "write: `true` or `false` (false) ",
                "mode: `a`, `b` (-) How. `a`: The first.",
                "any: anything (-) ",
            ]
        );
    }

    #[test]
    fn nested_fields_follow_with_their_path_and_recursion_ends() {
        let schema = json!({
            "properties": {
                "tls": { "anyOf": [{ "$ref": "#/definitions/Tls" }, { "type": "null" }] },
                "nodes": { "type": "array", "items": { "$ref": "#/definitions/Node" } },
            },
            "definitions": {
                "Tls": { "type": "object", "properties": { "days_left": { "type": "integer" } } },
                "Node": { "type": "object", "properties": { "next": { "$ref": "#/definitions/Node" } } },
            },
        });
        let shown = shown(&schema);
        assert_eq!(shown[..3], ["tls: map (-) ", "tls.days_left: whole number (-) ", "nodes: list of maps (-) "]);
        assert_eq!(shown.len(), 3 + DEPTH);
    }
}
