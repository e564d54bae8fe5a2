//! Structs that are read from JSON objects and from nothing else: what serde derives takes a list of the values in order,
//! too, which nobody means.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Visitor};

/// Which of these names a key is; empty for another.
pub struct Names(pub &'static [&'static str]);

impl<'de> DeserializeSeed<'de> for Names {
    type Value = &'static str;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<&'static str, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Names {
    type Value = &'static str;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<&'static str, E> {
        Ok(self.0.iter().find(|known| **known == name).copied().unwrap_or_default())
    }
}

/// `struct, "what it is in words" { field, field as "name in JSON", … }`: each field may be left out, and what no field is
/// called is passed over, which whoever counts unknown fields takes note of; a `strict` struct refuses it.
macro_rules! objects {
    (@other $map:ident) => {
        drop($map.next_value::<::serde::de::IgnoredAny>()?)
    };
    (@other $map:ident strict) => {
        return Err(A::Error::custom("a field that is not known"))
    };
    ($($of:ident, $words:literal $($strict:ident)? { $($field:ident $(as $json:literal)?),+ $(,)? })+) => {$(
        impl<'de> ::serde::Deserialize<'de> for $of {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct ObjectVisitor;

                impl<'de> ::serde::de::Visitor<'de> for ObjectVisitor {
                    type Value = $of;

                    fn expecting(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                        f.write_str($words)
                    }

                    fn visit_map<A: ::serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$of, A::Error> {
                        use ::serde::de::Error;
                        use crate::wire::client::object::{Names, name};

                        const NAMES: &[&str] = &[$(name!($field $($json)?)),+];
                        $(let mut $field = None;)+
                        while let Some(name) = map.next_key_seed(Names(NAMES))? {
                            match name {
                                $(name!($field $($json)?) => match $field {
                                    None => $field = Some(map.next_value()?),
                                    Some(_) => return Err(A::Error::duplicate_field(name!($field $($json)?))),
                                },)+
                                _ => objects!(@other map $($strict)?),
                            }
                        }
                        Ok($of { $($field: $field.unwrap_or_default()),+ })
                    }
                }

                deserializer.deserialize_map(ObjectVisitor)
            }
        }
    )+};
}
pub(in crate::wire) use objects;

/// A field's name in JSON.
macro_rules! name {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $json:literal) => {
        $json
    };
}
pub(in crate::wire) use name;
