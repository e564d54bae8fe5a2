//! `/api/v1/accounts`.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::account::{Account, Plan, Status};
use crate::domain::account_words::in_our_words;
use crate::domain::time::Millis;
use crate::ports::World;
use crate::service::App;
use crate::service::create_account::{NewAccount, create_account};

use super::access::Operator;
use super::body::{self, Json};
use super::problem::Problem;

/// An account to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAccount)]
pub struct Body {
    /// The name in URLs: 1 to 63 characters of a-z, 0-9 and '-'.
    #[schema(example = "acme")]
    slug: String,
    #[schema(example = "Acme Inc.")]
    name: String,
    /// `standard` when left out.
    plan: Option<Plan>,
}

/// A tenant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub struct View {
    #[schema(format = "uuid")]
    id: String,
    slug: String,
    name: String,
    plan: Plan,
    /// As `plan`.
    pricing_tier: Plan,
    status: Status,
    #[schema(value_type = String, format = DateTime)]
    created_at: Millis,
}

impl From<Account> for View {
    fn from(account: Account) -> Self {
        Self {
            id: account.id.to_string(),
            slug: account.slug.to_string(),
            name: account.name,
            plan: account.plan,
            pricing_tier: account.plan,
            status: account.status,
            created_at: account.created_at,
        }
    }
}

/// Create an account
///
/// Only the operator may. Issue the account's first key next: `POST /api/v1/accounts/{account}/keys`.
#[utoipa::path(
    post,
    path = "/api/v1/accounts",
    operation_id = "create_account",
    tag = "accounts",
    request_body = Body,
    responses((status = 201, description = "The account", body = View))
)]
pub async fn create<W: World>(
    State(app): State<App<W>>,
    Operator(principal): Operator,
    Json(mut body): Json<Map<String, Value>>,
) -> Result<(StatusCode, Json<View>), Problem> {
    let renamed = in_our_words(&mut body, &Map::new());
    let (body, faults): (Body, _) = body::parse_partly(body, renamed)?;
    let new = NewAccount { slug: body.slug, name: body.name, plan: body.plan.unwrap_or_default() };
    let account = create_account(&app, &principal, new, faults).await.map_err(Problem::report(&app))?;
    Ok((StatusCode::CREATED, Json(account.into())))
}
