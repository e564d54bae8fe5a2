//! What tokens cost, and the most that a call can cost.

use serde::{Deserialize, Serialize};

use super::message::Usage;
use super::money::Nanos;

/// Nano-dollars per million tokens: $0.15 per Mtok is 150,000,000.
pub type PerMtok = u64;

/// The prices of one model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    #[serde(flatten)]
    pub base: Rates,
    /// Prompt tokens of sound, also of long prompts. `None`: they cost as others do.
    pub audio_input: Option<PerMtok>,
    /// Some providers charge the whole call at higher rates when the prompt is long.
    pub long_context: Option<LongContext>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rates {
    pub input: PerMtok,
    pub output: PerMtok,
    /// `None`: the provider gives no discount, cached tokens cost as others do.
    pub cached_input: Option<PerMtok>,
    /// Prompt tokens that the provider wrote to its cache. `None`: they cost as others do.
    pub cache_write: Option<PerMtok>,
}

/// The rates of calls whose prompt has more than `above_tokens` tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LongContext {
    pub above_tokens: u64,
    #[serde(flatten)]
    pub rates: Rates,
}

impl Price {
    pub const fn flat(input: PerMtok, output: PerMtok, cached_input: Option<PerMtok>) -> Self {
        Self {
            base: Rates { input, output, cached_input, cache_write: None },
            audio_input: None,
            long_context: None,
        }
    }

    /// The prices of a request that has the cache keep something for an hour, for what it can cost at most.
    #[must_use]
    pub fn for_an_hour(self) -> Self {
        let of = |rates: Rates| Rates { cache_write: rates.cache_write.map(|_| rates.hour_write()), ..rates };
        let long_context = self.long_context.map(|long| LongContext { rates: of(long.rates), ..long });
        Self { base: of(self.base), long_context, ..self }
    }

    /// The prices of a request that may have the model hear something, for what it can cost at most.
    #[must_use]
    pub fn for_sound(self) -> Self {
        let of = |rates: Rates| Rates { input: rates.input.max(self.audio_input.unwrap_or(0)), ..rates };
        let long_context = self.long_context.map(|long| LongContext { rates: of(long.rates), ..long });
        Self { base: of(self.base), long_context, ..self }
    }

    /// What a call of this usage costs, rounded up to the nano-dollar once, after summing.
    pub fn cost(&self, usage: &Usage) -> Nanos {
        let rates = match self.long_context {
            Some(long) if usage.input_tokens > long.above_tokens => long.rates,
            _ => self.base,
        };
        rates.cost(usage, self.audio_input)
    }

    /// The most a call can cost: what admission holds.
    ///
    /// `input_tokens` is a strict upper bound (see [`super::bound`]), `output_tokens` the limit that the provider is
    /// told, times the number of choices. Where the bound reaches the long-context prices, the dearer rates count,
    /// because the true prompt may lie on either side.
    pub fn ceiling(&self, input_tokens: u64, output_tokens: u64) -> Nanos {
        let usage = Usage { input_tokens, output_tokens, ..Usage::default() };
        self.dearest(input_tokens).cost(&usage, None)
    }

    /// Of the rates that a prompt of at most this many tokens can meet, the dearest of each kind.
    fn dearest(&self, input_tokens: u64) -> Rates {
        let base = self.base.undiscounted();
        match self.long_context {
            Some(long) if input_tokens > long.above_tokens => {
                let long = long.rates.undiscounted();
                Rates { input: base.input.max(long.input), output: base.output.max(long.output), ..base }
            }
            _ => base,
        }
    }

    /// The largest output limit whose ceiling fits into `amount`; `None` when not even the input does.
    pub fn affordable_output(&self, input_tokens: u64, amount: Nanos) -> Option<u64> {
        let input = self.ceiling(input_tokens, 0);
        if input > amount {
            return None;
        }
        let rate = self.dearest(input_tokens).output;
        if rate == 0 {
            return Some(u64::MAX);
        }
        // `input` was rounded up, so this never affords a token too many.
        Some(
            u64::try_from(u128::from((amount - input).get()) * PER_MTOK / u128::from(rate))
                .unwrap_or(u64::MAX),
        )
    }
}

const PER_MTOK: u128 = 1_000_000;
/// What a token costs that the cache keeps for an hour, in fifths of one that it keeps for five minutes: at Anthropic, which
/// alone offers it, twice the input's price and 1.25 times it (pricing page, read 2026-11).
const HOUR_IN_FIFTHS: u64 = 8;

impl Rates {
    /// Prompt tokens that the provider's cache keeps for an hour.
    fn hour_write(&self) -> PerMtok {
        self.cache_write.map_or(self.input, |rate| rate.saturating_mul(HOUR_IN_FIFTHS).div_ceil(5))
    }

    fn cost(&self, usage: &Usage, audio_input: Option<PerMtok>) -> Nanos {
        // Of sound in the cache nobody tells the price apart.
        let heard = audio_input.map_or(0, |_| usage.audio_input_tokens.min(usage.input_tokens));
        let read = usage.input_tokens - heard;
        let cached = usage.cached_input_tokens.min(read);
        let written = usage.cache_write_tokens.min(read - cached);
        let for_an_hour = usage.hour_write_tokens.min(written);
        let of = |tokens: u64, rate: PerMtok| u128::from(tokens) * u128::from(rate);
        let sum = of(read - cached - written, self.input)
            .saturating_add(of(heard, audio_input.unwrap_or(self.input)))
            .saturating_add(of(cached, self.cached_input.unwrap_or(self.input)))
            .saturating_add(of(written - for_an_hour, self.cache_write.unwrap_or(self.input)))
            .saturating_add(of(for_an_hour, self.hour_write()))
            .saturating_add(of(usage.output_tokens, self.output));
        Nanos::new(u64::try_from(sum.div_ceil(PER_MTOK)).unwrap_or(u64::MAX))
    }

    /// With every prompt token at the dearest of the input rates, for bounds.
    fn undiscounted(&self) -> Self {
        let input = self.input.max(self.cached_input.unwrap_or(0)).max(self.cache_write.unwrap_or(0));
        Self { input, ..*self }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn usage(input: u64, cached: u64, output: u64) -> Usage {
        Usage { input_tokens: input, cached_input_tokens: cached, output_tokens: output, ..Usage::default() }
    }

    #[test]
    fn a_cost_is_exact_to_the_nano_dollar_and_rounds_up_once() {
        // $0.15 in, $0.075 cached, $0.60 out per Mtok.
        let price = Price::flat(150_000_000, 600_000_000, Some(75_000_000));
        assert_eq!(price.cost(&usage(1_000, 400, 10)).get(), 600 * 150 + 400 * 75 + 10 * 600);
        let fine = Price::flat(500_000, 500_000, None);
        assert_eq!(fine.cost(&usage(1, 0, 1)).get(), 1, "two half nano-dollars are one");
        assert_eq!(fine.cost(&usage(1, 0, 2)).get(), 2, "one and a half is two");
    }

    #[test]
    fn what_the_cache_keeps_for_an_hour_costs_twice_the_input() {
        // Claude Haiku 4.5: $1 in, $1.25 written for five minutes, $2 for an hour.
        let base =
            Rates { input: 1_000_000_000, output: 0, cached_input: None, cache_write: Some(1_250_000_000) };
        let price = Price { base, audio_input: None, long_context: None };
        let written = Usage { cache_write_tokens: 100, hour_write_tokens: 60, ..usage(100, 0, 0) };
        assert_eq!(price.cost(&written).get(), 40 * 1_250 + 60 * 2_000);
    }

    #[test]
    fn what_is_heard_has_a_price_of_its_own_where_there_is_one() {
        // Gemini 2.5 Flash: $0.30 for text, $1.00 for sound, $0.03 from the cache.
        let plain = Price::flat(300_000_000, 0, Some(30_000_000));
        let price = Price { audio_input: Some(1_000_000_000), ..plain };
        let heard = Usage { audio_input_tokens: 90, ..usage(100, 20, 0) };
        assert_eq!(price.cost(&heard).get(), 90 * 1_000 + 10 * 30);
        assert_eq!(plain.cost(&heard).get(), 80 * 300 + 20 * 30);
        assert_eq!(price.for_sound().ceiling(100, 0).get(), 100 * 1_000);
        assert_eq!(price.ceiling(100, 0).get(), 100 * 300);
    }

    #[test]
    fn long_prompts_cost_the_long_rates() {
        let long = LongContext {
            above_tokens: 200_000,
            rates: Rates {
                input: 2_500_000_000,
                output: 15_000_000_000,
                cached_input: None,
                cache_write: None,
            },
        };
        let price = Price {
            long_context: Some(long),
            ..Price::flat(1_250_000_000, 10_000_000_000, Some(310_000_000))
        };
        assert_eq!(price.cost(&usage(200_000, 0, 1)).get(), 250_000_000 + 10_000);
        assert_eq!(price.cost(&usage(200_001, 0, 1)).get(), 500_002_500 + 15_000);
    }

    fn rate() -> impl Strategy<Value = PerMtok> {
        0..200_000_000_000u64
    }

    prop_compose! {
        fn price()(i in rate(), o in rate(), c in proptest::option::of(rate()), w in proptest::option::of(rate()), a in proptest::option::of(rate()), long in proptest::option::of((0..10_000u64, rate(), rate())))
            -> Price {
            let long_context = long.map(|(above_tokens, input, output)| LongContext { above_tokens, rates: Rates { input, output, cached_input: None, cache_write: None } });
            Price { long_context, audio_input: a, base: Rates { input: i, output: o, cached_input: c, cache_write: w } }
        }
    }

    proptest! {
        #[test]
        fn no_usage_within_the_bounds_costs_more_than_the_ceiling(
            p in price(), bound in 0..20_000u64, limit in 0..20_000u64, a in 0.0..=1.0f64, b in 0.0..=1.0f64, c in 0.0..=1.0f64, d in 0.0..=1.0f64,
        ) {
            let part = |of: u64, share: f64| (of as f64 * share) as u64;
            let input = part(bound, a);
            let written = part(input, d);
            let actual = Usage { cache_write_tokens: written, ..usage(input, part(input, b), part(limit, c)) };
            prop_assert!(p.cost(&actual) <= p.ceiling(bound, limit));
            let for_an_hour = Usage { hour_write_tokens: part(written, a), ..actual };
            prop_assert!(p.cost(&actual) <= p.cost(&for_an_hour));
            prop_assert!(p.cost(&for_an_hour) <= p.for_an_hour().ceiling(bound, limit));
            let heard = Usage { audio_input_tokens: part(input, c), ..for_an_hour };
            prop_assert!(p.cost(&heard) <= p.for_an_hour().for_sound().ceiling(bound, limit));
        }

        #[test]
        fn the_affordable_output_fits_and_one_token_more_does_not(p in price(), input in 0..20_000u64, amount in 0..10_000_000_000u64) {
            let amount = Nanos::new(amount);
            match p.affordable_output(input, amount) {
                None => prop_assert!(p.ceiling(input, 0) > amount),
                Some(u64::MAX) => {}
                Some(output) => {
                    prop_assert!(p.ceiling(input, output) <= amount);
                    prop_assert!(p.ceiling(input, output + 2) > amount);
                }
            }
        }
    }
}
