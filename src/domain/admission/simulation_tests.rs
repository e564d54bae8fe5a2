//! Random histories with crashes between any two writes, against a provider that keeps its own invoice.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::State;
use super::command::*;
use super::simulation::{AGENTS, Rules, STARTS, Simulation, TTL_MS, step};
use crate::domain::budget::{Action, Budget, Period};
use crate::domain::money::Nanos;
use crate::domain::plan::CallLimits;
use crate::domain::time::Millis;

impl Simulation {
    fn check(&mut self) -> Result<(), TestCaseError> {
        let mut restarted = State::load(self.disk.snapshot(), self.now);
        let live = self.state.account_spend(self.now);
        for (spend, state) in
            [(live, self.state.clone()), (restarted.account_spend(self.now), restarted.clone())]
        {
            self.check_account(&spend, state)?;
        }
        self.check_crowd(&live)?;
        for agent in Self::agents() {
            let Some(budget) = self.budget_of(agent) else { continue };
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

    /// What the account has taken, now and after a crash at this moment.
    fn check_account(&self, spend: &AccountSpend, mut state: State) -> Result<(), TestCaseError> {
        let month = Budget { limit: Nanos::MAX, period: Period::Month, action: Action::Block };
        let of = |agent| state.spend(&Inspect { agent, budget: month }, self.now);
        let each: Vec<Spend> = Self::agents().map(of).collect();
        prop_assert_eq!(spend.settled, each.iter().map(|spend| spend.settled).sum::<Nanos>());
        prop_assert_eq!(spend.held, each.iter().map(|spend| spend.held).sum::<Nanos>());
        let billed: u64 = self
            .invoice
            .values()
            .filter(|call| call.at >= self.now.start_of_month())
            .map(|call| call.billed)
            .sum();
        let taken = (spend.settled + spend.held).get();
        prop_assert!(billed <= taken, "the provider bills {billed}, we know of {spend:?}");
        if let Some(limit) = self.rules.limits.monthly_spend {
            prop_assert!(taken <= limit.get(), "{spend:?} passes the plan's {limit}");
        }
        Ok(())
    }

    fn check_crowd(&self, live: &AccountSpend) -> Result<(), TestCaseError> {
        let limits = self.rules.limits;
        prop_assert!(limits.concurrent_calls.is_none_or(|limit| live.open_calls <= limit), "{live:?}");
        let minute = self.granted_at.iter().filter(|at| at.plus(60_000) > self.now).count();
        prop_assert!(limits.calls_per_minute.is_none_or(|limit| minute <= limit as usize), "{minute} calls");
        prop_assert!(minute <= live.calls_in_minute as usize);
        Ok(())
    }
}

fn rules() -> impl Strategy<Value = Rules> {
    let limits = (option::of(100..3_000u64), option::of(1..20u32), option::of(1..5u32)).prop_map(
        |(spend, calls_per_minute, concurrent_calls)| CallLimits {
            calls_per_minute,
            concurrent_calls,
            monthly_spend: spend.map(Nanos::new),
        },
    );
    let budgets = vec(option::of(budget()), usize::from(AGENTS));
    (prop_oneof![Just(STARTS[0]), Just(STARTS[1])], budgets, limits)
        .prop_map(|(start, budgets, limits)| Rules { start, budgets, limits })
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
        rules in rules(),
        steps in vec(step(), 1..120),
    ) {
        let mut simulation = Simulation::new(rules);
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
