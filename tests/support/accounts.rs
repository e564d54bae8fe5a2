//! The accounts' objects: the code that the platform runs, each over an SQLite of its own that survives
//! [`FakeAccounts::crash`]. Commands and answers pass as the text that the hop carries.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use retinue::domain::admission::command::{Admission, Admit, Answer, CallRecord, Command, Settle, VERSION};
use retinue::domain::ids::AccountId;
use retinue::domain::money::Nanos;
use retinue::domain::plan::CallLimits;
use retinue::domain::time::Millis;
use retinue::object::account::Account;
use retinue::object::client::Hop;
use retinue::object::host::{Host, Reply, Timer};
use retinue::object::machine::Moment;
use retinue::object::wire::{self, Response};
use retinue::ports::Unavailable;

use super::disk::Disk;
use super::faults::{Faults, SECRET, When};
use super::world::Clock;

#[derive(Clone)]
pub struct FakeAccounts {
    objects: Arc<Mutex<BTreeMap<AccountId, Object>>>,
    faults: Faults,
    clock: Clock,
}

/// An object, its disk, and the alarm that the platform keeps for it.
struct Object {
    disk: Disk,
    host: Host<Account, Disk>,
    alarm: Option<Millis>,
    drawn: u8,
}

impl Object {
    fn new() -> Self {
        let disk = Disk::new();
        Self { host: Host::new(disk.clone()), disk, alarm: None, drawn: 0 }
    }

    /// The host does something, and what it leaves to be done is done. What gathers is written at once: every
    /// answer waits for the disk here.
    fn with<T>(
        &mut self,
        now: Millis,
        work: impl FnOnce(&mut Host<Account, Disk>, &mut Moment<'_>) -> T,
    ) -> T {
        let Self { host, drawn, alarm, .. } = self;
        let mut random = || {
            *drawn += 1;
            [*drawn; 10]
        };
        let mut moment = Moment { now, random: &mut random };
        let done = work(host, &mut moment);
        let mut todo = host.take_todo();
        *alarm = todo.alarm.or(*alarm);
        if todo.timers.contains(&Timer::Gather) {
            host.rang(Timer::Gather, &mut moment);
            todo = host.take_todo();
            *alarm = todo.alarm.or(*alarm);
        }
        done
    }

    fn answer(&mut self, text: &str, now: Millis) -> Response {
        match self.with(now, |host, moment| wire::answer(host, text, moment)) {
            Reply::Now(response) => response,
            Reply::Later(later) => wire::respond::<Account>(later.wait().now_or_never().unwrap()),
        }
    }

    fn command(&mut self, command: &Command, now: Millis) -> Answer {
        let response = self.answer(&wire::encode(VERSION, command).unwrap(), now);
        assert_eq!(response.status, 200, "{response:?}");
        wire::decode(&response.text).unwrap()
    }
}

impl FakeAccounts {
    pub fn new(faults: Faults, clock: Clock) -> Self {
        Self { objects: Arc::default(), faults, clock }
    }

    /// The object dies and starts again from its disk.
    pub fn crash(&self, account: AccountId) {
        self.with(account, |object| {
            object.host = Host::new(object.disk.clone());
            object.command(&Command::InspectAccount, self.clock.now());
        });
    }

    /// The alarm rings, if it is due.
    pub fn alarm(&self, account: AccountId) {
        let now = self.clock.now();
        self.with(account, |object| {
            if object.alarm.take_if(|at| *at <= now).is_some() {
                object.with(now, |host, moment| host.wake(moment)).unwrap();
            }
        });
    }

    /// Nothing came for a while.
    pub fn quiet(&self, account: AccountId) {
        let now = self.clock.now();
        self.with(account, |object| object.with(now, |host, moment| host.rang(Timer::Quiet, moment)));
    }

    /// The platform loses the alarm.
    pub fn lose_alarm(&self, account: AccountId) {
        self.with(account, |object| object.alarm = None);
    }

    /// A control-plane write of somebody else begins and ends.
    pub fn advance(&self, account: AccountId) {
        let now = self.clock.now();
        self.with(account, |object| {
            object.command(&Command::BeginWrite, now);
            object.command(&Command::EndWrite, now);
        });
    }

    /// Control-plane writes begun and not ended.
    pub fn open_writes(&self, account: AccountId) -> u32 {
        self.with(account, |object| {
            object.command(&Command::Epoch, self.clock.now());
            object.disk.db().query_row("SELECT writers FROM meta", [], |row| row.get(0)).unwrap()
        })
    }

    /// Serves a call as this record says: holds, and settles at once.
    pub fn book(&self, account: AccountId, record: CallRecord) {
        let now = record.at;
        self.with(account, |object| {
            let Answer::Epoch(epoch) = object.command(&Command::Epoch, now) else { panic!("no epoch") };
            let admit = Admit {
                call: record.call,
                agent: record.agent,
                key: record.key,
                version: record.version,
                model: record.model.clone(),
                epoch,
                want: record.held,
                floor: record.held,
                again: false,
                charged: Nanos::ZERO,
                budget: None,
                max_concurrency: None,
                limits: CallLimits::default(),
                ttl_ms: 60_000,
                ended: Vec::new(),
            };
            let admitted = object.command(&Command::Admit(admit), now);
            assert!(matches!(admitted, Answer::Admission(Admission::Granted { .. })), "{admitted:?}");
            object.command(&Command::Settle(Settle { records: vec![record] }), now);
        });
    }

    /// A text, whatever it asks.
    pub fn told(&self, account: AccountId, text: &str) -> Response {
        let now = self.clock.now();
        self.with(account, |object| object.answer(text, now))
    }

    /// For what only a test asks: an object's disk.
    pub fn disk(&self, account: AccountId) -> Disk {
        self.with(account, |object| object.disk.clone())
    }

    fn with<T>(&self, account: AccountId, ask: impl FnOnce(&mut Object) -> T) -> T {
        let mut objects = self.objects.lock().unwrap();
        ask(objects.entry(account).or_insert_with(Object::new))
    }
}

/// By what name a test plans a command's failure.
pub fn name(command: &Command) -> &'static str {
    match command {
        Command::Admit(_) | Command::AdmitAll(_) => "admit",
        Command::Count(_) => "count",
        Command::Settle(_) => "settle",
        Command::Forget(_) => "forget",
        Command::Epoch => "epoch",
        Command::BeginWrite => "begin_write",
        Command::EndWrite => "end_write",
        Command::Inspect(_) => "spend",
        Command::InspectAccount => "account_spend",
        Command::Calls(_) => "calls",
        Command::Wake => "wake",
        Command::Learn(_) => "learn",
    }
}

impl Hop for FakeAccounts {
    /// It may fail before or after it takes effect.
    async fn carry(&self, account: AccountId, command: String) -> Result<String, Unavailable> {
        let name = name(&wire::decode(&command).unwrap());
        let failure = self.faults.meet(&[name]);
        let lost = |side: &str| Err(Unavailable(format!("{SECRET}: {name} lost {side}")));
        if failure == Some(When::Before) {
            return lost("before");
        }
        let now = self.clock.now();
        let response = self.with(account, |object| object.answer(&command, now));
        match (failure, response.status) {
            (Some(When::After), _) => lost("after"),
            (_, 200) => Ok(response.text),
            _ => Err(Unavailable(response.text)),
        }
    }
}
