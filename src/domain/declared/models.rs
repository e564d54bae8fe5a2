//! How models are written and shown, and which prices and limits are taken.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{About, Facts, Filter, Limit, Parameter};
use crate::domain::field_error::{FieldError, FieldErrors};
use crate::domain::model::{Capabilities, Capability, Model};
use crate::domain::money::{DollarsSchema, Nanos};
use crate::domain::price::{self, Price, Rates};
use crate::domain::provider::ProviderName;

pub static FACTS: Facts = Facts {
    parameters: &[
        Parameter { name: "provider", about: "The provider's name", is_rest: false },
        Parameter { name: "code", about: "As the provider spells it; may hold slashes", is_rest: true },
    ],
    tag: "models",
    about: About {
        list: "The platform's catalogue with the account's own rows over it, by provider and code.",
        get: "The account's own row, else the platform's.",
        put: "Its prices and limits, for the account alone; its row wins over the platform's. The code may hold slashes.",
        delete: "The account's own row; the platform's, if there is one, shows again. Where there is none, refused with the list while \
                 lines name it, unless `force` is given.",
        ..About::NONE
    },
    filters: &[Filter {
        name: "capability",
        about: "Only those that can do this; more of them as `tools,images`, or given more than once",
        words: &Capability::NAMES,
    }],
    reaches_calls: true,
    is_named_in_lines: true,
    limit: Limit::Plan(None),
    ..Facts::new("model", "a model", "models")
};

/// The highest price taken, $100,000 per million tokens: the dearest model ever sold cost $600.
const MAX_PRICE: Nanos = Nanos::new(100_000 * 1_000_000_000);
/// The largest context and output taken, in tokens.
const MAX_TOKENS: u64 = 100_000_000;
const MAX_CODE: usize = 200;

/// What a model costs and can do.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewModel)]
pub struct Body {
    /// US dollars per million prompt tokens.
    #[schema(value_type = DollarsSchema)]
    input_usd_per_mtok: Nanos,
    /// US dollars per million generated tokens, reasoning included.
    #[schema(value_type = DollarsSchema)]
    output_usd_per_mtok: Nanos,
    /// Of prompt tokens that the provider read from its cache; as others when left out.
    #[serde(default)]
    #[schema(value_type = Option<DollarsSchema>)]
    cached_input_usd_per_mtok: Option<Nanos>,
    /// Of prompt tokens that the provider wrote to its cache; as others when left out.
    #[serde(default)]
    #[schema(value_type = Option<DollarsSchema>)]
    cache_write_usd_per_mtok: Option<Nanos>,
    /// Of prompt tokens of sound, in long prompts, too; as others when left out.
    #[serde(default)]
    #[schema(value_type = Option<DollarsSchema>)]
    audio_input_usd_per_mtok: Option<Nanos>,
    /// Prompt and answer together.
    #[schema(minimum = 1, maximum = 100_000_000, example = 128_000)]
    context_tokens: u64,
    #[schema(minimum = 1, maximum = 100_000_000, example = 16_384)]
    max_output_tokens: u64,
    /// What is not listed is not asked of it.
    #[schema(value_type = Vec<Capability>)]
    capabilities: Vec<String>,
    /// The prices of calls with a long prompt, where the provider has such.
    #[serde(default)]
    long_context: Option<LongBody>,
}

/// Prices that hold for the whole call when its prompt is long.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewLongContext)]
pub struct LongBody {
    /// They hold for prompts of more tokens than this.
    #[schema(minimum = 1, maximum = 100_000_000)]
    above_tokens: u64,
    /// As the member of this name beside `long_context`, and so on.
    #[schema(value_type = DollarsSchema)]
    input_usd_per_mtok: Nanos,
    #[schema(value_type = DollarsSchema)]
    output_usd_per_mtok: Nanos,
    #[serde(default)]
    #[schema(value_type = Option<DollarsSchema>)]
    cached_input_usd_per_mtok: Option<Nanos>,
    #[serde(default)]
    #[schema(value_type = Option<DollarsSchema>)]
    cache_write_usd_per_mtok: Option<Nanos>,
}

/// A model that agents can name.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Model)]
pub struct View {
    provider: String,
    code: String,
    #[serde(flatten)]
    prices: Prices,
    #[schema(value_type = Option<String>)]
    audio_input_usd_per_mtok: Option<Nanos>,
    context_tokens: u64,
    max_output_tokens: u64,
    capabilities: Vec<Capability>,
    long_context: Option<LongContext>,
    source: Source,
    /// Whether the platform no longer offers it. Lines that name it go on, at its last price.
    retired: bool,
}

/// US dollars per million tokens; null where they cost as other prompt tokens do.
#[derive(Debug, Serialize, ToSchema)]
pub struct Prices {
    #[schema(value_type = String, example = "0.150000")]
    input_usd_per_mtok: Nanos,
    #[schema(value_type = String, example = "0.600000")]
    output_usd_per_mtok: Nanos,
    #[schema(value_type = Option<String>)]
    cached_input_usd_per_mtok: Option<Nanos>,
    #[schema(value_type = Option<String>)]
    cache_write_usd_per_mtok: Option<Nanos>,
}

/// Prices that hold for the whole call when its prompt is long.
#[derive(Debug, Serialize, ToSchema)]
pub struct LongContext {
    above_tokens: u64,
    #[serde(flatten)]
    prices: Prices,
}

/// Whose row it is.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ModelSource)]
pub enum Source {
    Platform,
    Account,
}

impl Body {
    /// The model of this provider and code.
    ///
    /// # Errors
    /// Every field that does not fit.
    pub fn check(self, provider: &str, code: &str) -> Result<Model, Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        let provider = errors.take("provider", ProviderName::parse(provider));
        // A slash at the end of a path is left out, so that such a code could not be addressed.
        if !is_code(code) || code.ends_with('/') {
            errors.add(
                "code",
                format!("a model's code has 1 to {MAX_CODE} characters of a-z, A-Z, 0-9 and -_.:/@+, the last no /"),
            );
        }
        let base = Prices {
            input_usd_per_mtok: self.input_usd_per_mtok,
            output_usd_per_mtok: self.output_usd_per_mtok,
            cached_input_usd_per_mtok: self.cached_input_usd_per_mtok,
            cache_write_usd_per_mtok: self.cache_write_usd_per_mtok,
        };
        let base = base.check(&mut errors, "");
        let audio_input = price_of(&mut errors, "audio_input_usd_per_mtok", self.audio_input_usd_per_mtok);
        let long_context = self.long_context.map(|long| long.check(&mut errors));
        check_tokens(&mut errors, "context_tokens", self.context_tokens);
        check_tokens(&mut errors, "max_output_tokens", self.max_output_tokens);
        let capabilities = errors.take("capabilities", Capabilities::try_from(self.capabilities));
        let (provider, capabilities) = errors.finish_with(provider.zip(capabilities))?;
        Ok(Model {
            provider: provider.to_string(),
            code: code.to_owned(),
            price: Price { base, audio_input, long_context },
            context_tokens: self.context_tokens,
            max_output_tokens: self.max_output_tokens,
            capabilities,
            is_retired: false,
        })
    }
}

impl From<&Model> for Body {
    fn from(model: &Model) -> Self {
        let base = Prices::from(model.price.base);
        Self {
            input_usd_per_mtok: base.input_usd_per_mtok,
            output_usd_per_mtok: base.output_usd_per_mtok,
            cached_input_usd_per_mtok: base.cached_input_usd_per_mtok,
            cache_write_usd_per_mtok: base.cache_write_usd_per_mtok,
            audio_input_usd_per_mtok: model.price.audio_input.map(Nanos::new),
            context_tokens: model.context_tokens,
            max_output_tokens: model.max_output_tokens,
            capabilities: model.capabilities.into(),
            long_context: model.price.long_context.map(LongBody::from),
        }
    }
}

impl LongBody {
    fn check(self, errors: &mut FieldErrors) -> price::LongContext {
        check_tokens(errors, "long_context.above_tokens", self.above_tokens);
        let prices = Prices {
            input_usd_per_mtok: self.input_usd_per_mtok,
            output_usd_per_mtok: self.output_usd_per_mtok,
            cached_input_usd_per_mtok: self.cached_input_usd_per_mtok,
            cache_write_usd_per_mtok: self.cache_write_usd_per_mtok,
        };
        price::LongContext { above_tokens: self.above_tokens, rates: prices.check(errors, "long_context.") }
    }
}

impl From<price::LongContext> for LongBody {
    fn from(long: price::LongContext) -> Self {
        let prices = Prices::from(long.rates);
        Self {
            above_tokens: long.above_tokens,
            input_usd_per_mtok: prices.input_usd_per_mtok,
            output_usd_per_mtok: prices.output_usd_per_mtok,
            cached_input_usd_per_mtok: prices.cached_input_usd_per_mtok,
            cache_write_usd_per_mtok: prices.cache_write_usd_per_mtok,
        }
    }
}

impl Prices {
    fn check(&self, errors: &mut FieldErrors, prefix: &str) -> Rates {
        let prices = [
            ("input_usd_per_mtok", Some(self.input_usd_per_mtok)),
            ("output_usd_per_mtok", Some(self.output_usd_per_mtok)),
            ("cached_input_usd_per_mtok", self.cached_input_usd_per_mtok),
            ("cache_write_usd_per_mtok", self.cache_write_usd_per_mtok),
        ];
        for (field, price) in prices {
            price_of(errors, &format!("{prefix}{field}"), price);
        }
        Rates {
            input: self.input_usd_per_mtok.get(),
            output: self.output_usd_per_mtok.get(),
            cached_input: self.cached_input_usd_per_mtok.map(Nanos::get),
            cache_write: self.cache_write_usd_per_mtok.map(Nanos::get),
        }
    }
}

impl From<Rates> for Prices {
    fn from(rates: Rates) -> Self {
        Self {
            input_usd_per_mtok: Nanos::new(rates.input),
            output_usd_per_mtok: Nanos::new(rates.output),
            cached_input_usd_per_mtok: rates.cached_input.map(Nanos::new),
            cache_write_usd_per_mtok: rates.cache_write.map(Nanos::new),
        }
    }
}

impl View {
    pub fn of(model: &Model, source: Source) -> Self {
        let long = |long: price::LongContext| LongContext {
            above_tokens: long.above_tokens,
            prices: long.rates.into(),
        };
        Self {
            provider: model.provider.clone(),
            code: model.code.clone(),
            prices: model.price.base.into(),
            audio_input_usd_per_mtok: model.price.audio_input.map(Nanos::new),
            context_tokens: model.context_tokens,
            max_output_tokens: model.max_output_tokens,
            capabilities: Capability::ALL.into_iter().filter(|c| model.capabilities.has(*c)).collect(),
            long_context: model.price.long_context.map(long),
            source,
            retired: model.is_retired,
        }
    }
}

/// A price that is one, in nano-dollars.
fn price_of(errors: &mut FieldErrors, field: &str, price: Option<Nanos>) -> Option<u64> {
    if price.is_some_and(|price| price > MAX_PRICE) {
        errors.add(field, "must be at most 100000 dollars per million tokens");
    }
    price.map(Nanos::get)
}

/// What a model line can write.
fn is_code(code: &str) -> bool {
    (1..=MAX_CODE).contains(&code.len())
        && code.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:/@+".contains(&b))
}

fn check_tokens(errors: &mut FieldErrors, field: &str, tokens: u64) {
    if tokens == 0 || tokens > MAX_TOKENS {
        errors.add(field, format!("must be from 1 to {MAX_TOKENS} tokens"));
    }
}
