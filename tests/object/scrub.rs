//! What was deleted is on no page of the disk any more, however much it was.

use retinue::object::sql::{Sql, Value};
use retinue::object::store::scrub::Footprint;
use rusqlite::Connection;

use crate::disk::Disk;

const MARK: &[u8] = b"marked";

/// How often the file has the mark.
fn found(file: &std::path::Path) -> usize {
    std::fs::read(file).unwrap().windows(MARK.len()).filter(|window| *window == MARK).count()
}

fn write(disk: &Disk, footprint: &mut Footprint, is_to_scrub: bool, work: &dyn Fn()) {
    disk.atomically(&mut || {
        work();
        footprint.settle(disk, is_to_scrub)
    })
    .unwrap();
}

#[test]
fn no_page_shows_what_was_deleted_however_much_it_was() {
    for (rows, size, left) in
        [(3, 20, 1), (400, 900, 3), (2_000, 40, 2_000), (30, 60_000, 0), (9_000, 700, 5)]
    {
        let file = std::env::temp_dir().join(format!("scrub-{}-{rows}.sqlite", std::process::id()));
        let _ = std::fs::remove_file(&file);
        let disk = Disk::of(Connection::open(&file).unwrap());
        let run = |statement: &str, values: &[Value]| drop(disk.exec(statement, values).unwrap());
        let mut footprint = Footprint::default();
        run("CREATE TABLE texts (id INTEGER PRIMARY KEY, text TEXT NOT NULL)", &[]);
        run("CREATE INDEX texts_by_text ON texts (text)", &[]);
        run("CREATE TABLE others (name TEXT PRIMARY KEY, text TEXT) WITHOUT ROWID", &[]);
        for at in (0..rows).step_by(100) {
            write(&disk, &mut footprint, false, &|| {
                for n in at..(at + 100).min(rows) {
                    let text = format!("marked {n} {}", "marked ".repeat(size / 7));
                    run(
                        "INSERT INTO texts VALUES (?, ?)",
                        &[Value::from(n as u64), Value::Text(text.clone())],
                    );
                    run(
                        "INSERT INTO others VALUES (?, ?)",
                        &[Value::Text(format!("n{n}")), Value::Text(text)],
                    );
                }
            });
        }
        // Some are written over, some go one by one, the rest at once.
        write(&disk, &mut footprint, false, &|| {
            run("UPDATE texts SET text = 'plain' WHERE id % 7 = 0", &[]);
            run("UPDATE others SET text = NULL", &[]);
        });
        assert!(found(&file) > 0);
        write(&disk, &mut footprint, false, &|| run("DELETE FROM texts WHERE id % 3 = 0", &[]));
        write(&disk, &mut footprint, true, &|| {
            run(&format!("DELETE FROM texts WHERE id >= {left}"), &[]);
            run("UPDATE texts SET text = 'plain ' || id", &[]);
        });
        assert_eq!(found(&file), 0, "{rows} rows of {size}, {left} left");
        let count = disk.exec("SELECT count(*) FROM texts", &[]).unwrap()[0][0].clone();
        let check = disk.exec("PRAGMA integrity_check", &[]).unwrap()[0][0].clone();
        assert!(check == Value::Text("ok".to_owned()), "{count:?} {check:?}");
        // In its next life it knows as much.
        assert_eq!(Footprint::load(&disk).unwrap(), footprint);
        assert!(footprint.is_in_log);
        drop(disk);
        std::fs::remove_file(&file).unwrap();
    }
}

#[test]
fn the_page_of_what_is_known_of_the_disk_is_overwritten_too() {
    let file = std::env::temp_dir().join(format!("scrub-{}-state.sqlite", std::process::id()));
    let _ = std::fs::remove_file(&file);
    let disk = Disk::of(Connection::open(&file).unwrap());
    let run = |statement: &str| drop(disk.exec(statement, &[]).unwrap());
    run("CREATE TABLE texts (id INTEGER PRIMARY KEY, text TEXT NOT NULL)");
    for n in 0..60_u64 {
        let text = Value::Text("marked ".repeat(500));
        disk.exec("INSERT INTO texts VALUES (?, ?)", &[Value::from(n), text]).unwrap();
    }
    let mut footprint = Footprint::default();
    // Its table takes a page that is freed in the same write.
    write(&disk, &mut footprint, true, &|| {
        run("DELETE FROM texts");
        run("INSERT INTO texts VALUES (1, 'plain')");
    });
    assert_eq!(found(&file), 0);
    assert_eq!(Footprint::load(&disk).unwrap(), footprint);
    drop(disk);
    std::fs::remove_file(&file).unwrap();
}
