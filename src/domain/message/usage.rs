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

    /// With no count above [`Usage::MAX_TOKENS`], and no part above the whole that it is a part of, whatever was counted.
    #[must_use]
    pub fn bounded(self) -> Self {
        let input_tokens = self.input_tokens.min(Self::MAX_TOKENS);
        let output_tokens = self.output_tokens.min(Self::MAX_TOKENS);
        let cached_input_tokens = self.cached_input_tokens.min(input_tokens);
        let cache_write_tokens = self.cache_write_tokens.min(input_tokens - cached_input_tokens);
        Self {
            input_tokens,
            cached_input_tokens,
            cache_write_tokens,
            hour_write_tokens: self.hour_write_tokens.min(cache_write_tokens),
            audio_input_tokens: self.audio_input_tokens.min(input_tokens),
            output_tokens,
            reasoning_tokens: self.reasoning_tokens.min(output_tokens),
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_count() -> impl Strategy<Value = u64> {
        prop_oneof![0..9_u64, Just(Usage::MAX_TOKENS), Just(1 << 60), Just(u64::MAX)]
    }

    proptest! {
        #[test]
        fn no_part_is_more_than_its_whole_however_it_was_counted(counts: [u8; 2], of in prop::array::uniform7(any_count())) {
            let [input_tokens, cached_input_tokens, cache_write_tokens, hour_write_tokens, audio_input_tokens, output_tokens, reasoning_tokens] = of;
            let usage = Usage {
                input_tokens: input_tokens.min(counts[0].into()),
                cached_input_tokens,
                cache_write_tokens,
                hour_write_tokens,
                audio_input_tokens,
                output_tokens: output_tokens.min(counts[1].into()),
                reasoning_tokens,
            };
            for usage in [usage, Usage { input_tokens, output_tokens, ..usage }] {
                let bounded = usage.bounded();
                prop_assert!(bounded.input_tokens <= Usage::MAX_TOKENS && bounded.output_tokens <= Usage::MAX_TOKENS);
                prop_assert!(bounded.cached_input_tokens + bounded.cache_write_tokens <= bounded.input_tokens);
                prop_assert!(bounded.hour_write_tokens <= bounded.cache_write_tokens);
                prop_assert!(bounded.audio_input_tokens <= bounded.input_tokens);
                prop_assert!(bounded.reasoning_tokens <= bounded.output_tokens);
                prop_assert_eq!(bounded.bounded(), bounded);
            }
        }
    }
}
