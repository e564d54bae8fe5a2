//! Providers: their names, the wire each speaks, and the documented addresses of the well-known ones.
//!
//! A name that is not in the table is an OpenAI-compatible server wherever its base URL says. Not here: keys
//! ([`super::secret`], [`super::vault`]) and which account uses what.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::outbound::{self, Loopback, Refusal};

/// The protocol an upstream API speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Wire {
    /// `POST {base}/chat/completions`, OpenAI's and its many imitators'.
    #[serde(rename = "openai")]
    OpenAi,
    /// `POST {base}/messages`.
    Anthropic,
    /// `POST {base}/models/{code}:generateContent`.
    Gemini,
    /// Cloudflare's models, by binding: no URL and no key.
    WorkersAi,
}

impl Wire {
    pub const ALL: [Self; 4] = [Self::OpenAi, Self::Anthropic, Self::Gemini, Self::WorkersAi];

    /// The name in JSON and in the directory.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::WorkersAi => "workers-ai",
        }
    }

    /// `None` when there is no such wire.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|wire| wire.as_str() == text)
    }
}

impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The part of a model line before the colon: 1–40 characters of `a-z`, `0-9` and `-`, beginning and ending with
/// a letter or digit. Other names of a well-known provider (`google`) are read as its own (`gemini`), so that
/// prices and keys are found whichever is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ProviderName(String);

/// Why a text is not a provider's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a provider's name has 1 to 40 characters of a-z, 0-9 and '-', and begins and ends with a letter or digit"
)]
pub struct InvalidName;

impl ProviderName {
    pub const MAX_LEN: usize = 40;

    /// # Errors
    /// [`InvalidName`] when the text does not have the form.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let fits = (1..=Self::MAX_LEN).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-');
        if !fits {
            return Err(InvalidName);
        }
        let own = OTHER_NAMES.iter().find(|(other, _)| *other == text).map_or(text, |(_, own)| own);
        Ok(Self(own.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the documentation of this provider says, where it is in the table.
    pub fn well_known(&self) -> Option<&'static WellKnown> {
        WELL_KNOWN.iter().find(|provider| provider.name == self.0)
    }

    /// The Worker variable with the platform's own key, as `OPENAI_API_KEY`.
    pub fn key_variable(&self) -> String {
        format!("{}_API_KEY", self.variable_prefix())
    }

    /// The Worker variable with the platform's own base URL, as `OPENAI_BASE_URL`.
    pub fn base_url_variable(&self) -> String {
        format!("{}_BASE_URL", self.variable_prefix())
    }

    fn variable_prefix(&self) -> String {
        self.0.to_ascii_uppercase().replace('-', "_")
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ProviderName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// A provider whose documentation says how to reach it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WellKnown {
    pub name: &'static str,
    pub wire: Wire,
    /// `None` for the provider that is reached by binding.
    pub base_url: Option<&'static str>,
}

const OTHER_NAMES: [(&str, &str); 2] = [("google", "gemini"), ("cloudflare", "workers-ai")];

/// The well-known providers. Base URLs are those that each provider's documentation gives for its
/// OpenAI-compatible API (read 2026-11-21); the version segment belongs to them.
pub const WELL_KNOWN: [WellKnown; 20] = [
    at("openai", Wire::OpenAi, "https://api.openai.com/v1"),
    at("anthropic", Wire::Anthropic, "https://api.anthropic.com/v1"),
    at("gemini", Wire::Gemini, "https://generativelanguage.googleapis.com/v1beta"),
    WellKnown { name: "workers-ai", wire: Wire::WorkersAi, base_url: None },
    at("cerebras", Wire::OpenAi, "https://api.cerebras.ai/v1"),
    at("cohere", Wire::OpenAi, "https://api.cohere.ai/compatibility/v1"),
    at("deepinfra", Wire::OpenAi, "https://api.deepinfra.com/v1/openai"),
    at("deepseek", Wire::OpenAi, "https://api.deepseek.com"),
    at("fireworks", Wire::OpenAi, "https://api.fireworks.ai/inference/v1"),
    at("groq", Wire::OpenAi, "https://api.groq.com/openai/v1"),
    at("huggingface", Wire::OpenAi, "https://router.huggingface.co/v1"),
    at("mistral", Wire::OpenAi, "https://api.mistral.ai/v1"),
    at("moonshot", Wire::OpenAi, "https://api.moonshot.ai/v1"),
    at("nebius", Wire::OpenAi, "https://api.tokenfactory.nebius.com/v1"),
    at("nvidia", Wire::OpenAi, "https://integrate.api.nvidia.com/v1"),
    at("openrouter", Wire::OpenAi, "https://openrouter.ai/api/v1"),
    at("perplexity", Wire::OpenAi, "https://api.perplexity.ai"),
    at("sambanova", Wire::OpenAi, "https://api.sambanova.ai/v1"),
    at("together", Wire::OpenAi, "https://api.together.ai/v1"),
    at("xai", Wire::OpenAi, "https://api.x.ai/v1"),
];

const fn at(name: &'static str, wire: Wire, base_url: &'static str) -> WellKnown {
    WellKnown { name, wire, base_url: Some(base_url) }
}

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

    fn name(text: &str) -> ProviderName {
        ProviderName::parse(text).unwrap()
    }

    #[test]
    fn wires_are_written_as_they_are_stored() {
        for wire in Wire::ALL {
            assert_eq!(serde_json::to_string(&wire).unwrap(), format!("\"{wire}\""));
            assert_eq!(serde_json::from_str::<Wire>(&format!("\"{wire}\"")).unwrap(), wire);
            assert_eq!(Wire::parse(wire.as_str()), Some(wire));
        }
        assert_eq!(Wire::parse("OpenAI"), None);
    }

    #[test]
    fn every_well_known_address_passes_the_check_it_is_used_without() {
        for provider in WELL_KNOWN {
            assert_eq!(name(provider.name).well_known(), Some(&provider));
            let Some(url) = provider.base_url else { continue };
            assert_eq!(BaseUrl::parse(url, Loopback::Refused).unwrap().as_str(), url);
        }
    }

    #[test]
    fn another_name_of_a_provider_is_that_provider() {
        assert_eq!(name("google"), name("gemini"));
        assert_eq!(name("cloudflare").well_known().unwrap().wire, Wire::WorkersAi);
        assert_eq!(serde_json::from_str::<ProviderName>("\"google\"").unwrap().as_str(), "gemini");
        for (other, own) in OTHER_NAMES {
            assert!(WELL_KNOWN.iter().any(|p| p.name == own) && !WELL_KNOWN.iter().any(|p| p.name == other));
        }
    }

    #[test]
    fn a_name_no_table_has_is_still_a_name() {
        assert_eq!(name("local").well_known(), None);
        assert_eq!(name(&"x".repeat(40)).as_str().len(), 40);
        for text in ["", "-a", "a-", "Openai", "open_ai", "a.b", "a:b", "ü", &"x".repeat(41)] {
            assert_eq!(ProviderName::parse(text), Err(InvalidName), "{text}");
        }
    }

    #[test]
    fn a_name_gives_the_platforms_variables() {
        assert_eq!(name("openai").key_variable(), "OPENAI_API_KEY");
        assert_eq!(name("my-server-2").base_url_variable(), "MY_SERVER_2_BASE_URL");
    }

    #[test]
    fn a_base_url_takes_paths() {
        let parse = |text| BaseUrl::parse(text, Loopback::Allowed);
        assert_eq!(parse("https://API.example.com:443/v1//").unwrap().as_str(), "https://api.example.com/v1");
        assert_eq!(parse("http://127.0.0.1:8080/").unwrap().as_str(), "http://127.0.0.1:8080");
        assert_eq!(parse("https://api.example.com/v1?key=1"), Err(InvalidBaseUrl::Query));
        assert!(matches!(parse("https://10.0.0.1/v1"), Err(InvalidBaseUrl::Refused(_))));
    }
}
