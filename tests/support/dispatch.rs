//! The accounts' dispatch objects: the code that the platform runs, each over an SQLite of its own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use retinue::domain::dispatch::command::{Answer, Command, VERSION};
use retinue::domain::ids::AccountId;
use retinue::object::dispatch::Dispatch;
use retinue::object::host::{Host, Reply};
use retinue::object::machine::Moment;
use retinue::object::wire::{self, Response};
use retinue::ports::{Dispatch as Port, Unavailable};

use super::disk::Disk;
use super::faults::{Faults, SECRET, When};
use super::world::Clock;

#[derive(Clone)]
pub struct FakeDispatch {
    objects: Arc<Mutex<BTreeMap<AccountId, Host<Dispatch, Disk>>>>,
    faults: Faults,
    clock: Clock,
}

impl FakeDispatch {
    pub fn new(faults: Faults, clock: Clock) -> Self {
        Self { objects: Arc::default(), faults, clock }
    }

    /// A text, whatever it asks.
    pub fn told(&self, account: AccountId, text: &str) -> Response {
        let mut objects = self.objects.lock().unwrap();
        let host = objects.entry(account).or_insert_with(|| Host::new(Disk::new()));
        let mut random = || [5; 10];
        let mut moment = Moment { now: self.clock.now(), random: &mut random };
        let Reply::Now(response) = wire::answer(host, text, &mut moment) else {
            panic!("a dispatch object answers at once")
        };
        drop(host.take_todo());
        response
    }
}

impl Port for FakeDispatch {
    /// It may fail before or after it takes effect.
    async fn ask(&self, account: AccountId, command: Command) -> Result<Answer, Unavailable> {
        let name = match &command {
            Command::Deliver(_) => "deliver",
            Command::List(_) => "list",
            Command::Wake => "wake_dispatch",
            Command::Overdue(_) => "overdue",
            Command::Threads(..) => "threads",
            Command::Claim(_) => "claim",
            Command::Settle(..) => "settle_claim",
            Command::Kept => "kept",
        };
        let failure = self.faults.meet(&[name]);
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
