//! The possible types of a value in an observation, from the JSON Schema of the observation.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::path::JSON;
use super::words;

/// The possible types of a value: each a schema without references and alternatives.
#[derive(Debug, Clone)]
pub struct Shape<'a> {
    root: &'a Value,
    forms: Vec<&'a Value>,
}

/// A sort of JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A number.
    Number,
    /// Text.
    Text,
    /// A list.
    List,
    /// A map.
    Map,
}

/// Why a value has no fields of that name.
#[derive(Debug, PartialEq)]
pub enum MissingField<'a> {
    /// It has only these fields.
    Fields(Vec<&'a str>),
    /// It is not a map.
    Other,
}

/// Nothing is known: anything is possible.
static ANYTHING: Value = Value::Bool(true);

static TEXT: LazyLock<Value> = LazyLock::new(|| json!({ "type": "string" }));

static LIST: LazyLock<Value> = LazyLock::new(|| json!({ "type": "array" }));

/// Cyclic references end at this depth; those of real schemas are not half as deep.
const DEPTH: usize = 32;

impl<'a> Shape<'a> {
    /// The shape of a whole observation.
    pub fn of(root: &'a Value) -> Self {
        Self::from_all(root, [root])
    }

    /// The shape of any value.
    pub fn anything() -> Shape<'static> {
        Shape::of(&ANYTHING)
    }

    /// Paths at which an observation may have a value with a name that it does not know: `json.NAME`, `rows[0].NAME`.
    pub fn holders(&self, name: &str) -> Vec<String> {
        let whole = Self::of(self.root);
        let fields = whole.forms.iter().filter_map(|form| properties(form)).flat_map(Map::iter);
        let holder = |(field, schema): (&String, &Value)| {
            let shape = Shape::from_all(self.root, [schema]);
            match shape.element(Some(0)) {
                _ if field == JSON => Some(format!("{field}.{name}")),
                _ if shape.may_be(Kind::Map) && shape.is_free_map() => Some(format!("{field}.{name}")),
                Some(row) if shape.is_list() && row.may_be(Kind::Map) && row.is_free_map() => {
                    Some(format!("{field}[0].{name}"))
                }
                Some(_) | None => None,
            }
        };
        fields.filter_map(holder).collect()
    }

    /// Whether it is the whole observation.
    pub fn is_whole(&self) -> bool {
        let whole = Self::of(self.root);
        whole.forms.len() == self.forms.len()
            && whole.forms.iter().zip(&self.forms).all(|(one, two)| std::ptr::eq(*one, *two))
    }

    /// Whether the observation that it is a part of may have JSON that was read.
    pub fn is_of_json(&self) -> bool {
        Self::of(self.root).names(JSON)
    }

    /// The shape of any text.
    pub fn text() -> Shape<'static> {
        Shape::of(&TEXT)
    }

    /// The same, or any text.
    #[must_use]
    pub fn or_text(mut self) -> Self {
        self.forms.push(&TEXT);
        self
    }

    /// The shape of any list.
    pub fn list() -> Shape<'static> {
        Shape::of(&LIST)
    }

    fn from_all(root: &'a Value, schemas: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut forms = Vec::new();
        for schema in schemas {
            spread(root, schema, DEPTH, &mut forms);
        }
        Self { root, forms }
    }

    /// The shape of a field.
    ///
    /// # Errors
    /// When there can be no such field.
    pub fn field(&self, name: &str) -> Result<Self, MissingField<'a>> {
        let maps = || self.forms.iter().filter(|form| allows(form, Kind::Map));
        let found: Vec<&Value> = maps().filter_map(|form| field_of(form, name)).collect();
        if !found.is_empty() {
            return Ok(Self::from_all(self.root, found));
        }
        if maps().next().is_none() {
            return Err(MissingField::Other);
        }
        let fields = maps().filter_map(|form| properties(form)).flat_map(Map::keys).map(String::as_str);
        Err(MissingField::Fields(fields.collect()))
    }

    /// Whether a map has a field of that name in its description.
    pub fn names(&self, name: &str) -> bool {
        self.forms.iter().filter_map(|form| properties(form)).any(|fields| fields.contains_key(name))
    }

    /// The shape of an element. `None` when it is not a list.
    pub fn element(&self, index: Option<i64>) -> Option<Self> {
        let lists = self.forms.iter().filter(|form| allows(form, Kind::List));
        let found: Vec<&Value> = lists.flat_map(|form| elements_of(form, index)).collect();
        (!found.is_empty()).then(|| Self::from_all(self.root, found))
    }

    /// Whether a value of this sort is allowed.
    pub fn may_be(&self, kind: Kind) -> bool {
        self.forms.iter().any(|form| allows(form, kind))
    }

    /// Whether it may be text as well as a number.
    pub fn may_be_any(&self) -> bool {
        self.may_be(Kind::Text) && self.may_be(Kind::Number)
    }

    /// Whether it is a map whose keys are not known beforehand, and nothing else.
    pub fn is_free_map(&self) -> bool {
        self.forms.iter().all(|form| {
            matches!(keyword(form, "type").and_then(Value::as_str), Some("object" | "null"))
                && properties(form).is_none()
        })
    }

    /// Whether it is a list, and nothing else.
    pub fn is_list(&self) -> bool {
        let others = [Kind::Bool, Kind::Number, Kind::Text, Kind::Map];
        self.may_be(Kind::List) && !others.iter().any(|kind| self.may_be(*kind))
    }

    /// Whether it is a number, always.
    pub fn is_number(&self) -> bool {
        let others = [Kind::Null, Kind::Bool, Kind::Text, Kind::List, Kind::Map];
        self.may_be(Kind::Number) && !others.iter().any(|kind| self.may_be(*kind))
    }

    /// Whether this scalar is allowed.
    pub fn accepts(&self, scalar: &Value) -> bool {
        self.forms.iter().any(|form| accepts(form, scalar))
    }

    /// The least and the greatest number that is allowed.
    pub fn bounds(&self) -> (f64, f64) {
        let numbers = || self.forms.iter().filter(|form| allows(form, Kind::Number));
        let bound = |form: &Value, key: &str| keyword(form, key).and_then(Value::as_f64);
        let least = numbers().map(|form| bound(form, "minimum").unwrap_or(f64::NEG_INFINITY)).reduce(f64::min);
        let most = numbers().map(|form| bound(form, "maximum").unwrap_or(f64::INFINITY)).reduce(f64::max);
        (least.unwrap_or(f64::NEG_INFINITY), most.unwrap_or(f64::INFINITY))
    }

    /// The allowed texts, if there are only a few.
    pub fn choices(&self) -> Vec<&'a str> {
        let texts = |form: &'a Value| match keyword(form, "enum").and_then(Value::as_array) {
            Some(choices) => choices.iter().filter_map(Value::as_str).collect(),
            None => keyword(form, "const").and_then(Value::as_str).into_iter().collect::<Vec<_>>(),
        };
        self.forms.iter().copied().flat_map(texts).collect()
    }

    /// A description of the possible values: `a whole number`, `text or a list`, `` one of `a`, `b` ``.
    pub fn words(&self) -> String {
        self.described(Self::number_words)
    }

    /// The same with the range of numbers: `a whole number from 0 to 65535`.
    pub fn words_with_range(&self) -> String {
        self.described(Self::range_words)
    }

    fn described(&self, number: impl Fn(&Self) -> String) -> String {
        let choices = self.choices();
        if !choices.is_empty() {
            let choices: Vec<String> = choices.iter().map(|choice| format!("`{choice}`")).collect();
            return words::join(&choices, "or");
        }
        let mut found: Vec<String> = Vec::new();
        for kind in [Kind::Bool, Kind::Number, Kind::Text, Kind::List, Kind::Map] {
            if kind == Kind::Number && self.may_be(kind) {
                found.push(number(self));
            } else if self.may_be(kind) {
                found.push(kind.word().to_owned());
            }
        }
        if found.is_empty() { "null".to_owned() } else { words::join(&found, "or") }
    }

    fn number_words(&self) -> String {
        let is_whole = !self.forms.iter().any(|form| takes_fractions(form));
        (if is_whole { "a whole number" } else { "a number" }).to_owned()
    }

    fn range_words(&self) -> String {
        let number = self.number_words();
        match self.bounds() {
            (least, most) if least.is_finite() && most.is_finite() => format!("{number} from {least} to {most}"),
            (least, _) if least.is_finite() => format!("{number} from {least} up"),
            (_, most) if most.is_finite() => format!("{number} up to {most}"),
            _ => number,
        }
    }
}

impl Kind {
    /// The sort of a value.
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Bool,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::Text,
            Value::Array(_) => Self::List,
            Value::Object(_) => Self::Map,
        }
    }

    /// As messages say it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "true or false",
            Self::Number => "a number",
            Self::Text => "text",
            Self::List => "a list",
            Self::Map => "a map",
        }
    }

    fn is_type(self, name: &str) -> bool {
        match self {
            Self::Null => name == "null",
            Self::Bool => name == "boolean",
            Self::Number => name == "integer" || name == "number",
            Self::Text => name == "string",
            Self::List => name == "array",
            Self::Map => name == "object",
        }
    }
}

/// A keyword of a schema. There are a handful in each: looking at them in turn is quicker than hashing.
fn keyword<'a>(schema: &'a Value, name: &str) -> Option<&'a Value> {
    schema.as_object()?.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// Follows references and alternatives to the forms at their end.
fn spread<'a>(root: &'a Value, schema: &'a Value, depth: usize, forms: &mut Vec<&'a Value>) {
    if depth == 0 {
        return forms.push(&ANYTHING);
    }
    if let Some(reference) = keyword(schema, "$ref").and_then(Value::as_str) {
        let target = reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
        return spread(root, target.unwrap_or(&ANYTHING), depth - 1, forms);
    }
    let several = ["anyOf", "oneOf", "allOf"].iter().find_map(|key| Some((*key, keyword(schema, key)?.as_array()?)));
    match several {
        // Fields combined with alternatives are not analyzed: such a schema forbids nothing here.
        Some(_) if properties(schema).is_some() => forms.push(&ANYTHING),
        Some(("allOf", all)) if all.len() != 1 => forms.push(&ANYTHING),
        Some((_, schemas)) => schemas.iter().for_each(|schema| spread(root, schema, depth - 1, forms)),
        None if schema == &Value::Bool(false) => {}
        None => forms.push(schema),
    }
}

fn properties(form: &Value) -> Option<&Map<String, Value>> {
    keyword(form, "properties")?.as_object()
}

fn allows(form: &Value, kind: Kind) -> bool {
    if let Some(value) = keyword(form, "const") {
        return Kind::of(value) == kind;
    }
    if let Some(values) = keyword(form, "enum").and_then(Value::as_array) {
        return values.iter().any(|value| Kind::of(value) == kind);
    }
    match keyword(form, "type") {
        Some(Value::String(name)) => kind.is_type(name),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).any(|name| kind.is_type(name)),
        _ => properties(form).is_none() || kind == Kind::Map,
    }
}

fn field_of<'a>(form: &'a Value, name: &str) -> Option<&'a Value> {
    let properties = properties(form);
    if let Some(schema) = properties.and_then(|properties| properties.get(name)) {
        return Some(schema);
    }
    if keyword(form, "patternProperties").is_some() {
        return Some(&ANYTHING);
    }
    match keyword(form, "additionalProperties") {
        Some(Value::Bool(false)) => None,
        Some(schema) => Some(schema),
        // A struct serialises the fields that it has and no others, whatever JSON Schema makes of silence.
        None => properties.is_none().then_some(&ANYTHING),
    }
}

fn elements_of(form: &Value, index: Option<i64>) -> Vec<&Value> {
    let tuple = keyword(form, "prefixItems").or_else(|| keyword(form, "items")).and_then(Value::as_array);
    match (tuple, index.and_then(|index| usize::try_from(index).ok())) {
        (Some(places), Some(index)) => vec![places.get(index).unwrap_or(&ANYTHING)],
        (Some(places), None) => places.iter().collect(),
        (None, _) => vec![keyword(form, "items").unwrap_or(&ANYTHING)],
    }
}

fn accepts(form: &Value, scalar: &Value) -> bool {
    if let Some(value) = keyword(form, "const") {
        return value == scalar;
    }
    if let Some(values) = keyword(form, "enum").and_then(Value::as_array) {
        return values.contains(scalar);
    }
    if !allows(form, Kind::of(scalar)) {
        return false;
    }
    let Some(number) = scalar.as_f64() else { return true };
    (takes_fractions(form) || number.fract() == 0.0) && within_bounds(form, number)
}

fn takes_fractions(form: &Value) -> bool {
    match keyword(form, "type") {
        Some(Value::String(name)) => name == "number",
        Some(Value::Array(names)) => names.iter().any(|name| name == "number"),
        _ => allows(form, Kind::Number),
    }
}

fn within_bounds(form: &Value, number: f64) -> bool {
    let bound = |key: &str| keyword(form, key).and_then(Value::as_f64);
    bound("minimum").is_none_or(|least| number >= least) && bound("maximum").is_none_or(|most| number <= most)
}
