//! A thread's object, as the platform knows it: its effects are performed here, and its watchers sit here.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::Future;
use std::rc::Rc;

use axum::body::Body;
use axum::http::Response as HttpResponse;
use futures_util::StreamExt;
use worker::send::SendWrapper;
use worker::{DurableObject, Env, Request, Response, Result, State, console_error, durable_object};

use super::object::{Object, Perform, commands_only};
use super::object_sql::ObjectSql;
use super::world::EdgeWorld;
use super::{crossing, fetch, memory};
use crate::domain::dispatch::command::Delivery;
use crate::domain::ids::AccountId;
use crate::domain::run::event::Numbered;
use crate::domain::thread::command::{Answer, Command};
use crate::domain::thread::effect::{
    CompactionCall, Effect, ForLedger, ModelCall, Outcome, Progress, Report, ToolCall,
};
use crate::object::host::Reply;
use crate::object::machine::{self, EffectId};
use crate::object::sql::Error;
use crate::object::thread::Thread;
use crate::object::unwanted::Unwanted;
use crate::object::watchers::Watchers;
use crate::object::wire;
use crate::ports::{Performed, Unavailable, Wanted};
use crate::service::App;
use crate::service::run::perform::perform;

#[durable_object(alarm)]
pub struct ThreadObject {
    object: Rc<Object<Thread>>,
}

/// What a thread has besides its machine, while it is in memory.
pub struct Beside {
    app: Option<App<EdgeWorld>>,
    watchers: RefCell<Watchers>,
    unwanted: RefCell<Unwanted>,
}

impl Perform for Thread {
    type Beside = Beside;

    fn perform(object: &Rc<Object<Self>>, effect: machine::Effect<Effect>) {
        let Some(app) = object.beside.app.clone() else { return console_error!("object: no bindings") };
        let handle = Handle(SendWrapper::new(object.clone()));
        // Holds the object while a step is under way.
        object.hold(async move { perform(&app, &handle, &effect.what).await });
    }

    fn unwanted(object: &Rc<Object<Self>>, effects: &[EffectId]) {
        object.beside.unwanted.borrow_mut().tell(effects);
    }

    fn show(object: &Rc<Object<Self>>, events: Vec<Numbered>) {
        object.beside.watchers.borrow_mut().show(&events);
    }

    fn is_watched(object: &Object<Self>) -> bool {
        !object.beside.watchers.borrow().is_empty()
    }
}

/// The object, for who performs an effect of it.
#[derive(Clone)]
struct Handle(SendWrapper<Rc<Object<Thread>>>);

impl Handle {
    fn look<T>(&self, read: impl FnOnce(&Thread, &ObjectSql) -> Result<T, Error>) -> Result<T, Unavailable> {
        self.0.look(read).map_err(|error| Unavailable(error.to_string()))
    }
}

impl Performed for Handle {
    fn model_call(&self, run: u32, step: u32, attempt: u32) -> Wanted<ModelCall> {
        self.look(|thread, sql| thread.model_call(sql, run, step, attempt))
    }

    fn compaction(&self, run: u32, nth: u32) -> Wanted<CompactionCall> {
        self.look(|thread, sql| thread.compaction(sql, run, nth))
    }

    fn tool_call(&self, run: u32, entry: u32, attempt: u32) -> Wanted<ToolCall> {
        self.look(|thread, _| Ok(thread.tool_call(run, entry, attempt)))
    }

    fn report(&self, run: u32) -> Wanted<Report> {
        self.look(|thread, sql| thread.report(sql, run))
    }

    fn delivery(&self) -> Wanted<(AccountId, Delivery)> {
        self.look(|thread, sql| thread.delivery(sql))
    }

    fn for_ledger(&self) -> Wanted<ForLedger> {
        self.look(|thread, sql| thread.for_ledger(sql))
    }

    fn progress(&self, id: &str, progress: Progress) -> Result<(), Progress> {
        self.0.with(|host, moment| host.progress(id, progress, moment)).map(|_| ())
    }

    fn ended(&self, id: &str, outcome: Outcome) -> Result<bool, Unavailable> {
        let ended = self.0.with(|host, moment| host.ended(id, outcome, moment));
        if ended.is_ok() {
            self.0.beside.unwanted.borrow_mut().end(id);
        }
        ended.map_err(|error| Unavailable(error.to_string()))
    }

    fn unwanted(&self, id: &str) -> impl Future<Output = ()> + Send + 'static {
        self.0.beside.unwanted.borrow_mut().of(id)
    }

    fn let_go(&self, id: &str) {
        self.0.beside.unwanted.borrow_mut().end(id);
        self.0.with(|host, _| host.let_go(id));
    }
}

impl ThreadObject {
    async fn answer(&self, mut request: Request) -> Result<Response> {
        let _asking = self.object.asked();
        let asked = match crossing::asked(request.inner()) {
            Some(text) => text,
            None => request.text().await?,
        };
        if let Some(refusal) = self.object.refusal(&asked) {
            return refusal;
        }
        let kind = kind(&asked);
        let reply = match kind {
            Kind::Word => self.object.with_word(|host, moment| wire::answer(host, &asked, moment)),
            _ => self.object.with(|host, moment| wire::answer(host, &asked, moment)),
        };
        let response = match reply {
            Reply::Now(response) => response,
            Reply::Later(later) => wire::respond::<Thread>(later.wait().await),
        };
        if kind == Kind::Deletion && response.status == 200 {
            // Nothing happens here any more.
            self.object.beside.watchers.borrow_mut().clear();
        }
        let events: Option<Answer> =
            if kind == Kind::Watch { wire::decode(&response.text).ok() } else { None };
        match events {
            Some(Answer::Events(events)) if response.status == 200 && events.is_live() => {
                let run = events.snapshot.as_ref().map(|run| run.id.number);
                self.watch(run, response).await
            }
            _ => Ok(crossing::answer(response.status, &response.text)?.into()),
        }
    }

    /// The answer's text as a line, then each event as one.
    async fn watch(&self, run: Option<u32>, response: wire::Response) -> Result<Response> {
        let events = self.object.beside.watchers.borrow_mut().add(run);
        let first = futures_util::stream::once(std::future::ready(response.text));
        let lines = first.chain(events.map(|event| event.to_string()));
        let body = Body::from_stream(lines.map(|line| Ok::<_, Infallible>(line + "\n")));
        Ok(fetch::write(HttpResponse::new(body)).await?.into())
    }
}

/// What a command means for watchers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The one who asks stays for what comes.
    Watch,
    Deletion,
    /// Another thread's object speaks.
    Word,
    Other,
}

fn kind(asked: &str) -> Kind {
    match wire::decode(asked) {
        Ok(Command::Delete(_) | Command::DeleteWith(..)) => Kind::Deletion,
        Ok(Command::Hear(..)) => Kind::Word,
        Ok(command) if Command::stays(&command) => Kind::Watch,
        _ => Kind::Other,
    }
}

impl DurableObject for ThreadObject {
    fn new(state: State, env: Env) -> Self {
        let world = EdgeWorld::new(&env).inspect_err(|error| console_error!("object: {error}")).ok();
        let app = world.map(|world| App::new(world, memory::cache()));
        Self {
            object: Object::new(
                state,
                &env,
                Beside { app, watchers: RefCell::default(), unwanted: RefCell::default() },
            ),
        }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        self.answer(request).await
    }

    async fn alarm(&self) -> Result<Response> {
        let done = self.object.alarm().await;
        if self.object.is_held() {
            return done;
        }
        // A thread that was made for one call may have gone: nothing happens here any more.
        if self.object.look(|thread, _| Ok(thread.is_there())) == Ok(false) {
            self.object.beside.watchers.borrow_mut().clear();
        }
        done
    }

    commands_only!();
}
