//! From trees back to text, for people to read.

use std::fmt::Write;

use super::template::Part;
use super::{Node, Value};

/// A JSON value as YAML.
pub fn write(value: &serde_json::Value) -> String {
    serde_yaml::to_string(value).expect("a JSON value can be written as YAML")
}

impl Node {
    /// The JSON that it means, with `${…}` where something is not filled yet.
    pub fn to_text_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Scalar(scalar) => match scalar.to_json() {
                serde_json::Value::String(text) => escaped(&text).into(),
                other => other,
            },
            Value::Unresolved(template) => {
                let mut text = String::new();
                push(&template.parts, &mut text);
                text.into()
            }
            Value::List(elements) => elements.iter().map(Node::to_text_json).collect(),
            Value::Map(entries) => {
                entries.iter().map(|(key, node)| (key.text.to_string(), node.to_text_json())).collect()
            }
        }
    }
}

/// Text that does not become a reference when it is read again.
fn escaped(text: &str) -> String {
    text.replace("${", "$${")
}

fn push(parts: &[Part], text: &mut String) {
    for part in parts {
        match part {
            Part::Text(part) => text.push_str(&escaped(part)),
            Part::Reference(reference) => {
                write!(text, "${{{}", reference.path).expect("a string takes all");
                reference.filters.iter().for_each(|filter| text.extend(["|", filter.name()]));
                if let Some(default) = &reference.default {
                    text.push_str(":-");
                    push(default, text);
                }
                text.push('}');
            }
        }
    }
}
