//! The accounts' dispatch objects: the code that the platform runs, each over an SQLite of its own that survives
//! [`FakeDispatch::crash`]. What they do outside is done by tasks, with the test's world.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use retinue::domain::dispatch::command::{Answer, Command, VERSION};
use retinue::domain::dispatch::effect::{Effect, Outcome, Progress};
use retinue::domain::dispatch::notice::Posting;
use retinue::domain::ids::AccountId;
use retinue::domain::time::Millis;
use retinue::object::dispatch::Dispatch;
use retinue::object::host::{Host, Reply, Timer};
use retinue::object::machine::Moment;
use retinue::object::wire::{self, Response};
use retinue::ports::{Dispatch as Port, Dispatched, Unavailable, Wanted};
use retinue::service::App;
use retinue::service::dispatched::perform;

use super::disk::Disk;
use super::faults::{Faults, SECRET, When};
use super::world::{Clock, WithinWorld};

#[derive(Clone)]
pub struct FakeDispatch(Arc<Inner>);

struct Inner {
    objects: Mutex<BTreeMap<AccountId, Object>>,
    faults: Faults,
    clock: Clock,
    world: OnceLock<WithinWorld>,
}

/// An object, its disk, and the alarm that the platform keeps for it.
struct Object {
    disk: Disk,
    host: Host<Dispatch, Disk>,
    alarm: Option<Millis>,
    /// Which life it lives: what an earlier one began is not heard any more.
    life: u32,
}

impl Object {
    fn new(disk: Disk, life: u32) -> Self {
        Self { host: Host::new(disk.clone()), disk, alarm: None, life }
    }
}

impl FakeDispatch {
    pub fn new(faults: Faults, clock: Clock) -> Self {
        Self(Arc::new(Inner { objects: Mutex::default(), faults, clock, world: OnceLock::new() }))
    }

    /// Where effects are performed.
    pub fn live_in(&self, world: WithinWorld) {
        let _ = self.0.world.set(world);
    }

    /// The object dies, with all that it was doing, and starts again from its disk at the next question.
    pub fn crash(&self, account: AccountId) {
        let mut objects = self.0.objects.lock().unwrap();
        if let Some(object) = objects.get_mut(&account) {
            *object = Object { alarm: object.alarm, ..Object::new(object.disk.clone(), object.life + 1) };
        }
    }

    /// The alarm rings, if it is due.
    pub fn alarm(&self, account: AccountId) {
        let now = self.0.clock.now();
        let is_due = |object: &mut Object| object.alarm.take_if(|at| *at <= now).is_some();
        if self.0.objects.lock().unwrap().get_mut(&account).is_some_and(is_due) {
            self.with(account, |host, moment| host.wake(moment)).unwrap();
        }
    }

    /// When the alarm is to ring.
    pub fn alarm_at(&self, account: AccountId) -> Option<Millis> {
        self.0.objects.lock().unwrap().get(&account).and_then(|object| object.alarm)
    }

    /// The host does something, and what it leaves to be done is done. What gathers is written at once.
    fn with<T>(
        &self,
        account: AccountId,
        work: impl FnOnce(&mut Host<Dispatch, Disk>, &mut Moment<'_>) -> T,
    ) -> T {
        let mut objects = self.0.objects.lock().unwrap();
        let object = objects.entry(account).or_insert_with(|| Object::new(Disk::new(), 0));
        let mut random = || [0; 10];
        let mut moment = Moment { now: self.0.clock.now(), random: &mut random };
        let done = work(&mut object.host, &mut moment);
        let mut todo = object.host.take_todo();
        if todo.timers.contains(&Timer::Gather) {
            object.host.rang(Timer::Gather, &mut moment);
            let more = object.host.take_todo();
            todo.effects.extend(more.effects);
            todo.alarm = more.alarm.or(todo.alarm);
        }
        object.alarm = todo.alarm.or(object.alarm);
        let life = object.life;
        drop(objects);
        for effect in todo.effects {
            self.perform(account, life, effect.what);
        }
        done
    }

    fn perform(&self, account: AccountId, life: u32, effect: Effect) {
        let Some(world) = self.0.world.get().and_then(WithinWorld::world) else { return };
        let app = App::new(world.clone(), Arc::default());
        let object = Handle { dispatch: self.clone(), account, life };
        world.start(async move { perform(&app, &object, &effect).await });
    }

    /// A text, whatever it asks.
    pub fn told(&self, account: AccountId, text: &str) -> Response {
        let reply = self.with(account, |host, moment| wire::answer(host, text, moment));
        let Reply::Now(response) = reply else { panic!("a dispatch object answers at once") };
        response
    }
}

impl Port for FakeDispatch {
    /// It may fail before or after it takes effect.
    async fn ask(&self, account: AccountId, command: Command) -> Result<Answer, Unavailable> {
        let name = name(&command);
        let failure = self.0.faults.meet(&[name]);
        let lost = |side: &str| Err(Unavailable(format!("{SECRET}: {name} lost {side}")));
        if failure == Some(When::Before) {
            return lost("before");
        }
        let response = self.told(account, &wire::encode(VERSION, &command).unwrap());
        match (failure, response.status) {
            (Some(When::After), _) => lost("after"),
            (_, 200) => Ok(wire::decode(&response.text).unwrap()),
            _ => Err(Unavailable(response.text)),
        }
    }
}

/// By what name a test plans a command's failure.
pub const fn name(command: &Command) -> &'static str {
    match command {
        Command::Deliver(_) => "deliver",
        Command::List(_) => "list",
        Command::Overdue(_) => "overdue",
        Command::Learn(..) => "learn_dispatch",
        Command::Notices(_) => "notices",
        Command::Resend(..) => "resend",
        Command::Try(_) => "try",
        Command::Threads(..) => "threads",
        Command::Claim(_) => "claim",
        Command::Settle(..) => "settle_claim",
        Command::Kept => "kept",
        Command::Place(..) | Command::Emptied(..) => "place",
        Command::Places(..) => "places",
        Command::ClaimMemory(..) => "claim_memory",
        Command::Counted(..) => "counted",
        Command::Erase(_) => "erase",
        Command::Erasure(_) => "erasure",
        Command::Erasures(..) => "erasures",
        Command::Hold(_) => "hold",
        Command::Release(_) => "release",
        Command::ShowHold(_) => "show_hold",
        Command::Holds(..) => "holds",
        Command::MayGo(_) => "may_go",
        Command::Retain(_) => "retain",
    }
}

/// An object in one of its lives.
#[derive(Clone)]
struct Handle {
    dispatch: FakeDispatch,
    account: AccountId,
    life: u32,
}

impl Handle {
    fn is_alive(&self) -> bool {
        let objects = self.dispatch.0.objects.lock().unwrap();
        objects.get(&self.account).is_some_and(|object| object.life == self.life)
    }
}

impl Dispatched for Handle {
    fn posting(&self, notice: &str) -> Wanted<Posting> {
        let looked = self.dispatch.with(self.account, |host, moment| {
            host.look_at(moment, |dispatch, disk| dispatch.posting(disk, notice))
        });
        looked.map_err(|error| Unavailable(error.to_string()))
    }

    fn progress(&self, id: &str, progress: Progress) -> Result<(), Progress> {
        if !self.is_alive() {
            return Ok(());
        }
        self.dispatch.with(self.account, |host, moment| host.progress(id, progress, moment)).map(|_| ())
    }

    fn ended(&self, id: &str, outcome: Outcome) -> Result<bool, Unavailable> {
        // What dies with its object says nothing more.
        if !self.is_alive() {
            return Ok(true);
        }
        let ended = self.dispatch.with(self.account, |host, moment| host.ended(id, outcome, moment));
        ended.map_err(|error| Unavailable(error.to_string()))
    }

    fn let_go(&self, id: &str) {
        if self.is_alive() {
            self.dispatch.with(self.account, |host, _| host.let_go(id));
        }
    }
}
