//! A world for the tests of the API and of calls: the real storage, the real state machine of accounts,
//! providers that follow a script, and a clock, randomness and failures that the test decides.
//!
//! The same tests run over two transports: the router in this process, on SQLite; and with
//! `RETINUE_TRANSPORT=workerd` HTTP against workerd, as users reach the product. What only the first can show
//! is marked [`native_only!`].

#![allow(dead_code, reason = "several test binaries share it, and none uses all of it")]
#![allow(unused_imports, reason = "see above")]

mod accounts;
mod api;
mod backups;
pub mod disk;
mod dispatch;
mod faults;
mod knowledge;
mod objects;
mod replies;
mod sqlite;
mod threads;
mod transport;
mod upstream;
mod workerd;
mod world;

pub use accounts::FakeAccounts;
pub use api::{Api, Call, Reply, Tenant};
pub use dispatch::FakeDispatch;
pub use faults::{Faults, When};
pub use knowledge::FakeKnowledge;
pub use objects::Objects;
pub use replies::FakeReplies;
pub use sqlite::Sqlite;
pub use threads::FakeThreads;
pub use transport::{Transport, is_workerd};
pub use upstream::{Asked, FakeUpstream, Script, Turn};
pub use workerd::variables;
pub use world::{FakeWorld, MASTER_KEY, NOON, OPERATOR, settings};

/// The first statement of a test that the router alone can pass, and why. `scripts/test http` skips it and
/// tells of it.
#[allow(unused_macros, reason = "see above")]
macro_rules! native_only {
    ($why:literal) => {
        assert!(!crate::support::is_workerd(), "native only: {}", $why);
    };
}
pub(crate) use native_only;
