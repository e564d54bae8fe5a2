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
    state.settle(
        record(1, 60, 25, NOON),
        Some(Known { status: CallStatus::Ok, cost: Nanos::new(25), at: NOON }),
        NOON,
    );
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
    let known = Known { status: CallStatus::Expired, cost: Nanos::new(60), at: NOON };
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
    assert_eq!(state.epoch().0, 2);
    state.expire(NOON.plus(60_000), || call(9));
    assert_eq!(state.epoch().0, 3, "the alarm took the writer's second step");
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
