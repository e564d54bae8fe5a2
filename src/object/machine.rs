//! What an object must be able to do for [`super::host::Host`].

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::sql::{Error, Sql};
use super::store::scrub::Footprint;
use super::store::steps::Step;
use crate::domain::time::Millis;

/// When an answer may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// At once: what is on the disk covers it. What memory has beyond is written soon.
    Soon,
    /// After a write of its own.
    Now,
    /// With the next write, which it need not cause at once.
    Gathered,
}

/// Names an effect for as long as its object lives: the machine makes it of what the effect is for, so it is
/// never given twice.
pub type EffectId = String;

/// Something to be done outside, written in the batch that decided it and performed at least once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect<E> {
    pub id: EffectId,
    pub what: E,
}

/// A machine's effects.
pub type Effects<M> = Vec<Effect<<M as Machine>::Effect>>;

/// What a machine answers to a command.
pub struct Decision<M: Machine> {
    pub answer: Answered<M>,
    pub durability: Durability,
    /// To be written with it, then performed. Any makes the durability [`Durability::Now`].
    pub effects: Vec<Effect<M::Effect>>,
}

/// An answer, or where it is read once all is written.
pub enum Answered<M: Machine> {
    Ready(M::Answer),
    Read(M::Query),
}

/// What becomes of an effect that a restart found open: whether it was performed is not known.
#[derive(Debug)]
pub enum Resumption<E> {
    /// Perform it again, under the same id.
    Again,
    /// It has ended as far as this object is concerned; these take its place.
    Ended(Vec<Effect<E>>),
}

/// The time, and bytes that nobody can predict.
pub struct Moment<'a> {
    pub now: Millis,
    pub random: &'a mut dyn FnMut() -> [u8; 10],
}

/// What a machine never has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Never {}

/// A pure machine: it decides, and says what must be written. It is loaded from its store and trusts nothing
/// else; what [`Machine::write`] has not written did not happen if the object dies.
pub trait Machine: Sized {
    type Command: Serialize + DeserializeOwned;
    type Answer: Serialize + DeserializeOwned;
    /// What is read from the store after a write, see [`Answered::Read`].
    type Query;
    type Effect: Clone + Serialize + DeserializeOwned;
    /// How an effect ended.
    type Outcome;
    /// What becomes known of an effect while it is performed.
    type Progress;
    /// What watchers of the object see.
    type Event: Clone;

    /// The version of its commands and answers, see [`super::wire`].
    const VERSION: u32;
    /// Its schema, see [`super::store::steps`].
    const STEPS: &'static [Step];
    /// How long what need not be written at once gathers before it is written together.
    const GATHER_MS: u64;
    /// How long after a write the host writes once more, in case nothing came; see [`Machine::has_reserve`].
    const QUIET_MS: u64;
    /// Whether it keeps what people say, so that it may have to leave no trace of it.
    const KEEPS_PEOPLE: bool = false;

    /// Puts right, on the disk of an object that was restored from a backup, what must not be as it was there; `is_copy`: of
    /// what is still to be sent to others outside, nothing is.
    ///
    /// # Errors
    /// [`Error`].
    fn restored(sql: &impl Sql, is_copy: bool, now: Millis) -> Result<(), Error> {
        let _ = (sql, is_copy, now);
        Ok(())
    }

    /// Begins where the disk ends.
    ///
    /// # Errors
    /// [`Error`].
    fn load(sql: &impl Sql, now: Millis) -> Result<Self, Error>;

    /// Takes over from a machine whose write failed what the disk never has. Right after [`Machine::load`].
    fn inherit(&mut self, fallen: Self) {
        drop(fallen);
    }

    /// What an object answers of which nothing was ever written, so that asking does not make one; `None` where a command
    /// needs the machine.
    fn absent(command: &Self::Command) -> Option<Self::Answer> {
        let _ = command;
        None
    }

    /// Whether an object that answers so is to be emptied though it has nothing: the platform keeps the name of whatever was asked.
    fn empties(command: &Self::Command) -> bool {
        let _ = command;
        false
    }

    /// Decides a command. It may read the store, and writes nothing.
    ///
    /// # Errors
    /// [`Error`], of reading. This machine lives on, and what it has changed until then stands.
    fn decide(
        &mut self,
        sql: &impl Sql,
        command: Self::Command,
        moment: &mut Moment<'_>,
    ) -> Result<Decision<Self>, Error>;

    /// Answers a command without the machine, where a damaged row keeps it from being loaded; `None` where it takes the
    /// machine.
    fn unloaded(
        sql: &impl Sql,
        command: Self::Command,
        log: &mut Vec<String>,
    ) -> Option<Result<Self::Answer, Error>> {
        let _ = (sql, command, log);
        None
    }

    /// Reads what a decision left to be read, after all was written.
    ///
    /// # Errors
    /// [`Error`], of reading.
    fn read(&self, sql: &impl Sql, query: Self::Query, log: &mut Vec<String>) -> Result<Self::Answer, Error>;

    /// Does what is due by now, as far as time alone decides it.
    fn wake(&mut self, moment: &mut Moment<'_>) -> Vec<Effect<Self::Effect>>;

    /// When [`Machine::wake`] has something to do next.
    fn wake_at(&self) -> Option<Millis>;

    /// An effect has ended, and is removed in the next write. Called once for each id; what comes of it is
    /// written before it is performed.
    fn ended(
        &mut self,
        effect: &Effect<Self::Effect>,
        outcome: Self::Outcome,
        moment: &mut Moment<'_>,
    ) -> Vec<Effect<Self::Effect>>;

    /// An effect was performed in vain; whether it stays open, to be performed again when [`Machine::again`] says so.
    fn puts_off(&mut self, effect: &EffectId, outcome: &Self::Outcome, now: Millis) -> bool {
        let _ = (effect, outcome, now);
        false
    }

    /// The effects that were put off and are to be performed again by now. Asked after each [`Machine::wake`].
    fn again(&mut self, now: Millis) -> Vec<EffectId> {
        let _ = now;
        Vec::new()
    }

    /// Whether the machine still waits for the end of an effect that is open. Who performs one that it does not wait for may
    /// stop, and says its end all the same.
    fn wants(&self, effect: &Self::Effect) -> bool {
        let _ = effect;
        true
    }

    /// Something became known of an effect that is open. It comes again in the effect's end, as far as it matters there.
    fn progress(
        &mut self,
        effect: &Self::Effect,
        progress: Self::Progress,
        moment: &mut Moment<'_>,
    ) -> Durability;

    /// Effects that need no row of their own, because what is written says that they are open. Asked after each write and each
    /// load; what they are for is open until [`Machine::ended`], and a restart owes them again.
    fn owed(&mut self, now: Millis) -> Effects<Self> {
        let _ = now;
        Vec::new()
    }

    /// What watchers are shown since the last call. Taken after each write; what may be seen before it is written also after
    /// [`Machine::progress`].
    fn take_events(&mut self) -> Vec<Self::Event>;

    /// Right after [`Machine::load`], once for each effect that is open on the disk.
    fn resumed(&mut self, effect: &Effect<Self::Effect>, moment: &mut Moment<'_>)
    -> Resumption<Self::Effect>;

    /// Right after [`Machine::load`], instead of [`Machine::resumed`], for an effect that is still being performed: a write
    /// failed, and the object lives.
    fn goes_on(&mut self, effect: &Effect<Self::Effect>) {
        let _ = effect;
    }

    /// After [`Machine::resumed`] was asked of each of them: what waits for an effect of which there is no row goes on, too.
    fn orphaned(&mut self, moment: &mut Moment<'_>) -> Effects<Self> {
        let _ = moment;
        Vec::new()
    }

    /// Whether memory has what the disk has not.
    fn is_dirty(&self) -> bool;

    /// Whether nothing that is on the disk will ever be asked for, so that the object may be as if it had never been.
    fn is_void(&self) -> bool {
        false
    }

    /// Whether the disk reserves something that is given back when the object is quiet, so that a write is
    /// wanted even if nothing comes.
    fn has_reserve(&self) -> bool;

    /// Writes all that differs from the disk, within the host's transaction. After an error this machine is
    /// thrown away.
    ///
    /// # Errors
    /// [`Error`], of writing.
    fn write(&mut self, sql: &impl Sql, footprint: &mut Footprint, now: Millis) -> Result<(), Error>;
}
