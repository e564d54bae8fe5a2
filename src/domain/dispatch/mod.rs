//! The index of an account's threads and runs, which the account's dispatch object keeps.
//!
//! | file | what it is |
//! |---|---|
//! | [`entry`] | what is listed, and what it is found by |
//! | [`claim`] | room for what is about to be made |
//! | [`command`] | what is asked of a dispatch object, and what it answers |
//! | [`notice`] | messages to webhooks |
//! | [`effect`] | what a dispatch object does outside |
//!
//! A thread's object delivers what it is now, never what has changed, under a version that grows with each change. So a
//! delivery that comes late, twice or after others changes nothing, and one that is lost is made good by the next.

pub mod claim;
pub mod command;
pub mod effect;
pub mod entry;
pub mod notice;
