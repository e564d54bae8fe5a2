//! Messages to webhooks: how they leave, and what the account's admins do about them.
//!
//! | file | what it is |
//! |---|---|
//! | [`send`] | one attempt to send a message |
//! | [`body`] | what a message says |
//! | [`disable`] | a webhook whose receiver is gone |
//! | [`manage`] | what admins ask: which messages there are, to send one again, to try, to rotate the secret |

mod body;
pub(super) mod disable;
pub mod manage;
pub(super) mod send;
