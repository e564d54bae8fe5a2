//! Notices: messages to webhooks, from the event that they are about until they are forgotten.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::ids::AccountId;
use crate::domain::thread::id::RunId;
use crate::domain::time::{self, Millis};
use crate::domain::webhook::Webhook;

/// What a notice that is sent on demand is about, instead of an event.
pub const TEST: &str = "webhook.test";

/// What becomes of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WebhookDeliveryStatus)]
pub enum State {
    /// It is to be sent, for the first time or again.
    Pending,
    /// The receiver has taken it.
    Sent,
    /// It is not sent any more, unless somebody says so.
    Dead,
}

impl State {
    pub const ALL: [Self; 3] = [Self::Pending, Self::Sent, Self::Dead];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Dead => "dead",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// A notice, as the account's admins see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WebhookDelivery)]
pub struct NoticeView {
    /// The `webhook-id` of every attempt.
    #[schema(example = "msg_0192f3c4e5d68a9bb0c1d2e3f4a5b6c7")]
    pub id: String,
    /// The `type` of the message.
    #[schema(example = "run.completed")]
    pub event: String,
    /// The run that it is about; null of a test.
    pub run: Option<String>,
    pub status: State,
    /// How often it was sent since it was made, or sent again by hand.
    pub attempts: u32,
    /// What the receiver answered last; null where it did not.
    pub last_status: Option<u16>,
    /// Why the last attempt was in vain.
    pub last_error: Option<String>,
    /// When it is sent next; null when it is not.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_at: Option<Millis>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Millis,
    /// When it was taken or given up.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Millis>,
}

/// Which notices of a webhook, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notices {
    pub webhook: String,
    pub status: Option<State>,
    /// Behind this one: when it was made, and its id; `None`: from the newest on.
    pub after: Option<Place>,
    pub limit: u32,
}

/// A place in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    #[serde(with = "time::as_integer")]
    pub at: Millis,
    pub id: String,
}

/// A notice to be sent that no run causes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    pub webhook: String,
    pub id: String,
    pub body: String,
}

/// What it takes to send a notice.
#[derive(Clone, Debug)]
pub struct Posting {
    pub account: AccountId,
    pub id: String,
    /// The webhook's name.
    pub name: String,
    pub webhook: Webhook,
    pub event: String,
    pub run: Option<RunId>,
    pub created_at: Millis,
    /// Once it is known; it is the same in every attempt.
    pub body: Option<String>,
}
