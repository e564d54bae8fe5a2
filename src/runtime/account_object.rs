//! One object per account: it decides alone what may run and what it may spend.
//!
//! [`State`] decides, this applies: decide, write, answer, with no await between the decision and the write, so that no
//! other command sees a state that the disk might not get. The platform holds an answer back until the writes before
//! it are on the disk. Whatever fails to be written is thrown away with the memory that believed in it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures_channel::oneshot;
use worker::{
    Delay, DurableObject, Env, Request, Response, Result, State as ObjectState, durable_object,
    wasm_bindgen_futures,
};

use super::crossing;
use crate::domain::admission::command::{Admission, Admit, Answer, Command, Refusal, Settle};
use crate::domain::admission::{Durability, State};
use crate::domain::ids::CallId;
use crate::domain::time::Millis;
use crate::storage::account_object::platform::ObjectSql;
use crate::storage::account_object::{AccountStore, Error};

/// How long settlements and holds gather before they are written together.
const GATHER_MS: u64 = 200;
/// How long after the last admission the slices are looked at again.
const QUIET_MS: u64 = 1_100;

#[durable_object(alarm)]
pub struct AccountObject {
    object: Rc<Object>,
}

struct Object {
    state: ObjectState,
    /// `None` before the first command, and after a write has failed.
    core: RefCell<Option<Core>>,
    /// Settlements that are answered by the next write.
    waiting: RefCell<Vec<oneshot::Sender<bool>>>,
    is_gathering: Cell<bool>,
    is_watching: Cell<bool>,
    /// The alarm that is set, as far as this instance knows.
    alarm_at: Cell<Option<Millis>>,
}

struct Core {
    store: AccountStore<ObjectSql>,
    state: State,
}

impl DurableObject for AccountObject {
    fn new(state: ObjectState, _env: Env) -> Self {
        Self {
            object: Rc::new(Object {
                state,
                core: RefCell::new(None),
                waiting: RefCell::new(Vec::new()),
                is_gathering: Cell::new(false),
                is_watching: Cell::new(false),
                alarm_at: Cell::new(None),
            }),
        }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let asked = match crossing::asked(request.inner()) {
            Some(text) => text,
            None => request.text().await?,
        };
        let (status, text) = match serde_json::from_str(&asked) {
            Err(error) => (400, format!("not a command: {error}")),
            Ok(command) => match self.object.answer(command).await {
                Ok(answer) => (200, serde_json::to_string(&answer)?),
                Err(error) => {
                    worker::console_error!("account object: {error}");
                    (500, error.to_string())
                }
            },
        };
        Ok(crossing::answer(status, &text)?.into())
    }

    async fn alarm(&self) -> Result<Response> {
        self.object.alarm_at.set(None);
        let object = &self.object;
        let done = object.with(|core, now| {
            core.state.expire(now, || CallId::new(now, random()));
            core.write(now)
        });
        if let Err(error) = done {
            object.forget();
            return Err(worker::Error::RustError(error.to_string()));
        }
        object.after_write();
        Response::empty()
    }
}

impl Object {
    async fn answer(self: &Rc<Self>, command: Command) -> std::result::Result<Answer, Error> {
        match command {
            Command::Settle(settle) => self.settle(settle).await,
            quick => self.decide(quick),
        }
    }

    /// Everything but a settlement is answered at once.
    fn decide(self: &Rc<Self>, command: Command) -> std::result::Result<Answer, Error> {
        let mut wrote = false;
        let answer = self.with(|core, now| {
            let (answer, durability) = core.decide(command, now)?;
            if durability == Durability::Now {
                core.write(now)?;
                wrote = true;
            }
            Ok(answer)
        });
        match &answer {
            Err(_) => self.forget(),
            Ok(_) if wrote => self.after_write(),
            Ok(_) => self.gather(),
        }
        answer
    }

    /// A settlement is answered by the write that holds it, together with all that came meanwhile.
    async fn settle(self: &Rc<Self>, settle: Settle) -> std::result::Result<Answer, Error> {
        let taken = self.with(|core, now| core.settle(settle, now));
        if let Err(error) = taken {
            self.forget();
            return Err(error);
        }
        // What an admission has told already may be on the disk, and then no write would answer.
        if !self.is_dirty() {
            return Ok(Answer::Settled);
        }
        let (sender, written) = oneshot::channel();
        self.waiting.borrow_mut().push(sender);
        self.gather();
        match written.await {
            Ok(true) => Ok(Answer::Settled),
            Ok(false) | Err(_) => Err(Error("the settlement was not written".to_owned())),
        }
    }

    /// Runs with the working copy, loading it first where it is missing.
    fn with<T>(
        &self,
        work: impl FnOnce(&mut Core, Millis) -> std::result::Result<T, Error>,
    ) -> std::result::Result<T, Error> {
        let now = now();
        let mut slot = self.core.borrow_mut();
        let core = match &mut *slot {
            Some(core) => core,
            empty => empty.insert(Core::load(&self.state, now)?),
        };
        work(core, now)
    }

    /// Memory and disk have parted: memory goes.
    fn forget(&self) {
        *self.core.borrow_mut() = None;
        for sender in self.waiting.take() {
            let _ = sender.send(false);
        }
    }

    /// Whether memory has what the disk has not.
    fn is_dirty(&self) -> bool {
        self.core.borrow().as_ref().is_some_and(|core| core.state.is_dirty())
    }

    /// Sees to it that what memory has and the disk has not is written soon.
    fn gather(self: &Rc<Self>) {
        if !self.is_dirty() || self.is_gathering.replace(true) {
            return;
        }
        let object = self.clone();
        wasm_bindgen_futures::spawn_local(async move {
            Delay::from(Duration::from_millis(GATHER_MS)).await;
            object.is_gathering.set(false);
            object.write();
        });
    }

    fn write(self: &Rc<Self>) {
        match self.with(|core, now| core.write(now)) {
            Ok(()) => self.after_write(),
            Err(error) => {
                worker::console_error!("account object: {error}");
                self.forget();
            }
        }
    }

    /// A write carries everything, so it answers every settlement that waits. Then the alarm and the open slices are
    /// seen to.
    fn after_write(self: &Rc<Self>) {
        for sender in self.waiting.take() {
            let _ = sender.send(true);
        }
        let (wake_at, has_open_slices) = match &*self.core.borrow() {
            Some(core) => (core.state.wake_at(), core.state.has_open_slices()),
            None => return,
        };
        self.set_alarm(wake_at);
        if has_open_slices && !self.is_watching.replace(true) {
            let object = self.clone();
            wasm_bindgen_futures::spawn_local(async move {
                Delay::from(Duration::from_millis(QUIET_MS)).await;
                object.is_watching.set(false);
                object.write();
            });
        }
    }

    /// An alarm that rings too early costs one look; one that is missing leaves a hold uncharged.
    fn set_alarm(self: &Rc<Self>, wake_at: Option<Millis>) {
        let Some(wake_at) = wake_at else { return };
        if self.alarm_at.get().is_some_and(|set| set <= wake_at) {
            return;
        }
        self.alarm_at.set(Some(wake_at));
        let object = self.clone();
        let in_ms = wake_at.0.saturating_sub(now().0).max(0);
        wasm_bindgen_futures::spawn_local(async move {
            if let Err(error) = object.state.storage().set_alarm(in_ms).await {
                worker::console_error!("account object: no alarm: {error}");
                object.alarm_at.set(None);
            }
        });
    }
}

impl Core {
    fn load(object: &ObjectState, now: Millis) -> std::result::Result<Self, Error> {
        let store = AccountStore::open(ObjectSql::new(object.storage()))?;
        let state = State::load(store.load()?, now);
        Ok(Self { store, state })
    }

    fn write(&mut self, now: Millis) -> std::result::Result<(), Error> {
        let batch = self.state.flush(now);
        if batch.is_empty() { Ok(()) } else { self.store.write(&batch) }
    }

    fn decide(&mut self, command: Command, now: Millis) -> std::result::Result<(Answer, Durability), Error> {
        Ok(match command {
            Command::Admit(ask) => {
                let (admission, durability) = self.admit(ask, now)?;
                (Answer::Admission(admission), durability)
            }
            Command::AdmitAll(asked) => self.admit_all(asked, now)?,
            Command::Epoch => epoch(self.state.epoch()),
            Command::BeginWrite => epoch(self.state.begin_write(now)),
            Command::EndWrite => epoch(self.state.end_write()),
            Command::Inspect(ask) => (Answer::Spend(self.state.spend(&ask, now)), Durability::Soon),
            Command::InspectAccount => {
                (Answer::AccountSpend(self.state.account_spend(now)), Durability::Soon)
            }
            Command::Calls(mut page) => {
                self.settle(Settle { records: std::mem::take(&mut page.ended) }, now)?;
                self.write(now)?;
                (Answer::Calls(self.store.calls(&page)?), Durability::Soon)
            }
            Command::Settle(settle) => {
                self.settle(settle, now)?;
                (Answer::Settled, Durability::Now)
            }
        })
    }

    fn admit(&mut self, mut ask: Admit, now: Millis) -> std::result::Result<(Admission, Durability), Error> {
        self.settle(Settle { records: std::mem::take(&mut ask.ended) }, now)?;
        if self.state.is_late(&ask, now)
            && (self.state.has_ended(ask.call) || self.store.known(ask.agent, ask.call)?.is_some())
        {
            return Ok((Admission::Refused(Refusal::Lapsed), Durability::Soon));
        }
        Ok(self.state.admit(&ask, now))
    }

    /// One that must be written before it is answered makes all wait: they leave together.
    fn admit_all(
        &mut self,
        asked: Vec<Admit>,
        now: Millis,
    ) -> std::result::Result<(Answer, Durability), Error> {
        let mut all = Durability::Soon;
        let mut admissions = Vec::with_capacity(asked.len());
        for ask in asked {
            let (admission, durability) = self.admit(ask, now)?;
            if durability == Durability::Now {
                all = Durability::Now;
            }
            admissions.push(admission);
        }
        Ok((Answer::Admissions(admissions), all))
    }

    fn settle(&mut self, settle: Settle, now: Millis) -> std::result::Result<(), Error> {
        for record in settle.records {
            let known = if self.state.must_look_up(&record) {
                self.store.known(record.agent, record.call)?
            } else {
                None
            };
            self.state.settle(record, known, now);
        }
        Ok(())
    }
}

const fn epoch((number, durability): (u64, Durability)) -> (Answer, Durability) {
    (Answer::Epoch(number), durability)
}

fn now() -> Millis {
    super::world::now()
}

fn random() -> [u8; 10] {
    super::world::random()
}
