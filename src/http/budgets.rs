//! `/api/v1/agents/{agent}/budget`.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::budget::{Action, Period, Terms};
use crate::domain::json;
use crate::domain::money::Nanos;
use crate::domain::read_only;
use crate::domain::time::Millis;
use crate::ports::World;
use crate::service::App;
use crate::service::budgets::{self, Standing};
use crate::service::failure::Failure;

use super::access::{Reader, Writer};
use super::body::{self, Json};
use super::if_match::OnState;
use super::path::Parameters;
use super::problem::Problem;

/// A budget, and what was spent of it in the running period.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BudgetStanding)]
pub struct View {
    #[schema(value_type = String, example = "5.000000")]
    limit_usd: Nanos,
    period: Period,
    action: Action,
    /// What finished calls cost.
    #[schema(value_type = String, example = "1.234560")]
    settled_usd: Nanos,
    /// What is set aside for calls under way.
    #[schema(value_type = String, example = "0.000300")]
    held_usd: Nanos,
    /// What neither has taken.
    #[schema(value_type = String, example = "3.765140")]
    remaining_usd: Nanos,
    /// When the period ends; null for `total`.
    #[schema(value_type = Option<String>, format = DateTime)]
    resets_at: Option<Millis>,
    /// When finished calls passed the limit in this period; only `notify` lets them.
    #[schema(value_type = Option<String>, format = DateTime)]
    crossed_at: Option<Millis>,
}

impl From<Standing> for View {
    fn from(Standing { budget, spend, .. }: Standing) -> Self {
        Self {
            limit_usd: budget.limit,
            period: budget.period,
            action: budget.action,
            settled_usd: spend.settled,
            held_usd: spend.held,
            remaining_usd: spend.remaining,
            resets_at: spend.resets_at,
            crossed_at: spend.crossed_at,
        }
    }
}

/// Show an agent's budget
///
/// With what was spent of it; `not_found` when the agent has none.
#[utoipa::path(
    get,
    path = "/api/v1/agents/{agent}/budget",
    operation_id = "get_budget",
    tag = "budgets",
    params(("agent" = String, Path, description = "Slug or id")),
    responses((status = 200, description = "The budget", body = View,
        headers(("etag" = String, description = "This state of the agent"))))
)]
pub async fn get<W: World>(
    State(app): State<App<W>>,
    Reader(session): Reader,
    Parameters(agent): Parameters<String>,
) -> Result<Response, Problem> {
    let standing = budgets::get(&app, &session, &agent).await.map_err(Problem::report(&app))?;
    Ok(tagged(standing))
}

fn tagged(standing: Standing) -> Response {
    let tag = format!("\"{}\"", standing.tag);
    ([(header::ETAG, tag)], Json(View::from(standing))).into_response()
}

/// Set an agent's budget
///
/// It holds from the next call, and makes no new version of the agent. What was spent in the running period counts
/// against it. To remove a budget, PUT the agent with `"budget": null`.
#[utoipa::path(
    put,
    path = "/api/v1/agents/{agent}/budget",
    operation_id = "put_budget",
    tag = "budgets",
    params(
        ("agent" = String, Path, description = "Slug or id"),
        ("if-match" = Option<String>, Header, description = "Entity tags of the agent, or `*`: only over a budget that there is"),
        ("if-none-match" = Option<String>, Header, description = "`*`: only where there is no budget"),
    ),
    request_body = Terms,
    responses((status = 200, description = "The budget", body = View,
        headers(("etag" = String, description = "This state of the agent"))))
)]
pub async fn put<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    Parameters(agent): Parameters<String>,
    OnState(precondition): OnState,
    Json(body): Json<Map<String, Value>>,
) -> Result<Response, Problem> {
    let shown = match read_only::is_needed(&body, json::fields_of::<Terms>()) {
        true => match budgets::get(&app, &session, &agent).await {
            Err(Failure::NoBudget) => None,
            found => Some(View::from(found.map_err(Problem::report(&app))?)),
        },
        false => None,
    };
    let terms: Terms = body::parse_shown(body, &shown)?;
    let standing = budgets::put(&app, &session, &agent, terms.into(), &precondition).await;
    Ok(tagged(standing.map_err(Problem::report(&app))?))
}
