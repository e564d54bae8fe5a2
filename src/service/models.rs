//! The models an account can price its calls by: the platform's catalogue, and its own rows over it.

use crate::domain::field_error::FieldErrors;
use crate::domain::model::{Capabilities, Model};
use crate::domain::money::Nanos;
use crate::domain::price::{LongContext, Price, Rates};
use crate::domain::provider::ProviderName;
use crate::ports::{Directory, Tenant, World};

use super::App;
use super::authenticate::Session;
use super::failure::{Failure, Thing};
use super::page::{Page, Request};

/// The highest price taken, $100,000 per million tokens: the dearest model ever sold cost $600.
pub const MAX_PRICE: Nanos = Nanos::new(100_000 * 1_000_000_000);
/// The largest context and output taken, in tokens.
pub const MAX_TOKENS: u64 = 100_000_000;
const MAX_CODE: usize = 200;

/// A model as it is asked for; prices in US dollars per million tokens.
#[derive(Clone, Debug)]
pub struct ModelDraft {
    pub rates: RatesDraft,
    pub long_context: Option<(u64, RatesDraft)>,
    pub context_tokens: u64,
    pub max_output_tokens: u64,
    pub capabilities: Vec<String>,
}

/// Prices as they are asked for.
#[derive(Clone, Copy, Debug)]
pub struct RatesDraft {
    pub input: Nanos,
    pub output: Nanos,
    pub cached_input: Option<Nanos>,
    pub cache_write: Option<Nanos>,
}

/// A model, and whether the row is the account's own.
pub type Listed = (Model, bool);

/// # Errors
/// [`Failure`].
pub async fn list<W: World>(
    app: &App<W>,
    session: &Session,
    page: &Request,
) -> Result<Page<Listed>, Failure> {
    let cut = page.parse(|cursor| {
        cursor.split_once('/').map(|(provider, code)| (provider.to_owned(), code.to_owned()))
    })?;
    let after = cut.after.as_ref().map(|(provider, code)| (provider.as_str(), code.as_str()));
    let models = app.world.directory().tenant(session.account.id).models(cut.fetch(), after).await?;
    Ok(cut.page(models, |(model, _)| format!("{}/{}", model.provider, model.code)))
}

/// Inserts or replaces the account's own row.
///
/// # Errors
/// [`Failure`].
pub async fn put<W: World>(
    app: &App<W>,
    session: &Session,
    provider: &str,
    code: &str,
    draft: ModelDraft,
) -> Result<Model, Failure> {
    let model = check(provider, code, draft)?;
    let account = session.account.id;
    let tenant = app.world.directory().tenant(account);
    app.write_through(account, tenant.put_model(&model, app.world.now())).await?;
    Ok(model)
}

fn check(provider: &str, code: &str, draft: ModelDraft) -> Result<Model, Failure> {
    let mut errors = FieldErrors::default();
    let provider = errors.take("provider", ProviderName::parse(provider));
    if !is_code(code) {
        errors.add(
            "code",
            format!("a model's code has 1 to {MAX_CODE} characters of a-z, A-Z, 0-9 and -_.:/@+"),
        );
    }
    check_rates(&mut errors, "", &draft.rates);
    if let Some((above_tokens, rates)) = &draft.long_context {
        check_tokens(&mut errors, "long_context.above_tokens", *above_tokens);
        check_rates(&mut errors, "long_context.", rates);
    }
    check_tokens(&mut errors, "context_tokens", draft.context_tokens);
    check_tokens(&mut errors, "max_output_tokens", draft.max_output_tokens);
    let capabilities = errors.take("capabilities", Capabilities::try_from(draft.capabilities));
    let (provider, capabilities) = errors.finish_with(provider.zip(capabilities))?;
    let long_context =
        draft.long_context.map(|(above_tokens, rates)| LongContext { above_tokens, rates: rates.per_mtok() });
    Ok(Model {
        provider: provider.to_string(),
        code: code.to_owned(),
        price: Price { base: draft.rates.per_mtok(), long_context },
        context_tokens: draft.context_tokens,
        max_output_tokens: draft.max_output_tokens,
        capabilities,
    })
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

fn check_rates(errors: &mut FieldErrors, prefix: &str, rates: &RatesDraft) {
    let prices = [
        ("input_usd_per_mtok", Some(rates.input)),
        ("output_usd_per_mtok", Some(rates.output)),
        ("cached_input_usd_per_mtok", rates.cached_input),
        ("cache_write_usd_per_mtok", rates.cache_write),
    ];
    for (field, price) in prices {
        if price.is_some_and(|price| price > MAX_PRICE) {
            errors.add(&format!("{prefix}{field}"), "must be at most 100000 dollars per million tokens");
        }
    }
}

impl RatesDraft {
    fn per_mtok(&self) -> Rates {
        Rates {
            input: self.input.get(),
            output: self.output.get(),
            cached_input: self.cached_input.map(Nanos::get),
            cache_write: self.cache_write.map(Nanos::get),
        }
    }
}

/// Deletes the account's own row; the platform's shows again.
///
/// # Errors
/// [`Failure`].
pub async fn delete<W: World>(
    app: &App<W>,
    session: &Session,
    provider: &str,
    code: &str,
) -> Result<(), Failure> {
    let missing = Failure::Missing(Thing::Model);
    let Ok(provider) = ProviderName::parse(provider) else { return Err(missing) };
    let account = session.account.id;
    let tenant = app.world.directory().tenant(account);
    let deleted = app.write_through(account, tenant.delete_model(provider.as_str(), code)).await?;
    if deleted { Ok(()) } else { Err(missing) }
}
