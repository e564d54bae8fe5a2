//! The account's object, as the platform knows it.

use std::rc::Rc;

use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

use super::object::{Object, Perform, commands_only};
use crate::object::account::Account;
use crate::object::machine::{Effect, Never};

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
    fn new(state: State, env: Env) -> Self {
        Self { object: Object::new(state, &env, ()) }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        self.object.fetch(request).await
    }

    async fn alarm(&self) -> Result<Response> {
        self.object.alarm().await
    }

    commands_only!();
}
