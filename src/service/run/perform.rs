//! An effect of a thread's object, performed at least once.

use super::{step, tools};
use crate::domain::thread::effect::{Effect, Outcome};
use crate::ports::{Performed, World};
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
        Effect::CancelChild { .. } | Effect::Report { .. } => Outcome::Done,
    };
    object.ended(&id, outcome);
}
