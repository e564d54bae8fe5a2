//! Effects as rows, on a machine that has nothing else: it delivers letters. A crash between any two
//! statements loses none and ends none twice.

use std::collections::BTreeMap;

use retinue::domain::time::Millis;
use retinue::object::machine::{Answered, Decision, Durability, Effect, Machine, Moment, Resumption};
use retinue::object::sql::{Error, Sql, Value};
use retinue::object::store::effects;
use retinue::object::store::scrub::Footprint;
use retinue::object::store::steps::Step;
use serde::{Deserialize, Serialize};

use crate::disk::{Disk, Side};
use crate::platform::{Platform, Said};

const START: Millis = Millis(1_795_262_400_000);

/// Letters by number, and what has become of each.
#[derive(Debug)]
struct Office {
    letters: BTreeMap<u32, String>,
    unwritten: Vec<u32>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Order {
    Send(u32),
    /// Must not be delivered twice.
    SendRegistered(u32),
    /// Of something that cannot be read.
    Misread,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Errand {
    Deliver(u32),
    DeliverRegistered(u32),
    /// Tells the sender that nobody knows what became of it.
    Report(u32),
}

impl Office {
    fn set(&mut self, letter: u32, state: &str) {
        self.letters.insert(letter, state.to_owned());
        self.unwritten.push(letter);
    }
}

fn errand(id: &str, what: Errand) -> Effect<Errand> {
    Effect { id: id.to_owned(), what }
}

impl Machine for Office {
    type Command = Order;
    type Answer = ();
    type Query = ();
    type Effect = Errand;
    type Outcome = &'static str;
    type Progress = ();
    type Event = ();

    const VERSION: u32 = 1;
    const GATHER_MS: u64 = 200;
    const QUIET_MS: u64 = 1_000;
    const STEPS: &'static [Step] =
        &[&[effects::TABLE, "CREATE TABLE letters (letter INTEGER PRIMARY KEY, state TEXT NOT NULL)"]];

    fn load(sql: &impl Sql, _: Millis) -> Result<Self, Error> {
        let row = |row: Vec<Value>| match &row[..] {
            [Value::Integer(letter), Value::Text(state)] => (u32::try_from(*letter).unwrap(), state.clone()),
            other => panic!("{other:?}"),
        };
        let rows = sql.exec("SELECT letter, state FROM letters", &[])?;
        Ok(Self { letters: rows.into_iter().map(row).collect(), unwritten: Vec::new() })
    }

    fn decide(&mut self, _: &impl Sql, order: Order, _: &mut Moment<'_>) -> Result<Decision<Self>, Error> {
        let (letter, what) = match order {
            Order::Send(letter) => (letter, Errand::Deliver(letter)),
            Order::SendRegistered(letter) => (letter, Errand::DeliverRegistered(letter)),
            Order::Misread => return Err(Error::Decode("a letter without an address".to_owned())),
        };
        self.set(letter, "sent");
        let effects = vec![errand(&format!("letter-{letter}"), what)];
        Ok(Decision { answer: Answered::Ready(()), durability: Durability::Soon, effects })
    }

    fn read(&self, _: &impl Sql, (): (), _: &mut Vec<String>) -> Result<(), Error> {
        Ok(())
    }

    fn wake(&mut self, _: &mut Moment<'_>) -> Vec<Effect<Errand>> {
        Vec::new()
    }

    fn wake_at(&self) -> Option<Millis> {
        None
    }

    fn ended(
        &mut self,
        effect: &Effect<Errand>,
        outcome: &'static str,
        _: &mut Moment<'_>,
    ) -> Vec<Effect<Errand>> {
        let (Errand::Deliver(letter) | Errand::DeliverRegistered(letter) | Errand::Report(letter)) =
            effect.what;
        self.set(letter, outcome);
        Vec::new()
    }

    fn progress(&mut self, _: &Errand, (): (), _: &mut Moment<'_>) -> Durability {
        Durability::Soon
    }

    fn take_events(&mut self) -> Vec<()> {
        Vec::new()
    }

    fn resumed(&mut self, effect: &Effect<Errand>, _: &mut Moment<'_>) -> Resumption<Errand> {
        match effect.what {
            Errand::DeliverRegistered(letter) => {
                self.set(letter, "unknown");
                Resumption::Ended(vec![errand(&format!("report-{letter}"), Errand::Report(letter))])
            }
            Errand::Deliver(_) | Errand::Report(_) => Resumption::Again,
        }
    }

    fn is_dirty(&self) -> bool {
        !self.unwritten.is_empty()
    }

    fn has_reserve(&self) -> bool {
        false
    }

    fn write(&mut self, sql: &impl Sql, _: &mut Footprint, _: Millis) -> Result<(), Error> {
        for letter in std::mem::take(&mut self.unwritten) {
            let values = [Value::Integer(letter.into()), Value::Text(self.letters[&letter].clone())];
            sql.exec("INSERT OR REPLACE INTO letters (letter, state) VALUES (?, ?)", &values)?;
        }
        Ok(())
    }
}

fn open(disk: &Disk) -> Vec<String> {
    let fault = disk.take_fault();
    let rows = disk.exec("SELECT id FROM effects ORDER BY id", &[]).unwrap_or_default();
    disk.put_fault(fault);
    rows.into_iter().map(|row| format!("{:?}", row[0])).collect()
}

fn state(disk: &Disk, letter: u32) -> Option<String> {
    let sql = format!("SELECT state FROM letters WHERE letter = {letter}");
    disk.db().query_row(&sql, [], |row| row.get(0)).ok()
}

#[test]
fn an_effect_is_on_the_disk_before_it_is_performed_and_gone_when_it_has_ended() {
    let mut office = Platform::<Office>::new(START);
    office.command(Order::Send(1)).ok();
    assert_eq!(office.asked.pop_front(), Some(errand("letter-1", Errand::Deliver(1))));
    assert_eq!((open(&office.disk).len(), state(&office.disk, 1).as_deref()), (1, Some("sent")));
    assert_eq!(office.ended("letter-1", "delivered"), Ok(true));
    assert_eq!((open(&office.disk).len(), state(&office.disk, 1).as_deref()), (0, Some("delivered")));
}

#[test]
fn the_end_of_what_is_unknown_or_has_ended_changes_nothing() {
    let mut office = Platform::<Office>::new(START);
    office.command(Order::Send(1)).ok();
    assert_eq!(office.ended("letter-2", "delivered"), Ok(false));
    assert_eq!(office.ended("letter-1", "delivered"), Ok(true));
    for _ in 0..2 {
        assert_eq!(office.ended("letter-1", "lost"), Ok(false));
        office.crash();
    }
    assert_eq!(state(&office.disk, 1).as_deref(), Some("delivered"));
}

#[test]
fn a_restart_offers_every_open_effect_again() {
    let mut office = Platform::<Office>::new(START);
    for order in [Order::Send(1), Order::SendRegistered(2), Order::Send(3)] {
        office.command(order).ok();
    }
    office.ended("letter-3", "delivered").unwrap();
    office.crash();
    office.command(Order::Send(4)).ok();
    let asked: Vec<_> = office.asked.iter().map(|effect| effect.id.as_str()).collect();
    assert_eq!(asked, ["report-2", "letter-1", "letter-4"], "registered mail is not delivered a second time");
    assert_eq!(state(&office.disk, 2).as_deref(), Some("unknown"));
    assert_eq!(office.ended("letter-2", "delivered"), Ok(false), "that effect has ended");
    assert_eq!(office.ended("report-2", "reported"), Ok(true));
    assert_eq!(state(&office.disk, 2).as_deref(), Some("reported"));
}

#[test]
fn what_cannot_be_read_leaves_memory_and_a_disk_that_fails_takes_it() {
    let mut office = Platform::<Office>::new(START);
    office.command(Order::Send(1)).ok();
    let loads = |office: &Platform<Office>| {
        office.disk.take_statements().iter().filter(|sql| sql.contains("FROM letters")).count()
    };
    assert_eq!(loads(&office), 1);
    assert!(matches!(office.command(Order::Misread), Said::Now(Err(Error::Decode(_)))));
    office.command(Order::Send(2)).ok();
    assert_eq!(loads(&office), 0, "the memory is the same");
    office.disk.fail(1, Side::Before);
    assert!(matches!(office.command(Order::Send(3)), Said::Now(Err(Error::Storage(_)))));
    office.command(Order::Send(3)).ok();
    assert_eq!(loads(&office), 1);
    assert_eq!(office.log.len(), 2, "{:?}", office.log);
}

#[test]
fn what_is_being_performed_outlives_a_failed_write() {
    let mut office = Platform::<Office>::new(START);
    for order in [Order::Send(1), Order::SendRegistered(2)] {
        office.command(order).ok();
    }
    office.asked.clear();
    for side in [Side::Before, Side::After] {
        office.disk.fail(1, side);
        assert!(matches!(office.command(Order::Send(3)), Said::Now(Err(Error::Storage(_)))));
        // The memory after it knows that both are on their way.
        office.command(Order::Send(if side == Side::Before { 4 } else { 5 })).ok();
        office.disk.fail(1, side);
        assert!(office.ended("letter-2", "delivered").is_err(), "to be said again");
    }
    let asked: Vec<_> = office.asked.drain(..).map(|effect| effect.id).collect();
    assert_eq!(asked, ["letter-4", "letter-5"]);
    assert_eq!(office.ended("letter-2", "delivered"), Ok(true));
    assert_eq!(state(&office.disk, 2).as_deref(), Some("delivered"));
    assert_eq!(office.ended("letter-1", "delivered"), Ok(true));
    office.crash();
    office.command(Order::Send(6)).ok();
    let asked: Vec<_> = office.asked.drain(..).map(|effect| effect.id).collect();
    assert_eq!(asked, ["letter-4", "letter-5", "letter-6"]);
}

#[test]
fn what_nobody_performs_any_more_is_offered_again() {
    let mut office = Platform::<Office>::new(START);
    for order in [Order::Send(1), Order::SendRegistered(2)] {
        office.command(order).ok();
    }
    office.asked.clear();
    office.let_go("letter-2");
    office.command(Order::Send(3)).ok();
    let asked: Vec<_> = office.asked.drain(..).map(|effect| effect.id).collect();
    assert_eq!(asked, ["report-2", "letter-3"]);
    assert_eq!(state(&office.disk, 2).as_deref(), Some("unknown"));
}

#[test]
fn an_effect_of_a_newer_version_stays_for_it() {
    let mut office = Platform::<Office>::new(START);
    office.command(Order::Send(1)).ok();
    office.disk.exec("INSERT INTO effects VALUES ('drone-1', '{\"Fly\":1}')", &[]).unwrap();
    office.crash();
    office.command(Order::Send(2)).ok();
    assert!(office.log.iter().any(|line| line.contains("drone-1")), "{:?}", office.log);
    assert_eq!(office.ended("drone-1", "landed"), Ok(false));
    assert!(open(&office.disk).iter().any(|id| id.contains("drone-1")));
}

/// Performs what is asked until nothing is open, as a platform would that tries again.
fn settle(office: &mut Platform<Office>, delivered: &mut BTreeMap<String, u32>) {
    while let Some(effect) = office.asked.pop_front() {
        *delivered.entry(effect.id.clone()).or_default() += 1;
        while office.ended(&effect.id, "delivered").is_err() {}
    }
}

#[test]
fn a_crash_at_any_statement_loses_no_effect_and_repeats_only_what_may_be() {
    for nth in 1.. {
        for side in [Side::Before, Side::After] {
            let mut office = Platform::<Office>::new(START);
            office.disk.fail(nth, side);
            let mut delivered = BTreeMap::new();
            let orders = [Order::Send(1), Order::SendRegistered(2)];
            let answered: Vec<bool> = orders
                .iter()
                .map(|order| {
                    let is_answered = matches!(office.command(order.clone()), Said::Now(Ok(())));
                    settle(&mut office, &mut delivered);
                    is_answered
                })
                .collect();
            let has_failed = !office.disk.call_off();
            // Whoever got no answer asks again; whoever did relies on it.
            office.crash();
            for (order, is_answered) in orders.iter().zip(answered) {
                if !is_answered {
                    while !matches!(office.command(order.clone()), Said::Now(Ok(()))) {}
                }
                settle(&mut office, &mut delivered);
            }
            assert_eq!(open(&office.disk), [""; 0], "statement {nth} {side:?}");
            for letter in [1, 2] {
                let became = state(&office.disk, letter).unwrap();
                assert_eq!(became, "delivered", "letter {letter}, statement {nth} {side:?}");
            }
            assert!(
                delivered.get("letter-2").is_none_or(|times| *times <= 1),
                "{delivered:?}, {nth} {side:?}"
            );
            if !has_failed {
                assert!(nth > 10, "every statement was tried");
                return;
            }
        }
    }
}
