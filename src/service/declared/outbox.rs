//! How objects hear of declared things: of each change that they keep a copy of, at least once.
//!
//! The change's batch leaves a row in the outbox. After the answer it is sent to the object that keeps the kind, which keeps the copy and
//! answers when it is on disk; then the row goes. What fails or dies in between is sent by the next change or by the
//! sweep. Until then the object goes on with what it has.

use crate::domain::admission::ask::Learn;
use crate::domain::admission::command::Learned;
use crate::domain::declared::Audience;
use crate::domain::dispatch::command::{Answer, Command};
use crate::domain::ids::AccountId;
use crate::ports::{Accounts, Declarations, Directory, Dispatch, Sweep, Unavailable, World};
use crate::service::App;
use crate::service::unexpected::name_of;

/// The most things in one command; each has at most 256 KiB.
const AT_ONCE: u32 = 100;
/// The most bytes of one command, unless a single thing has more: a value in an object's SQLite has at most 2 MB, and JSON
/// in JSON may be twice as long.
const MAX_BYTES: usize = 512 * 1024;
/// The most accounts of one sweep, and the most commands to one of them: three requests a command, of which the platform
/// allows an invocation 1,000 and waking the objects takes 900.
const ACCOUNTS: usize = 10;
const COMMANDS_OF_SWEEP: usize = 3;
/// Out of how many those accounts are drawn: some whose objects fail for long must not keep the others waiting.
const DRAWN_FROM: u32 = 200;
/// The most commands after an answer: an import of 1,000 things takes ten, more where they are large.
const COMMANDS: usize = 40;

/// Sends the account's object what it has not received, once the reply is on its way.
pub fn deliver_after_answer<W: World>(app: &App<W>, account: AccountId) {
    let later = app.clone();
    app.world.spawn(async move {
        if let Err(error) = deliver(&later, account, COMMANDS).await {
            later.world.log(&format!("account {account}: its object receives declarations later: {error}"));
        }
    });
}

/// Sends what could not be sent after an answer.
///
/// # Errors
/// [`Unavailable`], when the directory did not answer; an object that did not is logged.
pub(in crate::service) async fn deliver_all<W: World>(app: &App<W>) -> Result<(), Unavailable> {
    let mut accounts = app.world.directory().undelivered_accounts(DRAWN_FROM).await?;
    let [random] = app.world.random::<1>();
    let first = usize::from(random) % accounts.len().max(1);
    accounts.rotate_left(first);
    for account in accounts.into_iter().take(ACCOUNTS) {
        if let Err(error) = deliver(app, account, COMMANDS_OF_SWEEP).await {
            app.world.log(&format!("account {account}: its object could not receive declarations: {error}"));
        }
    }
    Ok(())
}

/// Sends what an object is to know for what is asked of it next.
///
/// # Errors
/// [`Unavailable`].
pub(in crate::service) async fn deliver_now<W: World>(
    app: &App<W>,
    account: AccountId,
) -> Result<(), Unavailable> {
    deliver(app, account, COMMANDS_OF_SWEEP).await
}

async fn deliver<W: World>(app: &App<W>, account: AccountId, commands: usize) -> Result<(), Unavailable> {
    let tenant = app.world.directory().tenant(account);
    for _ in 0..commands {
        let things = within(tenant.undelivered(AT_ONCE).await?);
        if things.is_empty() {
            break;
        }
        let (theirs, own): (Vec<_>, Vec<_>) =
            things.into_iter().partition(|thing| audience_of(app, thing) == Audience::Dispatch);
        let told = tell_account(app, account, &own).await;
        if told.is_ok() && !own.is_empty() {
            tenant.delivered(&own).await?;
        }
        if !theirs.is_empty() {
            tell_dispatch(app, account, &theirs).await?;
            tenant.delivered(&theirs).await?;
        }
        told?;
    }
    Ok(())
}

/// Which object keeps a thing; of a kind that this code does not know, the account's.
fn audience_of<W: World>(app: &App<W>, thing: &Learned) -> Audience {
    let kinds = app.kinds();
    let kind = kinds.iter().find(|kind| kind.facts().singular == thing.kind);
    kind.map_or(Audience::Account, |kind| kind.facts().audience)
}

async fn tell_account<W: World>(
    app: &App<W>,
    account: AccountId,
    things: &[Learned],
) -> Result<(), Unavailable> {
    if things.is_empty() {
        return Ok(());
    }
    app.world.accounts().ask(account, Learn(things.to_vec())).await
}

async fn tell_dispatch<W: World>(
    app: &App<W>,
    account: AccountId,
    things: &[Learned],
) -> Result<(), Unavailable> {
    match app.world.dispatch().ask(account, Command::Learn(account, things.to_vec())).await? {
        Answer::Learned => Ok(()),
        other => {
            Err(Unavailable(format!("a dispatch object answered {} to what it is to learn", name_of(&other))))
        }
    }
}

/// As many of the first as one command may have.
fn within(mut things: Vec<Learned>) -> Vec<Learned> {
    let mut bytes = 0;
    let fits = |thing: &Learned| {
        bytes += thing.body.as_ref().map_or(0, String::len);
        bytes <= MAX_BYTES
    };
    let most = things.iter().map(fits).take_while(|fits| *fits).count().max(1);
    things.truncate(most);
    things
}
