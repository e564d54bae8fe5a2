//! One use case per file, async over the ports. A service decides nothing that `domain/` can decide and knows no
//! status code; it orders the steps and says what went wrong.

use std::sync::Arc;

use crate::ports::World;

use self::declared::{KindList, Kinds, Serves};

pub mod account;
pub mod agents;
pub mod authenticate;
pub mod backup;
mod batch;
pub mod budgets;
pub mod cache;
pub mod call;
mod change;
pub mod changes;
mod claims;
pub mod create_account;
pub mod declared;
pub mod denied;
pub mod dispatched;
mod ends;
pub mod failure;
pub mod flags;
pub mod keys;
pub mod ledger;
pub mod memories;
pub mod page;
pub mod precondition;
pub mod profile;
mod retry;
pub mod run;
pub mod settlements;
pub mod sweep;
pub mod threads;
pub mod tool;
mod unexpected;
pub mod users;
pub mod webhook;
mod write_through;

/// What every use case is given: the world, what this isolate remembers of the directory, and what it
/// has yet to send to the accounts' objects.
#[derive(Clone)]
pub struct App<W: World> {
    pub world: W,
    pub cache: Arc<cache::Cache>,
    pub settlements: Arc<settlements::Settlements>,
    pub admissions: Arc<call::admissions::Admissions>,
    /// What calls that begin here have passed: this deployment.
    via: call::via::Via,
    kinds: fn() -> Vec<&'static dyn Serves<W>>,
}

impl<W: World> App<W> {
    pub fn new(world: W, cache: Arc<cache::Cache>) -> Self {
        Self::with_kinds::<Kinds>(world, cache)
    }

    /// With other declared kinds than the product's.
    pub fn with_kinds<L: KindList>(world: W, cache: Arc<cache::Cache>) -> Self {
        let kinds = declared::serving::<W, L>;
        let via = call::via::Via::of_deployment(world.settings());
        Self { world, cache, settlements: Arc::default(), admissions: Arc::default(), via, kinds }
    }

    /// The declared kinds.
    pub fn kinds(&self) -> Vec<&'static dyn Serves<W>> {
        (self.kinds)()
    }
}
