//! Reads a body as JSON: which fields nobody reads, and where it is wrong.

use serde::de::{DeserializeOwned, IgnoredAny};

use super::Invalid;
use crate::domain::extra::Extras;

/// The longest text of a parser's fault; it may quote the request.
const MAX_FAULT_CHARS: usize = 300;

/// Reads the JSON, and notes every field that is read by nobody, wherever it stands; `is_silent`: but those.
///
/// # Errors
/// [`Invalid`] with the first fault and where it is.
pub fn read<T: DeserializeOwned>(
    body: &[u8],
    is_silent: impl Fn(&serde_ignored::Path<'_>) -> bool,
) -> Result<(T, Extras), Invalid> {
    read_json(body, is_silent).map_err(|error| diagnose::<T>(body, &error))
}

fn read_json<T: DeserializeOwned>(
    body: &[u8],
    is_silent: impl Fn(&serde_ignored::Path<'_>) -> bool,
) -> serde_json::Result<(T, Extras)> {
    let mut unknown = Extras::default();
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = serde_ignored::deserialize(&mut json, |path| {
        if !is_silent(&path) {
            unknown.put_unknown(|| place(&path));
        }
    })?;
    json.end()?;
    Ok((read, unknown))
}

/// A path as faults write it: `messages[0].name`.
fn place(path: &serde_ignored::Path<'_>) -> String {
    use serde_ignored::Path;
    match path {
        Path::Root => String::new(),
        Path::Seq { parent, index } => format!("{}[{index}]", place(parent)),
        Path::Map { parent, key } => {
            let parent = place(parent);
            if parent.is_empty() { key.clone() } else { format!("{parent}.{key}") }
        }
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => {
            place(parent)
        }
    }
}

/// Says where parsing failed. The body is parsed again for that, which costs nobody who sends sound ones.
fn diagnose<T: DeserializeOwned>(body: &[u8], error: &serde_json::Error) -> Invalid {
    let text = error.to_string();
    if std::str::from_utf8(body).is_err() {
        return Invalid { param: None, message: "the body is not JSON: it is not UTF-8".to_owned() };
    }
    if serde_json::from_slice::<IgnoredAny>(body).is_err() {
        return Invalid { param: None, message: format!("the body is not JSON: {}", clip(&text)) };
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let found = serde_path_to_error::deserialize::<_, T>(&mut deserializer).err();
    let param = found.map(|found| clip(&found.path().to_string())).filter(|path| path != ".");
    let fault = in_json_words(text.rfind(" at line ").map_or(text.as_str(), |end| &text[..end]));
    let message = match &param {
        Some(param) => format!("`{param}` is not valid: {}", clip(&fault)),
        None => format!("the body is not valid: {}", clip(&fault)),
    };
    Invalid { param, message }
}

/// The parser's words, without names of our language.
fn in_json_words(fault: &str) -> String {
    const WORDS: [(&str, &str); 9] = [
        // Something else in place of a word out of a list.
        ("expected value", "expected a string"),
        ("expected f64", "expected a number"),
        ("expected i64", "expected an integer"),
        ("type: sequence", "type: array"),
        ("type: map", "type: object"),
        ("a sequence", "an array"),
        ("a map", "an object"),
        ("unknown variant", "unknown value"),
        ("floating point", "number"),
    ];
    WORDS.iter().fold(fault.to_owned(), |fault, (ours, theirs)| fault.replace(ours, theirs))
}

fn clip(text: &str) -> String {
    text.chars().take(MAX_FAULT_CHARS).collect()
}
