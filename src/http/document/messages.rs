//! What webhooks are sent, as the document's own `webhooks` say it: one operation for each event.

use serde::Serialize;
use utoipa::openapi::path::{HttpMethod, Operation};
use utoipa::openapi::{OpenApi, Paths};
use utoipa::{PartialSchema, Path as _, ToSchema};

use crate::domain::thread::view::RunView;
use crate::domain::time::Millis;
use crate::domain::webhook::Event;

/// A message to a webhook.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookMessage)]
struct Message {
    r#type: Event,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    timestamp: Millis,
    data: Data,
}

/// The run as it was when the message was sent first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookRun)]
struct Data {
    #[serde(flatten)]
    run: RunView,
    /// Fields that were left out, because a body has at most 64 KiB.
    #[schema(required = false)]
    omitted: Vec<String>,
}

/// A run has ended, or waits
///
/// Sent to each webhook that hears of the event, with the headers and signatures of Standard Webhooks. The body is the same in every
/// attempt.
#[utoipa::path(
    post,
    path = "webhook",
    tag = "webhooks",
    params(
        ("webhook-id" = String, Header, description = "The message: the same in every attempt"),
        ("webhook-timestamp" = i64, Header, description = "Seconds since 1970, of the attempt"),
        ("webhook-signature" = String, Header, description = "`v1,` and the signature in base64; two while a secret is rotated"),
    ),
    request_body = Message,
    responses(
        (status = "2XX", description = "Taken"),
        (status = 410, description = "Nothing is to be sent here any more: the webhook is disabled"),
        (status = "default", description = "Sent again later, for a day"),
    )
)]
#[expect(dead_code, reason = "it describes what the service sends")]
const fn message() {}

/// Adds them to the document.
pub(super) fn add(mut document: OpenApi) -> OpenApi {
    let mut found = vec![(Message::name().into_owned(), Message::schema())];
    Message::schemas(&mut found);
    document.components.get_or_insert_default().schemas.extend(found);
    let mut webhooks = Paths::new();
    for event in Event::ALL {
        webhooks.add_path_operation(event.name(), vec![HttpMethod::Post], operation(event));
    }
    document.webhooks = Some(webhooks);
    document
}

fn operation(event: Event) -> Operation {
    let mut operation = __path_message::operation();
    operation.tags = Some(vec!["webhooks".to_owned()]);
    operation.operation_id = Some(format!("webhook_{}", event.name().replace('.', "_")));
    operation
}
