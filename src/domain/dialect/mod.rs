//! Dialects: what the server behind a wire takes, and how it wants to be spoken to.
//!
//! A dialect is data. [`table`] has what is known: a row for each wire, over it rows by model pattern, by family of
//! server and by both; an account lays its own [`Patch`] over that on the provider's row. It is resolved once, when an
//! agent is made ready, and a call only reads fields. To say more of a server, add a field here and its value
//! in the rows that differ.

mod family;
mod knobs;
mod naming;
mod patch;
mod resolve;
mod table;
mod version;

pub use family::{FAMILIES, family};
pub use knobs::{
    Alphabet, Back, CallIds, Format, LimitField, Lowest, Naming, Prefill, Quiet, Schema, SeedField, System,
    Taken, Thinking, Turns,
};
pub use patch::{Dialect, ModelPatch, Patch};
pub use resolve::resolve;
