//! `/api/v1/webhooks/{name}/…`: messages to a webhook, and its secret.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::domain::declared::webhooks::View;
use crate::domain::dispatch::notice::NoticeView;
use crate::domain::secret::Secret;
use crate::ports::World;
use crate::service::App;
use crate::service::webhook::manage;

use super::access::{Reader, Writer};
use super::body::{Json, OptionalJson};
use super::declared::tagged;
use super::page::{List, Listed, PageQuery};
use super::path::Parameters;
use super::problem::{self, Problem};
use super::query::query;

/// Which messages are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StatusQuery {
    /// `pending`, `sent` or `dead`; all when left out.
    status: Option<String>,
}

query!(StatusQuery);

/// List the messages to a webhook
///
/// Newest first. Sent ones are kept for 7 days, dead ones for 30.
#[utoipa::path(
    get,
    path = "/api/v1/webhooks/{name}/deliveries",
    operation_id = "list_webhook_deliveries",
    tag = "webhooks",
    params(("name" = String, Path, description = "The webhook's"), StatusQuery, PageQuery),
    responses((status = 200, description = "A page of messages", body = List<NoticeView>))
)]
pub async fn list<W: World>(
    State(app): State<App<W>>,
    Reader(session): Reader,
    Parameters(name): Parameters<String>,
    StatusQuery { status }: StatusQuery,
    query: PageQuery,
) -> Result<Listed<NoticeView>, Problem> {
    let page = manage::list(&app, &session, &name, status.as_deref(), &query.request()).await;
    Ok(query.answer(page.map_err(Problem::report(&app))?, |row| row))
}

/// Send a message again
///
/// With the same id and the same body, from the first attempt on: also a dead one, or one that was sent.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/{name}/deliveries/{delivery}/resend",
    operation_id = "resend_webhook_delivery",
    tag = "webhooks",
    params(
        ("name" = String, Path, description = "The webhook's"),
        ("delivery" = String, Path, description = "The message's id"),
    ),
    responses(
        (status = 202, description = "The message, which is sent now", body = NoticeView),
        (status = 409, description = "The webhook is not enabled", body = problem::Document<'static>, content_type = "application/problem+json"),
    )
)]
pub async fn resend<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    Parameters((name, delivery)): Parameters<(String, String)>,
) -> Result<(StatusCode, Json<NoticeView>), Problem> {
    let sent = manage::resend(&app, &session, &name, &delivery).await;
    Ok((StatusCode::ACCEPTED, Json(sent.map_err(Problem::report(&app))?)))
}

/// Try a webhook
///
/// Sends a message of type `webhook.test`, whatever events the webhook hears of. What became of it stands in the list.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/{name}/test",
    operation_id = "test_webhook",
    tag = "webhooks",
    params(("name" = String, Path, description = "The webhook's")),
    responses(
        (status = 202, description = "The message, which is sent now", body = NoticeView),
        (status = 409, description = "The webhook is not enabled", body = problem::Document<'static>, content_type = "application/problem+json"),
    )
)]
pub async fn test<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    Parameters(name): Parameters<String>,
) -> Result<(StatusCode, Json<NoticeView>), Problem> {
    let sent = manage::try_out(&app, &session, &name).await;
    Ok((StatusCode::ACCEPTED, Json(sent.map_err(Problem::report(&app))?)))
}

/// How a secret is replaced.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookRotation)]
pub struct Rotation {
    /// How long the secret before signs besides the new one, in seconds; a day when left out.
    #[schema(minimum = 0, maximum = 2_592_000, example = 86_400)]
    keep_s: Option<u32>,
    /// The new one: `whsec_` and 24 to 64 random bytes in base64; made when left out, and shown in this answer alone.
    #[schema(value_type = Option<String>, write_only)]
    secret: Option<Secret>,
}

/// Rotate a webhook's secret
///
/// Messages are signed with both for a while, so that receivers can change over. At most two sign at once.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/{name}/rotate",
    operation_id = "rotate_webhook",
    tag = "webhooks",
    params(("name" = String, Path, description = "The webhook's")),
    request_body = Option<Rotation>,
    responses((status = 200, description = "The webhook", body = View,
        headers(("etag" = String, description = "This state of it"))))
)]
pub async fn rotate<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    Parameters(name): Parameters<String>,
    OptionalJson(Rotation { keep_s, secret }): OptionalJson<Rotation>,
) -> Result<Response, Problem> {
    let rotated = manage::rotate(&app, &session, &name, secret.as_ref(), keep_s).await;
    Ok(tagged(rotated.map_err(Problem::report(&app))?))
}
