//! How webhooks are written and shown.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{About, Audience, Facts, Limit};
use crate::domain::given::given;
use crate::domain::secret::Secret;
use crate::domain::time::Millis;
use crate::domain::webhook::{Event, Runs, Webhook};

pub static FACTS: Facts = Facts {
    tag: "webhooks",
    about: About {
        list: "By name.",
        put: "The answer to the first PUT has the secret that messages are signed with; it is shown this once. Messages follow \
              Standard Webhooks, so that its libraries verify them.",
        patch: "`\"enabled\": true` also revives one that was disabled because its receiver answered 410.",
        delete: "With the messages to it. Refused with the list while agents name it, unless `force` is given; agents go on \
                 without it.",
        ..About::NONE
    },
    reaches_calls: true,
    is_named_in_lines: true,
    limit: Limit::Fixed(MOST),
    audience: Audience::Dispatch,
    secrets: &["secret"],
    ..Facts::new("webhook", "a webhook", "webhooks")
};

/// The most webhooks of an account, on every plan: each is asked of every run.
const MOST: u32 = 20;
/// The most characters of a description.
pub const MAX_DESCRIPTION: usize = 500;

/// Who is to hear of runs.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewWebhook)]
pub struct Body {
    /// Where messages are sent, by POST.
    #[schema(example = "https://hooks.example.com/retinue")]
    pub url: String,
    /// Of what; of everything when left out.
    #[schema(example = json!(["run.completed", "run.failed"]))]
    pub events: Option<Vec<Event>>,
    /// `all` runs of the account (when left out), or only those whose agent or whose request names the webhook.
    pub runs: Option<Runs>,
    /// Whether messages are sent; true when left out.
    pub enabled: Option<bool>,
    pub description: Option<String>,
    /// What messages are signed with: `whsec_` and 24 to 64 random bytes in base64. Left out: the stored one stays, or one is
    /// made. It takes the place of the stored ones at once; to have both for a while, rotate it.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, write_only)]
    pub secret: Option<Option<Secret>>,
}

/// Who hears of runs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Webhook)]
pub struct View {
    name: String,
    url: String,
    events: Vec<Event>,
    runs: Runs,
    enabled: bool,
    description: Option<String>,
    /// Only in the answer to the request that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    secret: Option<String>,
    /// What messages are signed with, the newest first.
    secrets: Vec<KeptView>,
    /// Since when it is disabled because its receiver is gone; null otherwise.
    #[schema(value_type = Option<String>, format = DateTime)]
    disabled_at: Option<Millis>,
    disabled_reason: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Millis,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Millis,
}

/// A secret, of which no more than its end is shown.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookSecret)]
pub struct KeptView {
    last4: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Millis,
    /// Until when it signs besides a newer one; null of the newest.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Millis>,
}

impl View {
    pub fn of(name: &str, webhook: &Webhook, created_at: Millis, updated_at: Millis) -> Self {
        let secrets = webhook.secrets.iter().map(|kept| KeptView {
            last4: kept.last4.clone(),
            created_at: kept.created_at,
            expires_at: kept.expires_at,
        });
        Self {
            name: name.to_owned(),
            url: webhook.url.clone(),
            events: webhook.events.clone(),
            runs: webhook.runs,
            enabled: webhook.enabled,
            description: webhook.description.clone(),
            secret: None,
            secrets: secrets.collect(),
            disabled_at: webhook.disabled.as_ref().map(|disabled| disabled.at),
            disabled_reason: webhook.disabled.as_ref().map(|disabled| disabled.reason.clone()),
            created_at,
            updated_at,
        }
    }
}
