//! `/api/v1/models`.

use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::model::{Capability, Model};
use crate::domain::money::Nanos;
use crate::domain::price::Rates;
use crate::ports::World;
use crate::service::App;
use crate::service::models::{self, ModelDraft, RatesDraft};

use super::access::{Reader, Writer};
use super::body::Json;
use super::page::{List, PageQuery};
use super::path::Parameters;
use super::problem::Problem;
use super::query;
use crate::domain::money::DollarsSchema;

/// What a model costs and can do.
#[derive(Debug, Deserialize, ToSchema)]
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
#[derive(Debug, Deserialize, ToSchema)]
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
    context_tokens: u64,
    max_output_tokens: u64,
    capabilities: Vec<Capability>,
    long_context: Option<LongContext>,
    source: Source,
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

impl From<Body> for ModelDraft {
    fn from(body: Body) -> Self {
        Self {
            rates: RatesDraft {
                input: body.input_usd_per_mtok,
                output: body.output_usd_per_mtok,
                cached_input: body.cached_input_usd_per_mtok,
                cache_write: body.cache_write_usd_per_mtok,
            },
            long_context: body.long_context.map(|long| (long.above_tokens, long.into())),
            context_tokens: body.context_tokens,
            max_output_tokens: body.max_output_tokens,
            capabilities: body.capabilities,
        }
    }
}

impl From<LongBody> for RatesDraft {
    fn from(long: LongBody) -> Self {
        Self {
            input: long.input_usd_per_mtok,
            output: long.output_usd_per_mtok,
            cached_input: long.cached_input_usd_per_mtok,
            cache_write: long.cache_write_usd_per_mtok,
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
    fn of(model: Model, source: Source) -> Self {
        let long = model.price.long_context;
        Self {
            provider: model.provider,
            code: model.code,
            prices: model.price.base.into(),
            context_tokens: model.context_tokens,
            max_output_tokens: model.max_output_tokens,
            capabilities: Capability::ALL.into_iter().filter(|c| model.capabilities.has(*c)).collect(),
            long_context: long
                .map(|long| LongContext { above_tokens: long.above_tokens, prices: long.rates.into() }),
            source,
        }
    }
}

/// The query of the list.
#[derive(Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ModelsQuery {
    /// Only those that can do this; more of them as `tools,images`, or given more than once.
    #[param(value_type = Option<Vec<Capability>>, style = Form, explode = true)]
    pub(super) capability: Vec<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for ModelsQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let pairs: Vec<(String, String)> = query::read(parts, state, "?capability=tools").await?;
        let given = pairs.into_iter().filter(|(name, _)| name == "capability").map(|(_, words)| words);
        let split = |words: String| words.split(',').map(str::to_owned).collect::<Vec<_>>();
        Ok(Self { capability: given.flat_map(split).collect() })
    }
}

/// List the models
///
/// The platform's catalogue with the account's own rows over it, by provider and code.
#[utoipa::path(
    get,
    path = "/api/v1/models",
    operation_id = "list_models",
    tag = "models",
    params(ModelsQuery, PageQuery),
    responses((status = 200, description = "A page of models", body = List<View>))
)]
pub async fn list<W: World>(
    State(app): State<App<W>>,
    Reader(session): Reader,
    ModelsQuery { capability }: ModelsQuery,
    query: PageQuery,
) -> Result<Json<List<View>>, Problem> {
    let page = models::list(&app, &session, capability, &query.into()).await;
    let page = page.map_err(Problem::report(&app))?;
    Ok(Json(List::of(page, |(model, own)| {
        View::of(model, if own { Source::Account } else { Source::Platform })
    })))
}

/// Set a model's prices and limits
///
/// For the account alone; its row wins over the platform's. The code may hold slashes.
#[utoipa::path(
    put,
    path = "/api/v1/models/{provider}/{*code}",
    operation_id = "put_model",
    tag = "models",
    params(
        ("provider" = String, Path, description = "The provider's name"),
        ("code" = String, Path, description = "As the provider spells it; may hold slashes")
    ),
    request_body = Body,
    responses((status = 200, description = "The model", body = View))
)]
pub async fn put<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    Parameters((provider, code)): Parameters<(String, String)>,
    Json(body): Json<Body>,
) -> Result<Json<View>, Problem> {
    let put = models::put(&app, &session, &provider, &code, body.into()).await;
    Ok(Json(View::of(put.map_err(Problem::report(&app))?, Source::Account)))
}

/// Delete the account's own row of a model
///
/// The platform's, if there is one, shows again.
#[utoipa::path(
    delete,
    path = "/api/v1/models/{provider}/{*code}",
    operation_id = "delete_model",
    tag = "models",
    params(
        ("provider" = String, Path, description = "The provider's name"),
        ("code" = String, Path, description = "As the provider spells it; may hold slashes")
    ),
    responses((status = 204, description = "Deleted"))
)]
pub async fn delete<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    Parameters((provider, code)): Parameters<(String, String)>,
) -> Result<StatusCode, Problem> {
    models::delete(&app, &session, &provider, &code).await.map_err(Problem::report(&app))?;
    Ok(StatusCode::NO_CONTENT)
}
