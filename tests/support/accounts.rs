//! The accounts' objects, in memory: the real state machine over a disk that survives [`FakeAccounts::crash`].

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use retinue::domain::admission::command::{
    AccountSpend, Admission, Admit, CallRecord, Inspect, Page, Refusal, Settle, Spend,
};
use retinue::domain::admission::{AgentRow, Batch, Hold, Known, Meta, Snapshot, State};
use retinue::domain::ids::{AccountId, AgentId, CallId};
use retinue::domain::money::Nanos;
use retinue::domain::plan::CallLimits;
use retinue::domain::time::Millis;
use retinue::ports::{Accounts, Unavailable};

use super::faults::{Faults, SECRET, When};
use super::world::Clock;

#[derive(Clone)]
pub struct FakeAccounts {
    objects: Arc<Mutex<BTreeMap<AccountId, Object>>>,
    faults: Faults,
    clock: Clock,
}

/// An object: its working copy and its disk.
#[derive(Default)]
struct Object {
    state: State,
    meta: Option<Meta>,
    agents: BTreeMap<AgentId, AgentRow>,
    holds: BTreeMap<CallId, Hold>,
    ledger: BTreeMap<CallId, CallRecord>,
}

impl Object {
    fn load(mut self, now: Millis) -> Self {
        let snapshot = Snapshot {
            meta: self.meta,
            agents: self.agents.values().cloned().collect(),
            holds: self.holds.values().cloned().collect(),
        };
        self.state = State::load(snapshot, now);
        self
    }

    /// Every answer waits for the disk here.
    fn write(&mut self, now: Millis) {
        let Batch { meta, agents, holds, removed_holds, records } = self.state.flush(now);
        self.meta = meta.or(self.meta);
        self.agents.extend(agents.into_iter().map(|row| (row.agent, row)));
        self.holds.extend(holds.into_iter().map(|hold| (hold.call, hold)));
        for call in removed_holds {
            self.holds.remove(&call);
        }
        self.ledger.extend(records.into_iter().map(|record| (record.call, record)));
    }

    fn settle(&mut self, records: Vec<CallRecord>, now: Millis) {
        for record in records {
            let known = self.ledger.get(&record.call);
            let known = known.map(|known| Known { status: known.status, cost: known.cost, at: known.at });
            self.state.settle(record, known, now);
        }
    }
}

impl FakeAccounts {
    pub fn new(faults: Faults, clock: Clock) -> Self {
        Self { objects: Arc::default(), faults, clock }
    }

    /// The object dies and starts again from its disk.
    pub fn crash(&self, account: AccountId) {
        let mut objects = self.objects.lock().unwrap();
        let object = objects.remove(&account).unwrap_or_default();
        objects.insert(account, object.load(self.clock.now()));
    }

    /// The alarm rings.
    pub fn alarm(&self, account: AccountId) {
        let now = self.clock.now();
        let mut fresh = 0;
        self.with(account, |object| {
            object.state.expire(now, || {
                fresh += 1;
                CallId::new(now, [fresh; 10])
            });
            object.write(now);
        });
    }

    /// A control-plane write of somebody else begins and ends.
    pub fn advance(&self, account: AccountId) {
        let now = self.clock.now();
        self.with(account, |object| {
            object.state.begin_write(now);
            object.state.end_write();
            object.write(now);
        });
    }

    /// Control-plane writes begun and not ended.
    pub fn open_writes(&self, account: AccountId) -> u32 {
        self.with(account, |object| object.meta.map_or(0, |meta| meta.writers))
    }

    /// Serves a call as this record says: holds, and settles at once.
    pub fn book(&self, account: AccountId, record: CallRecord) {
        let now = record.at;
        self.with(account, |object| {
            let admit = Admit {
                call: record.call,
                agent: record.agent,
                key: record.key,
                version: record.version,
                model: record.model.clone(),
                epoch: object.state.epoch().0,
                want: record.held,
                floor: record.held,
                again: false,
                charged: Nanos::ZERO,
                budget: None,
                max_concurrency: None,
                limits: CallLimits::default(),
                ttl_ms: 60_000,
                ended: Vec::new(),
            };
            assert!(matches!(object.state.admit(&admit, now), (Admission::Granted { .. }, _)));
            object.state.settle(record, None, now);
            object.write(now);
        });
    }

    fn with<T>(&self, account: AccountId, ask: impl FnOnce(&mut Object) -> T) -> T {
        let mut objects = self.objects.lock().unwrap();
        ask(objects.entry(account).or_insert_with(|| Object::default().load(self.clock.now())))
    }

    /// One question: it may fail before or after it takes effect.
    fn ask<T>(
        &self,
        name: &str,
        account: AccountId,
        ask: impl FnOnce(&mut Object, Millis) -> T,
    ) -> Result<T, Unavailable> {
        let failure = self.faults.meet(&[name]);
        let lost = |side: &str| Err(Unavailable(format!("{SECRET}: {name} lost {side}")));
        if failure == Some(When::Before) {
            return lost("before");
        }
        let now = self.clock.now();
        let answer = self.with(account, |object| {
            let answer = ask(object, now);
            object.write(now);
            answer
        });
        if failure == Some(When::After) { lost("after") } else { Ok(answer) }
    }
}

impl Accounts for FakeAccounts {
    async fn admit(&self, account: AccountId, questions: Vec<Admit>) -> Result<Vec<Admission>, Unavailable> {
        self.ask("admit", account, |object, now| {
            let admit = |mut question: Admit| {
                object.settle(std::mem::take(&mut question.ended), now);
                if object.state.is_late(&question, now) && object.ledger.contains_key(&question.call) {
                    return Admission::Refused(Refusal::Lapsed);
                }
                object.state.admit(&question, now).0
            };
            questions.into_iter().map(admit).collect()
        })
    }

    async fn settle(&self, account: AccountId, settle: Settle) -> Result<(), Unavailable> {
        self.ask("settle", account, |object, now| object.settle(settle.records, now))
    }

    async fn epoch(&self, account: AccountId) -> Result<u64, Unavailable> {
        self.ask("epoch", account, |object, _| object.state.epoch().0)
    }

    async fn begin_write(&self, account: AccountId) -> Result<(), Unavailable> {
        self.ask("begin_write", account, |object, now| {
            object.state.begin_write(now);
        })
    }

    async fn end_write(&self, account: AccountId) -> Result<(), Unavailable> {
        self.ask("end_write", account, |object, _| {
            object.state.end_write();
        })
    }

    async fn spend(&self, account: AccountId, inspect: Inspect) -> Result<Spend, Unavailable> {
        self.ask("spend", account, |object, now| object.state.spend(&inspect, now))
    }

    async fn account_spend(&self, account: AccountId) -> Result<AccountSpend, Unavailable> {
        self.ask("account_spend", account, |object, now| object.state.account_spend(now))
    }

    async fn calls(&self, account: AccountId, page: Page) -> Result<Vec<CallRecord>, Unavailable> {
        self.ask("calls", account, |object, now| {
            object.settle(page.ended, now);
            object.write(now);
            let older = |record: &&CallRecord| page.before.is_none_or(|before| record.call < before);
            let of_agent = object.ledger.values().rev().filter(|record| record.agent == page.agent);
            of_agent.filter(older).take(page.limit as usize).cloned().collect()
        })
    }
}
