//! Messages to webhooks: whatever dies or is said twice, each event becomes one message, which is sent until it is taken, with
//! the same words each time; and a receiver that hangs keeps no other waiting.

use std::collections::{BTreeMap, BTreeSet};

use retinue::domain::admission::command::Learned;
use retinue::domain::dispatch::command::{Answer, Command, Delivered, Delivery};
use retinue::domain::dispatch::effect::{Effect, Outcome, Progress};
use retinue::domain::dispatch::entry::Entry;
use retinue::domain::dispatch::notice::{NoticeView, Notices, State, Trial};
use retinue::domain::ids::{AccountId, AgentId};
use retinue::domain::thread::id::ThreadKey;
use retinue::domain::time::Millis;
use retinue::object::dispatch::Dispatch;
use retinue::object::host::{Host, Reply};
use retinue::object::machine::Moment;
use serde_json::json;

use crate::disk::{Disk, Side};

const START: Millis = Millis(1_795_262_400_000);
const HOUR: i64 = 60 * 60_000;
const DAY: i64 = 24 * HOUR;

fn account() -> AccountId {
    AccountId::new(START, [3; 10])
}

/// Deterministic noise.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn below(&mut self, sides: usize) -> usize {
        usize::try_from(self.roll(sides as u64)).unwrap()
    }
}

/// A dispatch object and its platform.
struct Office {
    disk: Disk,
    host: Host<Dispatch, Disk>,
    alarm: Option<Millis>,
    under_way: Vec<Effect>,
    now: Millis,
}

impl Office {
    fn new() -> Self {
        let disk = Disk::new();
        Self { host: Host::new(disk.clone()), disk, alarm: None, under_way: Vec::new(), now: START }
    }

    fn with<T>(&mut self, work: impl FnOnce(&mut Host<Dispatch, Disk>, &mut Moment<'_>) -> T) -> T {
        let mut random = || [0; 10];
        let done = work(&mut self.host, &mut Moment { now: self.now, random: &mut random });
        let todo = self.host.take_todo();
        self.alarm = todo.alarm.or(self.alarm);
        self.under_way.extend(todo.effects.into_iter().map(|effect| effect.what));
        done
    }

    fn ask(&mut self, command: Command) -> Option<Answer> {
        match self.with(|host, moment| host.command(command, moment)) {
            Reply::Now(answer) => answer.ok(),
            Reply::Later(_) => panic!("it answers at once"),
        }
    }

    fn pass(&mut self, ms: i64) {
        self.now = self.now.plus(ms);
        if self.alarm.take_if(|at| *at <= self.now).is_some()
            && self.with(|host, moment| host.wake(moment)).is_err()
        {
            // The platform rings again.
            self.alarm = Some(self.now);
        }
    }

    fn crash(&mut self) {
        self.host = Host::new(self.disk.clone());
        self.under_way.clear();
    }

    fn learn(&mut self, name: &str, revision: u64, more: &serde_json::Value) {
        let mut body = json!({"url": "https://a.example.com", "events": ["run.completed", "run.waiting"],
            "runs": "all", "enabled": true, "secrets": []});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let body = Some(body.to_string());
        let thing = Learned { kind: "webhook".to_owned(), name: name.to_owned(), revision, body };
        assert_eq!(self.ask(Command::Learn(account(), vec![thing])), Some(Answer::Learned));
    }

    fn tell(&mut self, n: u8, version: u64, run: Entry) {
        self.ask(Command::Deliver(delivery(n, version, run)));
    }

    fn list(&mut self, webhook: &str, status: Option<State>) -> Vec<NoticeView> {
        let list = Notices { webhook: webhook.to_owned(), status, after: None, limit: 10_000 };
        match self.ask(Command::Notices(list)) {
            Some(Answer::Notices(all, false)) => all,
            other => panic!("{other:?}"),
        }
    }

    /// The message that is under way at this place.
    fn notice(&self, at: usize) -> String {
        match &self.under_way[at] {
            Effect::Send { notice, .. } => notice.clone(),
            other => panic!("{other:?}"),
        }
    }

    fn end(&mut self, at: usize, outcome: Outcome) {
        let id = self.under_way.remove(at).id();
        let _ = self.with(|host, moment| host.ended(&id, outcome, moment));
    }

    /// Each that is under way ends so, and whatever follows at once.
    fn end_all(&mut self, outcome: &Outcome) {
        while !self.under_way.is_empty() {
            self.end(0, outcome.clone());
        }
    }
}

fn answered(status: u16) -> Outcome {
    Outcome::Answered { status, retry_after_ms: None }
}

fn entry(run: Option<u32>, status: &str, wait: Option<u32>) -> Entry {
    Entry {
        run,
        agent: AgentId::new(START, [1; 10]),
        status: status.to_owned(),
        user: None,
        webhooks: Vec::new(),
        wait,
        created_at: START,
        updated_at: START,
        shown: "{}".to_owned(),
    }
}

fn delivery(n: u8, version: u64, run: Entry) -> Delivery {
    let delivered = Delivered {
        user: None,
        labels: Vec::new(),
        due_at: None,
        bytes: None,
        hidden: None,
        thread: entry(None, "idle", None),
        runs: vec![run],
        voices: Vec::new(),
    };
    Delivery { thread: ThreadKey::new(START, [n; 10]), version, delivered: Some(delivered) }
}

#[test]
fn an_end_is_one_message_however_often_it_is_told_and_each_wait_is_another() {
    let mut office = Office::new();
    office.learn("crm", 1, &json!({}));
    for (version, status, wait) in [
        (1, "in_progress", None),
        (2, "waiting", Some(1)),
        (2, "waiting", Some(1)),
        (3, "in_progress", None),
        (4, "waiting", Some(2)),
        (3, "waiting", Some(1)),
        // It waits for a time.
        (5, "waiting", None),
        (6, "completed", None),
        (6, "completed", None),
        (7, "completed", None),
    ] {
        office.tell(1, version, entry(Some(1), status, wait));
        office.crash();
    }
    let events: Vec<String> = office.list("crm", None).into_iter().map(|notice| notice.event).collect();
    assert_eq!(events.iter().filter(|event| *event == "run.completed").count(), 1, "{events:?}");
    assert_eq!(events.iter().filter(|event| *event == "run.waiting").count(), 2, "{events:?}");
    // Neither what it does not hear of, nor what was over long ago.
    office.tell(2, 1, entry(Some(1), "failed", None));
    office.now = START.plus(4 * DAY);
    office.tell(3, 1, entry(Some(1), "completed", None));
    assert_eq!(office.list("crm", None).len(), 3);
}

#[test]
fn a_webhook_hears_of_all_runs_or_of_those_that_name_it() {
    let mut office = Office::new();
    office.learn("all", 1, &json!({}));
    office.learn("named", 2, &json!({"runs": "named"}));
    office.learn("off", 3, &json!({"enabled": false}));
    office.tell(1, 1, entry(Some(1), "completed", None));
    let named =
        Entry { webhooks: vec!["named".to_owned(), "off".to_owned()], ..entry(Some(1), "completed", None) };
    office.tell(2, 1, named);
    let count = |office: &mut Office, name: &str| office.list(name, None).len();
    assert_eq!(["all", "named", "off"].map(|name| count(&mut office, name)), [2, 1, 0]);
}

#[test]
fn a_message_is_tried_ten_times_within_a_day_and_then_given_up_until_somebody_says_otherwise() {
    let mut office = Office::new();
    office.learn("crm", 1, &json!({}));
    office.tell(1, 1, entry(Some(1), "completed", None));
    let mut attempts = 0;
    for _ in 0..100_000 {
        if !office.under_way.is_empty() {
            attempts += 1;
            office.end_all(&answered(if attempts % 2 == 0 { 500 } else { 302 }));
        }
        if office.list("crm", Some(State::Dead)).len() == 1 {
            break;
        }
        office.pass(1_000);
    }
    assert_eq!(attempts, 10);
    let dead = office.list("crm", None).remove(0);
    let hours = dead.ended_at.unwrap().since(START) / HOUR.unsigned_abs();
    assert_eq!((dead.attempts, dead.last_status, hours), (10, Some(500), 24));
    let again = office.ask(Command::Resend("crm".to_owned(), dead.id.clone()));
    assert!(matches!(again, Some(Answer::Notice(view)) if view.status == State::Pending));
    assert_eq!(office.notice(0), dead.id, "the same id");
    office.end(0, answered(204));
    let sent = office.list("crm", Some(State::Sent)).remove(0);
    assert_eq!((sent.attempts, sent.last_status, sent.last_error), (1, Some(204), None));
    // One that was sent, too; and what there is not is not.
    office.ask(Command::Resend("crm".to_owned(), dead.id.clone()));
    assert_eq!(office.under_way.len(), 1);
    assert_eq!(office.ask(Command::Resend("other".to_owned(), dead.id)), Some(Answer::NoSuchNotice));
}

#[test]
fn a_receiver_that_is_gone_is_asked_no_more_until_its_webhook_is_written_again() {
    let mut office = Office::new();
    office.learn("crm", 1, &json!({}));
    for n in 1..=4 {
        office.tell(n, 1, entry(Some(1), "completed", None));
    }
    assert_eq!(office.under_way.len(), 2);
    office.end(0, answered(410));
    // The other one that was under way may be taken all the same.
    office.end(0, answered(200));
    assert_eq!(office.list("crm", Some(State::Dead)).len(), 3);
    let [Effect::Disable { webhook, .. }] = &office.under_way[..] else { panic!("{:?}", office.under_way) };
    assert_eq!(webhook, "crm");
    // The directory is away, and the object dies.
    office.end(0, Outcome::Undone);
    office.crash();
    office.tell(5, 1, entry(Some(1), "completed", None));
    assert!(matches!(office.under_way[..], [Effect::Disable { .. }]), "it is told again");
    office.end(0, Outcome::Done);
    assert_eq!(office.list("crm", Some(State::Pending)).len(), 0);
    let id = office.list("crm", Some(State::Dead))[0].id.clone();
    assert_eq!(office.ask(Command::Resend("crm".to_owned(), id)), Some(Answer::NotEnabled));
    office.learn("crm", 2, &json!({}));
    office.tell(6, 1, entry(Some(1), "completed", None));
    assert_eq!(office.under_way.len(), 1);
}

#[test]
fn a_receiver_that_is_gone_says_nothing_of_the_address_that_is_asked_since() {
    let mut office = Office::new();
    office.learn("crm", 1, &json!({}));
    office.tell(1, 1, entry(Some(1), "completed", None));
    office.learn("crm", 2, &json!({"url": "https://b.example.com"}));
    office.end(0, answered(410));
    assert!(
        office.under_way.iter().all(|effect| matches!(effect, Effect::Send { .. })),
        "{:?}",
        office.under_way
    );
    assert_eq!(office.list("crm", Some(State::Pending)).len(), 1, "it is sent to the new address");
}

#[test]
fn an_attempt_of_which_nothing_is_heard_counts() {
    let mut office = Office::new();
    office.learn("crm", 1, &json!({}));
    office.tell(1, 1, entry(Some(1), "completed", None));
    for attempts in 1..=3 {
        office.under_way.clear();
        office.pass(61_000);
        assert_eq!(office.list("crm", Some(State::Pending))[0].attempts, attempts);
        office.pass(2 * HOUR);
        assert_eq!(office.under_way.len(), 1, "after {attempts}");
    }
}

#[test]
fn receivers_that_hang_keep_no_other_waiting() {
    let mut office = Office::new();
    for n in 0..5 {
        office.learn(&format!("hangs-{n}"), n + 1, &json!({}));
    }
    for n in 1..=20 {
        office.tell(n, 1, entry(Some(1), "completed", None));
    }
    // All of them are found out.
    for _ in 0..10 {
        assert!(office.under_way.len() <= 6);
        office.pass(15_000);
        office.end_all_once(&Outcome::Failed("it hangs".to_owned()));
    }
    assert!(office.under_way.len() <= 3, "{:?}", office.under_way);
    office.learn("good", 9, &json!({}));
    let ahead = office.under_way.len();
    office.tell(30, 1, entry(Some(1), "completed", None));
    let good = office.list("good", None).remove(0);
    let begun: Vec<String> = (ahead..office.under_way.len()).map(|at| office.notice(at)).collect();
    assert!(begun.contains(&good.id), "it is sent at once");
}

impl Office {
    /// Each that is under way now ends so.
    fn end_all_once(&mut self, outcome: &Outcome) {
        for _ in 0..self.under_way.len() {
            self.end(0, outcome.clone());
        }
    }
}

#[test]
fn what_nobody_says_the_end_of_is_sent_again() {
    let mut office = Office::new();
    office.learn("crm", 1, &json!({}));
    office.tell(1, 1, entry(Some(1), "completed", None));
    let lost = office.under_way.remove(0);
    office.pass(61_000);
    office.pass(HOUR);
    assert_eq!(office.under_way.len(), 1);
    office.end(0, answered(200));
    let said = office.with(|host, moment| host.ended(&lost.id(), answered(500), moment));
    assert!(said.is_ok());
    assert_eq!(office.list("crm", Some(State::Sent)).len(), 1, "what is said late changes nothing");
}

#[test]
fn messages_go_with_their_thread_and_with_their_webhook() {
    let mut office = Office::new();
    office.learn("crm", 1, &json!({}));
    office.learn("erp", 2, &json!({}));
    office.tell(1, 1, entry(Some(1), "completed", None));
    office.tell(2, 1, entry(Some(1), "completed", None));
    office.ask(Command::Deliver(Delivery {
        thread: ThreadKey::new(START, [1; 10]),
        version: 5,
        delivered: None,
    }));
    assert_eq!((office.list("crm", None).len(), office.list("erp", None).len()), (1, 1));
    let gone = Learned { kind: "webhook".to_owned(), name: "crm".to_owned(), revision: 3, body: None };
    office.ask(Command::Learn(account(), vec![gone]));
    assert_eq!((office.list("crm", None).len(), office.list("erp", None).len()), (0, 1));
    // An older state of it does not revive it.
    office.learn("crm", 2, &json!({}));
    office.tell(3, 1, entry(Some(1), "completed", None));
    assert_eq!((office.list("crm", None).len(), office.list("erp", None).len()), (0, 2));
}

#[test]
fn sent_messages_are_kept_for_a_week_and_dead_ones_for_a_month() {
    let mut office = Office::new();
    office.learn("crm", 1, &json!({}));
    office.tell(1, 1, entry(Some(1), "completed", None));
    office.end(0, answered(200));
    office.tell(2, 1, entry(Some(1), "completed", None));
    office.learn("crm", 2, &json!({"enabled": false}));
    office.end(0, answered(500));
    for (days, kept) in [(6, 2), (8, 1), (29, 1), (31, 0)] {
        office.pass(START.plus(days * DAY).0 - office.now.0);
        assert_eq!(office.list("crm", None).len(), kept, "{days}");
    }
}

#[test]
fn more_messages_than_may_wait_are_given_up_and_say_so() {
    let mut office = Office::new();
    office.learn("crm", 1, &json!({}));
    for n in 0..5_010 {
        let trial = Trial { webhook: "crm".to_owned(), id: format!("msg_{n}"), body: "{}".to_owned() };
        assert!(matches!(office.ask(Command::Try(trial)), Some(Answer::Notice(_))));
    }
    let dead = office.list("crm", Some(State::Dead));
    assert_eq!((office.list("crm", Some(State::Pending)).len(), dead.len()), (5_000, 10));
    assert!(dead[0].last_error.as_ref().unwrap().contains("too many"), "{:?}", dead[0]);
}

/// What receivers have taken and seen, by message.
#[derive(Default)]
struct Receivers {
    taken: BTreeSet<String>,
    said: BTreeMap<String, BTreeSet<String>>,
}

/// One attempt, as who performs it goes about it; it may be cut anywhere.
fn attempt(office: &mut Office, dice: &mut Dice, seen: &mut Receivers) {
    if office.under_way.is_empty() {
        return;
    }
    let effect = office.under_way.remove(dice.below(office.under_way.len()));
    let Effect::Send { notice, .. } = &effect else {
        let _ = office.with(|host, moment| host.ended(&effect.id(), Outcome::Done, moment));
        return;
    };
    let read = |office: &mut Office| {
        let posting =
            office.with(|host, moment| host.look_at(moment, |dispatch, disk| dispatch.posting(disk, notice)));
        posting.ok().flatten()
    };
    let Some(mut posting) = read(office) else { return };
    if posting.body.is_none() {
        // The run may be shown otherwise each time that it is read.
        let body = format!("body {}", dice.roll(1_000_000));
        let _ = office.with(|host, moment| host.progress(&effect.id(), Progress::Body(body), moment));
        let Some(kept) = read(office) else { return };
        posting = kept;
    }
    let Some(body) = posting.body else { return };
    if dice.roll(8) == 0 {
        return;
    }
    seen.said.entry(notice.clone()).or_default().insert(body);
    let outcome = match dice.roll(8) {
        0 => answered(500),
        1 => Outcome::Failed("it hangs".to_owned()),
        _ => answered(200),
    };
    if outcome == answered(200) {
        seen.taken.insert(notice.clone());
    }
    // The receiver has it, and we may never learn that.
    if dice.roll(8) > 0 {
        let _ = office.with(|host, moment| host.ended(&effect.id(), outcome, moment));
    }
}

#[test]
fn whatever_dies_every_event_is_one_message_that_is_taken_with_the_same_words() {
    for seed in 0..16 {
        let (mut office, mut dice, mut seen) = (Office::new(), Dice(seed), Receivers::default());
        office.learn("crm", 1, &json!({}));
        office.learn("erp", 2, &json!({"events": ["run.completed"]}));
        let mut waits = BTreeMap::new();
        let mut over = BTreeSet::new();
        for version in 1..200 {
            if dice.roll(10) == 0 {
                let side = if dice.roll(2) == 0 { Side::Before } else { Side::After };
                office.disk.fail(1 + u32::try_from(dice.roll(8)).unwrap(), side);
            }
            match dice.roll(10) {
                0..=2 => {
                    let n = u8::try_from(dice.roll(20)).unwrap();
                    let wait: &mut u32 = waits.entry(n).or_default();
                    let (status, said) = match dice.roll(3) {
                        _ if over.contains(&n) => ("completed", None),
                        0 => ("completed", None),
                        1 => ("in_progress", None),
                        _ => ("waiting", Some(*wait + 1)),
                    };
                    let run = entry(Some(1), status, said);
                    let arrived = office.ask(Command::Deliver(delivery(n, version, run.clone())));
                    // What is not confirmed is delivered again.
                    if arrived.is_none() {
                        office.disk.call_off();
                        office.tell(n, version, run);
                    }
                    *wait = said.unwrap_or(*wait);
                    over.extend((status == "completed").then_some(n));
                }
                3..=6 => attempt(&mut office, &mut dice, &mut seen),
                7 if dice.roll(4) == 0 => office.crash(),
                _ => office.pass(i64::try_from(dice.roll(20_000)).unwrap()),
            }
            assert!(office.under_way.len() < 30);
            office.disk.call_off();
        }
        for _ in 0..3_000 {
            for _ in 0..office.under_way.len() {
                attempt(&mut office, &mut dice, &mut seen);
            }
            office.pass(30_000);
            if ["crm", "erp"].iter().all(|name| office.list(name, Some(State::Pending)).is_empty()) {
                break;
            }
        }
        let all: Vec<NoticeView> = ["crm", "erp"].iter().flat_map(|name| office.list(name, None)).collect();
        let waited: u32 = waits.values().sum();
        assert_eq!(all.len(), 2 * over.len() + waited as usize, "seed {seed}");
        for notice in all {
            assert_eq!(notice.status, State::Sent, "seed {seed}: {notice:?}");
            assert!(seen.taken.contains(&notice.id));
            assert_eq!(seen.said[&notice.id].len(), 1, "seed {seed}: the same words in each attempt");
        }
    }
}
