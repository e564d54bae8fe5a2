//! Which notices are sent when. A webhook whose receiver hangs or fails keeps no other waiting: it has one notice under way at a
//! time, and all such webhooks together no more than half of the places.
//!
//! What is to be sent, the notices' rows say; memory has the first of each webhook.

use std::collections::BTreeMap;

use crate::domain::dispatch::effect::Effect;
use crate::domain::time::Millis;
use crate::domain::webhook::Webhook;
use crate::object::machine;
use crate::object::sql::{Error, Sql};
use crate::object::store::dispatch::learned;
use crate::object::store::dispatch::notices::{self as store, Due};

/// The kind whose things these are.
pub const WEBHOOK: &str = "webhook";
/// How many requests are under way at most: as many as the platform lets wait for an answer.
const MAX_AT_ONCE: usize = 6;
/// The same of one webhook.
const MAX_OF_ONE: usize = 2;
/// The same of all webhooks together whose last attempt failed.
const MAX_FAILING: usize = 3;
/// How many notices of a webhook memory has.
const AHEAD: u32 = 8;
/// After this long nobody sends a notice any more that was begun: a request ends after 15 seconds.
const HANGS_MS: i64 = 60_000;

/// Webhooks, and what is under way to them.
#[derive(Debug, Default)]
pub struct Sender {
    lanes: BTreeMap<String, Lane>,
    under_way: BTreeMap<u32, UnderWay>,
    /// Whose turn was last.
    last: String,
    /// How many attempts were begun, which names each of them.
    count: u32,
}

/// A webhook.
#[derive(Debug)]
struct Lane {
    revision: u64,
    webhook: Webhook,
    /// The first that are to be sent and are not under way.
    next: Vec<Due>,
    is_stale: bool,
    is_failing: bool,
}

/// A notice that is being sent.
#[derive(Clone, Debug)]
pub struct UnderWay {
    pub notice: String,
    pub webhook: String,
    /// How often it was tried before.
    pub attempts: u32,
    pub first_at: Millis,
    pub since: Millis,
    /// Where to.
    pub url: String,
}

impl Sender {
    /// # Errors
    /// [`Error`].
    pub fn load(sql: &impl Sql) -> Result<Self, Error> {
        let mut sender = Self::default();
        for (name, revision, body) in learned::of_kind(sql, WEBHOOK)? {
            // One that this code cannot read is left to the code that wrote it.
            if let Ok(webhook) = serde_json::from_str(&body) {
                sender.learn(&name, revision, Some(webhook));
            }
        }
        sender.refill(sql)?;
        Ok(sender)
    }

    /// Takes over from one whose write failed: what that has begun may still end.
    pub fn inherit(&mut self, fallen: &Self) {
        self.count = fallen.count;
        for (name, lane) in &mut self.lanes {
            lane.is_failing = fallen.lanes.get(name).is_some_and(|lane| lane.is_failing);
        }
    }

    /// A webhook is so now, or is not there any more.
    pub fn learn(&mut self, name: &str, revision: u64, webhook: Option<Webhook>) {
        match webhook {
            None => drop(self.lanes.remove(name)),
            Some(webhook) => {
                let lane = Lane { revision, webhook, next: Vec::new(), is_stale: true, is_failing: false };
                self.lanes.insert(name.to_owned(), lane);
            }
        }
    }

    /// The webhooks, by name.
    pub fn webhooks(&self) -> impl Iterator<Item = (&str, &Webhook)> {
        self.lanes.iter().map(|(name, lane)| (name.as_str(), &lane.webhook))
    }

    pub fn webhook(&self, name: &str) -> Option<(u64, &Webhook)> {
        self.lanes.get(name).map(|lane| (lane.revision, &lane.webhook))
    }

    /// Whether a webhook takes messages.
    pub fn is_enabled(&self, name: &str) -> bool {
        self.lanes.get(name).is_some_and(|lane| lane.webhook.enabled)
    }

    /// What is to be sent to a webhook has changed.
    pub fn changed(&mut self, name: &str) {
        if let Some(lane) = self.lanes.get_mut(name) {
            lane.is_stale = true;
        }
    }

    /// Whether the rows say otherwise than memory what is to be sent.
    pub fn is_stale(&self) -> bool {
        self.lanes.values().any(|lane| lane.is_stale)
    }

    /// Reads what is to be sent, once all is written.
    ///
    /// # Errors
    /// [`Error`].
    pub fn refill(&mut self, sql: &impl Sql) -> Result<(), Error> {
        let Self { lanes, under_way, .. } = self;
        for (name, lane) in lanes.iter_mut().filter(|(_, lane)| lane.is_stale) {
            let is_under_way = |due: &Due| under_way.values().any(|under_way| under_way.notice == due.id);
            lane.next = store::due(sql, name, AHEAD)?;
            lane.next.retain(|due| !is_under_way(due));
            lane.is_stale = false;
        }
        Ok(())
    }

    /// A notice begins anew.
    pub fn begin_anew(&mut self, notice: &str, now: Millis) {
        for under_way in self.under_way.values_mut().filter(|under_way| under_way.notice == notice) {
            (under_way.attempts, under_way.first_at) = (0, now);
        }
    }

    /// What may be sent now.
    pub fn owed(&mut self, now: Millis) -> Vec<machine::Effect<Effect>> {
        let mut effects = Vec::new();
        while let Some(name) = self.turn(now) {
            let Some(lane) = self.lanes.get_mut(&name) else { break };
            let (due, url) = (lane.next.remove(0), lane.webhook.url.clone());
            self.count = self.count.wrapping_add(1);
            let what = Effect::Send { notice: due.id.clone(), nth: self.count };
            let under_way = UnderWay {
                notice: due.id,
                webhook: name.clone(),
                attempts: due.attempts,
                first_at: due.first_at.unwrap_or(now),
                since: now,
                url,
            };
            self.under_way.insert(self.count, under_way);
            self.last = name;
            effects.push(machine::Effect { id: what.id(), what });
        }
        effects
    }

    /// Whose turn it is: the first behind the last that has something to be sent now.
    fn turn(&self, now: Millis) -> Option<String> {
        let is_due = |name: &&String| self.due_at(name).is_some_and(|at| at <= now);
        let (before, behind): (Vec<_>, Vec<_>) = self.lanes.keys().partition(|name| **name <= self.last);
        behind.into_iter().chain(before).find(is_due).cloned()
    }

    /// When the next notice can be sent to a webhook; `None` while something else must end first.
    fn due_at(&self, name: &str) -> Option<Millis> {
        let lane = self.lanes.get(name).filter(|lane| lane.webhook.enabled)?;
        let count =
            |fits: &dyn Fn(&UnderWay) -> bool| self.under_way.values().filter(|one| fits(one)).count();
        let own = count(&|one| one.webhook == name);
        let fails = |one: &UnderWay| self.lanes.get(&one.webhook).is_some_and(|lane| lane.is_failing);
        let is_free = self.under_way.len() < MAX_AT_ONCE
            && own < if lane.is_failing { 1 } else { MAX_OF_ONE }
            && !(lane.is_failing && count(&fails) >= MAX_FAILING);
        lane.next.first().filter(|_| is_free).map(|due| due.at)
    }

    /// An attempt has ended; `None` where it is not under way.
    pub fn end(&mut self, nth: u32, has_failed: bool) -> Option<UnderWay> {
        let under_way = self.under_way.remove(&nth)?;
        if let Some(lane) = self.lanes.get_mut(&under_way.webhook) {
            (lane.is_stale, lane.is_failing) = (true, has_failed);
        }
        Some(under_way)
    }

    /// The attempts of which nothing is heard any more.
    pub fn hanging(&self, now: Millis) -> Vec<u32> {
        let hang = |under_way: &UnderWay| under_way.since.plus(HANGS_MS) <= now;
        self.under_way.iter().filter(|(_, one)| hang(one)).map(|(nth, _)| *nth).collect()
    }

    pub fn wake_at(&self) -> Option<Millis> {
        let hang = self.under_way.values().map(|under_way| under_way.since.plus(HANGS_MS));
        let due = self.lanes.keys().filter_map(|name| self.due_at(name));
        hang.chain(due).min()
    }
}
