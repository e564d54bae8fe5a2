//! A thread's object on a stage where anything may happen: clients, models, tools, crashes, disks that fail.

use std::collections::{BTreeMap, BTreeSet};

use retinue::domain::admission::command::{CallRecord, CallStatus, UsageKind};
use retinue::domain::ids::{AccountId, AgentId, CallId};
use retinue::domain::message::{AssistantPart, Event as Said, Finish, Message, ToolCall, Usage};
use retinue::domain::money::Nanos;
use retinue::domain::run::delta::{Delta, Streaming};
use retinue::domain::run::event::{Event, Numbered};
use retinue::domain::run::happening::{Answered, Fault};
use retinue::domain::run::input::{Given, Input};
use retinue::domain::run::manner::Manner;
use retinue::domain::run::misfit::{Checked, Misfit};
use retinue::domain::run::state::{Failure, Run};
use retinue::domain::run::terms::{Limits, OnBudget, OnUnknown, Priority, Starter, Terms};
use retinue::domain::run::tool::{Effect as ToolEffect, How};
use retinue::domain::schema;
use retinue::domain::thread::about::About;
use retinue::domain::thread::command::{Answer, Command, Create, OnBusy, Start, Watch, Who};
use retinue::domain::thread::effect::{Effect, ForLedger, Outcome, Progress};
use retinue::domain::thread::id::{EntryId, RunId, ThreadKey};
use retinue::domain::thread::item::Item;
use retinue::domain::thread::once::{IdempotencyKey, Once};
use retinue::domain::thread::transcript::sendable;
use retinue::domain::time::Millis;
use retinue::object::host::{Host, Reply, Timer};
use retinue::object::machine::Moment;
use retinue::object::store::thread::{Part, items};
use retinue::object::thread::Thread;
use serde_json::{Value, json};

use crate::compaction;
use crate::disk::{Disk, Side};

pub const START: Millis = Millis(1_795_262_400_000);
pub const WHO: Who = Who::Account;

/// Deterministic noise.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let sides = all.len() as u64;
        if sides == 0 { None } else { all.get(usize::try_from(self.roll(sides)).unwrap()) }
    }
}

pub fn agent() -> AgentId {
    AgentId::new(START, [2; 10])
}

pub fn key() -> ThreadKey {
    ThreadKey::new(START, [1; 10])
}

pub fn create() -> Create {
    let account = AccountId::new(START, [3; 10]);
    Create {
        account,
        key: key(),
        name: None,
        agent: agent(),
        version: None,
        about: About::default(),
        throw_away: None,
        items: Vec::new(),
    }
}

pub fn once(key: &str, body: &str) -> Once {
    Once::new(&IdempotencyKey::parse(key).unwrap(), body.as_bytes())
}

pub fn terms(on_unknown: OnUnknown) -> Terms {
    Terms {
        agent: agent(),
        version: 1,
        started_by: Starter::Anonymous,
        user: None,
        limits: Limits { max_steps: 6, ..Limits::default() },
        on_unknown,
        on_budget: OnBudget::Wait,
        priority: Priority::Normal,
        variables: BTreeMap::new(),
        tools: Vec::new(),
        manner: Manner::default(),
        parent: None,
        via: None,
        typed: false,
        webhooks: Vec::new(),
        hands_over: false,
        request: None,
    }
}

/// Who watches a run: what it holds of each item, and what it has seen last.
#[derive(Default)]
pub struct Watcher {
    seen: Option<u64>,
    is_connected: bool,
    /// The step of each item, and its text.
    held: BTreeMap<EntryId, (u32, String)>,
    is_over: bool,
}

impl Watcher {
    pub fn see(&mut self, numbered: &Numbered) {
        assert!(self.seen.is_none_or(|seen| numbered.seq > seen), "{numbered:?} after {:?}", self.seen);
        assert!(!self.is_over, "{numbered:?} after the end");
        self.seen = Some(numbered.seq);
        match &numbered.event {
            Event::Text { step, item, offset, delta } | Event::Reasoning { step, item, offset, delta } => {
                let (_, text) = self.held.entry(*item).or_insert((*step, String::new()));
                *text = text.chars().take(usize::try_from(*offset).unwrap()).collect::<String>() + delta;
            }
            Event::Restarted { step, .. } => self.held.retain(|_, (of, _)| of != step),
            event => self.is_over = event.is_last(),
        }
    }
}

/// Something under way outside, and what the model has said of it.
pub struct UnderWay {
    effect: Effect,
    streaming: Streaming,
    /// What the thread could not take.
    unsaid: Vec<Delta>,
    /// How it has ended, which is not written yet.
    done: Option<Outcome>,
}

/// A run is started with these words.
pub fn start(on_busy: OnBusy, words: &str) -> Command {
    Command::Start(Box::new(Start {
        thread: create(),
        terms: terms(OnUnknown::Ask),
        max_usd: None,
        input: vec![Message::user(words)],
        on_busy,
        may_make: true,
        behind: None,
        answers: false,
        watch: false,
        faults: Vec::new(),
    }))
}

pub struct Theatre {
    pub dice: Dice,
    pub disk: Disk,
    host: Host<Thread, Disk>,
    pub now: Millis,
    alarm: Option<Millis>,
    must_gather: bool,
    under_way: Vec<UnderWay>,
    /// Of all effects of models and tools that were ever begun.
    ids: BTreeSet<String>,
    pub watchers: BTreeMap<u32, Watcher>,
    /// How often each call that must not run twice was begun, and may be.
    begun: BTreeMap<(u32, u32), u32>,
    allowed: BTreeMap<(u32, u32), u32>,
    plans: BTreeMap<(u32, u32), How>,
    on_unknown: OnUnknown,
    /// What was asked under a key of its own, and the run that was answered.
    asked: Vec<(Command, Option<u32>)>,
    /// Calls whose answers the thread has taken, and those that the account's object has.
    taken: BTreeSet<CallId>,
    pub ledger: BTreeMap<CallId, Option<RunId>>,
    /// What the account's object is on its way to learn.
    due: Option<ForLedger>,
}

impl Theatre {
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let on_unknown = [OnUnknown::Ask, OnUnknown::Report, OnUnknown::Fail][dice.roll(3) as usize % 3];
        let disk = Disk::new();
        Self {
            dice,
            host: Host::new(disk.clone()),
            disk,
            now: START,
            alarm: None,
            must_gather: false,
            under_way: Vec::new(),
            ids: BTreeSet::new(),
            watchers: BTreeMap::new(),
            begun: BTreeMap::new(),
            allowed: BTreeMap::new(),
            plans: BTreeMap::new(),
            on_unknown,
            asked: Vec::new(),
            taken: BTreeSet::new(),
            ledger: BTreeMap::new(),
            due: None,
        }
    }

    pub fn with<T>(&mut self, work: impl FnOnce(&mut Host<Thread, Disk>, &mut Moment<'_>) -> T) -> T {
        let mut random = || [9; 10];
        let done = work(&mut self.host, &mut Moment { now: self.now, random: &mut random });
        let todo = self.host.take_todo();
        self.must_gather |= todo.timers.contains(&Timer::Gather);
        self.alarm = todo.alarm.or(self.alarm);
        for numbered in &todo.events {
            let watcher = self.watchers.entry(numbered.run.number).or_default();
            if watcher.is_connected {
                watcher.see(numbered);
            }
        }
        for effect in todo.effects {
            self.begin(effect.what);
        }
        done
    }

    pub fn begin(&mut self, effect: Effect) {
        if let Effect::Settle { .. } = effect {
            // Read as it leaves: what happens until it has arrived is not in it.
            let due = self.with(|host, moment| host.look_at(moment, |thread, disk| thread.for_ledger(disk)));
            self.due = due.ok().flatten();
        }
        if let Effect::Tool { run, entry, .. } = effect {
            *self.begun.entry((run, entry)).or_default() += 1;
            let times = self.begun[&(run, entry)];
            let is_unsafe = self.plans.get(&(run, entry)) == Some(&How::Ours(ToolEffect::Unsafe));
            let allowed = self.allowed.get(&(run, entry)).copied().unwrap_or(1);
            assert!(!is_unsafe || times <= allowed, "run {run} has begun the call {entry} {times} times");
        }
        // Whoever performs an effect outlives a failed write.
        let is_twice = |other: &UnderWay| match (&other.effect, &effect) {
            (
                Effect::Model { run, .. } | Effect::Compact { run, .. },
                Effect::Model { run: of, .. } | Effect::Compact { run: of, .. },
            ) => run == of,
            (Effect::Deliver { .. } | Effect::Settle { .. }, _) => false,
            (other, effect) => other.id() == effect.id(),
        };
        assert!(!self.under_way.iter().any(is_twice), "{effect:?} is being performed");
        let id = effect.id();
        let is_new = matches!(effect, Effect::Deliver { .. } | Effect::Settle { .. }) || self.ids.insert(id);
        assert!(is_new || effect.is_errand(), "{effect:?} has the name of another");
        let (streaming, unsaid) = (Streaming::default(), Vec::new());
        self.under_way.push(UnderWay { effect, streaming, unsaid, done: None });
    }

    pub fn command(&mut self, command: Command) -> Option<Answer> {
        match self.with(|host, moment| host.command(command, moment)) {
            Reply::Now(answer) => answer.ok(),
            Reply::Later(_) => panic!("a thread answers at once"),
        }
    }

    /// The one model call that is under way is answered.
    pub fn answer(&mut self, text: &str) {
        let is_model = |under_way: &UnderWay| matches!(under_way.effect, Effect::Model { .. });
        let at = self.under_way.iter().position(is_model).unwrap();
        let UnderWay { effect, mut streaming, .. } = self.under_way.swap_remove(at);
        let _ = streaming.push(Said::Text { choice: 0, delta: text.to_owned() });
        let answered = Answered {
            parts: streaming.finish().choices.remove(0).parts,
            finish: Finish::Stop,
            plan: Vec::new(),
            usage: Usage::default(),
            cost: Nanos::new(5),
            warnings: Vec::new(),
            output: Checked::Free,
        };
        let settlement = Box::new(self.settlement(1));
        let call = settlement.call;
        let journal = json!({ "call_id": call });
        let outcome = Outcome::Answered {
            answered,
            unsaid: Vec::new(),
            journal,
            settlement: Some(settlement),
            used: None,
        };
        let id = effect.id();
        self.with(|host, moment| host.ended(&id, outcome, moment)).unwrap();
        self.taken.insert(call);
    }

    pub fn start(&mut self) {
        let on_busy = [
            OnBusy::Queue,
            OnBusy::Reject,
            OnBusy::Interrupt,
            OnBusy::Latest,
            OnBusy::Merge,
            OnBusy::Steer,
            OnBusy::Rollback,
        ];
        let on_busy = *self.dice.one_of(&on_busy).unwrap();
        let input = vec![Message::user("Go")];
        let start = Start {
            thread: create(),
            terms: terms(self.on_unknown),
            max_usd: None,
            input,
            on_busy,
            may_make: true,
            behind: None,
            answers: false,
            watch: true,
            faults: Vec::new(),
        };
        let once = once(&self.asked.len().to_string(), "body");
        self.asked.push((Command::Once(once, Box::new(Command::Start(Box::new(start)))), None));
        self.ask(self.asked.len() - 1);
    }

    /// The client asks once more for what it asked before.
    pub fn retry(&mut self) {
        let of = self.dice.roll(self.asked.len() as u64);
        self.ask(usize::try_from(of).unwrap());
    }

    pub fn ask(&mut self, nth: usize) {
        let (command, known) = self.asked[nth].clone();
        if let Some(Answer::Events(events)) = self.command(command) {
            let run = events.snapshot.unwrap().id.number;
            assert!(known.is_none_or(|known| known == run), "{run} in the place of {known:?}");
            self.asked[nth].1 = Some(run);
            let watcher = self.watchers.entry(run).or_default();
            if !watcher.is_connected && watcher.seen.is_none() {
                watcher.is_connected = true;
                events.events.iter().for_each(|event| watcher.see(event));
            }
        }
    }

    /// Watchers that were cut off come back for the rest.
    pub fn reconnect(&mut self) {
        let away: Vec<(u32, Option<u64>)> = self
            .watchers
            .iter()
            .filter(|(_, watcher)| !watcher.is_connected && !watcher.is_over)
            .map(|(run, watcher)| (*run, watcher.seen))
            .collect();
        for (run, after) in away {
            let watch = Watch { run: Some(run), after, stay: true, is_new_only: false };
            match self.command(Command::Events(WHO, watch)) {
                Some(Answer::Events(events)) => {
                    let watcher = self.watchers.get_mut(&run).unwrap();
                    watcher.is_connected = true;
                    events.events.iter().for_each(|event| watcher.see(event));
                }
                // The write that made the run failed.
                Some(Answer::NotFound) => drop(self.watchers.remove(&run)),
                None => {}
                other => panic!("run {run} after {after:?}: {other:?}"),
            }
        }
    }

    pub fn pick(&mut self) -> Option<usize> {
        let count = self.under_way.len() as u64;
        (count > 0).then(|| usize::try_from(self.dice.roll(count)).unwrap())
    }

    pub fn say(&mut self) {
        let Some(at) = self.pick() else { return };
        let words = ["a", "öl", "😀", "Hello "];
        let delta = (*self.dice.one_of(&words).unwrap()).to_owned();
        let said = match self.dice.roll(3) {
            0 => Said::Reasoning { choice: 0, delta },
            _ => Said::Text { choice: 0, delta },
        };
        let UnderWay { effect: Effect::Model { .. }, streaming, unsaid, done: None } =
            &mut self.under_way[at]
        else {
            return;
        };
        unsaid.extend(streaming.push(said).unwrap());
        let said = Progress::Said(std::mem::take(unsaid));
        let id = self.under_way[at].effect.id();
        if let Err(Progress::Said(unsaid)) = self.with(|host, moment| host.progress(&id, said, moment)) {
            self.under_way[at].unsaid = unsaid;
        }
    }

    pub fn end(&mut self) {
        let Some(at) = self.pick() else { return };
        let UnderWay { effect, streaming, unsaid, done } = self.under_way.swap_remove(at);
        let mut outcome = done.unwrap_or_else(|| self.outcome(&effect, streaming));
        if let Outcome::Answered { unsaid: rest, .. } = &mut outcome {
            rest.extend(unsaid);
        }
        let id = effect.id();
        let call = outcome.settlement().map(|record| record.call);
        let done = Some(outcome.clone());
        match self.with(|host, moment| host.ended(&id, outcome, moment)) {
            Ok(true) => self.taken.extend(call),
            Ok(false) => {}
            Err(_) => self.under_way.push(UnderWay {
                effect,
                streaming: Streaming::default(),
                unsaid: Vec::new(),
                done,
            }),
        }
    }

    fn outcome(&mut self, effect: &Effect, streaming: Streaming) -> Outcome {
        match effect {
            Effect::Model { run, step, attempt } => self.answered((*run, *step, *attempt), streaming),
            Effect::Compact { run, nth } => self.sum_up(*run, *nth),
            Effect::Tool { .. } => {
                Outcome::Tool { output: vec![], is_error: false, cost: Nanos::new(1), journal: Value::Null }
            }
            Effect::Deliver { .. } if self.dice.roll(2) == 0 => Outcome::Undelivered,
            Effect::Settle { .. } => self.settled(),
            _ => Outcome::Done,
        }
    }

    /// A call whose performer lives is under way for its run, too, or has its result.
    fn check_calls(&mut self) {
        let tools: Vec<(u32, u32, u32)> = self
            .under_way
            .iter()
            .filter_map(|under_way| match under_way.effect {
                Effect::Tool { run, entry, attempt } => Some((run, entry, attempt)),
                _ => None,
            })
            .collect();
        for (run, entry, attempt) in tools {
            let body: String = self
                .disk
                .db()
                .query_row("SELECT body FROM runs WHERE number = ?1", [run], |row| row.get(0))
                .unwrap();
            let kept: Value = serde_json::from_str(&body).unwrap();
            let calls = kept["run"]["phase"]["tools"]["calls"].as_array().cloned().unwrap_or_default();
            let is_it = |call: &&Value| call["entry"] == entry && call["attempt"] == attempt;
            if let Some(call) = calls.iter().find(is_it) {
                let stage = call["stage"].as_str().unwrap();
                assert!(matches!(stage, "running" | "done"), "{call} of run {run}");
            }
        }
    }

    /// The account's object is asked, and its answer may be lost.
    pub fn settled(&mut self) -> Outcome {
        let Some(ForLedger { ended, deleted, .. }) = self.due.take() else { return Outcome::Undelivered };
        let reaches = self.dice.roll(4);
        if reaches > 0 {
            for record in ended {
                self.ledger.entry(record.call).or_insert(record.run);
            }
            for call in deleted.into_iter().flat_map(|forget| forget.calls) {
                self.ledger.entry(call).and_modify(|run| *run = None);
            }
        }
        if reaches > 1 { Outcome::Done } else { Outcome::Undelivered }
    }

    /// What a model call of a run costs.
    pub fn settlement(&mut self, run: u32) -> CallRecord {
        let call = CallId::new(self.now, self.dice.0.to_be_bytes().repeat(2)[..10].try_into().unwrap());
        CallRecord {
            call,
            agent: agent(),
            key: None,
            version: 1,
            model: "test:model".to_owned(),
            status: CallStatus::Ok,
            usage: UsageKind::Reported,
            tokens: Usage::default(),
            held: Nanos::new(9),
            cost: Nanos::new(5),
            at: self.now,
            first_token_ms: None,
            duration_ms: 1,
            run: Some(RunId { thread: key(), number: run }),
        }
    }

    pub fn answered(&mut self, of: (u32, u32, u32), mut streaming: Streaming) -> Outcome {
        let (run, ..) = of;
        let settlement = Box::new(self.settlement(run));
        if self.dice.roll(10) == 0 {
            let failure = Failure::new("upstream_error", "no");
            let fault = match self.dice.roll(3) {
                0 => Fault::Budget { resets_at: None },
                _ => Fault::Transient { failure, at: None, broke_off: None },
            };
            return Outcome::Unanswered {
                fault,
                cost: Nanos::new(1),
                journal: json!({ "call_id": settlement.call }),
                settlement: Some(settlement),
                used: None,
            };
        }
        let _ = streaming.push(Said::Text { choice: 0, delta: String::new() });
        let mut parts = streaming.finish().choices.remove(0).parts;
        let hows = [
            How::Client,
            How::Ours(ToolEffect::Pure),
            How::Ours(ToolEffect::Unsafe),
            How::Ours(ToolEffect::Idempotent),
        ];
        let calls = self.dice.roll(3);
        let plan: Vec<How> = (0..calls).map(|_| self.dice.one_of(&hows).unwrap().clone()).collect();
        parts.extend(plan.iter().map(|_| AssistantPart::ToolCall(ToolCall::new("c", "f", "{}"))));
        let output = match (calls, self.dice.roll(4)) {
            (0, 0) => {
                let fault = schema::Fault { at: String::new(), words: "no".to_owned() };
                Checked::Misfit(Misfit { answer: "no".to_owned(), faults: vec![fault] })
            }
            (0, 1) => {
                parts = vec![AssistantPart::text("tidy")];
                Checked::Tidied
            }
            _ => Checked::Free,
        };
        self.note_plan(of, &parts, &plan);
        let answered = Answered {
            parts,
            finish: Finish::Stop,
            plan,
            usage: Usage::default(),
            cost: Nanos::new(5),
            warnings: Vec::new(),
            output,
        };
        let journal = json!({ "call_id": settlement.call });
        let used = (self.dice.roll(3) == 0).then_some(compaction::FULL);
        Outcome::Answered { answered, unsaid: Vec::new(), journal, settlement: Some(settlement), used }
    }

    /// Which entries the calls will have: the ones behind those that the run has.
    pub fn note_plan(&mut self, of: (u32, u32, u32), parts: &[AssistantPart], plan: &[How]) {
        let (run, step, attempt) = of;
        let next = self.with(|host, moment| {
            host.look_at(moment, |thread, disk| {
                thread.model_call(disk, run, step, attempt).map(|call| call.is_some())
            })
        });
        if !next.unwrap_or(false) {
            return;
        }
        let pieces = retinue::domain::thread::item::pieces(parts.to_vec());
        let is_call = |piece: &Message| matches!(piece, Message::Assistant { parts } if AssistantPart::calls_of(parts).count() > 0);
        let calls = pieces.iter().enumerate().filter(|(_, piece)| is_call(piece));
        for ((at, _), how) in calls.zip(plan) {
            self.plans.insert((run, Run::piece(step, u32::try_from(at).unwrap())), how.clone());
        }
    }

    /// What a run waits for is given.
    pub fn give(&mut self) {
        let runs: Vec<u32> = self.watchers.keys().copied().collect();
        let Some(run) = self.dice.one_of(&runs).copied() else { return };
        let Some(Answer::Run(view)) = self.command(Command::Run(WHO, run)) else { return };
        let Some(waiting) = self.dice.one_of(&view.waiting_on).cloned() else { return };
        let Some(id) = waiting["call_id"].as_str().and_then(EntryId::parse) else { return };
        let given = match (waiting["kind"].as_str(), self.dice.roll(3)) {
            (Some("outcome"), 0) => Given::Retry,
            (_, 1) => Given::Error("no".to_owned()),
            _ => Given::Output(vec![]),
        };
        if given == Given::Retry {
            *self.allowed.entry((run, id.number)).or_insert(1) += 1;
        }
        self.command(Command::Give(WHO, run, vec![Input::Call { entry: id.number, given }]));
    }

    /// Somebody else performs this.
    pub fn give_up(&mut self, id: &str) {
        self.under_way.retain(|under_way| under_way.effect.id() != id);
    }

    /// What is performed now.
    pub fn performed(&self) -> Vec<&Effect> {
        self.under_way.iter().map(|under_way| &under_way.effect).collect()
    }

    pub fn crash(&mut self) {
        self.host = Host::new(self.disk.clone());
        self.under_way.clear();
        self.must_gather = false;
        self.watchers.values_mut().for_each(|watcher| watcher.is_connected = false);
        self.command(Command::Wake);
    }

    /// The object goes on elsewhere, from what is brought there.
    pub fn move_to(&mut self, bring: impl FnOnce(&mut Host<Thread, Disk>, Millis) -> Disk) {
        self.gather();
        self.disk.call_off();
        self.disk = bring(&mut self.host, self.now);
        self.crash();
    }

    pub fn gather(&mut self) {
        if std::mem::take(&mut self.must_gather) {
            self.with(|host, moment| host.rang(Timer::Gather, moment));
        }
    }

    pub fn pass_time(&mut self, ms: i64) {
        self.now = self.now.plus(ms);
        if self.alarm.take_if(|at| *at <= self.now).is_some() {
            let _ = self.with(|host, moment| host.wake(moment));
        }
    }

    /// A write fails somewhere, and what is read after it may, too. Watchers stay, and whoever performs something.
    pub fn fail(&mut self) {
        for most in [12, 4] {
            let nth = 1 + u32::try_from(self.dice.roll(most)).unwrap();
            let side = if self.dice.roll(2) == 0 { Side::Before } else { Side::After };
            self.disk.fail(nth, side);
            match self.dice.roll(6) {
                0 => self.start(),
                1 => self.end(),
                2 => self.retry(),
                3 => self.say(),
                4 => self.steer(),
                _ => self.gather(),
            }
        }
        if !self.disk.call_off() {
            self.command(Command::Wake);
        }
        self.check_calls();
    }

    pub fn steer(&mut self) {
        let runs: Vec<u32> = self.watchers.keys().copied().collect();
        let Some(run) = self.dice.one_of(&runs).copied() else { return };
        let command = match self.dice.roll(8) {
            0 => Command::Cancel(WHO, run, None),
            1 | 2 => Command::Pause(WHO, run, None),
            3 => Command::Append(WHO, vec![Message::user("By the way")]),
            _ => Command::Resume(WHO, run),
        };
        self.command(command);
    }

    pub fn step(&mut self) {
        match self.dice.roll(21) {
            0 => self.start(),
            20 => self.retry(),
            1..=6 => self.say(),
            7..=11 => self.end(),
            12 | 13 => self.give(),
            14 => self.crash(),
            15 => self.gather(),
            16 => self.reconnect(),
            17 => self.fail(),
            18 => self.steer(),
            _ => {
                let ms = i64::try_from(self.dice.roll(30_000)).unwrap();
                self.pass_time(ms);
            }
        }
    }

    /// Until every run is over.
    pub fn finish(&mut self) {
        for _ in 0..20_000 {
            let Some(Answer::Thread { thread, .. }) = self.command(Command::Show(WHO)) else { return };
            if thread.open_runs.is_empty() {
                return;
            }
            for run in thread.open_runs {
                self.command(Command::Resume(WHO, run.number));
            }
            self.gather();
            self.give();
            self.end();
            self.pass_time(1_000);
        }
        panic!("a run goes on for ever");
    }

    /// Until the account's object has every settlement.
    pub fn settle(&mut self) {
        for _ in 0..2_000 {
            if self.taken.iter().all(|call| self.ledger.contains_key(call)) {
                return;
            }
            self.end();
            self.pass_time(1_000);
        }
        let lost: Vec<_> = self.taken.iter().filter(|call| !self.ledger.contains_key(call)).collect();
        panic!("the ledger never learns of {lost:?}");
    }

    pub fn transcript(&mut self) -> Vec<Item> {
        self.command(Command::Wake);
        items(&self.disk, Part::After(0), 1_000_000, u64::MAX).unwrap().0
    }

    /// What the watchers hold is what the transcript says; nothing has two results.
    pub fn check(&mut self) {
        let runs = self.disk.db().query_row("SELECT count(*) FROM runs", [], |row| row.get(0));
        let runs: usize = runs.unwrap();
        assert!(runs <= self.asked.len(), "{runs} runs of {} requests", self.asked.len());
        self.gather();
        self.reconnect();
        let transcript = self.transcript();
        self.check_horizon(&transcript);
        let transcript: Vec<Item> = transcript.into_iter().filter(|item| item.stands_for.is_none()).collect();
        let mut results = BTreeSet::new();
        for item in &transcript {
            if let Message::Tool { call_id, .. } = &item.message {
                assert!(results.insert(call_id.clone()), "{call_id} has two results");
            }
        }
        let sent = sendable(transcript.clone());
        assert_eq!(sent.iter().filter(|m| matches!(m, Message::Tool { .. })).count(), results.len());
        let written: BTreeMap<EntryId, String> = transcript.iter().filter_map(said).collect();
        for (run, watcher) in &self.watchers {
            assert!(watcher.is_over, "run {run} is not over for its watcher");
            for (id, (_, text)) in &watcher.held {
                // A run that was rolled back has written nothing; one that was cancelled left its last step unsaid.
                if let Some(written) = written.get(id) {
                    assert_eq!(written, text, "{id}");
                }
            }
            let of_run = written.iter().filter(|(id, text)| id.run.number == *run && !text.is_empty());
            for (id, text) in of_run {
                assert_eq!(watcher.held.get(id).map(|(_, held)| held), Some(text), "{id} was not seen whole");
            }
        }
    }
}

pub fn said(item: &Item) -> Option<(EntryId, String)> {
    let Message::Assistant { parts } = &item.message else { return None };
    let text = parts.iter().map(|part| match part {
        AssistantPart::Text(text) => text.text.as_str(),
        AssistantPart::Reasoning(reasoning) => reasoning.text.as_str(),
        _ => "",
    });
    let id = EntryId { run: RunId { thread: key(), number: item.run }, number: item.entry };
    Some((id, text.collect()))
}
