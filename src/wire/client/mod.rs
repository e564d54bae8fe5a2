//! The protocols of clients: what they send is read into the neutral model, and answers are written as they expect.
//!
//! Not here: status codes, which model a name stands for, and anything about budgets.

pub mod anthropic;
mod call_id;
mod content;
mod invalid;
mod media;
pub mod native;
pub(in crate::wire) mod object;
pub mod openai;
mod pairing;
mod parsed;
mod proof;
pub mod responses;
pub mod threads;

pub use invalid::Invalid;
