//! An account's dispatch object, as the platform knows it: its effects are performed here.

use std::rc::Rc;

use worker::send::SendWrapper;
use worker::{DurableObject, Env, Request, Response, Result, State, console_error, durable_object};

use super::memory;
use super::object::{Object, Perform, commands_only};
use super::world::EdgeWorld;
use crate::domain::dispatch::effect::{Effect, Outcome, Progress};
use crate::domain::dispatch::notice::Posting;
use crate::object::dispatch::Dispatch;
use crate::object::machine::{self, Never};
use crate::ports::{Dispatched, Unavailable, Wanted};
use crate::service::App;
use crate::service::dispatched::perform;

#[durable_object(alarm)]
pub struct DispatchObject {
    object: Rc<Object<Dispatch>>,
}

/// What a dispatch object has besides its machine, while it is in memory.
pub struct Beside {
    app: Option<App<EdgeWorld>>,
}

impl Perform for Dispatch {
    type Beside = Beside;

    fn perform(object: &Rc<Object<Self>>, effect: machine::Effect<Effect>) {
        let Some(app) = object.beside.app.clone() else { return console_error!("object: no bindings") };
        let handle = Handle(SendWrapper::new(object.clone()));
        // Holds the object while it is performed.
        object.hold(async move { perform(&app, &handle, &effect.what).await });
    }

    fn show(_: &Rc<Object<Self>>, _: Vec<Never>) {}
}

/// The object, for who performs an effect of it.
#[derive(Clone)]
struct Handle(SendWrapper<Rc<Object<Dispatch>>>);

impl Dispatched for Handle {
    fn posting(&self, notice: &str) -> Wanted<Posting> {
        let read = self.0.look(|dispatch, sql| dispatch.posting(sql, notice));
        read.map_err(|error| Unavailable(error.to_string()))
    }

    fn progress(&self, id: &str, progress: Progress) -> std::result::Result<(), Progress> {
        self.0.with(|host, moment| host.progress(id, progress, moment)).map(|_| ())
    }

    fn ended(&self, id: &str, outcome: Outcome) -> std::result::Result<bool, Unavailable> {
        let ended = self.0.with(|host, moment| host.ended(id, outcome, moment));
        ended.map_err(|error| Unavailable(error.to_string()))
    }

    fn let_go(&self, id: &str) {
        self.0.with(|host, _| host.let_go(id));
    }
}

impl DurableObject for DispatchObject {
    fn new(state: State, env: Env) -> Self {
        let world = EdgeWorld::new(&env).inspect_err(|error| console_error!("object: {error}")).ok();
        let app = world.map(|world| App::new(world, memory::cache()));
        Self { object: Object::new(state, &env, Beside { app }) }
    }

    /// What comes of a command is done in the alarm: those who asked are objects themselves, and wait for the answer.
    async fn fetch(&self, request: Request) -> Result<Response> {
        self.object.fetch_word(request).await
    }

    async fn alarm(&self) -> Result<Response> {
        self.object.alarm().await
    }

    commands_only!();
}
