//! What a thread forgets of a person who has begun runs in it, whatever is under way.

use rusqlite::types::ValueRef;

use retinue::domain::message::AssistantPart;
use retinue::domain::message::{Finish, Message, Usage};
use retinue::domain::money::Nanos;
use retinue::domain::run::happening::Answered;
use retinue::domain::run::misfit::Checked;
use retinue::domain::run::terms::OnUnknown;
use retinue::domain::thread::command::{Answer, Clear, Command, OnBusy, Start};
use retinue::domain::thread::compaction::Horizon;
use retinue::domain::thread::effect::{Effect, Outcome};
use retinue::domain::thread::item::Item;
use retinue::domain::time::Millis;
use serde_json::json;

use crate::compaction::{FULL, summed_up, words};
use crate::disk::Disk;
use crate::theatre::{START, Theatre, WHO, create, start, terms};

/// What no row may have in the end.
pub const MARK: &str = "marked";

pub fn by(user: &str, words: &str) -> Command {
    let terms = retinue::domain::run::terms::Terms { user: Some(user.to_owned()), ..terms(OnUnknown::Ask) };
    Command::Start(Box::new(Start {
        thread: create(),
        terms,
        max_usd: None,
        input: vec![Message::user(words)],
        on_busy: OnBusy::Queue,
        may_make: true,
        behind: None,
        answers: false,
        watch: false,
        faults: Vec::new(),
    }))
}

pub fn clear(theatre: &mut Theatre, until: Millis) -> Answer {
    let clear = Clear::OfUser { user: MARK.to_owned(), until };
    theatre.command(Command::Clear(clear)).unwrap()
}

/// The tables of a disk that have a row with this text.
pub fn tables_with(disk: &Disk, text: &str) -> Vec<String> {
    let db = disk.db();
    let mut names = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
    let names: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let has = |name: &String| {
        let mut all = db.prepare(&format!("SELECT * FROM \"{name}\"")).unwrap();
        let columns = all.column_count();
        let mut rows = all.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let holds = |column| match row.get_ref(column).unwrap() {
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                    bytes.windows(text.len()).any(|window| window == text.as_bytes())
                }
                _ => false,
            };
            if (0..columns).any(holds) {
                return true;
            }
        }
        false
    };
    names.into_iter().filter(has).collect()
}

fn said(theatre: &mut Theatre, run: u32) -> usize {
    theatre.transcript().iter().filter(|item: &&Item| item.run == run).count()
}

#[test]
fn a_model_that_answers_after_its_run_was_erased_says_nothing() {
    let mut theatre = Theatre::new(1);
    theatre.run("Mine.", None);
    theatre.command(by(MARK, "marked words"));
    let effect = theatre.asked();
    assert!(!tables_with(&theatre.disk, MARK).is_empty());
    assert_eq!(clear(&mut theatre, START), Answer::Cleared(1));
    let settlement = Some(Box::new(theatre.settlement(2)));
    let answered = Answered {
        parts: vec![AssistantPart::text("A marked answer")],
        finish: Finish::Stop,
        plan: Vec::new(),
        usage: Usage::default(),
        cost: Nanos::new(5),
        warnings: Vec::new(),
        output: Checked::Free,
    };
    let journal = json!({"answer": "marked"});
    theatre.end_with(
        &effect,
        Outcome::Answered { answered, unsaid: Vec::new(), journal, settlement, used: None },
    );
    assert_eq!(tables_with(&theatre.disk, MARK), Vec::<String>::new());
    assert_eq!((said(&mut theatre, 1), said(&mut theatre, 2)), (2, 0));
    theatre.crash();
    assert_eq!(clear(&mut theatre, START), Answer::Cleared(0), "there is no more");
    theatre.command(start(OnBusy::Queue, "On."));
    assert_eq!(theatre.heard(), ["Mine.", "On."]);
}

#[test]
fn what_a_person_says_after_they_were_erased_stays() {
    let mut theatre = Theatre::new(1);
    theatre.command(by(MARK, "first words"));
    theatre.answer_with(None);
    theatre.now = START.plus(10);
    theatre.command(by(MARK, "second words"));
    assert_eq!(clear(&mut theatre, START), Answer::Cleared(1));
    assert_eq!(clear(&mut theatre, START), Answer::Cleared(0));
    theatre.answer_with(None);
    assert_eq!((said(&mut theatre, 1), said(&mut theatre, 2)), (0, 2));
    assert_eq!(tables_with(&theatre.disk, "first words"), Vec::<String>::new());
    assert!(!tables_with(&theatre.disk, "second words").is_empty());
    assert!(tables_with(&theatre.disk, MARK).contains(&"runs".to_owned()), "the run keeps its name");
}

#[test]
fn many_runs_go_in_steps() {
    let mut theatre = Theatre::new(1);
    for n in 0..60 {
        theatre.command(by(MARK, &format!("words {n}")));
        theatre.answer_with(None);
    }
    theatre.run("Mine.", None);
    let steps: Vec<Answer> = (0..3).map(|_| clear(&mut theatre, START)).collect();
    assert_eq!(steps, [Answer::Cleared(50), Answer::Cleared(10), Answer::Cleared(0)]);
    assert_eq!(tables_with(&theatre.disk, MARK), Vec::<String>::new());
    assert_eq!(theatre.transcript().len(), 2);
}

#[test]
fn the_title_that_a_run_made_which_waited_goes_too() {
    let mut theatre = Theatre::new(1);
    for words in ["marked by the first", "marked by the second", "marked by the third"] {
        theatre.command(by(MARK, words));
    }
    let now = theatre.now;
    assert_eq!(clear(&mut theatre, now), Answer::Cleared(3));
    let Some(Answer::Thread { thread, .. }) = theatre.command(Command::Show(WHO)) else { panic!() };
    assert_eq!(thread.title, None);
    assert_eq!(tables_with(&theatre.disk, MARK), Vec::<String>::new());
}

#[test]
fn what_is_being_summed_up_is_waited_for_and_its_summary_goes() {
    let mut theatre = Theatre::new(1);
    for n in 1..=5 {
        if n == 2 {
            theatre.command(by(MARK, &words(2)));
            theatre.answer_with(None);
        } else {
            theatre.run(&words(n), None);
        }
    }
    theatre.run(&words(6), Some(FULL));
    theatre.command(start(OnBusy::Queue, &words(7)));
    assert_eq!(theatre.asked(), Effect::Compact { run: 7, nth: 1 });
    assert_eq!(clear(&mut theatre, START), Answer::Busy(7), "the summary may have what they said");
    let digest = theatre.compaction(7, 1).unwrap().digest.unwrap();
    theatre.end_with(&Effect::Compact { run: 7, nth: 1 }, summed_up(digest, json!({"of": "marked"}), None));
    assert_eq!(clear(&mut theatre, START), Answer::Cleared(1));
    assert_eq!(theatre.horizon(), Horizon::default());
    assert!(!theatre.transcript().iter().any(|item| item.stands_for.is_some()), "no summary is left");
    assert_eq!(tables_with(&theatre.disk, "Up to 10."), Vec::<String>::new());
    theatre.answer_with(None);
    theatre.command(start(OnBusy::Queue, &words(8)));
    assert_eq!(theatre.heard(), ["1", "3", "4", "5", "6", "7", "8"]);
}

#[test]
fn a_summary_goes_with_the_run_that_wrote_it() {
    let mut theatre = Theatre::new(1);
    for n in 1..=5 {
        theatre.run(&words(n), None);
    }
    theatre.run(&words(6), Some(FULL));
    theatre.command(by(MARK, &words(7)));
    let digest = theatre.compaction(7, 1).unwrap().digest.unwrap();
    theatre.end_with(&Effect::Compact { run: 7, nth: 1 }, summed_up(digest, json!(null), None));
    theatre.answer_with(None);
    assert_eq!(clear(&mut theatre, START), Answer::Cleared(1));
    theatre.command(start(OnBusy::Queue, &words(8)));
    assert_eq!(theatre.heard(), ["1", "2", "3", "4", "5", "6", "8"], "what others said is sent as it stands");
}

#[test]
fn no_summary_of_what_is_erased_is_left_whoever_was_erased_before() {
    let mut theatre = Theatre::new(1);
    for n in 1..=5 {
        theatre.command(by(if n == 2 { MARK } else { "bob" }, &words(n)));
        theatre.answer_with(None);
    }
    theatre.run(&words(6), Some(FULL));
    for n in 7..=8 {
        theatre.command(by("eve", &words(n)));
        let digest = theatre.compaction(n, 1).unwrap().digest.unwrap();
        theatre.end_with(&Effect::Compact { run: n, nth: 1 }, summed_up(digest, json!(null), None));
        theatre.answer_with(Some(FULL));
    }
    let eve = Clear::OfUser { user: "eve".to_owned(), until: START };
    assert_eq!(theatre.command(Command::Clear(eve)).unwrap(), Answer::Cleared(2));
    assert_eq!(clear(&mut theatre, START), Answer::Cleared(1));
    assert!(!theatre.transcript().iter().any(|item| item.stands_for.is_some()), "no summary is left");
}
