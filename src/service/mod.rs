//! One use case per file, async over the ports. A service decides nothing that `domain/` can decide and knows no
//! status code; it orders the steps and says what went wrong.

use std::sync::Arc;

use crate::ports::World;

pub mod cache;

/// What every use case is given: the world, and what this isolate remembers of the directory.
#[derive(Clone)]
pub struct App<W> {
    pub world: W,
    pub cache: Arc<cache::Cache>,
}

impl<W: World> App<W> {
    pub const fn new(world: W, cache: Arc<cache::Cache>) -> Self {
        Self { world, cache }
    }
}
