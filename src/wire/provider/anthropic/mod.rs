//! Anthropic's Messages API, version 2023-06-01.
//!
//! Sources: the API reference of `POST /v1/messages`, "Streaming messages", "Structured outputs", "Effort",
//! "Thinking" and the migration guides up to Claude Opus 5.5 on platform.claude.com.
//!
//! What a generation of models refuses is data ([`crate::domain::dialect`]); wishes that a model cannot be sent are left
//! out with a warning or said in words, so that a line of models behind one agent answers the same request. Not sent at
//! all, because the API has no field for it: `seed` and more than one choice. Thinking goes back with its signature;
//! where the API insists on one that a client did not keep, thinking is left off instead.

mod block;
mod citation;
mod messages;
mod reply;
mod request;
mod schema;
mod stream;

pub use reply::decode;
pub use request::encode;
pub use stream::StreamState;

#[cfg(test)]
mod malformed_tests;
#[cfg(test)]
mod request_tests;
#[cfg(test)]
mod stream_tests;
