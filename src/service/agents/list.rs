//! Listing agents.

use crate::domain::account::Key;
use crate::domain::agent::{Access, Agent, Status, spelling, words};
use crate::domain::field_error::FieldErrors;
use crate::domain::ids::{AccountId, AgentId};
use crate::domain::time::Millis;
use crate::ports::{AgentFilter, AgentList, AgentPosition, Directory, World};
use crate::service::App;
use crate::service::call;
use crate::service::failure::Failure;
use crate::service::page::{Page, Request};

/// The most words that are searched for at once.
const MAX_WORDS: usize = 16;

/// Which agents are asked for, as it was written; what is given must all be so.
#[derive(Clone, Debug, Default)]
pub struct Narrow {
    pub status: Option<String>,
    pub kind: Option<String>,
    pub label: Option<String>,
    /// Each of its words begins a word of the name or the slug.
    pub q: Option<String>,
}

impl Narrow {
    fn parse(&self) -> Result<AgentFilter, Failure> {
        let mut errors = FieldErrors::default();
        let status = self
            .status
            .as_deref()
            .map(|name| Status::parse(&spelling::status(name)).ok_or_else(unknown_status));
        let status = status.and_then(|status| errors.take("status", status));
        let words = words(&[self.q.as_deref().unwrap_or_default()]);
        if words.len() > MAX_WORDS {
            errors.add("q", format!("has at most {MAX_WORDS} words, has {}", words.len()));
        }
        errors.finish()?;
        Ok(AgentFilter { status, kind: self.kind.clone(), label: self.label.clone(), words })
    }
}

fn unknown_status() -> String {
    format!("write one of {}", Status::ALL.map(Status::name).join(", "))
}

/// Newest first; those alone that whoever asks may call and whose calls are answered. `key` is of the account, which is
/// active; without one the public agents.
///
/// # Errors
/// [`Failure`].
pub async fn list_callable<W: World>(
    app: &App<W>,
    account: AccountId,
    key: Option<&Key>,
    narrow: &Narrow,
    page: &Request,
) -> Result<Page<Agent>, Failure> {
    let may_call = |agent: &Agent| match key {
        Some(key) => key.may_call(agent.id),
        None => agent.definition.access == Access::Public,
    };
    let mut page = list(app, account, narrow, page).await?;
    page.rows.retain(|agent| may_call(agent) && call::answers(agent).is_ok());
    Ok(page)
}

/// Newest first; without archived ones, unless they are asked for.
///
/// # Errors
/// [`Failure`].
pub async fn list<W: World>(
    app: &App<W>,
    account: AccountId,
    narrow: &Narrow,
    page: &Request,
) -> Result<Page<Agent>, Failure> {
    let cut = page.parse(|cursor| {
        let (created_at, id) = cursor.split_once('.')?;
        Some(AgentPosition { created_at: Millis(created_at.parse().ok()?), id: AgentId::parse(id)? })
    });
    let (filter, cut) = match (narrow.parse(), cut) {
        (Ok(filter), Ok(cut)) => (filter, cut),
        (Err(Failure::Invalid(mut errors)), Err(Failure::Invalid(more))) => {
            errors.extend(more);
            return Err(Failure::Invalid(errors));
        }
        (Err(failure), _) | (_, Err(failure)) => return Err(failure),
    };
    let tenant = app.world.directory().tenant(account);
    let found = tenant.find_agents(&filter, cut.fetch(), cut.after).await?;
    let page = cut.page(found.agents, |agent| cursor(agent.created_at, agent.id));
    let next_cursor = page.next_cursor.or(found.stopped_at.map(|at| cursor(at.created_at, at.id)));
    Ok(Page { next_cursor, ..page })
}

fn cursor(created_at: Millis, id: AgentId) -> String {
    format!("{}.{id}", created_at.0)
}
