//! Tokens: short-lived keys of one thread, for browsers and for callers without a key.
//!
//! A token says itself what it opens and until when, and is signed with a key that is derived from the master key (HMAC-SHA256,
//! RFC 2104), so nothing is stored or looked up for it. Two things end it before its time: the key of the account that issued
//! it ends, and the thread's floor is raised above the one it was made under. The thread's object knows its floor, and a
//! deleted thread leaves a higher one to the next of its name.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac;

use super::id::ThreadKey;
use crate::domain::ids::{AccountId, AgentId, KeyId};
use crate::domain::secret::Secret;
use crate::domain::time::Millis;
use crate::domain::vault::{self, MasterKey};

/// How a token begins; no key of an account does.
const PREFIX: &str = "retinue_thread_";
/// Separates this use of the master key from every other.
const PURPOSE: &[u8] = b"retinue thread token 1";
/// The bytes before the user: a version, whether a key follows, four ids, the end in milliseconds, the floor.
const FIXED: usize = 2 + 4 * 16 + 8 + 4;
const SIGNATURE: usize = 32;
const VERSION: u8 = 1;
/// The longest token that is looked at: a user has at most 255 characters of at most 4 bytes, and base64 makes 4 of 3.
const MAX_LEN: usize = PREFIX.len() + (FIXED + 255 * 4 + SIGNATURE).div_ceil(3) * 4;

/// How long a token is good: a second at least, a day at most, an hour where nobody says.
pub const MIN_S: u32 = 1;
pub const MAX_S: u32 = 24 * 60 * 60;
pub const DEFAULT_S: u32 = 60 * 60;

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadToken {
    pub account: AccountId,
    pub agent: AgentId,
    pub thread: ThreadKey,
    /// The key of the account that issued it, for which it acts; `None` where a public agent's anonymous caller made the thread.
    pub key: Option<KeyId>,
    pub expires_at: Millis,
    /// The thread's when it was made.
    pub floor: u32,
    /// Whoever it was made for, in the issuer's word.
    pub user: Option<String>,
}

/// Why a text is no token that is good now. Says nothing of the text itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    #[error("the thread's token was cut or changed, or comes from elsewhere")]
    Forged,
    #[error("the thread's token has expired: whoever issued it can issue another")]
    Expired,
}

/// Signs tokens. It neither prints nor serializes.
pub struct Signer([u8; 32]);

impl Signer {
    pub fn of(master: &MasterKey) -> Self {
        Self(master.derive(PURPOSE))
    }

    pub fn sign(&self, token: &ThreadToken) -> Secret {
        let mut bytes = token.to_bytes();
        let signature = vault::keyed(&self.0).chain_update(&bytes).finalize().into_bytes();
        bytes.extend_from_slice(&signature);
        Secret::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Reads a token as a client sent it. The signature is compared in a time that says nothing of where it differs.
    ///
    /// # Errors
    /// [`Invalid`].
    pub fn open(&self, text: &str, now: Millis) -> Result<ThreadToken, Invalid> {
        let coded = text.strip_prefix(PREFIX).filter(|_| text.len() <= MAX_LEN).ok_or(Invalid::Forged)?;
        let bytes = URL_SAFE_NO_PAD.decode(coded).map_err(|_| Invalid::Forged)?;
        let end = bytes.len().checked_sub(SIGNATURE).ok_or(Invalid::Forged)?;
        let (said, signature) = bytes.split_at(end);
        let signed = vault::keyed(&self.0).chain_update(said).verify_slice(signature);
        let token = signed.ok().and_then(|()| ThreadToken::of_bytes(said)).ok_or(Invalid::Forged)?;
        if token.expires_at > now { Ok(token) } else { Err(Invalid::Expired) }
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(…)")
    }
}

impl ThreadToken {
    /// Whether a text is meant as a token, in whatever state.
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    fn to_bytes(&self) -> Vec<u8> {
        let user = self.user.as_deref().unwrap_or_default();
        let mut bytes = Vec::with_capacity(FIXED + user.len() + SIGNATURE);
        bytes.extend_from_slice(&[VERSION, u8::from(self.key.is_some())]);
        let key = self.key.map_or([0; 16], KeyId::to_bytes);
        for id in [self.account.to_bytes(), self.agent.to_bytes(), self.thread.to_bytes(), key] {
            bytes.extend_from_slice(&id);
        }
        bytes.extend_from_slice(&self.expires_at.0.to_be_bytes());
        bytes.extend_from_slice(&self.floor.to_be_bytes());
        bytes.extend_from_slice(user.as_bytes());
        bytes
    }

    /// Of bytes that [`Self::to_bytes`] wrote; `None` where another version did.
    fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let ([version, has_key], rest) = bytes.split_first_chunk()?;
        let (account, rest) = rest.split_first_chunk()?;
        let (agent, rest) = rest.split_first_chunk()?;
        let (thread, rest) = rest.split_first_chunk()?;
        let (key, rest) = rest.split_first_chunk()?;
        let (expires_at, rest) = rest.split_first_chunk()?;
        let (floor, user) = rest.split_first_chunk()?;
        let user = std::str::from_utf8(user).ok()?;
        (*version == VERSION).then(|| Self {
            account: AccountId::of_bytes(*account),
            agent: AgentId::of_bytes(*agent),
            thread: ThreadKey::of_bytes(*thread),
            key: (*has_key == 1).then(|| KeyId::of_bytes(*key)),
            expires_at: Millis(i64::from_be_bytes(*expires_at)),
            floor: u32::from_be_bytes(*floor),
            user: (!user.is_empty()).then(|| user.to_owned()),
        })
    }
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
