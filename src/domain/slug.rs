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

    /// The slug of a display name: lower case, every run of anything else one hyphen. `None` when no letter or
    /// digit of ASCII is left.
    pub fn from_name(name: &str) -> Option<Self> {
        let mut slug = String::new();
        for c in name.chars().flat_map(char::to_lowercase) {
            if c.is_ascii_alphanumeric() {
                slug.push(c);
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
        for (name, slug) in
            [("Triage Agent", "triage-agent"), ("  C++ & Rust!  ", "c-rust"), ("Ärger 7", "rger-7")]
        {
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
