//! Codecs: pure functions between bytes and the neutral model ([`crate::domain::message`]).
//!
//! [`client`] speaks as clients do, [`provider`] as providers do. Nothing here waits, sends or knows a budget.

pub mod client;
pub mod provider;
pub mod sse;
