//! The version of the agent at which a thread stays.

use serde_json::Value;

use super::{Error, Visitor};
use crate::domain::field_error::FieldError;
use crate::domain::thread::id::ThreadRef;
use crate::ports::{AgentRef, AgentVersions, Agents, Directory, World};
use crate::service::App;

impl Visitor {
    /// Replaces the word for a version in a patch by what the thread's object takes: its number, or null for a
    /// thread that stays at none. `latest` is what a new thread would have.
    ///
    /// # Errors
    /// [`Error::Invalid`] where there is no such version.
    pub(super) async fn find_version<W: World>(
        &self,
        app: &App<W>,
        thread: &ThreadRef,
        asked: &mut Value,
    ) -> Result<(), Error> {
        let number = match &*asked {
            Value::String(word) if word == "latest" => None,
            Value::Number(number) => Some(number.as_u64().and_then(|number| u32::try_from(number).ok())),
            _ => return Err(fault("write latest, or the number of a version")),
        };
        let found = match number {
            None => self.newest(app, thread).await?,
            Some(number) => Some(self.numbered(app, thread, number.unwrap_or(0)).await?),
        };
        *asked = found.map_or(Value::Null, Value::from);
        Ok(())
    }

    async fn newest<W: World>(&self, app: &App<W>, thread: &ThreadRef) -> Result<Option<u32>, Error> {
        if let Some(calls) = self.calls {
            return Ok(calls.conduct.upgrade.pin(calls.version));
        }
        let agent = self.show(app, thread).await?.agent_id;
        let tenant = app.world.directory().tenant(self.account);
        let agent = tenant.agent(&AgentRef::Id(agent)).await?;
        let agent = agent.ok_or_else(|| fault("the agent is archived: no version of it is in force"))?;
        Ok(agent.definition.conduct().upgrade.pin(agent.version))
    }

    async fn numbered<W: World>(&self, app: &App<W>, thread: &ThreadRef, number: u32) -> Result<u32, Error> {
        let agent = match self.agent() {
            Some(agent) => agent,
            None => self.show(app, thread).await?.agent_id,
        };
        let found = app.world.directory().tenant(self.account).snapshots(agent, [number; 2]).await?;
        if found.is_empty() { Err(fault("the agent has no such version")) } else { Ok(number) }
    }
}

fn fault(message: &str) -> Error {
    Error::Invalid(vec![FieldError { field: "version".to_owned(), message: message.to_owned() }])
}
