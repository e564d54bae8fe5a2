//! The objects without the platform: each is a pure machine over its own SQLite, run by one host.
//!
//! | file | what it is |
//! |---|---|
//! | [`host`] | the loop that all objects share: load, decide, write, answer, perform, wake |
//! | [`todo`] | what it leaves to be done, and how it answers |
//! | [`machine`] | what an object must be able to do for it |
//! | [`account`] | the account's object: [`crate::domain::admission`] over its store |
//! | [`dispatch`] | an account's dispatch object: the index of its threads and runs |
//! | [`knowledge`] | a knowledge object: texts that are searched, such as memories |
//! | [`thread`] | a thread's object: [`crate::domain::run`] over its store |
//! | [`backup`] | what a host does for dumps and restores, whatever its machine |
//! | [`leaving`] | when an object leaves memory by itself |
//! | [`watchers`] | who watches a thread, while it is in memory |
//! | [`unwanted`] | effects whose end nobody waits for any more |
//! | [`wire`] | commands and answers as versioned text |
//! | [`client`] | the Worker's side of the hop |
//! | [`sql`] | the little of SQLite that the stores need |
//! | [`store`] | schema steps, effects, and the tables of each machine; all SQL of objects |
//!
//! The host waits for nothing: it takes a command or a moment and returns what is to be done
//! ([`todo::Todo`]), so the same code runs in the object and in native tests, over SQLite that fails on
//! demand. `runtime/` adds the alarm, the timers and the platform's types.

pub mod account;
mod backup;
pub mod client;
mod core;
pub mod dispatch;
pub mod host;
pub mod knowledge;
mod leaving;
pub mod machine;
pub mod sql;
pub mod store;
pub mod thread;
pub mod todo;
pub mod unwanted;
pub mod watchers;
pub mod wire;
