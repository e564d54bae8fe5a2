//! Why a call was not served. Nothing here is internal: every text may be shown to the caller.

use crate::domain::budget::Period;
use crate::domain::money::Nanos;
use crate::domain::time::Millis;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Unauthenticated(KeyFault),
    #[error("this key may not call this agent")]
    KeyNotForAgent,
    #[error("pages of {0} may not call this agent; add the origin to its allowed_origins")]
    OriginNotAllowed(String),
    #[error("the account is suspended")]
    AccountSuspended,
    /// Also when it belongs to another account: that it exists there is nobody's business here.
    #[error("there is no such agent here")]
    NoSuchAgent,
    #[error("`{0}` is neither this agent nor a model of its line")]
    NoSuchModel(String),
    #[error("no model of this agent's line can serve this request: {}", lacks(.0))]
    Unsupported(Vec<Lack>),
    #[error(
        "the agent has a budget, and no model of its line has a price: set one with PUT /api/v1/models/{0}"
    )]
    Unpriced(String),
    #[error("the budget of {limit} USD {} is used up: {remaining} USD are left, which pays for no answer", per(*.period))]
    BudgetExceeded { limit: Nanos, remaining: Nanos, period: Period, resets_at: Option<Millis> },
    #[error("the agent serves at most {limit} calls at once; try again shortly")]
    Concurrency { limit: u32 },
    /// The agent or its provider is configured so that no call can work.
    #[error("{0}")]
    Misconfigured(String),
    /// The provider refused what the client sent.
    #[error("the provider refused the request: {message}")]
    Rejected { status: u16, message: String },
    #[error("{0}")]
    Upstream(String),
    #[error("the provider did not answer in time")]
    UpstreamTimeout,
    #[error("the service is not available right now; try again")]
    Unavailable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    #[error("a key is needed: send it as `Authorization: Bearer …` or `x-api-key`")]
    Missing,
    #[error("the key is mistyped or cut: its checksum does not fit")]
    Malformed,
    #[error("the key is not valid here: it is unknown, expired or revoked")]
    Refused,
}

/// What a model lacks for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    pub model: String,
    pub missing: Vec<String>,
}

fn lacks(all: &[Lack]) -> String {
    let each = all.iter().map(|lack| format!("{} lacks {}", lack.model, lack.missing.join(", ")));
    each.collect::<Vec<_>>().join("; ")
}

const fn per(period: Period) -> &'static str {
    match period {
        Period::Day => "a day",
        Period::Month => "a month",
        Period::Total => "in total",
    }
}
