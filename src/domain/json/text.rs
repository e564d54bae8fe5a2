//! The text of JSON as the value it stands for, with what serde_json alone passes over: keys that stand twice, and whole
//! numbers of which it would keep only the first digits.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::bounds::has_few_values;
use super::place::Path;
use crate::domain::field_error::{FieldError, FieldErrors};

/// Why a text is not read.
#[derive(Debug)]
pub enum Unsound {
    /// Nothing but blanks.
    Empty,
    /// In serde_json's words, with the place.
    NotJson(serde_json::Error),
    /// More than [`super::MAX_VALUES`] values.
    TooMany,
    /// Each key that stands twice, and each whole number that does not fit 64 bits.
    Faulty(Vec<FieldError>),
}

/// The value that a text is. A byte order mark before it is passed over (RFC 8259, 8.1).
///
/// # Errors
/// [`Unsound`].
pub fn text(text: &str) -> Result<Value, Unsound> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_ascii().is_empty() {
        return Err(Unsound::Empty);
    }
    if !has_few_values(text.as_bytes()) {
        return Err(Unsound::TooMany);
    }
    let faults = RefCell::new(FieldErrors::default());
    let has_long = has_long_number(text.as_bytes());
    let mut json = serde_json::Deserializer::from_str(text);
    let value = json.deserialize_any(Node { path: &Path::Root, faults: &faults, has_long });
    let value = value.and_then(|value| json.end().map(|()| value)).map_err(Unsound::NotJson)?;
    faults.into_inner().finish().map_err(Unsound::Faulty)?;
    Ok(value)
}

/// What is said of a whole number that does not fit 64 bits: as a double it would lose its last digits.
pub const TOO_LONG: &str = "a whole number that does not fit 64 bits: send it as a text";

/// The digits of the largest 64-bit number.
const MOST_DIGITS: usize = 20;

/// Whether a whole number stands in a JSON text, in digits alone, that does not fit 64 bits.
fn has_long_number(text: &[u8]) -> bool {
    let (mut rest, mut is_quoted) = (text, false);
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'\\' if is_quoted => rest = behind.get(1..).unwrap_or_default(),
            b'"' => is_quoted = !is_quoted,
            b'-' | b'0'..=b'9' if !is_quoted => {
                let digits = behind.iter().take_while(|byte| byte.is_ascii_digit()).count();
                let (more, behind) = behind.split_at_checked(digits).unwrap_or((behind, &[]));
                // The digits of a fraction or an exponent begin behind a sign or a point, which are skipped with their number.
                let tail = behind.iter().take_while(|byte| is_of_number(**byte)).count();
                rest = behind.get(tail..).unwrap_or_default();
                if tail == 0 && is_too_long(byte, more) {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

const fn is_of_number(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')
}

fn is_too_long(first: u8, more: &[u8]) -> bool {
    let digits: String =
        std::iter::once(first).chain(more.iter().copied().take(MOST_DIGITS + 1)).map(char::from).collect();
    digits.len() >= MOST_DIGITS - 1 && digits.parse::<u64>().is_err() && digits.parse::<i64>().is_err()
}

/// Whether a double is one of those that whole numbers beyond 64 bits become.
fn is_beyond(value: f64) -> bool {
    value >= 18_446_744_073_709_551_616.0 || value <= -9_223_372_036_854_775_808.0
}

/// Builds a value, and knows where it stands.
#[derive(Clone, Copy)]
struct Node<'a> {
    path: &'a Path<'a>,
    faults: &'a RefCell<FieldErrors>,
    /// Whether such a number is somewhere in the text: the double that it became does not say how it was written.
    has_long: bool,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        if self.has_long && is_beyond(value) {
            let fault = || FieldError { field: self.path.to_string(), message: format!("is {TOO_LONG}") };
            self.faults.borrow_mut().note(fault);
        }
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) =
            access.next_element_seed(Node { path: &Path::Index(self.path, list.len()), ..self })?
        {
            list.push(value);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            let path = Path::Key(self.path, &name);
            let value = access.next_value_seed(Node { path: &path, ..self })?;
            if object.contains_key(&name) {
                let fault = || FieldError { field: path.to_string(), message: "stands twice".to_owned() };
                self.faults.borrow_mut().note(fault);
            }
            object.insert(name, value);
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn twice(json: &str) -> Vec<String> {
        match text(json) {
            Err(Unsound::Faulty(errors)) => errors.into_iter().map(|error| error.field).collect(),
            other => panic!("{json}: {other:?}"),
        }
    }

    #[test]
    fn every_key_that_stands_twice_is_named_wherever_it_is() {
        assert_eq!(twice(r#"{"a":1,"a":2,"b":{"c":[{"d":1,"d":1}]},"b":{}}"#), ["a", "b.c[0].d", "b"]);
        // One written in two ways.
        assert_eq!(twice(r#"{"a":1,"\u0061":2}"#), ["a"]);
        assert_eq!(text(r#"{"a":{"b":1},"b":{"b":1}}"#).unwrap()["b"]["b"], 1);
    }

    #[test]
    fn numbers_survive_to_the_last_digit() {
        for written in [
            "0.1",
            "5e-324",
            "1.7976931348623157e308",
            "18446744073709551615",
            "-9223372036854775808",
            "-0.0",
        ] {
            assert_eq!(text(written).unwrap(), serde_json::from_str::<Value>(written).unwrap());
        }
        // The nearest number is not the one below it.
        assert_eq!(text("5.534023222111854e18").unwrap().to_string(), "5.534023222111854e+18");
        assert!(matches!(text("1e400"), Err(Unsound::NotJson(_))));
    }

    #[test]
    fn a_whole_number_that_would_lose_digits_is_refused_by_its_place() {
        for (written, places) in [
            (r#"{"a":[123456789012345678901234567890]}"#, &["a[0]"][..]),
            (r#"{"a":18446744073709551616,"b":-9223372036854775809}"#, &["a", "b"]),
            (r#"{"a":18446744073709551615,"b":-9223372036854775808}"#, &[]),
            // A double by how it is written, and digits that are no number.
            (r#"{"a":1e30,"b":123456789012345678901234567890.5,"c":0.123456789012345678901234567890}"#, &[]),
            (r#"{"a":"\"123456789012345678901234567890"}"#, &[]),
            (r#"{"123456789012345678901234567890":-1}"#, &[]),
        ] {
            let found: Vec<String> = match text(written) {
                Ok(_) => Vec::new(),
                Err(Unsound::Faulty(errors)) => errors.into_iter().map(|error| error.field).collect(),
                other => panic!("{written}: {other:?}"),
            };
            assert_eq!(found, places, "{written}");
        }
    }

    #[test]
    fn what_is_nested_too_deep_is_refused_before_it_is_built() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(text(&nested(super::super::MAX_DEPTH)).is_ok());
        assert!(matches!(text(&nested(super::super::MAX_DEPTH + 1)), Err(Unsound::NotJson(_))));
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        assert_eq!(text("\u{feff}[1]").unwrap()[0], 1);
        assert!(matches!(text("\u{feff} "), Err(Unsound::Empty)));
    }
}
