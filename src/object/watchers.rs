//! Who watches an object, while it is in memory.

use futures_channel::mpsc::{self, Receiver, Sender};

use crate::domain::run::event::Numbered;

/// How many events may be on their way to one watcher. One that is slower is let go, and comes back for the rest.
const MAX_UNREAD: usize = 4_096;

/// Those who watch a thread.
#[derive(Debug, Default)]
pub struct Watchers {
    all: Vec<Watcher>,
}

#[derive(Debug)]
struct Watcher {
    /// `None`: every run.
    run: Option<u32>,
    events: Sender<Numbered>,
}

impl Watchers {
    /// One more, of a run or of all.
    pub fn add(&mut self, run: Option<u32>) -> Receiver<Numbered> {
        let (events, received) = mpsc::channel(MAX_UNREAD);
        self.all.push(Watcher { run, events });
        received
    }

    /// Shows events to all whom they concern. Whoever has left, is too slow or has seen the end of their run goes.
    pub fn show(&mut self, events: &[Numbered]) {
        for event in events {
            self.all.retain_mut(|watcher| {
                if watcher.run.is_some_and(|run| run != event.run.number) {
                    return !watcher.events.is_closed();
                }
                let is_shown = watcher.events.try_send(event.clone()).is_ok();
                is_shown && !(watcher.run.is_some() && event.event.is_last())
            });
        }
    }

    /// Everyone goes: there is nothing to be watched any more.
    pub fn clear(&mut self) {
        self.all.clear();
    }
}
