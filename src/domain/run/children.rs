//! A run and its children: what each may spend, what is heard of them, and how they end.

use super::child::{Child, Guess};
use super::event::{Event, asks};
use super::happening::{Do, Names};
use super::state::{Run, Status};
use super::word::Ended;
use crate::domain::message::Part;
use crate::domain::money::Nanos;
use crate::domain::thread::id::{EntryId, RunId};
use crate::domain::time::Millis;

const GONE: &str = "The thread of this agent's run is not there any more.";

impl Run {
    /// Gives the child of a call its share: of what is left, as much as each other of so many may have. One that was begun
    /// before keeps what it was given. Whether there was anything to give.
    pub(super) fn endow(&mut self, entry: u32, of: u64, now: Millis) -> bool {
        if self.children.contains_key(&entry) {
            return true;
        }
        let given = self.left().map(|left| Nanos::new(left.get().div_ceil(of.max(1))));
        if given == Some(Nanos::ZERO) {
            return false;
        }
        self.children.insert(entry, Child::new(given, now));
        true
    }

    /// Says that a child is there, the first time that this becomes known.
    pub(super) fn child_begun(&mut self, entry: u32, names: &Names<'_>, out: &mut Vec<Do>) {
        let Some(child) = self.children.get_mut(&entry).filter(|child| !child.has_begun) else { return };
        child.has_begun = true;
        let (call_id, child, path) = self.below(entry, names);
        out.push(Do::Say(Event::ChildStarted { call_id, child, path }));
    }

    /// What a child says on its way.
    pub(super) fn child_said(
        &mut self,
        entry: u32,
        (seq, waits, message): (u64, bool, Option<String>),
        names: &Names<'_>,
        out: &mut Vec<Do>,
    ) {
        self.child_begun(entry, names, out);
        let Some(child) = self.children.get_mut(&entry).filter(|child| seq > child.heard) else { return };
        child.heard = seq;
        let has_changed = std::mem::replace(&mut child.waits, waits) != waits;
        if let Some(message) = message {
            let (call_id, child, path) = self.below(entry, names);
            out.push(Do::Say(Event::ChildProgress { call_id, child, path, message }));
        }
        if has_changed && self.status() == Status::Waiting {
            let waiting_on: Vec<_> = self.awaited().iter().map(|awaited| (names.awaited)(awaited)).collect();
            if asks(&waiting_on) {
                out.push(Do::Say(Event::Waiting { waiting_on }));
            }
        }
    }

    /// The end of a child: its cost, once, and the result of its call, where that has none.
    pub(super) fn child_ended(&mut self, entry: u32, ended: Ended, names: &Names<'_>, out: &mut Vec<Do>) {
        self.child_begun(entry, names, out);
        if !self.settle_child(entry, ended.cost, ended.open) {
            return;
        }
        let (call_id, child, path) = self.below(entry, names);
        let Ended { status, output, is_error, cost, .. } = ended;
        out.push(Do::Say(Event::ChildEnded { call_id, child, path, status, cost_usd: cost }));
        self.end_call(entry, output, is_error, names, out);
    }

    /// A child that was there, and whose thread somebody has deleted. Until its own word comes, what it may have spent stays set
    /// aside.
    pub(super) fn child_lost(&mut self, entry: u32, names: &Names<'_>, out: &mut Vec<Do>) {
        if self.children.get(&entry).is_some_and(|child| child.has_begun) {
            self.settle_child(entry, Nanos::ZERO, Ended::UNKNOWN);
            self.end_call(entry, GONE.to_owned(), true, names, out);
        }
    }

    /// Adds what a child has cost; whether its end was still to be known.
    pub(super) fn settle_child(&mut self, entry: u32, cost: Nanos, open: Nanos) -> bool {
        let is_guess = open == Ended::UNKNOWN;
        let (given, before) = match (self.children.remove(&entry), self.guessed.get(&entry)) {
            (Some(child), _) => (child.given.unwrap_or_default(), None),
            (None, Some(guess)) if !is_guess => (guess.given, self.guessed.remove(&entry)),
            (None, _) => return false,
        };
        let set_aside = open.min(given - cost);
        let (cost_before, aside_before) =
            before.map_or((Nanos::ZERO, Nanos::ZERO), |guess| (guess.cost, guess.set_aside));
        self.spent = self.spent - cost_before + cost;
        self.set_aside = self.set_aside - aside_before + set_aside;
        if is_guess {
            self.guessed.insert(entry, Guess { given, cost, set_aside });
        }
        before.is_none()
    }

    fn end_call(&mut self, entry: u32, output: String, is_error: bool, names: &Names<'_>, out: &mut Vec<Do>) {
        if self.call(entry).is_some_and(|call| !call.is_done()) {
            self.has_progressed();
            self.resolve(entry, vec![Part::Text(output)], is_error, names, out);
        }
    }

    /// Asks those children how they are that have been quiet for long. One that may not be there yet is not asked: that it
    /// is nowhere would say nothing.
    pub(super) fn look_at_children(&mut self, now: Millis, out: &mut Vec<Do>) {
        for (entry, child) in self.children.iter_mut().filter(|(_, child)| child.look_at <= now) {
            let nth = child.look(now);
            out.extend(child.has_begun.then_some(Do::LookAtChild { entry: *entry, nth }));
        }
    }

    fn below(&self, entry: u32, names: &Names<'_>) -> (EntryId, RunId, Vec<RunId>) {
        let call = (names.entry)(entry);
        (call, call.child(), self.terms.path_below(call.run))
    }
}
