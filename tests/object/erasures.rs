//! A person is erased: what the index asks of threads and memories, and what comes late.

use retinue::domain::dispatch::command::{Answer, Command, Delivered, Delivery, Erase, Whose};
use retinue::domain::dispatch::effect::{Cleared, Effect, Outcome};
use retinue::domain::dispatch::entry::Entry;
use retinue::domain::erasure::{Hold, Receipt, Status};
use retinue::domain::ids::{AccountId, AgentId, ErasureId};
use retinue::domain::knowledge::command::Tally;
use retinue::domain::thread::command::Clear;
use retinue::domain::thread::id::{RunId, ThreadKey};
use retinue::domain::thread::voice::Voice;
use retinue::domain::time::Millis;
use retinue::object::dispatch::Dispatch;

use crate::platform::Platform;

const START: Millis = Millis(1_795_262_400_000);
const GONE: Cleared = Cleared { threads: 1, runs: 0, memories: 0, items: 0, is_gone: true };

/// A voice in a thread: its number, whose it is, and since when.
type Said<'a> = (u32, Option<&'a str>, Millis);

struct Office(Platform<Dispatch>);

fn thread(n: u8) -> ThreadKey {
    ThreadKey::new(START, [n; 10])
}

/// As the index names it.
fn thread_name(n: u8) -> String {
    let mut name = RunId { thread: thread(n), number: 0 }.to_string();
    name.truncate(32);
    name
}

fn erasure() -> ErasureId {
    ErasureId::new(START, [7; 10])
}

impl Office {
    fn new() -> Self {
        Self(Platform::new(START))
    }

    fn ask(&mut self, command: Command) -> Answer {
        self.0.command(command).ok()
    }

    /// A thread of Ada's that was made then.
    fn knows(&mut self, n: u8, created_at: Millis) -> Answer {
        self.knows_with(n, created_at, None)
    }

    /// The same with a run of somebody's in it.
    fn knows_with(&mut self, n: u8, created_at: Millis, run_by: Option<&str>) -> Answer {
        self.knows_of("ada", n, created_at, (run_by, Vec::new()))
    }

    /// A thread of somebody's in which others have a run, and have spoken since then.
    fn knows_of(
        &mut self,
        owner: &str,
        n: u8,
        created_at: Millis,
        (run_by, said_by): (Option<&str>, Vec<Said<'_>>),
    ) -> Answer {
        let voice = |(number, user, since): Said<'_>| Voice { number, user: user.map(str::to_owned), since };
        let shown = Entry {
            run: None,
            agent: AgentId::new(START, [1; 10]),
            status: "idle".to_owned(),
            user: None,
            webhooks: Vec::new(),
            wait: None,
            created_at,
            updated_at: created_at,
            shown: "{}".to_owned(),
        };
        let delivered = Delivered {
            user: Some(owner.to_owned()),
            labels: Vec::new(),
            due_at: None,
            bytes: None,
            hidden: None,
            runs: run_by
                .map(|user| Entry { run: Some(1), user: Some(user.to_owned()), ..shown.clone() })
                .into_iter()
                .collect(),
            thread: shown,
            voices: said_by.into_iter().map(voice).collect(),
        };
        let version = self.0.now.0.cast_unsigned();
        self.ask(Command::Deliver(Delivery { thread: thread(n), version, delivered: Some(delivered) }))
    }

    fn erase(&mut self) {
        let account = AccountId::new(START, [3; 10]);
        let erase = Erase { id: erasure(), account, user: "ada".to_owned(), by: "operator".to_owned() };
        assert!(matches!(self.ask(Command::Erase(erase)), Answer::Erasure(_)));
        // Before anything else, so that no run is given them.
        let Some(first) = self.0.asked.pop_front() else { panic!() };
        assert!(matches!(first.what, Effect::Forget { until: START, .. }), "{first:?}");
        let memories = Outcome::Cleared(Cleared { memories: 1, ..Cleared::default() });
        assert!(self.0.asked.is_empty());
        self.0.ended(&first.id, memories).unwrap();
    }

    fn receipt(&mut self) -> Receipt {
        let Answer::Erasure(receipt) = self.ask(Command::Erasure(erasure())) else { panic!() };
        *receipt
    }

    fn later(&mut self, ms: i64) {
        self.0.now = self.0.now.plus(ms);
        self.0.ring_alarm();
    }

    /// Performs what is asked; which threads that was, in order, and whether memories.
    fn perform(&mut self, mut outcome: impl FnMut(ThreadKey) -> Outcome) -> (Vec<ThreadKey>, bool) {
        let (mut threads, mut has_forgotten) = (Vec::new(), false);
        while let Some(effect) = self.0.asked.pop_front() {
            let ended = match &effect.what {
                Effect::Clear { thread, clear: Clear::OfUser { user, until }, .. } => {
                    assert_eq!((user.as_str(), *until), ("ada", START), "of what was there at the request");
                    threads.push(*thread);
                    outcome(*thread)
                }
                Effect::Forget { user, until, .. } => {
                    assert_eq!((user.as_str(), *until), ("ada", START));
                    has_forgotten = true;
                    Outcome::Cleared(Cleared { memories: 2, ..Cleared::default() })
                }
                other => panic!("{other:?}"),
            };
            self.0.ended(&effect.id, ended).unwrap();
        }
        (threads, has_forgotten)
    }
}

#[test]
fn what_comes_late_opens_an_erasure_again_and_what_came_after_it_does_not() {
    let mut office = Office::new();
    office.knows(1, START);
    office.erase();
    assert_eq!(office.perform(|_| Outcome::Cleared(GONE)), (vec![thread(1)], false));
    office.later(6_000);
    assert_eq!(office.perform(|_| Outcome::Cleared(GONE)), (vec![], true), "memories go last");
    office.later(1_000);
    let done = office.receipt();
    assert_eq!((done.status, done.threads, done.memories), (Status::Done, 1, 3));

    let now = office.0.now;
    office.knows(2, now);
    assert_eq!(office.perform(|_| Outcome::Undone), (vec![], false), "they came back");
    office.0.crash();
    office.knows(3, START);
    assert_eq!(office.receipt().status, Status::Running);
    assert_eq!(office.perform(|_| Outcome::Cleared(GONE)), (vec![thread(3)], true));
    for _ in 0..3 {
        office.later(6_000);
        office.perform(|_| Outcome::Cleared(GONE));
    }
    let again = office.receipt();
    assert_eq!((again.status, again.threads, again.finished_at), (Status::Done, 2, done.finished_at));
    let Answer::Threads(left) = office.ask(Command::Threads(None, 10)) else { panic!() };
    assert!(left.contains(&thread(2)));
}

#[test]
fn a_thread_that_cannot_be_reached_keeps_no_other_and_is_tried_later_and_later() {
    let mut office = Office::new();
    for n in 1..=20 {
        office.knows(n, START);
    }
    office.erase();
    let fails = |key: ThreadKey| if key == thread(1) { Outcome::Undone } else { Outcome::Cleared(GONE) };
    let mut cleared = Vec::new();
    let mut tries = Vec::new();
    let mut forgotten = Vec::new();
    for second in 0..300 {
        let (threads, has_forgotten) = office.perform(fails);
        forgotten.extend(has_forgotten.then_some(second));
        tries.extend(threads.iter().filter(|key| **key == thread(1)).map(|_| second));
        cleared.extend(threads.into_iter().filter(|key| *key != thread(1)));
        if second == 1 {
            assert_eq!(cleared.len(), 19, "the others do not wait");
        }
        office.later(1_000);
    }
    assert_eq!(cleared.len(), 19, "each once");
    assert!(matches!(forgotten[..], [5..30, ..]), "nor do memories: {forgotten:?}");
    assert!((5..=12).contains(&tries.len()), "{tries:?}");
    let pauses: Vec<i32> = tries.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses[pauses.len() - 3..].is_sorted() && pauses.last() > Some(&60), "{pauses:?}");
    assert_eq!(office.receipt().status, Status::Running);
    for _ in 0..60 {
        office.later(10_000);
        office.perform(|_| Outcome::Cleared(GONE));
    }
    assert_eq!((office.receipt().status, office.receipt().threads), (Status::Done, 20));
}

#[test]
fn what_somebody_who_is_held_has_said_in_a_thread_of_the_person_stays() {
    let mut office = Office::new();
    office.knows(1, START);
    office.knows_with(2, START, Some("bob"));
    let hold = Hold { user: "bob".to_owned(), reason: None, placed_by: "k".to_owned(), placed_at: START };
    assert!(matches!(office.ask(Command::Hold(hold)), Answer::Hold(_)));
    office.erase();
    assert_eq!(office.perform(|_| Outcome::Cleared(GONE)), (vec![thread(1)], false));
    let mut has_forgotten = false;
    for _ in 0..5 {
        office.later(6_000);
        let (threads, memories) = office.perform(|_| Outcome::Cleared(GONE));
        assert_eq!(threads, []);
        has_forgotten |= memories;
    }
    assert!(has_forgotten, "what nobody else keeps goes");
    assert_eq!(office.receipt().status, Status::Held);
    office.0.crash();
    assert_eq!(office.ask(Command::Release("bob".to_owned())), Answer::Released(true));
    for _ in 0..5 {
        office.perform(|_| Outcome::Cleared(GONE));
        office.later(6_000);
    }
    assert_eq!((office.receipt().status, office.receipt().threads), (Status::Done, 2));
}

const HUSHED: Cleared = Cleared { threads: 0, runs: 0, memories: 0, items: 3, is_gone: false };
const NOTHING: Cleared = Cleared { items: 0, ..HUSHED };

#[test]
fn what_somebody_has_said_in_a_thread_of_another_is_found_until_it_is_gone() {
    let mut office = Office::new();
    office.knows_of("bob", 1, START, (None, vec![(1, Some("ada"), START), (2, Some("eve"), START)]));
    office.knows_of("bob", 2, START, (None, vec![(1, Some("ada"), START.plus(1))]));
    office.erase();
    let (mut steps, mut threads) = (vec![NOTHING, HUSHED], Vec::new());
    for _ in 0..3 {
        threads.extend(office.perform(|_| Outcome::Cleared(steps.pop().unwrap())).0);
        office.later(6_000);
    }
    assert_eq!(threads, [thread(1), thread(1)], "until there is no more; what is said later stays");
    let done = office.receipt();
    assert_eq!((done.status, done.threads, done.items), (Status::Done, 0, 3));
    // The thread says so itself; and a copy that comes late opens the erasure again.
    office.knows_of("bob", 1, START, (None, vec![(1, None, Millis(0))]));
    assert_eq!(office.receipt().status, Status::Done);
    office.knows_of("bob", 3, START.plus(9), (None, vec![(7, Some("ada"), START)]));
    assert_eq!(office.receipt().status, Status::Running);
    assert_eq!(office.perform(|_| Outcome::Cleared(NOTHING)).0, [thread(3)]);
}

#[test]
fn who_is_held_keeps_the_threads_in_which_they_have_spoken() {
    let mut office = Office::new();
    office.knows_of("ada", 1, START, (None, vec![(1, Some("bob"), START)]));
    let hold = Hold { user: "bob".to_owned(), reason: None, placed_by: "k".to_owned(), placed_at: START };
    office.ask(Command::Hold(hold));
    let may_go = Command::MayGo(Whose::Thread(thread(1)));
    assert_eq!(office.0.both(&may_go), [Answer::Held, Answer::Held]);
    office.erase();
    for _ in 0..5 {
        assert_eq!(office.perform(|_| Outcome::Undone).0, []);
        office.later(6_000);
    }
    assert_eq!(office.receipt().status, Status::Held);
    office.knows_of("ada", 1, START, (None, vec![(1, None, Millis(0))]));
    assert_eq!(office.ask(may_go), Answer::MayGo, "of whom nothing is left nothing is held");
}

#[test]
fn an_object_that_was_forgotten_is_known_again_only_if_it_keeps_something() {
    let mut office = Office::new();
    let name = format!("{}:memory:ada", AccountId::new(START, [3; 10]));
    for (there, known) in
        [(Tally::default(), vec![]), (Tally { memories: 2, version: 3 }, vec![name.clone()])]
    {
        // Who wrote there says so after all of it went.
        let told = Tally { memories: 1, version: 2 };
        office.ask(Command::Counted(name.clone(), told, None));
        let asked = office.0.asked.pop_front().unwrap();
        assert!(matches!(&asked.what, Effect::Count { name: of, .. } if *of == name), "{asked:?}");
        office.0.ended(&asked.id, Outcome::Counted(there)).unwrap();
        let [now, restarted] = office.0.both(&Command::Places(None, 10));
        assert_eq!((&now, &now), (&restarted, &Answer::Places(known)));
        let [now, restarted] = office.0.both(&Command::Kept);
        let Answer::Kept(kept) = &now else { panic!("{now:?}") };
        assert_eq!((u64::from(kept.memories), &now), (there.memories, &restarted));
    }
}

#[test]
fn an_object_in_which_somebody_has_written_since_it_was_emptied_stays_known() {
    let name = format!("{}:memory:ada", AccountId::new(START, [3; 10]));
    let mut office = Office::new();
    office.ask(Command::Place(name.clone(), true));
    office.ask(Command::Counted(name.clone(), Tally { memories: 2, version: 5 }, None));
    office.ask(Command::Counted(name.clone(), Tally { memories: 1, version: 9 }, None));
    office.ask(Command::Emptied(name.clone(), 5));
    let asked = office.0.asked.pop_front().unwrap();
    assert!(matches!(&asked.what, Effect::Count { name: of, .. } if *of == name), "{asked:?}");
    office.0.ended(&asked.id, Outcome::Counted(Tally { memories: 1, version: 9 })).unwrap();
    assert_eq!(office.0.both(&Command::Places(None, 10))[1], Answer::Places(vec![name.clone()]));
    office.ask(Command::Emptied(name, 9));
    assert_eq!(office.0.both(&Command::Places(None, 10)), [Answer::Places(vec![]), Answer::Places(vec![])]);
    assert!(office.0.asked.is_empty());
}

#[test]
fn a_thread_that_comes_back_waits_until_all_runs_of_the_one_before_are_gone() {
    let mut office = Office::new();
    office.knows(1, START);
    for run in 1..=1_700 {
        let id = format!("{}{run:08x}", thread_name(1));
        let row =
            "INSERT INTO entries (id, kind, version, agent, status, labels, created_at, updated_at, shown)
            VALUES (?1, 1, 0, 'a', 'completed', '[]', 1, 1, '')";
        office.0.disk.db().execute(row, [id]).unwrap();
    }
    let runs = |office: &Office| -> u32 {
        let count = "SELECT count(*) FROM entries WHERE kind = 1";
        office.0.disk.db().query_row(count, [], |row| row.get(0)).unwrap()
    };
    office.later(1_000);
    let mut answers = Vec::new();
    while answers.last() != Some(&Answer::Delivered) {
        let before = runs(&office);
        answers.push(office.knows(1, START.plus(1)));
        assert!(before - runs(&office) <= 500, "no write takes them all");
        office.0.crash();
        office.later(0);
    }
    assert_eq!(answers[0], Answer::NotYet);
    assert_eq!(runs(&office), 0);
    let Answer::Threads(known) = office.ask(Command::Threads(None, 10)) else { panic!() };
    assert_eq!(known, [thread(1)]);
}

#[test]
fn erasures_one_after_the_other_end_together_and_none_waits_for_a_minute() {
    let mut office = Office::new();
    let persons: Vec<String> = (0..20).map(|n| format!("person {n}")).collect();
    let id = |n: usize| ErasureId::new(START, [u8::try_from(n).unwrap() + 50; 10]);
    for (n, person) in (0..).zip(&persons) {
        office.knows_of(person, n, START, (None, Vec::new()));
    }
    let (mut ends, mut scrubs) = (vec![None; persons.len()], Vec::new());
    for second in 0..90 {
        // One each second, as a script sends them; the last when all others are done.
        let next = [(19, 70)].into_iter().chain((0..19).map(|n| (n, n))).find(|(_, at)| *at == second);
        if let Some((n, _)) = next {
            let account = AccountId::new(START, [3; 10]);
            let erase = Erase { id: id(n), account, user: persons[n].clone(), by: "operator".to_owned() };
            assert!(matches!(office.ask(Command::Erase(erase)), Answer::Erasure(_)));
        }
        office.0.disk.take_statements();
        while let Some(effect) = office.0.asked.pop_front() {
            let ended = match effect.what {
                Effect::Clear { .. } => GONE,
                _ => Cleared::default(),
            };
            office.0.ended(&effect.id, Outcome::Cleared(ended)).unwrap();
        }
        office.later(1_000);
        let statements = office.0.disk.take_statements();
        scrubs.extend(statements.iter().any(|it| it.contains("_scrub_zeros")).then_some(second));
        for (n, end) in ends.iter_mut().enumerate() {
            let Answer::Erasure(receipt) = office.ask(Command::Erasure(id(n))) else { continue };
            if receipt.status == Status::Done {
                end.get_or_insert(second);
            }
        }
    }
    let times: Vec<usize> =
        (0..).zip(&ends).map(|(n, end)| end.unwrap() - if n == 19 { 70 } else { n }).collect();
    assert!(times.iter().all(|seconds| (4..40).contains(seconds)), "{times:?}");
    assert!(times[19] < 8, "one that is alone waits for nobody: {times:?}");
    assert!((2..=4).contains(&scrubs.len()), "{scrubs:?}");
}
