//! Generations of models, read from their codes.
//!
//! Two generations of one provider differ in which fields they refuse. Codes are open-ended, so the table asks
//! "at least 4.7" instead of keeping a list that the next model is missing from.

/// Major and minor, such as `(4, 6)`.
pub type Version = (u8, u8);

/// The words of a code in lower case: `claude-opus-4-6` is `claude`, `opus`, `4`, `6`.
pub fn words(code: &str) -> impl Iterator<Item = String> {
    code.split(|character: char| !character.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
}

/// The version in a code: its first number of at most two digits, and the next word when that is one too.
/// Longer numbers are dates.
pub fn version(code: &str) -> Option<Version> {
    let mut words = words(code).map(|word| (word.len() <= 2).then(|| word.parse::<u8>().ok()).flatten());
    let major = words.find_map(|number| number)?;
    Some((major, words.next().flatten().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_codes_in_use() {
        for (code, expected) in [
            ("claude-opus-4-6", Some((4, 6))),
            ("claude-sonnet-4-20250514", Some((4, 0))),
            ("claude-opus-4-5-20251101", Some((4, 5))),
            ("claude-3-5-haiku-latest", Some((3, 5))),
            ("claude-fable-5-1", Some((5, 1))),
            ("anthropic.claude-opus-4-6-v1", Some((4, 6))),
            ("anthropic/claude-sonnet-4.5", Some((4, 5))),
            ("claude-mythos-preview", None),
            ("gemini-2.5-flash", Some((2, 5))),
            ("gemini-2.0-flash-001", Some((2, 0))),
            ("gemini-3-pro-preview", Some((3, 0))),
            ("gemini-4-argon", Some((4, 0))),
            ("gemini-flash-latest", None),
            ("", None),
        ] {
            assert_eq!(version(code), expected, "{code}");
        }
    }
}
