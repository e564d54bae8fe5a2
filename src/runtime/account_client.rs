//! The hop to the account's object, over the platform's binding.

use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use worker::ObjectNamespace;
use worker::send::IntoSendFuture;

use super::crossing;
use crate::domain::ids::AccountId;
use crate::object::client::Hop;
use crate::ports::Unavailable;

/// The namespace of account objects.
#[derive(Clone, Debug)]
pub struct AccountClient {
    namespace: ObjectNamespace,
}

impl AccountClient {
    pub const fn new(namespace: ObjectNamespace) -> Self {
        Self { namespace }
    }

    async fn send(&self, account: AccountId, command: &str) -> Result<String, JsValue> {
        let objects: &JsValue = self.namespace.as_ref();
        let answer = JsFuture::from(crossing::ask(objects, &account.to_string(), command)).await?;
        Ok(answer.as_string().unwrap_or_default())
    }
}

impl Hop for AccountClient {
    async fn carry(&self, account: AccountId, command: String) -> Result<String, Unavailable> {
        let answer = self.send(account, &command).into_send().await;
        answer.map_err(|error| Unavailable(worker::Error::from(error).to_string()))
    }
}
