//! Slugs: the names that stand in URLs.

use serde::{Deserialize, Serialize};

/// A name in a URL: 1–63 characters of `a-z`, `0-9` and `-`, beginning and ending with a letter or digit,
/// and not in the form of a UUID, so that `{agent}` is a slug or an id and never both.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Slug(String);

/// Why a text is not a slug.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a slug has 1 to 63 characters of a-z, 0-9 and '-', begins and ends with a letter or digit, and is not a UUID"
)]
pub struct Invalid;

impl Slug {
    pub const MAX_LEN: usize = 63;

    /// # Errors
    /// [`Invalid`] when the text does not have the form.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let fits = (1..=Self::MAX_LEN).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-')
            && uuid::Uuid::try_parse(text).is_err();
        if fits { Ok(Self(text.to_owned())) } else { Err(Invalid) }
    }

    /// The slug of a display name: lower case, letters of Latin, Greek and Cyrillic as those of ASCII, every run of anything
    /// else one hyphen. `None` when nothing is left.
    pub fn from_name(name: &str) -> Option<Self> {
        let mut slug = String::new();
        for c in name.chars().flat_map(char::to_lowercase) {
            if c.is_ascii_alphanumeric() {
                slug.push(c);
            } else if is_mark(c) {
                // It belongs to the letter before it.
            } else if let Some(letters) = in_ascii(c) {
                slug.push_str(letters);
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
        }
        slug.truncate(Self::MAX_LEN);
        Self::parse(slug.trim_end_matches('-')).ok()
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Small letters from `à` to `ž`, each with the one of ASCII; a blank has none.
const LATIN: (char, &str) = (
    '\u{df}',
    "saaaaaaaceeeeiiiidnooooo ouuuuytyaaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkkllllllllll\
     nnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs",
);
/// The same from `ḁ`, for Vietnamese among others.
const LATIN_MORE: (char, &str) = (
    '\u{1e00}',
    "aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmmmmmmnnnnnnnnoooooooopppprrrrrrrrssss\
     ssssssttttttttuuuuuuuuuuvvvvwwwwwwwwwwxxxxyyzzzzzzhtwyassss aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeeeeeeeeeee\
     iiiioooooooooooooooooooooooouuuuuuuuuuuuuuyyyyyyyy      ",
);
/// From `α` to `ω`.
const GREEK: (char, [&str; 25]) = (
    '\u{3b1}',
    [
        "a", "v", "g", "d", "e", "z", "i", "th", "i", "k", "l", "m", "n", "x", "o", "p", "r", "s", "s", "t",
        "y", "f", "ch", "ps", "o",
    ],
);
/// From `а` to `я`.
const CYRILLIC: (char, [&str; 32]) = (
    '\u{430}',
    [
        "a", "b", "v", "g", "d", "e", "zh", "z", "i", "y", "k", "l", "m", "n", "o", "p", "r", "s", "t", "u",
        "f", "kh", "ts", "ch", "sh", "shch", "", "y", "", "e", "yu", "ya",
    ],
);

/// Letters outside of those.
const ACCENTED: [(char, &str); 12] = [
    ('ά', "a"),
    ('έ', "e"),
    ('ή', "i"),
    ('ί', "i"),
    ('ό', "o"),
    ('ύ', "y"),
    ('ώ', "o"),
    ('ё', "e"),
    ('є', "ye"),
    ('і', "i"),
    ('ї', "yi"),
    ('ґ', "g"),
];

/// A combining mark, as names that are stored decomposed have them.
const fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// A small letter in those of ASCII.
fn in_ascii(c: char) -> Option<&'static str> {
    let from = |first: char| (c as usize).checked_sub(first as usize);
    let letter = |(first, letters): (char, &'static str)| from(first).and_then(|at| letters.get(at..=at));
    let latin = letter(LATIN).or_else(|| letter(LATIN_MORE)).filter(|letter| *letter != " ");
    let accented = || Some(ACCENTED.iter().find(|(letter, _)| *letter == c)?.1);
    let greek = || from(GREEK.0).and_then(|at| GREEK.1.get(at).copied());
    let cyrillic = || from(CYRILLIC.0).and_then(|at| CYRILLIC.1.get(at).copied());
    latin.or_else(greek).or_else(cyrillic).or_else(accented)
}

impl std::fmt::Display for Slug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Slug {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_slugs() {
        for (name, slug) in [
            ("Triage Agent", "triage-agent"),
            ("  C++ & Rust!  ", "c-rust"),
            ("Ärger 7", "arger-7"),
            ("Müller", "muller"),
            ("Mo\u{308}ller", "moller"),
            ("Straße × Œuvre", "strase-ouvre"),
            ("Łódź Žižkov ÿ", "lodz-zizkov-y"),
            ("Поддержка", "podderzhka"),
            ("Ωμέγα", "omega"),
            ("Nguyễn", "nguyen"),
        ] {
            assert_eq!(Slug::from_name(name).unwrap().as_str(), slug);
        }
        assert_eq!(Slug::from_name("日本"), None);
        assert!(Slug::from_name(&"x".repeat(200)).is_some());
    }

    #[test]
    fn what_a_url_cannot_carry_is_refused() {
        for text in
            ["", "-a", "a-", "A", "a_b", "a/b", "0190b0a0-0000-7000-8000-000000000000", &"x".repeat(64)]
        {
            assert_eq!(Slug::parse(text), Err(Invalid), "{text}");
        }
    }
}
