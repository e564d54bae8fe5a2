//! `/api/v1/agents` and `/accounts/{account}/agents`: what agents look like, and creating, reading and changing them.

pub mod lifecycle;
pub mod list;
pub mod urls;
pub mod versions;

use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::account::Account;
use crate::domain::agent::{Access, Agent, Definition, Fields, Modality, Panel, Status};
use crate::domain::budget::Terms;
use crate::domain::patch::Patch;
use crate::domain::time::Millis;
use crate::domain::warning::{self, Warning};
use crate::ports::World;
use crate::service::App;
use crate::service::agents::{self, Discovery, Given, Handoffs, IfMatch, Made};
use crate::service::authenticate::Session;
use crate::service::failure::{Failure, Thing};

use super::access::{Reader, Writer};
use super::advice;
use super::body::{Changes, Json};
use super::if_match::Tags;
use super::path::{AgentPath, Parameters};
use super::problem::Problem;
use urls::{Bases, Urls};

/// How many warnings a reply has.
const X_WARNINGS: HeaderName = HeaderName::from_static("x-warnings");

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

/// An operation of a JSON Patch (RFC 6902).
#[derive(Debug, ToSchema)]
#[schema(as = PatchOperation, example = json!({"op": "remove", "path": "/config/variables/tone"}))]
#[expect(dead_code, reason = "it describes what domain::patch reads")]
pub struct Operation {
    /// `add`, `remove`, `replace`, `move`, `copy` or `test`.
    op: String,
    /// A JSON Pointer (RFC 6901).
    path: String,
    from: Option<String>,
    #[schema(value_type = Object)]
    value: Value,
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
    /// False of an archived agent. In a PUT or PATCH, false archives and true restores.
    is_active: bool,
    /// The account's id.
    #[schema(format = "uuid")]
    organization_id: String,
    /// As `version`.
    current_version: u32,
    /// As `type`.
    #[schema(example = "router")]
    agent_type: String,
    /// As `name`.
    #[schema(example = "Triage Agent")]
    instance_name: String,
    /// Where it is called: append `/chat`, `/stream` or `/v1` (the base URL for OpenAI clients).
    #[schema(example = "/accounts/acme/agents/triage")]
    url: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Millis,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Millis,
    /// What calls of it will meet, as the account is set up now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    warnings: Vec<Warning>,
}

impl View {
    pub fn of(account: &Account, agent: Agent) -> Self {
        Self {
            is_active: agent.archived_at.is_none(),
            organization_id: account.id.to_string(),
            current_version: agent.version,
            agent_type: agent.definition.kind.clone(),
            instance_name: agent.definition.name.clone(),
            warnings: Vec::new(),
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

impl Tagged<View> {
    /// With what is to be known of it, whose number is also in a header.
    fn warned(mut self, warnings: Vec<Warning>) -> Response {
        let many = (!warnings.is_empty()).then(|| [(X_WARNINGS, warnings.len().to_string())]);
        self.1.warnings = warnings;
        (many, self).into_response()
    }
}

/// An agent that was made, with where it is configured.
fn created(account: &Account, agent: Agent, warnings: Vec<Warning>) -> Response {
    let location = [(header::LOCATION, format!("/api/v1/agents/{}", agent.slug))];
    (location, Tagged::of(StatusCode::CREATED, account, agent).warned(warnings)).into_response()
}

/// What is said of an agent that is made.
fn warnings(made: &Made) -> Vec<Warning> {
    let not_ready = |fault| Warning::new("model", warning::Code::NotReady, advice::fault(fault));
    made.warnings.iter().cloned().chain(made.faults.iter().map(not_ready)).collect()
}

/// Create an agent
///
/// It can be called at once, at `url`; `warnings` say what its calls would meet, such as a provider that is not set up. A public
/// agent, which anyone may call, must have a budget. Without a `model` it has the account's `default_model`, or else the
/// platform's, with a warning.
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
    let made = agents::create(&app, &session, fields).await.map_err(Problem::report(&app))?;
    let warnings = warnings(&made);
    Ok(created(&session.account, made.agent, warnings))
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
    let tag = tag(&agent);
    let shown = discovered(&app, &session, agent, bases).await.map_err(Problem::report(&app))?;
    Ok(Tagged(StatusCode::OK, shown, tag).into_response())
}

async fn discovered<W: World>(
    app: &App<W>,
    session: &Session,
    agent: Agent,
    bases: &Bases,
) -> Result<Discovered, Failure> {
    let discovery = agents::discover(app, session, std::slice::from_ref(&agent)).await?.pop();
    let discovery = discovery.ok_or(Failure::Missing(Thing::Agent))?;
    Ok(Discovered::of(&session.account, agent, discovery, bases))
}

/// Change an agent
///
/// Only the fields that are given change: objects are merged deeply, lists replaced, and null brings a field's default
/// back. A change of the definition makes a new version and holds from the next call; of the slug, the labels or the budget
/// it makes none. With `If-Match` (an `ETag` of this agent) the change is made only over that state. What GET shows may be sent
/// back as it is. `is_active` archives an agent (false) or restores it (true). As `application/json-patch+json` the body is a
/// list of operations (RFC 6902) on the fields that can be written: `remove` of `/config/variables/tone` takes one variable away.
#[utoipa::path(
    patch,
    path = "/api/v1/agents/{agent}",
    operation_id = "patch_agent",
    tag = "agents",
    params(
        ("agent" = String, Path, description = "Slug or id"),
        ("if-match" = Option<String>, Header, description = "Entity tags, or `*`"),
    ),
    request_body(content((Fields = "application/json"), (Vec<Operation> = "application/json-patch+json"))),
    responses((status = 200, description = "The agent", body = View,
        headers(("etag" = String, description = "This state of it"))))
)]
pub async fn patch<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    Parameters(AgentPath { agent }): Parameters<AgentPath>,
    Tags(if_match): Tags,
    Changes(patch): Changes,
    bases: &Bases,
) -> Result<Response, Problem> {
    let changed = change(&app, &session, &agent, Given::of_patch(patch), if_match, bases).await;
    let agent = changed.map_err(Problem::report(&app))?;
    Ok(Tagged::of(StatusCode::OK, &session.account, agent).into_response())
}

/// Restores the agent, changes it and archives it, as far as the body says so.
async fn change<W: World>(
    app: &App<W>,
    session: &Session,
    agent: &str,
    mut given: Given,
    mut if_match: IfMatch,
    bases: &Bases,
) -> Result<Agent, Failure> {
    let mut now = None;
    let is_active = given.is_active();
    if is_active == Some(true) {
        now = Some(agents::restore(app, session, agent, None, Handoffs::Keep, &if_match).await?);
        if_match = IfMatch::Any;
    }
    if given.has_more_than_it_writes() {
        let read = match &now {
            Some(agent) => agent.clone(),
            None => agents::get(app, session, agent).await?,
        };
        let shown = serde_json::to_value(discovered(app, session, read, bases).await?).unwrap_or_default();
        given.leave_out(shown.as_object().unwrap_or(&Map::new()));
    }
    let name = now.as_ref().map_or_else(|| agent.to_owned(), |agent| agent.id.to_string());
    let mut changed = match now {
        Some(agent) if given.is_empty() => agent,
        _ => agents::patch(app, session, &name, &given, &if_match).await?,
    };
    if is_active == Some(false) {
        // What the tag named was just written over.
        let tags = IfMatch::Tags(vec![changed.tag()]);
        changed = agents::archive(app, session, &changed.id.to_string(), Handoffs::Keep, &tags).await?;
    }
    Ok(changed)
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
    Json(fields): Json<Map<String, Value>>,
    bases: &Bases,
) -> Result<Response, Problem> {
    patch(app, session, agent, if_match, Changes(Patch::Merge(fields)), bases).await
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
    Json(fields): Json<Map<String, Value>>,
    bases: &Bases,
) -> Result<Response, Problem> {
    patch(app, session, agent, if_match, Changes(Patch::Merge(fields)), bases).await
}
