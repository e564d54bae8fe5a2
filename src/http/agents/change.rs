//! Changing an agent: what a body says is laid over it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::agent::{Agent, Fields};
use crate::domain::patch::Patch;
use crate::ports::World;
use crate::service::App;
use crate::service::agents::{self, Given, Handoffs, IfMatch};
use crate::service::authenticate::Session;
use crate::service::failure::Failure;

use super::super::access::Writer;
use super::super::body::{Changes, Json};
use super::super::if_match::Tags;
use super::super::path::{AgentPath, Parameters};
use super::super::problem::Problem;
use super::urls::Bases;
use super::{Tagged, View, discovered};

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
