//! Who watches an object, while it is in memory.
//!
//! What is on its way to a watcher is bounded: one that is slower is let go, and comes back for the rest behind the last number
//! that it has. An event is encoded once, for all who watch.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use futures_channel::mpsc::{self, Receiver, Sender};
use futures_util::Stream;

use crate::domain::run::event::Numbered;

/// How many events may be on their way to one watcher,
const MAX_UNREAD: usize = 4_096;
/// and how many bytes. A single event may be larger.
const MAX_BYTES: usize = 256 * 1_024;
/// How many may watch at once. 100 runs can wait in a thread, each with a caller or two.
const MAX_WATCHERS: usize = 512;

/// Those who watch a thread.
#[derive(Debug, Default)]
pub struct Watchers {
    all: Vec<Watcher>,
}

#[derive(Debug)]
struct Watcher {
    /// `None`: every run.
    run: Option<u32>,
    events: Sender<Arc<str>>,
    /// Bytes that were sent and not read.
    unread: Arc<AtomicUsize>,
}

impl Watcher {
    /// Whether there is room for it, and it was sent.
    fn send(&mut self, event: &Arc<str>) -> bool {
        let unread = self.unread.load(Ordering::Relaxed);
        if unread > 0 && unread + event.len() > MAX_BYTES {
            return false;
        }
        self.unread.fetch_add(event.len(), Ordering::Relaxed);
        self.events.try_send(event.clone()).is_ok()
    }
}

/// What a watcher sees: events, as JSON.
#[derive(Debug)]
pub struct Shown {
    events: Receiver<Arc<str>>,
    unread: Arc<AtomicUsize>,
}

impl Stream for Shown {
    type Item = Arc<str>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Arc<str>>> {
        let polled = Pin::new(&mut self.events).poll_next(context);
        if let Poll::Ready(Some(event)) = &polled {
            self.unread.fetch_sub(event.len(), Ordering::Relaxed);
        }
        polled
    }
}

impl Watchers {
    /// One more, of a run or of all. Where too many watch already it sees nothing.
    pub fn add(&mut self, run: Option<u32>) -> Shown {
        let (events, received) = mpsc::channel(MAX_UNREAD);
        let unread = Arc::<AtomicUsize>::default();
        let shown = Shown { events: received, unread: unread.clone() };
        self.all.retain(|watcher| !watcher.events.is_closed());
        if self.all.len() < MAX_WATCHERS {
            self.all.push(Watcher { run, events, unread });
        }
        shown
    }

    /// Shows events to all whom they concern. Whoever has left, is too slow or has seen the end of their run goes.
    pub fn show(&mut self, events: &[Numbered]) {
        if self.all.is_empty() {
            return;
        }
        for event in events {
            let json: Arc<str> = serde_json::to_string(event).unwrap_or_default().into();
            self.all.retain_mut(|watcher| {
                if watcher.run.is_some_and(|run| run != event.run.number) {
                    return !watcher.events.is_closed();
                }
                watcher.send(&json) && !(watcher.run.is_some() && event.event.is_last())
            });
        }
    }

    /// Everyone goes: there is nothing to be watched any more.
    pub fn is_empty(&self) -> bool {
        self.all.iter().all(|watcher| watcher.events.is_closed())
    }

    pub fn clear(&mut self) {
        self.all.clear();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use futures_util::StreamExt;

    use super::*;
    use crate::domain::run::event::Event;
    use crate::domain::thread::id::{RunId, ThreadKey};
    use crate::domain::time::Millis;

    fn event(seq: u64, bytes: usize) -> Numbered {
        let run = RunId { thread: ThreadKey::new(Millis(0), [0; 10]), number: 1 };
        Numbered { seq, position: seq, run, event: Event::Progress { message: "x".repeat(bytes) } }
    }

    fn seqs(shown: &mut Shown) -> Vec<u64> {
        let mut seen = Vec::new();
        while let Some(Some(json)) = shown.next().now_or_never() {
            seen.push(serde_json::from_str::<Numbered>(&json).unwrap().seq);
        }
        seen
    }

    #[test]
    fn a_watcher_that_does_not_read_holds_so_many_bytes_and_is_let_go() {
        let mut watchers = Watchers::default();
        let (mut slow, mut quick) = (watchers.add(Some(1)), watchers.add(None));
        let mut seen = Vec::new();
        for seq in 0..100 {
            watchers.show(&[event(seq, 10_000)]);
            seen.extend(seqs(&mut quick));
        }
        assert_eq!(seen, (0..100).collect::<Vec<_>>());
        let held = seqs(&mut slow);
        assert_eq!(held, (0..held.len() as u64).collect::<Vec<_>>(), "no gap before it is let go");
        assert!((20..27).contains(&held.len()), "{}", held.len());
        assert_eq!(slow.next().now_or_never(), Some(None), "it has ended");
        assert_eq!(watchers.all.len(), 1);
    }

    #[test]
    fn an_event_that_is_larger_than_what_may_be_unread_is_seen() {
        let mut watchers = Watchers::default();
        let mut shown = watchers.add(None);
        for seq in 0..3 {
            watchers.show(&[event(seq, 2 * MAX_BYTES)]);
            assert_eq!(seqs(&mut shown), [seq]);
        }
    }

    #[test]
    fn only_so_many_watch_and_whoever_left_makes_room() {
        let mut watchers = Watchers::default();
        let mut all: Vec<Shown> = (0..MAX_WATCHERS).map(|_| watchers.add(None)).collect();
        let mut beyond = watchers.add(None);
        assert_eq!(beyond.next().now_or_never(), Some(None), "it comes back later");
        all.pop();
        let mut last = watchers.add(None);
        watchers.show(&[event(7, 1)]);
        assert_eq!(seqs(&mut last), [7]);
    }
}
