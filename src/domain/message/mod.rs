//! The neutral model of a chat: what every client's protocol is read into and every provider's is written from, and what
//! a transcript is made of.
//!
//! With it n client codecs and m provider codecs meet, instead of n × m translators. It holds what at least two
//! providers can say; what only one can say travels as an opaque [`Proof`] or as an extra
//! ([`crate::domain::extra`]). [`Message`]s are stored for years: what they look like then is kept in [`stored`].

mod assistant;
mod event;
mod gather;
mod part;
mod proof;
mod replay;
mod reply;
mod request;
pub mod stored;
mod transcript;
mod usage;

pub use assistant::{AssistantPart, Citation, Reasoning, Text, ToolCall};
pub use event::Event;
pub use gather::{Gather, TooLarge};
pub use part::{
    Audio, AudioFormat, CachePoint, CacheTtl, File, FileSource, Image, ImageSource, JsonText, Part,
    image_type,
};
pub use proof::{Proof, ProofKind};
pub use replay::replay;
pub use reply::{About, ChatReply, Choice, Finish};
pub use request::{ChatRequest, ReasoningEffort, ResponseFormat, Sampling, Tool, ToolChoice};
pub use transcript::{Message, news, pair_calls};
pub use usage::Usage;
