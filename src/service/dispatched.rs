//! An effect of a dispatch object, performed at least once.

use super::webhook::{disable, send};
use super::{App, ends};
use crate::domain::dispatch::command::Command as OfIndex;
use crate::domain::dispatch::effect::{Cleared, Effect, Outcome};
use crate::domain::ids::AccountId;
use crate::domain::knowledge::Place;
use crate::domain::knowledge::command as knowledge;
use crate::domain::memory::shelf::Shelf;
use crate::domain::thread::command::{Answer, Clear, Command};
use crate::domain::thread::id::ThreadKey;
use crate::domain::time::Millis;
use crate::ports::{Dispatch, Dispatched, Knowledge, ThreadOf, Threads, Unavailable, World};
use crate::service::unexpected::name_of;

/// Performs an effect, and says how it ended.
pub async fn perform<W: World>(app: &App<W>, object: &impl Dispatched, effect: &Effect) {
    let id = effect.id();
    let outcome = match effect {
        Effect::Send { notice, .. } => send::send(app, object, &id, notice).await,
        Effect::Clear { account, thread, clear, .. } => {
            outcome_of(app, clear_thread(app, *account, *thread, clear).await)
        }
        Effect::Forget { account, user, until, .. } => {
            outcome_of(app, forget(app, *account, user, *until).await)
        }
        Effect::Count { account, name, .. } => match count(app, *account, name).await {
            Ok(counted) => Outcome::Counted(counted),
            Err(error) => {
                app.world.log(&format!("memories are counted later: {error}"));
                Outcome::Undone
            }
        },
        Effect::Disable { account, webhook, url, why } => {
            disable::disable(app, *account, webhook, url, why).await
        }
    };
    if ends::said(app, &id, || object.ended(&id, outcome.clone())).await.is_none() {
        object.let_go(&id);
    }
}

fn outcome_of<W: World>(app: &App<W>, cleared: Result<Cleared, Unavailable>) -> Outcome {
    match cleared {
        Ok(cleared) => Outcome::Cleared(cleared),
        Err(error) => {
            app.world.log(&format!("something is erased later: {error}"));
            Outcome::Undone
        }
    }
}

async fn clear_thread<W: World>(
    app: &App<W>,
    account: AccountId,
    thread: ThreadKey,
    clear: &Clear,
) -> Result<Cleared, Unavailable> {
    match app.world.threads().ask(ThreadOf { account, thread }, Command::Clear(clear.clone())).await? {
        Answer::Deleted => Ok(Cleared { threads: 1, is_gone: true, ..Cleared::default() }),
        // The index has yet to learn of it.
        Answer::NotFound => Ok(Cleared { is_gone: true, ..Cleared::default() }),
        Answer::Cleared(runs) => Ok(Cleared { runs, ..Cleared::default() }),
        Answer::Hushed(items) => Ok(Cleared { items, ..Cleared::default() }),
        other => Err(Unavailable(format!("a thread answered {}", name_of(&other)))),
    }
}

/// All that was remembered of a person by then goes, and with the last of it the name of the object that kept it.
async fn forget<W: World>(
    app: &App<W>,
    account: AccountId,
    user: &str,
    until: Millis,
) -> Result<Cleared, Unavailable> {
    let place = Shelf::User(user.to_owned()).place(account);
    let erased = match app.world.knowledge().ask(&place, knowledge::Command::EraseUntil(until)).await? {
        knowledge::Answer::Erased(counted) => counted,
        other => return Err(Unavailable(format!("a knowledge object answered {}", name_of(&other)))),
    };
    let name = place.name().to_owned();
    // Of what there was. Who writes there later counts from a later moment on.
    let version = if erased.version > 0 { erased.version } else { app.world.now().0.max(0).cast_unsigned() };
    let left = count(app, account, &name).await?;
    let noted = match left.memories {
        0 => OfIndex::Emptied(name, version),
        _ => OfIndex::Counted(name, left, None),
    };
    app.world.dispatch().ask(account, noted).await?;
    Ok(Cleared { memories: u32::try_from(erased.memories).unwrap_or(u32::MAX), ..Cleared::default() })
}

async fn count<W: World>(
    app: &App<W>,
    account: AccountId,
    name: &str,
) -> Result<knowledge::Tally, Unavailable> {
    let nobodys = || Unavailable("an object of another account is named".to_owned());
    let place = Place::parse(account, name).ok_or_else(nobodys)?;
    match app.world.knowledge().ask(&place, knowledge::Command::Count).await? {
        knowledge::Answer::Counted(counted) => Ok(counted.tally()),
        other => Err(Unavailable(format!("a knowledge object answered {}", name_of(&other)))),
    }
}
