//! Token counts.

use serde::{Deserialize, Serialize};

/// Tokens as the provider counted them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// The whole prompt, cached tokens included.
    pub input_tokens: u64,
    /// The part of `input_tokens` that was read from the provider's cache.
    pub cached_input_tokens: u64,
    /// The part of `input_tokens` that was written to the provider's cache.
    pub cache_write_tokens: u64,
    /// The part of `cache_write_tokens` that the cache keeps for an hour, which is dearer. Only the bill needs it: it is
    /// neither stored nor shown.
    #[serde(skip)]
    pub hour_write_tokens: u64,
    /// The part of `input_tokens` that was sound, which some models charge more for. As above, only the bill needs it.
    #[serde(skip)]
    pub audio_input_tokens: u64,
    /// All that was generated, reasoning included.
    pub output_tokens: u64,
    /// The part of `output_tokens` that was reasoning.
    pub reasoning_tokens: u64,
}

impl Usage {
    /// The largest count that is kept. Numbers cross JavaScript as f64, and a provider can write any.
    pub const MAX_TOKENS: u64 = (1 << 53) - 1;

    /// With no count above [`Usage::MAX_TOKENS`].
    #[must_use]
    pub fn bounded(self) -> Self {
        Self {
            input_tokens: self.input_tokens.min(Self::MAX_TOKENS),
            cached_input_tokens: self.cached_input_tokens.min(Self::MAX_TOKENS),
            cache_write_tokens: self.cache_write_tokens.min(Self::MAX_TOKENS),
            hour_write_tokens: self.hour_write_tokens.min(Self::MAX_TOKENS),
            audio_input_tokens: self.audio_input_tokens.min(Self::MAX_TOKENS),
            output_tokens: self.output_tokens.min(Self::MAX_TOKENS),
            reasoning_tokens: self.reasoning_tokens.min(Self::MAX_TOKENS),
        }
    }

    /// The sum of what two attempts used.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            cached_input_tokens: self.cached_input_tokens.saturating_add(other.cached_input_tokens),
            cache_write_tokens: self.cache_write_tokens.saturating_add(other.cache_write_tokens),
            hour_write_tokens: self.hour_write_tokens.saturating_add(other.hour_write_tokens),
            audio_input_tokens: self.audio_input_tokens.saturating_add(other.audio_input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            reasoning_tokens: self.reasoning_tokens.saturating_add(other.reasoning_tokens),
        }
    }

    /// Field by field the larger: providers repeat or refine usage along a stream, always cumulatively, so adding
    /// would count twice.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.max(other.input_tokens),
            cached_input_tokens: self.cached_input_tokens.max(other.cached_input_tokens),
            cache_write_tokens: self.cache_write_tokens.max(other.cache_write_tokens),
            hour_write_tokens: self.hour_write_tokens.max(other.hour_write_tokens),
            audio_input_tokens: self.audio_input_tokens.max(other.audio_input_tokens),
            output_tokens: self.output_tokens.max(other.output_tokens),
            reasoning_tokens: self.reasoning_tokens.max(other.reasoning_tokens),
        }
    }
}
