//! `/api/v1/templates`.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::agent::Fields;
use crate::domain::template::{Source, Template};
use crate::domain::time::Millis;
use crate::ports::World;
use crate::service::App;
use crate::service::templates::{self, Draft};

use super::access::{OfferReader, OfferWriter};
use super::body::Json;
use super::page::{List, PageQuery};
use super::path::Parameters;
use super::problem::Problem;

/// A template, by its fields or as an agent has them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewTemplate, example = json!({
    "name": "Mail triage", "definition": {"instructions": "Sort the mail.", "tools": ["web_search"]}
}))]
pub struct Body {
    /// The definition's or the agent's when left out.
    #[schema(example = "Mail triage", min_length = 1, max_length = 255)]
    name: Option<String>,
    #[schema(min_length = 1, max_length = 2_000)]
    description: Option<String>,
    /// Whether it is no longer offered to those who choose today; agents made from it go on.
    #[serde(default)]
    deprecated: bool,
    /// The fields that an agent begins with: any but `slug`, `status` and `template`. Hand-off targets by slug.
    #[schema(value_type = Option<Fields>, example = json!({"instructions": "Sort the mail.", "tools": ["web_search"]}))]
    definition: Option<Map<String, Value>>,
    /// In place of a definition: slug or id of an agent that is saved as a template.
    #[schema(example = json!(null))]
    agent: Option<String>,
}

impl From<Body> for Draft {
    fn from(body: Body) -> Self {
        Self {
            name: body.name,
            description: body.description,
            is_deprecated: body.deprecated,
            definition: body.definition,
            agent: body.agent,
        }
    }
}

/// What an agent can begin as.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Template)]
pub struct View {
    #[schema(example = "mail-triage")]
    slug: String,
    name: String,
    description: Option<String>,
    /// No longer offered to those who choose today; agents can still be made from it.
    deprecated: bool,
    source: Offered,
    #[schema(value_type = Fields)]
    definition: Map<String, Value>,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Millis,
}

/// Whose it is.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = TemplateSource)]
pub enum Offered {
    Platform,
    Account,
}

impl From<(Template, Source)> for View {
    fn from((template, source): (Template, Source)) -> Self {
        Self {
            slug: template.slug.to_string(),
            name: template.name,
            description: template.description,
            deprecated: template.is_deprecated,
            source: match source {
                Source::Platform => Offered::Platform,
                Source::Account => Offered::Account,
            },
            definition: template.definition,
            updated_at: template.updated_at,
        }
    }
}

/// List the templates
///
/// By slug: the platform's, with the account's own in place of those of the same slug. With the operator's key, the
/// platform's.
#[utoipa::path(
    get,
    path = "/api/v1/templates",
    operation_id = "list_templates",
    tag = "templates",
    params(PageQuery),
    responses((status = 200, description = "A page of templates", body = List<View>))
)]
pub async fn list<W: World>(
    State(app): State<App<W>>,
    OfferReader(session): OfferReader,
    query: PageQuery,
) -> Result<Json<List<View>>, Problem> {
    let page = templates::list(&app, session.as_ref(), &query.into()).await.map_err(Problem::report(&app))?;
    Ok(Json(List::of(page, View::from)))
}

/// Show a template
///
/// The account's own, else the platform's.
#[utoipa::path(
    get,
    path = "/api/v1/templates/{template}",
    operation_id = "get_template",
    tag = "templates",
    params(("template" = String, Path, description = "Slug")),
    responses((status = 200, description = "The template", body = View))
)]
pub async fn get<W: World>(
    State(app): State<App<W>>,
    OfferReader(session): OfferReader,
    Parameters(template): Parameters<String>,
) -> Result<Json<View>, Problem> {
    let found = templates::get(&app, session.as_ref(), &template).await.map_err(Problem::report(&app))?;
    Ok(Json(found.into()))
}

/// Set a template
///
/// One of the account's own; it wins over the platform's of the same slug. An agent can be saved as a template by naming it
/// in place of a definition. With the operator's key, one of the platform's.
#[utoipa::path(
    put,
    path = "/api/v1/templates/{template}",
    operation_id = "put_template",
    tag = "templates",
    params(("template" = String, Path, description = "Slug: 1 to 63 of a-z, 0-9 and '-'")),
    request_body(content = Body, example = json!({
        "name": "Mail triage", "definition": {"instructions": "Sort the mail.", "tools": ["web_search"]},
    })),
    responses((status = 200, description = "The template", body = View))
)]
pub async fn put<W: World>(
    State(app): State<App<W>>,
    OfferWriter(session): OfferWriter,
    Parameters(template): Parameters<String>,
    Json(body): Json<Body>,
) -> Result<Json<View>, Problem> {
    let put = templates::put(&app, session.as_ref(), &template, body.into())
        .await
        .map_err(Problem::report(&app))?;
    Ok(Json(put.into()))
}

/// Delete a template
///
/// One of the account's own; the platform's of the same slug, if there is one, shows again. Agents made from it go on. With
/// the operator's key, one of the platform's.
#[utoipa::path(
    delete,
    path = "/api/v1/templates/{template}",
    operation_id = "delete_template",
    tag = "templates",
    params(("template" = String, Path, description = "Slug")),
    responses((status = 204, description = "Deleted"))
)]
pub async fn delete<W: World>(
    State(app): State<App<W>>,
    OfferWriter(session): OfferWriter,
    Parameters(template): Parameters<String>,
) -> Result<StatusCode, Problem> {
    templates::delete(&app, session.as_ref(), &template).await.map_err(Problem::report(&app))?;
    Ok(StatusCode::NO_CONTENT)
}
