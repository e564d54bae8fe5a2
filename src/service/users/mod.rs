//! The persons whom an account's agents talk to: all that is kept of one is exported or erased, or a legal hold keeps it.
//!
//! | file | what it is |
//! |---|---|
//! | [`export`] | all that is kept of a person, as one document |

pub mod export;

use crate::domain::dispatch::command::{Answer, Command, Erase, Whose};
use crate::domain::erasure::{Hold, MAX_REASON, Receipt};
use crate::domain::field_error::FieldErrors;
use crate::domain::ids::{AccountId, ErasureId};
use crate::domain::memory::shelf::check_user;
use crate::domain::time::Millis;
use crate::ports::{Dispatch, Unavailable, World};
use crate::service::App;
use crate::service::authenticate::Session;
use crate::service::failure::{Failure, Thing};
use crate::service::page::{Page, Request};
use crate::service::unexpected::name_of;

/// Erases all that is kept of a person and is there by now. It goes on by itself; the receipt says how far it is.
///
/// # Errors
/// [`Failure`]: [`Failure::Held`].
pub async fn erase<W: World>(app: &App<W>, session: &Session, user: &str) -> Result<Receipt, Failure> {
    let user = named(user)?;
    let id = ErasureId::new(app.world.now(), app.world.random());
    let account = session.account.id;
    let erase = Erase { id, account, user, by: session.key.id.to_string() };
    match ask(app, account, Command::Erase(erase)).await? {
        Answer::Erasure(receipt) => Ok(*receipt),
        Answer::Held => Err(Failure::Held),
        other => Err(unexpected(&other)),
    }
}

/// # Errors
/// [`Failure`].
pub async fn erasure<W: World>(app: &App<W>, session: &Session, id: &str) -> Result<Receipt, Failure> {
    let missing = Failure::Missing(Thing::Erasure);
    let Some(id) = ErasureId::parse(id) else { return Err(missing) };
    match ask(app, session.account.id, Command::Erasure(id)).await? {
        Answer::Erasure(receipt) => Ok(*receipt),
        Answer::NoSuchErasure => Err(missing),
        other => Err(unexpected(&other)),
    }
}

/// A page of erasures, newest first.
///
/// # Errors
/// [`Failure`].
pub async fn erasures<W: World>(
    app: &App<W>,
    session: &Session,
    page: &Request,
) -> Result<Page<Receipt>, Failure> {
    let cut = page.parse(ErasureId::parse)?;
    match ask(app, session.account.id, Command::Erasures(cut.after, cut.limit())).await? {
        Answer::Erasures(rows, has_more) => {
            let next_cursor = rows.last().filter(|_| has_more).map(|last| last.id.to_string());
            Ok(Page { rows, next_cursor })
        }
        other => Err(unexpected(&other)),
    }
}

/// Places a hold, or gives it another reason.
///
/// # Errors
/// [`Failure`].
pub async fn hold<W: World>(
    app: &App<W>,
    session: &Session,
    user: &str,
    reason: Option<String>,
) -> Result<Hold, Failure> {
    let user = named(user)?;
    let mut errors = FieldErrors::default();
    if let Some(reason) = &reason {
        errors.length("reason", reason, 1, MAX_REASON);
    }
    errors.finish()?;
    let hold = Hold { user, reason, placed_by: session.key.id.to_string(), placed_at: Millis(0) };
    match ask(app, session.account.id, Command::Hold(hold)).await? {
        Answer::Hold(hold) => Ok(hold),
        other => Err(unexpected(&other)),
    }
}

/// # Errors
/// [`Failure`].
pub async fn show_hold<W: World>(app: &App<W>, session: &Session, user: &str) -> Result<Hold, Failure> {
    let user = named(user)?;
    match ask(app, session.account.id, Command::ShowHold(user)).await? {
        Answer::Hold(hold) => Ok(hold),
        Answer::NotHeld => Err(Failure::Missing(Thing::Hold)),
        other => Err(unexpected(&other)),
    }
}

/// What was stopped by the hold goes on.
///
/// # Errors
/// [`Failure`].
pub async fn release<W: World>(app: &App<W>, session: &Session, user: &str) -> Result<(), Failure> {
    match ask(app, session.account.id, Command::Release(named(user)?)).await? {
        Answer::Released(true) => Ok(()),
        Answer::Released(false) => Err(Failure::Missing(Thing::Hold)),
        other => Err(unexpected(&other)),
    }
}

/// A page of holds, in the order of the users.
///
/// # Errors
/// [`Failure`].
pub async fn holds<W: World>(app: &App<W>, session: &Session, page: &Request) -> Result<Page<Hold>, Failure> {
    let cut = page.parse(|cursor| Some(cursor.to_owned()))?;
    let command = Command::Holds(cut.after.clone(), cut.fetch());
    match ask(app, session.account.id, command).await? {
        Answer::Holds(rows) => Ok(cut.page(rows, |hold| hold.user.clone())),
        other => Err(unexpected(&other)),
    }
}

/// Whether something may be deleted or given to somebody else.
///
/// # Errors
/// [`Unavailable`].
pub async fn may_go<W: World>(app: &App<W>, account: AccountId, whose: Whose) -> Result<bool, Unavailable> {
    match app.world.dispatch().ask(account, Command::MayGo(whose)).await? {
        Answer::MayGo => Ok(true),
        Answer::Held => Ok(false),
        other => Err(Unavailable(format!("an index answered {}", name_of(&other)))),
    }
}

fn named(user: &str) -> Result<String, Failure> {
    let mut errors = FieldErrors::default();
    check_user(&mut errors, user);
    errors.finish()?;
    Ok(user.to_owned())
}

async fn ask<W: World>(app: &App<W>, account: AccountId, command: Command) -> Result<Answer, Unavailable> {
    app.world.dispatch().ask(account, command).await
}

fn unexpected(answer: &Answer) -> Failure {
    Failure::Unavailable(Unavailable(format!("an index answered {answer:?}")))
}
