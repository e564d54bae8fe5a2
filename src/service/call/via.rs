//! Calls that come back: a provider's URL may lead to this product again, and then one call would become many.
//!
//! Each deployment adds its own mark to a header of what it sends to providers, and refuses what has the mark already, as
//! `CDN-Loop` does (RFC 8586), which the platform keeps for itself. An agent of another deployment may be a provider. Anyone
//! may send the header, so only what is a mark is read of it and passed to providers. A run keeps what the call that began it has
//! passed, and its HTTP tools are sent the same, so that a loop through tools ends as one through providers does.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::error::Error;
use crate::domain::secret::Secret;
use crate::ports::{Settings, World};
use crate::service::App;

/// The header, in lower case.
pub const HEADER: &str = "x-retinue-via";
/// The most deployments that a call passes.
const MOST: usize = 4;
/// The hexadecimal digits of a mark.
const DIGITS: usize = 16;
const SEPARATOR: &str = ", ";

/// The deployments that a call has passed, this one included: the value of the header for providers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Via(Arc<str>);

impl Via {
    /// Of a call that begins here.
    pub fn begun<W: World>(app: &App<W>) -> Self {
        app.via.clone()
    }

    /// Of a call that arrived with this header.
    ///
    /// # Errors
    /// [`Error::Loop`].
    pub fn arrived<W: World>(app: &App<W>, header: Option<&[u8]>) -> Result<Self, Error> {
        let own = Self::begun(app);
        let Some(header) = header else { return Ok(own) };
        let each = header.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        let mut marks: Vec<&str> = each.filter_map(mark).take(MOST).collect();
        if marks.len() >= MOST || marks.contains(&own.as_str()) {
            return Err(Error::Loop);
        }
        marks.push(own.as_str());
        Ok(Self(marks.join(SEPARATOR).into()))
    }

    /// Of a run, as what began it has passed; `None`: it began here.
    pub fn of_run<W: World>(app: &App<W>, kept: Option<&str>) -> Self {
        kept.map_or_else(|| Self::begun(app), |marks| Self(marks.into()))
    }

    /// The mark of a deployment: what distinguishes it from others and is no secret. It is derived from the master key alone,
    /// whose 32 random bytes nobody guesses; the operator's key may be words, and every provider sees the mark. Deployments
    /// without a master key are not distinguished.
    pub fn of_deployment(settings: &Settings) -> Self {
        let own = settings.master_key.as_ref().map_or("", Secret::expose);
        let digest = Sha256::new().chain_update("retinue via ").chain_update(own).finalize();
        let digits: String = digest.iter().take(DIGITS / 2).map(|byte| format!("{byte:02x}")).collect();
        Self(digits.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text, if a deployment may have written it.
fn mark(text: &[u8]) -> Option<&str> {
    let is_mark = text.len() == DIGITS && text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_mark.then(|| std::str::from_utf8(text).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_says_nothing_of_the_operators_key() {
        let secret = |text: &str| Some(Secret::new(text.to_owned()));
        let mark = |master: Option<&str>, operator: &str| {
            let master_key = master.and_then(secret);
            Via::of_deployment(&Settings {
                master_key,
                operator_key: secret(operator),
                ..Settings::default()
            })
        };
        assert_eq!(mark(None, "a"), mark(None, "b"));
        assert_eq!(mark(Some("m"), "a"), mark(Some("m"), "b"));
        assert_ne!(mark(Some("m"), "a"), mark(Some("n"), "a"));
    }
}
