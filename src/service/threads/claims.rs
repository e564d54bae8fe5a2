//! Room for threads and runs, in the plan of their account.

use super::{Error, Visitor};
use crate::domain::dispatch::claim::Begins;
use crate::domain::field_error::FieldError;
use crate::domain::plan::KeepLimits;
use crate::domain::thread::command::{OnBusy, Start};
use crate::domain::thread::id::{RunId, ThreadKey};
use crate::ports::{Directory, Plans, World};
use crate::service::App;
use crate::service::claims::{self, Room, Wanted};

impl Visitor {
    async fn keeps<W: World>(&self, app: &App<W>) -> Result<KeepLimits, Error> {
        match &self.bundle {
            Some(bundle) => Ok(bundle.keeps),
            None => Ok(app.world.directory().tenant(self.account).limits().await?.keeps),
        }
    }

    async fn room<W: World>(
        &self,
        app: &App<W>,
        thread: ThreadKey,
        makes_thread: bool,
        begins: Begins,
    ) -> Result<Room, Error> {
        let wanted = Wanted { account: self.account, thread, makes_thread, begins };
        Ok(claims::claim(app, wanted, self.keeps(app).await?).await?)
    }

    /// Room for a thread, or for what is said in it.
    ///
    /// # Errors
    /// [`Error::PlanFull`].
    pub(super) async fn claim<W: World>(
        &self,
        app: &App<W>,
        thread: ThreadKey,
        makes_thread: bool,
    ) -> Result<Room, Error> {
        match self.room(app, thread, makes_thread, Begins::Nothing).await? {
            Room::Full(which, most) => Err(Error::PlanFull(which, most)),
            room => Ok(room),
        }
    }

    /// Room for a run. Where there is none, one that began under the same key answers all the same.
    ///
    /// # Errors
    /// [`Error::PlanFull`].
    pub(super) async fn claim_run<W: World>(&self, app: &App<W>, start: &mut Start) -> Result<Room, Error> {
        let makes_thread = start.may_make && start.thread.throw_away.is_none();
        let room = self.room(app, start.thread.key, makes_thread, Begins::Run).await?;
        if let Room::Full(which, most) = room {
            if !self.is_once() {
                return Err(Error::PlanFull(which, most));
            }
            // First, where another version of the agent leaves it.
            start.faults.insert(0, FieldError { field: String::new(), message: which.name().to_owned() });
        }
        Ok(room)
    }

    /// What came of a run for which room was claimed. One that begins anew the index learns of by itself.
    pub(super) async fn settle<W: World>(
        &self,
        app: &App<W>,
        room: &Room,
        on_busy: OnBusy,
        run: Result<RunId, &Error>,
    ) {
        let may_be_another = self.is_once() || matches!(on_busy, OnBusy::Steer | OnBusy::Merge);
        match run {
            // It may have begun though nothing was answered.
            Err(Error::Unavailable(_)) => {}
            Err(_) => claims::settle(app, self.account, room, None).await,
            Ok(run) if may_be_another => claims::settle(app, self.account, room, Some(run)).await,
            Ok(_) => {}
        }
    }
}

/// The refusal of a run for which there was no room, and which has not begun before.
pub(super) fn full(error: Error, room: &Room) -> Error {
    match (error, room) {
        (Error::Invalid(faults), Room::Full(which, most)) => {
            let others: Vec<_> = faults.into_iter().filter(|fault| !fault.field.is_empty()).collect();
            if others.is_empty() { Error::PlanFull(*which, *most) } else { Error::Invalid(others) }
        }
        (error, _) => error,
    }
}
