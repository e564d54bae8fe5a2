//! Why a call was not served. Nothing here is internal: every text may be shown to the caller. What can be
//! done about it is said where the API's URLs are known, in `http/`.

use super::reach::Unreachable;
use crate::domain::admission::command::{Rate, Scope};
use crate::domain::agent::Status;
use crate::domain::api_key;
use crate::domain::budget::Period;
use crate::domain::field_error::FieldError;
use crate::domain::flag::Flag;
use crate::domain::ids::AgentId;
use crate::domain::model_line::ParseError;
use crate::domain::money::Nanos;
use crate::domain::provider::ProviderName;
use crate::domain::scope::Scope as KeyScope;
use crate::domain::slug::Slug;
use crate::domain::thread::token::Invalid;
use crate::domain::time::Millis;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Unauthenticated(KeyFault),
    #[error("this key may not call this agent")]
    KeyNotForAgent,
    #[error("this key lacks the scope `{}`; an admin can issue one that has it", .0.name())]
    KeyLacksScope(KeyScope),
    #[error("a thread's token calls the agent on its thread alone: name the thread in the header `x-thread`")]
    TokenNeedsThread,
    #[error("pages of {0} may not call this agent; add the origin to its allowed_origins")]
    OriginNotAllowed(String),
    #[error("the account is suspended")]
    AccountSuspended,
    /// The account does not have what was asked for.
    #[error("the operator has switched `{}` off for this account", .0.name())]
    SwitchedOff(Flag),
    /// A provider's URL leads to this product again, or through too many of its deployments.
    #[error(
        "this call comes from a provider's or a tool's URL that leads back here: name the server that the models run on, and for \
         another agent a tool of type `agent`"
    )]
    Loop,
    /// Also when it belongs to another account: that it exists there is not shown.
    #[error("there is no such agent here")]
    NoSuchAgent,
    #[error("the agent has no version {0}")]
    NoSuchVersion(u32),
    #[error("the agent is {} and answers no calls", .is.name())]
    NotActive {
        agent: Slug,
        is: Status,
        /// The status to which an admin can move it so that it answers.
        to: Status,
    },
    #[error("the agent is archived")]
    Archived(AgentId),
    #[error("`{name}` is neither this agent nor a model of its line; write {}", any_of(.known))]
    NoSuchModel {
        name: String,
        /// What would do: the agent's slug first.
        known: Vec<String>,
    },
    #[error(
        "this agent makes no embeddings: set its `embeddings` to a model line, such as openai:text-embedding-3-small"
    )]
    NoEmbeddings,
    /// What the call has for the variables of the agent's instructions does not fit.
    #[error("the agent's instructions cannot be filled: {}", faults(.0))]
    Variables(Vec<FieldError>),
    /// What is asked does not fit what the agent takes.
    #[error("the agent is asked with JSON of its `input`, which this is not: {}", faults(.0))]
    Input(Vec<FieldError>),
    /// Fields that no model of the line takes and that must not be left out.
    #[error("no model of this agent's line takes {}", fields(.0))]
    NotTaken(Vec<FieldError>),
    #[error("no model of this agent's line can serve this request: {}", lacks(.0))]
    Unsupported(Vec<Lack>),
    #[error("{}, and no model of the agent's line has a price", must_be_priced(*.of))]
    Unpriced {
        /// What has a limit; `None`: the platform pays, and bills by its catalogue.
        of: Option<Scope>,
        /// The last of the line.
        provider: ProviderName,
        code: String,
    },
    #[error(
        "{} of {limit} USD {} is used up: {remaining} USD are left, which pays for no answer", cap(*.of), per(*.period)
    )]
    BudgetExceeded {
        of: Scope,
        limit: Nanos,
        remaining: Nanos,
        period: Period,
        resets_at: Option<Millis>,
        is_held: bool,
    },
    /// What is left of a run's own limit pays for no answer.
    #[error("what is left of the run's max_usd, {left} USD, pays for no answer")]
    RunBudget { left: Nanos },
    #[error("{} at most {limit} calls at once; try again shortly", serves(*.of))]
    Concurrency { of: Scope, limit: u32 },
    #[error("the account's plan allows {} calls a minute; try again in {} s", .0.limit, .0.reset_s)]
    Rate(Quota),
    /// No call of the agent can work.
    #[error("the agent's model line is broken {0}")]
    BrokenLine(ParseError),
    /// The provider refused what the client sent.
    #[error("the provider refused the request: {message}")]
    Rejected { status: u16, message: String, given: Box<Given> },
    /// A provider that would serve the request later.
    #[error("{message}")]
    Busy {
        message: String,
        /// Each that was asked is over its rate limit.
        is_limited: bool,
        /// When to come back, where a provider said it; at least one.
        retry_after_s: Option<u32>,
        given: Box<Given>,
    },
    #[error(transparent)]
    Unreachable(Unreachable),
    #[error("{0}")]
    Upstream(String),
    /// As [`Error::Upstream`], and it stays so until somebody of the account or of the platform mends it.
    #[error("{0}")]
    UpstreamDenies(String),
    #[error("the provider did not answer in time")]
    UpstreamTimeout,
    #[error("the service is not available right now; try again")]
    Unavailable,
    /// Meanwhile the agent has tools that run here, so that its calls are runs: nothing was asked of any model.
    #[error("the agent was just changed; try again")]
    IsRun,
    /// What a stranger reads in place of the error; see [`Error::for_stranger`].
    #[error("{words}")]
    Withheld { words: &'static str, error: Box<Error> },
}

impl Error {
    /// The same to programs, in the words for a caller without a key of the account: about the call, and nothing of the account's
    /// money, limits, providers and settings.
    #[must_use]
    pub fn for_stranger(self) -> Self {
        let words = match &self {
            Self::OriginNotAllowed(_) => "the agent is not called from pages of this origin",
            Self::BudgetExceeded { .. } => "the agent takes no more calls for now",
            Self::RunBudget { .. } => "the run is over what it may cost",
            Self::Concurrency { .. } => "the agent has too many calls at this moment; try again shortly",
            Self::Rate(_) => "the agent has too many calls within a minute; try again later",
            Self::Busy { .. } | Self::Upstream(_) => "the agent's model does not answer right now; try again",
            Self::Rejected { .. } => "the agent's model refuses this request",
            Self::UpstreamTimeout => "the agent's model did not answer in time",
            Self::NotActive { .. } | Self::Archived(_) | Self::AccountSuspended | Self::SwitchedOff(_) => {
                "the agent answers no calls"
            }
            Self::Unpriced { .. } | Self::BrokenLine(_) | Self::Unreachable(_) | Self::UpstreamDenies(_) => {
                "the agent cannot answer until its account repairs it"
            }
            _ => return self.without_models(),
        };
        Self::Withheld { words, error: Box::new(self) }
    }

    fn without_models(self) -> Self {
        match self {
            Self::NoSuchModel { name, mut known } => {
                known.truncate(1);
                Self::NoSuchModel { name, known }
            }
            Self::Unsupported(lacks) => Self::Unsupported(nameless(lacks)),
            error => error,
        }
    }
}

/// What models lack, whatever they are called.
fn nameless(lacks: Vec<Lack>) -> Vec<Lack> {
    let mut missing: Vec<String> = Vec::new();
    for one in lacks.into_iter().flat_map(|lack| lack.missing) {
        if !missing.contains(&one) {
            missing.push(one);
        }
    }
    vec![Lack { model: "the model".to_owned(), missing }]
}

/// A provider's own words to programs; clients act on them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    pub code: Option<String>,
    /// The field at fault, as the client knows it.
    pub param: Option<String>,
    /// Nothing will change until somebody pays the provider.
    pub is_unpaid: bool,
}

impl Given {
    /// As OpenAI would say it.
    pub fn of(code: &str, param: &str) -> Box<Self> {
        Box::new(Self { code: Some(code.to_owned()), param: Some(param.to_owned()), is_unpaid: false })
    }
}

/// How the plan's calls a minute stand, as a client sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    pub limit: u32,
    pub remaining: u32,
    /// In how many seconds there is room for more; at least one.
    pub reset_s: u32,
}

impl Quota {
    pub fn of(rate: Rate, now: Millis) -> Self {
        let reset_s = u32::try_from(rate.resets_at.since(now).div_ceil(1_000)).unwrap_or(u32::MAX).max(1);
        Self { limit: rate.limit, remaining: rate.remaining, reset_s }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    #[error("a key is needed: send it as `Authorization: Bearer …` or `x-api-key`")]
    Missing,
    #[error("the key is mistyped or cut: its checksum does not fit")]
    Malformed,
    /// A thread's token, where no thread is.
    #[error("{}", api_key::Invalid::ThreadToken)]
    ThreadToken,
    #[error("the key is not valid here: it is unknown, expired or revoked")]
    Refused,
    #[error("this is the operator's key, which calls no agent: use a key of the account")]
    OfOperator,
    #[error("the key that started this run is gone, expired, revoked or switched off")]
    OfRun,
    #[error("{0}")]
    Token(Invalid),
    #[error(
        "the thread's token is not good any more: the key that issued it is gone, or the agent needs one"
    )]
    BehindToken,
}

/// What a model lacks for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    pub model: String,
    pub missing: Vec<String>,
}

fn faults(all: &[FieldError]) -> String {
    let each = all.iter().map(|error| format!("{} {}", error.field, error.message));
    each.collect::<Vec<_>>().join("; ")
}

fn any_of(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

fn fields(all: &[FieldError]) -> String {
    let each = all.iter().map(|error| format!("`{}`", error.field));
    each.collect::<Vec<_>>().join(", ")
}

fn lacks(all: &[Lack]) -> String {
    let each = all.iter().map(|lack| format!("{} lacks {}", lack.model, lack.missing.join(", ")));
    each.collect::<Vec<_>>().join("; ")
}

const fn cap(of: Scope) -> &'static str {
    match of {
        Scope::Agent => "the budget",
        Scope::Plan => "the plan's monthly spend",
    }
}

const fn must_be_priced(of: Option<Scope>) -> &'static str {
    match of {
        None => "the platform pays the provider",
        Some(Scope::Agent) => "the agent has a budget",
        Some(Scope::Plan) => "the account's plan limits its monthly spend",
    }
}

const fn serves(of: Scope) -> &'static str {
    match of {
        Scope::Agent => "the agent serves",
        Scope::Plan => "the account's plan allows",
    }
}

const fn per(period: Period) -> &'static str {
    match period {
        Period::Day => "a day",
        Period::Month => "a month",
        Period::Total => "in total",
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
