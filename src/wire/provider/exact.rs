//! JSON that is taken apart and written again with every digit of its numbers: a value holds them as 64 bits, and writes
//! `1.10` as `1.1`.
//!
//! What would change stands in the value as a text of a kind that no other text of the document is.

use std::borrow::Cow;

use serde_json::value::RawValue;
use serde_json::{Number, Value};

/// Begins a text that stands for a number. A character for private use, which no document has; where one does, numbers are read
/// as usual.
const MARK: char = '\u{F8FF}';

/// The document as a value.
///
/// # Errors
/// As of any JSON.
pub(super) fn read(json: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(&guarded(json))
}

/// What was read, as JSON.
pub(super) fn write(value: &Value) -> String {
    let text = value.to_string();
    let begin = format!("\"{MARK}");
    if !text.contains(&begin) {
        return text;
    }
    let mut pieces = text.split(begin.as_str());
    let mut written = String::with_capacity(text.len());
    written.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let (number, rest) = piece.split_once('"').unwrap_or((piece, ""));
        written.extend([number, rest]);
    }
    written
}

/// The same for a place that wants JSON; `None` for what cannot be: what was read is JSON.
pub(super) fn raw(value: &Value) -> Option<Box<RawValue>> {
    RawValue::from_string(write(value)).ok()
}

/// The document with those numbers as texts.
fn guarded(json: &str) -> Cow<'_, str> {
    if json.contains(MARK) || json.to_ascii_lowercase().contains("\\uf8ff") {
        return Cow::Borrowed(json);
    }
    let mut guarded = String::new();
    let mut kept = 0;
    let mut at = 0;
    let bytes = json.as_bytes();
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = end_of_text(bytes, at + 1),
            b'-' | b'0'..=b'9' => {
                let is_of_number = |byte: &u8| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
                let length = bytes[at..].iter().take_while(|byte| is_of_number(byte)).count();
                let number = &json[at..at + length];
                if !is_kept(number) {
                    guarded.push_str(&json[kept..at]);
                    guarded.extend(["\"", MARK.encode_utf8(&mut [0; 4]), number, "\""]);
                    kept = at + length;
                }
                at += length;
            }
            _ => at += 1,
        }
    }
    if kept == 0 {
        return Cow::Borrowed(json);
    }
    guarded.push_str(&json[kept..]);
    Cow::Owned(guarded)
}

/// Behind the quote that ends the text which begins here.
fn end_of_text(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Whether a value writes it as it came. What is no number is for the parser to refuse.
fn is_kept(number: &str) -> bool {
    serde_json::from_str::<Number>(number).map_or(true, |read| read.to_string() == number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_digit_is_kept() {
        for json in [
            r#"{"a":1.10,"b":[123456789012345678901234567890,-0,1e40,0.1234567890123456789012],"c":"1.10 \" 2.20"}"#,
            r#"[1,2.5,-3,"x",null,true,{}]"#,
            "1.0e5",
            "\"\\\\\"",
        ] {
            assert_eq!(write(&read(json).unwrap()), json);
            assert_eq!(raw(&read(json).unwrap()).unwrap().get(), json);
        }
    }

    #[test]
    fn a_document_that_has_the_mark_is_read_as_usual() {
        for json in ["[\"\u{F8FF}1.10\",1.10]", r#"["\uf8FF7",1.10]"#] {
            let value = read(json).unwrap();
            assert_eq!(value, serde_json::from_str::<Value>(json).unwrap());
        }
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for json in ["", "{", "[1.2.3]", "--1", "\"", "\"\\", "01", "1e", "[1,]"] {
            assert!(read(json).is_err(), "{json}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(json in any::<String>()) {
            let _ = read(&json);
        }

        #[test]
        fn what_is_read_is_what_is_written(texts in prop::collection::vec("[^\u{F8FF}]{0,8}", 0..4), digits in "[1-9][0-9]{0,30}(\\.[0-9]{1,30})?(e[0-9]{1,2})?") {
            let texts: Vec<String> = texts.iter().map(|text| Value::from(text.as_str()).to_string()).collect();
            let json = format!("[{}{digits}]", texts.iter().map(|text| format!("{text},")).collect::<String>());
            prop_assert_eq!(write(&read(&json).unwrap()), json);
        }
    }
}
