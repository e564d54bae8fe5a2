//! An effect of a thread's object, performed at least once.

use super::{step, tools};
use crate::domain::dispatch::command::{Answer, Command};
use crate::domain::thread::effect::{Effect, Outcome};
use crate::ports::{Dispatch, Performed, World};
use crate::service::App;

/// Performs an effect, and says how it ended.
pub async fn perform<W: World>(app: &App<W>, object: &impl Performed, effect: &Effect) {
    let id = effect.id();
    let outcome = match effect {
        Effect::Model { run, .. } => match object.model_call(*run) {
            Some(call) => step::ask(app, object, &id, call).await,
            None => Outcome::Done,
        },
        Effect::Tool { run, entry, .. } => match object.tool_call(*run, *entry) {
            Some(call) => tools::call(app, object, &id, call).await,
            None => Outcome::Done,
        },
        Effect::Deliver { .. } => deliver(app, object).await,
        Effect::CancelChild { .. } | Effect::Report { .. } => Outcome::Done,
    };
    object.ended(&id, outcome);
}

/// The account's index learns what the thread is now.
async fn deliver<W: World>(app: &App<W>, object: &impl Performed) -> Outcome {
    let Some((account, delivery)) = object.delivery() else { return Outcome::Undelivered };
    match app.world.dispatch().ask(account, Command::Deliver(delivery)).await {
        Ok(Answer::Delivered) => Outcome::Done,
        Ok(other) => {
            app.world.log(&format!("the index of {account} answered {other:?} to a delivery"));
            Outcome::Undelivered
        }
        Err(error) => {
            app.world.log(&format!("the index of {account} was not reached: {error}"));
            Outcome::Undelivered
        }
    }
}
