//! What of memories the runs of an agent have.

use std::fmt;

use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

use crate::domain::field_error::FieldErrors;
use crate::domain::memory::Kind;

/// The tokens that a run is given of memories where nobody says.
const DEFAULT_TOKENS: u32 = 1_000;
const MIN_TOKENS: u32 = 100;
const MAX_TOKENS: u32 = 4_000;

/// What of memories the runs of an agent have. Runs of callers without a key have nothing of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = AgentMemory, example = json!({"read": ["user"], "write": ["user"]}))]
pub struct Memory {
    /// Which memories a run is given, as far as they fit its input, and may look into (tool `recall`): `user` those of the run's
    /// user, `work` those of the account's agents. True is both.
    #[serde(skip_serializing_if = "Kinds::is_none")]
    #[schema(value_type = Vec<Kind>, required = false, example = json!(["user"]))]
    pub read: Kinds,
    /// Which it may write (tools `remember` and `forget`). True is both.
    #[serde(skip_serializing_if = "Kinds::is_none")]
    #[schema(value_type = Vec<Kind>, required = false, example = json!(["user"]))]
    pub write: Kinds,
    /// The most tokens that a run is given of them, about; 1,000 when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 100, maximum = 4_000, example = 1_000)]
    pub max_tokens: Option<u32>,
}

impl Memory {
    /// Whether it says that there is none.
    pub const fn is_none(self) -> bool {
        self.read.is_none() && self.write.is_none()
    }

    pub fn max_tokens(self) -> u32 {
        self.max_tokens.unwrap_or(DEFAULT_TOKENS)
    }

    pub(super) fn check(self, errors: &mut FieldErrors) {
        if self.max_tokens.is_some_and(|tokens| !(MIN_TOKENS..=MAX_TOKENS).contains(&tokens)) {
            errors.add("memory.max_tokens", format!("must be from {MIN_TOKENS} to {MAX_TOKENS}"));
        }
    }
}

/// Some kinds of memories, or none. Written as a list; true is all of them, false none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds {
    user: bool,
    work: bool,
}

impl Kinds {
    pub const fn is_none(&self) -> bool {
        !self.user && !self.work
    }

    pub const fn has(self, kind: Kind) -> bool {
        match kind {
            Kind::User => self.user,
            Kind::Work => self.work,
        }
    }

    #[must_use]
    const fn with(self, kind: Kind) -> Self {
        match kind {
            Kind::User => Self { user: true, ..self },
            Kind::Work => Self { work: true, ..self },
        }
    }

    /// Those that it has.
    pub fn each(self) -> impl Iterator<Item = Kind> {
        Kind::ALL.into_iter().filter(move |kind| self.has(*kind))
    }
}

impl FromIterator<Kind> for Kinds {
    fn from_iter<T: IntoIterator<Item = Kind>>(kinds: T) -> Self {
        kinds.into_iter().fold(Self::default(), Self::with)
    }
}

impl Serialize for Kinds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.each())
    }
}

impl<'de> Deserialize<'de> for Kinds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Read)
    }
}

struct Read;

impl<'de> Visitor<'de> for Read {
    type Value = Kinds;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of `user` and `work`, or true or false")
    }

    fn visit_bool<E>(self, all: bool) -> Result<Kinds, E> {
        Ok(Kinds { user: all, work: all })
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Kinds, E> {
        let kind = Kind::parse(name).ok_or_else(|| E::custom("must be a list of `user` and `work`"))?;
        Ok(Kinds::default().with(kind))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Kinds, A::Error> {
        let mut kinds = Kinds::default();
        for _ in 0..Kind::ALL.len() {
            match list.next_element::<Kind>()? {
                Some(kind) => kinds = kinds.with(kind),
                None => return Ok(kinds),
            }
        }
        match list.next_element::<serde::de::IgnoredAny>()? {
            None => Ok(kinds),
            Some(_) => Err(A::Error::custom("has at most 2 entries: `user` and `work`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::json;

    fn read(memory: &Value) -> Result<Memory, String> {
        json::read(memory).map_err(|mut errors| {
            let error = errors.remove(0);
            format!("{}: {}", error.field, error.message)
        })
    }

    #[test]
    fn kinds_are_lists_and_what_is_meant_by_true_and_false() {
        let written = |memory: &Value| json!(read(memory).unwrap());
        assert_eq!(written(&json!({"read": true, "write": false})), json!({"read": ["user", "work"]}));
        assert_eq!(
            written(&json!({"read": "work", "write": ["user", "user"]})),
            json!({"read": ["work"], "write": ["user"]})
        );
        assert_eq!(written(&json!({"max_tokens": 500})), json!({"max_tokens": 500}));
        assert!(read(&json!({"read": []})).unwrap().is_none());
        for (wrong, field) in [
            (json!({"read": ["people"]}), "read[0]: "),
            (json!({"read": ["user", "work", "user"]}), "read: "),
            (json!({"read": 1}), "read: "),
            (json!({"reads": true}), "reads: "),
            (json!(true), "(body): "),
        ] {
            let error = read(&wrong).unwrap_err();
            assert!(error.starts_with(field), "{error}");
        }
    }
}
