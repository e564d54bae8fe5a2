//! What is asked of an account's object, and what it answers: the messages of the one hop.
//!
//! They travel as JSON between the Worker and the object, so amounts are plain integers here.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::budget::{Budget, Period};
use crate::domain::ids::{AgentId, CallId, KeyId};
use crate::domain::message::Usage;
use crate::domain::money::{self, Nanos};
use crate::domain::plan::CallLimits;
use crate::domain::thread::id::RunId;
use crate::domain::time::{self, Millis};

/// The version of [`Command`] and [`Answer`]. A change of what they look like as JSON is a new one, recorded
/// under `tests/fixtures/commands/`; code of the version before must be able to read what it knows of it. A new command is
/// none: it is recorded as another file, and objects that do not know it say so. Code
/// ignores fields that it does not know, so what restricts an admission in a new way is a new command, never
/// a new field.
pub const VERSION: u32 = 1;

/// Everything the object can be asked, in one type: objects have no remote procedure calls, only `fetch`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    Admit(Admit),
    /// Several calls, decided one after the other.
    AdmitAll(Vec<Admit>),
    Settle(Settle),
    /// Counts a request against the plan's calls a minute that is no call and costs nothing.
    Count(CallLimits),
    /// What number the directory's rows have now; asked before they are read.
    Epoch,
    /// A control-plane write is about to change the directory: rows read until now are stale.
    BeginWrite,
    /// It has: rows read meanwhile are stale too.
    EndWrite,
    Inspect(Inspect),
    /// What all agents together have spent this month.
    InspectAccount,
    Calls(Page),
    /// Do what is due, and see to the alarm: the platform is known to lose some.
    Wake,
    /// Keep copies of declared things ([`crate::domain::declared`]) that have changed.
    Learn(Vec<Learned>),
    Forget(Forget),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    Admission(Admission),
    /// In the order of the questions.
    Admissions(Vec<Admission>),
    Settled,
    Epoch(u64),
    Spend(Spend),
    AccountSpend(AccountSpend),
    Calls(Vec<CallRecord>),
    Woken,
    Learned,
}

/// Asks for a call, or for another attempt of one (same `call`): the answer to a repeated question is the
/// same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Admit {
    pub call: CallId,
    pub agent: AgentId,
    /// `None`: a public agent's anonymous caller.
    pub key: Option<KeyId>,
    pub version: u32,
    /// `provider:code` of the model that is to be asked.
    pub model: String,
    /// The epoch at which the Worker read its rows; 0 when it has read none.
    pub epoch: u64,
    /// The ceiling of the call as it was asked for.
    #[serde(with = "money::as_integer")]
    pub want: Nanos,
    /// The ceiling with the smallest output that is worth a call.
    #[serde(with = "money::as_integer")]
    pub floor: Nanos,
    /// Whether this is another attempt of an open call, at the next entry of its model line.
    pub again: bool,
    /// What earlier attempts of this call may have cost already.
    #[serde(with = "money::as_integer")]
    pub charged: Nanos,
    pub budget: Option<Budget>,
    pub max_concurrency: Option<u32>,
    /// What the account's plan allows all its agents together.
    #[serde(default, skip_serializing_if = "CallLimits::is_none")]
    pub limits: CallLimits,
    /// After this long without a settlement the hold is charged.
    pub ttl_ms: u32,
    /// Calls that have ended and are settled first, so that what they give back can be granted. They will be
    /// settled once more, by a [`Settle`] that waits for the disk.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ended: Vec<CallRecord>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Admission {
    /// `amount` is held: at most `want`, at least `floor`.
    Granted {
        #[serde(with = "money::as_integer")]
        amount: Nanos,
        /// How the plan's calls a minute stand after this one; `None` where there is no limit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rate: Option<Rate>,
    },
    /// The rows behind the question are older than `epoch`: read them again.
    Stale {
        epoch: u64,
    },
    Refused(Refusal),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Refusal {
    Budget {
        #[serde(default)]
        of: Scope,
        period: Period,
        #[serde(with = "money::as_integer")]
        limit: Nanos,
        /// What neither calls nor holds have taken.
        #[serde(with = "money::as_integer")]
        remaining: Nanos,
        resets_at: Option<Millis>,
        /// There is room but for what calls hold that are at work.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_held: bool,
    },
    Concurrency {
        limit: u32,
        #[serde(default)]
        of: Scope,
    },
    /// More calls a minute than the plan allows.
    Rate {
        limit: u32,
        /// When the next call has room.
        #[serde(with = "time::as_integer")]
        resets_at: Millis,
    },
    /// Another attempt of a call that is not open any more: it has expired, or a crash took its hold.
    Lapsed,
}

/// Whose limit it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// The agent's own.
    #[default]
    Agent,
    /// The plan's, for all agents of the account together.
    Plan,
}

/// How a limit of calls a minute stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    pub limit: u32,
    /// How many more calls have room now.
    pub remaining: u32,
    /// When there will be room for another.
    #[serde(with = "time::as_integer")]
    pub resets_at: Millis,
}

/// The ends of calls. Each carries all of the ledger's row, so that it can be settled by an object that has
/// forgotten the admission.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settle {
    pub records: Vec<CallRecord>,
}

/// Calls whose rows keep their money and lose their run, because its thread was deleted. Answered like a [`Settle`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forget {
    /// A call is one of these agents'.
    pub agents: Vec<AgentId>,
    pub calls: Vec<CallId>,
}

/// A row of the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallRecord {
    pub call: CallId,
    pub agent: AgentId,
    pub key: Option<KeyId>,
    pub version: u32,
    /// `provider:code` of the model that was asked last.
    pub model: String,
    pub status: CallStatus,
    pub usage: UsageKind,
    pub tokens: Usage,
    #[serde(with = "money::as_integer")]
    pub held: Nanos,
    #[serde(with = "money::as_integer")]
    pub cost: Nanos,
    /// When it was admitted.
    #[serde(with = "time::as_integer")]
    pub at: Millis,
    pub first_token_ms: Option<u32>,
    pub duration_ms: u32,
    /// The run that made the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallStatus {
    Ok,
    /// The provider failed or answered nonsense; no entry of the model line was left.
    UpstreamError,
    /// The stream broke after its first byte.
    Interrupted,
    /// Nobody settled it in time; its hold was charged.
    Expired,
    /// Admitted by an object that died before it wrote the call down, and settled by nobody; charged.
    Unattributed,
}

impl CallStatus {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::UpstreamError => "upstream_error",
            Self::Interrupted => "interrupted",
            Self::Expired => "expired",
            Self::Unattributed => "unattributed",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Ok, Self::UpstreamError, Self::Interrupted, Self::Expired, Self::Unattributed]
            .into_iter()
            .find(|status| status.name() == name)
    }
}

/// Where the tokens of a record come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UsageKind {
    /// The provider's own count.
    Reported,
    /// The provider finished without a count: the upper bound of what was seen.
    Estimated,
    /// Nothing is known: the hold was charged, unless the provider is known not to have run.
    Missing,
}

impl UsageKind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Estimated => "estimated",
            Self::Missing => "missing",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Reported, Self::Estimated, Self::Missing].into_iter().find(|kind| kind.name() == name)
    }
}

/// A declared thing as it is since a revision. An older revision than the one that is kept changes nothing, so that it does
/// not matter in which order they come, nor how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learned {
    /// The kind's singular.
    pub kind: String,
    pub name: String,
    /// Higher with each change of the account's declared things, below 2⁵³.
    pub revision: u64,
    /// JSON; `None`: it is deleted.
    pub body: Option<String>,
}

/// Asks what an agent has spent in the running period of this budget.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inspect {
    pub agent: AgentId,
    pub budget: Budget,
}

/// What an agent has spent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spend {
    #[serde(with = "money::as_integer")]
    pub settled: Nanos,
    #[serde(with = "money::as_integer")]
    pub held: Nanos,
    #[serde(with = "money::as_integer")]
    pub remaining: Nanos,
    pub resets_at: Option<Millis>,
    /// When settled calls passed the limit in this period; only `notify` lets them.
    pub crossed_at: Option<Millis>,
    /// Calls admitted and not settled yet.
    pub open_calls: u32,
}

/// What all agents of the account have spent in the running calendar month (UTC), and do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSpend {
    #[serde(with = "money::as_integer")]
    pub settled: Nanos,
    #[serde(with = "money::as_integer")]
    pub held: Nanos,
    /// Calls admitted and not settled yet.
    pub open_calls: u32,
    /// Calls admitted in the last minute.
    pub calls_in_minute: u32,
}

/// Asks for a page of an agent's ledger, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page {
    pub agent: AgentId,
    pub limit: u32,
    /// Only calls older than this one.
    pub before: Option<CallId>,
    /// Calls that have ended and are settled first, as with [`Admit`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ended: Vec<CallRecord>,
}
