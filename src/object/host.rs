//! The loop that all objects share: load → decide → write → answer → perform effects → wake.
//!
//! The rules, which the tests under `tests/object/` break one by one on a disk that fails:
//!
//! 1. A decision is written before anything counts on it. There is no wait between the two, so no other command sees a
//!    state that the disk might not get; [`Durability`] says what an answer waits for.
//! 2. What fails to be written is thrown away with the memory that believed in it; the next command loads what the disk has.
//! 3. An effect is a row before it is performed, and its row goes in the write that holds what came of it. A restart offers
//!    every open effect to the machine again; the end of one that is unknown or has ended changes nothing.
//! 4. The alarm is set after every write and every load, and set again where the one that was set is overdue.
//!
//! The host itself waits for nothing and calls nobody: each of its methods leaves in [`Host::take_todo`] what is to be done
//! outside. Whoever runs it does that at once, without a wait in between.

use std::collections::BTreeMap;

use futures_channel::oneshot;

use super::machine::{Answered, Decision, Durability, Effect, EffectId, Machine, Moment, Resumption};
use super::sql::{Error, Sql};
use super::store::effects;
use super::store::steps;
use crate::domain::time::Millis;

/// An alarm that should have rung so long ago is dead: the platform is known to lose some.
const OVERDUE_MS: i64 = 10_000;

/// When the host wants to be called again, see [`Host::rang`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// What has gathered is to be written.
    Gather,
    /// Nothing may have come since the last write.
    Quiet,
}

impl Timer {
    /// How long it runs, in milliseconds. `Gather`: how long settlements and holds gather before they are written together.
    /// `Quiet`: longer than it takes an agent to count as idle ([`crate::domain::admission`]'s second).
    pub const fn ms(self) -> u64 {
        match self {
            Self::Gather => 200,
            Self::Quiet => 1_100,
        }
    }
}

/// What is to be done outside, now.
#[derive(Debug)]
pub struct Todo<E> {
    /// To be started; the host is called back when one rings.
    pub timers: Vec<Timer>,
    /// When the alarm is to ring instead of before.
    pub alarm: Option<Millis>,
    /// To be performed. They are on the disk.
    pub effects: Vec<Effect<E>>,
    /// For whoever operates the platform.
    pub log: Vec<String>,
}

impl<E> Default for Todo<E> {
    fn default() -> Self {
        Self { timers: Vec::new(), alarm: None, effects: Vec::new(), log: Vec::new() }
    }
}

/// An answer, or where it will come.
#[derive(Debug)]
pub enum Reply<A> {
    Now(Result<A, Error>),
    /// With the next write; an error when that fails, or when the host is gone.
    Later(Later<A>),
}

/// An answer that waits for a write.
#[derive(Debug)]
pub struct Later<A> {
    written: oneshot::Receiver<()>,
    answer: A,
}

impl<A> Later<A> {
    /// # Errors
    /// [`Error::Storage`] when the write failed.
    pub async fn wait(self) -> Result<A, Error> {
        match self.written.await {
            Ok(()) => Ok(self.answer),
            Err(_) => Err(Error::Storage("what was to be answered was not written".to_owned())),
        }
    }
}

/// An object's machine over its store, and what the host knows besides.
pub struct Host<M: Machine, S> {
    sql: S,
    /// `None` before the first command, and after a write has failed.
    core: Option<Core<M>>,
    /// Answered by the next write. Dropping one says that it failed.
    waiting: Vec<oneshot::Sender<()>>,
    is_gathering: bool,
    is_watching: bool,
    /// The alarm that is set, as far as this instance knows.
    alarm_at: Option<Millis>,
    todo: Todo<M::Effect>,
}

/// What a restart loads.
struct Core<M: Machine> {
    machine: M,
    /// Effects on the disk.
    open: BTreeMap<EffectId, M::Effect>,
    /// To be written, then performed.
    decided: Vec<Effect<M::Effect>>,
    /// On the disk and to be removed.
    ended: Vec<EffectId>,
}

impl<M: Machine, S: Sql> Host<M, S> {
    pub fn new(sql: S) -> Self {
        Self {
            sql,
            core: None,
            waiting: Vec::new(),
            is_gathering: false,
            is_watching: false,
            alarm_at: None,
            todo: Todo::default(),
        }
    }

    /// What is to be done since the last time.
    pub fn take_todo(&mut self) -> Todo<M::Effect> {
        std::mem::take(&mut self.todo)
    }

    /// Answers a command.
    pub fn command(&mut self, command: M::Command, moment: &mut Moment<'_>) -> Reply<M::Answer> {
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

    /// The alarm rang, or somebody looks whether it should have.
    ///
    /// # Errors
    /// [`Error`]; the platform must ring again.
    pub fn wake(&mut self, moment: &mut Moment<'_>) -> Result<(), Error> {
        // Whether or not it was the alarm: it is set anew below.
        self.alarm_at = None;
        self.look(moment).map_err(|error| self.fail(error))
    }

    /// The alarm could not be set.
    pub const fn alarm_failed(&mut self) {
        self.alarm_at = None;
    }

    /// An effect has ended; whether it was open.
    ///
    /// # Errors
    /// [`Error`]; its end was not written, and must be said again.
    pub fn ended(&mut self, id: &str, outcome: M::Outcome, moment: &mut Moment<'_>) -> Result<bool, Error> {
        self.end(id, outcome, moment).map_err(|error| self.fail(error))
    }

    fn decide(&mut self, command: M::Command, moment: &mut Moment<'_>) -> Result<Reply<M::Answer>, Error> {
        self.load(moment)?;
        let (core, sql) = self.loaded()?;
        let Decision { answer, durability, effects } = core.machine.decide(sql, command, moment)?;
        core.decided.extend(effects);
        if durability == Durability::Now || core.must_write() {
            self.write(moment.now)?;
        } else {
            self.gather();
        }
        let answer = match answer {
            Answered::Ready(answer) => answer,
            Answered::Read(query) => self.read(query)?,
        };
        // What gathered may be on the disk already, and then no write would answer.
        let must_wait = durability == Durability::Gathered && self.is_dirty();
        Ok(if must_wait { self.wait(answer) } else { Reply::Now(Ok(answer)) })
    }

    fn wait(&mut self, answer: M::Answer) -> Reply<M::Answer> {
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

    fn look(&mut self, moment: &mut Moment<'_>) -> Result<(), Error> {
        self.load(moment)?;
        let (core, _) = self.loaded()?;
        core.decided.extend(core.machine.wake(moment));
        self.write(moment.now)
    }

    fn end(&mut self, id: &str, outcome: M::Outcome, moment: &mut Moment<'_>) -> Result<bool, Error> {
        self.load(moment)?;
        let (core, _) = self.loaded()?;
        let Some(what) = core.open.remove(id) else { return Ok(false) };
        let effect = Effect { id: id.to_owned(), what };
        core.decided.extend(core.machine.ended(&effect, outcome, moment));
        core.ended.push(effect.id);
        self.write(moment.now).map(|()| true)
    }

    /// Fills memory where it is empty; then the open effects are offered again. The alarm is seen to, also where memory is
    /// full and the alarm is dead.
    fn load(&mut self, moment: &mut Moment<'_>) -> Result<(), Error> {
        if self.core.is_none() {
            let core = Core::load(&self.sql, &mut self.todo, moment)?;
            let must_write = core.must_write();
            self.core = Some(core);
            if must_write { self.write(moment.now)? } else { self.arm(moment.now) }
        } else if self.alarm_at.is_some_and(|set| is_overdue(set, moment.now)) {
            self.arm(moment.now);
        }
        Ok(())
    }

    fn loaded(&mut self) -> Result<(&mut Core<M>, &S), Error> {
        let nothing = || Error::Storage("the object has nothing in memory".to_owned());
        self.core.as_mut().map(|core| (core, &self.sql)).ok_or_else(nothing)
    }

    /// Writes all that memory has and the disk has not, all of it or nothing; then whoever waits is answered, and what
    /// was decided is performed.
    fn write(&mut self, now: Millis) -> Result<(), Error> {
        if let Some(core) = &mut self.core {
            self.todo.effects.extend(core.write(&self.sql, now)?);
        }
        for sender in self.waiting.drain(..) {
            // Whoever has left wants no answer.
            let _ = sender.send(());
        }
        self.arm(now);
        Ok(())
    }

    /// Sees to it that what memory has and the disk has not is written soon.
    fn gather(&mut self) {
        if self.is_dirty() && !self.is_gathering {
            self.is_gathering = true;
            self.todo.timers.push(Timer::Gather);
        }
    }

    /// An alarm that rings too early costs one look; one that is missing leaves undone what is due.
    fn arm(&mut self, now: Millis) {
        let Some(core) = &self.core else { return };
        if core.machine.is_settling() && !self.is_watching {
            self.is_watching = true;
            self.todo.timers.push(Timer::Quiet);
        }
        let Some(wake_at) = core.machine.wake_at() else { return };
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

    /// What an error means for memory. One of decoding changed nothing; after any other, memory and disk may have
    /// parted, and memory goes.
    fn fail(&mut self, error: Error) -> Error {
        if let Error::Storage(_) = error {
            self.core = None;
            self.waiting.clear();
            // An alarm of this write may never have been set.
            self.alarm_at = None;
        }
        self.todo.log.push(error.to_string());
        error
    }
}

fn is_overdue(alarm: Millis, now: Millis) -> bool {
    alarm.plus(OVERDUE_MS) <= now
}

impl<M: Machine> Core<M> {
    fn load(sql: &impl Sql, todo: &mut Todo<M::Effect>, moment: &mut Moment<'_>) -> Result<Self, Error> {
        steps::migrate(sql, M::STEPS)?;
        let machine = M::load(sql, moment.now)?;
        let mut core = Self { machine, open: BTreeMap::new(), decided: Vec::new(), ended: Vec::new() };
        for effect in effects::load(sql, &mut todo.log)? {
            match core.machine.resumed(&effect, moment) {
                Resumption::Again => {
                    core.open.insert(effect.id.clone(), effect.what.clone());
                    todo.effects.push(effect);
                }
                Resumption::Ended(next) => {
                    core.ended.push(effect.id);
                    core.decided.extend(next);
                }
            }
        }
        Ok(core)
    }

    /// Whether there are effects to be written.
    const fn must_write(&self) -> bool {
        !self.decided.is_empty() || !self.ended.is_empty()
    }

    /// The effects that may be performed now.
    fn write(&mut self, sql: &impl Sql, now: Millis) -> Result<Vec<Effect<M::Effect>>, Error> {
        if !self.must_write() && !self.machine.is_dirty() && !self.machine.is_settling() {
            return Ok(Vec::new());
        }
        sql.atomically(&mut || {
            self.machine.write(sql, now)?;
            self.ended.iter().try_for_each(|id| effects::delete(sql, id))?;
            self.decided.iter().try_for_each(|effect| effects::insert(sql, effect))
        })?;
        self.ended.clear();
        let decided = std::mem::take(&mut self.decided);
        self.open.extend(decided.iter().map(|effect| (effect.id.clone(), effect.what.clone())));
        Ok(decided)
    }
}
