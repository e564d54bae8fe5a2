//! A knowledge object: what it remembers is found, once each, and what it forgets is nowhere.

use std::collections::BTreeSet;

use retinue::domain::ids::{AgentId, KeyId, MemoryId};
use retinue::domain::knowledge::command::{Answer, Command, Counted, VERSION};
use retinue::domain::memory::command::{Answer as Said, Change, Command as Asked, List, Make, Recall};
use retinue::domain::memory::draft::Draft;
use retinue::domain::memory::{MAX_MEMORIES, Memory, Source, Status};
use retinue::domain::thread::id::{EntryId, RunId, ThreadKey};
use retinue::domain::time::Millis;
use retinue::object::host::{Host, Reply};
use retinue::object::knowledge::Knowledge;
use retinue::object::machine::Moment;
use retinue::object::wire;
use serde_json::Value;

use crate::commands::{check, recorded};
use crate::disk::{Disk, Side};

const START: Millis = Millis(1_795_262_400_000);
const DAY: i64 = 24 * 60 * 60 * 1_000;

/// An object, and its platform.
struct Object {
    disk: Disk,
    host: Host<Knowledge, Disk>,
    alarm: Option<Millis>,
    drawn: u16,
    now: Millis,
    is_void: bool,
}

impl Object {
    fn new() -> Self {
        Self::on(Disk::new())
    }

    fn on(disk: Disk) -> Self {
        let host = Host::new(disk.clone());
        Self { host, disk, alarm: None, drawn: 0, now: START, is_void: false }
    }

    fn with<T>(&mut self, work: impl FnOnce(&mut Host<Knowledge, Disk>, &mut Moment<'_>) -> T) -> T {
        let drawn = &mut self.drawn;
        let mut random = || {
            *drawn += 1;
            let [high, low] = drawn.to_be_bytes();
            [high, low, 0, 0, 0, 0, 0, 0, high, low]
        };
        let done = work(&mut self.host, &mut Moment { now: self.now, random: &mut random });
        let todo = self.host.take_todo();
        (self.alarm, self.is_void) = (todo.alarm.or(self.alarm), todo.is_void);
        done
    }

    fn try_ask(&mut self, command: Command) -> Option<Answer> {
        match self.with(|host, moment| host.command(command, moment)) {
            Reply::Now(answer) => answer.ok(),
            Reply::Later(_) => panic!("it answers at once"),
        }
    }

    fn ask(&mut self, command: Asked) -> Said {
        match self.try_ask(Command::Memory(command)) {
            Some(Answer::Memory(answer)) => answer,
            Some(Answer::Written(answer, tally)) => {
                assert_eq!(self.count().tally(), tally, "what is told is what is kept");
                answer
            }
            other => panic!("{other:?}"),
        }
    }

    fn count(&mut self) -> Counted {
        match self.try_ask(Command::Count) {
            Some(Answer::Counted(counted)) => counted,
            other => panic!("{other:?}"),
        }
    }

    fn make(&mut self, text: &str) -> Memory {
        made(self.ask(Asked::Make(make(text)))).0
    }

    fn texts(&mut self, list: List) -> Vec<String> {
        match self.ask(Asked::List(list)) {
            Said::Listed { memories, .. } => memories.into_iter().map(|memory| memory.text).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn found(&mut self, query: &str) -> Vec<String> {
        let recall = Recall { query: query.to_owned(), limit: 50, bytes: 1_000_000 };
        match self.ask(Asked::Recall(recall)) {
            Said::Recalled { found, .. } => found.into_iter().map(|memory| memory.text).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn crash(&mut self) {
        self.host = Host::new(self.disk.clone());
    }
}

fn make(text: &str) -> Make {
    Make {
        id: None,
        draft: Draft::of(text),
        source: Source::default(),
        supersedes: None,
        is_again_only: false,
    }
}

fn made(said: Said) -> (Memory, bool) {
    match said {
        Said::Made { memory, is_new } => (*memory, is_new),
        other => panic!("{other:?}"),
    }
}

fn all() -> List {
    List { limit: 100, ..List::default() }
}

fn call(number: u32) -> EntryId {
    EntryId { run: RunId { thread: ThreadKey::new(START, [7; 10]), number: 1 }, number }
}

/// What a run remembers by its call of this number.
fn by_run(number: u32, text: &str) -> Make {
    let call = call(number);
    let source = Source { run: Some(call.run), agent: Some(AgentId::new(START, [2; 10])), key: None };
    Make { id: Some(MemoryId::of_call(call)), source, ..make(text) }
}

#[test]
fn the_same_text_is_one_memory() {
    let mut object = Object::new();
    let tea = object.make("Likes tea.");
    assert_eq!(made(object.ask(Asked::Make(make("Likes tea.")))), (tea.clone(), false));
    object.make("Likes coffee.");
    assert_eq!(object.texts(all()), ["Likes coffee.", "Likes tea."], "newest first");
    let put_away = Draft { status: Status::Archived, ..Draft::of("Likes tea.") };
    object.ask(Asked::Change(Change { id: tea.id, read: 1, draft: put_away }));
    let (again, is_new) = made(object.ask(Asked::Make(make("Likes tea."))));
    assert!(is_new && again.id != tea.id, "one that is put away is not in the way");
    assert_eq!(object.count().memories, 3);
}

#[test]
fn a_call_that_is_made_again_remembers_nothing_twice() {
    let mut object = Object::new();
    let first = made(object.ask(Asked::Make(by_run(1, "Likes tea."))));
    object.crash();
    assert_eq!(made(object.ask(Asked::Make(by_run(1, "Likes tea.")))), (first.0.clone(), false));
    assert_eq!(object.ask(Asked::Delete(first.0.id, None)), Said::Deleted(1));
    object.crash();
    let again = object.ask(Asked::Make(by_run(1, "Likes tea.")));
    assert_eq!(again, Said::Gone, "what somebody has deleted meanwhile does not come back");
    assert!(!object.is_void && object.count().memories == 0);
    object.now = START.plus(DAY);
    assert_eq!(object.alarm, Some(object.now));
    object.with(|host, moment| host.wake(moment)).unwrap();
    assert!(object.is_void, "a day later nothing is left of it");
}

#[test]
fn what_takes_the_place_of_another_is_recalled_instead() {
    let mut object = Object::new();
    let bergen = object.make("Lives in Bergen.");
    let replace = Make { supersedes: Some(bergen.id), ..make("Lives in Oslo.") };
    let (oslo, is_new) = made(object.ask(Asked::Make(replace.clone())));
    assert!(is_new && oslo.supersedes == Some(bergen.id));
    assert_eq!(object.found("lives"), ["Lives in Oslo."]);
    let Said::Memory(before) = object.ask(Asked::Show(bergen.id)) else { panic!() };
    assert_eq!((before.status, before.superseded_by), (Status::Superseded, Some(oslo.id)));
    assert_eq!(made(object.ask(Asked::Make(replace))), (oslo.clone(), false), "once more");
    let late = Make { supersedes: Some(bergen.id), ..make("Lives in Tromsø.") };
    assert_eq!(object.ask(Asked::Make(late)), Said::Superseded(oslo.id));
    let nobody = Make { supersedes: Some(MemoryId::new(START, [99; 10])), ..make("Lives in Rome.") };
    assert_eq!(object.ask(Asked::Make(nobody)), Said::NotFound);
    assert_eq!(object.ask(Asked::Delete(oslo.id, None)), Said::Deleted(2), "with its earlier wording");
    assert_eq!(object.texts(all()), Vec::<String>::new());
}

#[test]
fn a_memory_that_is_there_takes_the_place_of_another_and_says_so() {
    let mut object = Object::new();
    let (bergen, oslo) = (object.make("Lives in Bergen."), object.make("Lives in Oslo."));
    let replace = Make { supersedes: Some(bergen.id), ..make("Lives in Oslo.") };
    let (taken, is_new) = made(object.ask(Asked::Make(replace.clone())));
    assert_eq!((is_new, taken.id, taken.supersedes, taken.revision), (false, oslo.id, Some(bergen.id), 2));
    object.crash();
    assert_eq!(object.ask(Asked::Show(oslo.id)), Said::Memory(Box::new(taken.clone())));
    assert_eq!(made(object.ask(Asked::Make(replace))), (taken.clone(), false), "once more");
    let rome = object.make("Lives in Rome.");
    let replace = Make { supersedes: Some(rome.id), ..make("Lives in Oslo.") };
    assert_eq!(made(object.ask(Asked::Make(replace))).0, taken, "it goes on to name the first");
    assert_eq!(
        object.ask(Asked::Delete(oslo.id, None)),
        Said::Deleted(3),
        "with all that it took the place of"
    );
}

#[test]
fn a_long_chain_of_wordings_goes_in_steps() {
    let mut object = Object::new();
    let mut last = object.make("Wording 0.");
    for n in 1..=1_200 {
        let next = Make { supersedes: Some(last.id), ..make(&format!("Wording {n}.")) };
        last = made(object.ask(Asked::Make(next))).0;
    }
    let kept = object.make("Likes tea.");
    let (mut steps, mut gone) = (0, 0);
    loop {
        let before = object.count().memories;
        let said = object.ask(Asked::Delete(last.id, Some(last.revision)));
        let (Said::Shortened(some) | Said::Deleted(some)) = said else { panic!("{said:?}") };
        assert!(some <= 500 && before - object.count().memories == some, "{some}");
        (steps, gone) = (steps + 1, gone + some);
        if matches!(said, Said::Deleted(_)) {
            break;
        }
        object.crash();
    }
    assert_eq!((steps > 3, gone), (true, 1_201));
    assert_eq!(object.texts(all()), [kept.text]);
}

#[test]
fn no_change_makes_two_active_memories_of_one_text() {
    let mut object = Object::new();
    let (tea, milk) = (object.make("Likes tea."), object.make("Likes milk."));
    let change = |id, read, draft| Asked::Change(Change { id, read, draft });
    assert_eq!(
        object.ask(change(milk.id, 1, Draft::of("Likes tea."))),
        Said::Made { memory: Box::new(tea.clone()), is_new: false }
    );
    let archived = |text| Draft { status: Status::Archived, ..Draft::of(text) };
    let Said::Memory(_) = object.ask(change(milk.id, 1, archived("Likes tea."))) else { panic!() };
    assert_eq!(
        object.ask(change(milk.id, 2, Draft::of("Likes tea."))),
        Said::Made { memory: Box::new(tea.clone()), is_new: false }
    );
    let labelled = Draft { labels: vec!["taste".to_owned()], ..Draft::of("Likes tea.") };
    let Said::Memory(_) = object.ask(change(tea.id, 1, labelled)) else { panic!() };
    assert_eq!(object.ask(Asked::Delete(tea.id, None)), Said::Deleted(1));
    let Said::Memory(back) = object.ask(change(milk.id, 2, Draft::of("Likes tea."))) else { panic!() };
    assert_eq!(back.status, Status::Active);
}

#[test]
fn a_change_counts_only_over_what_was_read() {
    let mut object = Object::new();
    let tea = object.make("Likes tea.");
    let change = |read, text| Asked::Change(Change { id: tea.id, read, draft: Draft::of(text) });
    let Said::Memory(green) = object.ask(change(1, "Likes green tea.")) else { panic!() };
    assert_eq!((green.revision, green.text.as_str()), (2, "Likes green tea."));
    assert_eq!(object.ask(change(1, "Likes black tea.")), Said::Moved);
    assert_eq!((object.found("green").len(), object.found("black").len()), (1, 0));
    assert_eq!(object.ask(Asked::Delete(tea.id, Some(1))), Said::Moved);
    assert_eq!(object.ask(Asked::Delete(tea.id, Some(2))), Said::Deleted(1));
    assert!(object.is_void, "an object without memories is none");
    assert_eq!(object.ask(Asked::Show(tea.id)), Said::NotFound);
}

#[test]
fn what_is_deleted_is_nowhere_in_the_database() {
    let file = std::env::temp_dir().join(format!("retinue-knowledge-{}.sqlite", std::process::id()));
    let _ = std::fs::remove_file(&file);
    let mut object = Object::on(Disk::of(rusqlite::Connection::open(&file).unwrap()));
    // As if each page that is free had been written over: what is found then, some table or index still has.
    object.disk.db().execute_batch("PRAGMA secure_delete = ON").unwrap();
    let holds = |text: &str| {
        let bytes = std::fs::read(&file).unwrap().to_ascii_lowercase();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    };
    for n in 0..200 {
        object.make(&format!("Has the number {n}."));
    }
    let secret = object.make("Suffers from zirconitis. 住奥斯陆郊区");
    let changed = object.make("Prefers quuxification.");
    let draft = Draft::of("Prefers silence.");
    object.ask(Asked::Change(Change { id: changed.id, read: 1, draft }));
    let there = || ["zircon", "奥斯陆郊", "quuxif"].map(holds);
    assert_eq!(there(), [true, true, false], "a text that was changed is gone");
    assert_eq!(object.found("Zirconitis?").len(), 1);
    object.ask(Asked::Delete(secret.id, None));
    assert_eq!(there(), [false, false, false]);
    assert!(holds("has the number 7"));
    assert_eq!(object.found("Zirconitis?"), Vec::<String>::new());
    assert_eq!(object.found("number 7").first().map(String::as_str), Some("Has the number 7."));
    let Some(Answer::Erased(erased)) = object.try_ask(Command::EraseUntil(Millis(i64::MAX))) else {
        panic!()
    };
    assert_eq!(erased.memories, 201);
    assert!(object.is_void && !holds("has the number"));
    std::fs::remove_file(&file).unwrap();
    assert_eq!(object.count(), Counted::default());
}

#[test]
fn texts_are_found_whatever_their_script_and_whatever_stands_in_a_query() {
    let mut object = Object::new();
    for text in [
        "Mag Käse und Brötchen.",
        "Is allergic to nuts.",
        "住在奥斯陆",
        "猫が好き",
        "ชอบดื่มชา",
        "오슬로에 산다",
        "Ελλάδα",
        "Works at \"O'Reilly\" (NEAR AND OR NOT) text:a*",
        "Пишет по-русски 🎉",
    ] {
        object.make(text);
    }
    for (query, found) in [
        ("kase", "Mag Käse und Brötchen."),
        ("nut", "Is allergic to nuts."),
        ("KÄSE", "Mag Käse und Brötchen."),
        ("奥斯陆", "住在奥斯陆"),
        ("猫", "猫が好き"),
        ("ดื่ม", "ชอบดื่มชา"),
        ("오슬로", "오슬로에 산다"),
        ("ΕΛΛΆΔΑ", "Ελλάδα"),
        ("o'reilly\" OR (", "Works at \"O'Reilly\" (NEAR AND OR NOT) text:a*"),
        ("по-РУССКИ?", "Пишет по-русски 🎉"),
    ] {
        assert_eq!(object.found(query), [found], "{query}");
    }
    for query in ["\"", "*", "text:", "a NEAR/2 \"", "{x}", "^", "-", "🎉", "\u{0}", ""] {
        object.found(query);
    }
}

#[test]
fn the_word_that_decides_is_found_however_long_the_message_is() {
    let mut object = Object::new();
    for n in 0..60 {
        object.make(&format!(
            "She opened ticket {n} about the printer of type PX-{n}, which printed stripes, and was closed by the service desk."
        ));
        object.make(&format!("第{n}号の件は昨日の会議で話しました。今週は仕事が多いと言っていました。"));
    }
    let (tux, nuts, tea) = ("Her cat is called Tux.", "花子は胡桃アレルギーがある。", "하나는 차를 좋아한다");
    let known = [tux, nuts, tea].map(|text| object.make(text).text);
    let unknown = |count: u32| (0..count).map(|n| format!("unheardof{n} ")).collect::<String>();
    for (message, found) in [
        (
            "Tomorrow evening several colleagues are visiting our apartment, therefore I am preparing vegetables, \
             sandwiches, homemade lemonade and something chocolatey for dessert; afterwards everybody probably wants to \
             play boardgames until midnight, although neighbours upstairs complained repeatedly about excessive laughter. \
             What should Tux eat meanwhile?"
                .to_owned(),
            &known[0],
        ),
        (format!("{}Tux", unknown(20_000)), &known[0]),
        (format!("Tux {}", unknown(20_000)), &known[0]),
        (format!("{}Tux {}", unknown(90), unknown(90)), &known[0]),
        (
            "こんにちは。今週の土曜日に甥の誕生日のお祝いをするので、ケーキを焼きたいと思っています。胡桃を入れても大丈夫でしょうか。"
                .to_owned(),
            &known[1],
        ),
        ("あいうえおかきくけこ".repeat(1_000) + "胡桃は?", &known[1]),
        ("이번 주말에 친구들이 집에 오기로 해서 무엇을 준비해야 할지 모르겠어요 하나는 무슨 차를".to_owned(), &known[2]),
    ] {
        assert_eq!(object.found(&message).first(), Some(found), "{message:.200}");
    }
    let list = List { query: Some(format!("{}Tux", unknown(30))), ..all() };
    assert_eq!(object.texts(list), [tux]);
}

#[test]
fn lists_have_every_memory_once_and_searches_too() {
    let mut object = Object::new();
    for n in 0..25 {
        let memory = object.make(&format!("Note {n}: the word common, and word{}.", n % 5));
        if n % 2 == 1 {
            let draft = Draft { status: Status::Archived, ..Draft::of(memory.text) };
            object.ask(Asked::Change(Change { id: memory.id, read: 1, draft }));
        }
    }
    let mut pages = |status, query: Option<&str>| {
        let mut list = List { status, query: query.map(str::to_owned), after: None, limit: 4 };
        let mut seen = Vec::new();
        loop {
            let Said::Listed { memories, next } = object.ask(Asked::List(list.clone())) else { panic!() };
            assert!(memories.len() <= 4);
            seen.extend(memories.into_iter().map(|memory| memory.text));
            match next {
                Some(next) => list.after = Some(next),
                None => break,
            }
        }
        let once: BTreeSet<_> = seen.iter().cloned().collect();
        assert_eq!(once.len(), seen.len());
        seen.len()
    };
    assert_eq!(pages(None, None), 25);
    assert_eq!(pages(Some(Status::Archived), None), 12);
    assert_eq!(pages(None, Some("common")), 25);
    assert_eq!(pages(Some(Status::Active), Some("word3")), 2);
    assert_eq!(pages(None, Some("nothing")), 0);
}

#[test]
fn among_ten_thousand_memories_the_one_that_fits_is_first_and_no_more_are_taken() {
    let mut object = Object::new();
    for n in 0..MAX_MEMORIES {
        object.make(&format!("The customer number {n} ordered article a{}x from the catalogue.", n * 7));
    }
    assert_eq!(object.ask(Asked::Make(make("One too many."))), Said::Full(MAX_MEMORIES));
    let known = "The customer number 17 ordered article a119x from the catalogue.";
    assert!(!made(object.ask(Asked::Make(make(known)))).1, "one that is there is there");
    for n in [0, 4_711, 9_999] {
        let found = object.found(&format!("What did the customer order: a{}x, of the catalogue?", n * 7));
        assert!(found[0].contains(&format!("number {n} ")), "{:?}", found[0]);
        assert_eq!(found.len(), 1, "the rare word decides");
    }
    let common = object.found("customer, catalogue: ordered?");
    assert!(common.len() == 50 && common[0].contains("number 9999 "), "{}", common[0]);
    let recall = Recall { query: "?".to_owned(), limit: 3, bytes: 1_000_000 };
    let Said::Recalled { found, newest } = object.ask(Asked::Recall(recall.clone())) else { panic!() };
    assert_eq!((found.len(), newest.len()), (0, 3));
    assert!(newest[0].text.contains("number 9999 "));
    let little = Recall { bytes: 1, ..recall };
    let Said::Recalled { newest, .. } = object.ask(Asked::Recall(little)) else { panic!() };
    assert_eq!(newest.len(), 1, "one at least");
    assert!(object.disk.take_read() > 0);
}

#[test]
fn a_write_that_fails_at_any_statement_leaves_all_as_it_was_or_all_done() {
    for side in [Side::Before, Side::After] {
        for nth in 1.. {
            let mut object = Object::new();
            let first = made(object.ask(Asked::Make(by_run(1, "Lives in Bergen.")))).0;
            object.disk.fail(nth, side);
            let next = Make { supersedes: Some(first.id), ..by_run(2, "Lives in Oslo.") };
            let said = object.try_ask(Command::Memory(Asked::Make(next.clone())));
            if object.disk.call_off() {
                break;
            }
            object.crash();
            let Said::Memory(before) = object.ask(Asked::Show(first.id)) else { panic!() };
            let is_done = object.texts(all()).len() == 2;
            assert_eq!(before.status == Status::Superseded, is_done, "{nth} {side:?}");
            assert_eq!(object.count().memories, if is_done { 2 } else { 1 });
            assert!(said.is_none() || is_done);
            made(object.ask(Asked::Make(next)));
            assert_eq!(object.found("lives"), ["Lives in Oslo."], "{nth} {side:?}");
            assert_eq!(object.count().memories, 2);
        }
    }
}

#[test]
fn who_only_asks_makes_no_object() {
    let mut object = Object::new();
    let id = MemoryId::new(START, [1; 10]);
    assert_eq!(object.ask(Asked::Show(id)), Said::NotFound);
    assert!(object.is_void, "the platform is to forget its name, too");
    assert_eq!(object.texts(all()), Vec::<String>::new());
    assert_eq!(object.found("tea"), Vec::<String>::new());
    assert_eq!(
        object.try_ask(Command::EraseUntil(Millis(i64::MAX))),
        Some(Answer::Erased(Counted::default()))
    );
    let tables: i64 =
        object.disk.db().query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 0);
    assert!(object.is_void && object.host.vacate() && !object.host.vacate());
    // What is written before that is done stays, also where a later write fails.
    object.texts(all());
    object.make("Drinks tea.");
    assert!(!object.host.vacate());
    object.disk.fail(1, Side::Before);
    assert_eq!(object.try_ask(Command::Memory(Asked::Make(make("Drinks coffee.")))), None);
    assert!(!object.host.vacate());
    object.disk.call_off();
    assert_eq!(object.found("tea"), ["Drinks tea."]);
}

fn memory(full: bool) -> Memory {
    let id = |n| MemoryId::new(START, [n; 10]);
    Memory {
        id: id(1),
        text: "Likes tea.".to_owned(),
        labels: if full { vec!["taste".to_owned()] } else { Vec::new() },
        metadata: if full { [("from".to_owned(), "survey".to_owned())].into() } else { Default::default() },
        status: if full { Status::Superseded } else { Status::Active },
        supersedes: full.then(|| id(2)),
        superseded_by: full.then(|| id(3)),
        source: if full {
            by_run(1, "").source
        } else {
            Source { key: Some(KeyId::new(START, [4; 10])), ..Source::default() }
        },
        revision: 2,
        created_at: START,
        updated_at: START.plus(1),
    }
}

fn commands() -> Vec<Command> {
    let id = MemoryId::new(START, [1; 10]);
    let draft =
        Draft { labels: vec!["taste".to_owned()], status: Status::Archived, ..Draft::of("Likes tea.") };
    let list =
        List { status: Some(Status::Active), query: Some("tea".to_owned()), after: Some(9), limit: 50 };
    let asked = vec![
        Asked::Make(Make { supersedes: Some(id), ..by_run(1, "Likes tea.") }),
        Asked::Make(make("Likes tea.")),
        Asked::Show(id),
        Asked::Change(Change { id, read: 2, draft }),
        Asked::Delete(id, Some(2)),
        Asked::Delete(id, None),
        Asked::List(list),
        Asked::List(all()),
        Asked::Recall(Recall { query: "tea".to_owned(), limit: 30, bytes: 64_000 }),
    ];
    asked.into_iter().map(Command::Memory).chain([Command::Count, Command::EraseUntil(START)]).collect()
}

fn answers() -> Vec<Answer> {
    let counted = Counted { memories: 3, bytes: 300, version: 7 };
    let said = vec![
        Said::Made { memory: Box::new(memory(true)), is_new: true },
        Said::Memory(Box::new(memory(false))),
        Said::Deleted(2),
        Said::Shortened(2),
        Said::Listed { memories: vec![memory(false)], next: Some(9) },
        Said::Listed { memories: Vec::new(), next: None },
        Said::Recalled { found: vec![memory(true)], newest: vec![memory(false)] },
        Said::NotFound,
        Said::Moved,
        Said::Full(10_000),
        Said::Superseded(MemoryId::new(START, [1; 10])),
        Said::Gone,
    ];
    let all = said.into_iter().map(Answer::Memory);
    all.chain([
        Answer::Counted(counted),
        Answer::Erased(counted),
        Answer::Written(Said::Deleted(2), counted.tally()),
    ])
    .collect()
}

/// Every command and answer is among those above: whoever adds one meets this.
const fn is_recorded(command: &Command, answer: &Answer) {
    match command {
        Command::Memory(
            Asked::Make(_)
            | Asked::Show(_)
            | Asked::Change(_)
            | Asked::Delete(..)
            | Asked::List(_)
            | Asked::Recall(_),
        )
        | Command::Count
        | Command::EraseUntil(_) => {}
    }
    match answer {
        Answer::Memory(
            Said::Made { .. }
            | Said::Memory(_)
            | Said::Deleted(_)
            | Said::Shortened(_)
            | Said::Listed { .. }
            | Said::Recalled { .. }
            | Said::NotFound
            | Said::Moved
            | Said::Full(_)
            | Said::Superseded(_)
            | Said::Gone,
        )
        | Answer::Written(..)
        | Answer::Counted(_)
        | Answer::Erased(_) => {}
    }
}

#[test]
fn commands_and_answers_look_as_they_were_recorded_and_are_read() {
    for (command, answer) in commands().iter().zip(&answers()) {
        is_recorded(command, answer);
    }
    let written: Vec<Value> = commands().iter().map(|one| serde_json::to_value(one).unwrap()).collect();
    check("knowledge", VERSION, "commands", &written);
    let written: Vec<Value> = answers().iter().map(|one| serde_json::to_value(one).unwrap()).collect();
    check("knowledge", VERSION, "answers", &written);
    for command in recorded("knowledge", VERSION, "commands") {
        wire::decode::<Command>(&command.to_string()).unwrap();
    }
    for answer in recorded("knowledge", VERSION, "answers") {
        wire::decode::<Answer>(&answer.to_string()).unwrap();
    }
}
