//! The operators of expectations, for the manual, editors and the parser.

use serde_json::{Value, json};

/// An operator, as in the manual.
#[derive(Debug, Clone, Copy)]
pub struct Operator {
    /// Its name.
    pub name: &'static str,
    /// A description of the operator, in a sentence or two.
    pub doc: &'static str,
    /// How it is used.
    pub example: &'static str,
    /// Its argument.
    pub takes: Takes,
}

/// The argument of an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Any value.
    Anything,
    /// Several values.
    Several,
    /// A value or several.
    Parts,
    /// Another matcher.
    Matcher,
    /// A number or an RFC 3339 timestamp.
    Limit,
    /// Text.
    Text,
    /// A regular expression.
    Regex,
    /// `true` or `false`.
    Bool,
    /// A duration.
    Duration,
    /// A range of versions.
    Range,
}

const fn operator(name: &'static str, takes: Takes, example: &'static str, doc: &'static str) -> Operator {
    Operator { name, doc, example, takes }
}

/// Every operator.
pub static OPERATORS: &[Operator] = &[
    operator(
        "equals",
        Takes::Anything,
        "by_status: { equals: { \"200\": 60, \"429\": 5 } }",
        "Is this value. 1 equals 1.0, a list equals in order, a map equals key by key with none left over. \
         A bare value means the same: `status: 200`.",
    ),
    operator(
        "not",
        Takes::Matcher,
        "role: { not: replica }",
        "Exists, and does not match the operators inside. A value that can't be compared fails, too.",
    ),
    operator("one_of", Takes::Several, "status: { one_of: [200, 204] }", "Is one of these values."),
    operator("at_least", Takes::Limit, "dashboards.count: { at_least: 4 }", "Is at least this number or time."),
    operator("at_most", Takes::Limit, "latency_ms: { at_most: 500 }", "Is this number or time, or a smaller one."),
    operator("above", Takes::Limit, "rows: { above: 0 }", "Is a greater number or a later time."),
    operator("below", Takes::Limit, "status: { below: 300 }", "Is a smaller number or an earlier time."),
    operator(
        "contains",
        Takes::Parts,
        "dashboards.titles: { contains: [AOS Traces, Basic] }",
        "Contains this: a part of a text, an element of a list, or a key of a map. With a list of values, each of them.",
    ),
    operator(
        "matches",
        Takes::Regex,
        "json.commit: { matches: \"^[0-9a-f]{7,40}$\" }",
        "Is text that matches this regular expression, anywhere unless it has `^` and `$`.",
    ),
    operator("starts_with", Takes::Text, "url: { starts_with: \"https://\" }", "Is text that begins so."),
    operator("ends_with", Takes::Text, "file: { ends_with: .sql }", "Is text that ends so."),
    operator(
        "length",
        Takes::Matcher,
        "current: { length: 1 }",
        "Is a text, list or map whose number of characters, elements or keys matches.",
    ),
    operator(
        "every",
        Takes::Matcher,
        "values: { every: { at_least: 1 } }",
        "Is a list with at least one element, and all of them match.",
    ),
    operator(
        "some",
        Takes::Matcher,
        "issues.titles: { some: { contains: mismatch } }",
        "Is a list with at least one element that matches.",
    ),
    operator(
        "exists",
        Takes::Bool,
        "json.error: { exists: false }",
        "Exists (`true`), or does not (`false`). `false` is only met if the map that would contain it was read.",
    ),
    operator(
        "newer_than",
        Takes::Duration,
        "json.built_at: { newer_than: 24h }",
        "Is an RFC 3339 timestamp at most this long ago. A time more than a minute in the future fails.",
    ),
    operator(
        "version",
        Takes::Range,
        "server.version: { version: \">=15, <17\" }",
        "Is a version in this range of semantic versions. A `v` before it is ignored, and 15.5 is 15.5.0. \
         A pre-release is only in a range that names one.",
    ),
];

/// The names of all operators.
pub fn names() -> impl Iterator<Item = &'static str> {
    OPERATORS.iter().map(|operator| operator.name)
}

/// The operator of this name.
pub fn operator_named(name: &str) -> Option<&'static Operator> {
    OPERATORS.iter().find(|operator| operator.name == name)
}

/// A JSON Schema, draft 7, of the value of a path in `expect`. It refers to itself, and must be at
/// `#/definitions/matcher`.
pub fn json_schema() -> Value {
    let properties: serde_json::Map<String, Value> = OPERATORS
        .iter()
        .map(|operator| {
            let mut schema = operator.takes.schema();
            schema["description"] = format!("{}\n\nExample: `{}`", operator.doc, operator.example).into();
            (operator.name.to_owned(), schema)
        })
        .collect();
    let names: Vec<&str> = names().collect();
    json!({
        "description": "The expected value, or a map of operators that must all hold.",
        "anyOf": [
            { "type": ["null", "boolean", "number", "string", "array"] },
            { "type": "object", "properties": properties, "additionalProperties": false, "minProperties": 1 },
            {
                "description": "A map that must be equal, where the observation has a map of counts or the like.",
                "type": "object", "propertyNames": { "not": { "enum": names } }, "minProperties": 1,
            },
        ],
    })
}

impl Takes {
    fn schema(self) -> Value {
        match self {
            Self::Anything => json!({}),
            Self::Several => json!({ "type": ["array", "string"], "minItems": 1 }),
            Self::Parts => {
                json!({ "type": ["null", "boolean", "number", "string", "array"], "minItems": 1, "minLength": 1 })
            }
            Self::Matcher => json!({ "allOf": [{ "$ref": "#/definitions/matcher" }] }),
            Self::Limit => json!({ "type": ["number", "string"] }),
            Self::Text | Self::Regex | Self::Range => json!({ "type": ["string", "number"], "minLength": 1 }),
            // Text too: `${env.X}` is allowed there.
            Self::Bool => json!({ "type": ["boolean", "string"] }),
            Self::Duration => json!({ "type": "string", "minLength": 1 }),
        }
    }
}
