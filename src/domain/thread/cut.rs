//! Where a transcript may be cut, and where it is.
//!
//! Runs stay whole: a cut stands before the first item of a run, or before what a person says in items that were appended without a
//! run; what is appended otherwise belongs to the run before it. A cut never stands between a call and its result.

use super::compaction::{Horizon, LAST_RESORT, Room, weight as weight_of};
use super::item::Item;
use super::window::in_brief;
use crate::domain::message::{AssistantPart, Message};

/// An item, as far as it says where a transcript may be cut.
#[derive(Clone, Debug)]
pub struct Mark {
    pub position: u64,
    pub run: u32,
    /// Somebody says something.
    opens: bool,
    /// The calls that it makes, and of what came in from outside the one that it answers.
    calls: Vec<String>,
    answers: Option<String>,
}

impl Mark {
    pub fn of(item: &Item) -> Self {
        let (mut calls, mut answers) = (Vec::new(), None);
        match &item.message {
            Message::Assistant { parts } => {
                calls.extend(AssistantPart::calls_of(parts).map(|call| call.id.clone()));
            }
            Message::Tool { call_id, .. } if item.step == 0 => answers = Some(call_id.clone()),
            _ => {}
        }
        let opens = matches!(item.message, Message::User { .. });
        Self { position: item.position, run: item.run, opens, calls, answers }
    }

    /// Whether something may begin with it that stands behind this one.
    pub fn may_begin(&self, behind: Option<&Self>) -> bool {
        match self.run {
            0 => self.opens,
            run => self.answers.is_none() && behind.is_none_or(|behind| behind.run != run),
        }
    }
}

/// Before which of these items, which stand in order, the transcript may be cut. `before` is the run of the last item before them that
/// has one; `behind` that of the first one behind them, `None` where that is not known.
pub fn cuts(marks: &[Mark], before: Option<u32>, behind: Option<u32>) -> Vec<bool> {
    let (mut next, mut unmade) = (behind, Vec::<&str>::new());
    let backwards = marks.iter().rev().map(|mark| {
        unmade.retain(|answer| !mark.calls.iter().any(|call| call == answer));
        unmade.extend(mark.answers.as_deref());
        let seen = (unmade.is_empty() && (mark.run > 0 || mark.opens), next);
        next = if mark.run > 0 { Some(mark.run) } else { next };
        seen
    });
    let mut seen: Vec<(bool, Option<u32>)> = backwards.collect();
    seen.reverse();
    let mut last = before;
    let forwards = seen.into_iter().zip(marks).map(|((may_be, next), mark)| {
        let is_between = match mark.run {
            0 => last.is_none() || next.is_some() && next != last,
            run => last != Some(run),
        };
        last = if mark.run > 0 { Some(mark.run) } else { last };
        may_be && is_between
    });
    forwards.collect()
}

/// An item from before the run, and what it and all that is newer have.
#[derive(Debug)]
struct Older {
    mark: Mark,
    weight: u64,
    bytes: u64,
}

/// Looks from the newest item back for how much stays.
#[derive(Debug)]
pub struct Scan {
    horizon: Horizon,
    room: Room,
    refused: u32,
    /// The running run, and its first position.
    run: u32,
    first: u64,
    /// Of all that was looked at.
    weight: u64,
    bytes: u64,
    /// Of the run alone.
    own: (u64, u64),
    /// The newest item of the run that is beyond what stays.
    beyond: Option<u64>,
    /// The last thing that the model said in the run.
    last_turn: Option<u64>,
    /// The run's outputs that are whole, and how much less each would weigh.
    outputs: Vec<(u64, u64)>,
    /// Newest first.
    older: Vec<Older>,
    has_older: bool,
}

impl Scan {
    /// `run`: the number of the running one, and its first position.
    pub const fn new(horizon: Horizon, room: Room, refused: u32, (run, first): (u32, u64)) -> Self {
        Self {
            horizon,
            room,
            refused,
            run,
            first,
            weight: 0,
            bytes: 0,
            own: (0, 0),
            beyond: None,
            last_turn: None,
            outputs: Vec::new(),
            older: Vec::new(),
            has_older: false,
        }
    }

    const fn fits(&self, (weight, bytes): (u64, u64), times: u64) -> bool {
        weight <= self.room.keep.saturating_mul(times) && bytes <= self.room.bytes.saturating_mul(times)
    }

    /// Takes the next older item, which has so many bytes; whether to look on.
    pub fn take(&mut self, item: &Item, bytes: u64) -> bool {
        if item.position <= self.horizon.until {
            return false;
        }
        if item.stands_for.is_some() {
            return true;
        }
        let is_output = matches!(item.message, Message::Tool { .. });
        let is_brief = is_output && item.position <= self.horizon.brief;
        let short = if is_brief { in_brief(&item.message, bytes) } else { None };
        let (weight, bytes) = match &short {
            Some(short) => (weight_of(short), weight_of(short)),
            None => (weight_of(&item.message), bytes),
        };
        self.weight = self.weight.saturating_add(weight);
        self.bytes = self.bytes.saturating_add(bytes);
        let all = (self.weight, self.bytes);
        if item.position >= self.first {
            self.own = all;
            self.beyond = self.beyond.or((!self.fits(all, 1)).then_some(item.position));
            if matches!(item.message, Message::Assistant { .. }) {
                self.last_turn.get_or_insert(item.position);
            }
            if is_output && !is_brief {
                let saved = in_brief(&item.message, bytes)
                    .map_or(0, |short| weight.saturating_sub(weight_of(&short)));
                self.outputs.push((item.position, saved));
            }
            return true;
        }
        self.has_older = true;
        self.older.push(Older { mark: Mark::of(item), weight: self.weight, bytes: self.bytes });
        self.fits(all, 2)
    }

    /// The oldest item that was looked at, and is from before the run.
    pub fn oldest(&self) -> Option<u64> {
        self.older.last().map(|older| older.mark.position)
    }

    /// What is sent from now on. `before`: the run of the last item before all that was looked at.
    #[must_use]
    pub fn done(mut self, before: Option<u32>) -> Horizon {
        self.older.reverse();
        let until = self.until(before);
        Horizon { until: until.max(self.horizon.until), brief: self.brief(), ..self.horizon }
    }

    /// Where what stays begins, before the run: as much as has room. A run that has more stays alone, up to twice as much, so that
    /// the model does not lose the thread of talk.
    fn until(&self, before: Option<u32>) -> u64 {
        let all_fits = self.older.first().is_none_or(|older| self.fits((older.weight, older.bytes), 1));
        if all_fits {
            return self.horizon.until;
        }
        let marks: Vec<Mark> = self.older.iter().map(|older| older.mark.clone()).collect();
        let cuts = cuts(&marks, before, Some(self.run));
        let may = |times| {
            let fits = move |older: &Older| self.fits((older.weight, older.bytes), times);
            self.older.iter().zip(&cuts).filter(move |(older, cut)| **cut && fits(older))
        };
        let kept = may(1).next().or_else(|| may(2).next_back().filter(|_| self.refused == 0));
        let from = kept.map_or(self.first, |(older, _)| older.mark.position);
        from.saturating_sub(1)
    }

    /// Up to where a word stands for each output of a tool: where the run alone has too much. The model has not answered to the newest
    /// ones, which stay unless nothing else helps. Unless the provider has refused the prompt, it begins otherwise only for what is
    /// worth it: where the calls alone are too much, each new output would cost the model's cache.
    fn brief(&self) -> u64 {
        let is_too_long = !self.fits(self.own, if self.refused == 0 { 2 } else { 1 });
        let Some(beyond) = self.beyond.filter(|_| is_too_long) else { return self.horizon.brief };
        let most = if self.refused >= LAST_RESORT { beyond } else { self.last_turn.unwrap_or(0).min(beyond) };
        let mut saved =
            self.outputs.iter().filter(|(position, _)| *position <= most).map(|(_, saved)| *saved);
        let helps = match self.refused {
            0 => saved.sum::<u64>() >= (self.room.keep / 2).min(self.room.bytes / 2).max(1),
            _ => saved.next().is_some(),
        };
        if helps { most } else { self.horizon.brief }
    }
}

#[cfg(test)]
#[path = "cut_tests.rs"]
mod tests;
