//! `/api/v1/changes`.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::domain::change::{Action, Change, Subject};
use crate::domain::time::Millis;
use crate::ports::World;
use crate::service::App;
use crate::service::changes::{self, Filter};

use super::access::Reader;
use super::page::{List, Listed, PageQuery};
use super::problem::Problem;
use super::query::query;

/// Which changes. The words are read by the service, so that all faults are told at once.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ChangesQuery {
    /// Only of things of this kind.
    #[param(value_type = Option<Subject>)]
    subject: Option<String>,
    /// Only of this one: its id, or the name of an alias or a provider, or `provider/code` of a model.
    id: Option<String>,
}

query!(ChangesQuery);

/// One write of the account's configuration.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Change)]
pub struct View {
    #[schema(format = "uuid")]
    id: String,
    #[schema(value_type = String, format = DateTime)]
    at: Millis,
    /// The id of the key that wrote, or `operator`.
    by: String,
    action: Action,
    subject: Subject,
    /// Its id; the name of an alias or a provider, `provider/code` of a model.
    subject_id: String,
    /// How it was; of an update only the fields that differ. Null: it was not there.
    #[schema(value_type = Option<Object>)]
    before: Option<Value>,
    /// How it is since; of an update only the fields that differ. Null: it is gone.
    #[schema(value_type = Option<Object>)]
    after: Option<Value>,
}

impl From<Change> for View {
    fn from(change: Change) -> Self {
        Self {
            id: change.id.to_string(),
            at: change.at,
            by: change.by.to_string(),
            action: change.action,
            subject: change.subject,
            subject_id: change.subject_id,
            before: change.before,
            after: change.after,
        }
    }
}

/// List the changes
///
/// Every write of the account's configuration, newest first: who, when, what, before and after. Secrets are never in it, nor
/// what members write in their profiles. Lines of members and keys are for who may read those (`members:read`, `keys:read`,
/// which only admins have); anyone else sees its own.
/// A page of large changes may have fewer than `limit`; `next_cursor` says whether there are more.
#[utoipa::path(
    get,
    path = "/api/v1/changes",
    operation_id = "list_changes",
    tag = "accounts",
    params(ChangesQuery, PageQuery),
    responses((status = 200, description = "A page of changes", body = List<View>))
)]
pub async fn list<W: World>(
    State(app): State<App<W>>,
    Reader(session): Reader,
    of: ChangesQuery,
    query: PageQuery,
) -> Result<Listed<View>, Problem> {
    let filter = Filter { subject: of.subject, id: of.id };
    let page =
        changes::list(&app, &session, filter, &query.request()).await.map_err(Problem::report(&app))?;
    Ok(query.answer(page, View::from))
}
