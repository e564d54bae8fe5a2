//! `/api/v1/model-aliases`, which are `/api/v1/aliases` too.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::alias::Alias;
use crate::domain::time::Millis;
use crate::ports::World;
use crate::service::App;
use crate::service::aliases;

use super::access::{Reader, Writer};
use super::body::Json;
use super::models::ModelsQuery;
use super::page::List;
use super::path::Parameters;
use super::problem::Problem;

/// What an alias stands for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAlias)]
pub struct Body {
    /// A model line without aliases.
    #[schema(example = "openai:gpt-4.1-mini?temperature=0.2, anthropic:claude-haiku-4-5")]
    model: String,
}

/// A name that stands for a model line in the account's agents.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Alias)]
pub struct View {
    #[schema(example = "fast")]
    name: String,
    model: String,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Millis,
}

impl From<Alias> for View {
    fn from(alias: Alias) -> Self {
        Self { name: alias.name, model: alias.line, updated_at: alias.updated_at }
    }
}

/// List the aliases
///
/// With `capability`, those with a model that can do all of it: calls that need it are made with that one.
#[utoipa::path(
    get,
    path = "/api/v1/model-aliases",
    operation_id = "list_model_aliases",
    tag = "models",
    params(ModelsQuery),
    responses((status = 200, description = "All of them, by name", body = List<View>))
)]
pub async fn list<W: World>(
    State(app): State<App<W>>,
    Reader(session): Reader,
    ModelsQuery { capability }: ModelsQuery,
) -> Result<Json<List<View>>, Problem> {
    let all = aliases::list(&app, &session, capability).await.map_err(Problem::report(&app))?;
    Ok(Json(List::whole(all.into_iter().map(View::from).collect())))
}

/// Show an alias
#[utoipa::path(
    get,
    path = "/api/v1/model-aliases/{name}",
    operation_id = "get_model_alias",
    tag = "models",
    params(("name" = String, Path, description = "As model lines write it")),
    responses((status = 200, description = "The alias", body = View))
)]
pub async fn get<W: World>(
    State(app): State<App<W>>,
    Reader(session): Reader,
    Parameters(name): Parameters<String>,
) -> Result<Json<View>, Problem> {
    let alias = aliases::get(&app, &session, &name).await.map_err(Problem::report(&app))?;
    Ok(Json(alias.into()))
}

/// Set an alias
///
/// Agents that name it use the new line from their next call on.
#[utoipa::path(
    put,
    path = "/api/v1/model-aliases/{name}",
    operation_id = "put_model_alias",
    tag = "models",
    params(("name" = String, Path, description = "a-z, 0-9 and '-'")),
    request_body = Body,
    responses((status = 200, description = "The alias", body = View))
)]
pub async fn put<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    Parameters(name): Parameters<String>,
    Json(body): Json<Body>,
) -> Result<Json<View>, Problem> {
    let alias = aliases::put(&app, &session, &name, body.model).await.map_err(Problem::report(&app))?;
    Ok(Json(alias.into()))
}

/// Delete an alias
///
/// Calls of agents that name it fail from then on, saying so.
#[utoipa::path(
    delete,
    path = "/api/v1/model-aliases/{name}",
    operation_id = "delete_model_alias",
    tag = "models",
    params(("name" = String, Path, description = "As model lines write it")),
    responses((status = 204, description = "Deleted"))
)]
pub async fn delete<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    Parameters(name): Parameters<String>,
) -> Result<StatusCode, Problem> {
    aliases::delete(&app, &session, &name).await.map_err(Problem::report(&app))?;
    Ok(StatusCode::NO_CONTENT)
}
