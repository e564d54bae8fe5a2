//! Lists of agents: discovery.

use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::domain::agent::Status;
use crate::ports::World;
use crate::service::App;
use crate::service::agents::{self, Narrow};
use crate::service::page::{Page, Request};

use super::super::access::Reader;
use super::super::page::{Format, List, Listed};
use super::super::problem::Problem;
use super::super::query::query;
use super::Discovered;
use super::urls::Bases;

/// Which agents, and which page of them. What is given must all be so.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Only those of this status; left out, all but archived ones.
    #[param(value_type = Option<Status>)]
    status: Option<String>,
    /// Only those of this type.
    #[serde(rename = "type")]
    #[param(example = "router")]
    kind: Option<String>,
    /// Only those with this label.
    label: Option<String>,
    /// Only those where each of these words begins a word of the name or the slug.
    q: Option<String>,
    /// How many, from 1 to 200; 50 when left out.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    #[param(inline)]
    format: Option<Format>,
}

query!(ListQuery);

/// List the agents
///
/// Newest first: agents that are created meanwhile do not move those on later pages. Each with what there is to know of it
/// before it is called. A page goes through at most 1,000 agents that do not fit; then it ends early, even empty, and
/// `next_cursor` goes on from there.
#[utoipa::path(
    get,
    path = "/api/v1/agents",
    operation_id = "list_agents",
    tag = "agents",
    params(ListQuery),
    responses((status = 200, description = "A page of agents", body = List<Discovered>))
)]
pub async fn list<W: World>(
    State(app): State<App<W>>,
    Reader(session): Reader,
    query: ListQuery,
    bases: &Bases,
) -> Result<Listed<Discovered>, Problem> {
    let narrow = Narrow { status: query.status, kind: query.kind, label: query.label, q: query.q };
    let format = query.format.unwrap_or_default();
    let page = Request { limit: query.limit, cursor: query.cursor };
    let page = agents::list(&app, &session, &narrow, &page).await.map_err(Problem::report(&app))?;
    let discoveries = agents::discover(&app, &session, &page.rows).await.map_err(Problem::report(&app))?;
    let rows = page.rows.into_iter().zip(discoveries).collect();
    let page = Page { rows, next_cursor: page.next_cursor };
    let shown = |(agent, discovery)| Discovered::of(&session.account, agent, discovery, bases);
    Ok(Listed(List::of(page, shown), format))
}
