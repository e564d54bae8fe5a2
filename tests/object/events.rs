//! What is read of a thread: pages of a bounded size, and events for as long as they are kept.

use retinue::domain::message::{AssistantPart, Finish, Message, Part, ToolCall, Usage};
use retinue::domain::money::Nanos;
use retinue::domain::run::event::Numbered;
use retinue::domain::run::happening::Answered;
use retinue::domain::run::input::{Given, Input};
use retinue::domain::run::misfit::Checked;
use retinue::domain::run::tool::How;
use retinue::domain::thread::command::{Answer, BadCursor, Command, Events, Page, Watch};
use retinue::domain::thread::effect::{Effect, Outcome};
use retinue::domain::thread::fork::{Cut, PAGE_BYTES};
use retinue::domain::thread::id::EntryId;
use retinue::domain::thread::window::BOUNDS;
use retinue::object::store::thread::write_step;
use serde_json::{Value, json};

use crate::theatre::*;

const CALLS: usize = 12;
const OUTPUT: usize = 500_000;
const HOUR_MS: i64 = 60 * 60 * 1_000;

fn read(theatre: &mut Theatre, run: Option<u32>, after: Option<u64>) -> Result<Events, BadCursor> {
    let watch = Watch { run, after, stay: false, is_new_only: false };
    match theatre.command(Command::Events(WHO, watch)) {
        Some(Answer::Events(events)) => Ok(*events),
        Some(Answer::BadCursor(bad)) => Err(bad),
        other => panic!("{other:?}"),
    }
}

/// The first step of the first run calls the client's tool so often, and the client answers at length.
fn give_much(theatre: &mut Theatre) {
    let effect =
        theatre.performed().into_iter().find(|effect| matches!(effect, Effect::Model { run: 1, .. }));
    let id = effect.unwrap().id();
    theatre.give_up(&id);
    let call = || AssistantPart::ToolCall(ToolCall::new("c", "f", "{}"));
    let answered = Answered {
        parts: std::iter::repeat_with(call).take(CALLS).collect(),
        finish: Finish::ToolCalls,
        plan: vec![How::Client; CALLS],
        usage: Usage::default(),
        cost: Nanos::ZERO,
        warnings: Vec::new(),
        output: Checked::Free,
    };
    let outcome = Outcome::Answered {
        answered,
        journal: Value::Null,
        settlement: None,
        unsaid: Vec::new(),
        used: None,
    };
    assert_eq!(theatre.with(|host, moment| host.ended(&id, outcome, moment)), Ok(true));
    let Some(Answer::Run(view)) = theatre.command(Command::Run(WHO, 1)) else { panic!() };
    assert_eq!(view.waiting_on.len(), CALLS);
    for waiting in view.waiting_on {
        let id = waiting["call_id"].as_str().and_then(EntryId::parse).unwrap();
        let given = Given::Output(vec![Part::Text("x".repeat(OUTPUT))]);
        let given = theatre.command(Command::Give(WHO, 1, vec![Input::Call { entry: id.number, given }]));
        assert!(matches!(given, Some(Answer::Given(_))), "{given:?}");
    }
}

/// All events, page by page, each of a bounded size.
fn pages(theatre: &mut Theatre, run: Option<u32>) -> Vec<Numbered> {
    let (mut all, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        theatre.disk.take_read();
        let page = read(theatre, run, after).unwrap();
        let bytes = theatre.disk.take_read();
        assert!(bytes < 1_000_000 + OUTPUT + 50_000, "{bytes} bytes are read for a page");
        pages += 1;
        all.extend(page.events);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert!(pages > 3, "{pages}");
    all
}

#[test]
fn a_page_of_events_is_bounded_and_all_pages_have_every_event_once() {
    let mut theatre = Theatre::new(1);
    theatre.start();
    give_much(&mut theatre);
    let of_run = pages(&mut theatre, Some(1));
    let last = of_run.last().unwrap().seq;
    assert_eq!(of_run.iter().map(|event| event.seq).collect::<Vec<_>>(), (0..=last).collect::<Vec<_>>());
    assert_eq!(pages(&mut theatre, None), of_run);
    // Near the end nothing old is read.
    theatre.disk.take_read();
    assert_eq!(read(&mut theatre, Some(1), Some(last - 1)).unwrap().events, of_run[of_run.len() - 1..]);
    let watch = Watch { run: Some(1), after: None, stay: true, is_new_only: true };
    let Some(Answer::Events(now)) = theatre.command(Command::Events(WHO, watch)) else { panic!() };
    assert!(now.events.is_empty() && now.is_live() && now.snapshot.is_some(), "{now:?}");
    assert!(theatre.disk.take_read() < OUTPUT + 50_000);
}

#[test]
fn events_are_forgotten_after_seven_days_to_the_last_and_then_a_cursor_has_expired() {
    let mut theatre = Theatre::new(2);
    let days = |theatre: &mut Theatre, days: i64| (0..24 * days).for_each(|_| theatre.pass_time(HOUR_MS));
    for run in 1..=3 {
        theatre.start();
        theatre.command(Command::Cancel(WHO, run, None));
        days(&mut theatre, 1);
    }
    let last = read(&mut theatre, None, None).unwrap().events.last().unwrap().position;
    days(&mut theatre, 4);
    assert_eq!(read(&mut theatre, Some(1), None).map(|page| page.is_over), Ok(true));
    // The first day is gone.
    days(&mut theatre, 1);
    for (run, after) in [(Some(1), None), (Some(1), Some(0)), (None, Some(1))] {
        assert_eq!(read(&mut theatre, run, after), Err(BadCursor::Expired), "{run:?} {after:?}");
    }
    for (run, after) in [(Some(2), None), (Some(3), None), (None, Some(last)), (None, None)] {
        assert!(read(&mut theatre, run, after).is_ok(), "{run:?} {after:?}");
    }
    theatre.crash();
    // Nothing happens, and the rest goes, too.
    days(&mut theatre, 3);
    let rows: u32 = theatre.disk.db().query_row("SELECT count(*) FROM events", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 1, "the last one says where numbers go on");
    assert_eq!(read(&mut theatre, Some(2), None), Err(BadCursor::Expired));
    assert_eq!(read(&mut theatre, None, Some(last)).map(|page| page.events), Ok(Vec::new()));
    theatre.start();
    assert_eq!(read(&mut theatre, Some(4), None).map(|page| page.events[0].position), Ok(last + 1));
}

#[test]
fn a_journal_is_read_page_by_page_to_its_end() {
    let mut theatre = Theatre::new(1);
    theatre.start();
    theatre.command(Command::Cancel(WHO, 1, None));
    for nth in 0..1_500_u32 {
        let entry = json!({ "nth": nth, "arguments": "x".repeat(if nth < 10 { 250_000 } else { 10 }) });
        // What ended after the run stands behind all others.
        let nth = if nth == 1_499 { 1 << 31 } else { nth + 1 };
        write_step(&theatre.disk, 1, nth, &entry).unwrap();
    }
    let (mut all, mut after, mut pages) = (Vec::new(), 0, 0);
    loop {
        theatre.disk.take_read();
        let page = theatre.command(Command::Journal(WHO, 1, after));
        let Some(Answer::Journal { steps, next }) = page else { panic!("{page:?}") };
        let bytes = theatre.disk.take_read();
        assert!(bytes < 1_300_000 && steps.len() <= 1_000, "{bytes} bytes, {} entries", steps.len());
        all.extend(steps.iter().map(|step| step["nth"].as_u64().unwrap()));
        pages += 1;
        match next {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!(all, (0..1_500).collect::<Vec<_>>());
    assert!(pages >= 4, "{pages}");
}

#[test]
fn who_reads_items_reads_no_more_bytes_than_a_page_and_one_item() {
    const LONG: usize = 1_400_000;
    let mut theatre = Theatre::new(1);
    theatre.start();
    for _ in 0..40 {
        theatre.command(Command::Append(WHO, vec![Message::user("x".repeat(LONG))])).unwrap();
    }
    let mut check = |what: &str, budget: u64, read: &mut dyn FnMut(&mut Theatre)| {
        theatre.disk.take_read();
        read(&mut theatre);
        let bytes = theatre.disk.take_read();
        let most = usize::try_from(budget).unwrap() + LONG + 100_000;
        assert!((LONG..most).contains(&bytes), "{what}: {bytes} bytes are read");
    };
    for newest_first in [false, true] {
        let page = Page { after: None, newest_first, limit: 1_000, run: None };
        check("items", 4 * 1_024 * 1_024, &mut |theatre| drop(theatre.command(Command::Items(WHO, page))));
    }
    let cut = Cut::Between { behind: 1, until: 41 };
    check("copy", PAGE_BYTES, &mut |theatre| drop(theatre.command(Command::Copy(WHO, cut))));
    check("model", BOUNDS.looked, &mut |theatre| {
        let call = theatre
            .with(|host, moment| host.look_at(moment, |thread, disk| thread.model_call(disk, 1, 1, 1)));
        assert!(call.unwrap().is_some());
    });
}
