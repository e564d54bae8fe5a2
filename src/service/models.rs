//! The models an account can price its calls by: the platform's catalogue, and its own rows over it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::domain::change::{Action, Subject};
use crate::domain::field_error::FieldErrors;
use crate::domain::model::{Capabilities, Model};
use crate::domain::model_line::Entry;
use crate::domain::money::Nanos;
use crate::domain::price::{LongContext, Price, Rates};
use crate::domain::provider::ProviderName;
use crate::ports::{Directory, Models, Unavailable, World};

use super::App;
use super::authenticate::Session;
use super::change;
use super::failure::{Failure, Thing};
use super::page::{Page, Request};
use super::retry::{retry, written_at};

/// The highest price taken, $100,000 per million tokens: the dearest model ever sold cost $600.
pub const MAX_PRICE: Nanos = Nanos::new(100_000 * 1_000_000_000);
/// The largest context and output taken, in tokens.
pub const MAX_TOKENS: u64 = 100_000_000;
const MAX_CODE: usize = 200;
/// The most pairs of provider and model that one statement is given.
const MAX_PAIRS: usize = 1_000;

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

/// Those that have every one of these capabilities.
///
/// # Errors
/// [`Failure`].
pub async fn list<W: World>(
    app: &App<W>,
    session: &Session,
    needed: Vec<String>,
    page: &Request,
) -> Result<Page<Listed>, Failure> {
    let needed = capabilities(needed)?;
    let cut = page.parse(|cursor| {
        cursor.split_once('/').map(|(provider, code)| (provider.to_owned(), code.to_owned()))
    })?;
    let after = cut.after.as_ref().map(|(provider, code)| (provider.as_str(), code.as_str()));
    let models = app.world.directory().tenant(session.account.id).models(cut.fetch(), after, needed).await?;
    Ok(cut.page(models, |(model, _)| name(model)))
}

/// What an account knows of models, by provider and code.
pub type Known = BTreeMap<(String, String), Model>;

/// Those of these that are known.
///
/// # Errors
/// [`Unavailable`].
pub async fn known(
    tenant: &impl Models,
    entries: impl Iterator<Item = &Entry> + Send,
) -> Result<Known, Unavailable> {
    let pairs: BTreeSet<_> = entries.map(pair).collect();
    let pairs: Vec<_> = pairs.into_iter().collect();
    let mut known = Known::new();
    for pairs in pairs.chunks(MAX_PAIRS) {
        let found = tenant.models_of(pairs).await?;
        known.extend(found.into_iter().map(|model| ((model.provider.clone(), model.code.clone()), model)));
    }
    Ok(known)
}

/// By what an entry's model is known.
pub fn pair(entry: &Entry) -> (String, String) {
    (entry.provider.as_str().to_owned(), entry.code.clone())
}

/// What a query names.
///
/// # Errors
/// [`Failure::Invalid`] when it is no capability.
pub(super) fn capabilities(names: Vec<String>) -> Result<Capabilities, Failure> {
    let mut errors = FieldErrors::default();
    let needed = errors.take("capability", Capabilities::try_from(names));
    Ok(errors.finish_with(needed)?)
}

/// Inserts or replaces the account's own row; what changes nothing is not written.
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
    retry(app, || put_once(app, session, &model)).await?;
    Ok(model)
}

async fn put_once<W: World>(app: &App<W>, session: &Session, model: &Model) -> Result<(), Failure> {
    let account = session.account.id;
    let tenant = app.world.directory().tenant(account);
    let read = tenant.own_model(&model.provider, &model.code).await?;
    if read.as_ref().is_some_and(|(read, _)| read == model) {
        return Ok(());
    }
    let read_at = read.as_ref().map(|(_, updated_at)| *updated_at);
    let (before, after) = (read.as_ref().map(|(read, _)| logged(read)), Some(logged(model)));
    let change =
        app.change(session.actor(), change::put(read.as_ref()), Subject::Model, name(model), before, after);
    let write = tenant.put_model(model, written_at(app.world.now(), read_at), read_at, &change);
    app.write_through(account, write).await.map_err(|error| Failure::of_write(error, Thing::Model))
}

/// How the change log and cursors name a model.
fn name(model: &Model) -> String {
    format!("{}/{}", model.provider, model.code)
}

/// A state of a model for the change log, its prices in dollars.
fn logged(model: &Model) -> Value {
    let mut fields = logged_rates(&model.price.base);
    if let Some(long) = &model.price.long_context {
        let mut rates = logged_rates(&long.rates);
        rates.insert("above_tokens".to_owned(), long.above_tokens.into());
        fields.insert("long_context".to_owned(), rates.into());
    }
    fields.insert("context_tokens".to_owned(), model.context_tokens.into());
    fields.insert("max_output_tokens".to_owned(), model.max_output_tokens.into());
    fields.insert("capabilities".to_owned(), json!(model.capabilities));
    fields.into()
}

fn logged_rates(rates: &Rates) -> Map<String, Value> {
    let rates = [
        ("input_usd_per_mtok", Some(rates.input)),
        ("output_usd_per_mtok", Some(rates.output)),
        ("cached_input_usd_per_mtok", rates.cached_input),
        ("cache_write_usd_per_mtok", rates.cache_write),
    ];
    let given =
        rates.into_iter().filter_map(|(field, rate)| Some((field.to_owned(), json!(Nanos::new(rate?)))));
    given.collect()
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
    retry(app, || delete_once(app, session, &provider, code)).await
}

async fn delete_once<W: World>(
    app: &App<W>,
    session: &Session,
    provider: &ProviderName,
    code: &str,
) -> Result<(), Failure> {
    let account = session.account.id;
    let tenant = app.world.directory().tenant(account);
    let read = tenant.own_model(provider.as_str(), code).await?;
    let (model, read_at) = read.ok_or(Failure::Missing(Thing::Model))?;
    let before = Some(logged(&model));
    let change = app.change(session.actor(), Action::Delete, Subject::Model, name(&model), before, None);
    let write = tenant.delete_model(provider.as_str(), code, read_at, &change);
    app.write_through(account, write).await.map_err(|error| Failure::of_write(error, Thing::Model))
}
