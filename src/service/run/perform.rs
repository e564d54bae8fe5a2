//! An effect of a thread's object, performed at least once.

use serde_json::{Value, json};

use super::{compact, step, tools};
use crate::domain::admission::command::Settle;
use crate::domain::dispatch::command as index;
use crate::domain::ids::AccountId;
use crate::domain::money::Nanos;
use crate::domain::run::compaction::Slid;
use crate::domain::run::happening::Fault;
use crate::domain::run::state::Failure;
use crate::domain::run::word::{Ended, Word};
use crate::domain::thread::command::{Answer, Command, Who};
use crate::domain::thread::effect::{CompactionCall, Effect, ForLedger, ModelCall, Outcome, Report};
use crate::domain::thread::id::EntryId;
use crate::domain::time::Millis;
use crate::ports::{Accounts, Dispatch, Performed, ThreadOf, Threads, Unavailable, Wanted, World};
use crate::service::retry::Policy;
use crate::service::unexpected::name_of;
use crate::service::{App, ends, settlements};

/// How often another thread's object is asked at once; the thread has it asked again later.
const WORDS: Policy = Policy { tries: 4, first_pause_ms: 500, most_ms: 2_000, jitter_percent: 25 };
/// Performs an effect, and says how it ended.
pub async fn perform<W: World>(app: &App<W>, object: &impl Performed, effect: &Effect) {
    let id = effect.id();
    let outcome = match effect {
        Effect::Model { run, step, attempt } => {
            return ask(app, object, &id, object.model_call(*run, *step, *attempt)).await;
        }
        Effect::Compact { run, nth } => {
            return sum_up(app, object, &id, object.compaction(*run, *nth)).await;
        }
        Effect::Tool { run, entry, attempt } => match object.tool_call(*run, *entry, *attempt) {
            Ok(Some(call)) => tools::call(app, object, &id, call).await,
            Ok(None) => Outcome::Done,
            Err(error) => {
                // Watchers read why.
                let journal = json!({ "started_at": app.world.now(), "error": error.to_string() });
                Outcome::NotMade { why: "the call could not be read".to_owned(), journal }
            }
        },
        Effect::CancelChild { account, call } => {
            let child = ThreadOf { account: *account, thread: call.child().thread };
            let reason = format!("the run {} needs it no more", call.run);
            insist(app, child, &Command::Abandon(reason)).await
        }
        Effect::LookAtChild { account, call, .. } => look(app, *account, *call).await,
        Effect::Tell { account, call, word, .. } => tell(app, *account, *call, word.clone()).await,
        Effect::Report { run } => report(app, object, *run).await,
        Effect::Deliver { .. } => deliver(app, object).await,
        Effect::Settle { .. } => settle(app, object).await,
    };
    end(app, object, &id, outcome).await;
}

/// Says how an effect has ended, until that is written; whether it was open.
async fn end<W: World>(app: &App<W>, object: &impl Performed, id: &str, outcome: Outcome) -> bool {
    let was_open = ends::said(app, id, || object.ended(id, outcome.clone())).await;
    if was_open.is_none() {
        object.let_go(id);
    }
    was_open.unwrap_or_default()
}

/// Asks the model. Where the thread does not keep the call's settlement, it is delivered from here.
async fn ask<W: World>(app: &App<W>, object: &impl Performed, id: &str, wanted: Wanted<ModelCall>) {
    let call = match wanted {
        Ok(Some(call)) => call,
        unwanted => {
            let unread = unwanted.err().map(|error| unread(app.world.now(), &error));
            end(app, object, id, unread.unwrap_or(Outcome::Done)).await;
            return;
        }
    };
    let account = call.account;
    let outcome = step::ask(app, object, id, call).await;
    end_call(app, object, id, (account, outcome)).await;
}

/// The same, asking for a summary.
async fn sum_up<W: World>(app: &App<W>, object: &impl Performed, id: &str, wanted: Wanted<CompactionCall>) {
    let outcome = match wanted {
        Ok(Some(call)) => {
            let account = call.account;
            let outcome = compact::sum_up(app, object, id, call).await;
            return end_call(app, object, id, (account, outcome)).await;
        }
        Ok(None) => Outcome::Done,
        Err(error) => unread_thread(app.world.now(), &error),
    };
    end(app, object, id, outcome).await;
}

/// Says how a call of a model has ended.
async fn end_call<W: World>(
    app: &App<W>,
    object: &impl Performed,
    id: &str,
    (account, outcome): (AccountId, Outcome),
) {
    let settled = outcome.settlement().map(|record| record.call);
    if !end(app, object, id, outcome).await
        && let Some(call) = settled
    {
        settlements::deliver_kept(app, account, call);
    }
}

/// A step whose transcript cannot be read: it is tried again, as one is that no provider answers.
fn unread(now: Millis, error: &Unavailable) -> Outcome {
    let (fault, journal) = unreadable(now, error);
    Outcome::Unanswered { fault, cost: Nanos::ZERO, journal, settlement: None, used: None }
}

/// The same of what is to be summed up.
fn unread_thread(now: Millis, error: &Unavailable) -> Outcome {
    let (fault, journal) = unreadable(now, error);
    let slid = Slid { horizon: None, why: "the transcript cannot be read".to_owned() };
    let (fault, journal) = (Some(fault), Some(journal));
    Outcome::NotCompacted { slid, fault, cost: Nanos::ZERO, journal, settlement: None }
}

fn unreadable(now: Millis, error: &Unavailable) -> (Fault, Value) {
    let failure = Failure::new("unavailable", format!("The transcript cannot be read: {error}"));
    let journal = json!({ "started_at": now, "error": &failure.message });
    (Fault::Transient { failure, at: None, broke_off: None }, journal)
}

/// Tells the run above how one has ended.
async fn report<W: World>(app: &App<W>, object: &impl Performed, run: u32) -> Outcome {
    match object.report(run) {
        Ok(None) => Outcome::Done,
        Ok(Some(Report { account, call, ended })) => tell(app, account, call, Word::Ended(ended)).await,
        Err(error) => {
            app.world.log(&format!("how run {run} has ended cannot be read: {error}"));
            Outcome::Undelivered
        }
    }
}

/// Tells the run above something.
async fn tell<W: World>(app: &App<W>, account: AccountId, call: EntryId, word: Word) -> Outcome {
    insist(app, ThreadOf { account, thread: call.run.thread }, &Command::Hear(call, word)).await
}

/// Asks another thread's object. That the thread is not there any more is an answer.
async fn insist<W: World>(app: &App<W>, thread: ThreadOf, command: &Command) -> Outcome {
    let mut tries = WORDS.begin();
    loop {
        match app.world.threads().ask(thread, command.clone()).await {
            Ok(_) => return Outcome::Done,
            Err(error) => app.world.log(&format!("a thread does not hear another: {error}")),
        }
        if !tries.again(&app.world).await {
            return Outcome::Undelivered;
        }
    }
}

/// Asks a child how it is. It may be over, and its word not have come.
async fn look<W: World>(app: &App<W>, account: AccountId, call: EntryId) -> Outcome {
    let child = call.child();
    let of = ThreadOf { account, thread: child.thread };
    match app.world.threads().ask(of, Command::Run(Who::Account, child.number)).await {
        Ok(Answer::NotFound) => Outcome::ChildLost,
        // Its own word says what may still come: until then all that it was given.
        Ok(Answer::Run(view)) if view.status.is_final() => Outcome::ChildEnded(view.ended(Ended::UNKNOWN)),
        _ => Outcome::Done,
    }
}

/// The account's index learns what the thread is now.
async fn deliver<W: World>(app: &App<W>, object: &impl Performed) -> Outcome {
    let Ok(Some((account, delivery))) = object.delivery() else { return Outcome::Undelivered };
    let has_voices = delivery.delivered.as_ref().is_some_and(|delivered| !delivered.voices.is_empty());
    match app.world.dispatch().ask(account, index::Command::Deliver(delivery)).await {
        Ok(index::Answer::Heard) => Outcome::Done,
        Ok(index::Answer::Delivered) if !has_voices => Outcome::Done,
        Ok(other) => {
            app.world.log(&format!("the index of {account} answered {} to a delivery", name_of(&other)));
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
    let Ok(Some(ForLedger { account, ended, deleted, children })) = object.for_ledger() else {
        return Outcome::Undelivered;
    };
    let accounts = app.world.accounts();
    let reached = async {
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
    match reached.await {
        Ok(()) => Outcome::Done,
        Err(error) => {
            app.world.log(&format!("the ledger of {account} or a child was not reached: {error}"));
            Outcome::Undelivered
        }
    }
}
