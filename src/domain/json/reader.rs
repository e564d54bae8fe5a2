//! serde's view of a value that is read for its faults: what stands where, and stand-ins for what does not fit.

use std::cell::{Cell, RefCell};

use serde::de::value::{MapDeserializer, StrDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};
use serde_json::{Map, Value};

use super::fault::unknown;
use super::place::{Fault, Path};
use crate::domain::field_error::{FieldError, FieldErrors};

/// What is noted on the way through a value.
#[derive(Default)]
pub struct Notes {
    /// Fields that there are not.
    pub unknown: RefCell<FieldErrors>,
    /// The places that get a stand-in.
    pub stand_ins: RefCell<Vec<String>>,
    pub visits: Cell<usize>,
    pub is_text: bool,
}

impl Notes {
    pub fn stands_in(&self, path: &str) -> bool {
        self.stand_ins.borrow().iter().any(|other| other == path)
    }

    /// Whether the fault is one that a stand-in has, and nobody wrote.
    pub fn is_behind_a_stand_in(&self, path: &str) -> bool {
        let stand_ins = self.stand_ins.borrow();
        stand_ins
            .iter()
            .filter_map(|place| path.strip_prefix(place))
            .any(|rest| !rest.starts_with(char::is_alphanumeric))
    }

    pub fn stands_in_at(&self, path: &Path<'_>) -> bool {
        !self.stand_ins.borrow().is_empty() && self.stands_in(&path.to_string())
    }

    /// The fields behind `path` whose stand-ins nothing was written for.
    pub fn missing(
        &self,
        path: &Path<'_>,
        object: &Map<String, Value>,
        fields: &[&'static str],
    ) -> Vec<&'static str> {
        if self.stand_ins.borrow().is_empty() {
            return Vec::new();
        }
        let is_missing =
            |name: &&&'static str| !object.contains_key(**name) && self.stands_in_at(&Path::Key(path, name));
        fields.iter().filter(is_missing).copied().collect()
    }
}

/// What is read.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    Value(&'a Value),
    /// Whatever is asked for, because what is there does not fit.
    StandIn,
}

/// A place that is read.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    pub source: Source<'a>,
    pub path: &'a Path<'a>,
    pub notes: &'a Notes,
}

impl<'a> Reader<'a> {
    /// Reads what stands at `path`.
    fn child<'de, S: DeserializeSeed<'de>>(
        self,
        source: Source<'_>,
        path: &Path<'_>,
        seed: S,
    ) -> Result<S::Value, Fault> {
        let notes = self.notes;
        notes.visits.set(notes.visits.get() + 1);
        let source = if notes.stands_in_at(path) { Source::StandIn } else { source };
        seed.deserialize(Reader { source, path, notes }).map_err(|fault| fault.at(path))
    }

    /// A text that the type wants to be something else; none where a text is a text.
    fn text(self) -> Option<&'a str> {
        match self.source {
            Source::Value(Value::String(text)) if self.notes.is_text => Some(text),
            _ => None,
        }
    }
}

/// Reads numbers of queries, and stand-ins.
macro_rules! numbers {
    ($($method:ident $visit:ident $type:ty),+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            match (self.source, self.text().map(str::parse::<$type>)) {
                (Source::StandIn, _) => visitor.visit_u8(1),
                (_, Some(Ok(number))) => visitor.$visit(number),
                _ => self.deserialize_any(visitor),
            }
        }
    )+};
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let value = match self.source {
            Source::StandIn => return visitor.visit_u64(0),
            Source::Value(value) => value,
        };
        match value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), ..) => visitor.visit_u64(number),
                (_, Some(number), _) => visitor.visit_i64(number),
                (.., number) => visitor.visit_f64(number.unwrap_or_default()),
            },
            Value::String(text) => visitor.visit_str(text),
            Value::Array(list) => visitor.visit_seq(List { reader: self, entries: list.iter().enumerate() }),
            Value::Object(object) => visitor.visit_map(Object::of_any(self, object)),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let nothing = Map::new();
        match self.source {
            Source::StandIn => visitor.visit_map(Object::of_fields(self, &nothing, fields)),
            Source::Value(Value::Object(object)) => {
                for name in object.keys().filter(|name| !fields.contains(&name.as_str())) {
                    let field = || Path::Key(self.path, name).to_string();
                    let fault = || FieldError { field: field(), message: unknown(name, fields) };
                    self.notes.unknown.borrow_mut().note(fault);
                }
                visitor.visit_map(Object::of_fields(self, object, fields))
            }
            // A list would be read as the fields in their order.
            Source::Value(Value::Array(_)) => Err(Fault::invalid_type(Unexpected::Seq, &visitor)),
            Source::Value(_) => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.source {
            Source::StandIn | Source::Value(Value::Null) => visitor.visit_none(),
            Source::Value(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.source {
            Source::StandIn => {
                let first = variants.first().copied().unwrap_or_default();
                visitor.visit_enum(IntoDeserializer::<Fault>::into_deserializer(first))
            }
            Source::Value(Value::String(word)) => {
                visitor.visit_enum(IntoDeserializer::<Fault>::into_deserializer(word.as_str()))
            }
            Source::Value(Value::Object(object)) if object.len() == 1 => {
                let Some((word, value)) = object.iter().next() else { return Err(not_a_word()) };
                visitor.visit_enum(Variant { reader: self, word, value })
            }
            Source::Value(_) => Err(not_a_word()),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match (self.source, self.text().map(str::parse::<bool>)) {
            (Source::StandIn, _) => visitor.visit_bool(false),
            (_, Some(Ok(value))) => visitor.visit_bool(value),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.source {
            Source::StandIn => visitor.visit_str(""),
            Source::Value(_) => self.deserialize_any(visitor),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_string(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.source {
            Source::StandIn => visitor.visit_seq(List { reader: self, entries: [].iter().enumerate() }),
            Source::Value(_) => self.deserialize_any(visitor),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.source {
            Source::StandIn => visitor
                .visit_map(MapDeserializer::<'_, std::iter::Empty<(&str, &str)>, _>::new(std::iter::empty())),
            Source::Value(_) => self.deserialize_any(visitor),
        }
    }

    numbers!(
        deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16, deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64, deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32, deserialize_i64 visit_i64 i64, deserialize_f32 visit_f32 f32,
        deserialize_f64 visit_f64 f64
    );

    serde::forward_to_deserialize_any! {
        char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

fn not_a_word() -> Fault {
    Fault::custom("must be one of its words, as a string")
}

struct List<'a, I> {
    reader: Reader<'a>,
    entries: I,
}

impl<'de, 'v, I: Iterator<Item = (usize, &'v Value)>> SeqAccess<'de> for List<'_, I> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        let Some((index, value)) = self.entries.next() else { return Ok(None) };
        let path = Path::Index(self.reader.path, index);
        self.reader.child(Source::Value(value), &path, seed).map(Some)
    }
}

/// An object, or the fields of it that a struct has.
struct Object<'a> {
    reader: Reader<'a>,
    entries: serde_json::map::Iter<'a>,
    /// `None`: all.
    fields: Option<&'static [&'static str]>,
    missing: std::vec::IntoIter<&'static str>,
    value: Option<(&'a str, Source<'a>)>,
}

impl<'a> Object<'a> {
    fn of_any(reader: Reader<'a>, object: &'a Map<String, Value>) -> Self {
        Self { reader, entries: object.iter(), fields: None, missing: Vec::new().into_iter(), value: None }
    }

    fn of_fields(
        reader: Reader<'a>,
        object: &'a Map<String, Value>,
        fields: &'static [&'static str],
    ) -> Self {
        let missing = reader.notes.missing(reader.path, object, fields).into_iter();
        Self { missing, fields: Some(fields), ..Self::of_any(reader, object) }
    }
}

impl<'de> MapAccess<'de> for Object<'_> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        let is_field = |name: &str| self.fields.is_none_or(|fields| fields.contains(&name));
        let written = self.entries.by_ref().find(|(name, _)| is_field(name));
        let next = written.map(|(name, value)| (name.as_str(), Source::Value(value)));
        let next = next.or_else(|| self.missing.next().map(|name| (name, Source::StandIn)));
        self.value = next;
        match next {
            Some((name, _)) => seed.deserialize(StrDeserializer::new(name)).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        let (name, source) = self.value.take().ok_or_else(|| Fault::custom("a value before its name"))?;
        let read = self.reader.child(source, &Path::Key(self.reader.path, name), seed);
        match (self.fields, source) {
            // A field that is null is one that is left out.
            (Some(_), Source::Value(Value::Null)) => {
                let path = || Some(self.reader.path.to_string());
                read.map_err(|_| Fault { message: format!("missing field `{name}`"), path: path() })
            }
            _ => read,
        }
    }
}

/// A word with more to it: `{"word": …}`.
struct Variant<'a> {
    reader: Reader<'a>,
    word: &'a str,
    value: &'a Value,
}

impl<'a, 'de> EnumAccess<'de> for Variant<'a> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Fault> {
        Ok((seed.deserialize(StrDeserializer::new(self.word))?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        Err(not_a_word())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Fault> {
        let path = Path::Key(self.reader.path, self.word);
        self.reader.child(Source::Value(self.value), &path, seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        Err(Fault::invalid_type(Unexpected::TupleVariant, &visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let path = Path::Key(self.reader.path, self.word);
        let reader = Reader { source: Source::Value(self.value), path: &path, notes: self.reader.notes };
        reader.deserialize_struct("", fields, visitor).map_err(|fault| fault.at(&path))
    }
}
