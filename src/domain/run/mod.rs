//! A run: one turn of work on a thread, from an input to a state that does not change any more.
//!
//! The loop is a pure machine: it is given what happened and says what is to be done. Whoever keeps it writes that down
//! before doing any of it, so that after a crash the machine goes on from what is written.
//!
//! | file | what it is |
//! |---|---|
//! | [`terms`] | what a run is started with: for whom, how much it may use, what it does when in doubt |
//! | [`manner`] | how the client wants the model to answer |
//! | [`state`] | where it stands, and what it waits for |
//! | `failure` | why it failed |
//! | [`tool`] | a tool call between the model's word and its result |
//! | [`happening`] | what happens to a run, and what is to be done |
//! | [`machine`] | the loop between the two |
//! | [`awaited`] | what a waiting run waits for |
//! | [`compacting`], [`compaction`] | how it deals with a thread that is too long |
//! | [`setbacks`] | what went wrong since the last progress |
//! | [`trouble`] | how often it is tried again, and when it is given up |
//! | [`calls`] | its tool calls, each with one result |
//! | [`children`] | what they may spend, what is heard of them, how they end |
//! | [`child`] | runs of other agents that it has begun |
//! | [`word`] | what a child says to the run above it |
//! | [`arguments`] | whether a call's arguments fit its tool's schema |
//! | [`input`] | what a waiting run is given |
//! | [`join`] | what it takes over of a request that joins it |
//! | [`event`] | what watchers of a run see |
//! | [`misfit`] | whether an answer fits what the agent answers |
//! | `repair` | one that does not is asked for once more |
//! | [`delta`] | a model's stream, as watchers see it |

pub mod arguments;
pub mod awaited;
mod calls;
pub mod child;
mod children;
pub mod compacting;
pub mod compaction;
pub mod delta;
pub mod event;
mod failure;
pub mod happening;
pub mod input;
pub mod join;
pub mod machine;
pub mod manner;
pub mod misfit;
mod repair;
pub mod setbacks;
pub mod state;
pub mod terms;
pub mod tool;
mod trouble;
pub mod word;
