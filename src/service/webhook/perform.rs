//! An effect of a dispatch object, performed at least once.

use super::{disable, send};
use crate::domain::dispatch::effect::{Effect, Outcome};
use crate::ports::{Dispatched, World};
use crate::service::App;
use crate::service::retry::Policy;

/// How often it is said how an effect has ended, where that cannot be written: for about a minute.
const ENDS: Policy = Policy { tries: 12, first_pause_ms: 100, most_ms: 10_000, jitter_percent: 25 };

/// Performs an effect, and says how it ended.
pub async fn perform<W: World>(app: &App<W>, object: &impl Dispatched, effect: &Effect) {
    let id = effect.id();
    let outcome = match effect {
        Effect::Send { notice, .. } => send::send(app, object, &id, notice).await,
        Effect::Disable { account, webhook, url, why } => {
            disable::disable(app, *account, webhook, url, why).await
        }
    };
    end(app, object, &id, outcome).await;
}

/// Says how an effect has ended, until that is written.
async fn end<W: World>(app: &App<W>, object: &impl Dispatched, id: &str, outcome: Outcome) {
    let mut tries = ENDS.begin();
    while let Err(error) = object.ended(id, outcome.clone()) {
        app.world.log(&format!("the end of {id} is not written: {error}"));
        if !tries.again(&app.world).await {
            return object.let_go(id);
        }
    }
}
