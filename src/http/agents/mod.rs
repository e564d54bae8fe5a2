//! `/api/v1/agents` and `/accounts/{account}/agents`: what agents look like, and creating, reading and changing them.

pub mod change;
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
use crate::domain::agent::{
    Access, Agent, Caching, Definition, Fields, Input, Memory, Modality, Output, Panel, RunLimits, Status,
    Tool,
};
use crate::domain::budget::Terms;
use crate::domain::run::terms::{OnBudget, OnUnknown, Upgrade};
use crate::domain::share::Share;
use crate::domain::thread::command::OnBusy;
use crate::domain::time::Millis;
use crate::domain::warning::{self, Warning};
use crate::ports::World;
use crate::service::App;
use crate::service::agents::{self, Discovery, Fault, Made};
use crate::service::authenticate::Session;
use crate::service::failure::{Failure, Thing};

use super::access::{Reader, Writer};
use super::advice;
use super::body::Json;
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
    /// A model line.
    embeddings: Option<String>,
    voice: Option<String>,
    modality: Modality,
    panels: Vec<Panel>,
    tools: Vec<Tool>,
    /// Ids.
    handoff_targets: Vec<String>,
    access: Access,
    allowed_origins: Option<Vec<String>>,
    max_concurrency: Option<u32>,
    cache: Option<Caching>,
    run: Option<RunLimits>,
    max_parallel_tools: Option<u32>,
    on_busy: Option<OnBusy>,
    on_unknown: Option<OnUnknown>,
    on_budget: Option<OnBudget>,
    upgrade: Option<Upgrade>,
    output: Option<Output>,
    input: Option<Input>,
    webhooks: Vec<String>,
    #[schema(value_type = Option<f64>, minimum = 0.1, maximum = 0.95)]
    compact_at: Option<Share>,
    memory: Option<Memory>,
    #[schema(minimum = 1, maximum = 3650)]
    keep_days: Option<u32>,
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
            embeddings: definition.embeddings,
            voice: definition.voice,
            modality: definition.modality,
            panels: definition.panels,
            tools: definition.tools,
            handoff_targets: definition.handoff_targets.iter().map(ToString::to_string).collect(),
            access: definition.access,
            allowed_origins: definition.allowed_origins,
            max_concurrency: definition.max_concurrency,
            cache: definition.cache,
            run: definition.run,
            max_parallel_tools: definition.max_parallel_tools,
            on_busy: definition.on_busy,
            on_unknown: definition.on_unknown,
            on_budget: definition.on_budget,
            upgrade: definition.upgrade,
            output: definition.output,
            input: definition.input,
            webhooks: definition.webhooks,
            compact_at: definition.compact_at,
            keep_days: definition.keep_days,
            memory: definition.memory,
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

/// That calls of an agent could not work now.
pub fn not_ready(field: &str, fault: &Fault) -> Warning {
    Warning::new(field, warning::Code::NotReady, advice::fault(fault))
}

/// What is said of an agent that is made.
fn warnings(made: &Made) -> Vec<Warning> {
    let not_ready = made.faults.iter().map(|fault| not_ready(fault.field(), fault));
    made.warnings.iter().cloned().chain(not_ready).collect()
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
    let discovery = agents::discover(app, session.account.id, std::slice::from_ref(&agent)).await?.pop();
    let discovery = discovery.ok_or(Failure::Missing(Thing::Agent))?;
    Ok(Discovered::of(&session.account, agent, discovery, bases))
}
