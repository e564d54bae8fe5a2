//! Codecs: pure functions between bytes and the neutral model ([`crate::domain::message`]).
//!
//! [`client`] speaks as clients do, [`provider`] as providers do; [`file`] carries agents between accounts. Nothing here
//! waits, sends or knows a budget.

use serde::Serialize;

mod cache_control;
pub mod client;
mod decode_error;
pub mod file;
pub mod provider;
mod reasoning_details;
mod retry_after;
#[cfg(test)]
mod round_trip_tests;
pub mod sse;

pub use retry_after::retry_after;

/// Appends JSON. It cannot fail: the types of this module have texts for keys, and memory takes every byte.
pub(crate) fn write_json(out: &mut Vec<u8>, value: &impl Serialize) {
    let written = serde_json::to_writer(out, value);
    debug_assert!(written.is_ok(), "{written:?}");
}

/// A JSON document of its own.
pub(crate) fn to_json(value: &impl Serialize) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    write_json(&mut out, value);
    out
}
