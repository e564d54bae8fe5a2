//! Requests that count once: `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07).

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

/// How long a thread's object remembers the answer to a key, in milliseconds: a day.
pub const KEEP_MS: i64 = 24 * 60 * 60 * 1_000;

/// A text's hash: the first 122 bits of its SHA-256. Keys and bodies are kept as hashes only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hash(Uuid);

impl Hash {
    /// Of texts one after the other, none of which can be taken for a part of its neighbour.
    pub fn of(texts: &[&[u8]]) -> Self {
        let mut digest = Sha256::new();
        for text in texts {
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text);
        }
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(digest.finalize()).for_each(|(byte, of)| *byte = of);
        Self(Builder::from_custom_bytes(bytes).into_uuid())
    }

    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl std::fmt::Display for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.as_simple().fmt(f)
    }
}

/// What makes two requests of a caller to one path the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Once {
    pub key: Hash,
    pub body: Hash,
}

impl Once {
    pub fn new(key: &IdempotencyKey, body: &[u8]) -> Self {
        Self { key: Hash::of(&[key.0.as_bytes()]), body: Hash::of(&[body]) }
    }
}

/// A client's key for a request: 1 to 255 printable ASCII characters. The draft's quotes around it may be left out, and
/// are no part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// Why a text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "Idempotency-Key has 1 to 255 printable ASCII characters, in one pair of quotes without a comma and a blank after it, or alone without a comma, and is sent once"
)]
pub struct InvalidKey;

impl IdempotencyKey {
    const MAX_LEN: usize = 255;

    /// # Errors
    /// [`InvalidKey`].
    pub fn parse(text: &str) -> Result<Self, InvalidKey> {
        let text = text.trim_matches([' ', '\t']);
        let key = match text.strip_prefix('"') {
            // The platform joins a header that is sent twice by a comma and a blank: `"a` and `b"` would be one key.
            Some(rest) => {
                let is_one = |key: &&str| !key.contains('"') && !key.contains(", ");
                rest.strip_suffix('"').filter(is_one).ok_or(InvalidKey)?
            }
            None if text.contains(',') => return Err(InvalidKey),
            None => text,
        };
        let fits =
            (1..=Self::MAX_LEN).contains(&key.len()) && key.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if fits { Ok(Self(key.to_owned())) } else { Err(InvalidKey) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_same_with_and_without_its_quotes() {
        let plain = IdempotencyKey::parse("8e03978e-40d5").unwrap();
        assert_eq!(IdempotencyKey::parse(r#""8e03978e-40d5""#), Ok(plain.clone()));
        assert_eq!(IdempotencyKey::parse("  8e03978e-40d5\t"), Ok(plain));
        assert!(IdempotencyKey::parse(&"k".repeat(255)).is_ok());
        for wrong in [
            "",
            " ",
            "\"\"",
            "\"",
            "\"open",
            "ü",
            "a\u{7f}",
            "a\tb",
            "a, b",
            "\"a\", \"b\"",
            "\"a, b\"",
            &"k".repeat(256),
        ] {
            assert_eq!(IdempotencyKey::parse(wrong), Err(InvalidKey), "{wrong:?}");
        }
    }

    #[test]
    fn texts_do_not_run_into_each_other() {
        assert_ne!(Hash::of(&[b"ab", b"c"]), Hash::of(&[b"a", b"bc"]));
        assert_eq!(Hash::of(&[b"ab"]), Hash::of(&[b"ab"]));
    }
}
