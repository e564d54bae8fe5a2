//! The hop to an object, over the platform's binding.

use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use worker::ObjectNamespace;
use worker::send::IntoSendFuture;

use super::crossing;
use crate::domain::backup::command as backup;
use crate::domain::backup::name::{ObjectKind, ObjectName};
use crate::domain::dispatch::command::{Answer, Command, VERSION};
use crate::domain::ids::AccountId;
use crate::domain::knowledge::Place;
use crate::domain::knowledge::command as knowledge;
use crate::object::client::Hop;
use crate::object::wire;
use crate::ports::{Backups, Dispatch, Knowledge, Unavailable};

/// The namespace of one kind of objects.
#[derive(Clone, Debug)]
pub struct Objects {
    pub namespace: ObjectNamespace,
}

impl Objects {
    /// The answer's text to a command's text.
    ///
    /// # Errors
    /// [`Unavailable`] when the object did not answer, or refused with these words.
    pub async fn ask(&self, name: &str, command: &str) -> Result<String, Unavailable> {
        let asked = async {
            let objects: &JsValue = self.namespace.as_ref();
            JsFuture::from(crossing::ask(objects, name, command)).await
        };
        let answer = asked.into_send().await.map_err(unavailable)?;
        Ok(answer.as_string().unwrap_or_default())
    }
}

pub fn unavailable(error: JsValue) -> Unavailable {
    Unavailable(worker::Error::from(error).to_string())
}

/// The accounts' objects.
#[derive(Clone, Debug)]
pub struct AccountClient(pub Objects);

impl Hop for AccountClient {
    async fn carry(&self, account: AccountId, command: String) -> Result<String, Unavailable> {
        self.0.ask(&account.to_string(), &command).await
    }
}

/// The accounts' dispatch objects.
#[derive(Clone, Debug)]
pub struct DispatchClient(pub Objects);

impl Dispatch for DispatchClient {
    async fn ask(&self, account: AccountId, command: Command) -> Result<Answer, Unavailable> {
        let unreadable = |error: serde_json::Error| Unavailable(error.to_string());
        let text = wire::encode(VERSION, &command).map_err(unreadable)?;
        wire::decode(&self.0.ask(&account.to_string(), &text).await?).map_err(unreadable)
    }
}

/// Every object, as what a backup is made of.
#[derive(Clone, Debug)]
pub struct BackupClient {
    pub accounts: Objects,
    pub threads: Objects,
    pub dispatch: Objects,
    pub knowledge: Objects,
}

impl Backups for BackupClient {
    async fn ask(
        &self,
        object: &ObjectName,
        command: backup::Command,
    ) -> Result<backup::Answer, Unavailable> {
        let unreadable = |error: serde_json::Error| Unavailable(error.to_string());
        let asked = backup::Asked::Storage(command);
        let text = wire::encode(backup::VERSION, &asked).map_err(unreadable)?;
        let objects = match object.kind() {
            ObjectKind::Account => &self.accounts,
            ObjectKind::Dispatch => &self.dispatch,
            ObjectKind::Thread => &self.threads,
            ObjectKind::Knowledge => &self.knowledge,
        };
        wire::decode(&objects.ask(&object.on_platform(), &text).await?).map_err(unreadable)
    }
}

/// The knowledge objects.
#[derive(Clone, Debug)]
pub struct KnowledgeClient(pub Objects);

impl Knowledge for KnowledgeClient {
    async fn ask(
        &self,
        place: &Place,
        command: knowledge::Command,
    ) -> Result<knowledge::Answer, Unavailable> {
        let unreadable = |error: serde_json::Error| Unavailable(error.to_string());
        let text = wire::encode(knowledge::VERSION, &command).map_err(unreadable)?;
        wire::decode(&self.0.ask(place.name(), &text).await?).map_err(unreadable)
    }
}
