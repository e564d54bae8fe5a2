//! `/api/v1/members`.

use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::member::{Member, Role};
use crate::domain::time::Millis;
use crate::ports::World;
use crate::service::App;
use crate::service::members::{self, NewMember, Patch};

use super::access::{Admin, Writer};
use super::body::Json;
use super::page::{List, PageQuery};
use super::path::Parameters;
use super::problem::Problem;

/// A member to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewMember)]
pub struct Body {
    #[schema(example = "Grace Hopper")]
    name: String,
    /// Kept in lower case; no other member may have it.
    #[schema(example = "alan@example.com")]
    email: String,
    role: Role,
}

/// What to change of a member; what is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MemberPatch)]
pub struct PatchBody {
    #[schema(example = "Grace Hopper")]
    name: Option<String>,
    email: Option<String>,
    /// A lower one lowers the member's keys with it.
    role: Option<Role>,
    /// The whole of it, as `PUT /api/v1/profile` takes it.
    #[schema(value_type = Option<Object>)]
    profile: Option<Map<String, Value>>,
}

/// A person of an account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Member)]
pub struct View {
    #[schema(format = "uuid")]
    id: String,
    name: String,
    email: String,
    role: Role,
    /// What the member has set: `settings.agent_prompts` has text for agents' instructions, by slug.
    #[schema(value_type = Object)]
    profile: Map<String, Value>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Millis,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Millis,
    /// Since when neither the member nor its keys open anything, because the account's plan has no room for it.
    #[schema(value_type = Option<String>, format = DateTime)]
    inactive_at: Option<Millis>,
}

impl From<Member> for View {
    fn from(member: Member) -> Self {
        Self {
            id: member.id.to_string(),
            name: member.name,
            email: member.email.as_str().to_owned(),
            role: member.role,
            profile: member.profile.as_map().clone(),
            created_at: member.created_at,
            updated_at: member.updated_at,
            inactive_at: member.inactive_at,
        }
    }
}

/// List the members
///
/// Newest first.
#[utoipa::path(
    get,
    path = "/api/v1/members",
    operation_id = "list_members",
    tag = "members",
    params(PageQuery),
    responses((status = 200, description = "A page of members", body = List<View>))
)]
pub async fn list<W: World>(
    State(app): State<App<W>>,
    Admin(session): Admin,
    query: PageQuery,
) -> Result<Json<List<View>>, Problem> {
    let page = members::list(&app, &session, &query.into()).await.map_err(Problem::report(&app))?;
    Ok(Json(List::of(page, View::from)))
}

/// Add a member
///
/// With an empty profile and no key. Issue one with `POST /api/v1/accounts/{account}/keys` and the member's id.
#[utoipa::path(
    post,
    path = "/api/v1/members",
    operation_id = "create_member",
    tag = "members",
    request_body = Body,
    responses((status = 201, description = "The member", body = View, headers(
        ("location" = String, description = "Where it is"),
    )))
)]
pub async fn create<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    Json(body): Json<Body>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<View>), Problem> {
    let new = NewMember { name: body.name, email: body.email, role: body.role };
    let member = members::create(&app, &session, new).await.map_err(Problem::report(&app))?;
    let location = format!("/api/v1/members/{}", member.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(member.into())))
}

/// Show a member
#[utoipa::path(
    get,
    path = "/api/v1/members/{member}",
    operation_id = "get_member",
    tag = "members",
    description = "With its role and its profile.",
    params(("member" = String, Path, description = "The member's id")),
    responses((status = 200, description = "The member", body = View))
)]
pub async fn get<W: World>(
    State(app): State<App<W>>,
    Admin(session): Admin,
    Parameters(member): Parameters<String>,
) -> Result<Json<View>, Problem> {
    let member = members::get(&app, &session, &member).await.map_err(Problem::report(&app))?;
    Ok(Json(member.into()))
}

/// Change a member
///
/// It holds from the next call. A lower role lowers the member's keys of role `admin` to `member`; a higher one raises none.
#[utoipa::path(
    patch,
    path = "/api/v1/members/{member}",
    operation_id = "patch_member",
    tag = "members",
    params(("member" = String, Path, description = "The member's id")),
    request_body = PatchBody,
    responses((status = 200, description = "The member", body = View))
)]
pub async fn patch<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    Parameters(member): Parameters<String>,
    Json(body): Json<PatchBody>,
) -> Result<Json<View>, Problem> {
    let patch = Patch { name: body.name, email: body.email, role: body.role, profile: body.profile };
    let member = members::patch(&app, &session, &member, patch).await.map_err(Problem::report(&app))?;
    Ok(Json(member.into()))
}

/// Remove a member
///
/// The member's keys are revoked with it and fail from the next call.
#[utoipa::path(
    delete,
    path = "/api/v1/members/{member}",
    operation_id = "delete_member",
    tag = "members",
    params(("member" = String, Path, description = "The member's id")),
    responses((status = 204, description = "Removed"))
)]
pub async fn delete<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    Parameters(member): Parameters<String>,
) -> Result<StatusCode, Problem> {
    members::delete(&app, &session, &member).await.map_err(Problem::report(&app))?;
    Ok(StatusCode::NO_CONTENT)
}
