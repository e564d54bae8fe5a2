//! An effect of a thread's object, performed at least once.

use super::{step, tools};
use crate::domain::admission::command::Settle;
use crate::domain::dispatch::command as index;
use crate::domain::ids::AccountId;
use crate::domain::money::Nanos;
use crate::domain::run::word::Word;
use crate::domain::thread::command::{Answer, Command, Who};
use crate::domain::thread::effect::{Effect, ForLedger, Outcome, Report};
use crate::domain::thread::id::EntryId;
use crate::ports::{Accounts, Dispatch, Performed, ThreadOf, Threads, Unavailable, World};
use crate::service::{App, settlements};

/// The pauses between attempts to reach another thread's object: the first, and the longest. Each is twice as long as the one before.
const FIRST_PAUSE_MS: u64 = 500;
const MAX_PAUSE_MS: u64 = 16_000;
/// After so many attempts, some ten minutes, the row is left for the object's next life.
const MAX_ATTEMPTS: u32 = 40;

/// Performs an effect, and says how it ended.
pub async fn perform<W: World>(app: &App<W>, object: &impl Performed, effect: &Effect) {
    let id = effect.id();
    let outcome = match effect {
        Effect::Model { run, .. } => return ask(app, object, &id, *run).await,
        Effect::Tool { run, entry, .. } => match object.tool_call(*run, *entry) {
            Some(call) => tools::call(app, object, &id, call).await,
            None => Outcome::Done,
        },
        Effect::CancelChild { account, call } => {
            let child = ThreadOf { account: *account, thread: call.child().thread };
            let reason = format!("the run {} needs it no more", call.run);
            if !insist(app, child, &Command::Abandon(reason)).await {
                return;
            }
            Outcome::Done
        }
        Effect::LookAtChild { account, call, .. } => look(app, *account, *call).await,
        Effect::Tell { account, call, word, .. } => {
            if !tell(app, *account, *call, word.clone()).await {
                return;
            }
            Outcome::Done
        }
        Effect::Report { run } => {
            if let Some(Report { account, call, ended }) = object.report(*run)
                && !tell(app, account, call, Word::Ended(ended)).await
            {
                return;
            }
            Outcome::Done
        }
        Effect::Deliver { .. } => deliver(app, object).await,
        Effect::Settle { .. } => settle(app, object).await,
    };
    object.ended(&id, outcome);
}

/// Asks the model. Where the thread does not keep the call's settlement, it is delivered from here.
async fn ask<W: World>(app: &App<W>, object: &impl Performed, id: &str, run: u32) {
    let Some(call) = object.model_call(run) else {
        object.ended(id, Outcome::Done);
        return;
    };
    let account = call.account;
    let outcome = step::ask(app, object, id, call).await;
    let settled = outcome.settlement().map(|record| record.call);
    if !object.ended(id, outcome)
        && let Some(call) = settled
    {
        settlements::deliver_kept(app, account, call);
    }
}

/// Tells the run above something.
async fn tell<W: World>(app: &App<W>, account: AccountId, call: EntryId, word: Word) -> bool {
    insist(app, ThreadOf { account, thread: call.run.thread }, &Command::Hear(call, word)).await
}

/// Asks another thread's object until it answers; whether it did. That the thread is not there any more is an answer.
async fn insist<W: World>(app: &App<W>, thread: ThreadOf, command: &Command) -> bool {
    let mut pause = FIRST_PAUSE_MS;
    for _ in 0..MAX_ATTEMPTS {
        match app.world.threads().ask(thread, command.clone()).await {
            Ok(_) => return true,
            Err(error) => app.world.log(&format!("a thread does not hear another: {error}")),
        }
        app.world.sleep(pause).await;
        pause = (pause * 2).min(MAX_PAUSE_MS);
    }
    false
}

/// Asks a child how it is. It may be over, and its word not have come.
async fn look<W: World>(app: &App<W>, account: AccountId, call: EntryId) -> Outcome {
    let child = call.child();
    let of = ThreadOf { account, thread: child.thread };
    match app.world.threads().ask(of, Command::Run(Who::Account, child.number)).await {
        Ok(Answer::NotFound) => Outcome::ChildLost,
        // Its own word says better what may still come: until then all that it was given.
        Ok(Answer::Run(view)) if view.status.is_final() => Outcome::ChildEnded(view.ended(Nanos::MAX)),
        _ => Outcome::Done,
    }
}

/// The account's index learns what the thread is now.
async fn deliver<W: World>(app: &App<W>, object: &impl Performed) -> Outcome {
    let Some((account, delivery)) = object.delivery() else { return Outcome::Undelivered };
    match app.world.dispatch().ask(account, index::Command::Deliver(delivery)).await {
        Ok(index::Answer::Delivered) => Outcome::Done,
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

/// The account's ledger learns of calls that have ended, and whose run was deleted.
async fn settle<W: World>(app: &App<W>, object: &impl Performed) -> Outcome {
    let Some(ForLedger { account, ended, deleted, children }) = object.for_ledger() else {
        return Outcome::Undelivered;
    };
    let accounts = app.world.accounts();
    let told = async {
        if !ended.is_empty() {
            accounts.ask(account, Settle { records: ended.clone() }).await?;
            app.settlements.confirm(account, &ended);
        }
        if let Some(forget) = deleted {
            accounts.ask(account, forget).await?;
        }
        for thread in children {
            let child = ThreadOf { account, thread };
            app.world.threads().ask(child, Command::Delete(Who::Account)).await?;
        }
        Ok::<_, Unavailable>(())
    };
    match told.await {
        Ok(()) => Outcome::Done,
        Err(error) => {
            app.world.log(&format!("the ledger of {account} or a child was not reached: {error}"));
            Outcome::Undelivered
        }
    }
}
