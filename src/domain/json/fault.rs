//! What serde says of JSON that does not fit, in the words of the one who wrote it; unknown names with the nearest known
//! one.

use crate::domain::field_error::FieldError;

/// The fault of a field, from serde's message without its place.
pub fn field_error(path: &str, message: &str) -> FieldError {
    let path = if path == "." { "" } else { path };
    if let Some(name) = between(message, "missing field `", "`") {
        return FieldError { field: join(path, name), message: "is required".to_owned() };
    }
    if let Some(name) = between(message, "unknown field `", "`") {
        let field = if path.rsplit('.').next() == Some(name) { path.to_owned() } else { join(path, name) };
        let field = shorten(&field);
        return FieldError { field, message: unknown_field(name, message) };
    }
    let field = if path.is_empty() { "(body)" } else { path };
    FieldError { field: field.to_owned(), message: reword(message) }
}

/// The part of `text` after `before`, which it begins with, up to `after`.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.strip_prefix(before)?.split_once(after).map(|(found, _)| found)
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn unknown_field(name: &str, message: &str) -> String {
    let known: Vec<&str> = message
        .split_once("expected ")
        .map_or("", |(_, known)| known)
        .split('`')
        .skip(1)
        .step_by(2)
        .collect();
    unknown(name, &known)
}

/// What is said of a name that is none of the known ones.
pub fn unknown(name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(nearest) => format!("is not known here; did you mean `{nearest}`?"),
        None => format!("is not known here; known are {}", known.join(", ")),
    }
}

/// The one of the known names that was probably meant.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let measured = known.into_iter().map(|other| (distance(name, other), other));
    let (far, nearest) = measured.min_by_key(|(far, _)| *far)?;
    (far <= 1 + name.len().min(nearest.len()) / 4).then_some(nearest)
}

/// How many characters must be put in, taken out or replaced (Levenshtein). Both are short: one is our own, and
/// beyond its length plus a quarter the answer does not matter.
pub fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().take(2 * other.len() + 8).enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in other.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (diagonal + usize::from(a != *b)).min(above + 1).min(row[j] + 1);
            diagonal = above;
        }
    }
    row.last().copied().unwrap_or_default()
}

fn reword(message: &str) -> String {
    for before in ["invalid type: ", "invalid value: ", "invalid length "] {
        if let Some((found, expected)) =
            message.strip_prefix(before).and_then(|rest| rest.split_once(", expected "))
        {
            return format!("must be {}, not {}", expected_words(expected), found_words(found));
        }
    }
    let Some((found, known)) =
        message.strip_prefix("unknown variant ").and_then(|rest| rest.split_once(", expected "))
    else {
        return message.to_owned();
    };
    format!("must be {}, not {}", known, shorten(found))
}

/// Rust's words for what was expected.
fn expected_words(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number, not negative",
        "i32" | "i64" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "string or map" | "a borrowed string" => "a string",
        other if other.starts_with("struct ") || other == "a map" => "an object",
        other => other,
    }
}

/// serde's words for what was found: the value itself, where it says it.
fn found_words(found: &str) -> String {
    match found {
        "map" => "an object".to_owned(),
        "sequence" => "a list".to_owned(),
        other => match other.split_once([' ', '`']) {
            Some(("string", text)) => shorten(text),
            _ => shorten(other.split_once('`').map_or(other, |(_, value)| value.trim_end_matches('`'))),
        },
    }
}

/// What a client sent is not sent back at length.
fn shorten(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_measured_letter_by_letter() {
        for (a, b, expected) in
            [("", "abc", 3), ("abc", "abc", 0), ("kitten", "sitting", 3), ("abc", "", 3), ("ba", "ab", 2)]
        {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }
}
