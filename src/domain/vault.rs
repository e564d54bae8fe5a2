//! The vault: secrets at rest, AES-256-GCM under the platform's master key, and keys derived from it.
//!
//! What is sealed for one account and [`Place`] opens for no other: both are authenticated with the ciphertext, so
//! a row copied elsewhere is useless. The nonce arrives as an argument and must be random: at 96 bits,
//! 2³² seals under one master key stay within NIST SP 800-38D, §8.3.

use std::fmt;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::ids::AccountId;
use super::provider::name::ProviderName;
use super::secret::Secret;

/// What a secret is sealed for.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    ProviderKey(&'a ProviderName),
    /// What the messages of a webhook of this name are signed with.
    Webhook(&'a str),
    /// A header that a tool sends: its name in lower case, and the scheme, host and port that it is sent to.
    ToolHeader {
        tool: &'a str,
        header: &'a str,
        origin: &'a str,
    },
}

/// The key that seals secrets. It neither prints nor serializes.
#[derive(Clone)]
pub struct MasterKey(Key<Aes256Gcm>);

/// A sealed secret as it is stored, both parts in base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    pub nonce: String,
    pub ciphertext: String,
}

/// Why the vault does not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("MASTER_KEY is not set: set it to 32 random bytes in base64 (openssl rand -base64 32)")]
    Missing,
    #[error("MASTER_KEY is not 32 bytes in base64 (openssl rand -base64 32 makes one)")]
    Invalid,
    #[error("a secret has at most {MAX_LEN} bytes")]
    TooLong,
    /// One error for all causes: which it was helps only who tampers.
    #[error("the stored secret cannot be opened: MASTER_KEY has changed since, or the row was altered")]
    CannotOpen,
}

/// The longest secret sealed, in bytes; the longest provider keys known are tokens of 2 KiB.
pub const MAX_LEN: usize = 8 * 1024;

impl MasterKey {
    /// Reads variable `MASTER_KEY`: 32 bytes in base64, as `openssl rand -base64 32` prints them.
    ///
    /// # Errors
    /// [`Error::Missing`] when it is blank, [`Error::Invalid`] when it is anything else.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Error::Missing);
        }
        let bytes = STANDARD.decode(text).map_err(|_| Error::Invalid)?;
        let key: [u8; 32] = bytes.try_into().map_err(|_| Error::Invalid)?;
        Ok(Self(key.into()))
    }

    /// Seals a secret of this account for this place. `nonce` must be fresh and random.
    ///
    /// # Errors
    /// [`Error::TooLong`] above [`MAX_LEN`] bytes.
    pub fn seal(
        &self,
        account: AccountId,
        place: Place<'_>,
        nonce: [u8; 12],
        secret: &Secret,
    ) -> Result<Sealed, Error> {
        if secret.expose().len() > MAX_LEN {
            return Err(Error::TooLong);
        }
        let bound = place.binding(account);
        let payload = Payload { msg: secret.expose().as_bytes(), aad: &bound };
        let sealed =
            Aes256Gcm::new(&self.0).encrypt(&Nonce::from(nonce), payload).map_err(|_| Error::TooLong)?;
        Ok(Sealed { nonce: STANDARD.encode(nonce), ciphertext: STANDARD.encode(sealed) })
    }

    /// Opens what was sealed for this account and place.
    ///
    /// # Errors
    /// [`Error::CannotOpen`] when it was sealed with another master key, or for another account or place, or a bit of it
    /// changed.
    pub fn open(&self, account: AccountId, place: Place<'_>, sealed: &Sealed) -> Result<Secret, Error> {
        let opened = self.decrypt(&place.binding(account), sealed);
        opened.and_then(|bytes| String::from_utf8(bytes).ok()).map(Secret::new).ok_or(Error::CannotOpen)
    }

    /// A key of its own for another purpose, which says nothing of this one (HMAC-SHA256).
    pub fn derive(&self, purpose: &[u8]) -> [u8; 32] {
        keyed(&self.0.into()).chain_update(purpose).finalize().into_bytes().into()
    }

    fn decrypt(&self, bound: &[u8], sealed: &Sealed) -> Option<Vec<u8>> {
        let nonce: [u8; 12] = STANDARD.decode(&sealed.nonce).ok()?.try_into().ok()?;
        let ciphertext = STANDARD.decode(&sealed.ciphertext).ok()?;
        Aes256Gcm::new(&self.0).decrypt(&Nonce::from(nonce), Payload { msg: &ciphertext, aad: bound }).ok()
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// HMAC-SHA256 under this key (RFC 2104: a key that is shorter than a block is filled with zeros).
pub fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = [0; 64];
    block.iter_mut().zip(key).for_each(|(byte, of)| *byte = *of);
    Mac::new(&block.into())
}

impl Place<'_> {
    /// The associated data. Each part is preceded by its length, so no two lists of parts give the same bytes; the first
    /// one separates the uses of the master key.
    fn binding(self, account: AccountId) -> Vec<u8> {
        let account = account.to_string();
        match self {
            Self::ProviderKey(name) => joined(&["retinue provider key 1", &account, name.as_str()]),
            Self::Webhook(name) => joined(&["retinue webhook 1", &account, name]),
            Self::ToolHeader { tool, header, origin } => {
                joined(&["retinue tool header 1", &account, tool, header, origin])
            }
        }
    }
}

fn joined(parts: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

#[cfg(test)]
#[path = "vault_tests.rs"]
mod tests;
