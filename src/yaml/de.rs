//! A serde `Deserializer` over the tree.

use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};

use super::error::{Error, ErrorKind};
use super::plain::{Plain, other_boolean};
use super::reading::Reading;
use super::spanned::{HANDED, NODE, SPANNED};
use super::template::Part;
use super::{Key, Node, Scalar, Style, Value};

/// The name (by `#[serde(rename = "..")]`) of a field whose struct takes the keys that the other fields leave. serde's
/// own `flatten` loses positions and unknown keys.
const FLATTENED: &str = "..";

/// A node that is being read.
#[derive(Clone, Copy)]
pub(super) struct NodeDeserializer<'a> {
    node: &'a Node,
    /// The key before it, where a missing field is shown.
    key: Option<&'a Key>,
    /// The keys of the outer struct, if this one is flattened into it.
    outer: &'static [&'static str],
    reading: &'a Reading,
}

impl<'a> NodeDeserializer<'a> {
    pub(super) fn new(node: &'a Node, reading: &'a Reading) -> Self {
        Self { node, key: None, outer: &[], reading }
    }

    fn scalar(&self, expected: &str) -> Result<&'a Scalar, Error> {
        match &self.node.value {
            Value::Scalar(scalar) => Ok(scalar),
            Value::Unresolved(_) => Err(self.hole()),
            Value::List(_) | Value::Map(_) => Err(self.misfit(expected)),
        }
    }

    /// The title of the problem of a value of another type.
    fn must_be(&self, expected: &str, found: &str) -> String {
        match self.key {
            Some(key) if self.node.is_null() => format!("`{}` is empty: expected {expected}", key.text),
            Some(key) => format!("`{}` must be {expected}, not {found}", key.text),
            None => format!("expected {expected}, got {found}"),
        }
    }

    fn misfit(&self, expected: &str) -> Error {
        let title = self.must_be(expected, self.node.kind());
        let what = match &self.node.value {
            Value::Scalar(Scalar { style: Style::Quoted, text })
                if expected != "text" && !matches!(Plain::of(text), Plain::Text | Plain::Null) =>
            {
                ErrorKind::Wrong { title, help: Some("remove the quotes".to_owned()) }
            }
            Value::Scalar(_) if expected == "a list" => {
                ErrorKind::Misfit { title, help: Some("write a list, such as `[one, two]`".to_owned()) }
            }
            Value::Scalar(_) | Value::Unresolved(_) | Value::List(_) | Value::Map(_) => {
                ErrorKind::Misfit { title, help: None }
            }
        };
        Error { what, place: None }
    }

    fn hole(&self) -> Error {
        let Value::Unresolved(template) = &self.node.value else { return self.misfit("a value") };
        let paths = template.parts.iter().filter_map(|part| match part {
            Part::Reference(reference) => Some(reference.path.clone()),
            Part::Text(_) => None,
        });
        Error { what: ErrorKind::Unresolved(paths.collect()), place: None }
    }

    /// The meaning of a scalar where a number or bool is expected: never a text in quotes.
    fn plain(&self, expected: &str) -> Result<Plain, Error> {
        let scalar = self.scalar(expected)?;
        Ok(if scalar.style == Style::Quoted { Plain::Text } else { Plain::of(&scalar.text) })
    }

    fn integer<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        let result = match self.plain("a whole number") {
            Ok(Plain::Unsigned(number)) => visitor.visit_u64(number),
            Ok(Plain::Signed(number)) => visitor.visit_i64(number),
            Ok(_) => Err(self.misfit("a whole number")),
            Err(error) => Err(error),
        };
        let result = result.map_err(|error: Error| match error.what {
            ErrorKind::Invalid(_) => {
                let title = format!("`{}` is out of range", self.node.text().unwrap_or_default());
                Error { what: ErrorKind::Misfit { title, help: None }, ..error }
            }
            ErrorKind::Unresolved(_)
            | ErrorKind::Missing(_)
            | ErrorKind::Wrong { .. }
            | ErrorKind::Misfit { .. }
            | ErrorKind::Mistyped { .. }
            | ErrorKind::Consequence => error,
        });
        self.placed(result)
    }

    fn placed<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        result.map_err(|error| {
            // A missing field is shown at the key of the map.
            let is_missing = matches!(error.what, ErrorKind::Missing(_));
            let span = self.key.filter(|_| is_missing).map_or(self.node.span, |key| key.span);
            let mut error = error;
            if let (ErrorKind::Mistyped { expected, found }, None) = (&error.what, error.place) {
                error.what = ErrorKind::Misfit { title: self.must_be(expected, found), help: None };
            }
            if error.place.is_none()
                && let ErrorKind::Missing(field) = error.what
                // One of several alternatives is called `a` or `b`.
                && self.reading.explains(self.node, field)
            {
                error.what = ErrorKind::Consequence;
            }
            error.at(span, self.node)
        })
    }

    fn map<V: Visitor<'a>>(self, known: Option<&'static [&'static str]>, visitor: V) -> Result<V::Value, Error> {
        let result = match &self.node.value {
            Value::Map(entries) => visitor.visit_map(self.entries(entries, known)),
            Value::Unresolved(_) => Err(self.hole()),
            Value::Scalar(_) | Value::List(_) => Err(self.misfit("a map")),
        };
        self.placed(result)
    }

    fn entries(self, entries: &'a [(Key, Node)], known: Option<&'static [&'static str]>) -> Entries<'a> {
        let flattened = known.filter(|known| known.contains(&FLATTENED)).map(|known| Self { outer: known, ..self });
        Entries { rest: entries.iter(), value: None, known, outer: self.outer, flattened, reading: self.reading }
    }
}

macro_rules! integers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
            self.integer(visitor)
        })*
    };
}

impl<'a> de::Deserializer<'a> for NodeDeserializer<'a> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        let result = match &self.node.value {
            Value::List(_) => return self.deserialize_seq(visitor),
            Value::Map(_) => return self.map(None, visitor),
            Value::Unresolved(_) => Err(self.hole()),
            Value::Scalar(Scalar { text, style: Style::Quoted | Style::Filled }) => visitor.visit_str(text),
            Value::Scalar(Scalar { text, style: Style::Plain }) => match Plain::of(text) {
                Plain::Null => visitor.visit_unit(),
                Plain::Bool(bool) => visitor.visit_bool(bool),
                Plain::Unsigned(number) => visitor.visit_u64(number),
                Plain::Signed(number) => visitor.visit_i64(number),
                Plain::Float(number) => visitor.visit_f64(number),
                Plain::Text => visitor.visit_str(text),
            },
        };
        self.placed(result)
    }

    fn deserialize_bool<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        let result = match self.plain("true or false") {
            Ok(Plain::Bool(bool)) => visitor.visit_bool(bool),
            Ok(Plain::Text) if let Some((word, meant)) = self.node.text().and_then(other_boolean) => {
                let help = format!("write `{meant}`: in YAML 1.2, `{word}` is text");
                Err(Error::wrong(self.must_be("true or false", &format!("`{word}`")), Some(help)))
            }
            Ok(_) => Err(self.misfit("true or false")),
            Err(error) => Err(error),
        };
        self.placed(result)
    }

    integers! {
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
    }

    fn deserialize_f32<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        let result = match self.plain("a number") {
            Ok(Plain::Unsigned(number)) => visitor.visit_u64(number),
            Ok(Plain::Signed(number)) => visitor.visit_i64(number),
            Ok(Plain::Float(number)) => visitor.visit_f64(number),
            Ok(_) => Err(self.misfit("a number")),
            Err(error) => Err(error),
        };
        self.placed(result)
    }

    /// A number or bool is taken as the text that is there: `X-Retries: 3` is a header like any other.
    fn deserialize_str<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        let result = match self.scalar("text") {
            Ok(Scalar { text, style: Style::Plain }) if Plain::of(text) == Plain::Null => Err(self.misfit("text")),
            Ok(scalar) => visitor.visit_str(&scalar.text),
            Err(error) => Err(error),
        };
        self.placed(result)
    }

    fn deserialize_string<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        let result = if self.node.is_null() { visitor.visit_none() } else { visitor.visit_some(self) };
        self.placed(result)
    }

    fn deserialize_unit<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        let result = if self.node.is_null() { visitor.visit_unit() } else { Err(self.misfit("nothing")) };
        self.placed(result)
    }

    fn deserialize_unit_struct<V: Visitor<'a>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(self, name: &'static str, visitor: V) -> Result<V::Value, Error> {
        let result = match name {
            NODE => {
                HANDED.set(Some(self.node.clone()));
                visitor.visit_unit()
            }
            SPANNED => {
                HANDED.set(Some(self.node.clone()));
                visitor.visit_newtype_struct(self)
            }
            _ => visitor.visit_newtype_struct(self),
        };
        self.placed(result)
    }

    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        let result = match &self.node.value {
            Value::List(elements) => visitor.visit_seq(Elements { rest: elements.iter(), reading: self.reading }),
            Value::Unresolved(_) => Err(self.hole()),
            Value::Scalar(_) | Value::Map(_) => Err(self.misfit("a list")),
        };
        self.placed(result)
    }

    fn deserialize_tuple<V: Visitor<'a>>(self, _len: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.map(None, visitor)
    }

    fn deserialize_struct<V: Visitor<'a>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        // An empty block, `defaults:`, is an empty map.
        if self.node.is_null() {
            return self.placed(visitor.visit_map(self.entries(&[], Some(fields))));
        }
        self.map(Some(fields), visitor)
    }

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let result = match &self.node.value {
            Value::Scalar(scalar) => visitor.visit_enum((&*scalar.text).into_deserializer()),
            Value::Map(entries) if entries.len() == 1 => {
                let (key, node) = &entries[0];
                let value = NodeDeserializer { node, key: Some(key), outer: &[], reading: self.reading };
                let access = Entries { value: Some(value), ..self.entries(&[], None) };
                visitor.visit_enum(de::value::MapAccessDeserializer::new(OneEntry { key: Some(&key.text), access }))
            }
            Value::Unresolved(_) => Err(self.hole()),
            Value::List(_) | Value::Map(_) => Err(self.misfit("one word, or a map with one key")),
        };
        self.placed(result)
    }

    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }
}

struct Elements<'a> {
    rest: std::slice::Iter<'a, Node>,
    reading: &'a Reading,
}

impl<'a> de::SeqAccess<'a> for Elements<'a> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        match self.rest.by_ref().find(|node| !self.reading.is_skipped(node)) {
            Some(node) => seed.deserialize(NodeDeserializer::new(node, self.reading)).map(Some),
            None => Ok(None),
        }
    }
}

struct Entries<'a> {
    rest: std::slice::Iter<'a, (Key, Node)>,
    value: Option<NodeDeserializer<'a>>,
    /// The fields of a struct; None for a map with arbitrary keys.
    known: Option<&'static [&'static str]>,
    /// The fields of the outer struct, which takes these keys.
    outer: &'static [&'static str],
    /// The same map for the field that takes the remaining keys.
    flattened: Option<NodeDeserializer<'a>>,
    reading: &'a Reading,
}

impl<'a> de::MapAccess<'a> for Entries<'a> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        while let Some((key, node)) = self.rest.next() {
            let is_of = |fields: &[&str]| &*key.text != FLATTENED && fields.contains(&&*key.text);
            if is_of(self.outer) {
                continue;
            }
            if let Some(known) = self.known
                && !is_of(known)
            {
                // The flattened struct reports the keys that it does not know either.
                if self.flattened.is_none() {
                    let all = self.outer.iter().chain(known).filter(|field| **field != FLATTENED);
                    let behind = self.rest.clone().map(|(key, _)| key);
                    self.reading.unknown_key(key, behind, &all.copied().collect::<Vec<_>>());
                }
            } else if !self.reading.is_skipped(node) {
                self.value = Some(NodeDeserializer { node, key: Some(key), outer: &[], reading: self.reading });
                let text: de::value::StrDeserializer<Error> = (&*key.text).into_deserializer();
                return seed.deserialize(text).map(Some).map_err(|error| error.at(key.span, node));
            }
        }
        if let Some(flattened) = self.flattened.take() {
            self.value = Some(flattened);
            let text: de::value::StrDeserializer<Error> = FLATTENED.into_deserializer();
            return seed.deserialize(text).map(Some);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let value = self.value.take().expect("serde asks for a value after its key");
        // A value that is refused after parsing, such as a text of the wrong form, is refused here.
        value.placed(seed.deserialize(value))
    }
}

/// The one entry of a map that names an enum's variant.
struct OneEntry<'a> {
    key: Option<&'a str>,
    access: Entries<'a>,
}

impl<'a> de::MapAccess<'a> for OneEntry<'a> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some(key) = self.key.take() else { return Ok(None) };
        let text: de::value::StrDeserializer<Error> = key.into_deserializer();
        seed.deserialize(text).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Error> {
        self.access.next_value_seed(seed)
    }
}
