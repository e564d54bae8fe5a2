//! Items that wait for one hop to their account's object, so that one request sends them for several.
//!
//! Each account has a line. Whoever joins an empty one becomes its leader: it takes what has gathered and sends it
//! together with its own. The platform may end a request without a word, in which case its futures are neither
//! polled nor dropped again; so nothing here relies on a leader for long. Two ways to do without one that is gone:
//!
//! - Items whose requests wait for an answer watch by themselves: they [`Batches::leave`] the line, or ask alone. Their
//!   leader stays until it calls [`Batches::pass_on`].
//! - Items that nobody waits for are watched by whoever joins next: after [`Lost::leader_ms`] it leads, and after
//!   [`Lost::delivery_ms`] it puts what was taken and not confirmed back into the line.
//!
//! Not here: how those who wait are woken. That is between two requests, so only by [`crate::ports::World::signal`].

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::ids::AccountId;
use crate::domain::time::Millis;

/// How a kind of item is sent.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The most items that are taken at once.
    pub most: usize,
    /// `None` where those who wait watch by themselves.
    pub lost: Option<Lost>,
}

/// When something is taken for lost with its request.
#[derive(Clone, Copy, Debug)]
pub struct Lost {
    /// A leader that has not taken its line after this long.
    pub leader_ms: u64,
    /// A delivery that is not confirmed after this long.
    pub delivery_ms: u64,
}

/// What waits, by account. An account is listed while it has a leader, or anything that waits or is not confirmed.
#[derive(Debug)]
pub struct Batches<T> {
    rules: Rules,
    lines: Mutex<HashMap<AccountId, Line<T>>>,
    /// The next delivery's. None is used twice: one that was taken for lost may still arrive.
    next_id: AtomicU64,
}

#[derive(Debug)]
struct Line<T> {
    waiting: VecDeque<T>,
    /// Since when there is a leader, as far as leaders are watched.
    leader: Option<Millis>,
    /// Taken, and not confirmed.
    sent: Vec<Delivery<T>>,
}

/// Items that were taken together.
#[derive(Clone, Debug)]
pub struct Delivery<T> {
    pub id: u64,
    pub items: Vec<T>,
    since: Millis,
}

impl<T> Line<T> {
    const fn new() -> Self {
        Self { waiting: VecDeque::new(), leader: None, sent: Vec::new() }
    }

    /// A lost leader is none, and what a lost delivery has goes back into the line.
    fn forget_lost(&mut self, lost: Lost, now: Millis) {
        self.leader = self.leader.filter(|since| now.since(*since) < lost.leader_ms);
        for gone in self.sent.extract_if(.., |sent| now.since(sent.since) > lost.delivery_ms) {
            self.waiting.extend(gone.items);
        }
    }

    fn is_over(&self) -> bool {
        self.leader.is_none() && self.waiting.is_empty() && self.sent.is_empty()
    }
}

impl<T> Batches<T> {
    pub fn new(rules: Rules) -> Self {
        Self { rules, lines: Mutex::default(), next_id: AtomicU64::new(0) }
    }

    /// Puts an item at the end of the line and returns its place, 0 for the first. `None` where there is no leader: then the
    /// caller leads, and `item` is not made.
    pub fn join(
        &self,
        account: AccountId,
        now: impl FnOnce() -> Millis,
        item: impl FnOnce() -> T,
    ) -> Option<usize> {
        let watch = self.rules.lost.map(|lost| (lost, now()));
        let mut lines = self.lock();
        let line = lines.entry(account).or_insert_with(Line::new);
        if let Some((lost, now)) = watch {
            line.forget_lost(lost, now);
        }
        if line.leader.is_none() {
            line.leader = Some(watch.map_or(Millis(0), |(_, now)| now));
            return None;
        }
        line.waiting.push_back(item());
        Some(line.waiting.len() - 1)
    }

    /// Puts a leader's own item at the end of its line.
    pub fn push(&self, account: AccountId, item: T) {
        self.lock().entry(account).or_insert_with(Line::new).waiting.push_back(item);
    }

    /// Takes an item out of the line; whether it was there.
    pub fn leave(&self, account: AccountId, is_own: impl Fn(&T) -> bool) -> bool {
        let mut lines = self.lock();
        let Some(line) = lines.get_mut(&account) else { return false };
        let before = line.waiting.len();
        line.waiting.retain(|item| !is_own(item));
        let has_left = line.waiting.len() < before;
        if line.is_over() {
            lines.remove(&account);
        }
        has_left
    }

    /// What goes along with a leader, which stays the leader until [`Self::pass_on`].
    pub fn take(&self, account: AccountId) -> Vec<T> {
        let mut lines = self.lock();
        lines.get_mut(&account).map_or_else(Vec::new, |line| self.take_of(line))
    }

    /// The leader is done. The first of the line is taken out of it to lead next; without one the line has no leader.
    pub fn pass_on(&self, account: AccountId) -> Option<T> {
        let mut lines = self.lock();
        let line = lines.get_mut(&account)?;
        let next = line.waiting.pop_front();
        if next.is_none() {
            line.leader = None;
            if line.is_over() {
                lines.remove(&account);
            }
        }
        next
    }

    /// What is to be delivered. The line has no leader then, so that another can gather while this is under way, and the items
    /// are kept until they are confirmed.
    pub fn send(&self, account: AccountId, now: Millis) -> Delivery<T>
    where
        T: Clone,
    {
        let mut lines = self.lock();
        let line = lines.entry(account).or_insert_with(Line::new);
        line.leader = None;
        let items = self.take_of(line);
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let delivery = Delivery { id, items, since: now };
        line.sent.push(delivery.clone());
        delivery
    }

    /// A delivery has arrived, or is given up.
    pub fn confirm(&self, account: AccountId, delivery: u64) {
        let mut lines = self.lock();
        let Some(line) = lines.get_mut(&account) else { return };
        line.sent.retain(|sent| sent.id != delivery);
        if line.is_over() {
            lines.remove(&account);
        }
    }

    /// Looks at what waits, in its order, without taking it.
    pub fn visit(&self, account: AccountId, look: impl FnMut(&mut T)) {
        if let Some(line) = self.lock().get_mut(&account) {
            line.waiting.iter_mut().for_each(look);
        }
    }

    /// The newest items that are not confirmed, sent or not, at most this many, oldest first.
    pub fn unconfirmed(&self, account: AccountId, most: usize) -> Vec<T>
    where
        T: Clone,
    {
        let lines = self.lock();
        let Some(line) = lines.get(&account) else { return Vec::new() };
        let all: Vec<&T> = line.sent.iter().flat_map(|sent| &sent.items).chain(&line.waiting).collect();
        all[all.len().saturating_sub(most)..].iter().copied().cloned().collect()
    }

    fn take_of(&self, line: &mut Line<T>) -> Vec<T> {
        let fitting = line.waiting.len().min(self.rules.most);
        line.waiting.drain(..fitting).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, Line<T>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;
