//! One use case per file, async over the ports. A service decides nothing that `domain/` can decide and knows no
//! status code; it orders the steps and says what went wrong.

use std::sync::Arc;

use crate::ports::World;

pub mod account;
pub mod agents;
pub mod aliases;
pub mod authenticate;
mod batch;
pub mod budgets;
pub mod cache;
pub mod call;
mod change;
pub mod changes;
pub mod create_account;
pub mod denied;
pub mod failure;
pub mod keys;
pub mod ledger;
pub mod members;
pub mod models;
pub mod page;
pub mod profile;
pub mod providers;
mod retry;
pub mod settlements;
pub mod sweep;
pub mod templates;
mod write_through;

/// What every use case is given: the world, what this isolate remembers of the directory, and what it
/// has yet to send to the accounts' objects.
#[derive(Clone)]
pub struct App<W> {
    pub world: W,
    pub cache: Arc<cache::Cache>,
    pub settlements: Arc<settlements::Settlements>,
    pub admissions: Arc<call::admissions::Admissions>,
}

impl<W: World> App<W> {
    pub fn new(world: W, cache: Arc<cache::Cache>) -> Self {
        Self { world, cache, settlements: Arc::default(), admissions: Arc::default() }
    }
}
