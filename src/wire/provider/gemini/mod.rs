//! Google's Gemini API: `generateContent` and `streamGenerateContent`.
//!
//! Sources: the API reference of `models.generateContent`, "Function calling", "Thought signatures", "Thinking",
//! "Structured outputs", and "What's new" up to Gemini 4 Argon on ai.google.dev. The version segment (`v1beta`) is
//! part of the provider's base URL.
//!
//! From Gemini 3 on a function call carries a signature that must come back with it. The neutral model and the
//! clients' protocols have no place for it, so it travels in the tool call's identifier ([`super::call_id`]); nothing is
//! remembered here between requests. What a model refuses is dropped or said in words, as [`model`] decides. Not
//! sent, because the API has no field for it: `parallel_tool_calls`, `strict`, `user`, and an image's `detail`.

mod contents;
mod model;
mod reply;
mod request;
mod response;
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
