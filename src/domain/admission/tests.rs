use super::command::*;
use super::*;
use crate::domain::budget::{Action, Budget, Period};
use crate::domain::ids::{AgentId, CallId};
use crate::domain::message::Usage;
use crate::domain::money::Nanos;
use crate::domain::plan::CallLimits;
use crate::domain::time::Millis;

/// 2026-11-21T12:00:00Z
const NOON: Millis = Millis(1_795_262_400_000);
const HOUR: i64 = 3_600_000;

fn agent() -> AgentId {
    AgentId::new(Millis(1), [7; 10])
}

fn call(n: u8) -> CallId {
    CallId::new(NOON, [n; 10])
}

fn budget(limit: u64) -> Budget {
    Budget { limit: Nanos::new(limit), period: Period::Day, action: Action::Block }
}

fn ask(n: u8, want: u64, floor: u64, budget: Option<Budget>) -> Admit {
    Admit {
        call: call(n),
        agent: agent(),
        key: None,
        version: 1,
        model: "openai:m".into(),
        epoch: 1,
        want: Nanos::new(want),
        floor: Nanos::new(floor),
        again: false,
        charged: Nanos::ZERO,
        budget,
        max_concurrency: None,
        limits: CallLimits::default(),
        ttl_ms: 60_000,
        ended: vec![],
    }
}

fn record(n: u8, held: u64, cost: u64, at: Millis) -> CallRecord {
    CallRecord {
        call: call(n),
        agent: agent(),
        key: None,
        version: 1,
        model: "openai:m".into(),
        status: CallStatus::Ok,
        usage: UsageKind::Reported,
        tokens: Usage::default(),
        held: Nanos::new(held),
        cost: Nanos::new(cost),
        at,
        first_token_ms: None,
        duration_ms: 5,
        run: None,
    }
}

fn granted(state: &mut State, ask: &Admit, now: Millis) -> Option<u64> {
    match state.admit(ask, now).0 {
        Admission::Granted { amount, .. } => Some(amount.get()),
        _ => None,
    }
}

fn spend(state: &mut State, limit: u64, now: Millis) -> (u64, u64, u64) {
    let spend = state.spend(&Inspect { agent: agent(), budget: budget(limit) }, now);
    (spend.settled.get(), spend.held.get(), spend.remaining.get())
}

fn fresh() -> State {
    let mut state = State::load(Snapshot::default(), NOON);
    state.flush(NOON);
    state
}

#[test]
fn a_hold_is_replaced_by_the_actual_cost_once() {
    let mut state = fresh();
    assert_eq!(granted(&mut state, &ask(1, 60, 10, Some(budget(100))), NOON), Some(60));
    assert_eq!(spend(&mut state, 100, NOON), (0, 60, 40));
    for _ in 0..3 {
        state.settle(record(1, 60, 25, NOON), None, NOON);
        assert_eq!(spend(&mut state, 100, NOON), (25, 0, 75));
    }
    state.flush(NOON);
    state.settle(record(1, 60, 25, NOON), Some(Known::Ended), NOON);
    assert_eq!(spend(&mut state, 100, NOON), (25, 0, 75), "the ledger remembers what memory has let go");
}

#[test]
fn what_is_left_shrinks_the_grant_down_to_the_floor_and_then_refuses() {
    let mut state = fresh();
    let cap = Some(budget(100));
    assert_eq!(granted(&mut state, &ask(1, 60, 10, cap), NOON), Some(60));
    assert_eq!(granted(&mut state, &ask(2, 60, 10, cap), NOON), Some(40));
    let (answer, _) = state.admit(&ask(3, 60, 10, cap), NOON);
    let Admission::Refused(Refusal::Budget { limit, remaining, resets_at, .. }) = answer else {
        panic!("{answer:?}")
    };
    assert_eq!((limit.get(), remaining.get(), resets_at), (100, 0, Some(NOON.plus(12 * HOUR))));
}

#[test]
fn asking_again_for_the_same_call_holds_once() {
    let mut state = fresh();
    let cap = Some(budget(100));
    assert_eq!(granted(&mut state, &ask(1, 60, 10, cap), NOON), Some(60));
    assert_eq!(granted(&mut state, &ask(1, 60, 10, cap), NOON), Some(60));
    assert_eq!(spend(&mut state, 100, NOON).1, 60);
    let second = Admit { again: true, charged: Nanos::new(30), ..ask(1, 100, 10, cap) };
    assert_eq!(granted(&mut state, &second, NOON), Some(70), "what the first attempt cost stays held");
    assert_eq!(spend(&mut state, 100, NOON).1, 100);
}

#[test]
fn a_hold_nobody_settles_is_charged_when_it_expires_and_put_right_if_someone_does_after_all() {
    let mut state = fresh();
    granted(&mut state, &ask(1, 60, 10, Some(budget(100))), NOON);
    assert_eq!(state.wake_at(), Some(NOON.plus(60_000)));
    state.expire(NOON.plus(59_999), || call(9));
    assert_eq!(spend(&mut state, 100, NOON).1, 60);
    let late = NOON.plus(60_000);
    state.expire(late, || call(9));
    assert_eq!(spend(&mut state, 100, late), (60, 0, 40));
    let batch = state.flush(late);
    assert_eq!((batch.records[0].status, batch.records[0].usage), (CallStatus::Expired, UsageKind::Missing));
    let known = Known::Expired { cost: Nanos::new(60), at: NOON };
    state.settle(record(1, 60, 25, NOON), Some(known), late);
    assert_eq!(spend(&mut state, 100, late), (25, 0, 75));
}

#[test]
fn a_hold_that_straddles_midnight_stays_in_the_day_it_was_made() {
    let mut state = fresh();
    let late = NOON.plus(12 * HOUR - 1);
    let next = NOON.plus(12 * HOUR);
    granted(&mut state, &ask(1, 60, 10, Some(budget(100))), late);
    assert_eq!(spend(&mut state, 100, next), (0, 0, 100), "the new day begins at zero");
    assert_eq!(granted(&mut state, &ask(2, 100, 10, Some(budget(100))), next), Some(100));
    state.settle(record(1, 60, 25, late), None, next);
    assert_eq!(spend(&mut state, 100, next), (0, 100, 0));
    let total = Inspect { agent: agent(), budget: Budget { period: Period::Total, ..budget(1_000) } };
    assert_eq!(state.spend(&total, next).settled.get(), 25, "and is not lost");
}

#[test]
fn notify_lets_calls_through_and_records_the_crossing() {
    let mut state = fresh();
    let notify = Budget { action: Action::Notify, ..budget(100) };
    for n in 1..=3 {
        assert_eq!(granted(&mut state, &ask(n, 60, 10, Some(notify)), NOON), Some(60));
        state.settle(record(n, 60, 60, NOON), None, NOON.plus(i64::from(n)));
    }
    let crossed = state.spend(&Inspect { agent: agent(), budget: notify }, NOON).crossed_at;
    assert_eq!(crossed, Some(NOON.plus(2)), "at the call that reached the limit");
    let tomorrow = state.spend(&Inspect { agent: agent(), budget: notify }, NOON.plus(24 * HOUR));
    assert_eq!((tomorrow.crossed_at, tomorrow.settled.get()), (None, 0));
}

#[test]
fn a_call_that_wants_nothing_is_granted_whatever_is_taken() {
    let mut state = fresh();
    assert_eq!(granted(&mut state, &ask(1, 100, 100, Some(budget(100))), NOON), Some(100));
    for (n, limit) in [(2, 100), (3, 40)] {
        assert_eq!(granted(&mut state, &ask(n, 0, 0, Some(budget(limit))), NOON), Some(0));
        assert_eq!(granted(&mut state, &ask(n + 10, 1, 1, Some(budget(limit))), NOON), None);
    }
    let plan = CallLimits { monthly_spend: Some(Nanos::new(40)), ..CallLimits::default() };
    assert_eq!(granted(&mut state, &Admit { limits: plan, ..ask(4, 0, 0, None) }, NOON), Some(0));
    assert_eq!(granted(&mut state, &Admit { limits: plan, ..ask(5, 1, 1, None) }, NOON), None);
}

#[test]
fn concurrency_counts_open_calls_and_not_another_attempt_of_one() {
    let mut state = fresh();
    let one = |n| Admit { max_concurrency: Some(1), ..ask(n, 10, 1, None) };
    assert!(granted(&mut state, &one(1), NOON).is_some());
    assert!(granted(&mut state, &one(1), NOON).is_some());
    assert_eq!(
        state.admit(&one(2), NOON).0,
        Admission::Refused(Refusal::Concurrency { limit: 1, of: Scope::Agent })
    );
    state.settle(record(1, 10, 1, NOON), None, NOON);
    assert!(granted(&mut state, &one(2), NOON).is_some());
}

#[test]
fn rows_of_another_epoch_are_stale_and_a_dead_writer_is_ended() {
    let mut state = fresh();
    assert!(granted(&mut state, &ask(1, 1, 1, None), NOON).is_some());
    assert_eq!(state.begin_write(NOON), (2, Durability::Now));
    assert_eq!(state.admit(&ask(2, 1, 1, None), NOON).0, Admission::Stale { epoch: 2 });
    state.expire(NOON.plus(59_999), || call(9));
    assert_eq!(state.epoch(), 2);
    state.expire(NOON.plus(60_000), || call(9));
    assert_eq!(state.epoch(), 3, "the alarm took the writer's second step");
    assert_eq!(state.end_write().0, 4);
}

#[test]
fn admissions_wait_for_the_disk_only_when_the_slice_is_used_up() {
    let mut state = fresh();
    let mut writes = 0;
    for n in 0..200 {
        if state.admit(&ask(n, 10, 10, None), NOON).1 == Durability::Now {
            state.flush(NOON);
            writes += 1;
        }
    }
    assert!(writes <= 8, "200 admissions waited {writes} times");
}

#[test]
fn a_call_that_wants_nothing_gives_no_slice_back() {
    let mut state = fresh();
    granted(&mut state, &ask(1, 10, 0, Some(budget(1_000))), NOON);
    assert_eq!(state.flush(NOON).agents[0].slice.get(), 20);
    granted(&mut state, &ask(2, 0, 0, Some(budget(1_000))), NOON);
    state.flush(NOON);
    let (_, durability) = state.admit(&ask(3, 10, 0, Some(budget(1_000))), NOON);
    assert_eq!(durability, Durability::Soon);
}

#[test]
fn a_slice_is_given_back_when_its_agent_is_quiet() {
    let mut state = fresh();
    state.admit(&ask(1, 10, 10, None), NOON);
    assert_eq!(state.flush(NOON).agents[0].slice.get(), 20);
    assert!(state.has_open_slices());
    state.settle(record(1, 10, 4, NOON), None, NOON);
    let batch = state.flush(NOON.plus(1_000));
    assert_eq!(batch.agents[0].slice, Nanos::ZERO);
    assert!(!state.has_open_slices());
}

#[test]
fn a_slice_never_reserves_more_than_the_budget_has_left() {
    let mut state = fresh();
    state.admit(&ask(1, 60, 10, Some(budget(100))), NOON);
    assert_eq!(state.flush(NOON).agents[0].slice.get(), 40);
}

fn on_plan(n: u8, want: u64, floor: u64, monthly_spend: u64) -> Admit {
    let limits = CallLimits { monthly_spend: Some(Nanos::new(monthly_spend)), ..CallLimits::default() };
    Admit { agent: AgentId::new(Millis(1), [n; 10]), limits, ..ask(n, want, floor, None) }
}

#[test]
fn all_agents_together_hold_no_more_than_the_plan_lets_the_account_spend_in_a_month() {
    let mut state = fresh();
    assert_eq!(granted(&mut state, &on_plan(1, 60, 10, 100), NOON), Some(60));
    assert_eq!(granted(&mut state, &on_plan(2, 60, 10, 100), NOON), Some(40), "what is left");
    let refused = Refusal::Budget {
        of: Scope::Plan,
        period: Period::Month,
        limit: Nanos::new(100),
        remaining: Nanos::ZERO,
        resets_at: Some(NOON.start_of_next_month()),
        is_held: true,
    };
    assert_eq!(state.admit(&on_plan(3, 60, 10, 100), NOON).0, Admission::Refused(refused));
    assert_eq!(granted(&mut state, &ask(4, 60, 10, None), NOON), Some(60), "another plan");
    let december = NOON.start_of_next_month();
    assert_eq!(granted(&mut state, &on_plan(5, 100, 10, 100), december), Some(100));
}

#[test]
fn the_agents_own_budget_and_the_plan_both_count() {
    let mut state = fresh();
    let own = |n, limit| Admit { budget: Some(budget(limit)), ..on_plan(n, 60, 10, 100) };
    assert_eq!(granted(&mut state, &own(1, 30), NOON), Some(30), "the agent's is smaller");
    assert_eq!(granted(&mut state, &own(2, 1_000), NOON), Some(60));
    assert_eq!(granted(&mut state, &own(3, 1_000), NOON), Some(10), "the plan's is smaller");
}

#[test]
fn slices_of_all_agents_together_fit_under_the_plan() {
    let mut state = fresh();
    state.admit(&on_plan(1, 40, 10, 100), NOON);
    assert_eq!(state.flush(NOON).agents[0].slice.get(), 60, "all that is left");
    state.admit(&on_plan(2, 30, 10, 100), NOON);
    let batch = state.flush(NOON);
    let slices: Vec<u64> = batch.agents.iter().map(|row| row.slice.get()).collect();
    assert_eq!(slices, [30, 0], "the first agent's is cut to make room for what the second holds");
    let mut restarted = State::load(
        Snapshot { meta: batch.meta, agents: batch.agents, holds: state.holds.values().cloned().collect() },
        NOON,
    );
    let spend = restarted.account_spend(NOON);
    assert_eq!((spend.settled.get(), spend.held.get()), (0, 100));
}

#[test]
fn calls_at_once_are_counted_over_all_agents_and_another_attempt_is_none() {
    let mut state = fresh();
    let limits = CallLimits { concurrent_calls: Some(2), ..CallLimits::default() };
    let one = |n| Admit { limits, ..on_plan(n, 10, 1, 0) };
    assert!(granted(&mut state, &one(1), NOON).is_some());
    assert!(granted(&mut state, &one(2), NOON).is_some());
    assert!(granted(&mut state, &one(2), NOON).is_some(), "asked twice");
    let full = Refusal::Concurrency { limit: 2, of: Scope::Plan };
    assert_eq!(state.admit(&one(3), NOON).0, Admission::Refused(full));
    state.settle(CallRecord { agent: one(1).agent, ..record(1, 10, 1, NOON) }, None, NOON);
    assert!(granted(&mut state, &one(3), NOON).is_some());
}

#[test]
fn calls_a_minute_slide_and_count_each_call_once() {
    let mut state = fresh();
    let limits = CallLimits { calls_per_minute: Some(3), ..CallLimits::default() };
    let one = |n| Admit { limits, ..ask(n, 10, 1, None) };
    let rate = |state: &mut State, ask: &Admit, at| match state.admit(ask, at).0 {
        Admission::Granted { rate: Some(rate), .. } => Ok((rate.remaining, rate.resets_at)),
        Admission::Refused(Refusal::Rate { limit: 3, resets_at }) => Err(resets_at),
        other => panic!("{other:?}"),
    };
    let minute = |at: Millis| at.plus(60_000);
    assert_eq!(rate(&mut state, &one(1), NOON), Ok((2, minute(NOON))));
    let later = NOON.plus(10_000);
    assert_eq!(rate(&mut state, &one(2), later), Ok((1, minute(NOON))));
    assert_eq!(rate(&mut state, &one(2), later), Ok((1, minute(NOON))), "asked twice");
    let again = Admit { again: true, ..one(2) };
    assert_eq!(rate(&mut state, &again, later), Ok((1, minute(NOON))), "another attempt");
    assert_eq!(rate(&mut state, &one(3), later), Ok((0, minute(NOON))));
    assert_eq!(rate(&mut state, &one(4), later), Err(minute(NOON)));
    assert_eq!(rate(&mut state, &one(5), minute(NOON).plus(-1)), Err(minute(NOON)), "refusals count nothing");
    assert_eq!(rate(&mut state, &one(6), minute(NOON)), Ok((0, minute(later))), "one has left, two have not");
    assert_eq!(rate(&mut state, &one(7), minute(NOON)), Err(minute(later)));
}

#[test]
fn another_attempt_after_midnight_counts_in_the_new_day_and_waits_for_the_disk() {
    let mut state = fresh();
    let (late, next) = (NOON.plus(12 * HOUR - 1), NOON.plus(12 * HOUR));
    let cap = Some(budget(100));
    assert_eq!(granted(&mut state, &ask(1, 60, 10, cap), late), Some(60));
    assert_eq!(granted(&mut state, &ask(2, 70, 10, cap), next), Some(70));
    state.flush(next);
    let again = Admit { again: true, charged: Nanos::new(20), ..ask(1, 60, 5, cap) };
    let (answer, durability) = state.admit(&again, next);
    assert_eq!(
        answer,
        Admission::Granted { amount: Nanos::new(10), rate: None },
        "of the 30 left, 20 are charged"
    );
    assert_eq!(durability, Durability::Now);
    assert_eq!(spend(&mut state, 100, next), (0, 100, 0));
}

#[test]
fn calls_of_one_second_leave_when_the_last_of_them_is_a_minute_old() {
    let mut state = fresh();
    let limits = CallLimits { calls_per_minute: Some(2), ..CallLimits::default() };
    let one = |n| Admit { limits, ..ask(n, 10, 1, None) };
    assert!(granted(&mut state, &one(1), NOON).is_some());
    assert!(granted(&mut state, &one(2), NOON.plus(900)).is_some());
    let full = Refusal::Rate { limit: 2, resets_at: NOON.plus(60_900) };
    assert_eq!(state.admit(&one(3), NOON.plus(60_500)).0, Admission::Refused(full));
    assert!(granted(&mut state, &one(4), NOON.plus(60_900)).is_some());
}
