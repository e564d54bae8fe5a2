//! `/api/v1/objects`: the operator's, for backups.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::backup::command::{Cursor, Page, Part};
use crate::domain::backup::name::{ObjectKind, ObjectName};
use crate::domain::backup::rows::Rows;
use crate::domain::ids::AccountId;
use crate::ports::World;
use crate::service::App;
use crate::service::backup::{self, Refusal};
use crate::service::page::Request;

use super::access::Operator;
use super::body::{Json, OptionalJson};
use super::page::{List, Listed};
use super::path::Parameters;
use super::problem::{Kind, Problem};
use super::query::query;

/// An object of an account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Object)]
pub struct View {
    #[schema(example = "019a5b1e-7c11-7cc2-8d3e-2f1c9d3b7a10:account")]
    id: String,
    kind: ObjectKind,
    #[schema(value_type = String, format = "uuid")]
    account_id: AccountId,
}

impl From<ObjectName> for View {
    fn from(name: ObjectName) -> Self {
        Self { id: name.to_string(), kind: name.kind(), account_id: name.account() }
    }
}

/// Which objects.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ObjectsQuery {
    /// Slug or id: those of this account alone.
    account: Option<String>,
    /// How many, from 1 to 200; 50 when left out.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

query!(ObjectsQuery);

/// List the objects of all accounts
///
/// In the order in which they are dumped: of each account the index of its threads, the threads that it knows, the account's
/// ledger. Threads that were made for one call are not among them.
#[utoipa::path(
    get,
    path = "/api/v1/objects",
    operation_id = "list_objects",
    tag = "platform",
    params(ObjectsQuery),
    responses((status = 200, description = "A page of objects", body = List<View>))
)]
pub async fn list<W: World>(
    State(app): State<App<W>>,
    Operator(_): Operator,
    query: ObjectsQuery,
) -> Result<Listed<View>, Problem> {
    let ObjectsQuery { account, limit, cursor } = query;
    let page = backup::list(&app, account.as_deref(), &Request { limit, cursor }).await;
    let page = page.map_err(Problem::report(&app))?;
    Ok(Listed(List::of(page, View::from), super::page::Format::default()))
}

/// Which page of a dump.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = ObjectDump)]
pub struct DumpBody {
    /// `next` of the page before; left out: the first page.
    #[serde(default)]
    cursor: Option<Cursor>,
}

/// Dump an object
///
/// A page of all that it holds, about a megabyte. Rows that change while a dump goes on come again behind the last table, and
/// those that go are named in `gone`, so that the pages in their order are the state at the last one. An object of which
/// nothing was ever written has 0 `steps`. A dump waits five minutes for its next page; 409 where it is over, and is begun again.
#[utoipa::path(
    post,
    path = "/api/v1/objects/{object}/dump",
    operation_id = "dump_object",
    tag = "platform",
    params(("object" = String, Path, description = "Its id")),
    request_body = DumpBody,
    responses((status = 200, description = "A page", body = Page))
)]
pub async fn dump<W: World>(
    State(app): State<App<W>>,
    Operator(_): Operator,
    Parameters(object): Parameters<String>,
    OptionalJson(body): OptionalJson<DumpBody>,
) -> Result<Json<Page>, Problem> {
    let page = backup::dump(&app, &object, body.cursor).await.map_err(Problem::report(&app))?;
    Ok(Json(*page))
}

/// A page of a dump, to be taken in.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ObjectRestore)]
pub struct RestoreBody {
    /// As the dump says it.
    steps: u32,
    /// From 0 on, in the order of the dump.
    page: u32,
    /// As the dump says them.
    rows: Vec<Rows>,
    /// Whether it is the dump's last page.
    #[serde(default)]
    is_last: bool,
    /// What was still to be sent to others outside is not sent.
    #[serde(default)]
    is_copy: bool,
}

/// How far a restore is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ObjectRestored)]
pub struct RestoredView {
    /// The last page is in, and the object goes on from here.
    is_whole: bool,
}

/// Restore an object
///
/// Takes the pages of a dump into an object that is empty, while the deployment is in maintenance (`MAINTENANCE=1`). The same
/// page once more changes nothing; page 0 begins again a restore that broke off. 409 where the object has something, or was
/// restored before.
#[utoipa::path(
    post,
    path = "/api/v1/objects/{object}/restore",
    operation_id = "restore_object",
    tag = "platform",
    params(("object" = String, Path, description = "Its id")),
    request_body = RestoreBody,
    responses((status = 200, description = "The page is taken in", body = RestoredView))
)]
pub async fn restore<W: World>(
    State(app): State<App<W>>,
    Operator(_): Operator,
    Parameters(object): Parameters<String>,
    Json(body): Json<RestoreBody>,
) -> Result<Json<RestoredView>, Problem> {
    let RestoreBody { steps, page, rows, is_last, is_copy } = body;
    let part = Part { steps, page, rows, is_last, is_copy };
    let is_whole = backup::restore(&app, &object, part).await.map_err(Problem::report(&app))?;
    Ok(Json(RestoredView { is_whole }))
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let conflict = |words: String| Self::new(Kind::Conflict, words);
        match refusal {
            Refusal::Nameless => Self::new(Kind::NotFound, "There is no object with this id."),
            Refusal::Lost => conflict(
                "The dump is over: another began, or it waited too long. Begin it again without a cursor."
                    .to_owned(),
            ),
            Refusal::NotInMaintenance => conflict(
                "Objects are restored while the deployment is in maintenance. Deploy it with MAINTENANCE=1."
                    .to_owned(),
            ),
            Refusal::NotEmpty => conflict("The object has something, and was left as it is.".to_owned()),
            Refusal::TooNew { known } => conflict(format!(
                "The dump is of a newer release, or of none: this one knows {known} steps of the object's schema."
            )),
            Refusal::OutOfTurn { next } => conflict(format!("Page {next} of the dump comes next.")),
            Refusal::Unfit(words) => Self::in_field("rows", words),
            Refusal::Unavailable(error) => Self::unavailable(error.to_string()),
        }
    }
}
