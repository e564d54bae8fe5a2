//! Settlements on their way from this isolate to the accounts' objects.
//!
//! A settlement is sent together with all others of its account that end within a moment, so that a busy isolate
//! makes one hop for many calls: the first leads, waits that moment, and delivers what has gathered. While they
//! gather, settlements also go along with the account's next admission, so that a client's next call already
//! finds the money and the place that its last call gave back. What is sent twice counts once: settling is idempotent.
//!
//! Those of a run's calls are its thread's to deliver, which writes them down with the answer: here they are only kept until
//! it has, for what goes along with admissions.

use crate::domain::admission::command::{CallRecord, Settle};
use crate::domain::ids::{AccountId, CallId};
use crate::ports::{Accounts, World};
use crate::service::App;
use crate::service::batch::{Batches, Lost, Rules};
use crate::service::retry::Policy;

/// How long settlements gather.
const GATHER_MS: u64 = 50;
/// How often a delivery is tried: for 19 to 26 seconds. After that the holds expire and are charged.
const DELIVERIES: Policy = Policy { tries: 10, first_pause_ms: 50, most_ms: 12_800, jitter_percent: 25 };
/// Nobody waits for a settlement. A delivery is lost after longer than all its tries take.
const RULES: Rules = Rules { most: usize::MAX, lost: Some(Lost { leader_ms: 2_000, delivery_ms: 30_000 }) };
/// The most that go along with one admission, so that the hop stays small.
const MAX_WITH_ADMISSION: usize = 8;
/// The most that go along with a question for the ledger.
const MAX_WITH_PAGE: usize = 200;

/// What waits to be delivered, by account.
#[derive(Debug)]
pub struct Settlements {
    batches: Batches<Ended>,
}

#[derive(Clone, Debug)]
struct Ended {
    record: CallRecord,
    /// It has gone along with an admission.
    was_attached: bool,
}

impl Default for Settlements {
    fn default() -> Self {
        Self { batches: Batches::new(RULES) }
    }
}

impl Settlements {
    /// What goes along with the account's next admission: each settlement once.
    pub fn for_admission(&self, account: AccountId) -> Vec<CallRecord> {
        let mut records = Vec::new();
        self.batches.visit(account, |ended| {
            if !ended.was_attached && records.len() < MAX_WITH_ADMISSION {
                ended.was_attached = true;
                records.push(ended.record.clone());
            }
        });
        records
    }

    /// All that no object has confirmed, the newest last, as much as a question may carry.
    pub fn unconfirmed(&self, account: AccountId) -> Vec<CallRecord> {
        let ended = self.batches.unconfirmed(account, MAX_WITH_PAGE);
        ended.into_iter().map(|ended| ended.record).collect()
    }

    /// Keeps a settlement that somebody else delivers, until it is [`Self::confirm`]ed.
    pub fn keep(&self, account: AccountId, record: CallRecord) {
        self.batches.push(account, Ended { record, was_attached: false });
    }

    /// The settlement of a call, if it is kept here.
    pub fn of(&self, account: AccountId, call: CallId) -> Option<CallRecord> {
        let mut found = None;
        self.batches.visit(account, |ended| {
            if ended.record.call == call {
                found = Some(ended.record.clone());
            }
        });
        found
    }

    /// These have arrived.
    pub fn confirm(&self, account: AccountId, records: &[CallRecord]) {
        self.batches.leave(account, |ended| records.iter().any(|record| record.call == ended.record.call));
    }
}

/// Delivers a settlement that was kept for somebody who did not take it.
pub fn deliver_kept<W: World>(app: &App<W>, account: AccountId, call: CallId) {
    if let Some(record) = app.settlements.of(account, call) {
        app.settlements.confirm(account, std::slice::from_ref(&record));
        deliver(app, account, record);
    }
}

/// Delivers a settlement that was kept, of a call that no journal names: the row does not name the run either, so that it need
/// not forget it.
pub fn deliver_apart<W: World>(app: &App<W>, account: AccountId, call: CallId) {
    if let Some(record) = app.settlements.of(account, call) {
        app.settlements.confirm(account, std::slice::from_ref(&record));
        deliver(app, account, CallRecord { run: None, ..record });
    }
}

/// Sees to it that a settlement reaches the account's object.
pub fn deliver<W: World>(app: &App<W>, account: AccountId, record: CallRecord) {
    let batches = &app.settlements.batches;
    let ended = |record| Ended { record, was_attached: false };
    let place = batches.join(account, || app.world.now(), || ended(record.clone()));
    if place.is_none() {
        batches.push(account, ended(record));
        app.world.spawn(lead(app.clone(), account));
    }
}

/// Delivers what has gathered.
async fn lead<W: World>(app: App<W>, account: AccountId) {
    app.world.sleep(GATHER_MS).await;
    let delivery = app.settlements.batches.send(account, app.world.now());
    let records: Vec<CallRecord> = delivery.items.into_iter().map(|ended| ended.record).collect();
    let count = records.len();
    let mut tries = DELIVERIES.begin();
    while let Err(error) = app.world.accounts().ask(account, Settle { records: records.clone() }).await {
        app.world.log(&format!("{count} calls of {account} are not settled yet: {error}"));
        if !tries.again(&app.world).await {
            return app
                .world
                .log(&format!("{count} calls of {account} were not settled; their holds will be charged"));
        }
    }
    app.settlements.batches.confirm(account, delivery.id);
}
