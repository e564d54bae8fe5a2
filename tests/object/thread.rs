//! A thread's object through random histories: runs that come while others are at work, tools that must not run twice,
//! watchers that leave and come back, crashes between any two writes, disks that fail.

use retinue::domain::ids::AgentId;
use retinue::domain::message::{AssistantPart, Message, Part as UserPart};
use retinue::domain::run::input::Input;
use retinue::domain::thread::command::{Answer, Command, Create, OnBusy, Page, Who};
use retinue::domain::thread::effect::Effect;
use retinue::domain::thread::view::{Content, ItemView};

use crate::disk::Disk;
use crate::theatre::*;
use rusqlite::Connection;

#[test]
fn whatever_crashes_nothing_runs_twice_and_watchers_hold_the_answer() {
    for seed in 0..120 {
        let mut theatre = Theatre::new(seed);
        theatre.start();
        for _ in 0..250 {
            theatre.step();
        }
        theatre.finish();
        theatre.check();
        theatre.settle();
    }
}

#[test]
fn the_ledger_forgets_the_runs_of_a_deleted_thread_whatever_crashes() {
    for seed in 0..80 {
        let mut theatre = Theatre::new(seed);
        theatre.start();
        for _ in 0..120 {
            theatre.step();
        }
        if seed % 2 == 0 {
            theatre.finish();
        }
        if seed % 3 > 0 {
            theatre.crash();
        }
        theatre.command(Command::Delete(WHO)).unwrap();
        theatre.watchers.clear();
        let journal = |theatre: &Theatre| -> u32 {
            theatre.disk.db().query_row("SELECT count(*) FROM steps", [], |row| row.get(0)).unwrap()
        };
        for n in 0..400 {
            if n == if seed % 4 < 2 { 0 } else { 20 } {
                // One of the same name counts its runs on, and what is left to be forgotten is not its own. Calls of the one that
                // was deleted may still be under way.
                theatre.command(Command::Create(create()));
            }
            if n % 7 == 6 {
                theatre.crash();
            }
            theatre.end();
            theatre.pass_time(2_000);
        }
        assert_eq!(journal(&theatre), 0, "seed {seed}");
        theatre.settle();
        let named: Vec<_> = theatre.ledger.iter().filter(|(_, run)| run.is_some()).collect();
        assert!(named.is_empty(), "seed {seed}: {named:?}");
    }
}

#[test]
fn what_waits_for_an_effect_of_which_there_is_no_row_goes_on_after_a_restart() {
    let (mut models, mut tools) = (0, 0);
    for seed in 0..20 {
        let mut theatre = Theatre::new(seed);
        theatre.start();
        for _ in 0..30 {
            let count = |theatre: &Theatre, is_of: fn(&Effect) -> bool| {
                theatre.performed().into_iter().filter(|effect| is_of(effect)).count()
            };
            let is_model = |effect: &Effect| matches!(effect, Effect::Model { .. });
            let (asked, called) =
                (count(&theatre, is_model), count(&theatre, |effect| matches!(effect, Effect::Tool { .. })));
            theatre.disk.db().execute("DELETE FROM effects", []).unwrap();
            theatre.crash();
            assert!(asked == 0 || count(&theatre, is_model) == asked, "{:?}", theatre.performed());
            models += asked;
            tools += called;
            theatre.end();
        }
        theatre.finish();
        theatre.check();
    }
    assert!(models > 20 && tools > 5, "{models} {tools}");
}

fn text_of(item: &ItemView) -> String {
    match &item.content {
        Content::Said { role, content } => {
            format!("{role}: {}", content[0]["text"].as_str().unwrap_or_default())
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn a_long_message_is_kept_in_pieces_and_read_whole() {
    let mut theatre = Theatre::new(1);
    let long = "ä".repeat(2_200_000);
    let items = vec![Message::user(long.clone()), Message::user("short")];
    theatre.command(Command::Create(Create { items, ..create() }));
    let page = Page { after: None, newest_first: false, limit: 10, run: None };
    let Some(Answer::Items { items, has_more: true }) = theatre.command(Command::Items(WHO, page)) else {
        panic!()
    };
    // A page is bounded, and has one item at least.
    assert_eq!(items.len(), 1);
    assert_eq!(text_of(&items[0]), format!("user: {long}"));
    let page = Page { after: Some(items[0].id), ..page };
    let Some(Answer::Items { items, .. }) = theatre.command(Command::Items(WHO, page)) else { panic!() };
    assert_eq!(items.iter().map(text_of).collect::<Vec<_>>(), ["user: short"]);
}

#[test]
fn asking_for_a_thread_that_is_not_there_writes_nothing() {
    let mut theatre = Theatre::new(1);
    assert_eq!(theatre.command(Command::Show(WHO)), Some(Answer::NotFound));
    assert_eq!(theatre.command(Command::Run(WHO, 1)), Some(Answer::NotFound));
    let tables: u32 =
        theatre.disk.db().query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 0);
}

#[test]
fn a_key_is_remembered_for_a_day_and_then_forgotten() {
    let mut theatre = Theatre::new(1);
    let say = |body: &str| {
        let append = Command::Append(WHO, vec![Message::user(body)]);
        Command::Once(once("key", body), Box::new(append))
    };
    let keys = |theatre: &Theatre| -> u32 {
        theatre.disk.db().query_row("SELECT count(*) FROM keys", [], |row| row.get(0)).unwrap()
    };
    theatre.command(Command::Create(create()));
    let first = theatre.command(say("one"));
    assert!(matches!(first, Some(Answer::Items { .. })), "{first:?}");
    theatre.crash();
    theatre.pass_time(24 * 60 * 60 * 1_000 - 1);
    assert_eq!(theatre.command(say("one")), first);
    assert_eq!(theatre.command(say("two")), Some(Answer::KeyReused));
    assert_eq!(keys(&theatre), 1);
    // The object's own alarm forgets it.
    theatre.pass_time(1);
    assert_eq!(keys(&theatre), 0);
    assert!(matches!(theatre.command(say("two")), Some(Answer::Items { .. })));
    assert_eq!(theatre.transcript().len(), 2);
}

#[test]
fn a_floor_that_was_answered_stays_raised_whatever_crashes_and_is_deleted() {
    let mut theatre = Theatre::new(1);
    let caller = Who::Caller(agent());
    let holder = |floor: u32, body: &str| {
        let append = Command::Append(caller, vec![Message::user(body)]);
        Command::ByToken(floor, Box::new(Command::Once(once(body, body), Box::new(append))))
    };
    let is_taken = |answer: Option<Answer>| matches!(answer, Some(Answer::Items { .. }));
    assert_eq!(theatre.command(holder(0, "before")), Some(Answer::NotFound));
    theatre.command(Command::Create(create()));
    assert_eq!(theatre.command(Command::Floor(caller)), Some(Answer::Floor(0)));
    assert!(is_taken(theatre.command(holder(0, "first"))));
    let stranger = Who::Caller(AgentId::new(START, [9; 10]));
    assert_eq!(theatre.command(Command::RaiseFloor(stranger)), Some(Answer::NotFound));
    assert_eq!(theatre.command(Command::RaiseFloor(caller)), Some(Answer::Floor(1)));
    theatre.crash();
    // Not even what it was answered before.
    for body in ["first", "second"] {
        assert_eq!(theatre.command(holder(0, body)), Some(Answer::BelowFloor));
    }
    // No floor is there yet that a made-up token could name.
    assert_eq!(theatre.command(holder(2, "second")), Some(Answer::BelowFloor));
    assert!(is_taken(theatre.command(holder(1, "second"))));
    assert_eq!(theatre.command(Command::Delete(WHO)), Some(Answer::Deleted));
    theatre.crash();
    assert_eq!(theatre.command(holder(1, "third")), Some(Answer::NotFound));
    theatre.command(Command::Create(create()));
    for floor in [0, 1] {
        assert_eq!(theatre.command(holder(floor, "third")), Some(Answer::BelowFloor));
    }
    assert_eq!(theatre.command(Command::Floor(caller)), Some(Answer::Floor(2)));
    assert!(is_taken(theatre.command(holder(2, "third"))));
}

/// What the model would be sent in the run's step, in words.
fn to_be_sent(theatre: &mut Theatre, run: u32) -> Vec<String> {
    let asked = theatre.performed().into_iter().find_map(|effect| match effect {
        Effect::Model { run: of, step, attempt } if *of == run => Some((*step, *attempt)),
        _ => None,
    });
    let (step, attempt) = asked.unwrap();
    let call = theatre.with(|host, moment| {
        host.look_at(moment, |thread, disk| thread.model_call(disk, run, step, attempt))
    });
    let word = |message: &Message| match message {
        Message::User { parts, .. } => match &parts[..] {
            [UserPart::Text(text)] => format!("user: {text}"),
            other => format!("{other:?}"),
        },
        Message::Assistant { parts } => {
            format!("assistant: {}", AssistantPart::text_of(parts).unwrap_or_default())
        }
        other => format!("{other:?}"),
    };
    call.unwrap().unwrap().sent.messages.iter().map(word).collect()
}

#[test]
fn what_is_said_while_the_model_answers_stands_behind_the_answer() {
    for crashes in [false, true] {
        let mut theatre = Theatre::new(1);
        theatre.command(start(OnBusy::Queue, "Go"));
        theatre.command(start(OnBusy::Steer, "Left"));
        theatre.command(Command::Give(WHO, 1, vec![Input::Message(Message::user("Now"))]));
        if crashes {
            theatre.crash();
        }
        theatre.answer("I go.");
        assert_eq!(to_be_sent(&mut theatre, 1), ["user: Go", "assistant: I go.", "user: Left", "user: Now"]);
        theatre.answer("I turn left.");
        let Some(Answer::Run(run)) = theatre.command(Command::Run(WHO, 1)) else { panic!() };
        assert_eq!(run.message.as_deref(), Some("I turn left."));
    }
}

#[test]
fn a_start_that_is_refused_changes_nothing() {
    for on_busy in [OnBusy::Interrupt, OnBusy::Latest, OnBusy::Rollback, OnBusy::Queue, OnBusy::Merge] {
        let mut theatre = Theatre::new(1);
        theatre.command(start(OnBusy::Queue, "Go"));
        let queued = if on_busy == OnBusy::Latest { 3 } else { 100 };
        for _ in 0..queued {
            theatre.command(start(OnBusy::Queue, "Next"));
        }
        let before = theatre.command(Command::Show(WHO));
        let refused = theatre.command(start(on_busy, &"\"".repeat(600_000)));
        let is_refused = matches!(refused, Some(Answer::Invalid(_) | Answer::TooMany(_)));
        assert!(is_refused, "{on_busy:?}: {refused:?}");
        assert_eq!(theatre.command(Command::Show(WHO)), before, "{on_busy:?}");
        theatre.crash();
        assert_eq!(theatre.command(Command::Show(WHO)), before, "{on_busy:?}");
    }
}

#[test]
fn holders_of_tokens_add_only_so_much_in_a_minute() {
    let mut theatre = Theatre::new(1);
    theatre.command(Command::Create(create()));
    let add = |theatre: &mut Theatre| {
        let append = Command::Append(WHO, vec![Message::user("More")]);
        theatre.command(Command::ByToken(0, Box::new(append)))
    };
    for n in 0..60 {
        assert!(matches!(add(&mut theatre), Some(Answer::Items { .. })), "{n}");
    }
    theatre.pass_time(20_000);
    assert_eq!(add(&mut theatre), Some(Answer::TooFast { limit: 60, retry_after_s: 40 }));
    // Who has a key is limited otherwise, and looking is free.
    assert!(matches!(
        theatre.command(Command::Append(WHO, vec![Message::user("More")])),
        Some(Answer::Items { .. })
    ));
    let show = Command::ByToken(0, Box::new(Command::Show(WHO)));
    assert!(matches!(theatre.command(show), Some(Answer::Thread { .. })));
    theatre.pass_time(40_000);
    assert!(matches!(add(&mut theatre), Some(Answer::Items { .. })));
}

#[test]
fn what_is_deleted_while_a_settlement_is_on_its_way_is_forgotten_by_the_next_one() {
    let mut theatre = Theatre::new(1);
    theatre.command(start(OnBusy::Queue, "Go"));
    theatre.answer("Gone.");
    theatre.command(Command::Delete(WHO)).unwrap();
    for _ in 0..200 {
        theatre.end();
        theatre.pass_time(1_000);
    }
    theatre.settle();
    assert!(theatre.ledger.values().all(Option::is_none), "{:?}", theatre.ledger);
}

#[test]
fn of_a_thread_that_is_deleted_the_disk_shows_nothing_once_the_ledger_knows() {
    for seed in 0..12 {
        let file = std::env::temp_dir().join(format!("deleted-{}-{seed}.sqlite", std::process::id()));
        let _ = std::fs::remove_file(&file);
        let mut theatre = Theatre::new(seed);
        theatre.move_to(|_, _| Disk::of(Connection::open(&file).unwrap()));
        theatre.command(start(OnBusy::Queue, "marked by who asks"));
        theatre.answer("marked by who answers");
        theatre.settle();
        // What its journal is told by.
        let call = theatre.ledger.keys().next().unwrap().to_string();
        let shows = |mark: &str| {
            let bytes = std::fs::read(&file).unwrap();
            bytes.windows(mark.len()).any(|window| window == mark.as_bytes())
        };
        assert!(shows("marked") && shows(&call));
        if seed % 4 > 1 {
            // A call of it is under way.
            theatre.command(start(OnBusy::Queue, "marked as well"));
        }
        theatre.command(Command::Delete(WHO)).unwrap();
        assert!(!shows("marked"), "seed {seed}");
        if seed % 3 == 0 {
            // One of its name begins before all is told.
            theatre.command(Command::Create(create()));
        }
        for n in 0..200 {
            if n % 5 == 1 && seed % 2 == 0 {
                theatre.crash();
            }
            theatre.end();
            theatre.pass_time(1_000);
        }
        theatre.settle();
        assert!(theatre.ledger.values().all(Option::is_none), "seed {seed}");
        let calls: Vec<String> = theatre.ledger.keys().map(ToString::to_string).collect();
        assert!(!shows("marked") && !calls.iter().any(|call| shows(call)), "seed {seed}");
        drop(theatre);
        std::fs::remove_file(&file).unwrap();
    }
}
