//! API keys: `retinue_`, 32 random characters, 6 of checksum, all base62.
//!
//! The prefix lets scanners find a leaked key; the checksum stops typos and made-up keys before they cost a look
//! into the directory. Only a key's SHA-256 is ever stored. That needs no salt and no slow hash: 32 base62
//! characters are 190 bits, which nobody enumerates. Not here: whether a key is known, expired or revoked.

use std::fmt;

use sha2::{Digest, Sha256};

use super::thread::token::ThreadToken;

const PREFIX: &str = "retinue_";
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM_LEN: usize = 32;
/// 62⁶ > 2³², so six characters hold any CRC-32.
const CHECKSUM_LEN: usize = 6;

/// A well-formed API key. It neither prints nor serializes; [`ApiKey::expose`] is for the one reply that shows it.
#[derive(Clone)]
pub struct ApiKey(String);

/// Why a text is not an API key. Says nothing of the text itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    #[error("this is a thread's token, which opens its thread and nothing else")]
    ThreadToken,
    #[error("an API key begins with \"retinue_\"")]
    Prefix,
    #[error("an API key has 46 characters: this one was cut, or joined with something else")]
    Length,
    #[error("an API key has only letters and digits after \"retinue_\"")]
    Alphabet,
    #[error("the API key is misspelled: its checksum does not match")]
    Checksum,
}

impl ApiKey {
    /// A new key of 32 random bytes.
    ///
    /// The bytes are one 256-bit number, taken modulo 62³². That is uniform but for a bias below
    /// 62³² / 2²⁵⁶ < 2⁻⁶⁵, where a remainder per byte would favour the first eight characters by a quarter.
    pub fn generate(random: &[u8; 32]) -> Self {
        let mut number = *random;
        let mut key = String::with_capacity(PREFIX.len() + RANDOM_LEN + CHECKSUM_LEN);
        key.push_str(PREFIX);
        for _ in 0..RANDOM_LEN {
            key.push(digit(divide_by_62(&mut number)));
        }
        key.extend(checksum(&key));
        Self(key)
    }

    /// Reads a key as a client sent it.
    ///
    /// # Errors
    /// [`Invalid`] when the text cannot be a key that was ever given out.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if ThreadToken::is_meant(text) {
            return Err(Invalid::ThreadToken);
        }
        let rest = text.strip_prefix(PREFIX).ok_or(Invalid::Prefix)?;
        if !rest.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(Invalid::Alphabet);
        }
        if rest.len() != RANDOM_LEN + CHECKSUM_LEN {
            return Err(Invalid::Length);
        }
        let (body, given) = text.split_at(PREFIX.len() + RANDOM_LEN);
        if given.chars().eq(checksum(body)) { Ok(Self(text.to_owned())) } else { Err(Invalid::Checksum) }
    }

    /// The key itself, to be shown once.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What the directory stores and finds the key by.
    pub fn digest(&self) -> KeyDigest {
        KeyDigest(Sha256::digest(self.0.as_bytes()).into())
    }

    /// What lists show: `retinue_ab…wxyz`. The four at the end are checksum; with them 154 of the 190 bits stay
    /// unknown.
    pub fn hint(&self) -> String {
        let (head, tail) = (&self.0[..PREFIX.len() + 2], &self.0[self.0.len() - 4..]);
        format!("{head}…{tail}")
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

/// The SHA-256 of an API key; prints as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyDigest([u8; 32]);

impl fmt::Display for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyDigest({self})")
    }
}

/// The CRC-32 of `body`, base62, most significant first, padded with zeros.
fn checksum(body: &str) -> impl Iterator<Item = char> + use<> {
    let crc = u64::from(crc32(body.as_bytes()));
    (0..CHECKSUM_LEN as u32).rev().map(move |place| digit((crc / 62_u64.pow(place) % 62) as u8))
}

/// CRC-32 as in zip and Ethernet (IEEE 802.3, reflected 0xEDB88320). Bit by bit: 40 bytes need no table.
fn crc32(bytes: &[u8]) -> u32 {
    let shift = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), shift))
}

/// Divides a big-endian number in place; the remainder is below 62.
fn divide_by_62(number: &mut [u8; 32]) -> u8 {
    let remainder = number.iter_mut().fold(0_u32, |carry, byte| {
        let value = carry << 8 | u32::from(*byte);
        // carry < 62, so value < 62 · 256 and the quotient fits a byte.
        *byte = (value / 62) as u8;
        value % 62
    });
    remainder as u8
}

/// The base62 digit of a value below 62.
fn digit(value: u8) -> char {
    char::from(ALPHABET[usize::from(value) % 62])
}

#[cfg(test)]
#[path = "api_key_tests.rs"]
mod tests;
