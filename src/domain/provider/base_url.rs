//! Base URLs of providers, checked by the rule for everything that leaves ([`outbound`]).

use std::fmt;

use serde::Serialize;

use crate::domain::outbound::{self, Loopback, Refusal};

/// The address of an upstream API, to which a wire appends its paths: checked, without query, fragment or
/// slash at the end.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct BaseUrl(String);

/// Why a text is not a base URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBaseUrl {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("a base URL has no query: paths are appended to it")]
    Query,
}

impl BaseUrl {
    /// # Errors
    /// [`InvalidBaseUrl`] when [`outbound::check`] refuses the URL or it has a query.
    pub fn parse(text: &str, loopback: Loopback) -> Result<Self, InvalidBaseUrl> {
        let url = outbound::check(text, loopback)?;
        if url.query().is_some() {
            return Err(InvalidBaseUrl::Query);
        }
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }

    /// Ends without a slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_takes_paths() {
        let parse = |text| BaseUrl::parse(text, Loopback::Allowed);
        assert_eq!(parse("https://API.example.com:443/v1//").unwrap().as_str(), "https://api.example.com/v1");
        assert_eq!(parse("http://127.0.0.1:8080/").unwrap().as_str(), "http://127.0.0.1:8080");
        assert_eq!(parse("https://api.example.com/v1?key=1"), Err(InvalidBaseUrl::Query));
        assert!(matches!(parse("https://10.0.0.1/v1"), Err(InvalidBaseUrl::Refused(_))));
    }
}
