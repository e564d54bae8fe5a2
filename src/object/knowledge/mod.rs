//! A knowledge object: texts that are searched. Now the memories of a person, or those of an account's work.
//!
//! | file | what it is |
//! |---|---|
//! | [`memories`] | what is asked of memories |
//!
//! Each command is decided on what the disk has, and written before it is answered; in memory are only sums. An object in which
//! nothing is left empties its disk, so what was deleted last leaves no page behind.

mod memories;

use super::machine::{self, Answered, Decision, Durability, Effects, Machine, Moment, Never, Resumption};
use super::sql::{Error, Sql};
use super::store::knowledge::{self as store, Totals};
use super::store::scrub::Footprint;
use super::store::steps::Step;
use crate::domain::ids::MemoryId;
use crate::domain::knowledge::command::{Answer, Command, Counted, VERSION};
use crate::domain::memory::{Memory, command as memory};
use crate::domain::time::Millis;

/// How long the ids of what was deleted are known: a run that made one may make its call once more.
const KEEP_GONE_MS: i64 = 24 * 60 * 60 * 1_000;

/// The machine of one object.
#[derive(Debug)]
pub struct Knowledge {
    totals: Totals,
    /// To be written, in order.
    batch: Vec<Write>,
    /// What was erased is to be overwritten.
    is_to_scrub: bool,
}

#[derive(Debug)]
enum Write {
    Insert(Box<Memory>),
    Update {
        number: u64,
        bytes: u64,
        memory: Box<Memory>,
        is_other_text: bool,
    },
    Delete {
        number: u64,
        bytes: u64,
    },
    /// The id of what was deleted.
    Gone(MemoryId),
    ForgetGone {
        until: Millis,
    },
    Erase,
}

impl Knowledge {
    const fn counted(&self) -> Counted {
        Counted { memories: self.totals.memories, bytes: self.totals.bytes, version: self.totals.version }
    }

    /// What was there by then goes; how much that was.
    fn erase_until(&mut self, sql: &impl Sql, until: Millis, now: Millis) -> Result<Answer, Error> {
        let all = store::outlines(sql)?;
        let (going, staying): (Vec<_>, Vec<_>) = all.into_iter().partition(|(.., made_at)| *made_at <= until);
        let bytes = going.iter().map(|(_, bytes, _)| bytes).sum();
        let gone = Counted { memories: going.len() as u64, bytes, version: self.totals.version };
        if staying.is_empty() {
            self.batch.push(Write::Erase);
        } else if !going.is_empty() {
            self.totals.version = (self.totals.version + 1).max(now.0.max(0).cast_unsigned());
            self.batch.extend(going.into_iter().map(|(number, bytes, _)| Write::Delete { number, bytes }));
            self.is_to_scrub = true;
        }
        Ok(Answer::Erased(gone))
    }

    /// What is answered to a write: what stands in it is kept when the answer leaves.
    fn written(&mut self, answer: memory::Answer, now: Millis) -> Answer {
        self.totals.version = (self.totals.version + 1).max(now.0.max(0).cast_unsigned());
        let mut tally = self.counted().tally();
        match &answer {
            memory::Answer::Made { is_new: true, .. } => tally.memories += 1,
            memory::Answer::Deleted(gone) | memory::Answer::Shortened(gone) => {
                tally.memories = tally.memories.saturating_sub(*gone);
            }
            _ => {}
        }
        Answer::Written(answer, tally)
    }

    fn apply(&mut self, sql: &impl Sql, write: Write, now: Millis) -> Result<(), Error> {
        let totals = &mut self.totals;
        match write {
            Write::Insert(memory) => {
                totals.bytes += store::insert(sql, totals.next, &memory)?;
                totals.next += 1;
                totals.memories += 1;
            }
            Write::Update { number, bytes, memory, is_other_text } => {
                let new = store::update(sql, number, &memory, is_other_text)?;
                totals.bytes = (totals.bytes + new).saturating_sub(bytes);
            }
            Write::Delete { number, bytes } => {
                store::delete(sql, number)?;
                totals.memories = totals.memories.saturating_sub(1);
                totals.bytes = totals.bytes.saturating_sub(bytes);
            }
            Write::Gone(id) => {
                store::note_gone(sql, id, now)?;
                totals.last_gone = now;
            }
            Write::ForgetGone { until } => {
                store::forget_gone(sql, until)?;
                totals.last_gone = Millis(0);
            }
            Write::Erase => {
                store::erase(sql)?;
                *totals = Totals::default();
                self.is_to_scrub = true;
            }
        }
        Ok(())
    }
}

impl Machine for Knowledge {
    type Command = Command;
    type Answer = Answer;
    type Query = Never;
    type Effect = Never;
    type Outcome = Never;
    type Progress = Never;
    type Event = Never;

    const VERSION: u32 = VERSION;
    const STEPS: &'static [Step] = store::STEPS;
    const GATHER_MS: u64 = 200;
    const QUIET_MS: u64 = 0;
    const KEEPS_PEOPLE: bool = true;

    fn restored(sql: &impl Sql, _: bool, _: Millis) -> Result<(), Error> {
        store::index_all(sql)
    }

    fn load(sql: &impl Sql, _: Millis) -> Result<Self, Error> {
        Ok(Self { totals: store::totals(sql)?, batch: Vec::new(), is_to_scrub: false })
    }

    fn absent(command: &Command) -> Option<Answer> {
        match command {
            Command::Memory(command) => memories::absent(command).map(Answer::Memory),
            Command::Count => Some(Answer::Counted(Counted::default())),
            Command::EraseUntil(_) => Some(Answer::Erased(Counted::default())),
        }
    }

    fn empties(command: &Command) -> bool {
        // Whom a run recalls is there by then, and a run is not to pay for it.
        !matches!(command, Command::Memory(memory::Command::Recall(_)))
    }

    fn decide(
        &mut self,
        sql: &impl Sql,
        command: Command,
        moment: &mut Moment<'_>,
    ) -> Result<Decision<Self>, Error> {
        let answer = match command {
            Command::Memory(command) => {
                let answer = self.memory(sql, command, moment)?;
                if self.batch.is_empty() { Answer::Memory(answer) } else { self.written(answer, moment.now) }
            }
            Command::Count => Answer::Counted(self.counted()),
            Command::EraseUntil(until) => self.erase_until(sql, until, moment.now)?,
        };
        let durability = if self.batch.is_empty() { Durability::Soon } else { Durability::Now };
        Ok(Decision { answer: Answered::Ready(answer), durability, effects: Vec::new() })
    }

    fn read(&self, _: &impl Sql, query: Never, _: &mut Vec<String>) -> Result<Answer, Error> {
        match query {}
    }

    fn wake(&mut self, moment: &mut Moment<'_>) -> Effects<Self> {
        let until = moment.now.plus(-KEEP_GONE_MS);
        if self.totals.last_gone.0 > 0 && self.totals.last_gone <= until {
            self.batch.push(Write::ForgetGone { until });
        }
        Vec::new()
    }

    fn wake_at(&self) -> Option<Millis> {
        (self.totals.last_gone.0 > 0).then(|| self.totals.last_gone.plus(KEEP_GONE_MS))
    }

    fn ended(&mut self, effect: &machine::Effect<Never>, _: Never, _: &mut Moment<'_>) -> Effects<Self> {
        match effect.what {}
    }

    fn progress(&mut self, effect: &Never, _: Never, _: &mut Moment<'_>) -> Durability {
        match *effect {}
    }

    fn take_events(&mut self) -> Vec<Never> {
        Vec::new()
    }

    fn resumed(&mut self, effect: &machine::Effect<Never>, _: &mut Moment<'_>) -> Resumption<Never> {
        match effect.what {}
    }

    fn is_dirty(&self) -> bool {
        !self.batch.is_empty()
    }

    fn is_void(&self) -> bool {
        self.totals.memories == 0 && self.totals.last_gone.0 == 0
    }

    fn has_reserve(&self) -> bool {
        false
    }

    fn write(&mut self, sql: &impl Sql, footprint: &mut Footprint, now: Millis) -> Result<(), Error> {
        for write in std::mem::take(&mut self.batch) {
            self.apply(sql, write, now)?;
        }
        store::write_totals(sql, &self.totals)?;
        footprint.settle(sql, std::mem::take(&mut self.is_to_scrub))
    }
}
