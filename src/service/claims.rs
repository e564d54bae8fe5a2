//! Room in the account's plan, claimed from its index before something is made. Only where the plan limits it: else nobody is
//! asked.

use std::fmt::Write;

use crate::domain::dispatch::claim::{Begins, Claim};
use crate::domain::dispatch::command::{Answer, Command};
use crate::domain::ids::AccountId;
use crate::domain::plan::{KeepLimit, KeepLimits};
use crate::domain::thread::id::{RunId, ThreadKey};
use crate::ports::{Dispatch, Unavailable, World};
use crate::service::unexpected::name_of;

use super::App;

/// What is about to be made.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub account: AccountId,
    pub thread: ThreadKey,
    /// The thread is made where it is not there, and is one that is kept.
    pub makes_thread: bool,
    pub begins: Begins,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Room {
    /// Nothing of it is limited.
    Free,
    /// Under this name, until the index learns of what was made.
    Claimed(String),
    /// This limit leaves none, and what it is.
    Full(KeepLimit, u32),
}

/// Claims room.
///
/// # Errors
/// [`Unavailable`]: whether there is room is not known.
pub async fn claim<W: World>(app: &App<W>, wanted: Wanted, limits: KeepLimits) -> Result<Room, Unavailable> {
    let Wanted { account, thread, makes_thread, begins } = wanted;
    let is_limited = limits.storage_mb.is_some()
        || makes_thread && limits.threads.is_some()
        || begins != Begins::Nothing && limits.runs_at_once.is_some();
    if !is_limited {
        return Ok(Room::Free);
    }
    let id = name(app.world.random());
    let claim = Claim { id: id.clone(), thread, makes_thread, begins, limits };
    match app.world.dispatch().ask(account, Command::Claim(claim)).await? {
        Answer::Claimed => Ok(Room::Claimed(id)),
        Answer::Full(which, most) => Ok(Room::Full(which, most)),
        other => Err(Unavailable(format!("the index answered {} to a claim", name_of(&other)))),
    }
}

fn name(bytes: [u8; 16]) -> String {
    bytes.iter().fold(String::new(), |mut name, byte| {
        let _ = write!(name, "{byte:02x}");
        name
    })
}

/// Says what became of a claim: this run, which may have been there before, or nothing. It need not arrive: a claim ends by
/// itself.
pub async fn settle<W: World>(app: &App<W>, account: AccountId, room: &Room, run: Option<RunId>) {
    let Room::Claimed(id) = room else { return };
    if let Err(error) = app.world.dispatch().ask(account, Command::Settle(id.clone(), run)).await {
        app.world.log(&format!("a claim ends when its time is up: {error}"));
    }
}
