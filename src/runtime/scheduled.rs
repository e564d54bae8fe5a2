//! The platform's clock: what `crons` in `wrangler.toml` fires.

use std::sync::Arc;

use worker::{Env, ScheduleContext, ScheduledEvent, console_error, event};

use super::world::EdgeWorld;
use crate::ports::World;
use crate::service::{App, sweep};

/// Looks after the accounts' objects, see [`sweep`].
#[event(scheduled)]
async fn scheduled(_: ScheduledEvent, env: Env, _: ScheduleContext) {
    let world = match EdgeWorld::new(&env) {
        Ok(world) => world,
        Err(error) => return console_error!("no sweep: {error}"),
    };
    if world.settings().is_maintenance {
        return;
    }
    sweep::sweep(&App::new(world, Arc::default())).await;
}
