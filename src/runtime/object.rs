//! An object on the platform: its alarm, its timers and its requests, around a [`Host`] that decides.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use js_sys::{Function, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use worker::{Delay, Env, Request, Response, State, console_error, wasm_bindgen_futures};

use super::crossing;
use super::object_sql::ObjectSql;
use super::world;
use crate::domain::time::Millis;
use crate::object::host::{Host, Reply, Timer, TodoOf};
use crate::object::machine::{Effect, EffectId, Machine, Moment};
use crate::object::sql::Error;
use crate::object::wire;

/// What else the platform may want of an object that speaks by commands alone. The crate's own methods panic, which would
/// reset every object of the instance.
macro_rules! commands_only {
    () => {
        async fn connect(&self, _: worker::Socket) -> worker::Result<()> {
            crate::runtime::object::refused()
        }

        async fn websocket_message(
            &self,
            _: worker::WebSocket,
            _: worker::WebSocketIncomingMessage,
        ) -> worker::Result<()> {
            crate::runtime::object::refused()
        }

        async fn websocket_close(
            &self,
            _: worker::WebSocket,
            _: usize,
            _: String,
            _: bool,
        ) -> worker::Result<()> {
            crate::runtime::object::refused()
        }

        async fn websocket_error(&self, _: worker::WebSocket, _: worker::Error) -> worker::Result<()> {
            crate::runtime::object::refused()
        }
    };
}
pub(super) use commands_only;

pub fn refused() -> worker::Result<()> {
    Err(worker::Error::RustError("an object takes commands only".to_owned()))
}

/// Like HTTP's.
const UNAVAILABLE: u16 = 503;
/// How often an object that is held is awake because of its alarm, in milliseconds.
const HELD_MS: i64 = 60_000;

/// How often it is looked whether an object can leave memory, and how long after each other, in milliseconds.
const LEAVE_TRIES: u32 = 20;
const LEAVE_MS: u64 = 100;

/// A request that is being answered.
pub struct Asking<M: Perform>(Rc<Object<M>>);

impl<M: Perform> Drop for Asking<M> {
    fn drop(&mut self) {
        self.0.asking.set(self.0.asking.get() - 1);
    }
}

/// What a machine's effects are to the platform.
pub trait Perform: Machine {
    /// What the object has besides, while it is in memory.
    type Beside;

    /// Performs an effect, whose end goes to the host.
    fn perform(object: &Rc<Object<Self>>, effect: Effect<Self::Effect>);

    /// Whoever performs these effects learns that they are wanted no more.
    fn unwanted(object: &Rc<Object<Self>>, effects: &[EffectId]) {
        let _ = (object, effects);
    }

    /// Shows events to whoever watches.
    fn show(object: &Rc<Object<Self>>, events: Vec<Self::Event>);

    /// Whether somebody watches.
    fn is_watched(object: &Object<Self>) -> bool {
        let _ = object;
        false
    }
}

/// An object of the platform.
pub struct Object<M: Perform> {
    state: State,
    /// What the platform has more of it than the crate says.
    raw: JsValue,
    host: RefCell<Host<M, ObjectSql>>,
    /// To be performed by the alarm; they are on the disk.
    later: RefCell<Vec<Effect<M::Effect>>>,
    /// The deployment is in maintenance: backups are answered, and nothing else happens.
    is_held: bool,
    /// How many requests are being answered.
    asking: Cell<u32>,
    is_leaving: Cell<bool>,
    pub beside: M::Beside,
}

impl<M: Perform + 'static> Object<M> {
    pub fn new(state: State, env: &Env, beside: M::Beside) -> Rc<Self> {
        let inner = state._inner();
        let raw: JsValue = AsRef::<JsValue>::as_ref(&inner).clone();
        let state = State::from(inner);
        let is_held = world::is_maintenance(env);
        let host = Host::new(ObjectSql::new(state.storage()));
        let host = RefCell::new(if is_held { host.held() } else { host });
        Rc::new(Self {
            raw,
            state,
            host,
            later: RefCell::default(),
            is_held,
            asking: Cell::new(0),
            is_leaving: Cell::new(false),
            beside,
        })
    }

    pub const fn is_held(&self) -> bool {
        self.is_held
    }

    /// The answer to what is not asked for a backup while the object is held.
    pub fn refusal(&self, asked: &str) -> Option<worker::Result<Response>> {
        let is_refused = self.is_held && !wire::is_of_backup(asked);
        is_refused.then(|| Ok(crossing::answer(UNAVAILABLE, "the deployment is in maintenance")?.into()))
    }

    /// Keeps the object in memory until this is done, as long as the platform allows.
    pub fn hold(&self, task: impl Future<Output = ()> + 'static) {
        self.state.wait_until(task);
    }

    /// Reads what an effect needs; the log says where that fails.
    ///
    /// # Errors
    /// [`Error`].
    pub fn look<T>(&self, read: impl FnOnce(&M, &ObjectSql) -> Result<T, Error>) -> Result<T, Error> {
        let mut random = world::random;
        let mut host = self.host.borrow_mut();
        let looked = host.look_at(&mut Moment { now: world::now(), random: &mut random }, read);
        looked.inspect_err(|error| console_error!("object: {error}"))
    }

    /// A command, and its answer.
    pub async fn fetch(self: &Rc<Self>, mut request: Request) -> worker::Result<Response> {
        let _asking = self.asked();
        let asked = match crossing::asked(request.inner()) {
            Some(text) => text,
            None => request.text().await?,
        };
        if let Some(refusal) = self.refusal(&asked) {
            return refusal;
        }
        let response = match self.with(|host, moment| wire::answer(host, &asked, moment)) {
            Reply::Now(response) => response,
            Reply::Later(later) => wire::respond::<M>(later.wait().await),
        };
        Ok(crossing::answer(response.status, &response.text)?.into())
    }

    /// The same of a word of another object, see [`Object::with_word`].
    pub async fn fetch_word(self: &Rc<Self>, mut request: Request) -> worker::Result<Response> {
        let _asking = self.asked();
        let asked = match crossing::asked(request.inner()) {
            Some(text) => text,
            None => request.text().await?,
        };
        if let Some(refusal) = self.refusal(&asked) {
            return refusal;
        }
        let response = match self.with_word(|host, moment| wire::answer(host, &asked, moment)) {
            Reply::Now(response) => response,
            Reply::Later(later) => wire::respond::<M>(later.wait().await),
        };
        Ok(crossing::answer(response.status, &response.text)?.into())
    }

    /// What is due.
    ///
    /// # Errors
    /// For the platform, which rings again.
    pub async fn alarm(self: &Rc<Self>) -> worker::Result<Response> {
        if self.is_held {
            // Until it may do something, it is asked again and again.
            self.state.storage().set_alarm(HELD_MS).await?;
            return Response::empty();
        }
        self.with(|host, moment| host.wake(moment))
            .map_err(|error| worker::Error::RustError(error.to_string()))?;
        self.perform_later();
        Response::empty()
    }

    /// The host does something, and what it leaves to be done is done.
    pub fn with<T>(self: &Rc<Self>, work: impl FnOnce(&mut Host<M, ObjectSql>, &mut Moment<'_>) -> T) -> T {
        let (done, todo) = self.work(work);
        self.perform(todo);
        done
    }

    /// The same for a word of another object. What comes of it is done in the alarm: the platform counts how deep objects
    /// call each other (16 at most), and objects that answer each other again and again would get there.
    pub fn with_word<T>(
        self: &Rc<Self>,
        work: impl FnOnce(&mut Host<M, ObjectSql>, &mut Moment<'_>) -> T,
    ) -> T {
        let (done, mut todo) = self.work(work);
        let effects = std::mem::take(&mut todo.effects);
        if !effects.is_empty() {
            self.later.borrow_mut().extend(effects);
            todo.alarm = Some(world::now());
        }
        self.perform(todo);
        done
    }

    fn work<T>(&self, work: impl FnOnce(&mut Host<M, ObjectSql>, &mut Moment<'_>) -> T) -> (T, TodoOf<M>) {
        let mut host = self.host.borrow_mut();
        let mut random = world::random;
        let done = work(&mut host, &mut Moment { now: world::now(), random: &mut random });
        (done, host.take_todo())
    }

    fn perform_later(self: &Rc<Self>) {
        for effect in self.later.take() {
            M::perform(self, effect);
        }
    }

    fn perform(self: &Rc<Self>, todo: TodoOf<M>) {
        for line in todo.log {
            console_error!("object: {line}");
        }
        for timer in todo.timers {
            self.start(timer);
        }
        if let Some(at) = todo.alarm {
            self.set_alarm(if self.is_held { at.max(world::now().plus(HELD_MS)) } else { at });
        }
        if self.is_held {
            return;
        }
        if !todo.events.is_empty() {
            M::show(self, todo.events);
        }
        for effect in todo.effects {
            M::perform(self, effect);
        }
        if !todo.unwanted.is_empty() {
            M::unwanted(self, &todo.unwanted);
        }
        if todo.is_void {
            self.erase();
        } else if todo.leaves {
            self.leave();
        }
    }

    /// Empties the disk, with its alarm (compatibility date 2026-02-24), of an object that is as if it had never been. It begins
    /// in the turn in which the memory goes, so nothing is asked of the object between.
    fn erase(self: &Rc<Self>) {
        let object = self.clone();
        wasm_bindgen_futures::spawn_local(async move {
            let is_to_leave = object.host.borrow().may_leave();
            if !object.host.borrow_mut().vacate() {
                return;
            }
            if let Err(error) = object.state.storage().delete_all().await {
                console_error!("object: not emptied: {error}");
            } else if is_to_leave {
                object.abort();
            }
        });
    }

    /// Leaves memory, once nobody is here: SQLite empties its log when the file is closed. Where there is always somebody, the log is
    /// overwritten as it is used.
    fn leave(self: &Rc<Self>) {
        if self.is_leaving.replace(true) {
            return;
        }
        let object = self.clone();
        wasm_bindgen_futures::spawn_local(async move {
            for _ in 0..LEAVE_TRIES {
                Delay::from(Duration::from_millis(LEAVE_MS)).await;
                let is_alone = object.asking.get() == 0 && !M::is_watched(&object);
                if !is_alone || !object.host.borrow().may_leave() {
                    continue;
                }
                let left = object.host.borrow_mut().leave();
                match left {
                    Ok(()) => return object.abort(),
                    Err(error) => console_error!("object: {error}"),
                }
            }
            object.is_leaving.set(false);
        });
    }

    /// The platform takes the object out of memory, once all is on its disk; whoever asks next is answered by its next life.
    ///
    /// It ends whatever runs, without a word. So a timer of the platform calls it, when nothing of this instance runs.
    fn abort(&self) {
        let function = |of: &JsValue, name: &str| {
            Reflect::get(of, &JsValue::from_str(name)).and_then(JsCast::dyn_into::<Function>)
        };
        let why = JsValue::from_str("what was erased is taken off the disk");
        let later = function(&js_sys::global(), "setTimeout").and_then(|later| {
            let abort = function(&self.raw, "abort")?.bind1(&self.raw, &why);
            later.call2(&JsValue::UNDEFINED, &abort, &JsValue::from_f64(0.0))
        });
        if later.is_err() {
            console_error!("object: the platform cannot take it out of memory");
        }
    }

    /// Notes that a request is being answered, until what is given is dropped.
    pub fn asked(self: &Rc<Self>) -> Asking<M> {
        self.asking.set(self.asking.get() + 1);
        Asking(self.clone())
    }

    fn start(self: &Rc<Self>, timer: Timer) {
        let object = self.clone();
        wasm_bindgen_futures::spawn_local(async move {
            Delay::from(Duration::from_millis(timer.ms::<M>())).await;
            object.with(|host, moment| host.rang(timer, moment));
        });
    }

    fn set_alarm(self: &Rc<Self>, at: Millis) {
        let object = self.clone();
        let in_ms = at.0.saturating_sub(world::now().0).max(0);
        wasm_bindgen_futures::spawn_local(async move {
            if let Err(error) = object.state.storage().set_alarm(in_ms).await {
                console_error!("object: no alarm: {error}");
                object.host.borrow_mut().alarm_failed();
                object.perform_later();
            }
        });
    }
}
