//! A value as a type, with all faults of its shape that can be named at once.
//!
//! serde stops at the first fault. So what does not fit gets a stand-in, whatever its type asks for, and the value is read
//! again: the next round comes to the next fault. Fields that a type does not have are all found in one round. The rounds
//! are bounded by the value's size, so that the work stays linear in what was sent.

use std::cell::Cell;

use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde_json::Value;

use super::fault::field_error;
use super::place::{Fault, Path};
use super::reader::{Notes, Reader, Source};
use crate::domain::field_error::{FieldError, FieldErrors};

/// The most rounds.
const MAX_ROUNDS: usize = 32;
/// After this many values there is no other round.
const MAX_VISITS: usize = 20_000;

/// Reads a value. Null is what a field is when it is left out, wherever its type does not say otherwise.
///
/// # Errors
/// Every field that the type does not have, and the first [`MAX_ROUNDS`] that do not fit it or are missing.
pub fn read<T: DeserializeOwned>(value: &Value) -> Result<T, Vec<FieldError>> {
    read_as(value, false)
}

/// Reads the names and texts of a query. Where a type wants a number, or true or false, its text is read as that.
///
/// # Errors
/// As [`read`].
pub fn read_query<T: DeserializeOwned>(query: &Value) -> Result<T, Vec<FieldError>> {
    read_as(query, true)
}

/// Reads what fits: a field that does not is as if it was left out. Nothing where a required one does not.
pub fn read_partly<T: DeserializeOwned>(value: &Value) -> (Option<T>, FieldErrors) {
    read_with(value, false)
}

fn read_as<T: DeserializeOwned>(value: &Value, is_text: bool) -> Result<T, Vec<FieldError>> {
    let (read, faults) = read_with(value, is_text);
    faults.finish_with(read)
}

fn read_with<T: DeserializeOwned>(value: &Value, is_text: bool) -> (Option<T>, FieldErrors) {
    let notes = Notes { is_text, ..Notes::default() };
    let mut faults = FieldErrors::default();
    for _ in 0..MAX_ROUNDS {
        notes.unknown.take();
        let read = T::deserialize(Reader { source: Source::Value(value), path: &Path::Root, notes: &notes });
        let fault = match read {
            Ok(read) => {
                faults.absorb(notes.unknown.take());
                return (Some(read), faults);
            }
            Err(Fault { message, path }) => field_error(&path.unwrap_or_default(), &message),
        };
        // No stand-in fits, such as where a type has a form of its own.
        let is_last = notes.stands_in(&fault.field) || notes.visits.get() > MAX_VISITS;
        let field = fault.field.clone();
        if !notes.is_behind_a_stand_in(&field) {
            faults.note(|| fault);
        }
        if is_last {
            break;
        }
        notes.stand_ins.borrow_mut().push(field);
    }
    faults.absorb(notes.unknown.take());
    (None, faults)
}

/// The fields of a type that is a struct, as they are written; none of another.
pub fn fields_of<T: DeserializeOwned>() -> &'static [&'static str] {
    let fields = Cell::new(&[][..]);
    let _ = T::deserialize(Fields(&fields));
    fields.get()
}

/// Takes note of a struct's fields, and reads nothing.
struct Fields<'a>(&'a Cell<&'static [&'static str]>);

impl<'de> Deserializer<'de> for Fields<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fault> {
        Err(Fault::custom("no struct"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Fault> {
        self.0.set(fields);
        Err(Fault::custom("only its fields were asked for"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
