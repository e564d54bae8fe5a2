//! Retinue's own protocol: a message in, a message out, and what it cost.
//!
//! Not here: tools, choices and sampling, for which there is the OpenAI protocol, and problem documents, which
//! `http/problem.rs` writes.

mod reply;
mod request;

pub use reply::{Called, Done, StreamEncoder, finish_reason};
pub use request::{Body, Fault, Parsed, parse};
