//! Random histories of an account's object over its real disk: statements that fail, crashes between any two
//! steps, alarms that are lost, against a provider that keeps its own invoice.
//!
//! The domain's own simulation tries more; here the host and the disk are real, and each step shows what a
//! crash would leave.

use proptest::option;
use proptest::prelude::*;
use retinue::domain::admission::command::{
    AccountSpend, Admission, Admit, Answer, CallRecord, CallStatus, Command, Inspect, Page, Settle, Spend,
    UsageKind,
};
use retinue::domain::budget::{Action, Budget, Period};
use retinue::domain::ids::{AgentId, CallId};
use retinue::domain::message::Usage;
use retinue::domain::money::Nanos;
use retinue::domain::plan::CallLimits;
use retinue::domain::time::Millis;
use retinue::object::account::Account;
use retinue::object::host::Timer;
use retinue::object::store::account::ledger;

use crate::disk::Side;
use crate::platform::{Answering, Platform, Said};

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
    /// What has gathered is written.
    Write,
    /// Nothing came for a while.
    Quiet,
    /// The n-th statement from now fails.
    Fail {
        nth: u32,
        after: bool,
    },
    Crash,
    /// The platform loses the alarm; somebody looks, sooner or later.
    LoseAlarm,
    Wake,
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
        1 => Just(Step::Quiet),
        1 => (1..9u32, any::<bool>()).prop_map(|(nth, after)| Step::Fail { nth, after }),
        1 => Just(Step::Crash),
        1 => Just(Step::LoseAlarm),
        1 => Just(Step::Wake),
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
    platform: Platform<Account>,
    ids: u64,
    budgets: [Option<Budget>; 2],
    /// What both together may spend in a month.
    monthly_spend: Option<Nanos>,
    open: Vec<Open>,
    /// Settled in memory, not yet answered.
    unanswered: Vec<(Answering<Answer>, Open)>,
    answered: Vec<Open>,
    invoice: Vec<Open>,
    /// The largest epoch that was told to anyone.
    told_epoch: u64,
    /// Whether some call was left for others to charge.
    lost: bool,
}

impl Simulation {
    fn new(budgets: [Option<Budget>; 2], monthly_spend: Option<Nanos>) -> Self {
        Self {
            platform: Platform::new(START),
            ids: 0,
            budgets,
            monthly_spend,
            open: vec![],
            unanswered: vec![],
            answered: vec![],
            invoice: vec![],
            told_epoch: 0,
            lost: false,
        }
    }

    fn now(&self) -> Millis {
        self.platform.now
    }

    fn id(&mut self) -> CallId {
        self.ids += 1;
        let mut random = [0; 10];
        random[2..].copy_from_slice(&self.ids.to_be_bytes());
        CallId::new(self.now(), random)
    }

    fn agent(n: u8) -> AgentId {
        AgentId::new(START, [n; 10])
    }

    fn budget_of(&self, agent: AgentId) -> Option<Budget> {
        self.budgets[usize::from(agent == Self::agent(1))]
    }

    /// What waits for a write and has been answered meanwhile. What failed is settled again by its Worker.
    fn collect(&mut self) {
        for (mut answering, call) in std::mem::take(&mut self.unanswered) {
            match answering.poll() {
                Some(Ok(_)) => self.answered.push(call),
                Some(Err(_)) => {
                    self.lost = true;
                    self.open.push(call);
                }
                None => self.unanswered.push((answering, call)),
            }
        }
    }

    /// `None` when the object could not answer; its Worker asks no further.
    fn ask(&mut self, command: Command) -> Option<Answer> {
        match self.platform.command(command) {
            Said::Now(Ok(answer)) => Some(answer),
            Said::Now(Err(_)) => {
                self.lost = true;
                None
            }
            Said::Later(_) => panic!("only a settlement waits"),
        }
    }

    fn ask_epoch(&mut self, command: Command) -> Option<u64> {
        let Some(Answer::Epoch(epoch)) = self.ask(command) else { return None };
        assert!(epoch >= self.told_epoch, "an epoch is taken back: {epoch} after {}", self.told_epoch);
        self.told_epoch = epoch;
        Some(epoch)
    }

    /// Admits and, once that is answered, lets the provider run at once for at most what was granted.
    fn admit(&mut self, agent: AgentId, want: Nanos, floor: Nanos, actual: Nanos) {
        let call = self.id();
        let Some(epoch) = self.ask_epoch(Command::Epoch) else { return };
        let ask = Admit {
            call,
            agent,
            key: None,
            version: 1,
            model: "p:m".into(),
            epoch,
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
        if let Some(Answer::Admission(Admission::Granted { amount, .. })) = self.ask(Command::Admit(ask)) {
            assert!(amount >= floor && amount <= want);
            let open = Open { call, agent, at: self.now(), held: amount, billed: actual.min(amount) };
            self.invoice.push(open.clone());
            self.open.push(open);
        }
    }

    fn settle(&mut self, call: Open) {
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
            run: None,
        };
        match self.platform.command(Command::Settle(Settle { records: vec![record] })) {
            Said::Now(Ok(_)) => self.answered.push(call),
            Said::Now(Err(_)) => {
                self.lost = true;
                self.open.push(call);
            }
            Said::Later(later) => self.unanswered.push((later, call)),
        }
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
                    self.settle(call);
                }
            }
            Step::Repeat { pick } => {
                if let Some(call) = Self::take(&mut self.answered, pick) {
                    self.settle(call);
                }
            }
            Step::Forget { pick } => self.lost |= Self::take(&mut self.open, pick).is_some(),
            Step::Change => {
                self.ask_epoch(Command::BeginWrite);
                self.ask_epoch(Command::EndWrite);
            }
            Step::Write => self.platform.ring(Timer::Gather),
            Step::Quiet => self.platform.ring(Timer::Quiet),
            Step::Fail { nth, after } => {
                self.platform.disk.fail(nth, if after { Side::After } else { Side::Before });
            }
            Step::Crash => {
                self.lost = true;
                self.platform.crash();
            }
            Step::LoseAlarm => self.platform.alarm = None,
            Step::Wake => {
                self.ask(Command::Wake);
            }
            Step::Wait { ms } => {
                self.platform.now = self.now().plus(ms);
                // What expires meanwhile is charged, whoever holds it.
                self.lost |= !self.open.is_empty() && self.platform.ring_alarm();
            }
        }
        self.collect();
    }

    fn ledger(&self) -> Vec<CallRecord> {
        let fault = self.platform.disk.take_fault();
        let page = |agent| Page { agent, limit: 10_000, before: None, ended: Vec::new() };
        let read = |n| ledger::page(&self.platform.disk, &page(Self::agent(n)), &mut Vec::new()).unwrap();
        let rows = [0, 1].into_iter().flat_map(read).collect();
        self.platform.disk.put_fault(fault);
        rows
    }

    fn check(&mut self) -> Result<(), TestCaseError> {
        for agent in [Self::agent(0), Self::agent(1)] {
            let Some(budget) = self.budget_of(agent) else { continue };
            for answer in self.platform.both(&Command::Inspect(Inspect { agent, budget })) {
                let Answer::Spend(spend) = answer else { panic!("{answer:?}") };
                self.check_spend(agent, &budget, &spend)?;
            }
        }
        for answer in self.platform.both(&Command::InspectAccount) {
            let Answer::AccountSpend(spend) = answer else { panic!("{answer:?}") };
            self.check_account(&spend)?;
        }
        let ledger = self.ledger();
        for call in &self.answered {
            prop_assert!(
                ledger.iter().any(|row| row.call == call.call),
                "an answered settlement is on the disk: {call:?}"
            );
        }
        let sum: Nanos = ledger.iter().map(|row| row.cost).sum();
        prop_assert_eq!(self.settled(), sum, "the ledger's sum is what is settled");
        let mut calls: Vec<CallId> = ledger.iter().map(|row| row.call).collect();
        calls.sort_unstable();
        calls.dedup();
        prop_assert_eq!(calls.len(), ledger.len(), "each once");
        Ok(())
    }

    /// What the disk says was spent in all.
    fn settled(&self) -> Nanos {
        let sum = "SELECT COALESCE(SUM(total_settled), 0) FROM agents";
        Nanos::from_i64(self.platform.disk.db().query_row(sum, [], |row| row.get(0)).unwrap_or_default())
    }

    fn check_account(&self, spend: &AccountSpend) -> Result<(), TestCaseError> {
        let taken = spend.settled + spend.held;
        prop_assert!(self.monthly_spend.is_none_or(|limit| taken <= limit), "{spend:?} passes the plan's");
        let start = self.now().start_of_month();
        let billed: Nanos = self.invoice.iter().filter(|call| call.at >= start).map(|call| call.billed).sum();
        prop_assert!(billed <= taken, "the provider bills {billed}, we know of {spend:?}");
        Ok(())
    }

    fn check_spend(&self, agent: AgentId, budget: &Budget, spend: &Spend) -> Result<(), TestCaseError> {
        prop_assert!(spend.settled + spend.held <= budget.limit, "{spend:?} passes {budget:?}");
        let start = match budget.period {
            Period::Day => self.now().start_of_day(),
            Period::Month => self.now().start_of_month(),
            Period::Total => Millis(0),
        };
        let of_agent = self.invoice.iter().filter(|call| call.agent == agent && call.at >= start);
        let billed: Nanos = of_agent.map(|call| call.billed).sum();
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
        simulation.platform.disk.call_off();
        for call in std::mem::take(&mut simulation.open) {
            simulation.settle(call);
        }
        simulation.platform.ring(Timer::Gather);
        simulation.collect();
        simulation.check()?;
        let invoice: Nanos = simulation.invoice.iter().map(|call| call.billed).sum();
        if simulation.lost {
            simulation.platform.now = simulation.now().plus(2 * i64::from(TTL_MS));
            simulation.ask(Command::Wake);
            simulation.check()?;
            prop_assert!(simulation.settled() >= invoice);
            let held = simulation.platform.both(&Command::InspectAccount).map(|answer| match answer {
                Answer::AccountSpend(spend) => spend.held,
                other => panic!("{other:?}"),
            });
            prop_assert_eq!(held[0], Nanos::ZERO, "all that nobody settled is charged");
        } else {
            prop_assert_eq!(simulation.settled(), invoice, "with nobody lost, we know the invoice");
        }
    }
}
