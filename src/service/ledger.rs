//! An agent's ledger: its calls, newest first.

use crate::domain::admission::command::{self, CallRecord};
use crate::domain::ids::CallId;
use crate::ports::{Accounts, AgentRef, Agents, Directory, World};

use super::App;
use super::authenticate::Session;
use super::failure::{Failure, Thing};
use super::page::{Page, Request};

/// Of an archived agent too, by its id. With what this isolate has yet to settle: who has just read the end of an answer
/// finds its call.
///
/// # Errors
/// [`Failure`].
pub async fn list<W: World>(
    app: &App<W>,
    session: &Session,
    agent: &str,
    page: &Request,
) -> Result<Page<CallRecord>, Failure> {
    let cut = page.parse(CallId::parse)?;
    let missing = Failure::Missing(Thing::Agent);
    let Some(named) = AgentRef::parse(agent) else { return Err(missing) };
    let account = session.account.id;
    let agent = app.world.directory().tenant(account).agent_ever(&named).await?.ok_or(missing)?;
    let ended = app.settlements.unconfirmed(account);
    let asked = command::Page { agent, limit: cut.fetch(), before: cut.after, ended };
    let calls = app.world.accounts().ask(account, asked).await?;
    Ok(cut.page(calls, |call| call.call.to_string()))
}
