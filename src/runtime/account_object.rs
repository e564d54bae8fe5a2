//! The account's object, as the platform knows it.

use std::rc::Rc;

use worker::{
    DurableObject, Env, Request, Response, Result, Socket, State, WebSocket, WebSocketIncomingMessage,
    durable_object,
};

use super::object::{Object, Perform};
use crate::object::account::{Account, Never};
use crate::object::machine::Effect;

#[durable_object(alarm)]
pub struct AccountObject {
    object: Rc<Object<Account>>,
}

impl Perform for Account {
    type Beside = ();

    fn perform(_: &Rc<Object<Self>>, effect: Effect<Never>) {
        match effect.what {}
    }

    fn show(_: &Rc<Object<Self>>, _: Vec<Never>) {}
}

impl DurableObject for AccountObject {
    fn new(state: State, _env: Env) -> Self {
        Self { object: Object::new(state, ()) }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        self.object.fetch(request).await
    }

    async fn alarm(&self) -> Result<Response> {
        self.object.alarm()
    }

    // An account speaks by commands alone. The crate's own methods panic, which would reset every object of
    // the instance.

    async fn connect(&self, _: Socket) -> Result<()> {
        refused()
    }

    async fn websocket_message(&self, _: WebSocket, _: WebSocketIncomingMessage) -> Result<()> {
        refused()
    }

    async fn websocket_close(&self, _: WebSocket, _: usize, _: String, _: bool) -> Result<()> {
        refused()
    }

    async fn websocket_error(&self, _: WebSocket, _: worker::Error) -> Result<()> {
        refused()
    }
}

fn refused() -> Result<()> {
    Err(worker::Error::RustError("an account takes commands only".to_owned()))
}
