//! Listing agents.

use crate::domain::account::Key;
use crate::domain::agent::{Agent, Status, spelling, words};
use crate::domain::field_error::FieldErrors;
use crate::domain::ids::{AccountId, AgentId};
use crate::domain::time::Millis;
use crate::ports::{AgentFilter, AgentList, AgentPosition, Callable, Directory, FoundAgents, World};
use crate::service::App;
use crate::service::failure::Failure;
use crate::service::page::{Cut, Page, Request};

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
        Ok(AgentFilter {
            status,
            kind: self.kind.as_deref().map(spelling::kind),
            label: self.label.clone(),
            words,
        })
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
    let callable = match key.map(|key| &key.agents) {
        None => Callable::Public,
        Some(None) => Callable::All,
        Some(Some(ids)) => Callable::These(ids.clone()),
    };
    let (filter, cut) = parse(narrow, page)?;
    // Labels are not shown here, so that nobody can ask for them one by one.
    if filter.label.is_some() {
        return Err(Failure::invalid("label", "is for members and admins: leave it out"));
    }
    let tenant = app.world.directory().tenant(account);
    let found = tenant.find_callable(&filter, &callable, cut.fetch(), cut.after).await?;
    Ok(page_of(&cut, found))
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
    let (filter, cut) = parse(narrow, page)?;
    let tenant = app.world.directory().tenant(account);
    let found = tenant.find_agents(&filter, cut.fetch(), cut.after).await?;
    Ok(page_of(&cut, found))
}

fn page_of(cut: &Cut<AgentPosition>, found: FoundAgents) -> Page<Agent> {
    let page = cut.page(found.agents, |agent| cursor(AgentPosition::of(agent)));
    Page { next_cursor: page.next_cursor.or(found.stopped_at.map(cursor)), ..page }
}

/// What is asked for, and from where on.
fn parse(narrow: &Narrow, page: &Request) -> Result<(AgentFilter, Cut<AgentPosition>), Failure> {
    let cut = page.parse(|cursor| {
        let (created_at, id) = cursor.split_once('.')?;
        Some(AgentPosition { created_at: Millis(created_at.parse().ok()?), id: AgentId::parse(id)? })
    });
    match (narrow.parse(), cut) {
        (Ok(filter), Ok(cut)) => Ok((filter, cut)),
        (Err(Failure::Invalid(mut errors)), Err(Failure::Invalid(more))) => {
            errors.extend(more);
            Err(Failure::Invalid(errors))
        }
        (Err(failure), _) | (_, Err(failure)) => Err(failure),
    }
}

fn cursor(at: AgentPosition) -> String {
    format!("{}.{}", at.created_at.0, at.id)
}
