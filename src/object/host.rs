//! The loop that all objects share: load → decide → write → answer → perform effects → wake.
//!
//! The rules, which the tests under `tests/object/` check on a disk that fails:
//!
//! 1. A decision is written before anything counts on it. There is no wait between the two, so no other command sees a
//!    state that the disk might not get. [`Durability`] says what an answer waits for.
//! 2. If a write fails, the memory that decided it is dropped; the next command loads what the disk has. Nothing else drops
//!    memory: an error of reading leaves it as it is. What no disk has ever had passes on ([`Machine::inherit`]).
//! 3. An effect is a row before it is performed, and its row is written together with what decided it. A restart offers
//!    every open effect to the machine again. One that another row implies needs none ([`Machine::owed`]). The end of an
//!    effect that is unknown or has ended changes nothing; one that could not be written is said again. Who performs an
//!    effect outlives a failed write, so that the memory after it offers none that is being performed.
//! 4. The alarm is set after every write and every load, and again where the one that was set is overdue.
//!
//! The host itself waits for nothing and calls nobody: each method leaves in [`Host::take_todo`] what is to
//! be done outside. Its caller does that at once, without a wait in between.

use std::collections::BTreeSet;

use futures_channel::oneshot;

use super::core::Core;
use super::machine::{Answered, Decision, Durability, Effect, EffectId, Effects, Machine, Moment};
use super::sql::{Error, Sql};
use super::store::{dump, steps};
pub use super::todo::{CommandReply, Later, Reply, Timer, Todo, TodoOf};
use crate::domain::time::Millis;

/// An alarm that should have rung so long ago is dead: the platform is known to lose some.
const OVERDUE_MS: i64 = 10_000;

/// When the object looks again whether it can leave memory.
const LEAVE_MS: i64 = 5_000;

/// An object's machine over its store, and what the host knows besides.
pub struct Host<M: Machine, S> {
    pub(super) sql: S,
    /// `None` before the first command, and after a write has failed.
    pub(super) core: Option<Core<M>>,
    /// The machine whose write has failed, for its heir.
    fallen: Option<M>,
    /// Effects with a row that somebody performs in this life of the object.
    performed: BTreeSet<EffectId>,
    /// Answered by the next write. Dropping one says that it failed.
    pub(super) waiting: Vec<oneshot::Sender<()>>,
    is_gathering: bool,
    is_watching: bool,
    /// The alarm that is set, as far as this instance knows.
    pub(super) alarm_at: Option<Millis>,
    /// Until when a dump waits for its next page.
    pub(super) dumping: Option<Millis>,
    /// See [`Host::held`].
    pub(super) is_held: bool,
    /// See [`Machine::empties`].
    pub(super) is_nobodys: bool,
    pub(super) todo: TodoOf<M>,
}

impl<M: Machine, S: Sql> Host<M, S> {
    pub fn new(sql: S) -> Self {
        Self {
            sql,
            core: None,
            fallen: None,
            performed: BTreeSet::new(),
            waiting: Vec::new(),
            is_gathering: false,
            is_watching: false,
            alarm_at: None,
            dumping: None,
            is_held: false,
            is_nobodys: false,
            todo: Todo::default(),
        }
    }

    /// What is to be done since the last time.
    pub fn take_todo(&mut self) -> TodoOf<M> {
        self.todo.is_void = self.is_void();
        self.todo.leaves = self.may_leave();
        self.todo.unwanted = self.unwanted();
        std::mem::take(&mut self.todo)
    }

    fn unwanted(&self) -> Vec<EffectId> {
        let open = self.core.iter().flat_map(|core| core.open.iter().map(move |open| (core, open)));
        let unwanted =
            open.filter(|(core, (id, what))| self.performed.contains(*id) && !core.machine.wants(what));
        unwanted.map(|(_, (id, _))| id.clone()).collect()
    }

    /// Answers a command.
    pub fn command(&mut self, command: M::Command, moment: &mut Moment<'_>) -> CommandReply<M::Answer> {
        match self.decide(command, moment) {
            Ok(reply) => reply,
            Err(error) => Reply::Now(Err(self.fail(error))),
        }
    }

    /// A timer rang.
    pub fn rang(&mut self, timer: Timer, moment: &mut Moment<'_>) {
        match timer {
            Timer::Gather => self.is_gathering = false,
            Timer::Quiet => self.is_watching = false,
        }
        // Nothing in memory: nothing that the disk has not.
        if self.core.is_none() {
            return;
        }
        if let Err(error) = self.write(moment.now) {
            self.fail(error);
        }
    }

    /// The alarm rang.
    ///
    /// # Errors
    /// [`Error`]; the platform must ring again.
    pub fn wake(&mut self, moment: &mut Moment<'_>) -> Result<(), Error> {
        // It is set again below, if there is more to do.
        self.alarm_at = None;
        self.look(moment).map_err(|error| self.fail(error))
    }

    /// The alarm could not be set: whatever comes next sets it.
    pub const fn alarm_failed(&mut self) {
        self.alarm_at = Some(Millis(0));
    }

    /// An effect has ended; whether it was open.
    ///
    /// # Errors
    /// [`Error`]; its end was not written, and must be said again.
    pub fn ended(&mut self, id: &str, outcome: M::Outcome, moment: &mut Moment<'_>) -> Result<bool, Error> {
        self.end(id, outcome, moment).map_err(|error| self.fail(error))
    }

    /// Nobody performs this effect any more, and how it ended could not be written: it is as if the object had died of it. What
    /// others perform may still end.
    pub fn let_go(&mut self, id: &str) {
        self.performed.remove(id);
        self.fall();
    }

    /// Something became known of an effect; whether the effect is open.
    ///
    /// # Errors
    /// What became known: nothing can be read, and it must be said again. What is taken and cannot be written is not.
    pub fn progress(
        &mut self,
        id: &str,
        progress: M::Progress,
        moment: &mut Moment<'_>,
    ) -> Result<bool, M::Progress> {
        match self.load(moment) {
            Ok(was_cold) => self.arm_after(was_cold, moment.now),
            Err(error) => {
                self.fail(error);
                return Err(progress);
            }
        }
        let Some(core) = &mut self.core else { return Ok(false) };
        let Some(effect) = core.open.get(id).or_else(|| core.owed.get(id)) else { return Ok(false) };
        if core.machine.progress(effect, progress, moment) == Durability::Now {
            if let Err(error) = self.write(moment.now) {
                self.fail(error);
            }
            return Ok(true);
        }
        self.todo.events.extend(core.machine.take_events());
        self.gather();
        Ok(true)
    }

    /// Reads what an effect needs to be performed.
    ///
    /// # Errors
    /// [`Error`].
    pub fn look_at<T>(
        &mut self,
        moment: &mut Moment<'_>,
        read: impl FnOnce(&M, &S) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let was_cold = self.load(moment).map_err(|error| self.fail(error))?;
        self.arm_after(was_cold, moment.now);
        let (core, sql) = self.loaded()?;
        read(&core.machine, sql)
    }

    fn decide(
        &mut self,
        command: M::Command,
        moment: &mut Moment<'_>,
    ) -> Result<CommandReply<M::Answer>, Error> {
        if self.core.is_none()
            && let Some(answer) = M::absent(&command)
            && steps::is_empty(&self.sql)?
        {
            self.is_nobodys = M::empties(&command);
            return Ok(Reply::Now(Ok(answer)));
        }
        let was_cold = match self.load(moment) {
            Err(error @ Error::Decode(_)) => return self.unloaded(command, error),
            loaded => loaded?,
        };
        let (core, sql) = self.loaded()?;
        let Decision { answer, durability, effects } = core.machine.decide(sql, command, moment)?;
        core.decided.extend(effects);
        if durability == Durability::Now || core.must_write() {
            self.write(moment.now)?;
        } else {
            self.gather();
            self.arm_after(was_cold, moment.now);
        }
        let answer = match answer {
            Answered::Ready(answer) => answer,
            Answered::Read(query) => self.read(query)?,
        };
        // What gathered may be on the disk already, and then no write would answer.
        let must_wait = durability == Durability::Gathered && self.is_dirty();
        Ok(if must_wait { self.wait(answer) } else { Reply::Now(Ok(answer)) })
    }

    fn unloaded(&mut self, command: M::Command, error: Error) -> Result<CommandReply<M::Answer>, Error> {
        let Some(answer) = M::unloaded(&self.sql, command, &mut self.todo.log) else { return Err(error) };
        self.todo.log.push(error.to_string());
        Ok(Reply::Now(answer))
    }

    fn wait(&mut self, answer: M::Answer) -> CommandReply<M::Answer> {
        let (sender, written) = oneshot::channel();
        self.waiting.push(sender);
        Reply::Later(Later { written, answer })
    }

    fn read(&mut self, query: M::Query) -> Result<M::Answer, Error> {
        let mut log = Vec::new();
        let (core, sql) = self.loaded()?;
        let answer = core.machine.read(sql, query, &mut log);
        self.todo.log.extend(log);
        answer
    }

    pub(super) fn look(&mut self, moment: &mut Moment<'_>) -> Result<(), Error> {
        self.load(moment)?;
        self.end_dump(moment.now)?;
        let (core, _) = self.loaded()?;
        core.decided.extend(core.machine.wake(moment));
        self.write(moment.now)?;
        let (core, _) = self.loaded()?;
        let again = core.machine.again(moment.now).into_iter();
        let again = again.filter_map(|id| Some(Effect { what: core.open.get(&id)?.clone(), id })).collect();
        self.perform(again);
        Ok(())
    }

    fn end(&mut self, id: &str, outcome: M::Outcome, moment: &mut Moment<'_>) -> Result<bool, Error> {
        let was_cold = self.load(moment)?;
        let (core, _) = self.loaded()?;
        let open = core.open.get_key_value(id).map(|(id, _)| id);
        if open.is_some_and(|id| core.machine.puts_off(id, &outcome, moment.now)) {
            self.performed.remove(id);
            self.arm(moment.now);
            return Ok(true);
        }
        let ended = core.end(id);
        match &ended {
            Some(effect) => {
                core.decided.extend(core.machine.ended(effect, outcome, moment));
                self.write(moment.now)?;
            }
            None => self.arm_after(was_cold, moment.now),
        }
        self.performed.remove(id);
        Ok(ended.is_some())
    }

    /// Fills memory where it is empty, and offers the open effects again; whether it was empty.
    pub(super) fn load(&mut self, moment: &mut Moment<'_>) -> Result<bool, Error> {
        if self.core.is_some() {
            return Ok(false);
        }
        self.is_nobodys = false;
        let Self { sql, fallen, performed, todo, .. } = self;
        let (core, again) = Core::<M>::load(sql, fallen, performed, &mut todo.log, moment)?;
        self.core = Some(core);
        self.dumping = dump::until(&self.sql)?;
        let is_due = self.core.as_ref().is_some_and(Core::must_write);
        if is_due {
            self.write(moment.now)?;
        } else {
            self.owe(moment.now);
            self.gather();
        }
        self.perform(again);
        Ok(true)
    }

    fn perform(&mut self, effects: Effects<M>) {
        self.performed.extend(effects.iter().map(|effect| effect.id.clone()));
        self.todo.effects.extend(effects);
    }

    pub(super) fn loaded(&mut self) -> Result<(&mut Core<M>, &S), Error> {
        let nothing = || Error::Storage("the object has nothing in memory".to_owned());
        self.core.as_mut().map(|core| (core, &self.sql)).ok_or_else(nothing)
    }

    /// Writes all that memory has and the disk has not, all of it or nothing; then those who wait are
    /// answered, and what was decided is performed.
    pub(super) fn write(&mut self, now: Millis) -> Result<(), Error> {
        if let Some(core) = &mut self.core {
            match core.write(&self.sql, now) {
                Ok(effects) => {
                    self.todo.events.extend(core.machine.take_events());
                    self.perform(effects);
                }
                Err(error) => {
                    self.fall();
                    return Err(error);
                }
            }
        }
        for sender in self.waiting.drain(..) {
            // A caller that has left needs no answer.
            let _ = sender.send(());
        }
        self.owe(now);
        self.arm(now);
        Ok(())
    }

    fn owe(&mut self, now: Millis) {
        let owed = self.core.as_mut().map(|core| core.owe(now));
        self.todo.effects.extend(owed.unwrap_or_default());
    }

    /// Sees to it that what memory has and the disk has not is written soon.
    fn gather(&mut self) {
        if self.is_dirty() && !self.is_gathering {
            self.is_gathering = true;
            self.todo.timers.push(Timer::Gather);
        }
    }

    /// Where nothing was written: after a load, and where the alarm that was set is dead.
    fn arm_after(&mut self, was_cold: bool, now: Millis) {
        if was_cold || self.alarm_at.is_some_and(|set| is_overdue(set, now)) {
            self.arm(now);
        }
    }

    /// An alarm that rings too early costs one look; one that is missing leaves undone what is due.
    pub(super) fn arm(&mut self, now: Millis) {
        let Some(core) = &self.core else { return };
        if core.machine.has_reserve() && !self.is_watching {
            self.is_watching = true;
            self.todo.timers.push(Timer::Quiet);
        }
        let leave_at = core.footprint.is_in_log.then(|| now.plus(LEAVE_MS));
        let wake_at = [core.machine.wake_at(), self.dumping, leave_at].into_iter().flatten().min();
        let Some(wake_at) = wake_at else { return };
        let at = wake_at.max(now);
        if self.alarm_at.is_some_and(|set| set <= at && !is_overdue(set, now)) {
            return;
        }
        self.alarm_at = Some(at);
        self.todo.alarm = Some(at);
    }

    /// Whether memory has what the disk has not.
    fn is_dirty(&self) -> bool {
        self.core.as_ref().is_some_and(|core| core.machine.is_dirty() || core.must_write())
    }

    /// A write has failed: memory and disk differ.
    fn fall(&mut self) {
        if let Some(core) = self.core.take() {
            self.fallen = Some(core.machine);
        }
        self.waiting.clear();
        // An alarm of this write may never have been set.
        self.alarm_at = None;
    }

    /// What was decided before an error is still to be written.
    pub(super) fn fail(&mut self, error: Error) -> Error {
        self.gather();
        self.todo.log.push(error.to_string());
        error
    }
}

fn is_overdue(alarm: Millis, now: Millis) -> bool {
    alarm.plus(OVERDUE_MS) <= now
}
