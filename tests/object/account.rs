//! The account's object under its host: what is on the disk before an answer leaves, what a failure leaves of
//! memory, and that what is due is done though alarms are lost.

use retinue::domain::admission::command::{
    Admission, Admit, Answer, CallRecord, CallStatus, Command, Inspect, Page, Refusal, Settle, Spend,
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
use retinue::object::sql::Error;

use crate::disk::Side;
use crate::platform::{Platform, Said};

const START: Millis = Millis(1_795_262_400_000);
const BUDGET: Budget = Budget { limit: Nanos::new(1_000), period: Period::Total, action: Action::Block };

fn agent() -> AgentId {
    AgentId::new(START, [1; 10])
}

fn call(n: u8) -> CallId {
    CallId::new(START, [n; 10])
}

pub fn admit(n: u8, want: u64) -> Command {
    Command::Admit(Admit {
        call: call(n),
        agent: agent(),
        key: None,
        version: 1,
        model: "p:m".to_owned(),
        epoch: 1,
        want: Nanos::new(want),
        floor: Nanos::new(1),
        again: false,
        charged: Nanos::ZERO,
        budget: Some(BUDGET),
        max_concurrency: None,
        limits: CallLimits::default(),
        ttl_ms: 30_000,
        ended: Vec::new(),
    })
}

pub fn record(n: u8, held: u64, cost: u64) -> CallRecord {
    CallRecord {
        call: call(n),
        agent: agent(),
        key: None,
        version: 1,
        model: "p:m".to_owned(),
        status: CallStatus::Ok,
        usage: UsageKind::Reported,
        tokens: Usage::default(),
        held: Nanos::new(held),
        cost: Nanos::new(cost),
        at: START,
        first_token_ms: None,
        duration_ms: 1,
        run: None,
    }
}

fn settle(n: u8, held: u64, cost: u64) -> Command {
    Command::Settle(Settle { records: vec![record(n, held, cost)] })
}

/// An account that has told its epoch.
fn account() -> Platform<Account> {
    let mut platform = Platform::new(START);
    assert_eq!(platform.command(Command::Epoch).ok(), Answer::Epoch(1));
    platform
}

fn granted(said: Said<Answer>) -> u64 {
    match said.ok() {
        Answer::Admission(Admission::Granted { amount, .. }) => amount.get(),
        other => panic!("{other:?}"),
    }
}

fn spend(platform: &mut Platform<Account>) -> Spend {
    match platform.command(Command::Inspect(Inspect { agent: agent(), budget: BUDGET })).ok() {
        Answer::Spend(spend) => spend,
        other => panic!("{other:?}"),
    }
}

/// What an object that starts now on the same disk would say.
fn on_disk(platform: &Platform<Account>) -> Spend {
    match platform.restarted(Command::Inspect(Inspect { agent: agent(), budget: BUDGET })) {
        Answer::Spend(spend) => spend,
        other => panic!("{other:?}"),
    }
}

fn page() -> Command {
    Command::Calls(Page { agent: agent(), limit: 10, before: None, ended: Vec::new() })
}

#[test]
fn an_epoch_that_was_told_is_on_the_disk() {
    for command in [Command::Epoch, Command::BeginWrite, Command::EndWrite] {
        let mut platform = Platform::<Account>::new(START);
        let Answer::Epoch(told) = platform.command(command).ok() else { panic!() };
        assert_eq!(platform.restarted(Command::Epoch), Answer::Epoch(told));
    }
}

#[test]
fn a_write_that_the_object_ends_by_itself_is_on_the_disk_before_its_epoch_is_told() {
    let mut platform = account();
    assert_eq!(platform.command(Command::BeginWrite).ok(), Answer::Epoch(2));
    platform.now = START.plus(120_000);
    assert!(platform.ring_alarm(), "its writer is lost");
    assert_eq!(platform.command(Command::Epoch).ok(), Answer::Epoch(3));
    assert_eq!(platform.restarted(Command::Epoch), Answer::Epoch(3));
}

#[test]
fn a_copy_of_an_admission_that_comes_after_its_call_has_ended_is_refused() {
    let mut platform = account();
    let held = granted(platform.command(admit(1, 10)));
    drop(platform.command(settle(1, held, 4)));
    platform.now = START.plus(2_000);
    for _ in 0..2 {
        let Answer::Admission(refused) = platform.command(admit(1, 10)).ok() else { panic!() };
        assert_eq!(refused, Admission::Refused(Refusal::Lapsed), "also once it is on the disk alone");
        platform.ring(Timer::Gather);
        platform.crash();
    }
    assert_eq!((spend(&mut platform).held.get(), spend(&mut platform).settled.get()), (0, 4));
    granted(platform.command(admit(2, 10)));
}

#[test]
fn an_admission_that_was_answered_is_covered_by_the_disk() {
    let mut platform = account();
    let mut held = 0;
    for n in 1..=5 {
        held += granted(platform.command(admit(n, 10)));
        let after = on_disk(&platform);
        assert!(after.held.get() >= held, "{n} calls hold {held}, a crash would know of {after:?}");
    }
}

#[test]
fn admissions_that_travel_together_are_all_covered() {
    let mut platform = account();
    let asks = (1..=20).map(|n| match admit(n, 10) {
        Command::Admit(ask) => ask,
        _ => unreachable!(),
    });
    let Answer::Admissions(all) = platform.command(Command::AdmitAll(asks.collect())).ok() else { panic!() };
    assert_eq!((all.len(), on_disk(&platform).held.get() >= 200), (20, true));
}

#[test]
fn a_settlement_is_answered_by_the_write_that_holds_it_and_not_before() {
    let mut platform = account();
    let held = granted(platform.command(admit(1, 10)));
    let Said::Later(mut first) = platform.command(settle(1, held, 4)) else { panic!("it does not wait") };
    assert!(first.poll().is_none());
    assert_eq!(on_disk(&platform).settled.get(), 0);
    let held = granted(platform.command(admit(2, 5)));
    let Said::Later(mut second) = platform.command(settle(2, held, 1)) else { panic!("it does not wait") };
    platform.ring(Timer::Gather);
    assert_eq!(on_disk(&platform).settled.get(), 5);
    assert_eq!([first.poll(), second.poll()], [Some(Ok(Answer::Settled)), Some(Ok(Answer::Settled))]);
    assert_eq!(platform.command(settle(1, 10, 4)).ok(), Answer::Settled, "nothing is left to be written");
}

#[test]
fn a_settlement_whose_write_fails_is_said_to_have_failed() {
    for side in [Side::Before, Side::After] {
        let mut platform = account();
        let held = granted(platform.command(admit(1, 10)));
        let Said::Later(mut settled) = platform.command(settle(1, held, 4)) else {
            panic!("it does not wait")
        };
        platform.disk.fail(1, side);
        platform.ring(Timer::Gather);
        assert!(matches!(settled.poll(), Some(Err(Error::Storage(_)))));
        assert_eq!(spend(&mut platform).settled.get(), 0, "what was not written did not happen");
        let Said::Later(mut again) = platform.command(settle(1, held, 4)) else { panic!("it does not wait") };
        platform.ring(Timer::Gather);
        assert_eq!(again.poll(), Some(Ok(Answer::Settled)));
        assert_eq!(spend(&mut platform).settled.get(), 4);
    }
}

#[test]
fn a_disk_that_fails_takes_memory_with_it() {
    let mut platform = account();
    platform.disk.fail(1, Side::Before);
    let Said::Now(Err(Error::Storage(_))) = platform.command(admit(1, 10)) else { panic!("it was answered") };
    assert_eq!(spend(&mut platform).held.get(), 0, "memory does not believe in what the disk has not");
    assert!(platform.log.iter().any(|line| line.contains("the disk failed")), "{:?}", platform.log);
    assert_eq!(granted(platform.command(admit(1, 10))), 10);
}

/// The plan's calls a minute: 240 were answered on a plan of 60, because an error forgot them.
#[test]
fn no_error_forgets_the_calls_of_the_last_minute() {
    let mut platform = account();
    let counted = |platform: &mut Platform<Account>| {
        let Answer::AccountSpend(spend) = platform.command(Command::InspectAccount).ok() else { panic!() };
        spend.calls_in_minute
    };
    granted(platform.command(admit(1, 10)));
    platform.ring(Timer::Gather);
    assert_eq!(counted(&mut platform), 1);
    // Reading fails: memory has what it had.
    platform.disk.take_statements();
    platform.disk.fail(1, Side::Before);
    assert!(matches!(platform.command(page()), Said::Now(Err(Error::Storage(_)))));
    assert_eq!(counted(&mut platform), 1);
    assert!(
        !platform.disk.take_statements().iter().any(|sql| sql.contains("FROM agents")),
        "it was not loaded again"
    );
    // Writing fails: money is what the disk has; the minute's calls no disk has.
    granted(platform.command(admit(2, 10)));
    platform.disk.fail(1, Side::Before);
    platform.ring(Timer::Gather);
    assert_eq!(counted(&mut platform), 2);
    platform.crash();
    assert_eq!(counted(&mut platform), 0);
}

#[test]
fn a_row_that_cannot_be_read_leaves_memory_as_it_is() {
    let mut platform = account();
    let held = granted(platform.command(admit(1, 10)));
    drop(platform.command(settle(1, held, 4)));
    platform.ring(Timer::Gather);
    // In memory alone, until the next write.
    let drawn = granted(platform.command(admit(2, 10)));
    drop(platform.command(settle(2, drawn, 3)));
    platform.disk.db().execute("UPDATE calls SET status = 'fine'", []).unwrap();
    platform.disk.take_statements();
    let Answer::Calls(calls) = platform.command(page()).ok() else { panic!() };
    assert_eq!(calls.len(), 1, "the page is the rest");
    assert!(platform.log.iter().any(|line| line.contains("1 rows of the ledger")), "{:?}", platform.log);
    assert_eq!(platform.command(settle(1, held, 4)).ok(), Answer::Settled, "it has ended, whatever it says");
    assert_eq!(spend(&mut platform).settled.get(), 7);
    let statements = platform.disk.take_statements();
    assert!(!statements.iter().any(|sql| sql.contains("FROM agents")), "memory was not loaded again");
}

#[test]
fn money_that_cannot_be_read_stops_the_account_and_says_why() {
    let mut platform = account();
    let held = granted(platform.command(admit(3, 10)));
    drop(platform.command(settle(3, held, 4)));
    granted(platform.command(admit(1, 300)));
    platform.ring(Timer::Gather);
    platform.crash();
    platform.disk.db().execute("UPDATE holds SET expires_at = 'soon'", []).unwrap();
    let Said::Now(Err(Error::Decode(words))) = platform.command(admit(2, 10)) else {
        panic!("it was answered")
    };
    assert!(words.contains("soon"), "{words}");
    let Answer::Calls(calls) = platform.command(page()).ok() else { panic!() };
    assert_eq!(calls.len(), 1, "the ledger can be read all the same");
    platform.disk.db().execute("UPDATE holds SET expires_at = 5", []).unwrap();
    granted(platform.command(admit(2, 10)));
}

#[test]
fn a_hold_is_charged_though_its_alarm_is_lost() {
    let mut platform = account();
    let held = granted(platform.command(admit(1, 10)));
    assert_eq!(platform.alarm, Some(START.plus(30_000)));
    platform.alarm = None;
    platform.now = START.plus(60_000);
    assert_eq!(platform.command(Command::Wake).ok(), Answer::Woken);
    let after = on_disk(&platform);
    assert!(after.settled.get() >= held, "{after:?}");
}

#[test]
fn an_alarm_that_is_overdue_is_set_again_by_whatever_comes() {
    let mut platform = account();
    granted(platform.command(admit(1, 10)));
    platform.alarm = None;
    platform.now = START.plus(20_000);
    granted(platform.command(admit(2, 400)));
    assert_eq!(platform.alarm, None, "it is not due yet, as far as the object knows");
    platform.now = START.plus(41_000);
    granted(platform.command(admit(3, 500)));
    assert_eq!(platform.alarm, Some(platform.now), "at once");
    platform.alarm = None;
    platform.crash();
    spend(&mut platform);
    assert!(platform.alarm.is_some(), "a restart sees to it, even if it writes nothing");
}

#[test]
fn an_alarm_that_rings_on_a_restarted_object_leaves_the_next_one_set() {
    let mut platform = account();
    granted(platform.command(admit(1, 10)));
    platform.now = START.plus(20_000);
    granted(platform.command(admit(2, 400)));
    platform.crash();
    platform.now = START.plus(30_000);
    assert!(platform.ring_alarm());
    assert_eq!(platform.alarm, Some(START.plus(50_000)), "for the second, and only for that");
}

#[test]
fn an_alarm_that_could_not_be_set_is_set_by_whatever_comes() {
    let mut platform = account();
    platform.alarms_fail = true;
    granted(platform.command(admit(1, 10)));
    assert_eq!(platform.alarm, None);
    platform.alarms_fail = false;
    spend(&mut platform);
    assert_eq!(platform.alarm, Some(START.plus(30_000)));
}

#[test]
fn what_a_quiet_account_has_set_aside_is_given_back() {
    let mut platform = account();
    let held = granted(platform.command(admit(1, 10)));
    drop(platform.command(settle(1, held, 4)));
    platform.ring(Timer::Gather);
    assert!(on_disk(&platform).held.get() > 0, "a slice is open");
    platform.now = START.plus(1_100);
    platform.ring(Timer::Quiet);
    assert_eq!((on_disk(&platform).held.get(), on_disk(&platform).settled.get()), (0, 4));
}

#[test]
fn counts_that_no_number_of_the_platform_holds_are_bounded() {
    let mut platform = account();
    let held = granted(platform.command(admit(1, 10)));
    let absurd = Usage { input_tokens: u64::MAX, output_tokens: 1 << 53, ..Usage::default() };
    let records = vec![CallRecord { tokens: absurd, ..record(1, held, 4) }];
    drop(platform.command(Command::Settle(Settle { records })));
    let Answer::Calls(calls) = platform.command(page()).ok() else { panic!() };
    assert_eq!(calls[0].tokens.input_tokens, Usage::MAX_TOKENS);
    assert_eq!(calls[0].tokens.output_tokens, Usage::MAX_TOKENS);
}
