//! Threads: conversations and tasks, kept as items in their order.
//!
//! | file | what it is |
//! |---|---|
//! | [`id`] | how threads, runs and what belongs to them are named: every id leads to its object |
//! | [`item`] | the transcript's entries, as they are kept and shown |
//! | [`transcript`] | items made into what a model can be sent, whatever they lack |

pub mod id;
pub mod item;
pub mod transcript;
