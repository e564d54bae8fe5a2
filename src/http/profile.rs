//! `/api/v1/profile`: of the member that the key acts for.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::member::Profile;
use crate::ports::World;
use crate::service::App;
use crate::service::profile;

use super::access::{ActiveHolder, Holder};
use super::body::Json;
use super::if_match::OnState;
use super::problem::Problem;

/// What a member has set.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Profile)]
pub struct View {
    /// At most 64 characters.
    #[schema(required = false, example = "ada")]
    username: Option<String>,
    #[schema(required = false, example = "https://example.com/ada.png")]
    avatar_url: Option<String>,
    /// At most 2,000 characters.
    #[schema(required = false)]
    bio: Option<String>,
    /// The member's own, but for one name.
    #[schema(required = false)]
    settings: Settings,
}

/// `agent_prompts` has a meaning; other names are the member's to choose.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProfileSettings)]
pub struct Settings {
    /// Slugs of agents, each with the text (1 to 10,000 characters) that is appended to its instructions in the member's own
    /// calls. At most 100.
    #[schema(value_type = Object, required = false, example = json!({"triage": "Answer in French."}))]
    agent_prompts: Map<String, Value>,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// Show your profile
///
/// Of the member that the key acts for, whatever the key's role.
#[utoipa::path(
    get,
    path = "/api/v1/profile",
    operation_id = "get_profile",
    tag = "members",
    responses(
        (status = 200, description = "The profile", body = View,
            headers(("etag" = String, description = "This state of it"))),
        (status = 404, description = "The key acts for no member", body = super::problem::Document<'_>,
            content_type = "application/problem+json"),
    )
)]
pub async fn get<W: World>(State(app): State<App<W>>, Holder(session): Holder) -> Result<Response, Problem> {
    Ok(tagged(&profile::get(&app, &session).await.map_err(Problem::report(&app))?))
}

fn tagged(profile: &Profile) -> Response {
    ([(header::ETAG, format!("\"{}\"", profile::tag(profile)))], Json(profile.shown())).into_response()
}

/// Replace your profile
///
/// Of the member that the key acts for, whatever the key's role. It holds from the next call. At most 64 KiB.
#[utoipa::path(
    put,
    path = "/api/v1/profile",
    operation_id = "put_profile",
    tag = "members",
    params(
        ("if-match" = Option<String>, Header, description = "Entity tags, or `*`"),
        ("if-none-match" = Option<String>, Header, description = "`*`: only where there is none"),
    ),
    request_body = View,
    responses(
        (status = 200, description = "The profile", body = View,
            headers(("etag" = String, description = "This state of it"))),
        (status = 404, description = "The key acts for no member", body = super::problem::Document<'_>,
            content_type = "application/problem+json"),
    )
)]
pub async fn put<W: World>(
    State(app): State<App<W>>,
    ActiveHolder(session): ActiveHolder,
    OnState(precondition): OnState,
    Json(body): Json<Map<String, Value>>,
) -> Result<Response, Problem> {
    let profile = profile::put(&app, &session, body, &precondition).await.map_err(Problem::report(&app))?;
    Ok(tagged(&profile))
}
