//! The two types that pass through serde to the tree: [`Node`], and [`Spanned`] for a value with its place.

use std::borrow::Cow;
use std::cell::RefCell;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{self, Deserialize, Visitor};

use crate::diagnostic::Span;

use super::Node;

/// A value and its position, for fields whose position is needed later.
#[derive(Debug, Clone, PartialEq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Its position.
    pub span: Span,
}

/// The names by which the two types ask for more than serde can give.
pub(super) const NODE: &str = "$gate::yaml::Node";
pub(super) const SPANNED: &str = "$gate::yaml::Spanned";

thread_local! {
    /// The value that the deserializer hands to the `Deserialize` of [`Node`] and [`Spanned`], past serde's data model.
    pub(super) static HANDED: RefCell<Option<Node>> = const { RefCell::new(None) };
}

fn handed<E: de::Error>() -> Result<Node, E> {
    HANDED.take().ok_or_else(|| E::custom("only a tree of this module can be read so"))
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Handed;
        impl Visitor<'_> for Handed {
            type Value = Node;
            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("anything")
            }
            fn visit_unit<E: de::Error>(self) -> Result<Node, E> {
                handed()
            }
        }
        deserializer.deserialize_newtype_struct(NODE, Handed)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Spanned<T> {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Handed<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Handed<T> {
            type Value = Spanned<T>;
            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("a value")
            }
            fn visit_newtype_struct<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Spanned<T>, D::Error> {
                let span = handed::<D::Error>()?.span;
                Ok(Spanned { value: T::deserialize(deserializer)?, span })
            }
        }
        deserializer.deserialize_newtype_struct(SPANNED, Handed(PhantomData))
    }
}

impl JsonSchema for Node {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Anything".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        true.into()
    }
}

impl<T: JsonSchema> JsonSchema for Spanned<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}
