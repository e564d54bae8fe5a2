//! Backups of objects: which there are, and the pages of each.
//!
//! Of an account the index comes first, then the threads, and the ledger last, so that each knows no less than those before it
//! did: every thread that the index lists is dumped, and every call that a thread has paid for is in the ledger. What the index
//! does not know yet, the threads tell it again when they are restored.

use crate::domain::backup::command::{Answer, Command, Cursor, Page as Dumped, Part};
use crate::domain::backup::name::ObjectName;
use crate::domain::dispatch::command::{Answer as Said, Command as OfIndex};
use crate::domain::ids::AccountId;
use crate::domain::thread::id::ThreadKey;
use crate::ports::{AccountRef, AllAccounts, Backups, Dispatch, Unavailable, World};
use crate::service::unexpected::name_of;

use super::App;
use super::failure::{Failure, Thing};
use super::page::{Page, Request};

/// Why an object is not dumped or restored.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("there is no such object")]
    Nameless,
    /// The dump is over, and is begun again.
    #[error("the dump is over")]
    Lost,
    /// Objects are restored while nothing else is asked of them.
    #[error("the deployment is not in maintenance")]
    NotInMaintenance,
    #[error("the object is not empty")]
    NotEmpty,
    #[error("the dump is of code that knows more than {known} steps")]
    TooNew { known: u32 },
    #[error("page {next} comes next")]
    OutOfTurn { next: u32 },
    #[error("{0}")]
    Unfit(String),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// A page of the objects of one account, or of all.
///
/// # Errors
/// [`Failure`].
pub async fn list<W: World>(
    app: &App<W>,
    account: Option<&str>,
    page: &Request,
) -> Result<Page<ObjectName>, Failure> {
    let only = match account {
        None => None,
        Some(named) => {
            let missing = || Failure::Missing(Thing::Account);
            let named = AccountRef::parse(named).ok_or_else(missing)?;
            Some(app.world.directory().account(&named).await?.ok_or_else(missing)?.id)
        }
    };
    let cut = page.parse(ObjectName::parse)?;
    let wanted = cut.fetch() as usize;
    let (mut found, mut last) = (Vec::new(), cut.after.clone());
    while found.len() < wanted {
        let more = behind(app, only, last.as_ref(), cut.fetch()).await?;
        let Some(name) = more.last() else { break };
        last = Some(name.clone());
        found.extend(more);
    }
    found.truncate(wanted);
    Ok(cut.page(found, ObjectName::to_string))
}

/// Objects that come right behind this one: one at least, unless it is the last.
async fn behind<W: World>(
    app: &App<W>,
    only: Option<AccountId>,
    last: Option<&ObjectName>,
    most: u32,
) -> Result<Vec<ObjectName>, Unavailable> {
    let next = match last {
        Some(ObjectName::Dispatch(account)) => threads(app, *account, None, most).await?,
        Some(ObjectName::Thread(account, key)) => threads(app, *account, Some(*key), most).await?,
        Some(ObjectName::Knowledge(account, place)) => {
            memories(app, *account, Some(place.name().to_owned()), most).await?
        }
        Some(ObjectName::Account(account)) if only.is_none() => first_behind(app, Some(*account)).await?,
        Some(ObjectName::Account(_)) => Vec::new(),
        None => match only {
            Some(account) => vec![ObjectName::Dispatch(account)],
            None => first_behind(app, None).await?,
        },
    };
    Ok(next)
}

async fn first_behind<W: World>(
    app: &App<W>,
    account: Option<AccountId>,
) -> Result<Vec<ObjectName>, Unavailable> {
    let next = app.world.directory().accounts_behind(account, 1).await?;
    Ok(next.into_iter().map(ObjectName::Dispatch).collect())
}

async fn threads<W: World>(
    app: &App<W>,
    account: AccountId,
    after: Option<ThreadKey>,
    most: u32,
) -> Result<Vec<ObjectName>, Unavailable> {
    match app.world.dispatch().ask(account, OfIndex::Threads(after, most)).await? {
        Said::Threads(keys) if keys.is_empty() => memories(app, account, None, most).await,
        Said::Threads(keys) => Ok(keys.into_iter().map(|key| ObjectName::Thread(account, key)).collect()),
        other => Err(Unavailable(format!("the index answered {} to a list of threads", name_of(&other)))),
    }
}

/// The objects that keep memories, and behind them the account's own.
async fn memories<W: World>(
    app: &App<W>,
    account: AccountId,
    after: Option<String>,
    most: u32,
) -> Result<Vec<ObjectName>, Unavailable> {
    match app.world.dispatch().ask(account, OfIndex::Places(after, most)).await? {
        Said::Places(names) if names.is_empty() => Ok(vec![ObjectName::Account(account)]),
        Said::Places(names) => Ok(names.iter().filter_map(|name| ObjectName::parse(name)).collect()),
        other => Err(Unavailable(format!("the index answered {} to a list of places", name_of(&other)))),
    }
}

/// A page of an object's dump; with no steps where nothing was ever written in it.
///
/// # Errors
/// [`Refusal`].
pub async fn dump<W: World>(
    app: &App<W>,
    object: &str,
    cursor: Option<Cursor>,
) -> Result<Box<Dumped>, Refusal> {
    let object = ObjectName::parse(object).ok_or(Refusal::Nameless)?;
    match app.world.backups().ask(&object, Command::Dump(cursor)).await? {
        Answer::Page(page) => Ok(page),
        Answer::Empty => Ok(Box::new(Dumped { steps: 0, rows: Vec::new(), next: None })),
        other => Err(refused(other)),
    }
}

/// Takes a page into an object that is empty; whether it is whole.
///
/// # Errors
/// [`Refusal`].
pub async fn restore<W: World>(app: &App<W>, object: &str, part: Part) -> Result<bool, Refusal> {
    let object = ObjectName::parse(object).ok_or(Refusal::Nameless)?;
    if !app.world.settings().is_maintenance {
        return Err(Refusal::NotInMaintenance);
    }
    match app.world.backups().ask(&object, Command::Restore(part)).await? {
        Answer::Taken => Ok(false),
        Answer::Restored => Ok(true),
        other => Err(refused(other)),
    }
}

fn refused(answer: Answer) -> Refusal {
    match answer {
        Answer::Lost => Refusal::Lost,
        Answer::NotEmpty => Refusal::NotEmpty,
        Answer::TooNew { known } => Refusal::TooNew { known },
        Answer::OutOfTurn { next } => Refusal::OutOfTurn { next },
        Answer::Unfit(words) => Refusal::Unfit(words),
        Answer::Page(_) | Answer::Empty | Answer::Taken | Answer::Restored => {
            Refusal::Unavailable(Unavailable("the object answers another question".to_owned()))
        }
    }
}
