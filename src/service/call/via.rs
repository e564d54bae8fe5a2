//! Calls that come back: a provider's URL may lead to this product again, and then one call would become many.
//!
//! Each deployment adds its own mark to a header of what it sends to providers, and refuses what has the mark already, as
//! `CDN-Loop` does (RFC 8586), which the platform keeps for itself. An agent of another deployment may be a provider.

use sha2::{Digest, Sha256};

use super::error::Error;
use crate::domain::secret::Secret;
use crate::ports::World;
use crate::service::App;

/// The header, in lower case.
pub const HEADER: &str = "x-retinue-via";
/// The most deployments that a call passes.
const MOST: usize = 4;
const SEPARATOR: &str = ", ";

/// The deployments that a call has passed, this one included: the value of the header for providers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Via(String);

impl Via {
    /// Of a call that begins here.
    pub fn begun<W: World>(app: &App<W>) -> Self {
        Self(mark(app))
    }

    /// Of a call that arrived with this header.
    ///
    /// # Errors
    /// [`Error::Loop`].
    pub fn arrived<W: World>(app: &App<W>, header: Option<&str>) -> Result<Self, Error> {
        let own = mark(app);
        let Some(before) = header else { return Ok(Self(own)) };
        let mut marks = before.split(SEPARATOR.trim_end()).map(str::trim);
        if marks.clone().count() >= MOST || marks.any(|mark| mark == own) {
            return Err(Error::Loop);
        }
        Ok(Self([before, &own].join(SEPARATOR)))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What tells this deployment from others and is no secret.
fn mark<W: World>(app: &App<W>) -> String {
    let settings = app.world.settings();
    let own = settings.master_key.as_ref().or(settings.operator_key.as_ref()).map_or("", Secret::expose);
    let digest = Sha256::new().chain_update("retinue via ").chain_update(own).finalize();
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
