//! The account's index: whatever becomes of deliveries on their way, it ends as what the threads are; and a list is what a
//! look at every entry would find.

use std::collections::{BTreeMap, BTreeSet};

use retinue::domain::admission::command::Learned;
use retinue::domain::dispatch::claim::{Begins, Claim, Kept};
use retinue::domain::dispatch::command::{
    Answer, Command, Delivered, Delivery, Erase, Hidden, List, Listed, Order, Position, Retain, USUAL_LAG_MS,
    VERSION, Whose,
};
use retinue::domain::dispatch::entry::{Entry, Kind, terms};
use retinue::domain::dispatch::notice::{NoticeView, Notices, Place, State, Trial};
use retinue::domain::erasure::{Hold, Receipt, Status, digest};
use retinue::domain::ids::{AccountId, AgentId, ErasureId};
use retinue::domain::knowledge::command::Tally;
use retinue::domain::message::{AssistantPart, Finish, Message, Usage};
use retinue::domain::money::Nanos;
use retinue::domain::plan::{KeepLimit, KeepLimits};
use retinue::domain::run::happening::Answered;
use retinue::domain::run::misfit::Checked;
use retinue::domain::run::terms::{Limits, OnBudget, OnUnknown, Priority, Starter, Terms};
use retinue::domain::thread::about::About;
use retinue::domain::thread::command::{self as thread, Create, OnBusy, Start, Who};
use retinue::domain::thread::effect::{Effect, Outcome};
use retinue::domain::thread::id::{RunId, ThreadKey};
use retinue::domain::thread::view::{RunView, ThreadView};
use retinue::domain::thread::voice::Voice;
use retinue::domain::time::Millis;
use retinue::object::dispatch::Dispatch;
use retinue::object::host::{Host, Reply};
use retinue::object::machine::Moment;
use retinue::object::thread::Thread;
use retinue::object::wire;
use serde_json::{Value, json};

use crate::commands::{check, recorded};
use crate::disk::{Disk, Side};

const START: Millis = Millis(1_795_262_400_000);
const WHO: Who = Who::Account;

/// Deterministic noise.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn below(&mut self, sides: usize) -> usize {
        usize::try_from(self.roll(sides as u64)).unwrap()
    }
}

fn agent(n: u8) -> AgentId {
    AgentId::new(START, [n; 10])
}

/// A dispatch object.
struct Index {
    disk: Disk,
    host: Host<Dispatch, Disk>,
    alarm: Option<Millis>,
}

impl Index {
    fn new() -> Self {
        let disk = Disk::new();
        Self { host: Host::new(disk.clone()), disk, alarm: None }
    }

    fn with<T>(
        &mut self,
        now: Millis,
        work: impl FnOnce(&mut Host<Dispatch, Disk>, &mut Moment<'_>) -> T,
    ) -> T {
        let mut random = || [9; 10];
        let done = work(&mut self.host, &mut Moment { now, random: &mut random });
        self.alarm = self.host.take_todo().alarm.or(self.alarm);
        done
    }

    fn ask(&mut self, command: Command, now: Millis) -> Option<Answer> {
        match self.with(now, |host, moment| host.command(command, moment)) {
            Reply::Now(answer) => answer.ok(),
            Reply::Later(_) => panic!("it answers at once"),
        }
    }

    fn ring(&mut self, now: Millis) {
        if self.alarm.take_if(|at| *at <= now).is_some() {
            let _ = self.with(now, |host, moment| host.wake(moment));
        }
    }

    fn crash(&mut self) {
        self.host = Host::new(self.disk.clone());
    }

    fn page(&mut self, list: &List, now: Millis) -> Listed {
        match self.ask(Command::List(list.clone()), now) {
            Some(Answer::Listed(listed)) => listed,
            other => panic!("{other:?}"),
        }
    }

    /// All pages, one after the other.
    fn all(&mut self, list: &List, now: Millis) -> Vec<Value> {
        let (mut list, mut all) = (list.clone(), Vec::new());
        for _ in 0..10_000 {
            let page = self.page(&list, now);
            assert!(page.entries.len() <= list.limit as usize);
            all.extend(page.entries.iter().map(|text| serde_json::from_str::<Value>(text).unwrap()));
            match page.next {
                Some(next) => list.after = next,
                None => return all,
            }
        }
        panic!("a list without end")
    }

    fn count(&self, query: &str) -> i64 {
        self.disk.db().query_row(query, [], |row| row.get(0)).unwrap()
    }
}

fn list(kind: Kind) -> List {
    List {
        kind,
        order: Order::Created,
        agent: None,
        status: None,
        user: None,
        label: None,
        since: Millis(0),
        after: Position { at: Position::NEWEST, id: String::new() },
        limit: 7,
    }
}

/// A thread's object, and its platform.
struct Object {
    key: ThreadKey,
    disk: Disk,
    host: Host<Thread, Disk>,
    alarm: Option<Millis>,
    under_way: Vec<Effect>,
    last_run: u32,
}

impl Object {
    fn new(n: u8) -> Self {
        let disk = Disk::new();
        Self {
            key: ThreadKey::new(START, [n; 10]),
            host: Host::new(disk.clone()),
            disk,
            alarm: None,
            under_way: Vec::new(),
            last_run: 0,
        }
    }

    fn with<T>(
        &mut self,
        now: Millis,
        work: impl FnOnce(&mut Host<Thread, Disk>, &mut Moment<'_>) -> T,
    ) -> T {
        let mut random = || [9; 10];
        let done = work(&mut self.host, &mut Moment { now, random: &mut random });
        let todo = self.host.take_todo();
        self.alarm = todo.alarm.or(self.alarm);
        self.under_way.extend(todo.effects.into_iter().map(|effect| effect.what));
        done
    }

    fn ask(&mut self, command: thread::Command, now: Millis) -> Option<thread::Answer> {
        match self.with(now, |host, moment| host.command(command, moment)) {
            Reply::Now(answer) => answer.ok(),
            Reply::Later(_) => panic!("it answers at once"),
        }
    }

    fn create(&self, dice: &mut Dice) -> Create {
        let account = AccountId::new(START, [3; 10]);
        Create {
            account,
            key: self.key,
            name: None,
            agent: agent(1),
            version: None,
            about: about(dice),
            throw_away: None,
            items: Vec::new(),
        }
    }

    fn act(&mut self, dice: &mut Dice, now: Millis) {
        let command = match dice.roll(14) {
            0 => thread::Command::Delete(WHO),
            1 => thread::Command::Create(self.create(dice)),
            2 | 3 => {
                let About { user, labels, .. } = about(dice);
                let patch = json!({ "user": user, "labels": labels });
                thread::Command::Change(WHO, patch.as_object().unwrap().clone())
            }
            4 => thread::Command::Cancel(WHO, 1 + u32::try_from(dice.roll(5)).unwrap(), None),
            5 => {
                let run = self.last_run.max(1);
                thread::Command::Prioritize(WHO, run, Priority::High)
            }
            6 => thread::Command::Append(WHO, vec![Message::user("By the way")]),
            7 => thread::Command::Pause(WHO, self.last_run, None),
            8 => thread::Command::Resume(WHO, self.last_run),
            _ => thread::Command::Start(Box::new(Start {
                thread: self.create(dice),
                terms: terms_of_run(),
                max_usd: None,
                input: vec![Message::user("Go")],
                on_busy: if dice.roll(2) == 0 { OnBusy::Queue } else { OnBusy::Rollback },
                may_make: true,
                behind: None,
                answers: false,
                watch: false,
                faults: Vec::new(),
            })),
        };
        if let Some(thread::Answer::Run(run)) = self.ask(command, now) {
            self.last_run = self.last_run.max(run.id.number);
        }
    }

    /// Something that is under way ends, but for deliveries.
    fn end(&mut self, dice: &mut Dice, now: Millis) {
        let is_other = |effect: &Effect| !matches!(effect, Effect::Deliver { .. });
        let others: Vec<usize> =
            (0..self.under_way.len()).filter(|at| is_other(&self.under_way[*at])).collect();
        if others.is_empty() {
            return;
        }
        let effect = self.under_way.remove(others[dice.below(others.len())]);
        let answered = Answered {
            parts: vec![AssistantPart::text("Done")],
            finish: Finish::Stop,
            plan: Vec::new(),
            usage: Usage::default(),
            cost: Nanos::new(5),
            warnings: Vec::new(),
            output: Checked::Free,
        };
        let outcome = match effect {
            Effect::Model { .. } => Outcome::Answered {
                answered,
                unsaid: Vec::new(),
                journal: Value::Null,
                settlement: None,
                used: None,
            },
            _ => Outcome::Done,
        };
        let id = effect.id();
        let _ = self.with(now, |host, moment| host.ended(&id, outcome, moment));
    }

    fn take_delivery(&mut self) -> Option<Effect> {
        let at = self.under_way.iter().position(|effect| matches!(effect, Effect::Deliver { .. }))?;
        Some(self.under_way.remove(at))
    }

    fn says(&mut self, now: Millis) -> Option<Delivery> {
        let said = self.with(now, |host, moment| host.look_at(moment, |thread, disk| thread.delivery(disk)));
        said.unwrap().map(|(_, delivery)| delivery)
    }

    fn ring(&mut self, now: Millis) {
        if self.alarm.take_if(|at| *at <= now).is_some() {
            let _ = self.with(now, |host, moment| host.wake(moment));
        }
    }

    fn crash(&mut self, now: Millis) {
        self.host = Host::new(self.disk.clone());
        self.under_way.clear();
        self.ask(thread::Command::Wake, now);
    }

    fn thread(&mut self, now: Millis) -> Option<ThreadView> {
        match self.ask(thread::Command::Show(WHO), now) {
            Some(thread::Answer::Thread { thread, .. }) => Some(*thread),
            Some(thread::Answer::NotFound) => None,
            other => panic!("{other:?}"),
        }
    }

    fn run(&mut self, number: u32, now: Millis) -> Option<RunView> {
        match self.ask(thread::Command::Run(WHO, number), now) {
            Some(thread::Answer::Run(run)) => Some(*run),
            Some(thread::Answer::NotFound) => None,
            other => panic!("{other:?}"),
        }
    }
}

fn about(dice: &mut Dice) -> About {
    let labels = ["vip", "team:blue", "team:red", "beta"];
    let labels = labels.into_iter().filter(|_| dice.roll(3) == 0).map(str::to_owned).collect();
    let users = [None, Some("ada"), Some("bob")];
    About { user: users[dice.below(3)].map(str::to_owned), labels, ..About::default() }
}

fn terms_of_run() -> Terms {
    Terms {
        agent: agent(1),
        version: 1,
        started_by: Starter::Anonymous,
        user: None,
        limits: Limits::default(),
        on_unknown: OnUnknown::default(),
        on_budget: OnBudget::default(),
        priority: Priority::Normal,
        variables: BTreeMap::new(),
        tools: Vec::new(),
        manner: Default::default(),
        parent: None,
        via: None,
        typed: false,
        webhooks: Vec::new(),
        hands_over: false,
        request: None,
    }
}

/// Threads, their index, and a network between them that loses, repeats and reorders.
struct Network {
    dice: Dice,
    now: Millis,
    index: Index,
    threads: Vec<Object>,
    /// Sent and not arrived, or to arrive once more.
    late: Vec<Delivery>,
}

impl Network {
    fn new(seed: u64) -> Self {
        let threads = (0..4).map(Object::new).collect();
        Self { dice: Dice(seed), now: START, index: Index::new(), threads, late: Vec::new() }
    }

    fn arrive(&mut self, delivery: Delivery) -> bool {
        if self.dice.roll(8) == 0 {
            let side = if self.dice.roll(2) == 0 { Side::Before } else { Side::After };
            self.index.disk.fail(1 + u32::try_from(self.dice.roll(8)).unwrap(), side);
        }
        let answer = self.index.ask(Command::Deliver(delivery), self.now);
        self.index.disk.call_off();
        answer == Some(Answer::Delivered)
    }

    fn deliver(&mut self, at: usize) {
        let now = self.now;
        let Some(effect) = self.threads[at].take_delivery() else { return };
        let is_lost = self.dice.roll(3) == 0;
        let outcome = match self.threads[at].says(now) {
            None => Outcome::Undelivered,
            Some(delivery) => {
                if self.dice.roll(3) == 0 {
                    self.late.push(delivery.clone());
                }
                // It may arrive and the answer be lost.
                let has_arrived = !(is_lost && self.dice.roll(2) == 0) && self.arrive(delivery);
                if has_arrived && !is_lost { Outcome::Done } else { Outcome::Undelivered }
            }
        };
        // Something may happen meanwhile.
        if self.dice.roll(4) == 0 {
            self.threads[at].act(&mut self.dice, now);
        }
        let id = effect.id();
        let _ = self.threads[at].with(now, |host, moment| host.ended(&id, outcome, moment));
    }

    fn step(&mut self) {
        let at = self.dice.below(self.threads.len());
        let thread = &mut self.threads[at];
        match self.dice.roll(12) {
            0..=2 => thread.act(&mut self.dice, self.now),
            3..=5 => thread.end(&mut self.dice, self.now),
            6 | 7 => self.deliver(at),
            8 => thread.crash(self.now),
            9 if self.dice.roll(4) == 0 => self.index.crash(),
            10 if !self.late.is_empty() => {
                let at = self.dice.below(self.late.len());
                let delivery = self.late.swap_remove(at);
                self.arrive(delivery);
            }
            _ => {
                self.now = self.now.plus(i64::try_from(self.dice.roll(3_000)).unwrap());
                self.threads.iter_mut().for_each(|thread| thread.ring(self.now));
                self.index.ring(self.now);
            }
        }
    }

    /// Until every delivery has arrived, and what is late has, too.
    fn drain(&mut self) {
        for _ in 0..150 {
            self.deliver_all();
            self.index.ring(self.now);
            self.now = self.now.plus(5_000);
        }
        for delivery in std::mem::take(&mut self.late) {
            self.index.ask(Command::Deliver(delivery), self.now);
        }
    }

    /// What is under way arrives.
    fn deliver_all(&mut self) {
        for at in 0..self.threads.len() {
            if let Some(effect) = self.threads[at].take_delivery() {
                let delivery = self.threads[at].says(self.now);
                let answer = delivery.and_then(|said| self.index.ask(Command::Deliver(said), self.now));
                let outcome = if answer.is_some() { Outcome::Done } else { Outcome::Undelivered };
                let (id, now) = (effect.id(), self.now);
                self.threads[at].with(now, |host, moment| host.ended(&id, outcome, moment)).unwrap();
            }
            self.threads[at].ring(self.now);
        }
    }

    fn check(&mut self) {
        let now = self.now;
        let (mut threads, mut runs) = (BTreeMap::new(), BTreeMap::new());
        for object in &mut self.threads {
            let Some(thread) = object.thread(now) else { continue };
            let shown: Value = serde_json::from_str(&Entry::of_thread(&thread).shown).unwrap();
            threads.insert(thread.id.to_string(), shown);
            for number in 1..=object.last_run {
                let Some(run) = object.run(number, now) else { continue };
                let mut shown: Value = serde_json::from_str(&Entry::of_run(&run, None).shown).unwrap();
                forget_user(&mut shown);
                runs.insert(run.id.to_string(), shown);
            }
        }
        let by_id = |all: Vec<Value>| -> BTreeMap<String, Value> {
            let count = all.len();
            let by_id: BTreeMap<_, _> =
                all.into_iter().map(|one| (one["id"].as_str().unwrap().to_owned(), one)).collect();
            assert_eq!(by_id.len(), count, "something is listed twice");
            by_id
        };
        assert_eq!(by_id(self.index.all(&list(Kind::Thread), now)), threads);
        let mut listed = self.index.all(&list(Kind::Run), now);
        listed.iter_mut().for_each(forget_user);
        assert_eq!(by_id(listed), runs);
        let labels = self.index.count("SELECT count(*) FROM labels WHERE id NOT IN (SELECT id FROM entries)");
        assert_eq!(labels, 0, "labels of nothing are left");
    }
}

/// A run is listed with the user that its thread had when it changed last.
fn forget_user(run: &mut Value) {
    run.as_object_mut().unwrap().remove("user");
}

#[test]
fn whatever_is_lost_late_or_twice_the_index_ends_as_what_the_threads_are() {
    for seed in 0..60 {
        let mut network = Network::new(seed);
        for _ in 0..400 {
            network.step();
        }
        network.drain();
        network.check();
    }
}

#[test]
fn a_run_goes_on_while_the_index_is_away_and_is_listed_once_it_is_back() {
    let mut network = Network::new(1);
    let object = &mut network.threads[0];
    let start = |object: &mut Object, now| {
        let start = Start {
            thread: Create { about: About::default(), ..object.create(&mut Dice(0)) },
            terms: terms_of_run(),
            max_usd: None,
            input: vec![Message::user("Go")],
            on_busy: OnBusy::Queue,
            may_make: true,
            behind: None,
            answers: false,
            watch: false,
            faults: Vec::new(),
        };
        let Some(thread::Answer::Run(run)) = object.ask(thread::Command::Start(Box::new(start)), now) else {
            panic!("no run")
        };
        object.last_run = run.id.number;
        object.end(&mut Dice(0), now);
    };
    // More runs than one delivery takes.
    for n in 0..250 {
        let now = START.plus(n * 1_000);
        start(object, now);
        object.ring(now);
        if let Some(effect) = object.take_delivery() {
            object.with(now, |host, moment| host.ended(&effect.id(), Outcome::Undelivered, moment)).unwrap();
        }
    }
    let row: String = object.disk.db().query_row("SELECT body FROM thread", [], |row| row.get(0)).unwrap();
    assert!(row.contains("\"runs\":[[1,250]]"), "{row}");
    network.now = START.plus(300_000);
    network.threads[0].ring(network.now);
    network.deliver_all();
    // It says that more of this kind may come, and in time says so no more.
    assert!(network.index.page(&list(Kind::Run), network.now).lag_ms > 40_000);
    network.drain();
    network.check();
    assert_eq!(network.index.all(&list(Kind::Run), network.now).len(), 250);
    assert_eq!(network.index.page(&list(Kind::Run), START.plus(3_000_000)).lag_ms, USUAL_LAG_MS);
    // The row says in the end that all is delivered, so that a restart delivers nothing.
    network.threads[0].crash(network.now);
    assert_eq!(network.threads[0].under_way, []);
}

#[test]
fn a_delivery_that_was_cut_by_a_crash_is_made_when_the_alarm_rings() {
    let mut network = Network::new(1);
    let object = &mut network.threads[0];
    let create = Create { about: About::default(), ..object.create(&mut Dice(0)) };
    object.ask(thread::Command::Create(create), START);
    object.host = Host::new(object.disk.clone());
    object.under_way.clear();
    // Nobody asks for it.
    network.now = START.plus(60_000);
    object.ring(network.now);
    network.deliver_all();
    assert_eq!(network.index.all(&list(Kind::Thread), network.now).len(), 1);
    // One that hangs is begun again, and its end counts no more.
    let object = &mut network.threads[0];
    object.ask(thread::Command::Append(WHO, vec![Message::user("Hi")]), network.now);
    let hangs = object.take_delivery().unwrap();
    network.now = network.now.plus(60_000);
    object.ring(network.now);
    let again = object.take_delivery().unwrap();
    assert_ne!(hangs.id(), again.id());
    let now = network.now;
    object.with(now, |host, moment| host.ended(&hangs.id(), Outcome::Done, moment)).unwrap();
    assert!(object.says(now).is_some(), "the second is under way");
    object.with(now, |host, moment| host.ended(&again.id(), Outcome::Done, moment)).unwrap();
    assert!(object.says(now).is_none());
}

/// A thread as the index is told of it, and runs.
fn delivery(dice: &mut Dice, n: u64) -> Delivery {
    let About { user, labels, .. } = about(dice);
    let at = START.plus(i64::try_from(dice.roll(40)).unwrap() * 1_000);
    let mut random = [0; 10];
    random[..8].copy_from_slice(&n.to_be_bytes());
    let key = ThreadKey::new(at, random);
    let mut entry = |run: Option<u32>, statuses: &[&str]| {
        let status = statuses[dice.below(statuses.len())];
        let agent = agent(u8::try_from(dice.roll(3)).unwrap());
        let updated_at = at.plus(i64::try_from(dice.roll(40)).unwrap() * 1_000);
        let id = run.map_or_else(|| key.to_string(), |number| RunId { thread: key, number }.to_string());
        let shown = json!({
            "id": id, "agent": agent.to_string(), "status": status, "user": user, "labels": labels,
            "created_at": at.0, "updated_at": updated_at.0,
        });
        let status = status.to_owned();
        Entry {
            run,
            agent,
            status,
            user: None,
            webhooks: Vec::new(),
            wait: None,
            created_at: at,
            updated_at,
            shown: shown.to_string(),
        }
    };
    let thread = entry(None, &["idle", "busy", "waiting"]);
    let runs = vec![entry(Some(1), &["completed", "failed"]), entry(Some(2), &["queued", "completed"])];
    Delivery {
        thread: key,
        version: 1,
        delivered: Some(Delivered {
            user: user.clone(),
            labels: labels.clone(),
            due_at: None,
            bytes: None,
            hidden: None,
            thread,
            runs,
            voices: Vec::new(),
        }),
    }
}

fn random_list(dice: &mut Dice) -> List {
    let kind = if dice.roll(2) == 0 { Kind::Thread } else { Kind::Run };
    let maybe =
        |dice: &mut Dice, all: &[&str]| (dice.roll(3) == 0).then(|| all[dice.below(all.len())].to_owned());
    let mut after = Position { at: Position::NEWEST, id: String::new() };
    if dice.roll(3) == 0 {
        after = Position::until(START.plus(i64::try_from(dice.roll(40)).unwrap() * 1_000));
    }
    List {
        order: if kind == Kind::Thread && dice.roll(2) == 0 { Order::Updated } else { Order::Created },
        kind,
        agent: (dice.roll(3) == 0).then(|| agent(u8::try_from(dice.roll(3)).unwrap())),
        status: maybe(dice, &["idle", "busy", "completed", "failed", "queued"]),
        user: maybe(dice, &["ada", "bob", "eve"]),
        label: maybe(dice, &["vip", "team", "team:blue", "beta", "none"]),
        since: if dice.roll(3) == 0 {
            START.plus(i64::try_from(dice.roll(40)).unwrap() * 1_000)
        } else {
            Millis(0)
        },
        after,
        limit: 1 + u32::try_from(dice.roll(20)).unwrap(),
    }
}

fn is_of(list: &List, one: &Value) -> bool {
    let text = |name: &str| one[name].as_str().map(str::to_owned);
    let labels: Vec<String> = serde_json::from_value(one["labels"].clone()).unwrap();
    let at = moment(list, one);
    let is_run = one["id"].as_str().unwrap().len() == 40;
    is_run == (list.kind == Kind::Run)
        && list.agent.is_none_or(|agent| text("agent") == Some(agent.to_string()))
        && list.status.as_ref().is_none_or(|status| text("status").as_ref() == Some(status))
        && list.user.as_ref().is_none_or(|user| text("user").as_ref() == Some(user))
        && list.label.as_ref().is_none_or(|label| terms(&labels).contains(label.as_str()))
        && at >= list.since.0
        && at < list.after.at.0
}

fn moment(list: &List, one: &Value) -> i64 {
    one[if list.order == Order::Updated { "updated_at" } else { "created_at" }].as_i64().unwrap()
}

#[test]
fn a_list_is_what_a_look_at_every_entry_would_find_newest_first() {
    let (mut dice, mut index, mut truth) = (Dice(5), Index::new(), Vec::new());
    for n in 0..300 {
        let delivery = delivery(&mut dice, n);
        let delivered = delivery.delivered.as_ref().unwrap();
        let entries = std::iter::once(&delivered.thread).chain(&delivered.runs);
        truth.extend(entries.map(|entry| serde_json::from_str::<Value>(&entry.shown).unwrap()));
        assert_eq!(index.ask(Command::Deliver(delivery), START), Some(Answer::Delivered));
    }
    let mut found = 0;
    for _ in 0..400 {
        let list = random_list(&mut dice);
        let mut wanted: Vec<&Value> = truth.iter().filter(|one| is_of(&list, one)).collect();
        let name = |one: &Value| one["id"].as_str().unwrap().replace('-', "");
        wanted.sort_by_key(|one| std::cmp::Reverse((moment(&list, one), name(one))));
        let listed = index.all(&list, START);
        assert_eq!(listed.iter().collect::<Vec<_>>(), wanted, "{list:?}");
        found += listed.len();
    }
    assert!(found > 5_000, "{found}");
}

#[test]
fn pages_stay_what_they_are_while_entries_come() {
    let (mut dice, mut index) = (Dice(9), Index::new());
    for n in 0..50 {
        index.ask(Command::Deliver(delivery(&mut dice, n)), START);
    }
    let before = index.all(&list(Kind::Thread), START);
    let (mut list, mut seen, mut n) = (list(Kind::Thread), Vec::new(), 1_000);
    loop {
        let page = index.page(&list, START);
        seen.extend(page.entries.iter().map(|text| serde_json::from_str::<Value>(text).unwrap()));
        n += 1;
        // Newer than all.
        let mut newer = delivery(&mut dice, n);
        newer.delivered.as_mut().unwrap().thread.created_at = START.plus(1_000_000);
        index.ask(Command::Deliver(newer), START);
        match page.next {
            Some(next) => list.after = next,
            None => break,
        }
    }
    assert_eq!(seen, before);
}

#[test]
fn a_filter_that_fits_nothing_looks_at_so_many_entries_and_no_more() {
    let (mut dice, mut index) = (Dice(3), Index::new());
    for n in 0..1_500 {
        index.ask(Command::Deliver(delivery(&mut dice, n)), START);
    }
    let nobody = List { agent: Some(agent(0)), status: Some("waiting".into()), ..list(Kind::Run) };
    index.disk.take_statements();
    let page = index.page(&nobody, START);
    assert_eq!(
        (page.entries.len(), page.next),
        (0, None),
        "no run has this status: its index says so at once"
    );
    // By an index that leaves many to be looked at: a page ends before the list.
    let rare = List { agent: Some(agent(7)), order: Order::Updated, ..list(Kind::Thread) };
    let page = index.page(&rare, START);
    assert_eq!(page.entries.len(), 0);
    assert_eq!(index.all(&rare, START), Vec::<Value>::new());
    assert!(index.disk.take_statements().len() < 40);
    for n in 1_500..4_000 {
        index.ask(Command::Deliver(delivery(&mut dice, n)), START);
    }
    let page = index.page(&rare, START);
    assert!(page.entries.is_empty() && page.next.is_some(), "a short page says where it goes on");
    assert_eq!(index.all(&rare, START), Vec::<Value>::new());
}

#[test]
fn a_deleted_thread_is_gone_at_once_with_all_its_runs_and_nothing_late_revives_it() {
    let mut index = Index::new();
    let mut late = delivery(&mut Dice(1), 1);
    let key = late.thread;
    late.version = 5;
    let delivered = late.delivered.as_mut().unwrap();
    let model = delivered.runs[0].clone();
    for first in (1..=1_200).step_by(100) {
        let runs = (first..first + 100).map(|run| Entry { run: Some(run), ..model.clone() }).collect();
        late.delivered.as_mut().unwrap().runs = runs;
        assert!(index.ask(Command::Deliver(late.clone()), START).is_some());
    }
    assert_eq!(index.count("SELECT count(*) FROM entries WHERE kind = 1"), 1_200);
    let gone = Delivery { thread: key, version: 9, delivered: None };
    index.ask(Command::Deliver(gone.clone()), START);
    for _ in 0..5 {
        assert!(
            index.all(&list(Kind::Run), START).is_empty() && index.all(&list(Kind::Thread), START).is_empty()
        );
        index.ask(Command::Deliver(late.clone()), START);
        index.ask(Command::Deliver(gone.clone()), START);
        index.crash();
        index.ask(Command::Overdue(0), START);
        index.ring(START);
    }
    assert_eq!(index.count("SELECT count(*) FROM entries"), 1, "what keeps late deliveries out");
    assert_eq!(index.count("SELECT count(*) FROM labels"), 0);
    // Nor what is of another thread of this name, which came and went meanwhile.
    index.ask(Command::Deliver(Delivery { version: 12, ..gone.clone() }), START);
    index.ask(Command::Deliver(Delivery { version: 11, ..late }), START);
    assert_eq!(index.count("SELECT count(*) FROM entries"), 1);
    // In a week that goes, too.
    let later = START.plus(8 * 24 * 60 * 60 * 1_000);
    index.ring(later);
    assert_eq!(index.count("SELECT count(*) FROM entries"), 0);
    // A thread of the same name is another.
    index.ask(Command::Deliver(gone), later);
    let again = Delivery { version: 20, ..delivery(&mut Dice(1), 1) };
    index.ask(Command::Deliver(again), later);
    assert_eq!(index.all(&list(Kind::Run), later).len(), 2);
}

#[test]
fn what_is_delivered_again_writes_nothing() {
    let mut index = Index::new();
    let delivery = delivery(&mut Dice(4), 1);
    index.ask(Command::Deliver(delivery.clone()), START);
    index.disk.take_statements();
    index.ask(Command::Deliver(delivery), START);
    let written: BTreeSet<String> = index.disk.take_statements().into_iter().collect();
    assert!(written.iter().all(|statement| statement.starts_with("SELECT")), "{written:?}");
}

#[test]
fn threads_that_are_overdue_are_named_in_turn_until_they_say_otherwise() {
    let mut index = Index::new();
    assert_eq!(index.ask(Command::Overdue(20), START), Some(Answer::Overdue(Vec::new())));
    let minute = |n: i64| START.plus(n * 60_000);
    let due = |n: u8, version: u64, due_at: Option<Millis>| Delivery {
        thread: ThreadKey::new(START, [n; 10]),
        version,
        delivered: Some(Delivered { due_at, ..fixed().delivered.unwrap() }),
    };
    for n in 1..=5 {
        index.ask(Command::Deliver(due(n, 1, (n < 5).then(|| minute(n.into())))), START);
    }
    let named = |index: &mut Index, at: i64, most: u32| match index.ask(Command::Overdue(most), minute(at)) {
        Some(Answer::Overdue(threads)) => threads,
        other => panic!("{other:?}"),
    };
    let thread = |n: u8| ThreadKey::new(START, [n; 10]);
    assert_eq!(named(&mut index, 3, 20), [], "a little late is not lost");
    assert_eq!(named(&mut index, 10, 3), [thread(1), thread(2), thread(3)]);
    index.crash();
    assert_eq!(named(&mut index, 10, 3), [thread(4)], "who was named has time to answer");
    // One is at work, one idle, one gone.
    index.ask(Command::Deliver(due(1, 2, Some(minute(60)))), minute(10));
    index.ask(Command::Deliver(due(2, 2, None)), minute(10));
    index.ask(Command::Deliver(Delivery { delivered: None, ..due(3, 2, None) }), minute(10));
    assert_eq!(named(&mut index, 20, 20), [thread(4)]);
    assert_eq!(named(&mut index, 70, 20), [thread(4), thread(1)]);
}

/// Each command and answer as it passes between a Worker and an object, see [`crate::commands`].
#[test]
fn what_is_written_is_what_this_version_recorded() {
    let whole = Delivery { version: 7, ..fixed() };
    let bare = Delivered { user: None, labels: Vec::new(), runs: Vec::new(), ..fixed().delivered.unwrap() };
    let due = Delivered { due_at: Some(START), ..fixed().delivered.unwrap() };
    let counted = Delivered {
        bytes: Some(9),
        hidden: Some(Hidden { is_counted: true, is_kept: false }),
        ..fixed().delivered.unwrap()
    };
    let voice = |number, user: Option<&str>| Voice { number, user: user.map(str::to_owned), since: START };
    let heard =
        Delivered { voices: vec![voice(1, Some("eve")), voice(2, None)], ..fixed().delivered.unwrap() };
    let run = RunId { thread: fixed().thread, number: 1 };
    let all = KeepLimits { threads: Some(10), storage_mb: Some(100), runs_at_once: Some(1), memories: None };
    let claim = |begins: Begins, limits: KeepLimits| Claim {
        id: "one".to_owned(),
        thread: fixed().thread,
        makes_thread: begins == Begins::Run,
        begins,
        limits,
    };
    let full = List {
        order: Order::Updated,
        agent: Some(agent(1)),
        status: Some("idle".into()),
        user: Some("ada".into()),
        label: Some("team".into()),
        since: START,
        after: Position { at: START, id: "0199".into() },
        ..list(Kind::Thread)
    };
    let mut waiting = fixed();
    let entry = &mut waiting.delivered.as_mut().unwrap().runs[0];
    (entry.status, entry.webhooks, entry.wait) = ("waiting".to_owned(), vec!["crm".to_owned()], Some(2));
    let (account, erasure) = (AccountId::new(START, [3; 10]), ErasureId::new(START, [4; 10]));
    let memories = Tally { memories: 3, version: 7 };
    let hold = Hold {
        user: "ada".to_owned(),
        reason: Some("Case 4711".to_owned()),
        placed_by: "operator".to_owned(),
        placed_at: START,
    };
    let receipt = Receipt {
        id: erasure,
        user_digest: digest(account, "ada"),
        status: Status::Done,
        requested_by: "operator".to_owned(),
        requested_at: START,
        finished_at: Some(START),
        threads: 1,
        runs: 2,
        memories: 3,
        items: 4,
    };
    let commands = [
        Command::Deliver(whole),
        Command::Deliver(Delivery { delivered: Some(bare), ..fixed() }),
        Command::Deliver(Delivery { delivered: None, ..fixed() }),
        Command::List(full),
        Command::List(list(Kind::Run)),
        Command::Deliver(Delivery { delivered: Some(due), ..fixed() }),
        Command::Overdue(20),
        Command::Threads(Some(fixed().thread), 1_000),
        Command::Threads(None, 1),
        Command::Claim(claim(Begins::Nothing, KeepLimits::NONE)),
        Command::Claim(claim(Begins::Run, all)),
        Command::Claim(claim(Begins::This(run), all)),
        Command::Settle("one".to_owned(), Some(run)),
        Command::Settle("one".to_owned(), None),
        Command::Kept,
        Command::Place("a:memory:ada".to_owned(), true),
        Command::Places(Some("a:memory:ada".to_owned()), 10),
        Command::Places(None, 10),
        Command::Emptied("a:memory:ada".to_owned(), 9),
        Command::Deliver(Delivery { delivered: Some(counted), ..fixed() }),
        Command::Deliver(Delivery { delivered: Some(heard), ..fixed() }),
        Command::ClaimMemory("a:memory:ada".to_owned(), "one".to_owned(), 10),
        Command::Counted("a:memory:ada".to_owned(), memories, Some("one".to_owned())),
        Command::Counted("a:memory:ada".to_owned(), memories, None),
        Command::Erase(Erase { id: erasure, account, user: "ada".to_owned(), by: "operator".to_owned() }),
        Command::Erasure(erasure),
        Command::Erasures(Some(erasure), 50),
        Command::Erasures(None, 50),
        Command::Hold(hold.clone()),
        Command::Release("ada".to_owned()),
        Command::ShowHold("ada".to_owned()),
        Command::Holds(Some("ada".to_owned()), 50),
        Command::Holds(None, 50),
        Command::MayGo(Whose::User("ada".to_owned())),
        Command::MayGo(Whose::Thread(fixed().thread)),
        Command::Retain(Retain { account, overdue: 20, all: Some(30), agents: vec![(agent(1), 7)] }),
        Command::Retain(Retain { account, overdue: 20, all: None, agents: Vec::new() }),
        Command::Deliver(waiting),
        Command::Learn(AccountId::new(START, [3; 10]), vec![learned(true), learned(false)]),
        Command::Notices(Notices {
            webhook: "crm".into(),
            status: Some(State::Dead),
            after: Some(Place { at: START, id: "msg_1".into() }),
            limit: 50,
        }),
        Command::Notices(Notices { webhook: "crm".into(), status: None, after: None, limit: 50 }),
        Command::Resend("crm".into(), "msg_1".into()),
        Command::Try(Trial { webhook: "crm".into(), id: "msg_1".into(), body: "{}".into() }),
    ];
    let next = Some(Position { at: START, id: "0199".into() });
    let answers = [
        Answer::Delivered,
        Answer::Listed(Listed { entries: vec!["{}".into()], next, lag_ms: 1_000 }),
        Answer::Listed(Listed { entries: Vec::new(), next: None, lag_ms: 60_000 }),
        Answer::Woken,
        Answer::Overdue(vec![fixed().thread]),
        Answer::Overdue(Vec::new()),
        Answer::Threads(vec![fixed().thread]),
        Answer::Claimed,
        Answer::Full(KeepLimit::Threads, 10),
        Answer::Full(KeepLimit::StorageMb, 0),
        Answer::Full(KeepLimit::RunsAtOnce, 1),
        Answer::Settled,
        Answer::Placed,
        Answer::Places(vec!["a:memory:ada".to_owned()]),
        Answer::Kept(Kept { threads: 3, bytes: 2_000_001, runs: 1, memories: 4 }),
        Answer::Full(KeepLimit::Memories, 5),
        Answer::Erasure(Box::new(receipt.clone())),
        Answer::Erasure(Box::new(Receipt { status: Status::Held, finished_at: None, ..receipt.clone() })),
        Answer::NoSuchErasure,
        Answer::Erasures(vec![receipt], true),
        Answer::Hold(hold.clone()),
        Answer::Released(true),
        Answer::Holds(vec![Hold { reason: None, ..hold }]),
        Answer::NotHeld,
        Answer::Held,
        Answer::MayGo,
        Answer::Heard,
        Answer::NotYet,
        Answer::Learned,
        Answer::Notices(vec![notice(true), notice(false)], true),
        Answer::Notice(Box::new(notice(false))),
        Answer::NoSuchNotice,
        Answer::NotEnabled,
    ];
    let written: Vec<Value> = commands.iter().map(|one| serde_json::to_value(one).unwrap()).collect();
    check("dispatch", VERSION, "commands", &written);
    let written: Vec<Value> = answers.iter().map(|one| serde_json::to_value(one).unwrap()).collect();
    check("dispatch", VERSION, "answers", &written);
    for text in recorded("dispatch", VERSION, "commands") {
        let read = wire::decode::<Command>(&text.to_string()).unwrap();
        assert!(commands.contains(&read), "{text}");
    }
}

fn learned(is_there: bool) -> Learned {
    let body = is_there.then(|| "{}".to_owned());
    Learned { kind: "webhook".to_owned(), name: "crm".to_owned(), revision: 9, body }
}

fn notice(is_sent: bool) -> NoticeView {
    NoticeView {
        id: "msg_1".to_owned(),
        event: "run.completed".to_owned(),
        run: is_sent.then(|| "0199".to_owned()),
        status: if is_sent { State::Sent } else { State::Pending },
        attempts: 3,
        last_status: is_sent.then_some(204),
        last_error: (!is_sent).then(|| "the receiver answered 500".to_owned()),
        next_at: (!is_sent).then_some(START),
        created_at: START,
        ended_at: is_sent.then_some(START),
    }
}

fn fixed() -> Delivery {
    let entry = |run, status: &str| Entry {
        run,
        user: None,
        webhooks: Vec::new(),
        wait: None,
        agent: agent(1),
        status: status.to_owned(),
        created_at: START,
        updated_at: START.plus(5),
        shown: "{}".to_owned(),
    };
    let (user, labels) = (Some("ada".to_owned()), vec!["team:blue".to_owned()]);
    let runs = vec![entry(Some(1), "completed")];
    let delivered = Delivered {
        user,
        labels,
        due_at: None,
        bytes: None,
        hidden: None,
        thread: entry(None, "idle"),
        runs,
        voices: Vec::new(),
    };
    Delivery { thread: ThreadKey::new(START, [1; 10]), version: 3, delivered: Some(delivered) }
}
