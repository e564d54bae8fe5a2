//! Dumps and restores: whatever is written while a dump goes on, what is restored is the state of its last page; and the
//! object goes on from there.

use std::collections::BTreeSet;

use retinue::domain::admission::command::{Answer as Said, Command as Asked};
use retinue::domain::backup::command::{Answer, Command, Cursor, Page, Part};
use retinue::domain::time::Millis;
use retinue::object::account::Account;
use retinue::object::host::Host;
use retinue::object::machine::{Machine, Moment};
use retinue::object::sql::{Error, Sql, Value};
use retinue::object::store::steps::migrate;
use retinue::object::store::{account, dispatch, dump, knowledge, restore, thread};

use crate::account::{admit, record};
use crate::disk::{Disk, Side};
use crate::platform::Platform;
use crate::theatre::{Dice, START, Theatre};

type Steps = &'static [&'static [&'static str]];

const TABLES: Steps = &[
    &[
        "CREATE TABLE pairs (name TEXT NOT NULL, n INTEGER NOT NULL, body TEXT, PRIMARY KEY (name, n)) WITHOUT ROWID",
        "CREATE TABLE numbered (id INTEGER PRIMARY KEY, body TEXT)",
        "CREATE INDEX numbered_body ON numbered (body)",
    ],
    &["CREATE TABLE odd (bytes BLOB, fraction REAL, \"a \"\"name\" TEXT)"],
];

/// Every row of every table.
fn all(disk: &Disk) -> Vec<String> {
    let db = disk.db();
    let mut found = Vec::new();
    for (table, cells) in [
        ("pairs", "quote(name) || quote(n) || quote(body)"),
        ("numbered", "quote(id) || quote(body)"),
        ("odd", "rowid || quote(bytes) || quote(fraction) || quote(\"a \"\"name\")"),
    ] {
        let mut select = db.prepare(&format!("SELECT {cells} FROM {table} ORDER BY 1")).unwrap();
        let rows = select.query_map([], |row| row.get::<_, String>(0)).unwrap();
        found.extend(rows.map(|row| format!("{table} {}", row.unwrap())));
    }
    found
}

fn write(disk: &Disk, dice: &mut Dice) {
    let name = ["", "a", "b'", "ä\u{0}\n"][dice.roll(4) as usize];
    let n = dice.roll(60);
    let long = "x\"".repeat(if dice.roll(3) == 0 { 40_000 } else { 5 });
    let body = format!("{long}{}", dice.roll(1_000));
    let db = disk.db();
    let of_pair = rusqlite::params![name, n, body];
    let done = match dice.roll(9) {
        0 => db.execute("INSERT OR IGNORE INTO pairs VALUES (?, ?, ?)", of_pair),
        1 => db.execute("INSERT OR REPLACE INTO pairs VALUES (?, ?, ?)", of_pair),
        2 => db.execute(
            "INSERT INTO pairs VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
            of_pair,
        ),
        3 => db.execute("DELETE FROM pairs WHERE name = ? AND n = ?", rusqlite::params![name, n]),
        4 => db.execute(
            "UPDATE OR REPLACE pairs SET n = n + 1 WHERE name = ? AND n = ?",
            rusqlite::params![name, n],
        ),
        5 => db.execute("INSERT OR REPLACE INTO numbered VALUES (?, ?)", rusqlite::params![n, body]),
        6 => db.execute("DELETE FROM numbered WHERE id = ?", [n]),
        7 => db.execute(
            "INSERT INTO odd VALUES (?, ?, ?)",
            rusqlite::params![body.as_bytes(), 0.1 + n as f64, name],
        ),
        _ if dice.roll(20) == 0 => db.execute("DELETE FROM numbered", []),
        _ => db.execute("UPDATE odd SET bytes = NULL WHERE rowid % 7 = ?", [n % 7]),
    };
    done.unwrap();
}

fn page(answer: Answer) -> Page {
    let Answer::Page(page) = answer else { panic!("{answer:?}") };
    // As it travels.
    serde_json::from_str(&serde_json::to_string(&page).unwrap()).unwrap()
}

fn pages(disk: &Disk, mut between: impl FnMut()) -> Vec<Page> {
    let mut pages = vec![page(dump::first(disk, "one".to_owned(), START).unwrap())];
    while let Some(next) = pages.last().and_then(|page: &Page| page.next.clone()) {
        between();
        pages.push(page(dump::next(disk, next, START).unwrap()));
    }
    pages
}

fn parts(pages: &[Page]) -> Vec<Part> {
    let last = pages.len() - 1;
    let part = |(n, page): (usize, &Page)| Part {
        steps: page.steps,
        page: u32::try_from(n).unwrap(),
        rows: page.rows.clone(),
        is_last: n == last,
        is_copy: false,
    };
    pages.iter().enumerate().map(part).collect()
}

fn take(disk: &Disk, part: &Part) -> Result<Answer, Error> {
    restore::take(disk, TABLES, part, |_| Ok(()))
}

#[test]
fn what_is_restored_is_the_state_of_the_last_page_whatever_was_written_meanwhile() {
    for seed in 0..12 {
        let (disk, mut dice) = (Disk::new(), Dice(seed));
        migrate(&disk, TABLES).unwrap();
        for _ in 0..dice.roll(400) {
            write(&disk, &mut dice);
        }
        let busy = dice.roll(30);
        let mut count = 0;
        let pages = pages(&disk, || {
            count += 1;
            // It ends when the writer rests.
            for _ in 0..if count < 40 { dice.roll(busy + 1) } else { 0 } {
                write(&disk, &mut dice);
            }
        });
        let then = all(&disk);
        let left: u32 = disk
            .db()
            .query_row(
                "SELECT count(*) FROM sqlite_master WHERE name LIKE '\\_dump%' ESCAPE '\\'",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(left, 0, "seed {seed}: nothing is left of the dump");
        let restored = Disk::new();
        for part in parts(&pages) {
            // It breaks off somewhere, and the page comes once more.
            let side = if dice.roll(2) == 0 { Side::Before } else { Side::After };
            restored.fail(1 + u32::try_from(dice.roll(60)).unwrap(), side);
            let mut taken = take(&restored, &part);
            if !restored.call_off() {
                taken.unwrap_err();
                taken = take(&restored, &part);
            }
            let wanted = if part.is_last { Answer::Restored } else { Answer::Taken };
            assert_eq!(taken.unwrap(), wanted, "seed {seed}");
        }
        assert_eq!(all(&restored), then, "seed {seed}");
        migrate(&restored, TABLES).unwrap();
    }
}

#[test]
fn a_small_object_is_dumped_in_one_step_that_writes_nothing() {
    let (disk, mut dice) = (Disk::new(), Dice(1));
    migrate(&disk, TABLES).unwrap();
    write(&disk, &mut dice);
    disk.take_statements();
    assert_eq!(pages(&disk, || {}).len(), 1);
    let is_read = |statement: &String| statement.starts_with("SELECT");
    assert!(disk.take_statements().iter().all(is_read));
}

#[test]
fn a_page_has_no_more_than_a_megabyte_or_one_row() {
    let disk = Disk::new();
    migrate(&disk, TABLES).unwrap();
    for (id, bytes) in [400_000, 1_900_000, 10, 700_000, 700_000].into_iter().enumerate() {
        disk.db()
            .execute("INSERT INTO numbered VALUES (?, ?)", rusqlite::params![id, "x".repeat(bytes)])
            .unwrap();
    }
    let found: Vec<usize> =
        pages(&disk, || {}).iter().map(|page| page.rows.iter().map(|rows| rows.rows.len()).sum()).collect();
    assert_eq!(found, [1, 1, 2, 1]);
}

#[test]
fn a_dump_is_lost_to_another_to_time_and_to_a_new_schema() {
    let (disk, mut dice) = (Disk::new(), Dice(3));
    migrate(&disk, &TABLES[..1]).unwrap();
    for id in 0..40 {
        disk.db()
            .execute("INSERT INTO numbered VALUES (?, ?)", rusqlite::params![id, "x".repeat(90_000)])
            .unwrap();
    }
    let first = |name: &str| page(dump::first(&disk, name.to_owned(), START).unwrap()).next.unwrap();
    let one = first("one");
    let two = first("two");
    assert_eq!(dump::next(&disk, one, START).unwrap(), Answer::Lost);
    let two = page(dump::next(&disk, two, START).unwrap()).next.unwrap();
    let late = START.plus(10 * 60_000);
    assert_eq!(dump::next(&disk, two, late).unwrap(), Answer::Lost);
    let three = first("three");
    migrate(&disk, TABLES).unwrap();
    write(&disk, &mut dice);
    assert_eq!(dump::next(&disk, three, START).unwrap(), Answer::Lost);
    let strange = Cursor { dump: "three".to_owned(), table: 7, after: Vec::new() };
    assert_eq!(dump::next(&Disk::new(), strange, START).unwrap(), Answer::Lost);
}

#[test]
fn nothing_is_restored_over_what_is_there_nor_with_a_hole() {
    let (disk, mut dice) = (Disk::new(), Dice(5));
    migrate(&disk, TABLES).unwrap();
    for _ in 0..400 {
        write(&disk, &mut dice);
    }
    let parts = parts(&pages(&disk, || {}));
    assert!(parts.len() > 3);
    assert_eq!(take(&disk, &parts[0]).unwrap(), Answer::NotEmpty);
    let restored = Disk::new();
    assert_eq!(take(&restored, &parts[1]).unwrap(), Answer::OutOfTurn { next: 0 });
    let newer = Part { steps: 3, ..parts[0].clone() };
    assert_eq!(take(&restored, &newer).unwrap(), Answer::TooNew { known: 2 });
    assert!(retinue::object::store::steps::is_empty(&restored).unwrap());
    assert_eq!(take(&restored, &parts[0]).unwrap(), Answer::Taken);
    assert_eq!(take(&restored, &parts[2]).unwrap(), Answer::OutOfTurn { next: 1 });
    let refused = migrate(&restored, TABLES).unwrap_err();
    assert!(refused.to_string().contains("is being restored"), "{refused}");
    let mut unfit = parts[1].clone();
    unfit.rows[0].columns[0] = "sqlite_master".to_owned();
    assert!(matches!(take(&restored, &unfit).unwrap(), Answer::Unfit(_)));
    // From the beginning, over what was taken in so far.
    for part in &parts {
        take(&restored, part).unwrap();
    }
    assert_eq!(all(&restored), all(&disk));
    assert_eq!(take(&restored, &parts[0]).unwrap(), Answer::NotEmpty);
}

#[test]
fn a_dump_of_code_one_step_older_is_restored_and_brought_up_to_date() {
    let (disk, restored) = (Disk::new(), Disk::new());
    migrate(&disk, &TABLES[..1]).unwrap();
    disk.db().execute("INSERT INTO numbered VALUES (1, 'x')", []).unwrap();
    for part in parts(&pages(&disk, || {})) {
        take(&restored, &part).unwrap();
    }
    restored.exec("SELECT * FROM odd", &[]).unwrap();
    assert_eq!(all(&restored), ["numbered 1'x'"]);
}

/// A changed row is noted by its key as JSON, which has no bytes; and a row that makes way for another with the same value in
/// an index of its own would not be noted at all, so nothing makes way where there is such an index.
#[test]
fn every_table_of_every_object_is_one_that_a_dump_can_follow() {
    for steps in [account::STEPS, dispatch::STEPS, thread::STEPS, knowledge::STEPS] {
        let disk = Disk::new();
        migrate(&disk, steps).unwrap();
        let odd = "SELECT t.name, c.name FROM pragma_table_list t JOIN pragma_table_info(t.name) c
            WHERE t.schema = 'main' AND t.type = 'table' AND c.pk > 0 AND c.type NOT IN ('TEXT', 'INTEGER')";
        assert_eq!(disk.exec(odd, &[]).unwrap(), Vec::<Vec<Value>>::new());
        let unique = "SELECT t.name FROM pragma_table_list t JOIN pragma_index_list(t.name) i
            WHERE t.schema = 'main' AND i.\"unique\" AND i.origin <> 'pk'";
        for table in disk.exec(unique, &[]).unwrap() {
            let [Value::Text(table)] = table.as_slice() else { panic!("{table:?}") };
            let replaces = |sql: &str| sql.contains(&format!("OR REPLACE INTO {table} "));
            let mut all = retinue::object::store::queries();
            assert!(!all.any(|query| replaces(query.sql)), "{table}");
        }
    }
}

/// The whole dump of an object, restored on another disk.
fn moved<M: Machine>(host: &mut Host<M, Disk>, now: Millis) -> Disk {
    let mut draws = 0;
    let mut random = || {
        draws += 1;
        [draws; 10]
    };
    let mut moment = Moment { now, random: &mut random };
    let mut pages = vec![page(host.storage(Command::Dump(None), &mut moment).unwrap())];
    while let Some(next) = pages.last().and_then(|page: &Page| page.next.clone()) {
        pages.push(page(host.storage(Command::Dump(Some(next)), &mut moment).unwrap()));
    }
    let disk = Disk::new();
    let mut held = Host::<M, Disk>::new(disk.clone()).held();
    for part in parts(&pages) {
        held.storage(Command::Restore(part), &mut moment).unwrap();
    }
    let todo = held.take_todo();
    assert_eq!(todo.alarm, Some(now), "it is woken once it may");
    assert!(todo.effects.is_empty(), "nothing happens in an object that is held");
    disk
}

#[test]
fn a_thread_that_was_restored_goes_on_as_after_a_crash() {
    let mut open = 0;
    for seed in 0..30 {
        let mut theatre = Theatre::new(seed);
        theatre.start();
        for n in 0..250 {
            theatre.step();
            if n % 60 == 30 {
                theatre.move_to(moved);
                open += theatre.performed().len();
            }
        }
        theatre.finish();
        theatre.check();
        theatre.settle();
    }
    assert!(open > 15, "effects that were open are open again");
}

#[test]
fn money_that_was_held_is_charged_where_the_account_is_restored() {
    let mut platform = Platform::<Account>::new(START);
    for n in 1..=3 {
        platform.command(admit(n, 100)).ok();
    }
    platform.command(Asked::Settle(retinue::domain::admission::command::Settle {
        records: vec![record(1, 100, 40)],
    }));
    let before = platform.command(Asked::InspectAccount).ok();
    let disk = platform.with(|host, moment| moved(host, moment.now));
    let mut restored = Platform::<Account>::on(disk, START);
    let Said::AccountSpend(spend) = restored.command(Asked::InspectAccount).ok() else { panic!() };
    let Said::AccountSpend(known) = before else { panic!() };
    assert_eq!((spend.settled, spend.open_calls), (known.settled, 2));
    assert!(spend.held >= known.held);
    restored.now = START.plus(60_000);
    assert!(restored.ring_alarm());
    let Said::AccountSpend(spend) = restored.command(Asked::InspectAccount).ok() else { panic!() };
    assert!(spend.settled.get() >= 240 && spend.held.get() == 0, "{spend:?}");
}

#[test]
fn a_dump_that_nobody_goes_on_with_is_ended_by_the_alarm() {
    let mut platform = Platform::<Account>::new(START);
    platform.command(admit(1, 100)).ok();
    let insert = "INSERT INTO declared VALUES ('k', ?, 1, ?)";
    for n in 0..30 {
        platform.disk.db().execute(insert, rusqlite::params![n.to_string(), "x".repeat(90_000)]).unwrap();
    }
    let dumped = platform.with(|host, moment| host.storage(Command::Dump(None), moment));
    assert!(page(dumped.unwrap()).next.is_some());
    let notes = |platform: &Platform<Account>| -> BTreeSet<String> {
        let db = platform.disk.db();
        let mut names = db.prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'").unwrap();
        names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    assert!(!notes(&platform).is_empty());
    // The object dies meanwhile, and does not forget.
    platform.crash();
    platform.now = START.plus(60_000);
    platform.ring_alarm();
    assert!(platform.alarm.is_some_and(|at| at <= START.plus(6 * 60_000)), "{:?}", platform.alarm);
    platform.now = START.plus(6 * 60_000);
    platform.ring_alarm();
    assert!(notes(&platform).is_empty());
}

#[test]
fn an_object_of_which_nothing_was_ever_written_stays_so() {
    let mut platform = Platform::<Account>::new(START);
    assert_eq!(platform.with(|host, moment| host.storage(Command::Dump(None), moment)), Ok(Answer::Empty));
    assert!(retinue::object::store::steps::is_empty(&platform.disk).unwrap());
}
