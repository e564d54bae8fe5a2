//! Room that is claimed: what becomes of claims as the index learns of what was made, with time, and after a crash.

use retinue::domain::dispatch::claim::{Begins, Claim, Kept};
use retinue::domain::dispatch::command::{Answer, Command, Delivered, Delivery, Hidden};
use retinue::domain::dispatch::entry::Entry;
use retinue::domain::ids::AgentId;
use retinue::domain::plan::{KeepLimit, KeepLimits};
use retinue::domain::thread::id::{RunId, ThreadKey};
use retinue::domain::time::Millis;
use retinue::object::dispatch::Dispatch;

use crate::disk::Side;
use crate::platform::Platform;

const START: Millis = Millis(1_795_262_400_000);

fn thread(n: u8) -> ThreadKey {
    ThreadKey::new(START, [n; 10])
}

fn limits(threads: u32, runs_at_once: u32) -> KeepLimits {
    KeepLimits {
        threads: Some(threads),
        runs_at_once: Some(runs_at_once),
        storage_mb: Some(1),
        memories: None,
    }
}

fn claim(id: &str, n: u8, begins: Begins, limits: KeepLimits) -> Command {
    let id = id.to_owned();
    Command::Claim(Claim { id, thread: thread(n), makes_thread: true, begins, limits })
}

fn entry(run: Option<u32>, status: &str) -> Entry {
    let (agent, status) = (AgentId::new(START, [1; 10]), status.to_owned());
    Entry {
        run,
        agent,
        status,
        user: None,
        webhooks: Vec::new(),
        wait: None,
        created_at: START,
        updated_at: START,
        shown: "{}".to_owned(),
    }
}

fn deliver(n: u8, version: u64, bytes: u64, is_hidden: bool, runs: &[(u32, &str)]) -> Command {
    let runs = runs.iter().map(|(number, status)| entry(Some(*number), status)).collect();
    let delivered = Delivered {
        user: None,
        labels: Vec::new(),
        due_at: None,
        bytes: Some(bytes),
        hidden: is_hidden.then_some(Hidden { is_counted: true, is_kept: false }),
        thread: entry(None, "idle"),
        runs,
        voices: Vec::new(),
    };
    Command::Deliver(Delivery { thread: thread(n), version, delivered: Some(delivered) })
}

fn kept(platform: &mut Platform<Dispatch>) -> (u32, u32) {
    let [now, restarted] = platform.both(&Command::Kept);
    assert_eq!(now, restarted, "a restart counts the same");
    let Answer::Kept(Kept { threads, runs, .. }) = now else { panic!("{now:?}") };
    (threads, runs)
}

#[test]
fn a_claim_takes_room_until_the_index_knows_what_was_made() {
    let mut platform = Platform::<Dispatch>::new(START);
    let say = |platform: &mut Platform<Dispatch>, command| platform.command(command).ok();
    let full = Answer::Full(KeepLimit::Threads, 2);
    assert_eq!(say(&mut platform, claim("a", 1, Begins::Run, limits(2, 9))), Answer::Claimed);
    assert_eq!(say(&mut platform, claim("a", 1, Begins::Run, limits(2, 9))), Answer::Claimed, "the same");
    assert_eq!(
        say(&mut platform, claim("b", 1, Begins::Run, limits(2, 9))),
        Answer::Claimed,
        "its thread is one"
    );
    assert_eq!(kept(&mut platform), (1, 2));
    assert_eq!(say(&mut platform, claim("c", 2, Begins::Nothing, limits(2, 9))), Answer::Claimed);
    assert_eq!(say(&mut platform, claim("d", 3, Begins::Nothing, limits(2, 9))), full);
    // The run of one claim; the other joined it.
    say(&mut platform, deliver(1, 1, 0, false, &[(1, "in_progress")]));
    assert_eq!(kept(&mut platform), (2, 2));
    let run = RunId { thread: thread(1), number: 1 };
    say(&mut platform, Command::Settle("b".to_owned(), Some(run)));
    say(&mut platform, Command::Settle("a".to_owned(), Some(run)));
    assert_eq!(kept(&mut platform), (2, 1));
    say(&mut platform, deliver(1, 2, 0, false, &[(1, "completed")]));
    assert_eq!(kept(&mut platform), (2, 0));
    say(&mut platform, Command::Settle("c".to_owned(), None));
    assert_eq!(kept(&mut platform), (1, 0));
    assert_eq!(say(&mut platform, claim("d", 3, Begins::Nothing, limits(2, 9))), Answer::Claimed);
    assert_eq!(
        say(&mut platform, claim("e", 1, Begins::Nothing, limits(2, 9))),
        Answer::Claimed,
        "it is there"
    );
    // Nobody came.
    platform.now = START.plus(200_000);
    assert!(platform.ring_alarm());
    assert_eq!(kept(&mut platform), (1, 0));
    // A thread goes.
    say(&mut platform, Command::Deliver(Delivery { thread: thread(1), version: 3, delivered: None }));
    assert_eq!(kept(&mut platform), (0, 0));
}

#[test]
fn a_child_is_one_run_however_often_it_is_begun_and_runs_that_no_list_shows_count_while_they_last() {
    let mut platform = Platform::<Dispatch>::new(START);
    let say = |platform: &mut Platform<Dispatch>, command| platform.command(command).ok();
    let child = Begins::This(RunId { thread: thread(1), number: 1 });
    assert_eq!(say(&mut platform, claim("a", 1, child, limits(9, 1))), Answer::Claimed);
    assert_eq!(say(&mut platform, claim("b", 1, child, limits(9, 1))), Answer::Claimed);
    assert_eq!(kept(&mut platform), (1, 1));
    say(&mut platform, deliver(1, 1, 0, false, &[(1, "waiting")]));
    assert_eq!(say(&mut platform, claim("c", 1, child, limits(9, 1))), Answer::Claimed, "it has begun");
    assert_eq!(kept(&mut platform), (1, 1));
    say(&mut platform, deliver(1, 2, 0, false, &[(1, "failed")]));

    assert_eq!(say(&mut platform, claim("h", 7, Begins::Run, limits(9, 1))), Answer::Claimed);
    say(&mut platform, Command::Settle("h".to_owned(), Some(RunId { thread: thread(7), number: 1 })));
    say(&mut platform, deliver(7, 1, 0, true, &[(1, "waiting")]));
    assert_eq!(
        say(&mut platform, claim("i", 8, Begins::Run, limits(9, 1))),
        Answer::Full(KeepLimit::RunsAtOnce, 1)
    );
    say(&mut platform, deliver(7, 2, 0, true, &[(1, "completed")]));
    assert_eq!(kept(&mut platform).1, 0);
}

#[test]
fn a_call_that_is_kept_is_known_for_its_person_for_as_long_and_counts_only_at_work() {
    let mut platform = Platform::<Dispatch>::new(START);
    let tell = |platform: &mut Platform<Dispatch>, n: u8, version: u64, is_counted: bool, status: &str| {
        let Command::Deliver(delivery) = deliver(n, version, 0, true, &[(1, status)]) else { panic!() };
        let hidden = Some(Hidden { is_counted, is_kept: true });
        let mut told = delivery.delivered.unwrap();
        (told.user, told.hidden, told.thread.updated_at) = (Some("ada".to_owned()), hidden, platform.now);
        let told = Command::Deliver(Delivery { delivered: Some(told), ..delivery });
        assert_eq!(platform.command(told).ok(), Answer::Delivered);
    };
    let known = |platform: &mut Platform<Dispatch>| {
        let Answer::Threads(threads) = platform.command(Command::Threads(None, 10)).ok() else { panic!() };
        threads
    };
    tell(&mut platform, 1, 1, false, "in_progress");
    tell(&mut platform, 2, 1, true, "in_progress");
    assert_eq!((kept(&mut platform).1, known(&mut platform).len()), (1, 2));
    tell(&mut platform, 2, 2, true, "completed");
    assert_eq!((kept(&mut platform).1, known(&mut platform).len()), (0, 2));

    const HOUR: i64 = 60 * 60 * 1_000;
    platform.now = START.plus(20 * HOUR);
    tell(&mut platform, 1, 2, false, "in_progress");
    for (hours, left) in [(25, 2), (28, 1), (45, 1), (48, 0)] {
        platform.now = START.plus(hours * HOUR);
        platform.ring_alarm();
        assert_eq!(known(&mut platform).len(), left, "after {hours} hours");
    }
    assert!(!platform.ring_alarm(), "nothing is left to be done");
}

#[test]
fn the_sum_of_what_threads_hold_is_that_of_all_deliveries_whatever_fails() {
    let mut platform = Platform::<Dispatch>::new(START);
    let mut version = 0;
    let mut deliver_all = |platform: &mut Platform<Dispatch>, n: u8, bytes: u64| {
        version += 1;
        let command = deliver(n, version, bytes, false, &[(1, "completed")]);
        platform.disk.fail(1 + u32::from(n) % 4, Side::After);
        let said = platform.command(command.clone());
        if !platform.disk.call_off() {
            drop(said);
            platform.command(command).ok();
        }
    };
    for n in 1..=20 {
        deliver_all(&mut platform, n, 50_000);
    }
    let storage = KeepLimits { storage_mb: Some(1), ..KeepLimits::NONE };
    let say = |platform: &mut Platform<Dispatch>, command| platform.command(command).ok();
    let full = Answer::Full(KeepLimit::StorageMb, 1);
    assert_eq!(say(&mut platform, claim("a", 1, Begins::Nothing, storage)), full);
    deliver_all(&mut platform, 1, 49_999);
    assert_eq!(say(&mut platform, claim("a", 1, Begins::Nothing, storage)), Answer::Claimed);
    let Answer::Kept(kept) = platform.restarted(Command::Kept) else { panic!() };
    assert_eq!((kept.bytes, kept.megabytes()), (999_999, 1));
}
