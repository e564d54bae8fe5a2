//! The sweep: every few minutes some accounts' objects are looked after, whether or not anybody calls.
//!
//! An object that has something to do later sets an alarm, and the platform is known to lose alarms: one that
//! is past due can stay dead until somebody calls the object. So a clock of the platform's wakes the objects
//! in turn, the accounts in the order of their ids, and continues where it stopped. With `n` accounts each is
//! visited once in `⌊n / 400⌋ + 1` firings; that is how late a lost alarm is noticed at most.
//!
//! An account's index knows when its threads' objects are awake next, and names those that are overdue; they are woken. Not
//! here: threads of a single call, which are never overdue. Where a plan or an agent says for how many days threads are kept that
//! nothing changes, the index is told so by the same request, and has those deleted whose time is up.
//!
//! A change of a flag for all accounts travels in the same way, by advancing their epochs one after the other: what
//! isolates have in memory is read again from the next call on. That is two requests for an account, and looks after
//! its object as well; so meanwhile nobody is woken besides. It takes `⌊n / 450⌋ + 1` firings.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};

use crate::domain::admission::ask::Wake;
use crate::domain::dispatch::command::{Answer, Command as OfIndex, Retain};
use crate::domain::ids::AccountId;
use crate::domain::thread::command::Command;
use crate::ports::{
    Accounts, AllFlags, Dispatch, KeepDays, Rollout, Sweep, ThreadOf, Threads, Unavailable, World,
};
use crate::service::App;
use crate::service::declared::deliver_all;
use crate::service::unexpected::name_of;

/// How many accounts one firing visits: each takes two requests, of which the platform allows an invocation 1,000.
pub const AT_ONCE: u32 = 400;
/// How many threads one firing wakes, and at most of one account: 2 × 400 + 100 leaves some requests to the others.
pub const THREADS_AT_ONCE: usize = 100;
const THREADS_OF_ONE: u32 = 20;
/// How many requests are under way together.
const TOGETHER: usize = 32;

/// How many accounts one firing lets know of a change of flags.
pub const ROLLED_OUT_AT_ONCE: u32 = 450;

/// Carries what objects have yet to be told, and looks after the accounts whose turn it is.
pub async fn sweep<W: World>(app: &App<W>) {
    if let Err(error) = deliver_all(app).await {
        app.world.log(&format!("no outbox: {error}"));
    }
    match app.world.directory().rollout(ROLLED_OUT_AT_ONCE).await {
        Ok(Some(rollout)) => roll_out(app, &rollout).await,
        Ok(None) => wake(app).await,
        Err(error) => {
            app.world.log(&format!("flags are not rolled out: {error}"));
            wake(app).await;
        }
    }
}

/// Advances the epochs of the accounts whose turn it is. The next firing goes on before the first that failed; where that is
/// the very first of this one, behind it, lest it keep the others from theirs.
async fn roll_out<W: World>(app: &App<W>, rollout: &Rollout) {
    let advance = async |account: AccountId| app.write_through(account, std::future::ready(Ok(()))).await;
    let advanced: Vec<Result<(), Unavailable>> =
        stream::iter(rollout.accounts.iter().map(|account| advance(*account)))
            .buffered(TOGETHER)
            .collect()
            .await;
    if let Some(error) = advanced.iter().find_map(|advanced| advanced.as_ref().err()) {
        app.world.log(&format!("an account was not reached by a change of flags: {error}"));
    }
    let failed = advanced.iter().skip(1).position(Result::is_err);
    let last = failed.map_or(rollout.accounts.last(), |before| rollout.accounts.get(before)).copied();
    let is_done = failed.is_none() && rollout.accounts.len() < ROLLED_OUT_AT_ONCE as usize;
    if let Err(error) = app.world.directory().rolled_out(rollout, last.filter(|_| !is_done)).await {
        app.world.log(&format!("flags are rolled out again from {}: {error}", rollout.after));
    }
}

/// Wakes the objects whose turn it is. What fails is logged, and tried again in the next round.
async fn wake<W: World>(app: &App<W>) {
    let accounts = match next(app.world.directory()).await {
        Ok(accounts) => accounts,
        Err(error) => return app.world.log(&format!("no sweep: {error}")),
    };
    let wakes = accounts.iter().map(|account| app.world.accounts().ask(*account, Wake));
    let failures: Vec<_> =
        stream::iter(wakes).buffer_unordered(TOGETHER).filter_map(async |woken| woken.err()).collect().await;
    if let Some(first) = failures.first() {
        app.world.log(&format!("{} of {} objects were not woken: {first}", failures.len(), accounts.len()));
    }
    wake_threads(app, &accounts).await;
}

/// Wakes threads of these accounts that are overdue. Those for which there is no room are named again by the next visit.
async fn wake_threads<W: World>(app: &App<W>, accounts: &[AccountId]) {
    let rules = rules(app, accounts).await;
    let command = |account: AccountId| match rules.get(&account) {
        Some(retain) => OfIndex::Retain(retain.clone()),
        None => OfIndex::Overdue(THREADS_OF_ONE),
    };
    let named = async |account: AccountId| match app.world.dispatch().ask(account, command(account)).await {
        Ok(Answer::Overdue(threads)) => {
            Ok(threads.into_iter().map(|thread| ThreadOf { account, thread }).collect::<Vec<_>>())
        }
        Ok(other) => Err(Unavailable(format!("an index answers {}", name_of(&other)))),
        Err(error) => Err(error),
    };
    let named: Vec<_> = stream::iter(accounts.iter().map(|account| named(*account)))
        .buffer_unordered(TOGETHER)
        .collect()
        .await;
    let (named, missed): (Vec<_>, Vec<_>) = named.into_iter().partition(Result::is_ok);
    let threads: Vec<ThreadOf> = named.into_iter().flatten().flatten().collect();
    let wakes =
        threads.iter().take(THREADS_AT_ONCE).map(|thread| app.world.threads().ask(*thread, Command::Wake));
    let failed: Vec<Unavailable> =
        stream::iter(wakes).buffer_unordered(TOGETHER).filter_map(async |woken| woken.err()).collect().await;
    let first = missed.iter().find_map(|missed| missed.as_ref().err()).or(failed.first());
    if let Some(first) = first {
        let (indices, threads) = (missed.len(), failed.len());
        app.world.log(&format!("{indices} indices were not asked and {threads} threads not woken: {first}"));
    }
}

/// Which of these accounts delete threads that nothing changes, and when. Where that cannot be read, nothing is deleted this time.
async fn rules<W: World>(app: &App<W>, accounts: &[AccountId]) -> BTreeMap<AccountId, Retain> {
    let days = match app.world.directory().keep_days(accounts).await {
        Ok(days) => days,
        Err(error) => {
            app.world.log(&format!("no threads are deleted because of their age: {error}"));
            return BTreeMap::new();
        }
    };
    let mut rules = BTreeMap::new();
    for KeepDays { account, agent, days } in days {
        let none = || Retain { account, overdue: THREADS_OF_ONE, all: None, agents: Vec::new() };
        let rule = rules.entry(account).or_insert_with(none);
        match agent {
            None => rule.all = Some(days),
            Some(agent) => rule.agents.push((agent, days)),
        }
    }
    rules
}

/// Whose turn it is. The next firing continues behind them whatever becomes of this one, so that an object on
/// which a firing ends does not keep it from all others for ever.
async fn next(directory: &impl Sweep) -> Result<Vec<AccountId>, Unavailable> {
    let accounts = directory.next(AT_ONCE).await?;
    let is_full = accounts.len() >= AT_ONCE as usize;
    directory.visited(accounts.last().copied().filter(|_| is_full)).await?;
    Ok(accounts)
}
