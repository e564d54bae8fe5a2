//! Messages as they are stored: for years, and read by code of every later release.
//!
//! `{"v": 1, "message": {"role": …}}`. Names are in snake_case and never change their meaning. An unknown field, part or
//! version is refused rather than dropped: who writes something new raises [`VERSION`], and reads the old ones as
//! well. `tests/fixtures/message/vN/` holds messages as version N writes them; a released file is never edited
//! (`scripts/test design`).

use serde::{Deserialize, Serialize};

use super::transcript::Message;

/// The version that is written.
pub const VERSION: u32 = 1;

/// Why a text is not a stored message.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the message was written by a newer release (version {0}, this one reads up to {VERSION})")]
    Newer(u32),
    #[error("the message cannot be read: {0}")]
    Malformed(#[from] serde_json::Error),
}

#[derive(Serialize)]
struct Written<'a> {
    v: u32,
    message: &'a Message,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    #[expect(dead_code, reason = "read before the message is")]
    v: u32,
    message: Message,
}

#[derive(Deserialize)]
struct Version {
    v: u32,
}

/// The message as it is stored.
pub fn write(message: &Message) -> String {
    let written = serde_json::to_string(&Written { v: VERSION, message });
    debug_assert!(written.is_ok(), "messages have texts for keys");
    written.unwrap_or_default()
}

/// # Errors
/// [`Error`] when the text was not made by [`write()`] of this release or an earlier one.
pub fn read(text: &str) -> Result<Message, Error> {
    let Version { v } = serde_json::from_str(text)?;
    if v > VERSION {
        return Err(Error::Newer(v));
    }
    Ok(serde_json::from_str::<Read>(text)?.message)
}

#[cfg(test)]
#[path = "stored_tests.rs"]
mod tests;
