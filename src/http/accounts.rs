//! `/api/v1/accounts`.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::account::{Account, Plan, Status};
use crate::domain::time::Millis;
use crate::ports::World;
use crate::service::App;
use crate::service::create_account::{NewAccount, create_account};

use super::access::Operator;
use super::body::Json;
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
    #[serde(default)]
    plan: Plan,
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
    Json(body): Json<Body>,
) -> Result<(StatusCode, Json<View>), Problem> {
    let new = NewAccount { slug: body.slug, name: body.name, plan: body.plan };
    let account = create_account(&app, &principal, new).await.map_err(Problem::report(&app))?;
    Ok((StatusCode::CREATED, Json(account.into())))
}
