//! What an account's dispatch object does outside, and how it comes back.

use serde::{Deserialize, Serialize};

use crate::domain::ids::AccountId;
use crate::domain::knowledge::command::Tally;
use crate::domain::thread::command::Clear;
use crate::domain::thread::id::ThreadKey;
use crate::domain::time::Millis;
use crate::domain::webhook::Disabled;

/// Something to be done outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// A notice is sent to its webhook. No row: the notice's own says that it is due. `nth` tells attempts apart.
    Send { notice: String, nth: u32 },
    /// A thread forgets something, or all. No row: the index has what is to go, until it is gone.
    Clear { nth: u32, account: AccountId, thread: ThreadKey, clear: Clear },
    /// What was remembered of a person by then goes. No row: the erasure's own says that it is running.
    Forget { nth: u32, account: AccountId, user: String, until: Millis },
    /// It is asked how many memories an object keeps, by its name. No row: a claim of room says that it is not known.
    Count { nth: u32, account: AccountId, name: String },
    /// The directory learns that a webhook is switched off, if it still has this address.
    Disable { account: AccountId, webhook: String, url: String, why: Disabled },
}

impl Effect {
    pub fn id(&self) -> String {
        match self {
            Self::Send { nth, .. } => format!("send.{nth}"),
            Self::Clear { nth, .. } | Self::Forget { nth, .. } | Self::Count { nth, .. } => {
                format!("clear.{nth}")
            }
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
    /// A thread was deleted, or so many of its runs are blank, or of its items.
    Cleared(Cleared),
    /// So many memories are kept.
    Counted(Tally),
    /// It is to be tried again.
    Undone,
}

/// What has gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cleared {
    pub threads: u32,
    pub runs: u32,
    pub memories: u32,
    /// What somebody has said in runs of others.
    pub items: u32,
    /// The thread is not there any more, whoever deleted it.
    pub is_gone: bool,
}

/// What becomes known of an effect on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// What the notice says, in every attempt.
    Body(String),
}
