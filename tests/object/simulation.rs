//! Random histories of an account over its real store: writes that fail at any statement, crashes between any two
//! steps, against a provider that keeps its own invoice.
//!
//! The domain's own simulation tries more; here the disk is real, and each step shows what a crash would leave.

use proptest::option;
use proptest::prelude::*;
use retinue::domain::admission::command::{
    AccountSpend, Admission, Admit, CallRecord, CallStatus, Inspect, Page, Spend, UsageKind,
};
use retinue::domain::admission::{Durability, State};
use retinue::domain::budget::{Action, Budget, Period};
use retinue::domain::ids::{AgentId, CallId};
use retinue::domain::message::Usage;
use retinue::domain::money::Nanos;
use retinue::domain::plan::CallLimits;
use retinue::domain::time::Millis;
use retinue::storage::account_object::AccountStore;

use crate::mirror::Mirror;
use crate::sqlite::{Lite, Side};

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
    /// A control-plane write begins, and ends.
    Change,
    Write,
    /// The next write fails at this statement, if it has as many; the object dies of it.
    FailWrite {
        nth: u32,
        after: bool,
    },
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
        5 => any::<u8>().prop_map(|pick| Step::Settle { pick }),
        1 => any::<u8>().prop_map(|pick| Step::Repeat { pick }),
        1 => any::<u8>().prop_map(|pick| Step::Forget { pick }),
        1 => Just(Step::Change),
        3 => Just(Step::Write),
        1 => (1..6u32, any::<bool>()).prop_map(|(nth, after)| Step::FailWrite { nth, after }),
        1 => Just(Step::Crash),
        2 => prop_oneof![0..50i64, 500..40_000i64, Just(7_200_000i64)].prop_map(|ms| Step::Wait { ms }),
    ]
}

/// A call as the outside knows it.
#[derive(Clone, Debug)]
struct Open {
    call: CallId,
    agent: AgentId,
    at: Millis,
    held: Nanos,
    billed: Nanos,
}

struct Simulation {
    disk: Lite,
    store: AccountStore<Lite>,
    state: State,
    /// What the disk should hold, by the batches that were written.
    mirror: Mirror,
    now: Millis,
    ids: u64,
    budgets: [Option<Budget>; 2],
    /// What both together may spend in a month.
    monthly_spend: Option<Nanos>,
    open: Vec<Open>,
    /// Settled in memory, not yet answered.
    unanswered: Vec<Open>,
    answered: Vec<Open>,
    invoice: Vec<Open>,
    /// How the next write fails.
    fault: Option<(u32, Side)>,
    /// The largest epoch that was told to anyone.
    told_epoch: u64,
    /// Whether some call was left for others to charge.
    lost: bool,
}

impl Simulation {
    fn new(budgets: [Option<Budget>; 2], monthly_spend: Option<Nanos>) -> Self {
        let disk = Lite::new();
        let store = AccountStore::open(disk.clone()).unwrap();
        let state = State::load(store.load().unwrap(), START);
        Self {
            disk,
            store,
            state,
            mirror: Mirror::default(),
            now: START,
            ids: 0,
            budgets,
            monthly_spend,
            open: vec![],
            unanswered: vec![],
            answered: vec![],
            invoice: vec![],
            fault: None,
            told_epoch: 0,
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

    fn budget_of(&self, agent: AgentId) -> Option<Budget> {
        self.budgets[usize::from(agent == Self::agent(1))]
    }

    /// Whether the write succeeded; the object dies of one that did not.
    fn write(&mut self) -> bool {
        let batch = self.state.flush(self.now);
        if !batch.is_empty() {
            if let Some((nth, side)) = self.fault.take() {
                self.disk.fail(nth, side);
            }
            let written = self.store.write(&batch);
            self.disk.call_off();
            if written.is_err() {
                self.crash();
                return false;
            }
        }
        self.mirror.write(&batch);
        self.answered.append(&mut self.unanswered);
        true
    }

    /// What was settled and not answered is settled again by its Worker.
    fn crash(&mut self) {
        self.lost = true;
        self.open.append(&mut self.unanswered);
        self.store = AccountStore::open(self.disk.clone()).unwrap();
        self.state = State::load(self.store.load().unwrap(), self.now);
    }

    fn tell_epoch(&mut self) -> u64 {
        let (epoch, durability) = self.state.epoch();
        if durability == Durability::Now && !self.write() {
            return self.tell_epoch();
        }
        assert!(epoch >= self.told_epoch, "an epoch is taken back: {epoch} after {}", self.told_epoch);
        self.told_epoch = epoch;
        epoch
    }

    /// Admits and, once that is answered, lets the provider run at once for at most what was granted.
    fn admit(&mut self, agent: AgentId, want: Nanos, floor: Nanos, actual: Nanos) {
        let call = self.id();
        let ask = Admit {
            call,
            agent,
            key: None,
            version: 1,
            model: "p:m".into(),
            epoch: self.tell_epoch(),
            want,
            floor,
            again: false,
            charged: Nanos::ZERO,
            budget: self.budget_of(agent),
            max_concurrency: None,
            limits: CallLimits { monthly_spend: self.monthly_spend, ..CallLimits::default() },
            ttl_ms: TTL_MS,
            ended: vec![],
        };
        let (answer, durability) = self.state.admit(&ask, self.now);
        if durability == Durability::Now && !self.write() {
            return;
        }
        if let Admission::Granted { amount, .. } = answer {
            assert!(amount >= floor && amount <= want);
            let open = Open { call, agent, at: self.now, held: amount, billed: actual.min(amount) };
            self.invoice.push(open.clone());
            self.open.push(open);
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
            held: call.held,
            cost: call.billed,
            at: call.at,
            first_token_ms: None,
            duration_ms: 1,
        };
        let known = if self.state.must_look_up(&record) {
            self.store.known(call.agent, call.call).unwrap()
        } else {
            None
        };
        self.state.settle(record, known, self.now);
    }

    fn take(from: &mut Vec<Open>, pick: u8) -> Option<Open> {
        if from.is_empty() { None } else { Some(from.swap_remove(usize::from(pick) % from.len())) }
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Admit { agent, want, floor, actual } => {
                self.admit(Self::agent(agent), Nanos::new(want), Nanos::new(floor), Nanos::new(actual));
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
            Step::Change => {
                self.state.begin_write(self.now);
                if self.write() {
                    self.tell_epoch();
                    self.state.end_write();
                    self.write();
                }
            }
            Step::Write => {
                self.write();
            }
            Step::FailWrite { nth, after } => {
                self.fault = Some((nth, if after { Side::After } else { Side::Before }));
            }
            Step::Crash => self.crash(),
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

    fn ledger(&self) -> Vec<CallRecord> {
        let page = |agent| Page { agent, limit: u32::MAX, before: None, ended: Vec::new() };
        [0, 1].iter().flat_map(|n| self.store.calls(&page(Self::agent(*n))).unwrap()).collect()
    }

    fn check(&mut self) -> Result<(), TestCaseError> {
        let mut snapshot = self.store.load().unwrap();
        snapshot.agents.sort_by_key(|row| row.agent);
        snapshot.holds.sort_by_key(|hold| hold.call);
        prop_assert_eq!(&snapshot, &self.mirror.snapshot, "the disk holds what was written");
        let mut restarted = State::load(snapshot.clone(), self.now);
        for agent in [Self::agent(0), Self::agent(1)] {
            let Some(budget) = self.budget_of(agent) else { continue };
            let live = self.state.spend(&Inspect { agent, budget }, self.now);
            let after = restarted.spend(&Inspect { agent, budget }, self.now);
            for spend in [&live, &after] {
                self.check_spend(agent, &budget, spend)?;
            }
        }
        for spend in [self.state.account_spend(self.now), restarted.account_spend(self.now)] {
            self.check_account(&spend)?;
        }
        let ledger = self.ledger();
        prop_assert_eq!(ledger.len(), self.mirror.ledger.len());
        prop_assert!(ledger.iter().all(|row| self.mirror.ledger[&(row.agent, row.call)] == *row));
        for row in &snapshot.agents {
            let sum: Nanos = ledger.iter().filter(|r| r.agent == row.agent).map(|r| r.cost).sum();
            prop_assert_eq!(row.total_settled, sum, "the ledger's sum is what is settled");
        }
        Ok(())
    }

    fn check_account(&self, spend: &AccountSpend) -> Result<(), TestCaseError> {
        let taken = spend.settled + spend.held;
        prop_assert!(self.monthly_spend.is_none_or(|limit| taken <= limit), "{spend:?} passes the plan's");
        let start = self.now.start_of_month();
        let billed: Nanos = self.invoice.iter().filter(|call| call.at >= start).map(|call| call.billed).sum();
        prop_assert!(billed <= taken, "the provider bills {billed}, we know of {spend:?}");
        Ok(())
    }

    fn check_spend(&self, agent: AgentId, budget: &Budget, spend: &Spend) -> Result<(), TestCaseError> {
        prop_assert!(spend.settled + spend.held <= budget.limit, "{spend:?} passes {budget:?}");
        let start = match budget.period {
            Period::Day => self.now.start_of_day(),
            Period::Month => self.now.start_of_month(),
            Period::Total => Millis(0),
        };
        let billed: Nanos = self
            .invoice
            .iter()
            .filter(|call| call.agent == agent && call.at >= start)
            .map(|call| call.billed)
            .sum();
        prop_assert!(
            billed <= spend.settled + spend.held,
            "the provider bills {billed}, we know of {spend:?}"
        );
        Ok(())
    }
}

fn budget() -> impl Strategy<Value = Budget> {
    (100..3_000u64, 0..3usize).prop_map(|(limit, period)| Budget {
        limit: Nanos::new(limit),
        period: [Period::Day, Period::Month, Period::Total][period],
        action: Action::Block,
    })
}

proptest! {
    #[test]
    fn money_never_passes_the_cap_whenever_the_disk_fails(
        budgets in [option::of(budget()), option::of(budget())],
        monthly_spend in option::of((100..3_000u64).prop_map(Nanos::new)),
        steps in proptest::collection::vec(step(), 1..80),
    ) {
        let mut simulation = Simulation::new(budgets, monthly_spend);
        for step in steps {
            simulation.apply(step);
            simulation.check()?;
        }
        simulation.fault = None;
        for call in std::mem::take(&mut simulation.open) {
            simulation.settle(&call);
        }
        simulation.write();
        simulation.check()?;
        let settled = |simulation: &Simulation| -> Nanos {
            simulation.store.load().unwrap().agents.iter().map(|row| row.total_settled).sum()
        };
        let invoice: Nanos = simulation.invoice.iter().map(|call| call.billed).sum();
        if simulation.lost {
            simulation.now = simulation.now.plus(i64::from(TTL_MS));
            simulation.expire();
            simulation.check()?;
            prop_assert!(settled(&simulation) >= invoice);
        } else {
            prop_assert_eq!(settled(&simulation), invoice, "with nobody lost, we know the invoice");
        }
    }
}
