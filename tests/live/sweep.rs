//! The sweep, against alarms that the platform has lost.

use std::path::{Path, PathBuf};

use hyper::Method;
use rusqlite::{Connection, OpenFlags};
use serde_json::json;

use crate::emulator::{Emulator, Fault, Price, Script};
use crate::harness::{App, DEADLINE, Settings, eventually, live, money};

/// Where miniflare keeps the account objects.
fn objects(settings: &Settings) -> PathBuf {
    settings.folder.state().join("v3/do/retinue-AccountObject")
}

const EXPIRED: &str = "SELECT count(*) FROM calls WHERE status = 'expired'";

/// What a query finds on the disks of all objects together. They are not called, so they stay asleep.
fn sum(folder: &Path, query: &str) -> i64 {
    let files = std::fs::read_dir(folder).expect("the objects have a folder").flatten();
    let of = |file: PathBuf| {
        let db = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
        db.query_row(query, [], |row| row.get::<_, i64>(0)).ok()
    };
    let is_object = |path: &PathBuf| path.extension().is_some_and(|end| end == "sqlite");
    files.map(|file| file.path()).filter(is_object).filter_map(of).sum()
}

#[test]
fn a_hold_whose_alarm_was_lost_is_charged_by_the_sweep() {
    live(async |_| {
        let emulator = Emulator::start().await;
        let settings = Settings::new();
        let app = App::start(&settings, emulator.clone()).await.expect("the server starts");
        let account = app.account().await;
        let model = account.model(Price::flat(1_000), Script::fault(Fault::Hang)).await;
        let line = format!("emu:{}?timeout=4", model.code);
        let mut agent = account.agent(&line).capped(1_000_000_000).create().await;
        let call = agent.call("/chat", &json!({"message": "hello"}));
        let under_way = tokio::spawn(async move { call.try_send().await.is_ok() });
        let held = eventually("the call holds money", DEADLINE, async || {
            let held = agent.budget().await.held;
            (held > 0 && model.seen_count() > 0).then_some(held)
        })
        .await;
        app.server.kill_workerd();
        app.server.stop().await;
        under_way.abort();

        let folder = objects(&settings);
        let alarms = Connection::open(folder.join("metadata.sqlite")).expect("the alarms have a file");
        let lost = alarms.execute("DELETE FROM _cf_ALARM", []).expect("there is a table of alarms");
        assert!(lost > 0, "the object had set its alarm");
        drop(alarms);

        let app = App::start(&settings, emulator).await.expect("the server starts again");
        let overdue = "SELECT count(*) FROM holds WHERE expires_at < 1000 * (unixepoch() - 5)";
        eventually("the hold is overdue", DEADLINE, async || (sum(&folder, overdue) == 1).then_some(()))
            .await;
        assert_eq!(sum(&folder, EXPIRED), 0, "an object without an alarm sleeps");
        let fired = app.client.call(Method::GET, "/cdn-cgi/local/scheduled").send().await;
        assert_eq!(fired.status, 200, "{}", fired.text());
        eventually("the sweep has charged the hold", DEADLINE, async || {
            (sum(&folder, EXPIRED) == 1).then_some(())
        })
        .await;
        agent.account = account.on(app.client.clone());
        let books = agent.closed_books().await;
        // What else a killed object had set aside is charged as `unattributed`.
        let expired =
            books.calls.iter().find(|call| call["status"] == "expired").expect("it is in the ledger");
        assert_eq!(money(&expired["cost_usd"]), held, "{books:?}");
        app.server.stop().await;
    });
}
