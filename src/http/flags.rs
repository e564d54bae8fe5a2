//! `/api/v1/flags`: the operator's.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::json;
use crate::domain::read_only;
use crate::ports::{AccountFlag, World};
use crate::service::App;
use crate::service::flags::{self, Shown};

use super::access::Operator;
use super::body::{self, Json};
use super::page::{FormatQuery, List, Listed, PageQuery};
use super::path::Parameters;
use super::problem::Problem;

/// A flag, and what is set of it for all accounts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Flag)]
pub struct View {
    #[schema(example = "batched_admissions")]
    flag: &'static str,
    /// What it switches.
    about: &'static str,
    /// Whether it is on for all accounts.
    default: bool,
    /// Where it is not: for how many percent of the accounts it is.
    percent: u8,
    /// Whether that is set; otherwise it is as this release declares it.
    is_set: bool,
}

impl From<Shown> for View {
    fn from(Shown { flag, setting, is_set }: Shown) -> Self {
        let (flag, about) = (flag.name(), flag.about());
        Self { flag, about, default: setting.default, percent: setting.percent, is_set }
    }
}

/// What to set of a flag for all accounts.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FlagSetting, example = json!({"default": false, "percent": 10}))]
pub struct Body {
    default: bool,
    /// Of a flag that is off: for how many percent of the accounts it is on; always the same accounts, and more of them when it
    /// grows. 0 when left out.
    #[schema(minimum = 0, maximum = 100)]
    percent: Option<u32>,
}

/// What is set of a flag for one account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccountFlag)]
pub struct AccountView {
    #[schema(format = "uuid")]
    account: String,
    slug: String,
    on: bool,
}

impl From<AccountFlag> for AccountView {
    fn from(account: AccountFlag) -> Self {
        Self { account: account.id.to_string(), slug: account.slug.to_string(), on: account.is_on }
    }
}

/// Whether a flag is on for an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AccountFlagSetting)]
pub struct AccountBody {
    on: bool,
}

/// List the flags
///
/// What can be switched while the platform runs, and what is set of it. `GET /api/v1/account` shows an account its own.
#[utoipa::path(
    get,
    path = "/api/v1/flags",
    operation_id = "list_flags",
    tag = "platform",
    params(FormatQuery),
    responses((status = 200, description = "All flags", body = List<View>))
)]
pub async fn list<W: World>(
    State(app): State<App<W>>,
    Operator(_): Operator,
    query: FormatQuery,
) -> Result<Listed<View>, Problem> {
    let all = flags::list(&app).await.map_err(Problem::report(&app))?;
    Ok(query.whole(all.into_iter().map(View::from).collect()))
}

/// Show a flag
#[utoipa::path(
    get,
    path = "/api/v1/flags/{flag}",
    operation_id = "get_flag",
    tag = "platform",
    description = "And what is set of it for all accounts.",
    params(("flag" = String, Path, description = "Its name")),
    responses((status = 200, description = "The flag", body = View))
)]
pub async fn get<W: World>(
    State(app): State<App<W>>,
    Operator(_): Operator,
    Parameters(flag): Parameters<String>,
) -> Result<Json<View>, Problem> {
    Ok(Json(flags::get(&app, &flag).await.map_err(Problem::report(&app))?.into()))
}

/// Set a flag for all accounts
///
/// But for those for which it is set apart. Isolates that have an account in memory follow with the sweep: 450 accounts each
/// five minutes, all others at once.
#[utoipa::path(
    put,
    path = "/api/v1/flags/{flag}",
    operation_id = "put_flag",
    tag = "platform",
    params(("flag" = String, Path, description = "Its name")),
    request_body = Body,
    responses((status = 200, description = "The flag", body = View))
)]
pub async fn put<W: World>(
    State(app): State<App<W>>,
    Operator(_): Operator,
    Parameters(flag): Parameters<String>,
    Json(body): Json<Map<String, Value>>,
) -> Result<Json<View>, Problem> {
    let shown = match read_only::is_needed(&body, json::fields_of::<Body>()) {
        true => Some(View::from(flags::get(&app, &flag).await.map_err(Problem::report(&app))?)),
        false => None,
    };
    let body: Body = body::parse_shown(body, &shown)?;
    let put = flags::put(&app, &flag, body.default, body.percent).await;
    Ok(Json(put.map_err(Problem::report(&app))?.into()))
}

/// Set a flag for all accounts no longer
///
/// It is then as this release declares it. Accounts follow as with PUT.
#[utoipa::path(
    delete,
    path = "/api/v1/flags/{flag}",
    operation_id = "delete_flag",
    tag = "platform",
    params(("flag" = String, Path, description = "Its name")),
    responses((status = 204, description = "Not set"))
)]
pub async fn delete<W: World>(
    State(app): State<App<W>>,
    Operator(_): Operator,
    Parameters(flag): Parameters<String>,
) -> Result<StatusCode, Problem> {
    flags::delete(&app, &flag).await.map_err(Problem::report(&app))?;
    Ok(StatusCode::NO_CONTENT)
}

/// List the accounts for which a flag is set
///
/// By id.
#[utoipa::path(
    get,
    path = "/api/v1/flags/{flag}/accounts",
    operation_id = "list_flag_accounts",
    tag = "platform",
    params(("flag" = String, Path, description = "Its name"), PageQuery),
    responses((status = 200, description = "A page of accounts", body = List<AccountView>))
)]
pub async fn accounts<W: World>(
    State(app): State<App<W>>,
    Operator(_): Operator,
    Parameters(flag): Parameters<String>,
    query: PageQuery,
) -> Result<Listed<AccountView>, Problem> {
    let page = flags::accounts(&app, &flag, &query.request()).await.map_err(Problem::report(&app))?;
    Ok(query.answer(page, AccountView::from))
}

/// Set a flag for one account
///
/// It wins over what is set for all, and holds from the account's next call.
#[utoipa::path(
    put,
    path = "/api/v1/flags/{flag}/accounts/{account}",
    operation_id = "put_account_flag",
    tag = "platform",
    params(
        ("flag" = String, Path, description = "Its name"),
        ("account" = String, Path, description = "Slug or id")
    ),
    request_body = AccountBody,
    responses((status = 204, description = "Set"))
)]
pub async fn put_own<W: World>(
    State(app): State<App<W>>,
    Operator(by): Operator,
    Parameters((flag, account)): Parameters<(String, String)>,
    Json(body): Json<AccountBody>,
) -> Result<StatusCode, Problem> {
    flags::set_own(&app, &by, &flag, &account, Some(body.on)).await.map_err(Problem::report(&app))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Set a flag for one account no longer
///
/// What is set for all holds from the account's next call.
#[utoipa::path(
    delete,
    path = "/api/v1/flags/{flag}/accounts/{account}",
    operation_id = "delete_account_flag",
    tag = "platform",
    params(
        ("flag" = String, Path, description = "Its name"),
        ("account" = String, Path, description = "Slug or id")
    ),
    responses((status = 204, description = "Not set"))
)]
pub async fn delete_own<W: World>(
    State(app): State<App<W>>,
    Operator(by): Operator,
    Parameters((flag, account)): Parameters<(String, String)>,
) -> Result<StatusCode, Problem> {
    flags::set_own(&app, &by, &flag, &account, None).await.map_err(Problem::report(&app))?;
    Ok(StatusCode::NO_CONTENT)
}
