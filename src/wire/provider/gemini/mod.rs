//! Google's Gemini API: `generateContent` and `streamGenerateContent`.
//!
//! Sources: the API reference of `models.generateContent`, "Function calling", "Thought signatures", "Thinking",
//! "Structured outputs", and "What's new" up to Gemini 4 Argon on ai.google.dev. The version segment (`v1beta`) is
//! part of the provider's base URL.
//!
//! From Gemini 3 on a function call carries a signature that must come back with it. What a model refuses is data
//! ([`crate::domain::dialect`]) and is left out with a warning or said in words. Not sent, because the API has no field
//! for it: `parallel_tool_calls`, `strict`, `user`, and an image's `detail`.

mod citations;
mod contents;
mod logprobs;
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
