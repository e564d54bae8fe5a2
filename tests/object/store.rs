//! The schema, the statements, and one batch at a time.

use retinue::domain::admission::command::{CallRecord, CallStatus, Forget, Learned, Page, UsageKind};
use retinue::domain::admission::{AgentRow, Batch, Hold, Known, Meta, Orphan, Snapshot};
use retinue::domain::ids::{AgentId, CallId, KeyId};
use retinue::domain::message::Usage;
use retinue::domain::money::Nanos;
use retinue::domain::thread::id::{RunId, ThreadKey};
use retinue::domain::time::Millis;
use retinue::object::sql::{Error, Sql};
use retinue::object::store::account::{self, STEPS, ledger};
use retinue::object::store::steps;
use rusqlite::Connection;

use crate::disk::{Disk, Side};

const START: Millis = Millis(1_795_262_400_000);

fn agent(n: u8) -> AgentId {
    AgentId::new(START, [n; 10])
}

fn call(n: i64) -> CallId {
    CallId::new(START.plus(n), [0; 10])
}

/// An agent's row with something in every column, or with nothing where a column may be empty.
fn row(n: u8, full: bool) -> AgentRow {
    AgentRow {
        agent: agent(n),
        total_settled: Nanos::MAX,
        month_start: START.start_of_month(),
        month_settled: Nanos::new(2),
        day_start: START.start_of_day(),
        day_settled: Nanos::new(1),
        slice: Nanos::new(77),
        ttl_ms: u32::MAX,
        orphan: full.then_some(Orphan { amount: Nanos::new(5), expires_at: START.plus(9) }),
        crossed_at: full.then_some(START.plus(3)),
    }
}

fn hold(n: i64, full: bool) -> Hold {
    Hold {
        call: call(n),
        agent: agent(1),
        key: full.then(|| KeyId::new(START, [7; 10])),
        version: 3,
        model: "own:it's \"quoted\", [] {} \\ ü\u{0}".to_owned(),
        amount: Nanos::new(1_000),
        at: START.plus(n),
        expires_at: START.plus(n + 60_000),
    }
}

fn record(n: i64, full: bool) -> CallRecord {
    CallRecord {
        call: call(n),
        agent: agent(1),
        key: full.then(|| KeyId::new(START, [7; 10])),
        version: 4,
        model: "own:it's \"quoted\" ü".to_owned(),
        status: CallStatus::Ok,
        usage: UsageKind::Reported,
        tokens: Usage {
            input_tokens: 100,
            cached_input_tokens: 40,
            cache_write_tokens: 10,
            output_tokens: 20,
            reasoning_tokens: 5,
            hour_write_tokens: 0,
            audio_input_tokens: 0,
        },
        held: Nanos::new(2_000),
        cost: Nanos::new(1_500),
        at: START.plus(n),
        first_token_ms: full.then_some(120),
        duration_ms: 900,
        run: None,
    }
}

/// A batch with every kind of change in it.
fn batch() -> Batch {
    Batch {
        meta: Some(Meta { epoch: 12, writers: 1, last_begin: START }),
        agents: vec![row(1, true), row(2, false)],
        holds: vec![hold(1, true), hold(2, false)],
        removed_holds: vec![call(3)],
        records: vec![record(4, true), record(5, false)],
        forgotten: vec![Forget { agents: vec![agent(1)], calls: vec![call(5)] }],
        learned: vec![learned("axe", 1, true), learned("torch", 2, false)],
    }
}

fn learned(name: &str, revision: u64, full: bool) -> Learned {
    let body = full.then(|| "{\"weight\":5}".to_owned());
    Learned { kind: "gadget".to_owned(), name: name.to_owned(), revision, body }
}

fn page(agent: AgentId, limit: u32, before: Option<CallId>) -> Page {
    Page { agent, limit, before, ended: Vec::new() }
}

/// The account's tables on a disk.
#[derive(Debug)]
struct Store(Disk);

impl Store {
    fn open(disk: Disk) -> Result<Self, Error> {
        steps::migrate(&disk, STEPS).map(|()| Self(disk))
    }

    fn write(&self, batch: &Batch) -> Result<(), Error> {
        self.0.atomically(&mut || account::write(&self.0, batch))
    }

    fn declared(&self) -> Vec<(String, u64, Option<String>)> {
        let db = self.0.db();
        let mut rows = db.prepare("SELECT name, revision, body FROM declared ORDER BY name").unwrap();
        rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect()
    }

    fn load(&self) -> Result<Snapshot, Error> {
        account::load(&self.0)
    }

    fn known(&self, agent: AgentId, call: CallId) -> Result<Option<Known>, Error> {
        ledger::known(&self.0, agent, call)
    }

    /// A page of whose rows none is damaged.
    fn calls(&self, page: &Page) -> Result<Vec<CallRecord>, Error> {
        let mut log = Vec::new();
        let calls = ledger::page(&self.0, page, &mut log);
        assert!(log.is_empty(), "{log:?}");
        calls
    }
}

fn all_calls(store: &Store) -> Vec<CallRecord> {
    store.calls(&page(agent(1), 1_000, None)).unwrap()
}

/// Everything in the database as SQLite describes it.
fn describe(db: &Connection) -> Vec<String> {
    let mut statement = db
        .prepare("SELECT name || ': ' || coalesce(sql, 'automatic') FROM sqlite_master ORDER BY 1")
        .unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn the_schema_is_made_once_and_opening_again_changes_nothing() {
    let disk = Disk::new();
    Store::open(disk.clone()).unwrap();
    let schema = describe(&disk.db());
    for table in ["meta", "agents", "holds", "calls", "effects", "schema_versions", "schema_steps"] {
        assert!(schema.iter().any(|entry| entry.starts_with(&format!("{table}: "))), "{table} in {schema:?}");
    }
    disk.take_statements();
    let store = Store::open(disk.clone()).unwrap();
    assert_eq!(describe(&disk.db()), schema);
    assert_eq!(disk.take_statements().len(), 3, "it looks for the version and is done");
    assert_eq!(store.load().unwrap(), Snapshot::default());
}

#[test]
fn a_migration_that_breaks_off_anywhere_is_done_the_next_time() {
    let whole = Disk::new();
    Store::open(whole.clone()).unwrap();
    let statements = u32::try_from(whole.take_statements().len()).unwrap();
    for nth in 1..=statements {
        for side in [Side::Before, Side::After] {
            let disk = Disk::new();
            disk.fail(nth, side);
            Store::open(disk.clone()).unwrap_err();
            let store = Store::open(disk.clone()).unwrap();
            assert_eq!(describe(&disk.db()), describe(&whole.db()), "statement {nth} {side:?}");
            store.write(&batch()).unwrap();
        }
    }
}

#[test]
fn what_is_written_is_read_back_to_the_last_column() {
    let store = Store::open(Disk::new()).unwrap();
    let written = batch();
    store.write(&written).unwrap();
    let expected =
        Snapshot { meta: written.meta, agents: written.agents.clone(), holds: written.holds.clone() };
    assert_eq!(store.load().unwrap(), expected);
    let newest_first: Vec<CallRecord> = written.records.iter().rev().cloned().collect();
    assert_eq!(all_calls(&store), newest_first);
}

#[test]
fn every_status_and_kind_of_usage_is_read_back() {
    let store = Store::open(Disk::new()).unwrap();
    let statuses = [
        CallStatus::Ok,
        CallStatus::UpstreamError,
        CallStatus::Interrupted,
        CallStatus::Expired,
        CallStatus::Unattributed,
    ];
    let usages = [UsageKind::Reported, UsageKind::Estimated, UsageKind::Missing];
    let pairs = statuses.into_iter().flat_map(|status| usages.map(|usage| (status, usage)));
    let records: Vec<CallRecord> = (0..)
        .zip(pairs)
        .map(|(n, (status, usage))| CallRecord { status, usage, ..record(n, true) })
        .collect();
    store.write(&Batch { records: records.clone(), ..Batch::default() }).unwrap();
    let mut read = all_calls(&store);
    read.reverse();
    assert_eq!(read, records);
}

#[test]
fn a_later_batch_replaces_rows_and_removes_holds() {
    let store = Store::open(Disk::new()).unwrap();
    store.write(&batch()).unwrap();
    let changed = Batch {
        meta: Some(Meta { epoch: 13, writers: 0, last_begin: START.plus(1) }),
        agents: vec![row(1, false)],
        holds: vec![Hold { amount: Nanos::new(9), ..hold(2, true) }],
        removed_holds: vec![call(1), call(99)],
        records: vec![CallRecord { cost: Nanos::new(1), ..record(5, true) }],
        forgotten: Vec::new(),
        learned: vec![learned("axe", 3, false), learned("torch", 1, true)],
    };
    store.write(&changed).unwrap();
    let expected = Snapshot {
        meta: changed.meta,
        agents: vec![row(1, false), row(2, false)],
        holds: changed.holds.clone(),
    };
    assert_eq!(store.load().unwrap(), expected);
    assert_eq!(all_calls(&store), [changed.records[0].clone(), record(4, true)]);
    let kept = [("axe".to_owned(), 3, None), ("torch".to_owned(), 2, None)];
    assert_eq!(store.declared(), kept, "an older revision changes nothing");
    store.write(&Batch::default()).unwrap();
    assert_eq!(store.load().unwrap(), expected, "an empty batch changes nothing");
}

#[test]
fn a_row_that_forgets_its_run_keeps_its_money() {
    let store = Store::open(Disk::new()).unwrap();
    let of_run = |n| CallRecord {
        run: Some(RunId { thread: ThreadKey::new(START, [1; 10]), number: 7 }),
        ..record(n, true)
    };
    store.write(&Batch { records: vec![of_run(1), of_run(2)], ..Batch::default() }).unwrap();
    // One that is written at once with being forgotten, and one that is nowhere.
    let forgotten = Forget { agents: vec![agent(9), agent(1)], calls: vec![call(1), call(3), call(8)] };
    store.write(&Batch { records: vec![of_run(3)], forgotten: vec![forgotten], ..Batch::default() }).unwrap();
    assert_eq!(all_calls(&store), [record(3, true), of_run(2), record(1, true)]);
}

#[test]
fn a_batch_of_thousands_is_written_whole() {
    let store = Store::open(Disk::new()).unwrap();
    let records: Vec<CallRecord> = (0..2_500).map(|n| record(n, true)).collect();
    let holds: Vec<Hold> = (0..2_500).map(|n| hold(10_000 + n, false)).collect();
    store.write(&Batch { records, holds: holds.clone(), ..Batch::default() }).unwrap();
    assert_eq!(store.calls(&page(agent(1), 10_000, None)).unwrap().len(), 2_500);
    assert_eq!(store.load().unwrap().holds, holds);
    let removed_holds = holds.iter().map(|hold| hold.call).collect();
    store.write(&Batch { removed_holds, ..Batch::default() }).unwrap();
    assert!(store.load().unwrap().holds.is_empty());
}

#[test]
fn a_batch_that_fails_anywhere_leaves_the_disk_as_it_was() {
    let next = Batch {
        meta: Some(Meta { epoch: 99, writers: 0, last_begin: START.plus(1) }),
        agents: vec![row(2, true), row(3, false)],
        holds: vec![hold(6, false)],
        removed_holds: vec![call(1)],
        records: vec![record(1, true)],
        forgotten: vec![Forget { agents: vec![agent(1)], calls: vec![call(4)] }],
        learned: vec![learned("axe", 4, true)],
    };
    let mut failures = 0;
    for nth in 1.. {
        for side in [Side::Before, Side::After] {
            let disk = Disk::new();
            let store = Store::open(disk.clone()).unwrap();
            store.write(&batch()).unwrap();
            let before = (store.load().unwrap(), all_calls(&store));
            disk.fail(nth, side);
            let written = store.write(&next);
            if disk.call_off() {
                written.unwrap();
                assert_eq!(failures, 2 * 7, "seven statements, on both sides of each");
                return;
            }
            failures += 1;
            written.unwrap_err();
            assert_eq!((store.load().unwrap(), all_calls(&store)), before, "statement {nth} {side:?}");
            store.write(&next).unwrap();
            assert_eq!(all_calls(&store).len(), 3, "it can be written afterwards");
        }
    }
}

#[test]
fn the_ledger_pages_newest_first_and_keeps_agents_apart() {
    let store = Store::open(Disk::new()).unwrap();
    let mut records: Vec<CallRecord> = (0..7).map(|n| record(n, true)).collect();
    records.push(CallRecord { agent: agent(2), ..record(100, true) });
    store.write(&Batch { records, ..Batch::default() }).unwrap();
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let found = store.calls(&page(agent(1), 3, before)).unwrap();
        let Some(last) = found.last() else { break };
        assert!(found.len() <= 3);
        before = Some(last.call);
        seen.extend(found.iter().map(|record| record.call));
    }
    let expected: Vec<CallId> = (0..7).rev().map(call).collect();
    assert_eq!(seen, expected, "each once, though the last page is short");
    assert_eq!(store.calls(&page(agent(2), 3, None)).unwrap().len(), 1);
    assert!(store.calls(&page(agent(3), 3, None)).unwrap().is_empty());
    assert!(store.calls(&page(agent(1), 0, None)).unwrap().is_empty());
}

#[test]
fn a_call_is_known_by_what_the_ledger_says_of_it() {
    let store = Store::open(Disk::new()).unwrap();
    let expired = CallRecord { status: CallStatus::Expired, ..record(4, false) };
    store.write(&Batch { records: vec![expired], ..Batch::default() }).unwrap();
    let known = Known::Expired { cost: Nanos::new(1_500), at: START.plus(4) };
    assert_eq!(store.known(agent(1), call(4)).unwrap(), Some(known));
    store.write(&Batch { records: vec![record(6, true)], ..Batch::default() }).unwrap();
    assert_eq!(store.known(agent(1), call(6)).unwrap(), Some(Known::Ended));
    assert_eq!(store.known(agent(1), call(5)).unwrap(), None);
    assert_eq!(store.known(agent(2), call(4)).unwrap(), None, "another agent's");
}

#[test]
fn money_that_cannot_be_read_is_not_guessed() {
    let damages = [
        "UPDATE meta SET epoch = -1",
        "UPDATE meta SET writers = 5000000000",
        "UPDATE agents SET agent = 'nobody'",
        "UPDATE agents SET ttl_ms = -1",
        "UPDATE holds SET call = 'x'",
        "UPDATE holds SET version = 'three'",
    ];
    for damage in damages {
        let disk = Disk::new();
        let store = Store::open(disk.clone()).unwrap();
        store.write(&Batch { agents: vec![row(1, true)], holds: vec![hold(1, true)], ..batch() }).unwrap();
        disk.db().execute_batch(damage).unwrap();
        assert!(matches!(store.load(), Err(Error::Decode(_))), "{damage}");
    }
}

#[test]
fn a_damaged_row_of_the_ledger_hides_no_other_and_has_ended() {
    for damage in ["status = 'fine'", "first_token_ms = -3", "cost = 'much'", "version = -1", "model = x'00'"]
    {
        let disk = Disk::new();
        let store = Store::open(disk.clone()).unwrap();
        let records: Vec<CallRecord> = (0..9).map(|n| record(n, true)).collect();
        store.write(&Batch { records, ..Batch::default() }).unwrap();
        let damaged = format!("UPDATE calls SET {damage} WHERE call IN ('{}', '{}')", call(5), call(6));
        assert_eq!(disk.db().execute(&damaged, []).unwrap(), 2);
        let mut log = Vec::new();
        let whole = ledger::page(&disk, &page(agent(1), 7, None), &mut log).unwrap();
        let seen: Vec<CallId> = whole.iter().map(|record| record.call).collect();
        assert_eq!(seen, [8, 7, 4, 3, 2, 1, 0].map(call), "a whole page, in order");
        assert!(log.len() == 1 && log[0].starts_with("2 rows"), "{log:?}");
        let first = ledger::page(&disk, &page(agent(1), 3, None), &mut log).unwrap();
        assert_eq!(first.len(), 3, "a short page would look like the last one");
        assert!(store.known(agent(1), call(5)).unwrap().is_some(), "it is not settled once more");
    }
}
