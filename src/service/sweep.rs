//! The sweep: every few minutes some accounts' objects are looked after, whether or not anybody calls.
//!
//! An object that has something to do later sets an alarm, and the platform is known to lose alarms: one that
//! is past due can stay dead until somebody calls the object. So a clock of the platform's wakes the objects
//! in turn, the accounts in the order of their ids, and continues where it stopped. With `n` accounts each is
//! visited once in `⌊n / 900⌋ + 1` firings; that is how late a lost alarm is noticed at most.

use futures_util::{StreamExt, stream};

use crate::domain::admission::ask::Wake;
use crate::domain::ids::AccountId;
use crate::ports::{Accounts, Sweep, Unavailable, World};
use crate::service::App;
use crate::service::declared::carry_all;

/// How many accounts one firing visits: each takes a request, of which the platform allows an invocation
/// 1,000.
pub const AT_ONCE: u32 = 900;
/// How many requests are under way together.
const TOGETHER: usize = 32;

/// Wakes the objects whose turn it is. What fails is logged, and tried again in the next round.
pub async fn sweep<W: World>(app: &App<W>) {
    let accounts = match next(app.world.directory()).await {
        Ok(accounts) => accounts,
        Err(error) => return app.world.log(&format!("no sweep: {error}")),
    };
    let wakes = accounts.iter().map(|account| app.world.accounts().ask(*account, Wake));
    if let Err(error) = carry_all(app).await {
        app.world.log(&format!("no outbox: {error}"));
    }
    let failures: Vec<_> =
        stream::iter(wakes).buffer_unordered(TOGETHER).filter_map(async |woken| woken.err()).collect().await;
    if let Some(first) = failures.first() {
        app.world.log(&format!("{} of {} objects were not woken: {first}", failures.len(), accounts.len()));
    }
}

/// Whose turn it is. The next firing continues behind them whatever becomes of this one, so that an object on
/// which a firing ends does not keep it from all others for ever.
async fn next(directory: &impl Sweep) -> Result<Vec<AccountId>, Unavailable> {
    let accounts = directory.next(AT_ONCE).await?;
    let is_full = accounts.len() >= AT_ONCE as usize;
    directory.visited(accounts.last().copied().filter(|_| is_full)).await?;
    Ok(accounts)
}
