//! Reads token counts, in every place and under every name that servers give them.

use serde::Deserialize;

use crate::domain::message::Usage;
use crate::wire::provider::lenient::{Count, Lenient};

/// Token counts. Anything that is no count reads as missing, so that a strange record never breaks an answer.
#[derive(Debug, Deserialize)]
pub struct UsageBody {
    #[serde(default)]
    prompt_tokens: Count,
    #[serde(default)]
    completion_tokens: Count,
    #[serde(default)]
    total_tokens: Count,
    #[serde(default)]
    prompt_tokens_details: Lenient<PromptDetails>,
    #[serde(default)]
    completion_tokens_details: Lenient<CompletionDetails>,
    /// DeepSeek's name for cached tokens.
    #[serde(default)]
    prompt_cache_hit_tokens: Count,
    /// Moonshot's name for cached tokens.
    #[serde(default)]
    cached_tokens: Count,
}

#[derive(Debug, Default, Deserialize)]
struct PromptDetails {
    #[serde(default)]
    cached_tokens: Count,
    #[serde(default)]
    cache_write_tokens: Count,
    #[serde(default)]
    audio_tokens: Count,
}

#[derive(Debug, Default, Deserialize)]
struct CompletionDetails {
    #[serde(default)]
    reasoning_tokens: Count,
}

impl UsageBody {
    /// `None` unless both the prompt and the completion are counted: half a record is not a bill.
    ///
    /// xAI and Gemini's imitation count reasoning beside `completion_tokens` and only within `total_tokens`, so the
    /// output is whatever of the total is not prompt.
    pub fn read(self) -> Option<Usage> {
        let (input, completion) = (self.prompt_tokens.0?, self.completion_tokens.0?);
        let total = self.total_tokens.0.unwrap_or(0);
        let output = completion.max(total.saturating_sub(input));
        let prompt = self.prompt_tokens_details.0.unwrap_or_default();
        let cached = prompt.cached_tokens.0.or(self.prompt_cache_hit_tokens.0).or(self.cached_tokens.0);
        let reasoning = self.completion_tokens_details.0.unwrap_or_default().reasoning_tokens.0;
        Some(Usage {
            input_tokens: input,
            cached_input_tokens: cached.unwrap_or(0),
            cache_write_tokens: prompt.cache_write_tokens.0.unwrap_or(0),
            output_tokens: output,
            reasoning_tokens: reasoning.unwrap_or(0),
            hour_write_tokens: 0,
            audio_input_tokens: prompt.audio_tokens.0.unwrap_or(0),
        })
    }
}

#[cfg(test)]
#[path = "usage_tests.rs"]
mod tests;
