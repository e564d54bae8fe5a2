//! Webhooks: who hears that a run has ended or waits, and what they are sent.
//!
//! | file | what it is |
//! |---|---|
//! | [`secret`] | what messages are signed with |
//! | [`schedule`] | when a message is sent again |
//!
//! Messages follow Standard Webhooks (github.com/standard-webhooks, read 2026-11).

pub mod schedule;
pub mod secret;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::run::state::Status;
use crate::domain::thread::id::RunId;
use crate::domain::thread::once::Hash;
use crate::domain::time::{self, Millis};
use crate::domain::vault::Sealed;

/// How many secrets a webhook has at most: the newest, and the one before it for a while.
pub const MAX_SECRETS: usize = 2;
/// The most webhooks that an agent or a request may name.
pub const MAX_NAMED: usize = 10;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[schema(as = WebhookEvent)]
pub enum Event {
    #[serde(rename = "run.completed")]
    Completed,
    #[serde(rename = "run.incomplete")]
    Incomplete,
    #[serde(rename = "run.failed")]
    Failed,
    #[serde(rename = "run.cancelled")]
    Cancelled,
    /// It waits for somebody or for money.
    #[serde(rename = "run.waiting")]
    Waiting,
}

impl Event {
    pub const ALL: [Self; 5] =
        [Self::Completed, Self::Incomplete, Self::Failed, Self::Cancelled, Self::Waiting];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Completed => "run.completed",
            Self::Incomplete => "run.incomplete",
            Self::Failed => "run.failed",
            Self::Cancelled => "run.cancelled",
            Self::Waiting => "run.waiting",
        }
    }

    /// The end that a status is, as the index has it; `None` where the run goes on.
    pub fn of_end(status: &str) -> Option<Self> {
        [
            (Status::Completed, Self::Completed),
            (Status::Incomplete, Self::Incomplete),
            (Status::Failed, Self::Failed),
            (Status::Cancelled, Self::Cancelled),
        ]
        .into_iter()
        .find_map(|(end, event)| (end.name() == status).then_some(event))
    }
}

/// Of which runs a webhook hears.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WebhookRuns)]
pub enum Runs {
    /// All of the account's.
    #[default]
    All,
    /// Those whose agent or whose request names it.
    Named,
}

/// A webhook as it is stored, and as the account's dispatch object has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Webhook {
    pub url: String,
    pub events: Vec<Event>,
    #[serde(default)]
    pub runs: Runs,
    pub enabled: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The newest first, at most [`MAX_SECRETS`].
    pub secrets: Vec<Kept>,
    /// Why it is not enabled, where that was not an admin's will.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<Disabled>,
}

impl Webhook {
    /// Whether it hears of this event of a run that names these webhooks.
    pub fn hears(&self, name: &str, event: Event, named: &[String]) -> bool {
        let is_its = self.runs == Runs::All || named.iter().any(|named| named == name);
        self.enabled && is_its && self.events.contains(&event)
    }

    /// The secrets that sign at this moment, the newest first.
    pub fn signing(&self, now: Millis) -> impl Iterator<Item = &Kept> {
        self.secrets.iter().filter(move |kept| kept.expires_at.is_none_or(|at| now < at)).take(MAX_SECRETS)
    }

    /// The same after its receiver has said that it is gone.
    #[must_use]
    pub fn disabled(&self, why: Disabled) -> Self {
        Self { enabled: false, disabled: Some(why), ..self.clone() }
    }
}

/// A secret at rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub sealed: Sealed,
    pub last4: String,
    #[serde(with = "time::as_integer")]
    pub created_at: Millis,
    /// From when on it signs nothing; `None`: it is the newest.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::as_optional_integer")]
    pub expires_at: Option<Millis>,
}

/// Since when a webhook is switched off by itself, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    #[serde(with = "time::as_integer")]
    pub at: Millis,
    pub reason: String,
}

/// The id of a message: the same for the same event of the same run at the same webhook, however often it is told of. `nth` is
/// the number of the wait; 0 of an end.
pub fn message_id(run: RunId, event: Event, nth: u32, webhook: &str) -> String {
    let parts = [run.to_string(), event.name().to_owned(), nth.to_string(), webhook.to_owned()];
    let [run, event, nth, webhook] = &parts;
    let hash = Hash::of(&["webhook", run, event, nth, webhook].map(str::as_bytes));
    format!("msg_{hash}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::thread::id::ThreadKey;

    fn webhook(runs: Runs) -> Webhook {
        let sealed = Sealed { nonce: String::new(), ciphertext: String::new() };
        let kept = |expires_at| Kept {
            sealed: sealed.clone(),
            last4: String::new(),
            created_at: Millis(1),
            expires_at,
        };
        Webhook {
            url: "https://a.example.com".to_owned(),
            events: vec![Event::Completed],
            runs,
            enabled: true,
            description: None,
            secrets: vec![kept(None), kept(Some(Millis(10)))],
            disabled: None,
        }
    }

    #[test]
    fn a_webhook_hears_of_the_events_and_runs_that_are_its() {
        let named = vec!["crm".to_owned()];
        assert!(webhook(Runs::All).hears("crm", Event::Completed, &[]));
        assert!(!webhook(Runs::All).hears("crm", Event::Failed, &[]));
        assert!(webhook(Runs::Named).hears("crm", Event::Completed, &named));
        assert!(!webhook(Runs::Named).hears("other", Event::Completed, &named));
        let why = Disabled { at: Millis(1), reason: "410".to_owned() };
        assert!(!webhook(Runs::All).disabled(why).hears("crm", Event::Completed, &[]));
    }

    #[test]
    fn an_older_secret_signs_until_its_time_is_up() {
        let count = |now| webhook(Runs::All).signing(Millis(now)).count();
        assert_eq!([9, 10].map(count), [2, 1]);
    }

    #[test]
    fn a_message_has_one_id_for_each_run_event_wait_and_webhook() {
        let run = RunId { thread: ThreadKey::new(Millis(1), [2; 10]), number: 3 };
        let id = message_id(run, Event::Waiting, 1, "crm");
        assert_eq!(id, message_id(run, Event::Waiting, 1, "crm"));
        assert_eq!((id.len(), &id[..4]), (36, "msg_"));
        for other in [
            message_id(RunId { number: 4, ..run }, Event::Waiting, 1, "crm"),
            message_id(run, Event::Failed, 1, "crm"),
            message_id(run, Event::Waiting, 2, "crm"),
            message_id(run, Event::Waiting, 1, "erp"),
        ] {
            assert_ne!(id, other);
        }
    }

    #[test]
    fn the_names_of_events_are_what_they_are_written_as() {
        for event in Event::ALL {
            assert_eq!(serde_json::to_value(event).unwrap(), event.name());
            assert_eq!(
                Event::of_end(event.name().trim_start_matches("run.")).is_none(),
                event == Event::Waiting
            );
        }
    }
}
