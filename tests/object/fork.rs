//! A thread that is copied into another: cut off anywhere, found nowhere until it is whole, and never twice what it was.

use retinue::domain::ids::{AccountId, AgentId};
use retinue::domain::message::{AssistantPart, Message, Part, ToolCall, stored};
use retinue::domain::patch::Operations;
use retinue::domain::run::input::Input;
use retinue::domain::thread::about::About;
use retinue::domain::thread::command::{Answer, Command, Create, Fork, Page, VERSION, Who};
use retinue::domain::thread::compaction::Horizon;
use retinue::domain::thread::fork::{Copied, Copy, Cut, KEEP_MS, Origin, Progress, UNANSWERED};
use retinue::domain::thread::id::{EntryId, RunId, ThreadKey};
use retinue::domain::thread::item::Item;
use retinue::domain::thread::transcript::sendable;
use retinue::domain::thread::voice::By;
use retinue::domain::time::Millis;
use retinue::object::host::{Host, Reply};
use retinue::object::machine::Moment;
use retinue::object::store::thread::{Part as Of, items};
use retinue::object::thread::Thread;
use retinue::object::wire;
use serde_json::{Value, json};

use crate::commands::{check, recorded};
use crate::disk::{Disk, Side};

const START: Millis = Millis(1_795_262_400_000);
const WHO: Who = Who::Account;

/// A thread's object over its disk.
struct Object {
    disk: Disk,
    host: Host<Thread, Disk>,
    now: Millis,
    alarm: Option<Millis>,
}

impl Object {
    fn new() -> Self {
        let disk = Disk::new();
        Self { host: Host::new(disk.clone()), disk, now: START, alarm: None }
    }

    fn crash(&mut self) {
        self.host = Host::new(self.disk.clone());
    }

    fn with<T>(&mut self, work: impl FnOnce(&mut Host<Thread, Disk>, &mut Moment<'_>) -> T) -> T {
        let mut random = || [9; 10];
        let done = work(&mut self.host, &mut Moment { now: self.now, random: &mut random });
        self.alarm = self.host.take_todo().alarm.or(self.alarm);
        done
    }

    /// `None`: the disk failed.
    fn ask(&mut self, command: Command) -> Option<Answer> {
        match self.with(|host, moment| host.command(command, moment)) {
            Reply::Now(answer) => answer.ok(),
            Reply::Later(_) => panic!("a thread answers at once"),
        }
    }

    fn items(&self) -> Vec<Item> {
        items(&self.disk, Of::After(0), 100_000, u64::MAX).unwrap().0
    }

    fn messages(&self) -> Vec<Message> {
        self.items().into_iter().map(|item| item.message).collect()
    }
}

fn agent() -> AgentId {
    AgentId::new(START, [2; 10])
}

fn key(n: u8) -> ThreadKey {
    ThreadKey::new(START, [n; 10])
}

fn create(n: u8, items: Vec<Message>) -> Create {
    let account = AccountId::new(START, [3; 10]);
    let about = About { user: Some("ada".to_owned()), ..About::default() };
    Create {
        account,
        key: key(n),
        name: None,
        agent: agent(),
        version: Some(4),
        about,
        throw_away: None,
        items,
    }
}

/// A thread whose copy takes several pages.
fn source() -> Object {
    let mut source = Object::new();
    let said = (0..5).map(|n| Message::user(format!("{n}").repeat(400_000)));
    source.ask(Command::Create(create(1, said.collect()))).unwrap();
    source
}

/// Copies as the Worker does; `None` where the disk failed, and how many pages were passed on.
fn copy(source: &mut Object, target: &mut Object, after: Option<EntryId>) -> (Option<Answer>, u32) {
    let mut cut = Cut::UpTo(after);
    let mut progress: Option<Progress> = None;
    for pages in 0..50 {
        let Some(Answer::Copied(page)) = source.ask(Command::Copy(WHO, cut)) else { panic!() };
        let Copied { version, about, after: last, until, items, next, horizon, titled_by, .. } = *page;
        let create = Create { version, about, ..create(2, Vec::new()) };
        let Progress { behind, until } = progress.unwrap_or(Progress { behind: 0, until });
        let origin = Origin { thread: key(1), after: last };
        let is_whole = after.is_none();
        let fork = Fork {
            create,
            origin,
            is_whole,
            until,
            behind,
            items,
            next,
            horizon,
            titled_by,
            keeps_open: false,
        };
        match target.ask(Command::Fork(Box::new(fork))) {
            Some(Answer::Copying(come)) => {
                cut = Cut::Between { behind: come.behind, until: come.until };
                progress = Some(come);
            }
            other => return (other, pages + 1),
        }
    }
    panic!("the copy does not end");
}

fn assert_is_copy(source: &Object, target: &mut Object) {
    let Some(Answer::Thread { thread, .. }) = target.ask(Command::Show(WHO)) else { panic!() };
    let last = EntryId { run: RunId { thread: key(1), number: 0 }, number: 5 };
    assert_eq!(thread.forked_from, Some(Origin { thread: key(1), after: Some(last) }));
    assert_eq!((thread.user.as_deref(), thread.agent_version), (Some("ada"), Some(4)));
    assert_eq!(target.messages(), source.messages());
    let page = Page { after: None, newest_first: true, limit: 1, run: None };
    let Some(Answer::Items { items, .. }) = target.ask(Command::Items(WHO, page)) else { panic!() };
    assert_eq!(items[0].id, EntryId { run: RunId { thread: key(2), number: 0 }, number: 5 });
}

#[test]
fn a_copy_that_is_cut_off_anywhere_is_nowhere_to_be_seen_and_goes_on() {
    let mut source = source();
    let mut cuts = 0;
    for nth in 1.. {
        let mut is_through = false;
        for side in [Side::Before, Side::After] {
            let mut target = Object::new();
            target.disk.fail(nth, side);
            let (cut_off, _) = copy(&mut source, &mut target, None);
            is_through = target.disk.call_off();
            if is_through {
                assert!(matches!(cut_off, Some(Answer::Thread { is_new: true, .. })), "{cut_off:?}");
            } else {
                cuts += 1;
                target.crash();
                let seen = target.ask(Command::Show(WHO));
                let is_whole = matches!(seen, Some(Answer::Thread { .. }));
                assert!(is_whole == cut_off.is_some(), "{cut_off:?} {seen:?}");
                let (gone_on, _) = copy(&mut source, &mut target, None);
                assert!(matches!(gone_on, Some(Answer::Thread { is_new, .. }) if is_new != is_whole));
            }
            assert_is_copy(&source, &mut target);
            let (again, pages) = copy(&mut source, &mut target, None);
            assert!(matches!(again, Some(Answer::Thread { is_new: false, .. })), "{again:?}");
            assert_eq!(pages, 1);
        }
        if is_through {
            break;
        }
    }
    assert!(cuts > 20, "{cuts}");
}

/// The first page of a copy, and no more.
fn begin(source: &mut Object, target: &mut Object) {
    let Some(Answer::Copied(page)) = source.ask(Command::Copy(WHO, Cut::UpTo(None))) else { panic!() };
    let (origin, until) = (Origin { thread: key(1), after: page.after }, page.until);
    let (items, next) = (page.items, page.next);
    let create = create(2, Vec::new());
    let horizon = Horizon::default();
    let fork = Fork {
        create,
        origin,
        is_whole: true,
        until,
        behind: 0,
        items,
        next,
        horizon,
        titled_by: None,
        keeps_open: false,
    };
    let answer = target.ask(Command::Fork(Box::new(fork)));
    assert!(matches!(answer, Some(Answer::Copying(Progress { behind: 2, until: 5 }))), "{answer:?}");
}

#[test]
fn nothing_else_is_made_in_the_place_of_a_copy_and_what_nobody_goes_on_with_is_forgotten() {
    let (mut source, mut target) = (source(), Object::new());
    begin(&mut source, &mut target);
    let other = Command::Create(create(2, vec![Message::user("Hi")]));
    assert!(matches!(target.ask(other.clone()), Some(Answer::Conflict(_))));
    for unseen in [Command::Show(WHO), Command::Delete(WHO), Command::Append(WHO, vec![Message::user("Hi")])]
    {
        assert_eq!(target.ask(unseen), Some(Answer::NotFound));
    }
    assert_eq!(target.items().len(), 2);
    target.now = target.alarm.unwrap();
    assert_eq!(target.now, START.plus(KEEP_MS));
    target.with(Host::wake).unwrap();
    assert_eq!(target.items().len(), 0);
    assert!(matches!(target.ask(other), Some(Answer::Thread { is_new: true, .. })));
    assert_eq!(target.messages(), [Message::user("Hi")]);
}

#[test]
fn a_copy_is_as_old_as_its_first_page() {
    let (mut source, mut target) = (source(), Object::new());
    begin(&mut source, &mut target);
    target.now = target.now.plus(60_000);
    target.crash();
    let (copied, _) = copy(&mut source, &mut target, None);
    let Some(Answer::Thread { thread, .. }) = copied else { panic!("{copied:?}") };
    assert_eq!(thread.created_at, START, "an erasure that was asked for meanwhile takes it along");
}

#[test]
fn a_copy_that_was_forgotten_meanwhile_begins_again() {
    let (mut source, mut target) = (source(), Object::new());
    begin(&mut source, &mut target);
    target.now = target.now.plus(KEEP_MS);
    let (copied, _) = copy(&mut source, &mut target, None);
    assert!(matches!(copied, Some(Answer::Thread { is_new: true, .. })), "{copied:?}");
    assert_is_copy(&source, &mut target);
}

#[test]
fn what_is_too_large_is_not_copied_and_a_part_of_it_is() {
    let mut source = Object::new();
    source.ask(Command::Create(create(1, vec![Message::user("Hi")]))).unwrap();
    let fill = |count: u32, bytes: u32| {
        let sql = format!(
            "DELETE FROM items WHERE position > 1;
            WITH RECURSIVE n(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n WHERE n < {count})
            INSERT INTO items (position, run, entry, step, at, bytes, message)
            SELECT n, 0, n, 0, 0, {bytes}, (SELECT message FROM items WHERE position = 1) FROM n"
        );
        source.disk.db().execute_batch(&sql).unwrap();
    };
    let id = |number| EntryId { run: RunId { thread: key(1), number: 0 }, number };
    let bytes = u32::try_from(stored::write(&Message::user("Hi")).len()).unwrap();
    fill(50_001, bytes);
    source.crash();
    let refused = |answer: Option<Answer>| matches!(answer, Some(Answer::Invalid(faults)) if faults[0].field == "after");
    assert!(refused(source.ask(Command::Copy(WHO, Cut::UpTo(None)))));
    assert!(refused(source.ask(Command::Copy(WHO, Cut::UpTo(Some(id(50_001)))))));
    let (copied, pages) = copy(&mut source, &mut Object::new(), Some(id(50_000)));
    assert!(matches!(copied, Some(Answer::Thread { is_new: true, .. })), "{copied:?}");
    assert_eq!(pages, 50);
    assert_eq!(source.ask(Command::Copy(WHO, Cut::UpTo(Some(id(50_002))))), Some(Answer::NotFound));
    let elsewhere = EntryId { run: RunId { thread: key(2), number: 0 }, number: 1 };
    assert_eq!(source.ask(Command::Copy(WHO, Cut::UpTo(Some(elsewhere)))), Some(Answer::NotFound));
}

#[test]
fn turns_stay_whole_and_each_call_of_the_last_one_has_a_result() {
    let call =
        |id: &str| Message::Assistant { parts: vec![AssistantPart::ToolCall(ToolCall::new(id, "f", "{}"))] };
    let thought = Message::Assistant { parts: vec![AssistantPart::reasoning("Hm")] };
    let all = [
        (1, 0, Message::user("Hi")),
        (1, 1, thought),
        (1, 1, call("a")),
        (1, 1, call("b")),
        (1, 1, Message::tool("b", "done")),
        (1, 1, Message::tool("a", "done")),
        (1, 2, Message::assistant("One moment.")),
        // Another step, with nothing between.
        (2, 2, Message::assistant("Again.")),
        (2, 2, call("a")),
        (2, 2, call("c")),
        (2, 0, Message::user("Hurry")),
        (2, 2, Message::tool("a", "done")),
    ];
    let was = |(position, (run, step, message)): (usize, (u32, u32, Message))| Item {
        position: position as u64 + 1,
        run,
        entry: 0,
        step,
        at: START,
        message,
        stands_for: None,
        by: None,
    };
    let mut was: Vec<Item> = all.into_iter().enumerate().map(was).collect();
    let copies = was.iter().map(|item| Copy {
        run: item.run,
        step: item.step,
        at: item.at,
        message: stored::write(&item.message),
        stands_for: None,
        by: None,
    });
    let mut target = Object::new();
    let origin = Origin { thread: key(1), after: None };
    let (items, create) = (copies.collect::<Vec<_>>(), create(2, Vec::new()));
    // In pages of one item each.
    for (n, copy) in items.iter().enumerate() {
        let next = Some(n as u64 + 1).filter(|next| *next < items.len() as u64);
        let (create, items) = (create.clone(), vec![copy.clone()]);
        let (behind, horizon) = (n as u64, Horizon::default());
        let fork = Fork {
            create,
            origin,
            is_whole: true,
            until: 12,
            behind,
            items,
            next,
            horizon,
            titled_by: None,
            keeps_open: false,
        };
        target.ask(Command::Fork(Box::new(fork))).unwrap();
    }
    let parts = vec![Part::Text(UNANSWERED.to_owned())];
    let sealed = Message::Tool { call_id: "c".to_owned(), parts, is_error: true };
    let copied = target.items();
    assert_eq!(copied.last().map(|item| &item.message), Some(&sealed));
    assert_eq!(copied.len(), was.len() + 1);
    was.push(Item {
        position: 13,
        run: 2,
        entry: 0,
        step: 0,
        at: START,
        message: sealed,
        stands_for: None,
        by: None,
    });
    assert_eq!(sendable(copied), sendable(was));
}

/// Each command and answer as it passes between a Worker and an object, see [`crate::commands`].
#[test]
fn what_is_written_is_what_this_version_recorded() {
    let entry = EntryId { run: RunId { thread: key(1), number: 3 }, number: 7 };
    let origin = |after| Origin { thread: key(1), after };
    let item = Copy {
        run: 3,
        step: 1,
        at: START,
        message: stored::write(&Message::user("Hi")),
        stands_for: None,
        by: None,
    };
    let fork = Fork {
        create: create(2, Vec::new()),
        origin: origin(Some(entry)),
        is_whole: false,
        until: 9,
        behind: 4,
        items: vec![item.clone()],
        next: Some(5),
        horizon: Horizon::default(),
        titled_by: None,
        keeps_open: false,
    };
    let bare = Create { version: None, about: About::default(), ..create(2, Vec::new()) };
    let last = Fork {
        create: bare,
        origin: origin(None),
        is_whole: true,
        items: Vec::new(),
        next: None,
        ..fork.clone()
    };
    let edits = Operations::read(json!([
        {"op": "test", "path": "/user", "value": "ada"},
        {"op": "add", "path": "/labels/-", "value": "vip"},
        {"op": "remove", "path": "/title"},
        {"op": "copy", "from": "/metadata/a", "path": "/metadata/b"},
    ]));
    let commands = [
        Command::Copy(Who::Caller(agent()), Cut::UpTo(Some(entry))),
        Command::Copy(WHO, Cut::UpTo(None)),
        Command::Copy(WHO, Cut::Between { behind: 4, until: 9 }),
        Command::Fork(Box::new(fork)),
        Command::Fork(Box::new(last)),
        Command::Edit(WHO, edits.unwrap()),
        Command::GiveBy(WHO, 3, vec![Input::Message(Message::user("Hi"))], "ada".to_owned()),
    ];
    let about = About::default();
    let copied = Copied {
        agent: agent(),
        version: Some(4),
        about,
        after: Some(entry),
        until: 9,
        items: vec![item],
        next: Some(5),
        horizon: Horizon::default(),
        titled_by: None,
    };
    let bare =
        Copied { version: None, after: None, until: 0, items: Vec::new(), next: None, ..copied.clone() };
    let by = |of_run| By { user: "ada".to_owned(), at: START, of_run };
    let said = Copy { by: Some(by(false)), ..copied.items[0].clone() };
    let spoken = Copied {
        items: vec![said, Copy { by: Some(by(true)), ..copied.items[0].clone() }],
        titled_by: Some(by(false)),
        ..copied.clone()
    };
    let answers = [
        Answer::Hushed(2),
        Answer::Copied(Box::new(spoken)),
        Answer::Copied(Box::new(copied)),
        Answer::Copied(Box::new(bare)),
        Answer::Copying(Progress { behind: 4, until: 9 }),
        Answer::AtVersion(4),
    ];
    let written: Vec<Value> = commands.iter().map(|one| serde_json::to_value(one).unwrap()).collect();
    check("thread", VERSION, "commands", &written);
    let written: Vec<Value> = answers.iter().map(|one| serde_json::to_value(one).unwrap()).collect();
    check("thread", VERSION, "answers", &written);
    for text in recorded("thread", VERSION, "commands") {
        assert!(commands.contains(&wire::decode::<Command>(&text.to_string()).unwrap()), "{text}");
    }
    for text in recorded("thread", VERSION, "answers") {
        assert!(answers.contains(&wire::decode::<Answer>(&text.to_string()).unwrap()), "{text}");
    }
}
