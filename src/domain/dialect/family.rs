//! Families of servers: which rows of the table a provider gets.
//!
//! The address says more than the name: an account may call Mistral's server `eu`, or its own vLLM `openai`.

use crate::domain::glob::glob;
use crate::domain::provider::{WELL_KNOWN, Wire};

/// Every family there is. A server of the OpenAI wire that is none of the others is `other`.
pub const FAMILIES: [&str; 25] = [
    "openai",
    "azure",
    "openrouter",
    "vllm",
    "ollama",
    "mistral",
    "deepseek",
    "moonshot",
    "groq",
    "xai",
    "together",
    "fireworks",
    "cerebras",
    "cohere",
    "deepinfra",
    "huggingface",
    "nebius",
    "nvidia",
    "perplexity",
    "sambanova",
    "anthropic",
    "gemini",
    "workers-ai",
    "google-openai",
    "other",
];

const OTHER: &str = "other";

/// Hosts that no well-known provider's documented address has.
const HOSTS: [(&str, &str); 9] = [
    ("*.openai.azure.com", "azure"),
    ("*.services.ai.azure.com", "azure"),
    ("*.cognitiveservices.azure.com", "azure"),
    ("*.api.openai.com", "openai"),
    ("api.moonshot.cn", "moonshot"),
    ("api.together.xyz", "together"),
    ("ollama.com", "ollama"),
    ("generativelanguage.googleapis.com", "google-openai"),
    ("*.aiplatform.googleapis.com", "google-openai"),
];

/// Names that people give to servers of a kind.
const NAMES: [(&str, &str); 6] = [
    ("*azure*", "azure"),
    ("*vllm*", "vllm"),
    ("*ollama*", "ollama"),
    ("*openrouter*", "openrouter"),
    ("kimi", "moonshot"),
    ("google-openai", "google-openai"),
];

/// The family of a provider: by its host, where that is known, otherwise by its name.
pub fn family(wire: Wire, name: &str, host: Option<&str>) -> &'static str {
    match wire {
        Wire::Anthropic => "anthropic",
        Wire::Gemini => "gemini",
        Wire::WorkersAi => "workers-ai",
        Wire::OpenAi => host.and_then(by_host).or_else(|| by_name(name)).unwrap_or(OTHER),
    }
}

fn by_host(host: &str) -> Option<&'static str> {
    let listed = HOSTS.iter().find(|(pattern, _)| glob(pattern, host)).map(|(_, family)| *family);
    listed.or_else(|| {
        let serves = |url: &str| url.split('/').nth(2) == Some(host);
        let known =
            WELL_KNOWN.iter().find(|known| known.wire == Wire::OpenAi && known.base_url.is_some_and(serves));
        known.and_then(|known| named(known.name))
    })
}

fn by_name(name: &str) -> Option<&'static str> {
    named(name).or_else(|| NAMES.iter().find(|(pattern, _)| glob(pattern, name)).map(|(_, family)| *family))
}

/// The family of this very name, among those of the OpenAI wire.
fn named(name: &str) -> Option<&'static str> {
    let is_other_wire = matches!(name, "anthropic" | "gemini" | "workers-ai");
    FAMILIES.into_iter().find(|family| *family == name).filter(|_| !is_other_wire)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_says_more_than_the_name() {
        let of = |name, host| family(Wire::OpenAi, name, host);
        assert_eq!(of("eu", Some("api.mistral.ai")), "mistral");
        assert_eq!(of("openai", Some("api.groq.com")), "groq");
        assert_eq!(of("mine", Some("acme.openai.azure.com")), "azure");
        assert_eq!(of("mistral", Some("127.0.0.1")), "mistral");
        assert_eq!(of("azure-foundry", None), "azure");
        assert_eq!(of("my-vllm", Some("llm.example.com")), "vllm");
        assert_eq!(of("local", Some("llm.example.com")), "other");
        assert_eq!(of("anthropic", None), "other", "its own wire has its own rows");
        assert_eq!(family(Wire::Gemini, "openai", None), "gemini");
    }

    #[test]
    fn every_well_known_provider_of_the_openai_wire_is_a_family() {
        for known in WELL_KNOWN.iter().filter(|known| known.wire == Wire::OpenAi) {
            assert_eq!(family(Wire::OpenAi, known.name, None), known.name);
            let host = known.base_url.unwrap().split('/').nth(2);
            assert_eq!(family(Wire::OpenAi, "mine", host), known.name);
        }
    }
}
