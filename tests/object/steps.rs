//! The schema's steps: forward, halfway, and with the code of the release before on what the newer one left.

use std::collections::BTreeMap;

use retinue::domain::admission::command::{Answer, Command, Page};
use retinue::domain::ids::AgentId;
use retinue::domain::time::Millis;
use retinue::object::account::Account;
use retinue::object::sql::{Error, Sql, Value};
use retinue::object::store::account::STEPS;
use retinue::object::store::steps::migrate;

use crate::disk::Disk;
use crate::platform::Platform;

/// When the state of the first release was recorded.
const RECORDED: Millis = Millis(1_795_698_133_500);
/// The agent of that state that has a call under way and 30 behind it.
const ONE: &str = "01a217f3-05a6-7c1e-b3df-a3a449346687";

fn first_release() -> Disk {
    let disk = Disk::new();
    disk.db().execute_batch(include_str!("../fixtures/objects/account-1/state.sql")).unwrap();
    disk
}

/// The first release's own statements, by name.
fn statements() -> BTreeMap<&'static str, &'static str> {
    let text = include_str!("../fixtures/objects/account-1/statements.sql");
    let blocks = text.split("-- ").skip(2);
    blocks.map(|block| block.split_once('\n').unwrap()).map(|(name, sql)| (name, sql.trim())).collect()
}

#[test]
fn code_one_step_older_goes_on_and_older_code_refuses() {
    let disk = Disk::new();
    let four: [&[&str]; 4] = [
        &["CREATE TABLE one (a)"],
        &["CREATE TABLE two (a)"],
        &["ALTER TABLE one ADD COLUMN b"],
        &["CREATE TABLE four (a)"],
    ];
    migrate(&disk, &four[..2]).unwrap();
    migrate(&disk, &four).unwrap();
    migrate(&disk, &four[..3]).unwrap();
    let refusal = migrate(&disk, &four[..2]).unwrap_err();
    assert!(matches!(&refusal, Error::Storage(words) if words.contains("knows 3 steps")), "{refusal}");
    disk.exec("SELECT b FROM one, two, four", &[]).unwrap();
    migrate(&disk, &four).unwrap();
}

#[test]
fn a_step_that_breaks_off_anywhere_is_done_the_next_time() {
    let two: [&[&str]; 2] =
        [&["CREATE TABLE one (a)", "CREATE TABLE more (a)"], &["ALTER TABLE one ADD COLUMN b"]];
    for nth in 1.. {
        let disk = Disk::new();
        disk.fail(nth, crate::disk::Side::After);
        let broken = migrate(&disk, &two);
        if disk.call_off() {
            assert!(nth > 8, "every statement was tried");
            return;
        }
        broken.unwrap_err();
        migrate(&disk, &two).unwrap();
        disk.exec("SELECT b FROM one, more", &[]).unwrap();
    }
}

#[test]
fn the_state_of_the_first_release_is_opened_and_nothing_of_it_is_lost() {
    let mut platform = Platform::<Account>::on(first_release(), RECORDED);
    let Answer::AccountSpend(spend) = platform.command(Command::InspectAccount).ok() else { panic!() };
    assert_eq!((spend.settled.get(), spend.held.get(), spend.open_calls), (2_220_000, 4_204_000, 2));
    assert!(platform.alarm.is_some(), "a restart sees to the alarm");
    let page = Page { agent: AgentId::parse(ONE).unwrap(), limit: 100, before: None, ended: Vec::new() };
    let Answer::Calls(calls) = platform.command(Command::Calls(page)).ok() else { panic!() };
    assert_eq!(calls.len(), 30);
    platform.now = RECORDED.plus(60_000);
    assert!(platform.ring_alarm());
    let Answer::AccountSpend(spend) = platform.command(Command::InspectAccount).ok() else { panic!() };
    assert_eq!((spend.settled.get(), spend.held.get()), (2_220_000 + 4_204_000, 0));
}

#[test]
fn code_of_the_step_before_goes_on_over_what_this_one_left_and_the_first_releases_refuses() {
    let disk = first_release();
    let mut platform = Platform::<Account>::on(disk.clone(), RECORDED.plus(60_000));
    let Answer::Epoch(epoch) = platform.command(Command::BeginWrite).ok() else { panic!() };
    platform.command(Command::EndWrite).ok();
    platform.command(Command::Wake).ok();

    let old = statements();
    let run = |name: &str, values: &[Value]| disk.exec(old[name], values).unwrap();
    run("CREATE_VERSIONS", &[]);
    assert_eq!(
        run("READ_VERSION", &[]),
        [[Value::Integer(3)]],
        "the first release knew one, and asks before it goes on"
    );
    migrate(&disk, &STEPS[..STEPS.len() - 1]).unwrap();
    let meta = run("READ_META", &[]);
    assert_eq!(meta[0][0], Value::Integer(i64::try_from(epoch).unwrap() + 1));
    assert_eq!((run("READ_AGENTS", &[]).len(), run("READ_HOLDS", &[]).len()), (3, 0));
    let text = |text: &str| Value::Text(text.to_owned());
    let page = run("LEDGER_READ_PAGE", &[text(ONE), text("g"), Value::Integer(100)]);
    assert_eq!((page.len(), page[0].len()), (31, 17));
    run("WRITE_META", &[99, 0, 7].map(Value::Integer));
    run("WRITE_AGENTS", &[text(&format!("[[\"{ONE}\",5,0,5,0,5,0,1000,null,null,null]]"))]);
    let hold = format!("[[\"{}\",\"{ONE}\",null,1,\"emu:m\",9,1,2]]", AgentId::new(RECORDED, [1; 10]));
    run("WRITE_HOLDS", &[text(&hold)]);
    run("DELETE_HOLDS", &[text("[\"x\"]")]);

    // And this release goes on over that.
    let mut platform = Platform::<Account>::on(disk, RECORDED.plus(60_000));
    let Answer::Epoch(epoch) = platform.command(Command::Epoch).ok() else { panic!() };
    assert_eq!(epoch, 99);
    let Answer::AccountSpend(spend) = platform.command(Command::InspectAccount).ok() else { panic!() };
    assert_eq!(spend.open_calls, 1);
}

/// Every table as it was created.
fn tables(disk: &Disk) -> Vec<Vec<Value>> {
    let all = "SELECT name, sql FROM sqlite_master WHERE name <> 'schema_steps' ORDER BY name";
    disk.exec(all, &[]).unwrap()
}

#[test]
fn a_released_step_is_what_it_was() {
    let disk = Disk::new();
    migrate(&disk, &STEPS[..1]).unwrap();
    assert_eq!(tables(&disk), tables(&first_release()), "write the change as another step");
}

#[test]
fn the_first_release_finds_every_statement_of_its_own_prepared() {
    let disk = Disk::new();
    migrate(&disk, STEPS).unwrap();
    let old = statements();
    assert_eq!(old.len(), 13);
    for (name, sql) in old {
        disk.db().prepare(sql).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}
