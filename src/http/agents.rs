//! `/api/v1/agents`.

use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::account::Account;
use crate::domain::agent::{Access, Agent, Definition};
use crate::domain::time::Millis;
use crate::ports::World;
use crate::service::App;
use crate::service::agents::{self, AgentDraft, BudgetChange};

use super::access::{Reader, Writer};
use super::body::Json;
use super::budgets::BudgetBody;
use super::page::{List, PageQuery};
use super::path::Parameters;
use super::problem::Problem;
use super::schema;

/// An agent as the account wants it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAgent)]
pub struct Body {
    /// The name in URLs. Left out: made of the name, or unchanged.
    #[schema(example = "triage")]
    slug: Option<String>,
    #[schema(example = "Triage Agent", min_length = 1, max_length = 255)]
    name: String,
    /// What the model is told before everything else.
    #[schema(min_length = 1, max_length = 100_000)]
    instructions: String,
    /// A model line: models or aliases, tried in order.
    #[schema(example = "openai:gpt-4.1-mini?temperature=0.2, anthropic:claude-haiku-4-5")]
    model: String,
    /// `key` when left out.
    #[serde(default)]
    access: Access,
    /// The most calls at once; no limit when left out.
    #[schema(minimum = 1, maximum = 10_000)]
    max_concurrency: Option<u32>,
    /// Left out: unchanged. Null: none, which a public agent cannot have.
    #[serde(default, deserialize_with = "schema::given")]
    #[schema(value_type = Option<BudgetBody>)]
    budget: Option<Option<BudgetBody>>,
    /// Origins whose pages may call; left out, any for a public agent and none for another.
    #[schema(example = json!(["https://example.com"]))]
    allowed_origins: Option<Vec<String>>,
}

/// An agent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Agent)]
pub struct View {
    #[schema(format = "uuid")]
    id: String,
    slug: String,
    name: String,
    instructions: String,
    model: String,
    access: Access,
    max_concurrency: Option<u32>,
    budget: Option<BudgetBody>,
    allowed_origins: Option<Vec<String>>,
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
        Self {
            url: format!("/accounts/{}/agents/{}", account.slug, agent.slug),
            id: agent.id.to_string(),
            slug: agent.slug.to_string(),
            name: agent.definition.name,
            instructions: agent.definition.instructions,
            model: agent.definition.model,
            access: agent.definition.access,
            max_concurrency: agent.definition.max_concurrency,
            budget: agent.budget.map(BudgetBody::from),
            allowed_origins: agent.definition.allowed_origins,
            version: agent.version,
            created_at: agent.created_at,
            updated_at: agent.updated_at,
        }
    }
}

impl From<Body> for AgentDraft {
    fn from(body: Body) -> Self {
        let budget = match body.budget {
            None => BudgetChange::Keep,
            Some(None) => BudgetChange::Remove,
            Some(Some(budget)) => BudgetChange::Set(budget.into()),
        };
        let definition = Definition {
            name: body.name,
            instructions: body.instructions,
            model: body.model,
            access: body.access,
            max_concurrency: body.max_concurrency,
            allowed_origins: body.allowed_origins,
        };
        Self { slug: body.slug, definition, budget }
    }
}

/// Create an agent
///
/// It can be called at once, at `url`. A public agent, which anyone may call, must have a budget.
#[utoipa::path(
    post,
    path = "/api/v1/agents",
    operation_id = "create_agent",
    tag = "agents",
    request_body = Body,
    responses((status = 201, description = "The agent", body = View,
        headers(("location" = String, description = "Where it is configured"))))
)]
pub async fn create<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    Json(body): Json<Body>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<View>), Problem> {
    let agent = agents::create(&app, &session, body.into()).await.map_err(Problem::report(&app))?;
    let location = [(header::LOCATION, format!("/api/v1/agents/{}", agent.slug))];
    Ok((StatusCode::CREATED, location, Json(View::of(&session.account, agent))))
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
    responses((status = 200, description = "The agent", body = View))
)]
pub async fn get<W: World>(
    State(app): State<App<W>>,
    Reader(session): Reader,
    Parameters(agent): Parameters<String>,
) -> Result<Json<View>, Problem> {
    let agent = agents::get(&app, &session, &agent).await.map_err(Problem::report(&app))?;
    Ok(Json(View::of(&session.account, agent)))
}

/// Replace an agent
///
/// What is left out goes back to its default, but for the slug and the budget, which stay as they are. A change of
/// the definition makes a new version and holds from the next call; of the slug or the budget it makes none.
#[utoipa::path(
    put,
    path = "/api/v1/agents/{agent}",
    operation_id = "put_agent",
    tag = "agents",
    params(("agent" = String, Path, description = "Slug or id")),
    request_body = Body,
    responses((status = 200, description = "The agent", body = View))
)]
pub async fn put<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    Parameters(agent): Parameters<String>,
    Json(body): Json<Body>,
) -> Result<Json<View>, Problem> {
    let agent = agents::replace(&app, &session, &agent, body.into()).await.map_err(Problem::report(&app))?;
    Ok(Json(View::of(&session.account, agent)))
}

/// Archive an agent
///
/// It can be called no more, and its slug is free. Its ledger stays readable by id.
#[utoipa::path(
    delete,
    path = "/api/v1/agents/{agent}",
    operation_id = "archive_agent",
    tag = "agents",
    params(("agent" = String, Path, description = "Slug or id")),
    responses((status = 204, description = "Archived"))
)]
pub async fn archive<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    Parameters(agent): Parameters<String>,
) -> Result<StatusCode, Problem> {
    agents::archive(&app, &session, &agent).await.map_err(Problem::report(&app))?;
    Ok(StatusCode::NO_CONTENT)
}
