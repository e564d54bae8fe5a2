//! Settlements on their way from this isolate to the accounts' objects.
//!
//! A settlement is brought together with all others of its account that end within a moment, so that a busy isolate
//! makes one hop for many calls: the first becomes the *carrier* and brings what has gathered. While they
//! gather, settlements are also told with the account's next admission, so that a client's next call already
//! finds the money and the place that its last call gave back. Telling twice counts once: settling is idempotent.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::admission::command::{CallRecord, Settle};
use crate::domain::ids::AccountId;
use crate::domain::time::Millis;
use crate::ports::{Accounts, World};
use crate::service::App;

/// How long settlements gather.
const GATHER_MS: u64 = 50;
/// A carrier that has not set out after this long has lost its request; another takes over.
const LOST_MS: u64 = 2_000;
/// A carrier that is not back after this long, longer than the pauses between all its tries, is lost with its request: what it carried is
/// brought again.
const OVERDUE_MS: u64 = 30_000;
/// How often a delivery is tried; with doubling pauses that is about 26 seconds. After that the holds expire and are
/// charged.
const MAX_TRIES: u32 = 10;
const FIRST_BACKOFF_MS: u64 = 25;
/// The most that one admission tells, so that the hop stays small.
const MAX_TOLD: usize = 8;

/// The most that a question for the ledger tells.
const MAX_WAITING: usize = 200;

/// What waits to be brought, by account.
#[derive(Debug, Default)]
pub struct Settlements {
    waiting: Mutex<HashMap<AccountId, Waiting>>,
}

#[derive(Debug, Default)]
struct Waiting {
    records: Vec<CallRecord>,
    /// How many of them an admission has told.
    told: usize,
    carrier_since: Option<Millis>,
    /// What carriers have taken and no object has confirmed yet.
    on_the_way: Vec<Batch>,
}

#[derive(Debug)]
struct Batch {
    id: u64,
    since: Millis,
    records: Vec<CallRecord>,
}

impl Settlements {
    /// What the account's next admission should tell.
    pub fn tell(&self, account: AccountId) -> Vec<CallRecord> {
        let mut waiting = self.lock();
        let Some(of) = waiting.get_mut(&account) else { return Vec::new() };
        let told = of.records.iter().skip(of.told).take(MAX_TOLD).cloned().collect::<Vec<_>>();
        of.told += told.len();
        told
    }

    /// All that no object has confirmed, the newest last, as much as a question may carry.
    pub fn waiting(&self, account: AccountId) -> Vec<CallRecord> {
        let waiting = self.lock();
        let Some(of) = waiting.get(&account) else { return Vec::new() };
        let on_the_way = of.on_the_way.iter().flat_map(|batch| &batch.records);
        let all: Vec<&CallRecord> = on_the_way.chain(&of.records).collect();
        all[all.len().saturating_sub(MAX_WAITING)..].iter().copied().cloned().collect()
    }

    /// Whether whoever adds this must carry.
    fn add(&self, account: AccountId, record: CallRecord, now: Millis) -> bool {
        let mut waiting = self.lock();
        let of = waiting.entry(account).or_default();
        of.records.push(record);
        for overdue in of.on_the_way.extract_if(.., |batch| now.since(batch.since) > OVERDUE_MS) {
            of.records.extend(overdue.records);
        }
        let has_carrier = of.carrier_since.is_some_and(|since| now.since(since) < LOST_MS);
        if !has_carrier {
            of.carrier_since = Some(now);
        }
        !has_carrier
    }

    /// What has gathered, under a number by which it is confirmed.
    fn take(&self, account: AccountId, now: Millis) -> (u64, Vec<CallRecord>) {
        let mut waiting = self.lock();
        let of = waiting.entry(account).or_default();
        let records = std::mem::take(&mut of.records);
        of.told = 0;
        of.carrier_since = None;
        let id = of.on_the_way.last().map_or(0, |last| last.id + 1);
        of.on_the_way.push(Batch { id, since: now, records: records.clone() });
        (id, records)
    }

    /// A batch has arrived, or is given up.
    fn drop_batch(&self, account: AccountId, id: u64) {
        let mut waiting = self.lock();
        let Some(of) = waiting.get_mut(&account) else { return };
        of.on_the_way.retain(|batch| batch.id != id);
        if of.on_the_way.is_empty() && of.records.is_empty() {
            waiting.remove(&account);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sees to it that a settlement reaches the account's object.
pub fn deliver<W: World>(app: &App<W>, account: AccountId, record: CallRecord) {
    if app.settlements.add(account, record, app.world.now()) {
        app.world.spawn(carry(app.clone(), account));
    }
}

/// Brings what has gathered.
async fn carry<W: World>(app: App<W>, account: AccountId) {
    app.world.sleep(GATHER_MS).await;
    let (batch, records) = app.settlements.take(account, app.world.now());
    for attempt in 0..MAX_TRIES {
        if attempt > 0 {
            app.world.sleep(FIRST_BACKOFF_MS << attempt.min(9)).await;
        }
        match app.world.accounts().ask(account, Settle { records: records.clone() }).await {
            Ok(()) => return app.settlements.drop_batch(account, batch),
            Err(error) => {
                app.world.log(&format!("{} calls of {account} are not settled yet: {error}", records.len()));
            }
        }
    }
    app.world
        .log(&format!("{} calls of {account} were not settled; their holds will be charged", records.len()));
}
