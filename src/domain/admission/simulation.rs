//! An account's object with its disk, its callers and a provider that keeps its own invoice, for random histories.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::command::*;
use super::*;
use crate::domain::budget::Budget;
use crate::domain::ids::{AgentId, CallId};
use crate::domain::message::Usage;
use crate::domain::money::Nanos;
use crate::domain::plan::CallLimits;
use crate::domain::time::Millis;

/// Noon of an ordinary day, and seven seconds before a month ends.
pub const STARTS: [Millis; 2] = [Millis(1_795_262_400_000), Millis(1_796_083_193_000)];
pub const TTL_MS: u32 = 30_000;
pub const AGENTS: u8 = 3;

#[derive(Clone, Debug)]
pub enum Step {
    Admit {
        agent: u8,
        want: u64,
        floor: u64,
        actual: u64,
    },
    /// Another attempt of an open call, after the first may have cost something.
    Retry {
        pick: u8,
        want: u64,
        actual: u64,
    },
    Settle {
        pick: u8,
    },
    /// A settlement that was answered is sent once more.
    Repeat {
        pick: u8,
    },
    /// The Worker dies with its call.
    Forget {
        pick: u8,
    },
    Write,
    Crash,
    Wait {
        ms: i64,
    },
}

pub fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..AGENTS, 1..400u64, 1..50u64, 0..400u64).prop_map(|(agent, want, floor, actual)| Step::Admit {
            agent, want, floor: floor.min(want), actual,
        }),
        1 => (any::<u8>(), 1..400u64, 0..400u64).prop_map(|(pick, want, actual)| Step::Retry { pick, want, actual }),
        5 => any::<u8>().prop_map(|pick| Step::Settle { pick }),
        1 => any::<u8>().prop_map(|pick| Step::Repeat { pick }),
        1 => any::<u8>().prop_map(|pick| Step::Forget { pick }),
        3 => Just(Step::Write),
        1 => Just(Step::Crash),
        2 => prop_oneof![0..50i64, 500..9_000i64, 500..40_000i64, Just(7_200_000i64)].prop_map(|ms| Step::Wait { ms }),
    ]
}

/// The object's disk: batches land whole.
#[derive(Default)]
pub struct Disk {
    pub meta: Option<Meta>,
    pub agents: BTreeMap<AgentId, AgentRow>,
    pub holds: BTreeMap<CallId, Hold>,
    pub ledger: BTreeMap<CallId, CallRecord>,
}

impl Disk {
    pub fn write(&mut self, batch: Batch) {
        self.meta = batch.meta.or(self.meta);
        self.agents.extend(batch.agents.into_iter().map(|row| (row.agent, row)));
        self.holds.extend(batch.holds.into_iter().map(|hold| (hold.call, hold)));
        for call in batch.removed_holds {
            self.holds.remove(&call);
        }
        self.ledger.extend(batch.records.into_iter().map(|record| (record.call, record)));
    }

    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            meta: self.meta,
            agents: self.agents.values().cloned().collect(),
            holds: self.holds.values().cloned().collect(),
        }
    }
}

/// A call as the outside knows it: what it was granted, and what the provider bills for it.
#[derive(Clone, Debug)]
pub struct Open {
    pub call: CallId,
    pub agent: AgentId,
    pub at: Millis,
    pub charged: u64,
    pub held: u64,
    pub billed: u64,
}

/// What the account is under.
#[derive(Clone, Debug)]
pub struct Rules {
    pub start: Millis,
    /// Of each agent; none has only the plan's.
    pub budgets: Vec<Option<Budget>>,
    pub limits: CallLimits,
}

pub struct Simulation {
    pub state: State,
    pub disk: Disk,
    pub now: Millis,
    pub ids: u64,
    pub rules: Rules,
    /// When calls were granted first, since the object started.
    pub granted_at: Vec<Millis>,
    pub open: Vec<Open>,
    /// Settled in memory, not yet answered.
    pub unanswered: Vec<Open>,
    pub answered: Vec<Open>,
    /// What the provider bills, by agent and the moment of admission.
    pub invoice: BTreeMap<CallId, Open>,
    pub lost: bool,
}

impl Simulation {
    pub fn new(rules: Rules) -> Self {
        let start = rules.start;
        let mut state = State::load(Snapshot::default(), start);
        let mut disk = Disk::default();
        disk.write(state.flush(start));
        Self {
            state,
            disk,
            now: start,
            ids: 0,
            rules,
            granted_at: vec![],
            open: vec![],
            unanswered: vec![],
            answered: vec![],
            invoice: BTreeMap::new(),
            lost: false,
        }
    }

    fn id(&mut self) -> CallId {
        self.ids += 1;
        let mut random = [0; 10];
        random[2..].copy_from_slice(&self.ids.to_be_bytes());
        CallId::new(self.now, random)
    }

    fn agent(n: u8) -> AgentId {
        AgentId::new(STARTS[0], [n; 10])
    }

    pub fn agents() -> impl Iterator<Item = AgentId> {
        (0..AGENTS).map(Self::agent)
    }

    pub fn budget_of(&self, agent: AgentId) -> Option<Budget> {
        Self::agents()
            .zip(&self.rules.budgets)
            .find(|(other, _)| *other == agent)
            .and_then(|(_, budget)| *budget)
    }

    pub fn write(&mut self) {
        let batch = self.state.flush(self.now);
        self.disk.write(batch);
        self.answered.append(&mut self.unanswered);
    }

    fn ask(&self, call: &Open, want: u64, floor: u64) -> Admit {
        Admit {
            call: call.call,
            agent: call.agent,
            key: None,
            version: 1,
            model: "p:m".into(),
            epoch: self.state.epoch(),
            want: Nanos::new(want),
            floor: Nanos::new(floor),
            again: call.held > 0,
            charged: Nanos::new(call.charged),
            budget: self.budget_of(call.agent),
            max_concurrency: None,
            limits: self.rules.limits,
            ttl_ms: TTL_MS,
            ended: vec![],
        }
    }

    /// Admits and, if granted, lets the provider run at once for at most what was granted.
    fn run(&mut self, mut call: Open, want: u64, floor: u64, actual: u64) {
        let ask = self.ask(&call, want, floor);
        let (answer, durability) = self.state.admit(&ask, self.now);
        if durability == Durability::Now {
            self.write();
        }
        if let Admission::Granted { amount, .. } = answer {
            assert!(amount.get() >= floor && amount.get() <= want);
            if call.held == 0 {
                self.granted_at.push(self.now);
            }
            call.billed += actual.min(amount.get());
            call.held = call.charged + amount.get();
            call.at = self.now;
        }
        if call.held > 0 {
            self.invoice.insert(call.call, call.clone());
            self.open.push(call);
        }
    }

    pub fn settle(&mut self, call: &Open) {
        let record = CallRecord {
            call: call.call,
            agent: call.agent,
            key: None,
            version: 1,
            model: "p:m".into(),
            status: CallStatus::Ok,
            usage: UsageKind::Reported,
            tokens: Usage::default(),
            held: Nanos::new(call.held),
            cost: Nanos::new(call.billed),
            at: call.at,
            first_token_ms: None,
            duration_ms: 1,
            run: None,
        };
        let row = self.disk.ledger.get(&call.call).filter(|_| self.state.must_look_up(&record));
        let known = row.map(Known::of);
        self.state.settle(record, known, self.now);
    }

    fn take(from: &mut Vec<Open>, pick: u8) -> Option<Open> {
        if from.is_empty() { None } else { Some(from.swap_remove(usize::from(pick) % from.len())) }
    }

    pub fn apply(&mut self, step: Step) {
        match step {
            Step::Admit { agent, want, floor, actual } => {
                let call = self.id();
                let agent = Self::agent(agent);
                self.run(
                    Open { call, agent, at: self.now, charged: 0, held: 0, billed: 0 },
                    want,
                    floor,
                    actual,
                );
            }
            Step::Retry { pick, want, actual } => {
                if let Some(mut call) = Self::take(&mut self.open, pick) {
                    call.charged = call.billed;
                    self.run(call, want, want, actual);
                }
            }
            Step::Settle { pick } => {
                if let Some(call) = Self::take(&mut self.open, pick) {
                    self.settle(&call);
                    self.unanswered.push(call);
                }
            }
            Step::Repeat { pick } => {
                if let Some(call) = Self::take(&mut self.answered, pick) {
                    self.settle(&call);
                    self.answered.push(call);
                }
            }
            Step::Forget { pick } => self.lost |= Self::take(&mut self.open, pick).is_some(),
            Step::Write => self.write(),
            Step::Crash => {
                self.lost = true;
                self.open.append(&mut self.unanswered);
                self.granted_at.clear();
                self.state = State::load(self.disk.snapshot(), self.now);
            }
            Step::Wait { ms } => {
                self.now = self.now.plus(ms);
                if self.state.wake_at().is_some_and(|at| at <= self.now) {
                    self.expire();
                }
            }
        }
    }

    pub fn expire(&mut self) {
        self.lost |= !self.open.is_empty();
        let now = self.now;
        let mut ids = (0..64).map(|_| self.id()).collect::<Vec<_>>();
        self.state.expire(now, || ids.pop().unwrap());
        self.write();
    }
}
