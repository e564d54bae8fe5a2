//! Anthropic's Messages, as its clients speak them.
//!
//! Source: the API reference and the types of the official Python client 2.14 (2026-11). Fields that are not known are left
//! out with a warning; what would change the answer unheard is refused by name: tools that run at Anthropic, `mcp_servers`,
//! `container`, blocks of theirs. Thinking of other providers' models has a signature of ours, by which it finds back
//! ([`super::proof`]).

mod block;
mod body;
mod error;
mod reply;
mod request;
mod stream;
mod tools;
mod turns;

pub use body::Body as MessagesRequest;
pub use error::{Enclosed, ErrorBody, ErrorKind};
pub use reply::{Body as MessageReply, Count, Envelope, count, reply};
pub use request::{Parsed, pair, read};
pub use stream::{PING, StreamEncoder};
