//! What an account's dispatch object does outside, and how it comes back.

use serde::{Deserialize, Serialize};

use crate::domain::ids::AccountId;
use crate::domain::webhook::Disabled;

/// Something to be done outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// A notice is sent to its webhook. No row: the notice's own says that it is due. `nth` tells attempts apart.
    Send { notice: String, nth: u32 },
    /// The directory learns that a webhook is switched off, if it still has this address.
    Disable { account: AccountId, webhook: String, url: String, why: Disabled },
}

impl Effect {
    pub fn id(&self) -> String {
        match self {
            Self::Send { nth, .. } => format!("send.{nth}"),
            Self::Disable { webhook, why, .. } => format!("disable.{webhook}.{}", why.at.0),
        }
    }
}

/// How an effect ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has answered with this status.
    Answered {
        status: u16,
        retry_after_ms: Option<u64>,
    },
    /// It has not, or it was not asked; why, in words for the account's admins.
    Failed(String),
    /// What the notice is about is not there any more.
    Gone,
    Done,
    /// It is to be tried again.
    Undone,
}

/// What becomes known of an effect on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// What the notice says, in every attempt.
    Body(String),
}
