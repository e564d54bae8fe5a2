//! The threads' objects: the code that the platform runs, each over an SQLite of its own that survives
//! [`FakeThreads::crash`]. What they do outside is done by tasks, with the test's world.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use futures_util::StreamExt;
use retinue::domain::dispatch::command::Delivery;
use retinue::domain::ids::AccountId;
use retinue::domain::run::event::Numbered;
use retinue::domain::thread::command::{Answer, Command, VERSION};
use retinue::domain::thread::effect::{
    CompactionCall, Effect, ForLedger, ModelCall, Outcome, Progress, Report, ToolCall,
};
use retinue::domain::time::Millis;
use retinue::object::host::{Host, Reply, Timer};
use retinue::object::machine::Moment;
use retinue::object::sql::Error;
use retinue::object::thread::Thread;
use retinue::object::unwanted::Unwanted;
use retinue::object::watchers::{Shown, Watchers};
use retinue::object::wire::{self, Response};
use retinue::ports::{Performed, ThreadOf, Threads, Unavailable, Wanted, Watch};
use retinue::service::App;
use retinue::service::run::perform::perform;
use retinue::service::settlements::Settlements;

use super::disk::Disk;
use super::world::{Clock, WithinWorld};

#[derive(Clone)]
pub struct FakeThreads(Arc<Inner>);

struct Inner {
    objects: Mutex<BTreeMap<ThreadOf, Object>>,
    clock: Clock,
    world: OnceLock<WithinWorld>,
}

/// An object, its disk, and the alarm that the platform keeps for it.
struct Object {
    disk: Disk,
    host: Host<Thread, Disk>,
    watchers: Watchers,
    unwanted: Unwanted,
    alarm: Option<Millis>,
    /// Which life it lives: what an earlier one began is not heard any more.
    life: u32,
    /// What its memory has besides.
    settlements: Arc<Settlements>,
}

impl Object {
    fn new(disk: Disk, life: u32) -> Self {
        Self {
            host: Host::new(disk.clone()),
            disk,
            watchers: Watchers::default(),
            unwanted: Unwanted::default(),
            alarm: None,
            life,
            settlements: Arc::default(),
        }
    }
}

impl FakeThreads {
    pub fn new(clock: Clock) -> Self {
        Self(Arc::new(Inner { objects: Mutex::default(), clock, world: OnceLock::new() }))
    }

    /// Where effects are performed.
    pub fn live_in(&self, world: WithinWorld) {
        let _ = self.0.world.set(world);
    }

    /// The object dies, with all that it was doing, and starts again from its disk at the next question.
    pub fn crash(&self, thread: ThreadOf) {
        let mut objects = self.0.objects.lock().unwrap();
        if let Some(object) = objects.get_mut(&thread) {
            *object = Object { alarm: object.alarm, ..Object::new(object.disk.clone(), object.life + 1) };
        }
    }

    /// The alarm rings, if it is due.
    pub fn alarm(&self, thread: ThreadOf) {
        let now = self.0.clock.now();
        let is_due = |object: &mut Object| object.alarm.take_if(|at| *at <= now).is_some();
        if self.0.objects.lock().unwrap().get_mut(&thread).is_some_and(is_due) {
            self.with(thread, |host, moment| host.wake(moment)).unwrap();
        }
    }

    /// The platform loses the alarm, and puts the object out of memory.
    pub fn lose_alarm(&self, thread: ThreadOf) {
        self.crash(thread);
        if let Some(object) = self.0.objects.lock().unwrap().get_mut(&thread) {
            object.alarm = None;
        }
    }

    /// When the alarm is to ring.
    pub fn alarm_at(&self, thread: ThreadOf) -> Option<Millis> {
        self.0.objects.lock().unwrap().get(&thread).and_then(|object| object.alarm)
    }

    /// For what only a test asks: an object's disk.
    pub fn disk(&self, thread: ThreadOf) -> Disk {
        self.0.objects.lock().unwrap()[&thread].disk.clone()
    }

    /// The host does something, and what it leaves to be done is done. What gathers is written at once.
    fn with<T>(
        &self,
        thread: ThreadOf,
        work: impl FnOnce(&mut Host<Thread, Disk>, &mut Moment<'_>) -> T,
    ) -> T {
        let mut objects = self.0.objects.lock().unwrap();
        let object = objects.entry(thread).or_insert_with(|| Object::new(Disk::new(), 0));
        let mut random = || [7; 10];
        let mut moment = Moment { now: self.0.clock.now(), random: &mut random };
        let done = work(&mut object.host, &mut moment);
        let mut todo = object.host.take_todo();
        if todo.timers.contains(&Timer::Gather) {
            object.host.rang(Timer::Gather, &mut moment);
            let more = object.host.take_todo();
            todo.events.extend(more.events);
            todo.effects.extend(more.effects);
            todo.alarm = more.alarm.or(todo.alarm);
            todo.unwanted = more.unwanted;
        }
        object.alarm = todo.alarm.or(object.alarm);
        object.watchers.show(&todo.events);
        object.unwanted.tell(&todo.unwanted);
        if todo.is_void && object.host.vacate() {
            *object = Object::new(Disk::new(), object.life + 1);
        }
        let life = object.life;
        drop(objects);
        for effect in todo.effects {
            self.perform(thread, life, effect.what);
        }
        done
    }

    fn perform(&self, thread: ThreadOf, life: u32, effect: Effect) {
        let Some(world) = self.0.world.get().and_then(WithinWorld::world) else { return };
        let mut app = App::new(world.clone(), Arc::default());
        if let Some(object) = self.0.objects.lock().unwrap().get(&thread) {
            app.settlements = object.settlements.clone();
        }
        let object = Handle { threads: self.clone(), thread, life };
        world.start(async move { perform(&app, &object, &effect).await });
    }

    /// A text, whatever it asks.
    pub fn told(&self, thread: ThreadOf, text: &str) -> Response {
        match self.with(thread, |host, moment| wire::answer(host, text, moment)) {
            Reply::Now(response) => response,
            Reply::Later(_) => panic!("a thread's object answers at once"),
        }
    }

    fn answer(&self, thread: ThreadOf, command: &Command) -> Result<Answer, Unavailable> {
        let response = self.told(thread, &wire::encode(VERSION, command).unwrap());
        match response.status {
            200 => Ok(wire::decode(&response.text).unwrap()),
            _ => Err(Unavailable(response.text)),
        }
    }
}

impl Threads for FakeThreads {
    type Watch = Watched;

    async fn ask(&self, thread: ThreadOf, command: Command) -> Result<Answer, Unavailable> {
        self.answer(thread, &command)
    }

    async fn watch(&self, thread: ThreadOf, command: Command) -> Result<(Answer, Watched), Unavailable> {
        let answer = self.answer(thread, &command)?;
        let events = match &answer {
            Answer::Events(events) if events.is_live() => {
                let mut objects = self.0.objects.lock().unwrap();
                let run = events.snapshot.as_ref().map(|run| run.id.number);
                Some(objects.get_mut(&thread).unwrap().watchers.add(run))
            }
            _ => None,
        };
        Ok((answer, Watched(events)))
    }
}

/// What a watcher sees.
pub struct Watched(Option<Shown>);

impl Watch for Watched {
    async fn next(&mut self) -> Option<Numbered> {
        let event = self.0.as_mut()?.next().await?;
        Some(serde_json::from_str(&event).unwrap())
    }
}

/// An object in one of its lives.
#[derive(Clone)]
struct Handle {
    threads: FakeThreads,
    thread: ThreadOf,
    life: u32,
}

impl Handle {
    fn is_alive(&self) -> bool {
        self.threads
            .0
            .objects
            .lock()
            .unwrap()
            .get(&self.thread)
            .is_some_and(|object| object.life == self.life)
    }

    fn look<T>(&self, read: impl FnOnce(&Thread, &Disk) -> Result<T, Error>) -> Result<T, Unavailable> {
        let looked = self.threads.with(self.thread, |host, moment| host.look_at(moment, read));
        looked.map_err(|error| Unavailable(error.to_string()))
    }
}

impl Performed for Handle {
    fn model_call(&self, run: u32, step: u32, attempt: u32) -> Wanted<ModelCall> {
        self.look(|thread, disk| thread.model_call(disk, run, step, attempt))
    }

    fn compaction(&self, run: u32, nth: u32) -> Wanted<CompactionCall> {
        self.look(|thread, disk| thread.compaction(disk, run, nth))
    }

    fn tool_call(&self, run: u32, entry: u32, attempt: u32) -> Wanted<ToolCall> {
        self.look(|thread, _| Ok(thread.tool_call(run, entry, attempt)))
    }

    fn report(&self, run: u32) -> Wanted<Report> {
        self.look(|thread, disk| thread.report(disk, run))
    }

    fn delivery(&self) -> Wanted<(AccountId, Delivery)> {
        self.look(|thread, disk| thread.delivery(disk))
    }

    fn for_ledger(&self) -> Wanted<ForLedger> {
        self.look(|thread, disk| thread.for_ledger(disk))
    }

    fn progress(&self, id: &str, progress: Progress) -> Result<(), Progress> {
        if !self.is_alive() {
            return Ok(());
        }
        self.threads.with(self.thread, |host, moment| host.progress(id, progress, moment)).map(|_| ())
    }

    fn ended(&self, id: &str, outcome: Outcome) -> Result<bool, Unavailable> {
        // What dies with its object says nothing more.
        if !self.is_alive() {
            return Ok(true);
        }
        let ended = self.threads.with(self.thread, |host, moment| host.ended(id, outcome, moment));
        ended.map_err(|error| Unavailable(error.to_string()))
    }

    fn unwanted(&self, id: &str) -> impl Future<Output = ()> + Send + 'static {
        let mut objects = self.threads.0.objects.lock().unwrap();
        let object = objects.get_mut(&self.thread).filter(|object| object.life == self.life);
        // What dies with its object learns nothing more.
        let unwanted = object.map(|object| object.unwanted.of(id));
        async move {
            match unwanted {
                Some(unwanted) => unwanted.await,
                None => std::future::pending().await,
            }
        }
    }

    fn let_go(&self, id: &str) {
        if self.is_alive() {
            self.threads.with(self.thread, |host, _| host.let_go(id));
        }
    }
}
