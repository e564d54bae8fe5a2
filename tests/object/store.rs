//! The schema, the statements, and one batch at a time.

use std::collections::BTreeSet;

use retinue::domain::admission::command::{CallRecord, CallStatus, Page, UsageKind};
use retinue::domain::admission::{AgentRow, Batch, Hold, Known, Meta, Orphan, Snapshot};
use retinue::domain::ids::{AgentId, CallId, KeyId};
use retinue::domain::message::Usage;
use retinue::domain::money::Nanos;
use retinue::domain::time::Millis;
use retinue::storage::account_object::{self, AccountStore};
use rusqlite::Connection;

use crate::sqlite::{Lite, Side};

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
        },
        held: Nanos::new(2_000),
        cost: Nanos::new(1_500),
        at: START.plus(n),
        first_token_ms: full.then_some(120),
        duration_ms: 900,
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
    }
}

fn page(agent: AgentId, limit: u32, before: Option<CallId>) -> Page {
    Page { agent, limit, before, ended: Vec::new() }
}

fn ledger(store: &AccountStore<Lite>) -> Vec<CallRecord> {
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
    let disk = Lite::new();
    AccountStore::open(disk.clone()).unwrap();
    let schema = describe(disk.db());
    for table in ["meta", "agents", "holds", "calls", "schema_versions"] {
        assert!(schema.iter().any(|entry| entry.starts_with(&format!("{table}: "))), "{table} in {schema:?}");
    }
    disk.take_statements();
    let store = AccountStore::open(disk.clone()).unwrap();
    assert_eq!(describe(disk.db()), schema);
    assert_eq!(disk.take_statements().len(), 2, "it looks for the version and is done");
    assert_eq!(store.load().unwrap(), Snapshot::default());
}

#[test]
fn a_schema_newer_than_the_code_is_refused_and_left_alone() {
    let disk = Lite::new();
    AccountStore::open(disk.clone()).unwrap().write(&batch()).unwrap();
    disk.db().execute("INSERT INTO schema_versions (version) VALUES (1000)", []).unwrap();
    let schema = describe(disk.db());
    let refusal = AccountStore::open(disk.clone()).unwrap_err().to_string();
    assert!(refusal.contains("1000"), "{refusal}");
    assert_eq!(describe(disk.db()), schema);
    disk.db().execute("DELETE FROM schema_versions WHERE version = 1000", []).unwrap();
    assert_eq!(ledger(&AccountStore::open(disk).unwrap()).len(), 2);
}

#[test]
fn a_migration_that_breaks_off_anywhere_is_done_the_next_time() {
    let whole = Lite::new();
    AccountStore::open(whole.clone()).unwrap();
    let statements = u32::try_from(whole.take_statements().len()).unwrap();
    for nth in 1..=statements {
        for side in [Side::Before, Side::After] {
            let disk = Lite::new();
            disk.fail(nth, side);
            AccountStore::open(disk.clone()).unwrap_err();
            let store = AccountStore::open(disk.clone()).unwrap();
            assert_eq!(describe(disk.db()), describe(whole.db()), "statement {nth} {side:?}");
            store.write(&batch()).unwrap();
        }
    }
}

#[test]
fn every_statement_prepares_against_the_schema() {
    let disk = Lite::new();
    let store = AccountStore::open(disk.clone()).unwrap();
    disk.take_statements();
    store.write(&batch()).unwrap();
    store.load().unwrap();
    store.known(agent(1), call(4)).unwrap();
    ledger(&store);
    let ran: BTreeSet<String> = disk.take_statements().into_iter().collect();
    assert_eq!(
        ran.len(),
        10,
        "meta, agents, holds and calls are written, holds deleted, all of them read: {ran:#?}"
    );
    let named = [
        account_object::WRITE_META,
        account_object::WRITE_AGENTS,
        account_object::WRITE_HOLDS,
        account_object::DELETE_HOLDS,
        account_object::READ_META,
        account_object::READ_AGENTS,
        account_object::READ_HOLDS,
    ];
    for statement in named {
        assert!(ran.contains(statement), "{statement} was not tried");
        disk.db().prepare(statement).unwrap();
    }
}

#[test]
fn reading_the_ledger_and_a_call_of_it_walks_an_index() {
    let disk = Lite::new();
    let store = AccountStore::open(disk.clone()).unwrap();
    disk.take_statements();
    store.known(agent(1), call(4)).unwrap();
    ledger(&store);
    for statement in disk.take_statements() {
        let mut plan = disk.db().prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
        let count = plan.parameter_count();
        let steps: Vec<String> = plan
            .query_map(rusqlite::params_from_iter(std::iter::repeat_n("x", count)), |row| row.get(3))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert!(steps.iter().all(|step| step.starts_with("SEARCH")), "{statement}: {steps:?}");
    }
}

#[test]
fn what_is_written_is_read_back_to_the_last_column() {
    let store = AccountStore::open(Lite::new()).unwrap();
    let written = batch();
    store.write(&written).unwrap();
    let expected =
        Snapshot { meta: written.meta, agents: written.agents.clone(), holds: written.holds.clone() };
    assert_eq!(store.load().unwrap(), expected);
    let newest_first: Vec<CallRecord> = written.records.iter().rev().cloned().collect();
    assert_eq!(ledger(&store), newest_first);
}

#[test]
fn every_status_and_kind_of_usage_is_read_back() {
    let store = AccountStore::open(Lite::new()).unwrap();
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
    let mut read = ledger(&store);
    read.reverse();
    assert_eq!(read, records);
}

#[test]
fn a_later_batch_replaces_rows_and_removes_holds() {
    let store = AccountStore::open(Lite::new()).unwrap();
    store.write(&batch()).unwrap();
    let changed = Batch {
        meta: Some(Meta { epoch: 13, writers: 0, last_begin: START.plus(1) }),
        agents: vec![row(1, false)],
        holds: vec![Hold { amount: Nanos::new(9), ..hold(2, true) }],
        removed_holds: vec![call(1), call(99)],
        records: vec![CallRecord { cost: Nanos::new(1), ..record(5, true) }],
    };
    store.write(&changed).unwrap();
    let expected = Snapshot {
        meta: changed.meta,
        agents: vec![row(1, false), row(2, false)],
        holds: changed.holds.clone(),
    };
    assert_eq!(store.load().unwrap(), expected);
    assert_eq!(ledger(&store), [changed.records[0].clone(), record(4, true)]);
    store.write(&Batch::default()).unwrap();
    assert_eq!(store.load().unwrap(), expected, "an empty batch changes nothing");
}

#[test]
fn a_batch_of_thousands_is_written_whole() {
    let store = AccountStore::open(Lite::new()).unwrap();
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
    };
    let mut failures = 0;
    for nth in 1.. {
        for side in [Side::Before, Side::After] {
            let disk = Lite::new();
            let store = AccountStore::open(disk.clone()).unwrap();
            store.write(&batch()).unwrap();
            let before = (store.load().unwrap(), ledger(&store));
            disk.fail(nth, side);
            let written = store.write(&next);
            if disk.call_off() {
                written.unwrap();
                assert_eq!(failures, 2 * 5, "five statements, on both sides of each");
                return;
            }
            failures += 1;
            written.unwrap_err();
            assert_eq!((store.load().unwrap(), ledger(&store)), before, "statement {nth} {side:?}");
            store.write(&next).unwrap();
            assert_eq!(ledger(&store).len(), 3, "it can be written afterwards");
        }
    }
}

#[test]
fn the_ledger_pages_newest_first_and_keeps_agents_apart() {
    let store = AccountStore::open(Lite::new()).unwrap();
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
    let store = AccountStore::open(Lite::new()).unwrap();
    let expired = CallRecord { status: CallStatus::Expired, ..record(4, false) };
    store.write(&Batch { records: vec![expired], ..Batch::default() }).unwrap();
    let known = Known { status: CallStatus::Expired, cost: Nanos::new(1_500), at: START.plus(4) };
    assert_eq!(store.known(agent(1), call(4)).unwrap(), Some(known));
    assert_eq!(store.known(agent(1), call(5)).unwrap(), None);
    assert_eq!(store.known(agent(2), call(4)).unwrap(), None, "another agent's");
}

#[test]
fn a_row_that_this_code_does_not_write_is_an_error_and_no_panic() {
    let damages = [
        "UPDATE meta SET epoch = -1",
        "UPDATE meta SET writers = 5000000000",
        "UPDATE agents SET agent = 'nobody'",
        "UPDATE agents SET ttl_ms = -1",
        "UPDATE holds SET call = 'x'",
        "UPDATE holds SET version = 'three'",
    ];
    for damage in damages {
        let disk = Lite::new();
        let store = AccountStore::open(disk.clone()).unwrap();
        store.write(&Batch { agents: vec![row(1, true)], holds: vec![hold(1, true)], ..batch() }).unwrap();
        disk.db().execute_batch(damage).unwrap();
        store.load().unwrap_err();
    }
    for damage in ["UPDATE calls SET status = 'fine'", "UPDATE calls SET first_token_ms = -3"] {
        let disk = Lite::new();
        let store = AccountStore::open(disk.clone()).unwrap();
        store.write(&batch()).unwrap();
        disk.db().execute_batch(damage).unwrap();
        store.calls(&page(agent(1), 9, None)).unwrap_err();
        store.known(agent(1), call(4)).unwrap_err();
    }
}
