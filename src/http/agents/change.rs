//! Changing an agent: what a body says is laid over it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value};

use crate::domain::account::Account;
use crate::domain::agent::{Agent, Fields};
use crate::domain::patch::Patch;
use crate::ports::World;
use crate::service::App;
use crate::service::agents::{self, Discovery};

use super::super::access::Writer;
use super::super::body::{Changes, Json, Operation};
use super::super::if_match::Tags;
use super::super::path::{AgentPath, Parameters};
use super::super::problem::Problem;
use super::urls::{Bases, Urls};
use super::{Discovered, Tagged, View, url, warnings};

/// Change an agent
///
/// Only the fields that are given change: objects are merged deeply, lists replaced, and null brings a field's default
/// back. A change of the definition makes a new version and holds from the next call; of the slug, the labels or the budget
/// it makes none. With `If-Match` (an `ETag` of this agent) the change is made only over that state. What GET shows may be sent
/// back as it is. `is_active` archives an agent (false) or restores it (true). As `application/json-patch+json` the body is a
/// list of operations (RFC 6902) on what GET shows: `remove` of `/config/variables/tone` takes one variable away.
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
    let account = &session.account;
    let shows = |agent: &Agent, discovery| shown(account, agent, discovery, bases);
    let made = agents::patch(&app, &session, &agent, &patch, &shows, &if_match).await;
    let made = made.map_err(Problem::report(&app))?;
    let warnings = warnings(&made);
    Ok(Tagged::of(StatusCode::OK, account, made.agent).warned(warnings))
}

/// What GET shows of an agent; without what only a look at its models says, what that and the answers of writes show, where
/// null stands for what moves and so is taken whatever it is.
fn shown(
    account: &Account,
    agent: &Agent,
    discovery: Option<Discovery>,
    bases: &Bases,
) -> Map<String, Value> {
    let object = |view: serde_json::Result<Value>| match view {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    if let Some(discovery) = discovery {
        return object(serde_json::to_value(Discovered::of(account, agent.clone(), discovery, bases)));
    }
    let mut shown = object(serde_json::to_value(View::of(account, agent.clone())));
    let urls = Urls::new(url(account, agent), bases.clone());
    shown.insert("urls".to_owned(), serde_json::to_value(urls).unwrap_or_default());
    shown.extend(
        ["capabilities", "healthy", "problems", "warnings"].map(|name| (name.to_owned(), Value::Null)),
    );
    shown
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
