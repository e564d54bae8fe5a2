//! The knowledge objects: the code that the platform runs, each over an SQLite of its own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use retinue::domain::knowledge::Place;
use retinue::domain::knowledge::command::{Answer, Command, VERSION};
use retinue::domain::memory::command as memory;
use retinue::object::host::{Host, Reply};
use retinue::object::knowledge::Knowledge;
use retinue::object::machine::Moment;
use retinue::object::wire::{self, Response};
use retinue::ports::{Knowledge as Port, Unavailable};

use super::disk::Disk;
use super::faults::{Faults, SECRET, When};
use super::world::Clock;

#[derive(Clone)]
pub struct FakeKnowledge {
    objects: Arc<Mutex<BTreeMap<Place, Object>>>,
    drawn: Arc<Mutex<u8>>,
    faults: Faults,
    clock: Clock,
}

struct Object {
    disk: Disk,
    host: Host<Knowledge, Disk>,
}

impl Object {
    fn new(disk: Disk) -> Self {
        Self { host: Host::new(disk.clone()), disk }
    }
}

impl FakeKnowledge {
    pub fn new(faults: Faults, clock: Clock) -> Self {
        Self { objects: Arc::default(), drawn: Arc::default(), faults, clock }
    }

    /// The object dies and starts again from its disk at the next question.
    pub fn crash(&self, place: &Place) {
        if let Some(object) = self.objects.lock().unwrap().get_mut(place) {
            *object = Object::new(object.disk.clone());
        }
    }

    /// The objects that have something on their disk.
    pub fn places(&self) -> Vec<Place> {
        self.objects.lock().unwrap().keys().cloned().collect()
    }
}

impl FakeKnowledge {
    /// A text, whatever it asks.
    pub fn told(&self, place: &Place, text: &str) -> Response {
        let mut objects = self.objects.lock().unwrap();
        let object = objects.entry(place.clone()).or_insert_with(|| Object::new(Disk::new()));
        let mut random = || {
            let mut drawn = self.drawn.lock().unwrap();
            *drawn = drawn.wrapping_add(1);
            [*drawn; 10]
        };
        let mut moment = Moment { now: self.clock.now(), random: &mut random };
        let Reply::Now(response) = wire::answer(&mut object.host, text, &mut moment) else {
            panic!("a knowledge object answers at once")
        };
        if object.host.take_todo().is_void && object.host.vacate() {
            objects.remove(place);
        }
        response
    }
}

impl Port for FakeKnowledge {
    /// It may fail before or after it takes effect.
    async fn ask(&self, place: &Place, command: Command) -> Result<Answer, Unavailable> {
        let name = match &command {
            Command::Memory(memory::Command::Make(_)) => "make_memory",
            Command::Memory(memory::Command::Show(_)) => "show_memory",
            Command::Memory(memory::Command::Change(_)) => "change_memory",
            Command::Memory(memory::Command::Delete(..)) => "delete_memory",
            Command::Memory(memory::Command::List(_)) => "list_memories",
            Command::Memory(memory::Command::Recall(_)) => "recall",
            Command::Count => "count_memories",
            Command::EraseUntil(_) => "erase_memories",
        };
        let failure = self.faults.meet(&[name]);
        let lost = |side: &str| Err(Unavailable(format!("{SECRET}: {name} lost {side}")));
        if failure == Some(When::Before) {
            return lost("before");
        }
        let response = self.told(place, &wire::encode(VERSION, &command).unwrap());
        match (failure, response.status) {
            (Some(When::After), _) => lost("after"),
            (_, 200) => Ok(wire::decode(&response.text).unwrap()),
            _ => Err(Unavailable(response.text)),
        }
    }
}
