//! Why a thread's object does not do what was asked.

use crate::domain::field_error::FieldError;
use crate::domain::plan::KeepLimit;
use crate::domain::run::input::NotTaken;
use crate::domain::thread::command::{Answer, BadCursor, Resolved};
use crate::domain::thread::id::{EntryId, RunId, ThreadKey};
use crate::domain::vault;
use crate::ports::Unavailable;
use crate::service::call;
use crate::service::unexpected::name_of;

/// Why a thread or a run does not do what was asked.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// Also where it is another account's, or another agent's.
    #[error("there is no such {0} here")]
    NotFound(&'static str),
    #[error("the thread is at work on the run {0}, and `on_busy` is `reject`")]
    Busy(RunId),
    #[error("another run has come since in the thread")]
    NotLast,
    #[error("there is nothing to answer: say something in `message` or `input`")]
    NothingSaid,
    #[error("some fields do not fit")]
    Invalid(Vec<FieldError>),
    #[error("{0}")]
    Conflict(String),
    #[error("{} {why}", named(*call))]
    NotTaken { at: u32, call: Option<EntryId>, why: NotTaken, resolved: Vec<Resolved> },
    #[error("this Idempotency-Key came with another body before: use a new key for a new request")]
    KeyReused,
    /// A limit of the account's plan, and what it is.
    #[error("the account's plan has no room for more: its limit of `{limit}` is {1}", limit = .0.name())]
    PlanFull(KeepLimit, u32),
    #[error("there is a legal hold on a person whose thread or run this is: nothing of them is deleted")]
    Held,
    #[error("a thread has at most {0} runs that wait")]
    TooMany(u32),
    #[error("by tokens of a thread at most {limit} runs and messages are added to it in a minute")]
    TooFast { limit: u32, retry_after_s: u32 },
    #[error("no event has this number yet")]
    FutureCursor,
    #[error("events are kept for 7 days: these are gone")]
    ExpiredCursor,
    #[error(
        "a key of the account is needed, or a thread's token: without a key POST …/threads makes a thread of a public agent and \
         answers with its `token`, which opens it"
    )]
    Anonymous,
    #[error("a thread's token does not open this: a key of the account does")]
    NotByToken,
    #[error(
        "this is for the holder of a thread's token; members of the account list the memories of the account instead"
    )]
    OnlyByToken,
    #[error(transparent)]
    Call(call::Error),
    /// The floor of the thread's tokens was raised.
    #[error("the thread's tokens were ended: whoever issued this one can issue another")]
    TokenEnded,
    /// The platform has nothing to sign tokens with.
    #[error(transparent)]
    Vault(#[from] vault::Error),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// An input.
fn named(call: Option<EntryId>) -> String {
    call.map_or_else(|| "the message".to_owned(), |call| format!("the call {call}"))
}

/// What is looked for, in a word.
pub const fn of(run: Option<u32>) -> &'static str {
    match run {
        Some(_) => "run",
        None => "thread",
    }
}

/// The error that an object's answer is, where it is not what was asked for.
pub fn refusal(what: &'static str, answer: Answer, thread: Option<ThreadKey>) -> Error {
    match (answer, thread) {
        (Answer::BelowFloor, _) => Error::TokenEnded,
        (Answer::NotFound, _) => Error::NotFound(what),
        (Answer::Busy(number), Some(thread)) => Error::Busy(RunId { thread, number }),
        (Answer::NothingSaid, _) => Error::NothingSaid,
        (Answer::NotLast, _) => Error::NotLast,
        (Answer::Invalid(faults), _) => Error::Invalid(faults),
        (Answer::Conflict(words), _) => Error::Conflict(words),
        (Answer::NotTaken { at, why, resolved }, _) => Error::NotTaken { at, call: None, why, resolved },
        (Answer::KeyReused, _) => Error::KeyReused,
        (Answer::TooMany(most), _) => Error::TooMany(most),
        (Answer::TooFast { limit, retry_after_s }, _) => Error::TooFast { limit, retry_after_s },
        (Answer::BadCursor(BadCursor::Future), _) => Error::FutureCursor,
        (Answer::BadCursor(BadCursor::Expired), _) => Error::ExpiredCursor,
        (other, _) => {
            Error::Unavailable(Unavailable(format!("the thread's object answered {}", name_of(&other))))
        }
    }
}
