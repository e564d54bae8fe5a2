//! `/api/v1/agents` and `/accounts/{account}/agents`: what agents look like, and creating, reading and changing them.

pub mod lifecycle;
pub mod list;
pub mod urls;
pub mod versions;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::account::Account;
use crate::domain::agent::{Access, Agent, Definition, Fields, Modality, Panel, Status};
use crate::domain::budget::Terms;
use crate::domain::time::Millis;
use crate::ports::World;
use crate::service::App;
use crate::service::agents::{self, Discovery};
use crate::service::failure::{Failure, Thing};

use super::access::{Reader, Writer};
use super::advice;
use super::body::Json;
use super::if_match::Tags;
use super::path::{AgentPath, Parameters};
use super::problem::Problem;
use urls::{Bases, Urls};

/// What a version is a snapshot of.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AgentDefinition)]
pub struct Configuration {
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
    #[schema(value_type = Object)]
    config: Map<String, Value>,
}

impl From<Definition> for Configuration {
    fn from(definition: Definition) -> Self {
        Self {
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
            config: definition.config,
        }
    }
}

/// An agent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Agent)]
pub struct View {
    #[schema(format = "uuid")]
    id: String,
    slug: String,
    #[serde(flatten)]
    definition: Configuration,
    budget: Option<Terms>,
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
    pub fn of(account: &Account, agent: Agent) -> Self {
        Self {
            url: url(account, &agent),
            id: agent.id.to_string(),
            slug: agent.slug.to_string(),
            status: agent.status(),
            definition: agent.definition.into(),
            budget: agent.budget.map(Terms::from),
            labels: agent.labels,
            version: agent.version,
            created_at: agent.created_at,
            updated_at: agent.updated_at,
        }
    }
}

fn url(account: &Account, agent: &Agent) -> String {
    format!("/accounts/{}/agents/{}", account.slug, agent.slug)
}

/// An agent, and what there is to know of it before it is called.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DiscoveredAgent)]
pub struct Discovered {
    #[serde(flatten)]
    agent: View,
    urls: Urls,
    /// What the first model of its line that can be called can do; when none can, the first.
    #[schema(example = json!(["tools", "streaming"]))]
    capabilities: Vec<&'static str>,
    /// Whether its configuration leads to a model that can be called: at least one of its line has a provider with a key,
    /// and a price where there is a budget.
    healthy: bool,
    /// What is wrong with its line, also with models that others stand in for.
    problems: Vec<String>,
}

impl Discovered {
    fn of(account: &Account, agent: Agent, discovery: Discovery, bases: &Bases) -> Self {
        Self {
            urls: Urls::new(url(account, &agent), bases.clone()),
            capabilities: discovery.capabilities.names().collect(),
            healthy: discovery.healthy,
            problems: discovery.faults.iter().map(advice::fault).collect(),
            agent: View::of(account, agent),
        }
    }
}

/// An agent with its entity tag.
struct Tagged<T>(StatusCode, T, String);

impl Tagged<View> {
    fn of(status: StatusCode, account: &Account, agent: Agent) -> Self {
        let tag = tag(&agent);
        Self(status, View::of(account, agent), tag)
    }
}

fn tag(agent: &Agent) -> String {
    format!("\"{}\"", agent.tag())
}

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        (self.0, [(header::ETAG, self.2)], Json(self.1)).into_response()
    }
}

/// An agent that was made, with where it is configured.
fn created(account: &Account, agent: Agent) -> Response {
    let location = [(header::LOCATION, format!("/api/v1/agents/{}", agent.slug))];
    (location, Tagged::of(StatusCode::CREATED, account, agent)).into_response()
}

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
    Ok(created(&session.account, agent))
}

/// Show an agent
///
/// With what there is to know of it before it is called: what it can do, and whether its configuration leads to a model
/// that can be called.
#[utoipa::path(
    get,
    path = "/api/v1/agents/{agent}",
    operation_id = "get_agent",
    tag = "agents",
    params(("agent" = String, Path, description = "Slug or id")),
    responses((status = 200, description = "The agent", body = Discovered,
        headers(("etag" = String, description = "This state of it"))))
)]
pub async fn get<W: World>(
    State(app): State<App<W>>,
    Reader(session): Reader,
    Parameters(AgentPath { agent }): Parameters<AgentPath>,
    bases: &Bases,
) -> Result<Response, Problem> {
    let agent = agents::get(&app, &session, &agent).await.map_err(Problem::report(&app))?;
    let discovered = agents::discover(&app, &session, std::slice::from_ref(&agent)).await;
    let discovered = discovered.map_err(Problem::report(&app))?.pop();
    let discovery = discovered.ok_or(Failure::Missing(Thing::Agent))?;
    let tag = tag(&agent);
    let agent = Discovered::of(&session.account, agent, discovery, bases);
    Ok(Tagged(StatusCode::OK, agent, tag).into_response())
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
