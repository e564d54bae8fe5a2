//! The secrets of an agent's HTTP tools: the values of headers that carry credentials.
//!
//! They stand apart from the definition, sealed ([`crate::domain::vault`]); in their places there are masks, which end as the
//! values do. So whatever shows, compares, copies or writes a definition has only masks. A mask that comes back stands for
//! what is stored, as long as the header goes to the same server: who may write an agent cannot read its secrets by sending
//! them elsewhere.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::headers::{MASK, is_masked, is_secret, last4};
use super::tool::{Inline, Kind, Tool};
use crate::domain::field_error::FieldErrors;
use crate::domain::ids::AccountId;
use crate::domain::outbound::Loopback;
use crate::domain::secret::Secret;
use crate::domain::vault::{self, MasterKey, Place, Sealed};

/// What is kept for headers of tools, by the tool's name and the header's in lower case. Only the directory writes it out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secrets(BTreeMap<String, BTreeMap<String, Kept>>);

/// The value of a header at rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Scheme, host and port of the server that it is sent to, and no other.
    origin: String,
    last4: String,
    /// `None`: it is yet to be given, for which reason the tool cannot be called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed: Option<Sealed>,
}

impl Kept {
    /// What is shown in its place.
    pub fn mask(&self) -> String {
        format!("{MASK}{}", self.last4)
    }

    pub const fn is_awaited(&self) -> bool {
        self.sealed.is_none()
    }

    fn awaited(origin: &str) -> Self {
        Self { origin: origin.to_owned(), last4: String::new(), sealed: None }
    }

    /// The value that `header` of `tool` has, to be sent to `origin`; `None` when it is yet to be given.
    ///
    /// # Errors
    /// [`vault::Error::CannotOpen`], also when it was sealed for something else.
    pub fn open(
        &self,
        master: &MasterKey,
        account: AccountId,
        (tool, header, origin): (&str, &str, &str),
    ) -> Result<Option<Secret>, vault::Error> {
        let open = |sealed| master.open(account, Place::ToolHeader { tool, header, origin }, sealed);
        self.sealed.as_ref().map(open).transpose()
    }
}

impl Secrets {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is kept for a header, named in lower case.
    pub fn find(&self, tool: &str, header: &str) -> Option<&Kept> {
        self.0.get(tool)?.get(header)
    }

    /// Tool, header, and what is kept.
    pub fn each(&self) -> impl Iterator<Item = (&str, &str, &Kept)> {
        self.0
            .iter()
            .flat_map(|(tool, of)| of.iter().map(|(header, kept)| (tool.as_str(), header.as_str(), kept)))
    }

    fn insert(&mut self, tool: &str, header: String, kept: Kept) {
        self.0.entry(tool.to_owned()).or_default().insert(header, kept);
    }

    /// The secrets of these tools: of a version, with the values that its agent has for the same headers and servers by now. One
    /// that was replaced is not used any more, whatever version is called.
    pub fn renew(&mut self, tools: &mut [Tool], newest: &Self) {
        let tools = tools.iter_mut().filter_map(Tool::http_mut).filter(|_| !newest.is_empty());
        for tool in tools {
            let name = tool.name().to_owned();
            for (header, value) in tool.headers.iter_mut().flatten() {
                let header = header.to_ascii_lowercase();
                let own = self.0.get_mut(&name).and_then(|of| of.get_mut(&header));
                let Some((own, newer)) = own.zip(newest.find(&name, &header)) else { continue };
                if own.origin == newer.origin && !newer.is_awaited() {
                    own.clone_from(newer);
                    *value = own.mask();
                }
            }
        }
    }
}

/// What a mask means where nothing is stored for its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// It is a fault.
    Refused,
    /// The value is yet to be given: files and templates carry none.
    Awaited,
}

/// Puts values of headers behind masks.
pub struct Sealer<'a> {
    /// `None` for the platform's templates, which have no secrets.
    pub account: Option<AccountId>,
    pub master: Result<&'a MasterKey, vault::Error>,
    /// Fresh and random each time.
    pub nonce: &'a (dyn Fn() -> [u8; 12] + Sync),
    pub loopback: Loopback,
    pub unknown: Unknown,
}

const OF_NO_ACCOUNT: &str =
    "is a secret, and the platform's templates have none: write `…`, for a value that is yet to be given";

impl Sealer<'_> {
    /// Seals what is a secret in these tools, and keeps what is `stored` where a mask stands for it; notes what cannot be
    /// kept. Tools whose URL is none are passed over.
    ///
    /// # Errors
    /// [`vault::Error`] when the operator has set no key to seal with.
    pub fn seal(
        &self,
        tools: &mut [Tool],
        stored: &Secrets,
        errors: &mut FieldErrors,
    ) -> Result<Secrets, vault::Error> {
        let mut secrets = Secrets::default();
        for (i, tool) in tools.iter_mut().enumerate() {
            let Some(tool) = tool.http_mut() else { continue };
            let Some(origin) = tool.origin(self.loopback) else { continue };
            let name = tool.name().to_owned();
            let Inline { headers, secret_headers, .. } = tool;
            let marked = secret_headers.as_deref().unwrap_or_default();
            for (header, value) in headers.iter_mut().flatten() {
                let lower = header.to_ascii_lowercase();
                let old = stored.find(&name, &lower);
                let kept = if is_masked(value) {
                    self.behind_mask(&origin, old)
                } else if is_secret(header, value, marked) {
                    let place = (name.as_str(), lower.as_str(), origin.as_str());
                    let sealed =
                        self.account.map(|account| self.sealed(account, place, value, old)).transpose()?;
                    sealed.ok_or_else(|| OF_NO_ACCOUNT.to_owned())
                } else {
                    continue;
                };
                if let Some(kept) = errors.take(&format!("tools[{i}].headers.{header:.64}"), kept) {
                    *value = kept.mask();
                    secrets.insert(&name, lower, kept);
                }
            }
        }
        Ok(secrets)
    }

    fn behind_mask(&self, origin: &str, old: Option<&Kept>) -> Result<Kept, String> {
        match old {
            Some(old) if old.origin == origin => Ok(old.clone()),
            Some(old) if old.is_awaited() => Ok(Kept::awaited(origin)),
            _ if self.unknown == Unknown::Awaited => Ok(Kept::awaited(origin)),
            Some(old) => Err(format!(
                "is masked, and the tool's URL leads to another server: what is stored is only sent to {}, so give the value again",
                old.origin
            )),
            None => {
                Err("is masked, and nothing is stored for this header of this tool: give the value"
                    .to_owned())
            }
        }
    }

    /// What is stored already stays as it is.
    fn sealed(
        &self,
        account: AccountId,
        place: (&str, &str, &str),
        value: &str,
        old: Option<&Kept>,
    ) -> Result<Kept, vault::Error> {
        let master = self.master.as_ref().map_err(|error| *error)?;
        let opens_to_it = |old: &&Kept| {
            let opened = old.open(master, account, place);
            opened.is_ok_and(|opened| opened.is_some_and(|opened| opened.matches(value)))
        };
        if let Some(old) = old.filter(opens_to_it) {
            return Ok(old.clone());
        }
        let (tool, header, origin) = place;
        let secret = Secret::new(value.to_owned());
        let place = Place::ToolHeader { tool, header, origin };
        let sealed = master.seal(account, place, (self.nonce)(), &secret)?;
        Ok(Kept { origin: origin.to_owned(), last4: last4(&secret), sealed: Some(sealed) })
    }
}

impl Tool {
    /// Of values that are masked, not even the end stays.
    pub fn forget_secrets(&mut self) {
        let headers = self.http_mut().and_then(|tool| tool.headers.as_mut());
        for value in headers.into_iter().flat_map(BTreeMap::values_mut).filter(|value| is_masked(value)) {
            MASK.clone_into(value);
        }
    }

    fn http_mut(&mut self) -> Option<&mut Inline> {
        match self {
            Self::Inline(tool) if tool.kind == Kind::Http => Some(tool),
            Self::Inline(_) | Self::Named(_) => None,
        }
    }
}

#[cfg(test)]
#[path = "secrets_tests.rs"]
mod tests;
