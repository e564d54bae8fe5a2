//! Tokens: short-lived keys of one thread.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Head, json, read_optional, serve};
use crate::domain::thread::id::ThreadKey;
use crate::domain::time::Millis;
use crate::face::Operations;
use crate::http::problem::Problem;
use crate::ports::World;
use crate::service::App;
use crate::service::threads::Issued;
use crate::wire::client::threads::TokenBody;

pub fn operations<W: World>(v: &mut impl Operations<W>) {
    v.operation(__path_issue, issue::<W>);
    v.operation(__path_end, end::<W>);
}

/// A thread's token.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ThreadToken)]
pub struct View {
    /// The token itself. It is shown this once and kept nowhere.
    pub token: String,
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Millis,
    #[schema(value_type = String, format = "uuid")]
    thread_id: ThreadKey,
    /// Whoever it is for, in the issuer's word; the runs that it starts say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
}

impl From<Issued> for View {
    fn from(issued: Issued) -> Self {
        let Issued { secret, token } = issued;
        Self {
            token: secret.expose().to_owned(),
            expires_at: token.expires_at,
            thread_id: token.thread,
            user: token.user,
        }
    }
}

/// Issue a token of a thread
///
/// A short-lived key for browsers: it opens this thread, and nothing else. It ends at its time, with the key that issued it,
/// and when the thread's tokens are ended.
#[utoipa::path(
    post, operation_id = "issue_thread_token", path = "/threads/{thread}/tokens", tag = "threads", request_body = TokenBody,
    params(("thread" = String, Path, description = "Your name for it, or its id")),
    responses((status = 201, description = "The token, shown this once", body = View))
)]
async fn issue<W: World>(State(app): State<App<W>>, head: Head, request: Request) -> Response {
    serve(&app, head, &[], async |visitor, at, _| {
        let thread = at.thread()?;
        let body: TokenBody = read_optional(request).await?;
        let (expires_in_s, user) = body.read().map_err(Problem::invalid)?;
        let issued = visitor.issue(&app, &thread, expires_in_s, user).await.map_err(Problem::report(&app))?;
        Ok(json(StatusCode::CREATED, &View::from(issued)))
    })
    .await
}

/// End a thread's tokens
///
/// All that were issued until now. Runs that they have started go on.
#[utoipa::path(
    delete, operation_id = "end_thread_tokens", path = "/threads/{thread}/tokens", tag = "threads",
    params(("thread" = String, Path, description = "Your name for it, or its id")),
    responses((status = 204, description = "None of them opens anything"))
)]
async fn end<W: World>(State(app): State<App<W>>, head: Head) -> Response {
    serve(&app, head, &[], async |visitor, at, _| {
        visitor.end_tokens(&app, &at.thread()?).await.map_err(Problem::report(&app))?;
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}
