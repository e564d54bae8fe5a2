//! `/api/v1/providers`.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::provider::{Provider, Wire};
use crate::domain::secret::Secret;
use crate::domain::time::Millis;
use crate::ports::World;
use crate::service::App;
use crate::service::providers::{self, KeyChange, ProviderDraft};

use super::access::{Reader, Writer};
use super::body::Json;
use super::page::List;
use super::path::Parameters;
use super::problem::Problem;
use super::schema;

/// A provider as the account wants it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewProvider)]
pub struct Body {
    /// What the name implies when left out: a well-known provider's own, otherwise `openai`.
    wire: Option<Wire>,
    /// Where the API is, version segment included; a well-known provider's own when left out.
    #[schema(example = "https://api.example.com/v1")]
    base_url: Option<String>,
    /// Left out: a stored key stays, as long as wire and base_url do. Null: it is removed.
    #[serde(default, deserialize_with = "schema::given")]
    #[schema(value_type = Option<String>, write_only)]
    api_key: Option<Option<Secret>>,
}

/// An upstream API as the account has configured it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Provider)]
pub struct View {
    name: String,
    wire: Wire,
    /// Null where the provider is reached by the platform's binding.
    base_url: Option<String>,
    /// The end of the stored key; null when there is none.
    key_last4: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Millis,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Millis,
}

impl From<Provider> for View {
    fn from(provider: Provider) -> Self {
        Self {
            base_url: provider.address().map(str::to_owned),
            name: provider.name.to_string(),
            wire: provider.wire,
            key_last4: provider.key.map(|key| key.last4),
            created_at: provider.created_at,
            updated_at: provider.updated_at,
        }
    }
}

impl From<Body> for ProviderDraft {
    fn from(body: Body) -> Self {
        let key = match body.api_key {
            None => KeyChange::Keep,
            Some(None) => KeyChange::Remove,
            Some(Some(secret)) => KeyChange::Set(secret),
        };
        Self { wire: body.wire, base_url: body.base_url, key }
    }
}

/// List the providers
///
/// The account's own; the platform may offer others.
#[utoipa::path(
    get,
    path = "/api/v1/providers",
    operation_id = "list_providers",
    tag = "providers",
    responses((status = 200, description = "All of them, by name", body = List<View>))
)]
pub async fn list<W: World>(
    State(app): State<App<W>>,
    Reader(session): Reader,
) -> Result<Json<List<View>>, Problem> {
    let all = providers::list(&app, &session).await.map_err(Problem::report(&app))?;
    Ok(Json(List::whole(all.into_iter().map(View::from).collect())))
}

/// Show a provider
#[utoipa::path(
    get,
    path = "/api/v1/providers/{name}",
    operation_id = "get_provider",
    tag = "providers",
    params(("name" = String, Path, description = "As model lines write it")),
    responses((status = 200, description = "The provider", body = View))
)]
pub async fn get<W: World>(
    State(app): State<App<W>>,
    Reader(session): Reader,
    Parameters(name): Parameters<String>,
) -> Result<Json<View>, Problem> {
    let provider = providers::get(&app, &session, &name).await.map_err(Problem::report(&app))?;
    Ok(Json(provider.into()))
}

/// Set a provider
///
/// The names of well-known providers (`openai`, `anthropic`, `gemini`, `groq`, `mistral` …) imply wire and address.
/// Any other name is a server that speaks OpenAI's format at `base_url`. The key is kept encrypted, and is sent to
/// no other address than the one it was given with.
#[utoipa::path(
    put,
    path = "/api/v1/providers/{name}",
    operation_id = "put_provider",
    tag = "providers",
    params(("name" = String, Path, description = "As model lines write it: a-z, 0-9 and '-'")),
    request_body = Body,
    responses((status = 200, description = "The provider", body = View))
)]
pub async fn put<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    Parameters(name): Parameters<String>,
    Json(body): Json<Body>,
) -> Result<Json<View>, Problem> {
    let put = providers::put(&app, &session, &name, body.into()).await;
    Ok(Json(put.map_err(Problem::report(&app))?.into()))
}

/// Delete a provider
///
/// With its key. Agents fall back to the platform's provider of that name, if it has one.
#[utoipa::path(
    delete,
    path = "/api/v1/providers/{name}",
    operation_id = "delete_provider",
    tag = "providers",
    params(("name" = String, Path, description = "As model lines write it")),
    responses((status = 204, description = "Deleted"))
)]
pub async fn delete<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    Parameters(name): Parameters<String>,
) -> Result<StatusCode, Problem> {
    providers::delete(&app, &session, &name).await.map_err(Problem::report(&app))?;
    Ok(StatusCode::NO_CONTENT)
}
