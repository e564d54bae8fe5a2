//! OpenAI's chat completions, as OpenAI serves them and as its many imitators do.
//!
//! Source: the API reference, `POST /chat/completions`, read 2026-11. What other servers do otherwise is taken where
//! it is known and harmless: reasoning beside the answer, usage in odd places, tool arguments as objects. What differs
//! in requests is the server's dialect. Not here: the legacy `functions`, audio in answers, and OpenAI's own `/responses`.

mod annotation;
mod calls;
mod content;
mod details;
mod error;
mod messages;
mod reply;
mod request;
mod stream;
mod tools;
mod usage;

pub use error::{fault, refused};
pub use reply::decode;
pub use request::encode;
pub use stream::StreamState;

/// The parts that Workers AI's format has in common with this one.
pub(super) mod parts {
    pub use super::content::Content;
    pub use super::error::{answerless, fault, interrupted, reported};
    pub use super::messages::{MessageBody, messages, names_users};
    pub use super::reply::{
        CallBody, ChoiceBody, Embedded, broken_off, choices, finish, left_out, tool_calls,
    };
    pub use super::stream::{CallDelta, ChoiceDelta};
    pub use super::tools::{ChoiceBody as ToolChoiceBody, ToolBody};
    pub use super::usage::UsageBody;
}

/// The most choices a reply may have: OpenAI's limit of `n`.
const MAX_CHOICES: u32 = 128;
