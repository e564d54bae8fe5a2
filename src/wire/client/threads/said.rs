//! What a user says: a text, or JSON that is an object.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

/// A text; an object is its own JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said(pub String);

impl<'de> Deserialize<'de> for Said {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrObject)
    }
}

struct TextOrObject;

impl<'de> Visitor<'de> for TextOrObject {
    type Value = Said;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, or an object")
    }

    fn visit_str<E>(self, text: &str) -> Result<Said, E> {
        Ok(Said(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Said, E> {
        Ok(Said(text))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Said, A::Error> {
        let object = Map::<String, Value>::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Said(Value::Object(object).to_string()))
    }
}
