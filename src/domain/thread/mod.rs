//! Threads: conversations and tasks, kept as items in their order.
//!
//! | file | what it is |
//! |---|---|
//! | [`about`] | what a client says of its thread |
//! | [`id`] | how threads, runs and what belongs to them are named: every id leads to its object |
//! | [`item`] | the transcript's entries, as they are kept and shown |
//! | [`transcript`] | items made into what a model can be sent, whatever they lack |
//! | [`window`] | what of a long transcript a model is sent |
//! | [`compaction`] | how much of it, and when that changes |
//! | [`cut`] | where a transcript may be cut |
//! | [`digest`] | the oldest runs, as a model is given them to be summed up |
//! | [`log`] | how events are numbered, so that no number is used twice, whatever crashes |
//! | [`once`] | requests that count once, by the client's key |
//! | [`export`] | all of a thread, page by page |
//! | [`outbox`] | what the account's index has yet to learn of a thread |
//! | [`command`] | what is asked of a thread's object, and what it answers |
//! | [`on_busy`] | what becomes of a run that comes while another is at work |
//! | [`effect`] | what a thread's object does outside, and how it comes back |
//! | [`token`] | short-lived keys of one thread |
//! | [`waits`] | how often a run has begun to wait for somebody |
//! | [`voice`] | who has said what in it that is somebody else's |
//! | [`given`] | what became of what a run was given |
//! | [`view`] | threads, runs and items as clients see them |

pub mod about;
pub mod command;
pub mod compaction;
pub mod cut;
pub mod digest;
pub mod effect;
pub mod export;
pub mod fork;
pub mod given;
pub mod id;
pub mod item;
pub mod log;
pub mod on_busy;
pub mod once;
pub mod outbox;
pub mod token;
pub mod transcript;
pub mod view;
pub mod voice;
pub mod waits;
pub mod window;
