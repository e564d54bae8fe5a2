//! `/api/v1/agents` and `/accounts/{account}/agents`.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use crate::domain::account::Account;
use crate::domain::agent::{Access, Agent, Fields, Modality, Panel, Status};
use crate::domain::budget::Terms;
use crate::domain::time::Millis;
use crate::ports::World;
use crate::service::App;
use crate::service::agents::{self, Handoffs};

use super::access::{Reader, Writer};
use super::body::Json;
use super::if_match::Tags;
use super::page::{List, PageQuery};
use super::path::{AgentPath, Parameters};
use super::problem::Problem;
use super::query::query;

/// An agent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Agent)]
pub struct View {
    #[schema(format = "uuid")]
    id: String,
    slug: String,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    description: Option<String>,
    instructions: String,
    model: String,
    voice: Option<String>,
    modality: Modality,
    panels: Vec<Panel>,
    tools: Vec<String>,
    /// Ids.
    handoff_targets: Vec<String>,
    access: Access,
    allowed_origins: Option<Vec<String>>,
    max_concurrency: Option<u32>,
    budget: Option<Terms>,
    #[schema(value_type = Object)]
    config: Map<String, Value>,
    labels: Vec<String>,
    status: Status,
    /// Every change of the definition makes the next.
    version: u32,
    /// Where it is called: append `/chat`, `/stream` or `/v1` (the base URL for OpenAI clients).
    #[schema(example = "/accounts/acme/agents/triage")]
    url: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Millis,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Millis,
}

impl View {
    fn of(account: &Account, agent: Agent) -> Self {
        let status = agent.status();
        let definition = agent.definition;
        Self {
            url: format!("/accounts/{}/agents/{}", account.slug, agent.slug),
            id: agent.id.to_string(),
            slug: agent.slug.to_string(),
            name: definition.name,
            kind: definition.kind,
            description: definition.description,
            instructions: definition.instructions,
            model: definition.model,
            voice: definition.voice,
            modality: definition.modality,
            panels: definition.panels,
            tools: definition.tools,
            handoff_targets: definition.handoff_targets.iter().map(ToString::to_string).collect(),
            access: definition.access,
            allowed_origins: definition.allowed_origins,
            max_concurrency: definition.max_concurrency,
            budget: agent.budget.map(Terms::from),
            config: definition.config,
            labels: agent.labels,
            status,
            version: agent.version,
            created_at: agent.created_at,
            updated_at: agent.updated_at,
        }
    }
}

/// An agent with its entity tag.
struct Tagged(StatusCode, View, String);

impl Tagged {
    fn of(status: StatusCode, account: &Account, agent: Agent) -> Self {
        let tag = format!("\"{}\"", agent.tag());
        Self(status, View::of(account, agent), tag)
    }
}

impl IntoResponse for Tagged {
    fn into_response(self) -> Response {
        (self.0, [(header::ETAG, self.2)], Json(self.1)).into_response()
    }
}

/// What becomes of hand-offs of others.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ForceQuery {
    /// Removes the hand-offs of others to it.
    force: Option<bool>,
}

query!(ForceQuery, "?force=true");

/// Create an agent
///
/// It can be called at once, at `url`. A public agent, which anyone may call, must have a budget.
#[utoipa::path(
    post,
    path = "/api/v1/agents",
    operation_id = "create_agent",
    tag = "agents",
    request_body = Fields,
    responses((status = 201, description = "The agent", body = View, headers(
        ("location" = String, description = "Where it is configured"),
        ("etag" = String, description = "This state of it"),
    )))
)]
pub async fn create<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    Json(fields): Json<Map<String, Value>>,
) -> Result<Response, Problem> {
    let agent = agents::create(&app, &session, &fields).await.map_err(Problem::report(&app))?;
    let location = [(header::LOCATION, format!("/api/v1/agents/{}", agent.slug))];
    Ok((location, Tagged::of(StatusCode::CREATED, &session.account, agent)).into_response())
}

/// List the agents
///
/// Newest first, without archived ones.
#[utoipa::path(
    get,
    path = "/api/v1/agents",
    operation_id = "list_agents",
    tag = "agents",
    params(PageQuery),
    responses((status = 200, description = "A page of agents", body = List<View>))
)]
pub async fn list<W: World>(
    State(app): State<App<W>>,
    Reader(session): Reader,
    query: PageQuery,
) -> Result<Json<List<View>>, Problem> {
    let page = agents::list(&app, &session, &query.into()).await.map_err(Problem::report(&app))?;
    Ok(Json(List::of(page, |agent| View::of(&session.account, agent))))
}

/// Show an agent
#[utoipa::path(
    get,
    path = "/api/v1/agents/{agent}",
    operation_id = "get_agent",
    tag = "agents",
    params(("agent" = String, Path, description = "Slug or id")),
    responses((status = 200, description = "The agent", body = View,
        headers(("etag" = String, description = "This state of it"))))
)]
pub async fn get<W: World>(
    State(app): State<App<W>>,
    Reader(session): Reader,
    Parameters(AgentPath { agent }): Parameters<AgentPath>,
) -> Result<Response, Problem> {
    let agent = agents::get(&app, &session, &agent).await.map_err(Problem::report(&app))?;
    Ok(Tagged::of(StatusCode::OK, &session.account, agent).into_response())
}

/// Change an agent
///
/// Only the fields that are given change: objects are merged deeply, lists replaced, and null brings a field's default
/// back. A change of the definition makes a new version and holds from the next call; of the slug, the labels or the budget
/// it makes none. With `If-Match` (an `ETag` of this agent) the change is made only over that state.
#[utoipa::path(
    patch,
    path = "/api/v1/agents/{agent}",
    operation_id = "patch_agent",
    tag = "agents",
    params(
        ("agent" = String, Path, description = "Slug or id"),
        ("if-match" = Option<String>, Header, description = "Entity tags, or `*`"),
    ),
    request_body = Fields,
    responses((status = 200, description = "The agent", body = View,
        headers(("etag" = String, description = "This state of it"))))
)]
pub async fn patch<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    Parameters(AgentPath { agent }): Parameters<AgentPath>,
    Tags(if_match): Tags,
    Json(fields): Json<Map<String, Value>>,
) -> Result<Response, Problem> {
    let agent = agents::patch(&app, &session, &agent, &fields, &if_match).await;
    let agent = agent.map_err(Problem::report(&app))?;
    Ok(Tagged::of(StatusCode::OK, &session.account, agent).into_response())
}

/// Change an agent
///
/// As PATCH.
#[utoipa::path(
    put,
    path = "/api/v1/agents/{agent}",
    operation_id = "put_agent",
    tag = "agents",
    params(
        ("agent" = String, Path, description = "Slug or id"),
        ("if-match" = Option<String>, Header, description = "Entity tags, or `*`"),
    ),
    request_body = Fields,
    responses((status = 200, description = "The agent", body = View,
        headers(("etag" = String, description = "This state of it"))))
)]
pub async fn put<W: World>(
    app: State<App<W>>,
    session: Writer,
    agent: Parameters<AgentPath>,
    if_match: Tags,
    fields: Json<Map<String, Value>>,
) -> Result<Response, Problem> {
    patch(app, session, agent, if_match, fields).await
}

/// Change an agent
///
/// As PATCH.
#[utoipa::path(
    put,
    path = "/accounts/{account}/agents/{agent}/config",
    operation_id = "put_agent_config",
    tag = "agents",
    params(
        ("account" = String, Path, description = "Slug or id of the key's account"),
        ("agent" = String, Path, description = "Slug or id"),
        ("if-match" = Option<String>, Header, description = "Entity tags, or `*`"),
    ),
    request_body = Fields,
    responses((status = 200, description = "The agent", body = View,
        headers(("etag" = String, description = "This state of it"))))
)]
pub async fn put_config<W: World>(
    app: State<App<W>>,
    session: Writer,
    agent: Parameters<AgentPath>,
    if_match: Tags,
    fields: Json<Map<String, Value>>,
) -> Result<Response, Problem> {
    patch(app, session, agent, if_match, fields).await
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
    params(("agent" = String, Path, description = "Slug or id"), ForceQuery),
    responses((status = 204, description = "Archived"))
)]
pub async fn archive<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    Parameters(AgentPath { agent }): Parameters<AgentPath>,
    query: ForceQuery,
) -> Result<StatusCode, Problem> {
    let handoffs = if query.force.unwrap_or_default() { Handoffs::Remove } else { Handoffs::Keep };
    agents::archive(&app, &session, &agent, handoffs).await.map_err(Problem::report(&app))?;
    Ok(StatusCode::NO_CONTENT)
}
