//! The text of JSON as the value it stands for, with what serde_json alone passes over: keys that stand twice, and whole
//! numbers of which it would keep only the first digits.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::Range;

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
    let long = LongNumbers::of(text.as_bytes());
    let replaced = (!long.places.is_empty()).then(|| long.replaced(text));
    let mut json = serde_json::Deserializer::from_str(replaced.as_deref().unwrap_or(text));
    let numbers = Numbers { long: &long.places, read: &Cell::new(0) };
    let value = json.deserialize_any(Node { path: &Path::Root, faults: &faults, numbers });
    let value = value.and_then(|value| json.end().map(|()| value)).map_err(Unsound::NotJson)?;
    faults.into_inner().finish().map_err(Unsound::Faulty)?;
    Ok(value)
}

/// What is said of a key that its object has already.
pub const TWICE: &str = "stands twice";
/// What is said of a whole number that does not fit 64 bits: as a double it would lose its last digits.
pub const TOO_LONG: &str = "a whole number that does not fit 64 bits: send it as a text";

/// The digits of the largest 64-bit number.
const MOST_DIGITS: usize = 20;

/// The whole numbers in a JSON text, in digits alone, that do not fit 64 bits.
#[derive(Debug, Default)]
struct LongNumbers {
    /// Which of the text's numbers they are, counted from 0.
    places: Vec<usize>,
    /// Where their digits stand behind the first character.
    digits: Vec<Range<usize>>,
}

impl LongNumbers {
    fn of(text: &[u8]) -> Self {
        let mut found = Self::default();
        let (mut at, mut count, mut is_quoted) = (0, 0, false);
        while let Some(&byte) = text.get(at) {
            at += 1;
            match byte {
                b'\\' if is_quoted => at += 1,
                b'"' => is_quoted = !is_quoted,
                b'-' | b'0'..=b'9' if !is_quoted => {
                    let behind = text.get(at..).unwrap_or_default();
                    let digits = behind.iter().take_while(|byte| byte.is_ascii_digit()).count();
                    // The digits of a fraction or an exponent begin behind a sign or a point: they go with their number.
                    let rest = behind.iter().skip(digits);
                    let tail = rest.take_while(|byte| is_of_number(**byte)).count();
                    if tail == 0 && is_too_long(byte, behind.get(..digits).unwrap_or_default()) {
                        found.places.push(count);
                        found.digits.push(at..at + digits);
                    }
                    count += 1;
                    at += digits + tail;
                }
                _ => {}
            }
        }
        found
    }

    /// The text with other numbers in their places, which can be read however long they were.
    fn replaced(&self, text: &str) -> String {
        let mut replaced = text.as_bytes().to_vec();
        for digits in &self.digits {
            let all = replaced.get_mut(digits.clone()).unwrap_or_default();
            all.fill(b' ');
            all.iter_mut().take(1).for_each(|first| *first = b'1');
        }
        String::from_utf8(replaced).unwrap_or_default()
    }
}

/// Each whole number of a text that does not fit 64 bits, by its place. What is no JSON is somebody else's fault to find.
///
/// # Errors
/// The faults.
pub fn check_numbers(bytes: &[u8]) -> Result<(), Vec<FieldError>> {
    let has_long = !LongNumbers::of(bytes).places.is_empty();
    match std::str::from_utf8(bytes).ok().filter(|_| has_long).map(text) {
        Some(Err(Unsound::Faulty(faults))) => {
            let faults: Vec<FieldError> =
                faults.into_iter().filter(|fault| fault.message.ends_with(TOO_LONG)).collect();
            if faults.is_empty() { Ok(()) } else { Err(faults) }
        }
        _ => Ok(()),
    }
}

const fn is_of_number(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')
}

fn is_too_long(first: u8, more: &[u8]) -> bool {
    let digits: String =
        std::iter::once(first).chain(more.iter().copied().take(MOST_DIGITS + 1)).map(char::from).collect();
    digits.len() >= MOST_DIGITS - 1 && digits.parse::<u64>().is_err() && digits.parse::<i64>().is_err()
}

/// Builds a value, and knows where it stands.
#[derive(Clone, Copy)]
struct Node<'a> {
    path: &'a Path<'a>,
    faults: &'a RefCell<FieldErrors>,
    numbers: Numbers<'a>,
}

/// The numbers of a text in their order.
#[derive(Clone, Copy)]
struct Numbers<'a> {
    /// Which of them do not fit.
    long: &'a [usize],
    /// How many have been read.
    read: &'a Cell<usize>,
}

impl Node<'_> {
    /// Notes the next number of the text where it does not fit.
    fn number(&self, number: Number) -> Value {
        let place = self.numbers.read.replace(self.numbers.read.get() + 1);
        if self.numbers.long.binary_search(&place).is_ok() {
            let fault = || FieldError { field: self.path.to_string(), message: format!("is {TOO_LONG}") };
            self.faults.borrow_mut().note(fault);
        }
        Value::Number(number)
    }
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
        Ok(self.number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(self.number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("number out of range"))?;
        Ok(self.number(number))
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
                let fault = || FieldError { field: path.to_string(), message: TWICE.to_owned() };
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
            // However long it is, and it alone.
            (&format!(r#"{{"x":1e30,"a":-{},"b":[1]}}"#, "9".repeat(400)), &["a"]),
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
    fn numbers_alone_are_looked_at_where_a_body_is_read_otherwise() {
        let long = "123456789012345678901234567890";
        let places = |json: &str| match check_numbers(json.as_bytes()) {
            Ok(()) => Vec::new(),
            Err(faults) => faults.into_iter().map(|fault| fault.field).collect(),
        };
        assert_eq!(places(&format!(r#"{{"t":[{{"m":{long}}}],"t":1}}"#)), ["t[0].m"]);
        assert!(places(&format!(r#"{{"a":1,"a":"{long}"}}"#)).is_empty());
        assert!(places(&format!(r#"{{"a":{long}"#)).is_empty(), "it is no JSON");
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
