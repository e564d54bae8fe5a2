//! What becomes of an agent: its status, the archive and the way back, copies; and whether it could be at all.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use crate::domain::agent::{Fields, Status, check_name, spelling};
use crate::domain::json;
use crate::domain::warning::Warning;
use crate::ports::World;
use crate::service::App;
use crate::service::agents::{self, Handoffs};

use super::super::access::Writer;
use super::super::body::{self, Json, OptionalJson};
use super::super::if_match::Tags;
use super::super::path::{AgentPath, Parameters};
use super::super::problem::Problem;
use super::super::query::query;
use super::{Tagged, View, created, warnings};

/// What becomes of hand-offs that stand in the way.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ForceQuery {
    /// Removes hand-offs between it and others that stand in the way.
    force: Option<bool>,
}

query!(ForceQuery);

impl From<ForceQuery> for Handoffs {
    fn from(query: ForceQuery) -> Self {
        if query.force.unwrap_or_default() { Self::Remove } else { Self::Keep }
    }
}

/// Where an agent is to go.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AgentStatus, example = json!({"status": "inactive"}))]
pub struct Move {
    status: Status,
}

/// How an agent is to come back.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AgentRestoration)]
pub struct Restoration {
    /// Another slug than it had.
    #[schema(example = "triage-2")]
    slug: Option<String>,
}

/// What a copy is called.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AgentCopy)]
pub struct Copy {
    /// Left out: the name with ` (Copy)`, ` (Copy 2)` …, whatever is free first.
    #[schema(example = "Triage Agent for sales", min_length = 1, max_length = 255)]
    name: Option<String>,
    /// Left out: made of the name, with a number where that is taken.
    #[schema(example = "triage-sales")]
    slug: Option<String>,
}

/// What a save would save.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ValidAgent)]
pub struct Valid {
    /// True: otherwise the answer is the problem that a save would meet.
    #[schema(example = true)]
    valid: bool,
    agent: Fields,
    /// As a creation would answer them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    warnings: Vec<Warning>,
}

/// Archive an agent
///
/// It can be called no more, and its slug is free. Its ledger and its versions stay readable by id, and it can be restored.
/// Refused while other agents hand off to it, unless `force` removes that there.
#[utoipa::path(
    delete,
    path = "/api/v1/agents/{agent}",
    operation_id = "archive_agent",
    tag = "agents",
    params(
        ("agent" = String, Path, description = "Slug or id"),
        ("if-match" = Option<String>, Header, description = "Entity tags, or `*`"),
        ForceQuery,
    ),
    responses((status = 204, description = "Archived"))
)]
pub async fn archive<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    Parameters(AgentPath { agent }): Parameters<AgentPath>,
    Tags(if_match): Tags,
    query: ForceQuery,
) -> Result<StatusCode, Problem> {
    agents::archive(&app, &session, &agent, query.into(), &if_match).await.map_err(Problem::report(&app))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Restore an agent
///
/// Brings an archived agent back as it was, with the status it had: by its id, or by a slug the one that was archived last
/// with it. Refused when another agent has the slug by now, unless the body gives another; and when it hands off to agents
/// that are archived, unless `force` removes that. An agent that is not archived stays as it is.
#[utoipa::path(
    post,
    path = "/api/v1/agents/{agent}/restore",
    operation_id = "restore_agent",
    tag = "agents",
    params(
        ("agent" = String, Path, description = "Id, or the slug it had"),
        ("if-match" = Option<String>, Header, description = "Entity tags, or `*`"),
        ForceQuery,
    ),
    request_body = Option<Restoration>,
    responses((status = 200, description = "The agent", body = View,
        headers(("etag" = String, description = "This state of it"))))
)]
pub async fn restore<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    Parameters(AgentPath { agent }): Parameters<AgentPath>,
    Tags(if_match): Tags,
    query: ForceQuery,
    OptionalJson(body): OptionalJson<Map<String, Value>>,
) -> Result<Response, Problem> {
    let (Restoration { slug }, faults) = body::parse_partly(body, Ok(()))?;
    let slug = agents::slug_of(slug.as_deref(), faults).map_err(Problem::report(&app))?;
    let agent = agents::restore(&app, &session, &agent, slug.as_ref(), query.into(), &if_match).await;
    let agent = agent.map_err(Problem::report(&app))?;
    Ok(Tagged::of(StatusCode::OK, &session.account, agent).into_response())
}

/// Move an agent through its life
///
/// From draft to published to active, from active to inactive and back, from both to deprecated, and from there to the
/// archive. Any other move is refused, and the answer names the way. It holds from the next call; no version is
/// made.
#[utoipa::path(
    post,
    path = "/api/v1/agents/{agent}/status",
    operation_id = "set_agent_status",
    tag = "agents",
    params(
        ("agent" = String, Path, description = "Slug or id"),
        ("if-match" = Option<String>, Header, description = "Entity tags, or `*`"),
        ForceQuery,
    ),
    request_body = Move,
    responses((status = 200, description = "The agent", body = View,
        headers(("etag" = String, description = "This state of it"))))
)]
pub async fn set_status<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    Parameters(AgentPath { agent }): Parameters<AgentPath>,
    Tags(if_match): Tags,
    query: ForceQuery,
    Json(mut body): Json<Map<String, Value>>,
) -> Result<Response, Problem> {
    spelling::ours(&mut body).map_err(Problem::invalid)?;
    let body: Move = json::read(&body.into()).map_err(Problem::invalid)?;
    let agent = agents::set_status(&app, &session, &agent, body.status, query.into(), &if_match).await;
    let agent = agent.map_err(Problem::report(&app))?;
    Ok(Tagged::of(StatusCode::OK, &session.account, agent).into_response())
}

/// Duplicate an agent
///
/// The copy has the same definition, labels and terms of budget, version 1, no history and nothing spent. It has the
/// status of the original; that of an archived one, named by its id, is a draft.
#[utoipa::path(
    post,
    path = "/api/v1/agents/{agent}/duplicate",
    operation_id = "duplicate_agent",
    tag = "agents",
    params(("agent" = String, Path, description = "Slug or id")),
    request_body = Option<Copy>,
    responses((status = 201, description = "The copy", body = View, headers(
        ("location" = String, description = "Where it is configured"),
        ("etag" = String, description = "This state of it"),
    )))
)]
pub async fn duplicate<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    Parameters(AgentPath { agent }): Parameters<AgentPath>,
    OptionalJson(body): OptionalJson<Map<String, Value>>,
) -> Result<Response, Problem> {
    let (body, mut faults): (Copy, _) = body::parse_partly(body, Ok(()))?;
    faults.extend(body.name.as_deref().and_then(|name| check_name(name).err()).into_iter().flatten());
    let slug = agents::slug_of(body.slug.as_deref(), faults).map_err(Problem::report(&app))?;
    let copy = agents::Copy { name: body.name, slug };
    let agent = agents::duplicate(&app, &session, &agent, &copy).await.map_err(Problem::report(&app))?;
    Ok(created(&session.account, agent, Vec::new()))
}

/// Check an agent
///
/// Everything that creating it would check; nothing is saved.
#[utoipa::path(
    post,
    path = "/api/v1/agents/validate",
    operation_id = "validate_agent",
    tag = "agents",
    request_body = Fields,
    responses((status = 200, description = "It could be created: as this", body = Valid))
)]
pub async fn validate<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    Json(fields): Json<Map<String, Value>>,
) -> Result<Json<Valid>, Problem> {
    let valid = agents::validate(&app, &session, fields).await.map_err(Problem::report(&app))?;
    let agent = &valid.agent;
    let targets = agent.definition.handoff_targets.iter().map(ToString::to_string).collect();
    Ok(Json(Valid { valid: true, agent: Fields::of(agent, targets), warnings: warnings(&valid) }))
}
