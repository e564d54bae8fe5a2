//! Workers AI, by its binding: `env.AI.run(model, input)`.
//!
//! Source: the schemas of the text-generation models in Cloudflare's documentation, read 2026-11. Older models answer
//! `{"response": …}`, newer ones like OpenAI; both are asked in the same words. Not here: the binding itself.

mod reply;
mod request;
mod stream;

pub use reply::decode;
pub use request::encode;
pub use stream::StreamState;
