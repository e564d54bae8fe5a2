//! Providers' names, and the documented addresses of the well-known ones.
//!
//! A name that is not in the table is an OpenAI-compatible server wherever its base URL says.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::wire::Wire;

/// The part of a model line before the colon: 1–40 characters of `a-z`, `0-9` and `-`, beginning and ending
/// with a letter or digit. Other names of a well-known provider (`google`) are read as its own (`gemini`), so
/// that prices and keys are found whichever is written.
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

    /// The address that its documentation gives; `None` for a binding, and where the table has no such provider.
    pub fn documented_url(&self) -> Option<&'static str> {
        self.well_known().and_then(|known| known.base_url)
    }

    /// The wire that the name implies.
    pub fn implied_wire(&self) -> Wire {
        self.well_known().map_or(Wire::OpenAi, |known| known.wire)
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

const OTHER_NAMES: [(&str, &str); 3] =
    [("google", "gemini"), ("google-gla", "gemini"), ("cloudflare", "workers-ai")];

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::outbound::Loopback;
    use crate::domain::provider::BaseUrl;

    fn name(text: &str) -> ProviderName {
        ProviderName::parse(text).unwrap()
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
}
