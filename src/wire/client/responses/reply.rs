//! The response itself.

use serde::Serialize;
use serde_json::{Map, Value};

use super::item::OutputItem;
use super::request::Base;
use crate::domain::message::Usage;
use crate::domain::money::Nanos;
use crate::domain::run::state::Reason;
use crate::domain::warning::Warning;

/// How a response stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    Queued,
    InProgress,
    Completed,
    /// Why.
    Incomplete(&'static str),
    /// A stable slug, and words for people.
    Failed(String, String),
    Cancelled,
}

impl Ending {
    pub const fn status(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Incomplete(_) => "incomplete",
            Self::Failed(..) => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Of a run that ended before its answer was whole, in OpenAI's word where it has one.
    pub const fn incomplete(reason: Reason) -> Self {
        Self::Incomplete(reason.name())
    }

    const fn is_over(&self) -> bool {
        !matches!(self, Self::Queued | Self::InProgress)
    }
}

/// OpenAI's response.
#[derive(Debug)]
pub struct Response<'a> {
    pub id: &'a str,
    /// Seconds since the epoch.
    pub created_s: i64,
    pub completed_s: Option<i64>,
    pub base: &'a Base,
    pub output: Rest<'a>,
    pub usage: Option<(Usage, Nanos)>,
    pub ending: &'a Ending,
    pub warnings: &'a [Warning],
    pub cached: bool,
}

/// What it has.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(untagged)]
pub enum Rest<'a> {
    Items(&'a [OutputItem]),
    Shown(&'a [Value]),
}

#[derive(Serialize)]
struct Body<'a> {
    id: &'a str,
    object: &'static str,
    created_at: i64,
    completed_at: Option<i64>,
    status: &'static str,
    error: Option<Failure<'a>>,
    incomplete_details: Option<Incomplete>,
    output: Rest<'a>,
    usage: Option<UsageBody>,
    #[serde(flatten)]
    base: &'a Map<String, Value>,
    /// What was not done as the client asked; absent when there is nothing.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    warnings: &'a [Warning],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cached: bool,
}

#[derive(Serialize)]
struct Failure<'a> {
    code: &'a str,
    message: &'a str,
}

#[derive(Serialize)]
struct Incomplete {
    reason: &'static str,
}

#[derive(Serialize)]
pub(super) struct UsageBody {
    input_tokens: u64,
    input_tokens_details: InputDetails,
    output_tokens: u64,
    output_tokens_details: OutputDetails,
    total_tokens: u64,
    /// In US dollars.
    cost_usd: Nanos,
}

#[derive(Serialize)]
struct InputDetails {
    cached_tokens: u64,
    cache_write_tokens: u64,
}

#[derive(Serialize)]
struct OutputDetails {
    reasoning_tokens: u64,
}

impl UsageBody {
    pub(super) const fn of((usage, cost_usd): (Usage, Nanos)) -> Self {
        Self {
            input_tokens: usage.input_tokens,
            input_tokens_details: InputDetails {
                cached_tokens: usage.cached_input_tokens,
                cache_write_tokens: usage.cache_write_tokens,
            },
            output_tokens: usage.output_tokens,
            output_tokens_details: OutputDetails { reasoning_tokens: usage.reasoning_tokens },
            total_tokens: usage.input_tokens.saturating_add(usage.output_tokens),
            cost_usd,
        }
    }
}

impl Serialize for Response<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let error = match self.ending {
            Ending::Failed(code, message) => Some(Failure { code, message }),
            _ => None,
        };
        let incomplete_details = match self.ending {
            Ending::Incomplete(reason) => Some(Incomplete { reason }),
            _ => None,
        };
        Body {
            id: self.id,
            object: "response",
            created_at: self.created_s,
            completed_at: self.completed_s.filter(|_| self.ending.is_over()),
            status: self.ending.status(),
            error,
            incomplete_details,
            output: self.output,
            usage: self.usage.map(UsageBody::of),
            base: &self.base.0,
            warnings: self.warnings,
            cached: self.cached,
        }
        .serialize(serializer)
    }
}
