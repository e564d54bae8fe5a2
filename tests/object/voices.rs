//! What persons say in runs of others: who it was is known, the index hears of them, and all of it goes when they are erased.

use retinue::domain::dispatch::command::Delivered;
use retinue::domain::message::{AssistantPart, Finish, Message, Part, ToolCall, Usage};
use retinue::domain::money::Nanos;
use retinue::domain::run::happening::Answered;
use retinue::domain::run::input::{Given, Input, NotTaken};
use retinue::domain::run::misfit::Checked;
use retinue::domain::run::terms::{OnUnknown, Terms};
use retinue::domain::run::tool::How;
use retinue::domain::thread::command::{Answer, Clear, Command, Create, Fork, OnBusy, Start};
use retinue::domain::thread::compaction::Horizon;
use retinue::domain::thread::effect::{Effect, Outcome};
use retinue::domain::thread::fork::{Copied, Cut, Origin};
use retinue::domain::thread::id::ThreadKey;
use retinue::domain::thread::transcript::sendable;
use retinue::domain::thread::voice::Voice;
use retinue::domain::time::Millis;
use serde_json::Value;

use crate::clearing::{MARK, by, clear, tables_with};
use crate::compaction::{FULL, summed_up, words};
use crate::disk::Side;
use crate::theatre::{START, Theatre, WHO, create, start, terms};

/// Somebody's token says something to the run at work.
fn steer(user: &str, words: &str, on_busy: OnBusy) -> Command {
    let terms = Terms { user: Some(user.to_owned()), ..terms(OnUnknown::Ask) };
    Command::Start(Box::new(Start {
        thread: create(),
        terms,
        max_usd: None,
        input: vec![Message::user(words)],
        on_busy,
        may_make: false,
        behind: None,
        answers: false,
        watch: false,
        faults: Vec::new(),
    }))
}

fn give(user: &str, input: Input) -> Command {
    Command::GiveBy(WHO, 1, vec![input], user.to_owned())
}

fn output(words: &str) -> Given {
    Given::Output(vec![Part::Text(words.to_owned())])
}

impl Theatre {
    /// The model calls tools of the client; their entries.
    fn call_client(&mut self, calls: u32) -> Vec<u32> {
        let effect = self.asked();
        let call = |n| AssistantPart::ToolCall(ToolCall::new(format!("c{n}"), "look", "{}"));
        let answered = Answered {
            parts: (0..calls).map(call).collect(),
            finish: Finish::ToolCalls,
            plan: (0..calls).map(|_| How::Client).collect(),
            usage: Usage::default(),
            cost: Nanos::new(5),
            warnings: Vec::new(),
            output: Checked::Free,
        };
        let (unsaid, journal) = (Vec::new(), Value::Null);
        let answered = Outcome::Answered { answered, unsaid, journal, settlement: None, used: None };
        self.end_with(&effect, answered);
        let Some(Answer::Run(run)) = self.command(Command::Run(WHO, 1)) else { panic!() };
        let ids = run.waiting_on.iter().map(|waiting| waiting["call_id"].as_str().unwrap().to_owned());
        ids.map(|id| retinue::domain::thread::id::EntryId::parse(&id).unwrap().number).collect()
    }

    /// Who has spoken, as the index is told by the delivery that is under way.
    fn told(&mut self) -> Vec<Voice> {
        let delivery = self.with(|host, moment| host.look_at(moment, |thread, disk| thread.delivery(disk)));
        let delivered = delivery.unwrap().and_then(|(_, delivery)| delivery.delivered);
        delivered.map(|Delivered { voices, .. }| voices).unwrap_or_default()
    }

    /// The index takes what it is told; what that was.
    fn deliver(&mut self) -> Vec<Voice> {
        let mut all = Vec::new();
        let is_delivery = |effect: &&&Effect| matches!(effect, Effect::Deliver { .. });
        while let Some(effect) = self.performed().iter().find(is_delivery).map(|it| (*it).clone()) {
            all.extend(self.told());
            self.end_with(&effect, Outcome::Done);
        }
        all
    }

    fn texts(&mut self) -> Vec<String> {
        let text = |parts: &[Part]| match parts.first() {
            Some(Part::Text(text)) => text.clone(),
            other => panic!("{other:?}"),
        };
        let texts = self.transcript().into_iter().map(|item| match &item.message {
            Message::User { parts, .. } | Message::Tool { parts, .. } => text(parts),
            Message::Assistant { parts } => {
                AssistantPart::text_of(parts).map_or_else(|| "(call)".to_owned(), |text| text.into_owned())
            }
            other @ Message::System { .. } => panic!("{other:?}"),
        });
        texts.collect()
    }
}

/// Bob's run, in which others have said all that can be said.
fn a_run_of_bob() -> (Theatre, u32) {
    let mut theatre = Theatre::new(1);
    theatre.command(by("bob", "Bob begins"));
    theatre.command(steer(MARK, "marked while the model answers", OnBusy::Steer));
    let entries = theatre.call_client(2);
    theatre.command(give(MARK, Input::Message(Message::user("marked beside"))));
    let given = Input::Call { entry: entries[0], given: output("marked output") };
    assert!(matches!(theatre.command(give(MARK, given)), Some(Answer::Given(_))));
    theatre.command(give("eve", Input::Call { entry: entries[1], given: output("Eve's output") }));
    theatre.answer_with(None);
    (theatre, entries[0])
}

fn is_clean(theatre: &Theatre) {
    assert_eq!(tables_with(&theatre.disk, MARK), Vec::<String>::new());
}

#[test]
fn what_somebody_says_in_a_run_of_another_goes_and_each_call_keeps_a_result() {
    let (mut theatre, entry) = a_run_of_bob();
    for table in ["voices", "items", "answers", "events"] {
        assert!(tables_with(&theatre.disk, MARK).contains(&table.to_owned()), "{table}");
    }
    assert_eq!(clear(&mut theatre, START), Answer::Hushed(3));
    is_clean(&theatre);
    let mut texts = theatre.texts();
    assert_eq!(texts.pop(), Some("y".repeat(184)), "what the agent says stays");
    assert_eq!(texts, ["Bob begins", "(call)", "(call)", "[erased]", "Eve's output"]);
    let sent = sendable(theatre.transcript());
    assert_eq!(sent.iter().filter(|message| matches!(message, Message::Tool { .. })).count(), 2);
    let given = Input::Call { entry, given: output("again") };
    let again = theatre.command(Command::Give(WHO, 1, vec![given]));
    let is_known = |answer: &Option<Answer>| {
        matches!(answer, Some(Answer::NotTaken { why: NotTaken::AlreadyResolved, .. }))
    };
    assert!(is_known(&again), "{again:?}");
    assert_eq!(clear(&mut theatre, START), Answer::Cleared(0));
    theatre.crash();
    let eve = Clear::OfUser { user: "eve".to_owned(), until: START };
    assert_eq!(theatre.command(Command::Clear(eve)).unwrap(), Answer::Hushed(1));
    assert_eq!(tables_with(&theatre.disk, "Eve"), Vec::<String>::new());
}

#[test]
fn a_person_is_hushed_whatever_dies_on_the_way() {
    for nth in 1.. {
        let (mut through, mut answers) = (false, 0);
        for side in if nth % 2 == 0 { [Side::Before] } else { [Side::After] } {
            let (mut theatre, _) = a_run_of_bob();
            theatre.disk.fail(nth, side);
            let command = Command::Clear(Clear::OfUser { user: MARK.to_owned(), until: START });
            answers += u32::from(theatre.command(command).is_some());
            through = theatre.disk.call_off();
            theatre.crash();
            while clear(&mut theatre, START) != Answer::Cleared(0) {}
            is_clean(&theatre);
            assert_eq!(theatre.texts().len(), 6);
            theatre.deliver();
            assert!(theatre.told().is_empty());
        }
        if through {
            assert!(nth > 20 && answers == 1, "{nth} {answers}");
            break;
        }
    }
}

#[test]
fn the_index_hears_who_has_spoken_and_when_nothing_is_left_of_it() {
    let mut theatre = Theatre::new(1);
    theatre.command(by("bob", "Bob begins"));
    assert_eq!(theatre.deliver(), []);
    theatre.now = START.plus(5);
    theatre.command(steer(MARK, "first words", OnBusy::Steer));
    let voice = |since: i64| Voice { number: 1, user: Some(MARK.to_owned()), since: START.plus(since) };
    assert_eq!(theatre.deliver(), [voice(5)]);
    theatre.now = START.plus(9);
    theatre.command(steer(MARK, "second words", OnBusy::Steer));
    assert_eq!(theatre.deliver(), [], "it is known");
    assert_eq!(clear(&mut theatre, START.plus(4)), Answer::Cleared(0), "of before there is nothing");
    assert_eq!(clear(&mut theatre, START.plus(7)), Answer::Hushed(1));
    assert_eq!(theatre.told(), [voice(9)]);
    theatre.crash();
    theatre.pass_time(60_000);
    let mut told = theatre.deliver();
    told.dedup();
    assert_eq!(told, [voice(9)], "a crash loses nothing of it");
    theatre.answer_with(None);
    assert!(theatre.texts().contains(&"second words".to_owned()), "what came after it stays");
    theatre.deliver();
    assert_eq!(clear(&mut theatre, START.plus(9)), Answer::Hushed(1));
    assert_eq!(theatre.deliver(), [Voice { number: 1, user: None, since: Millis(0) }]);
    is_clean(&theatre);
}

#[test]
fn what_joins_a_run_that_waits_goes_before_and_after_it_begins() {
    for begins in [false, true] {
        let mut theatre = Theatre::new(1);
        theatre.command(by("eve", "Eve works"));
        theatre.command(by("bob", "Bob waits"));
        theatre.command(steer(MARK, "marked, too", OnBusy::Merge));
        theatre.command(steer("bob", "Bob adds", OnBusy::Merge));
        if begins {
            theatre.answer_with(None);
        }
        assert_eq!(clear(&mut theatre, START), Answer::Hushed(1));
        is_clean(&theatre);
        if !begins {
            theatre.answer_with(None);
        }
        theatre.answer_with(None);
        let said: Vec<String> = theatre.texts().into_iter().filter(|text| !text.starts_with('y')).collect();
        assert_eq!(said, ["Eve works", "Bob waits", "Bob adds"]);
        let bob = Clear::OfUser { user: "bob".to_owned(), until: START };
        assert_eq!(theatre.command(Command::Clear(bob)).unwrap(), Answer::Cleared(1), "they are his own");
        assert_eq!(tables_with(&theatre.disk, "Bob adds"), Vec::<String>::new());
    }
}

#[test]
fn a_title_and_a_summary_of_their_words_go() {
    let mut theatre = Theatre::new(1);
    let silent = Start { input: Vec::new(), ..begun() };
    theatre.command(Command::Start(Box::new(silent)));
    theatre.command(steer(MARK, "marked title", OnBusy::Steer));
    theatre.answer_with(None);
    theatre.answer_with(None);
    let title = |theatre: &mut Theatre| match theatre.command(Command::Show(WHO)) {
        Some(Answer::Thread { thread, .. }) => thread.title,
        other => panic!("{other:?}"),
    };
    assert_eq!(title(&mut theatre).as_deref(), Some("marked title"));
    for n in 2..=5 {
        theatre.run(&words(n), None);
    }
    theatre.run(&words(6), Some(FULL));
    theatre.command(start(OnBusy::Queue, &words(7)));
    assert_eq!(clear(&mut theatre, START), Answer::Busy(7), "the summary may have what they said");
    while let Effect::Compact { run, nth } = theatre.asked() {
        let digest = theatre.compaction(run, nth).unwrap().digest.unwrap();
        theatre.end_with(&Effect::Compact { run, nth }, summed_up(digest, Value::Null, None));
    }
    theatre.answer_with(None);
    assert_eq!(clear(&mut theatre, START), Answer::Hushed(1));
    assert_eq!(title(&mut theatre), None);
    assert_eq!(theatre.horizon(), Horizon::default());
    assert!(!theatre.transcript().iter().any(|item| item.stands_for.is_some()), "no summary is left");
    is_clean(&theatre);
}

fn begun() -> Start {
    let mut start = Start {
        thread: create(),
        terms: terms(OnUnknown::Ask),
        max_usd: None,
        input: Vec::new(),
        on_busy: OnBusy::Queue,
        may_make: true,
        behind: None,
        answers: false,
        watch: false,
        faults: Vec::new(),
    };
    start.thread.items = vec![Message::assistant("Welcome.")];
    start
}

#[test]
fn many_words_go_in_steps() {
    let mut theatre = Theatre::new(1);
    theatre.command(by("bob", "Bob begins"));
    theatre.call_client(1);
    for _ in 0..12 {
        let said = (0..50).map(|n| Input::Message(Message::user(format!("marked {n}")))).collect();
        theatre.command(Command::GiveBy(WHO, 1, said, MARK.to_owned()));
    }
    let steps: Vec<Answer> = (0..3).map(|_| clear(&mut theatre, START)).collect();
    assert_eq!(steps, [Answer::Hushed(500), Answer::Hushed(100), Answer::Cleared(0)]);
    is_clean(&theatre);
}

#[test]
fn what_a_run_of_theirs_leaves_to_others_is_said_by_others() {
    let (mut theatre, _) = a_run_of_bob();
    let bob = Clear::OfUser { user: "bob".to_owned(), until: START };
    assert_eq!(theatre.command(Command::Clear(bob)).unwrap(), Answer::Cleared(1));
    assert_eq!(theatre.texts(), Vec::<String>::new(), "what was said in his run goes with it");
    assert_eq!(clear(&mut theatre, START), Answer::Cleared(0));
    is_clean(&theatre);
    theatre.command(by("bob", "Bob is back"));
    theatre.answer_with(None);
    theatre.crash();
    assert_eq!(clear(&mut theatre, START), Answer::Cleared(0));
    assert_eq!(theatre.texts().len(), 2);
}

/// A copy of a thread, as another object's.
fn copy_of(theatre: &mut Theatre, copy: &mut Theatre) -> Vec<Voice> {
    let Some(Answer::Copied(page)) = theatre.command(Command::Copy(WHO, Cut::UpTo(None))) else { panic!() };
    let Copied { about, after, until, items, next, horizon, titled_by, .. } = *page;
    let origin = Origin { thread: ThreadKey::new(START, [9; 10]), after };
    let create = Create { about, ..create() };
    let (is_whole, behind) = (true, 0);
    let fork =
        Fork { create, origin, is_whole, until, behind, items, next, horizon, titled_by, keeps_open: false };
    let made = copy.command(Command::Fork(Box::new(fork)));
    assert!(matches!(made, Some(Answer::Thread { is_new: true, .. })), "{made:?}");
    copy.deliver()
}

#[test]
fn a_copy_knows_who_has_said_what_and_whose_runs_it_has() {
    let (mut theatre, _) = a_run_of_bob();
    theatre.command(start(OnBusy::Queue, "Somebody else goes on"));
    theatre.answer_with(None);
    let mut copy = Theatre::new(1);
    copy.now = START.plus(100);
    let mut users: Vec<_> = copy_of(&mut theatre, &mut copy).into_iter().collect();
    users.sort_by(|one, two| one.user.cmp(&two.user));
    let names: Vec<_> = users.iter().map(|voice| (voice.user.as_deref().unwrap(), voice.since)).collect();
    assert_eq!(names, [("bob", START), ("eve", START), (MARK, START)]);
    // A copy of the copy knows it, too.
    let mut again = Theatre::new(2);
    assert_eq!(copy_of(&mut copy, &mut again).len(), 3);
    for copy in [&mut copy, &mut again] {
        assert_eq!(clear(copy, START), Answer::Hushed(3));
        is_clean(copy);
        let texts = copy.texts();
        assert_eq!(texts[..5], ["Bob begins", "(call)", "(call)", "[erased]", "Eve's output"]);
        let bob = Clear::OfUser { user: "bob".to_owned(), until: START };
        assert_eq!(copy.command(Command::Clear(bob)).unwrap(), Answer::Hushed(4));
        assert_eq!(tables_with(&copy.disk, "bob"), Vec::<String>::new());
        assert_eq!(copy.texts()[..3], ["[erased]", "Eve's output", "Somebody else goes on"]);
        copy.command(start(OnBusy::Queue, "And on."));
        assert_eq!(copy.heard(), ["on", "on."]);
    }
}
