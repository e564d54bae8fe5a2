//! The account's object: it decides alone what may run and what it may spend.
//!
//! [`State`] decides; this looks up in the ledger what [`State`] cannot keep in memory, and writes what it
//! flushes.

use super::machine::{Answered, Decision, Durability, Effect, Machine, Moment, Never, Resumption};
use super::sql::{Error, Sql};
use super::store::account as store;
use super::store::scrub::Footprint;
use super::store::steps::Step;
use crate::domain::admission::command::{Admission, Admit, Answer, Command, Page, Refusal, Settle, VERSION};
use crate::domain::admission::{self, IDLE_MS, State};
use crate::domain::ids::CallId;
use crate::domain::time::Millis;

/// The machine of one account.
#[derive(Debug)]
pub struct Account {
    state: State,
}

type Decided = Result<Decision<Account>, Error>;

impl Machine for Account {
    type Command = Command;
    type Answer = Answer;
    type Query = Page;
    type Effect = Never;
    type Outcome = Never;
    type Progress = Never;
    type Event = Never;

    const VERSION: u32 = VERSION;
    const STEPS: &'static [Step] = store::STEPS;
    /// Settlements and holds.
    const GATHER_MS: u64 = 200;
    /// A slice is given back by the first write after its agent counts as idle.
    const QUIET_MS: u64 = IDLE_MS.cast_unsigned() + 100;

    fn load(sql: &impl Sql, now: Millis) -> Result<Self, Error> {
        Ok(Self { state: State::load(store::load(sql)?, now) })
    }

    fn decide(&mut self, sql: &impl Sql, command: Command, moment: &mut Moment<'_>) -> Decided {
        let now = moment.now;
        match command {
            Command::Admit(ask) => {
                let (admission, durability) = self.admit(sql, ask, now)?;
                decided(Answer::Admission(admission), durability)
            }
            Command::AdmitAll(asked) => self.admit_all(sql, asked, now),
            Command::Count(limits) => {
                decided(Answer::Admission(self.state.count(limits, now)), Durability::Soon)
            }
            Command::Settle(settle) => {
                self.settle(sql, settle, now)?;
                decided(Answer::Settled, Durability::Gathered)
            }
            Command::Epoch => decided(Answer::Epoch(self.state.epoch()), Durability::Soon),
            Command::BeginWrite => epoch(self.state.begin_write(now)),
            Command::EndWrite => epoch(self.state.end_write()),
            Command::Inspect(ask) => decided(Answer::Spend(self.state.spend(&ask, now)), Durability::Soon),
            Command::InspectAccount => {
                decided(Answer::AccountSpend(self.state.account_spend(now)), Durability::Soon)
            }
            Command::Calls(mut page) => {
                self.settle(sql, Settle { records: std::mem::take(&mut page.ended) }, now)?;
                Ok(Decision {
                    answer: Answered::Read(page),
                    durability: Durability::Now,
                    effects: Vec::new(),
                })
            }
            Command::Forget(forget) => {
                self.state.forget(forget);
                decided(Answer::Settled, Durability::Gathered)
            }
            Command::Learn(things) => {
                let durability = self.state.learn(things);
                decided(Answer::Learned, of(durability))
            }
            Command::Wake => Ok(Decision {
                effects: self.wake(moment),
                answer: Answered::Ready(Answer::Woken),
                durability: Durability::Now,
            }),
        }
    }

    /// The calls of the last minute are in memory alone: a disk that fails must not let more of them through.
    fn inherit(&mut self, fallen: Self) {
        self.state.inherit_window(fallen.state);
    }

    /// The ledger can be read though what is held or spent cannot.
    fn unloaded(sql: &impl Sql, command: Command, log: &mut Vec<String>) -> Option<Result<Answer, Error>> {
        match command {
            Command::Calls(page) => Some(store::ledger::page(sql, &page, log).map(Answer::Calls)),
            _ => None,
        }
    }

    fn read(&self, sql: &impl Sql, page: Page, log: &mut Vec<String>) -> Result<Answer, Error> {
        store::ledger::page(sql, &page, log).map(Answer::Calls)
    }

    fn wake(&mut self, moment: &mut Moment<'_>) -> Vec<Effect<Never>> {
        let now = moment.now;
        self.state.expire(now, || CallId::new(now, (moment.random)()));
        Vec::new()
    }

    fn wake_at(&self) -> Option<Millis> {
        self.state.wake_at()
    }

    fn ended(&mut self, _: &Effect<Never>, outcome: Never, _: &mut Moment<'_>) -> Vec<Effect<Never>> {
        match outcome {}
    }

    fn progress(&mut self, effect: &Never, _: Never, _: &mut Moment<'_>) -> Durability {
        match *effect {}
    }

    fn take_events(&mut self) -> Vec<Never> {
        Vec::new()
    }

    fn resumed(&mut self, effect: &Effect<Never>, _: &mut Moment<'_>) -> Resumption<Never> {
        match effect.what {}
    }

    fn is_dirty(&self) -> bool {
        self.state.is_dirty()
    }

    fn has_reserve(&self) -> bool {
        self.state.has_open_slices()
    }

    fn write(&mut self, sql: &impl Sql, _: &mut Footprint, now: Millis) -> Result<(), Error> {
        store::write(sql, &self.state.flush(now))
    }
}

impl Account {
    fn admit(
        &mut self,
        sql: &impl Sql,
        mut ask: Admit,
        now: Millis,
    ) -> Result<(Admission, Durability), Error> {
        self.settle(sql, Settle { records: std::mem::take(&mut ask.ended) }, now)?;
        if self.state.is_late(&ask, now)
            && (self.state.has_ended(ask.call) || store::ledger::known(sql, ask.agent, ask.call)?.is_some())
        {
            return Ok((Admission::Refused(Refusal::Lapsed), Durability::Soon));
        }
        let (admission, durability) = self.state.admit(&ask, now);
        Ok((admission, of(durability)))
    }

    /// One that must be written before it is answered makes all wait: they leave together.
    fn admit_all(&mut self, sql: &impl Sql, asked: Vec<Admit>, now: Millis) -> Decided {
        let mut all = Durability::Soon;
        let mut admissions = Vec::with_capacity(asked.len());
        for ask in asked {
            let (admission, durability) = self.admit(sql, ask, now)?;
            if durability == Durability::Now {
                all = Durability::Now;
            }
            admissions.push(admission);
        }
        decided(Answer::Admissions(admissions), all)
    }

    fn settle(&mut self, sql: &impl Sql, settle: Settle, now: Millis) -> Result<(), Error> {
        for record in settle.records {
            let known = if self.state.must_look_up(&record) {
                store::ledger::known(sql, record.agent, record.call)?
            } else {
                None
            };
            self.state.settle(record, known, now);
        }
        Ok(())
    }
}

const fn of(durability: admission::Durability) -> Durability {
    match durability {
        admission::Durability::Soon => Durability::Soon,
        admission::Durability::Now => Durability::Now,
    }
}

fn epoch((number, durability): (u64, admission::Durability)) -> Decided {
    decided(Answer::Epoch(number), of(durability))
}

fn decided(answer: Answer, durability: Durability) -> Decided {
    Ok(Decision { answer: Answered::Ready(answer), durability, effects: Vec::new() })
}
