//! Random histories with crashes between any two writes, against a provider that keeps its own invoice.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::command::*;
use super::*;
use crate::domain::budget::{Action, Budget, Period};
use crate::domain::ids::{AgentId, CallId};
use crate::domain::message::Usage;
use crate::domain::money::Nanos;
use crate::domain::plan::CallLimits;
use crate::domain::time::Millis;

const START: Millis = Millis(1_795_262_400_000);
const TTL_MS: u32 = 30_000;

#[derive(Clone, Debug)]
enum Step {
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

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..2u8, 1..400u64, 1..50u64, 0..400u64).prop_map(|(agent, want, floor, actual)| Step::Admit {
            agent, want, floor: floor.min(want), actual,
        }),
        1 => (any::<u8>(), 1..400u64, 0..400u64).prop_map(|(pick, want, actual)| Step::Retry { pick, want, actual }),
        5 => any::<u8>().prop_map(|pick| Step::Settle { pick }),
        1 => any::<u8>().prop_map(|pick| Step::Repeat { pick }),
        1 => any::<u8>().prop_map(|pick| Step::Forget { pick }),
        3 => Just(Step::Write),
        1 => Just(Step::Crash),
        2 => prop_oneof![0..50i64, 500..40_000i64, Just(7_200_000i64)].prop_map(|ms| Step::Wait { ms }),
    ]
}

/// The object's disk: batches land whole.
#[derive(Default)]
struct Disk {
    meta: Option<Meta>,
    agents: BTreeMap<AgentId, AgentRow>,
    holds: BTreeMap<CallId, Hold>,
    ledger: BTreeMap<CallId, CallRecord>,
}

impl Disk {
    fn write(&mut self, batch: Batch) {
        self.meta = batch.meta.or(self.meta);
        self.agents.extend(batch.agents.into_iter().map(|row| (row.agent, row)));
        self.holds.extend(batch.holds.into_iter().map(|hold| (hold.call, hold)));
        for call in batch.removed_holds {
            self.holds.remove(&call);
        }
        self.ledger.extend(batch.records.into_iter().map(|record| (record.call, record)));
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot {
            meta: self.meta,
            agents: self.agents.values().cloned().collect(),
            holds: self.holds.values().cloned().collect(),
        }
    }
}

/// A call as the outside knows it: what it was granted, and what the provider bills for it.
#[derive(Clone, Debug)]
struct Open {
    call: CallId,
    agent: AgentId,
    at: Millis,
    charged: u64,
    held: u64,
    billed: u64,
}

struct Simulation {
    state: State,
    disk: Disk,
    now: Millis,
    ids: u64,
    budgets: [Budget; 2],
    open: Vec<Open>,
    /// Settled in memory, not yet answered.
    unanswered: Vec<Open>,
    answered: Vec<Open>,
    /// What the provider bills, by agent and the moment of admission.
    invoice: BTreeMap<CallId, Open>,
    lost: bool,
}

impl Simulation {
    fn new(budgets: [Budget; 2]) -> Self {
        let mut state = State::load(Snapshot::default(), START);
        let mut disk = Disk::default();
        disk.write(state.flush(START));
        Self {
            state,
            disk,
            now: START,
            ids: 0,
            budgets,
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
        AgentId::new(START, [n; 10])
    }

    fn budget_of(&self, agent: AgentId) -> Budget {
        self.budgets[usize::from(agent == Self::agent(1))]
    }

    fn write(&mut self) {
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
            epoch: self.state.epoch().0,
            want: Nanos::new(want),
            floor: Nanos::new(floor),
            again: call.held > 0,
            charged: Nanos::new(call.charged),
            budget: Some(self.budget_of(call.agent)),
            max_concurrency: None,
            limits: CallLimits::default(),
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
            call.billed += actual.min(amount.get());
            call.held = call.charged + amount.get();
            call.at = self.now;
        }
        if call.held > 0 {
            self.invoice.insert(call.call, call.clone());
            self.open.push(call);
        }
    }

    fn settle(&mut self, call: &Open) {
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
        };
        let row = self.disk.ledger.get(&call.call).filter(|_| self.state.must_look_up(&record));
        let known = row.map(|row| Known { status: row.status, cost: row.cost, at: row.at });
        self.state.settle(record, known, self.now);
    }

    fn take(from: &mut Vec<Open>, pick: u8) -> Option<Open> {
        if from.is_empty() { None } else { Some(from.swap_remove(usize::from(pick) % from.len())) }
    }

    fn apply(&mut self, step: Step) {
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

    fn expire(&mut self) {
        self.lost |= !self.open.is_empty();
        let now = self.now;
        let mut ids = (0..64).map(|_| self.id()).collect::<Vec<_>>();
        self.state.expire(now, || ids.pop().unwrap());
        self.write();
    }

    fn check(&mut self) -> Result<(), TestCaseError> {
        for agent in [Self::agent(0), Self::agent(1)] {
            let budget = self.budget_of(agent);
            let spend = self.state.spend(&Inspect { agent, budget }, self.now);
            prop_assert!(spend.settled + spend.held <= budget.limit, "{spend:?} passes {budget:?}");
            let start = match budget.period {
                Period::Day => self.now.start_of_day(),
                Period::Month => self.now.start_of_month(),
                Period::Total => Millis(0),
            };
            let billed: u64 = self
                .invoice
                .values()
                .filter(|call| call.agent == agent && call.at >= start)
                .map(|call| call.billed)
                .sum();
            prop_assert!(billed <= budget.limit.get(), "the provider bills {billed} under {budget:?}");
            prop_assert!(
                billed <= (spend.settled + spend.held).get(),
                "the provider bills {billed}, we know of {spend:?}"
            );
        }
        Ok(())
    }
}

fn budget() -> impl Strategy<Value = Budget> {
    let period = prop_oneof![Just(Period::Day), Just(Period::Month), Just(Period::Total)];
    (100..3_000u64, period).prop_map(|(limit, period)| Budget {
        limit: Nanos::new(limit),
        period,
        action: Action::Block,
    })
}

proptest! {
    #[test]
    fn money_never_passes_the_cap_and_nothing_is_lost(
        budgets in [budget(), budget()],
        steps in proptest::collection::vec(step(), 1..120),
    ) {
        let mut simulation = Simulation::new(budgets);
        for step in steps {
            simulation.apply(step);
            simulation.check()?;
        }
        for call in std::mem::take(&mut simulation.open) {
            simulation.settle(&call);
        }
        simulation.write();
        let settled: u64 = simulation.disk.agents.values().map(|row| row.total_settled.get()).sum();
        let ledger: u64 = simulation.disk.ledger.values().map(|row| row.cost.get()).sum();
        prop_assert_eq!(settled, ledger, "the sums are the ledger's");
        let invoice: u64 = simulation.invoice.values().map(|call| call.billed).sum();
        if simulation.lost {
            simulation.now = simulation.now.plus(i64::from(TTL_MS));
            simulation.expire();
            let settled: u64 = simulation.disk.agents.values().map(|row| row.total_settled.get()).sum();
            prop_assert!(settled >= invoice);
        } else {
            prop_assert_eq!(settled, invoice, "with nobody lost, we know the invoice to the nano-dollar");
        }
        prop_assert!(simulation.disk.holds.is_empty() || simulation.state.wake_at().is_some());
    }
}
