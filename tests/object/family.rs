//! Runs that begin runs of other threads, through random histories: each thread's object dies between any two writes, words
//! between them come late, twice or only after a restart, disks fail.

use std::collections::{BTreeMap, BTreeSet};

use retinue::domain::ids::{AccountId, AgentId};
use retinue::domain::message::{AssistantPart, Finish, Message, ToolCall, Usage};
use retinue::domain::money::Nanos;
use retinue::domain::run::child::MAX_DEPTH;
use retinue::domain::run::event::{Event, Numbered};
use retinue::domain::run::happening::Answered;
use retinue::domain::run::input::{Given, Input};
use retinue::domain::run::misfit::Checked;
use retinue::domain::run::state::Status;
use retinue::domain::run::terms::{Limits, OnBudget, OnUnknown, Parent, Priority, Starter, Terms};
use retinue::domain::run::tool::{Effect as ToolEffect, How};
use retinue::domain::run::word::{Ended, Word};
use retinue::domain::thread::about::About;
use retinue::domain::thread::command::{Answer, Command, Create, OnBusy, Start, Watch, Who};
use retinue::domain::thread::effect::{Effect, Outcome, ToolCall as Asked};
use retinue::domain::thread::id::{EntryId, RunId, ThreadKey};
use retinue::domain::thread::view::RunView;
use retinue::domain::time::Millis;
use retinue::object::host::{Host, Reply, Timer};
use retinue::object::machine::Moment;
use retinue::object::thread::Thread;
use serde_json::Value;

use crate::disk::{Disk, Side};
use crate::theatre::Dice;

const START: Millis = Millis(1_795_262_400_000);
const MOST: u64 = 1_000;

fn account() -> AccountId {
    AccountId::new(START, [3; 10])
}

fn root() -> ThreadKey {
    ThreadKey::new(START, [1; 10])
}

fn start(key: ThreadKey, limits: Limits, parent: Option<Parent>) -> Command {
    let agent = AgentId::new(START, [2; 10]);
    let thread = Create {
        account: account(),
        key,
        name: None,
        agent,
        version: None,
        about: About::default(),
        throw_away: None,
        items: Vec::new(),
    };
    let terms = Terms {
        agent,
        version: 1,
        started_by: Starter::Anonymous,
        limits,
        on_unknown: OnUnknown::Report,
        on_budget: OnBudget::End,
        priority: Priority::Normal,
        variables: BTreeMap::new(),
        tools: Vec::new(),
        user: None,
        manner: Default::default(),
        parent,
        via: None,
        typed: false,
        webhooks: Vec::new(),
        hands_over: false,
        request: None,
    };
    let input = vec![Message::user("Go")];
    Command::Start(Box::new(Start {
        thread,
        terms,
        max_usd: None,
        input,
        on_busy: OnBusy::Queue,
        may_make: true,
        behind: None,
        answers: false,
        watch: false,
        faults: Vec::new(),
    }))
}

/// A thread's object in one of its lives.
struct Object {
    disk: Disk,
    host: Host<Thread, Disk>,
    alarm: Option<Millis>,
    must_gather: bool,
}

/// Something that an object does outside.
struct UnderWay {
    of: ThreadKey,
    effect: Effect,
    /// The other object has been asked: only the end is to be said.
    done: Option<Outcome>,
}

struct World {
    dice: Dice,
    now: Millis,
    objects: BTreeMap<ThreadKey, Object>,
    under_way: Vec<UnderWay>,
    /// What each run's model calls have cost.
    paid: BTreeMap<RunId, u64>,
    is_limited: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let is_limited = dice.roll(2) == 0;
        Self {
            dice,
            now: START,
            objects: BTreeMap::new(),
            under_way: Vec::new(),
            paid: BTreeMap::new(),
            is_limited,
        }
    }

    fn with<T>(
        &mut self,
        of: ThreadKey,
        work: impl FnOnce(&mut Host<Thread, Disk>, &mut Moment<'_>) -> T,
    ) -> T {
        let object = self.objects.entry(of).or_insert_with(|| {
            let disk = Disk::new();
            Object { host: Host::new(disk.clone()), disk, alarm: None, must_gather: false }
        });
        let mut random = || [9; 10];
        let done = work(&mut object.host, &mut Moment { now: self.now, random: &mut random });
        let todo = object.host.take_todo();
        object.must_gather |= todo.timers.contains(&Timer::Gather);
        object.alarm = todo.alarm.or(object.alarm);
        self.under_way.extend(todo.effects.into_iter().map(|effect| UnderWay {
            of,
            effect: effect.what,
            done: None,
        }));
        done
    }

    /// `None`: the object could not write.
    fn ask(&mut self, of: ThreadKey, command: Command) -> Option<Answer> {
        match self.with(of, |host, moment| host.command(command, moment)) {
            Reply::Now(answer) => answer.ok(),
            Reply::Later(_) => panic!("a thread answers at once"),
        }
    }

    fn run(&mut self, run: RunId) -> Option<RunView> {
        match self.ask(run.thread, Command::Run(Who::Account, run.number)) {
            Some(Answer::Run(view)) => Some(*view),
            _ => None,
        }
    }

    /// Something that is under way is done, or its end arrives.
    fn go_on(&mut self) {
        let count = self.under_way.len() as u64;
        if count == 0 {
            return;
        }
        let at = usize::try_from(self.dice.roll(count)).unwrap();
        let UnderWay { of, effect, done } = self.under_way.swap_remove(at);
        match done {
            Some(outcome) => {
                let id = effect.id();
                let _ = self.with(of, |host, moment| host.ended(&id, outcome, moment));
            }
            None => match self.perform(of, &effect) {
                Some(outcome) => self.under_way.push(UnderWay { of, effect, done: Some(outcome) }),
                // It is asked again at once, or later.
                None if !effect.is_errand() || self.dice.roll(2) == 0 => {
                    self.under_way.push(UnderWay { of, effect, done: None });
                }
                None => {
                    let id = effect.id();
                    let _ = self.with(of, |host, moment| host.ended(&id, Outcome::Undelivered, moment));
                }
            },
        }
    }

    fn perform(&mut self, of: ThreadKey, effect: &Effect) -> Option<Outcome> {
        match effect {
            Effect::Model { run, step, attempt } => Some(self.answer(of, (*run, *step, *attempt))),
            Effect::Tool { run, entry, attempt } => {
                let asked = self.with(of, |host, moment| {
                    host.look_at(moment, |thread, _| Ok(thread.tool_call(*run, *entry, *attempt)))
                });
                match asked.ok().flatten() {
                    None => Some(Outcome::Done),
                    Some(asked) if asked.call.child().is_some() => self.begin(&asked),
                    Some(_) => Some(tool(false)),
                }
            }
            Effect::CancelChild { call, .. } => {
                self.ask(call.child().thread, Command::Abandon("no more".to_owned())).map(|_| Outcome::Done)
            }
            Effect::LookAtChild { call, .. } => {
                let child = call.child();
                Some(match self.ask(child.thread, Command::Run(Who::Account, child.number)) {
                    Some(Answer::NotFound) => Outcome::ChildLost,
                    Some(Answer::Run(view)) if view.status.is_final() => {
                        Outcome::ChildEnded(view.ended(Ended::UNKNOWN))
                    }
                    _ => Outcome::Done,
                })
            }
            Effect::Tell { call, word, .. } => {
                self.ask(call.run.thread, Command::Hear(*call, word.clone())).map(|_| Outcome::Done)
            }
            Effect::Compact { .. } | Effect::Deliver { .. } | Effect::Settle { .. } => Some(Outcome::Done),
            Effect::Report { run } => {
                let report = self
                    .with(of, |host, moment| host.look_at(moment, |thread, disk| thread.report(disk, *run)));
                match report.ok()? {
                    None => Some(Outcome::Done),
                    Some(report) => {
                        let hear = Command::Hear(report.call, Word::Ended(report.ended));
                        self.ask(report.call.run.thread, hear).map(|_| Outcome::Done)
                    }
                }
            }
        }
    }

    fn begin(&mut self, asked: &Asked) -> Option<Outcome> {
        let path = asked.terms.path_below(asked.id.run);
        if path.len() > MAX_DEPTH {
            return Some(tool(true));
        }
        let limits = Limits { max_steps: 3, ..Limits::default() }.with_usd(asked.given);
        let parent = Some(Parent { call: asked.id, path });
        match self.ask(asked.id.child().thread, start(asked.id.child().thread, limits, parent))? {
            Answer::Run(_) => Some(Outcome::ChildBegun),
            Answer::NotFound => Some(tool(true)),
            other => panic!("{other:?}"),
        }
    }

    /// What the model answers, for no more than is left.
    fn answer(&mut self, of: ThreadKey, (run, step, attempt): (u32, u32, u32)) -> Outcome {
        let call = self.with(of, |host, moment| {
            host.look_at(moment, |thread, disk| thread.model_call(disk, run, step, attempt))
        });
        let Some(call) = call.ok().flatten() else { return Outcome::Done };
        let cost = Nanos::new(1 + self.dice.roll(20)).min(call.left.unwrap_or(Nanos::MAX));
        *self.paid.entry(call.run).or_default() += cost.get();
        let child = || How::Child("other".to_owned());
        let hows = [child(), child(), How::Client, How::Ours(ToolEffect::Pure)];
        // Fewer the deeper it stands.
        let depth = call.terms.parent.as_ref().map_or(0, |parent| parent.path.len() as u64);
        let calls = self.dice.roll(4).saturating_sub(self.dice.roll(1 + depth));
        let plan: Vec<How> = (0..calls).map(|_| self.dice.one_of(&hows).unwrap().clone()).collect();
        let mut parts = vec![AssistantPart::text("Well")];
        parts.extend(plan.iter().map(|_| AssistantPart::ToolCall(ToolCall::new("c", "f", "{}"))));
        let answered = Answered {
            parts,
            finish: Finish::Stop,
            plan,
            usage: Usage::default(),
            cost,
            warnings: Vec::new(),
            output: Checked::Free,
        };
        Outcome::Answered { answered, unsaid: Vec::new(), journal: Value::Null, settlement: None, used: None }
    }

    fn any(&mut self) -> Option<ThreadKey> {
        let keys: Vec<ThreadKey> = self.objects.keys().copied().collect();
        self.dice.one_of(&keys).copied()
    }

    /// All that the object was doing is gone, done or not. It comes back when it is asked, or by its alarm.
    fn crash(&mut self, of: ThreadKey) {
        self.under_way.retain(|under_way| under_way.of != of);
        if let Some(object) = self.objects.get_mut(&of) {
            object.host = Host::new(object.disk.clone());
            object.must_gather = false;
        }
    }

    fn fail(&mut self, of: ThreadKey) {
        let nth = 1 + u32::try_from(self.dice.roll(12)).unwrap();
        let side = if self.dice.roll(2) == 0 { Side::Before } else { Side::After };
        self.objects[&of].disk.fail(nth, side);
        self.go_on();
        self.gather(of);
        if !self.objects[&of].disk.call_off() {
            self.crash(of);
        }
    }

    fn gather(&mut self, of: ThreadKey) {
        if self.objects.get_mut(&of).is_some_and(|object| std::mem::take(&mut object.must_gather)) {
            self.with(of, |host, moment| host.rang(Timer::Gather, moment));
        }
    }

    fn pass_time(&mut self, ms: i64) {
        self.now = self.now.plus(ms);
        let now = self.now;
        let due: Vec<ThreadKey> = self
            .objects
            .iter_mut()
            .filter_map(|(of, object)| object.alarm.take_if(|at| *at <= now).map(|_| *of))
            .collect();
        for of in due {
            let _ = self.with(of, |host, moment| host.wake(moment));
        }
    }

    /// The client gives what some run waits for.
    fn give(&mut self, of: ThreadKey) {
        let Some(view) = self.run(RunId { thread: of, number: 1 }) else { return };
        let asked = view.waiting_on.iter().find(|waiting| waiting["kind"] == "tool_output");
        let Some(id) = asked.and_then(|asked| EntryId::parse(asked["call_id"].as_str()?)) else { return };
        let given = Given::Output(vec![]);
        self.ask(of, Command::Give(Who::Account, 1, vec![Input::Call { entry: id.number, given }]));
    }

    fn step(&mut self) {
        let Some(of) = self.any() else { return };
        match self.dice.roll(24) {
            0 | 1 => self.crash(of),
            2 => self.fail(of),
            3..=5 => self.give(of),
            6 => self.gather(of),
            7 if self.dice.roll(12) == 0 => drop(self.ask(of, Command::Cancel(Who::Account, 1, None))),
            8 if self.dice.roll(20) == 0 && of != root() => drop(self.ask(of, Command::Delete(Who::Account))),
            9 if self.dice.roll(4) == 0 => drop(self.ask(of, Command::Pause(Who::Account, 1, None))),
            10 => drop(self.ask(of, Command::Resume(Who::Account, 1))),
            11 => {
                let ms = i64::try_from(self.dice.roll(20_000)).unwrap();
                self.pass_time(ms);
            }
            _ => self.go_on(),
        }
    }

    /// By their alarms alone the objects do all that they have promised.
    fn keep_word(&mut self) {
        for _ in 0..60 {
            self.pass_time(10_000);
            while !self.under_way.is_empty() {
                self.go_on();
            }
        }
        for object in self.objects.values() {
            let count = "SELECT count(*) FROM effects";
            let open: u32 = object.disk.db().query_row(count, [], |row| row.get(0)).unwrap_or_default();
            assert_eq!(open, 0, "something was promised and not done");
        }
    }

    /// Until nothing is under way and every run is over.
    fn finish(&mut self) {
        self.keep_word();
        for _ in 0..60_000 {
            let keys: Vec<ThreadKey> = self.objects.keys().copied().collect();
            let mut is_over = self.under_way.is_empty();
            for of in keys {
                self.gather(of);
                if let Some(view) =
                    self.run(RunId { thread: of, number: 1 }).filter(|run| !run.status.is_final())
                {
                    is_over = false;
                    if view.status == Status::Paused {
                        self.ask(of, Command::Resume(Who::Account, 1));
                    }
                    self.give(of);
                }
            }
            if is_over {
                return;
            }
            for _ in 0..20 {
                self.go_on();
            }
            self.pass_time(10_000);
        }
        panic!("a run goes on for ever");
    }

    fn events(&mut self, of: ThreadKey) -> Vec<Numbered> {
        let watch = Watch { run: Some(1), after: None, stay: false, is_new_only: false };
        match self.ask(of, Command::Events(Who::Account, watch)) {
            Some(Answer::Events(events)) => events.events,
            _ => Vec::new(),
        }
    }

    fn check(&mut self) {
        let top = RunId { thread: root(), number: 1 };
        let view = self.run(top).unwrap();
        let all: u64 = self.paid.values().sum();
        if self.is_limited {
            assert!(view.cost_usd.get() <= MOST, "{view:?}");
        }
        assert!(view.cost_usd.get() <= all);
        let keys: Vec<ThreadKey> = self.objects.keys().copied().collect();
        for of in keys {
            let (mut started, mut ended) = (BTreeSet::new(), BTreeSet::new());
            for numbered in self.events(of) {
                match numbered.event {
                    Event::ChildStarted { child, .. } => {
                        assert!(started.insert(child), "{child} is there twice")
                    }
                    Event::ChildEnded { child, .. } => {
                        assert!(started.contains(&child));
                        assert!(ended.insert(child), "{child} has ended twice");
                    }
                    _ => {}
                }
            }
        }
    }
}

fn tool(is_error: bool) -> Outcome {
    Outcome::Tool { output: vec![], is_error, cost: Nanos::ZERO, journal: Value::Null }
}

#[test]
fn whatever_dies_no_child_is_forgotten_begun_twice_or_paid_twice() {
    let (mut children, mut completed) = (0, 0);
    for seed in 0..100 {
        let mut world = World::new(seed);
        let limits = Limits { max_steps: 4, ..Limits::default() };
        let limits = limits.with_usd(world.is_limited.then(|| Nanos::new(MOST)));
        world.ask(root(), start(root(), limits, None));
        for _ in 0..400 {
            world.step();
        }
        world.finish();
        world.check();
        children += world.objects.len() - 1;
        completed +=
            usize::from(world.run(RunId { thread: root(), number: 1 }).unwrap().status == Status::Completed);
    }
    assert!(children > 300 && completed > 20, "{children} {completed}");
}

/// A parent whose child is over, and has not said so.
fn quiet_child() -> (World, RunId) {
    let mut world = World::new(1);
    let limits = Limits::default().with_usd(Some(Nanos::new(MOST)));
    world.ask(root(), start(root(), limits, None));
    world.under_way.clear();
    let end = |world: &mut World, of: ThreadKey, id: &str, outcome: Outcome| {
        let ended = world.with(of, |host, moment| host.ended(id, outcome, moment));
        assert_eq!(ended, Ok(true), "{id}");
        std::mem::take(&mut world.under_way)
    };
    let answered = |plan: Vec<How>, text: &str| {
        let mut parts = vec![AssistantPart::text(text)];
        parts.extend(plan.iter().map(|_| AssistantPart::ToolCall(ToolCall::new("c", "f", "{}"))));
        let (usage, cost, warnings) = (Usage::default(), Nanos::new(7), Vec::new());
        let answered =
            Answered { parts, finish: Finish::Stop, plan, usage, cost, warnings, output: Checked::Free };
        Outcome::Answered { answered, unsaid: Vec::new(), journal: Value::Null, settlement: None, used: None }
    };
    let plan = vec![How::Child("other".to_owned())];
    let begun = end(&mut world, root(), "1.model.1.1", answered(plan, "Ask"));
    let tool = begun.iter().find(|under_way| matches!(under_way.effect, Effect::Tool { .. })).unwrap();
    let Effect::Tool { entry, .. } = tool.effect else { panic!() };
    let call = EntryId { run: RunId { thread: root(), number: 1 }, number: entry };
    let begun = world.perform(root(), &tool.effect).unwrap();
    end(&mut world, root(), &tool.effect.id(), begun);
    let child = call.child();
    let over = end(&mut world, child.thread, "1.model.1.1", answered(Vec::new(), "It is so"));
    assert!(over.iter().any(|under_way| matches!(under_way.effect, Effect::Report { .. })));
    (world, child)
}

#[test]
fn a_thread_that_is_not_heard_says_it_again_after_growing_pauses_however_long_that_takes() {
    let (mut world, child) = quiet_child();
    let mut pauses = Vec::new();
    for _ in 0..40 {
        let ended =
            world.with(child.thread, |host, moment| host.ended("1.report", Outcome::Undelivered, moment));
        assert_eq!(ended, Ok(true));
        let before = world.now;
        while !world.under_way.iter().any(|under_way| under_way.effect.id() == "1.report") {
            world.under_way.clear();
            world.pass_time(1_000);
        }
        world.under_way.clear();
        pauses.push(world.now.since(before) / 1_000);
    }
    assert_eq!(pauses[..6], [30, 60, 120, 240, 300, 300]);
    assert_eq!(pauses[39], 300);
    // Somebody looks in between, and nothing is said twice meanwhile.
    let put_off = |world: &mut World| {
        let _ = world.with(child.thread, |host, moment| host.ended("1.report", Outcome::Undelivered, moment));
        world.ask(child.thread, Command::Wake);
        world.under_way.iter().any(|under_way| under_way.effect.id() == "1.report")
    };
    assert!(!put_off(&mut world));
    world.crash(child.thread);
    world.ask(child.thread, Command::Wake);
    assert!(
        world.under_way.iter().any(|under_way| under_way.effect.id() == "1.report"),
        "after a restart it is"
    );
}

#[test]
fn what_a_child_has_said_to_nobody_when_its_thread_is_deleted_is_still_said() {
    let (mut world, child) = quiet_child();
    assert_eq!(world.ask(child.thread, Command::Delete(Who::Account)), Some(Answer::Deleted));
    world.crash(child.thread);
    world.ask(child.thread, Command::Wake);
    for UnderWay { of, effect, .. } in std::mem::take(&mut world.under_way) {
        let outcome = world.perform(of, &effect).unwrap();
        let _ = world.with(of, |host, moment| host.ended(&effect.id(), outcome, moment));
    }
    let watch = Watch { run: Some(1), after: None, stay: false, is_new_only: false };
    let Some(Answer::Events(events)) = world.ask(root(), Command::Events(Who::Account, watch)) else {
        panic!()
    };
    let said = format!("{:?}", events.events);
    assert!(said.contains("It is so") && !said.contains("not there any more"), "{said}");
    let view = world.run(RunId { thread: root(), number: 1 }).unwrap();
    assert_eq!(view.cost_usd, Nanos::new(14), "with the child's");
}

#[test]
fn without_crashes_a_run_costs_what_all_below_it_cost() {
    for seed in 0..60 {
        let mut world = World::new(seed);
        let limits = Limits { max_steps: 3, ..Limits::default() };
        let limits = limits.with_usd(world.is_limited.then(|| Nanos::new(MOST)));
        world.ask(root(), start(root(), limits, None));
        world.finish();
        world.check();
        let view = world.run(RunId { thread: root(), number: 1 }).unwrap();
        assert_eq!(view.cost_usd.get(), world.paid.values().sum::<u64>(), "{seed} {view:?}");
    }
}
