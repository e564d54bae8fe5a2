//! An account's agents: creating, listing, replacing, archiving.
//!
//! A change of the definition makes the next version; one of the slug or the budget does not. A budget goes only
//! when it is said to go, never by being left out.

use crate::domain::agent::{Agent, Definition};
use crate::domain::budget::Budget;
use crate::domain::field_error::{FieldError, FieldErrors};
use crate::domain::ids::AgentId;
use crate::domain::slug::Slug;
use crate::domain::time::Millis;
use crate::ports::{AgentPosition, AgentRef, Alias, Directory, Tenant, World, WriteError};

use super::App;
use super::authenticate::Session;
use super::failure::{Failure, Thing, check_control};
use super::page::{Page, Request};

/// How often a change is made anew over a row that changed meanwhile.
const TRIES: u32 = 4;

/// An agent as it is asked for.
#[derive(Clone, Debug)]
pub struct AgentDraft {
    /// `None`: made of the name, or as it is.
    pub slug: Option<String>,
    pub definition: Definition,
    pub budget: BudgetChange,
}

/// What becomes of an agent's budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BudgetChange {
    Keep,
    Remove,
    Set(Budget),
}

impl BudgetChange {
    const fn over(self, old: Option<Budget>) -> Option<Budget> {
        match self {
            Self::Keep => old,
            Self::Remove => None,
            Self::Set(budget) => Some(budget),
        }
    }
}

/// # Errors
/// [`Failure`]; without an agent having been made, unless the directory lost its answer.
pub async fn create<W: World>(app: &App<W>, session: &Session, draft: AgentDraft) -> Result<Agent, Failure> {
    let tenant = app.world.directory().tenant(session.account.id);
    let aliases = tenant.aliases().await?;
    let mut errors = FieldErrors::default();
    let slug = match &draft.slug {
        Some(slug) => errors.take("slug", Slug::parse(slug)),
        None => errors.take("slug", slug_of(&draft.definition.name)),
    };
    let budget = draft.budget.over(None);
    errors.join(check(&draft.definition, budget, &aliases));
    let slug = errors.finish_with(slug)?;
    let now = app.world.now();
    let agent = Agent {
        id: AgentId::new(now, app.world.random()),
        slug,
        version: 1,
        definition: draft.definition,
        budget,
        created_at: now,
        updated_at: now,
    };
    let inserted =
        app.write_through(session.account.id, tenant.insert_agent(&agent, Some(session.key.id))).await;
    inserted.map_err(|error| Failure::of_write(error, Thing::Agent))?;
    Ok(agent)
}

fn slug_of(name: &str) -> Result<Slug, &'static str> {
    Slug::from_name(name).ok_or("give a slug: none can be made of this name")
}

fn check(definition: &Definition, budget: Option<Budget>, aliases: &[Alias]) -> Result<(), Vec<FieldError>> {
    let line = |name: &str| aliases.iter().find(|alias| alias.name == name).map(|alias| alias.line.clone());
    let mut errors = FieldErrors::default();
    errors.join(definition.check(budget.as_ref(), line));
    check_control(&mut errors, "name", &definition.name);
    errors.finish()
}

/// Newest first.
///
/// # Errors
/// [`Failure`].
pub async fn list<W: World>(app: &App<W>, session: &Session, page: &Request) -> Result<Page<Agent>, Failure> {
    let cut = page.parse(|cursor| {
        let (created_at, id) = cursor.split_once('.')?;
        Some(AgentPosition { created_at: Millis(created_at.parse().ok()?), id: AgentId::parse(id)? })
    })?;
    let agents = app.world.directory().tenant(session.account.id).agents(cut.fetch(), cut.after).await?;
    Ok(cut.page(agents, |agent| format!("{}.{}", agent.created_at.0, agent.id)))
}

/// # Errors
/// [`Failure`].
pub async fn get<W: World>(app: &App<W>, session: &Session, agent: &str) -> Result<Agent, Failure> {
    let named = AgentRef::parse(agent).ok_or(Failure::Missing(Thing::Agent))?;
    let found = app.world.directory().tenant(session.account.id).agent(&named).await?;
    found.ok_or(Failure::Missing(Thing::Agent))
}

/// Replaces the definition; the slug and the budget as the draft says.
///
/// # Errors
/// [`Failure`].
pub async fn replace<W: World>(
    app: &App<W>,
    session: &Session,
    agent: &str,
    draft: AgentDraft,
) -> Result<Agent, Failure> {
    let aliases = app.world.directory().tenant(session.account.id).aliases().await?;
    let edit = |read: &Agent| {
        let mut errors = FieldErrors::default();
        let slug = match &draft.slug {
            Some(slug) => errors.take("slug", Slug::parse(slug)),
            None => Some(read.slug.clone()),
        };
        let budget = draft.budget.over(read.budget);
        errors.join(check(&draft.definition, budget, &aliases));
        let slug = errors.finish_with(slug)?;
        Ok(Agent { slug, definition: draft.definition.clone(), budget, ..read.clone() })
    };
    change(app, session, agent, edit).await
}

/// Makes `edit`'s agent of the one there is, anew whenever somebody else was faster. What changes nothing is not
/// written.
pub(super) async fn change<W: World>(
    app: &App<W>,
    session: &Session,
    agent: &str,
    edit: impl Fn(&Agent) -> Result<Agent, Failure> + Send + Sync,
) -> Result<Agent, Failure> {
    let account = session.account.id;
    let tenant = app.world.directory().tenant(account);
    for _ in 0..TRIES {
        let read = get(app, session, agent).await?;
        let mut next = edit(&read)?;
        if next == read {
            return Ok(read);
        }
        next.version = read.version + u32::from(next.definition != read.definition);
        next.updated_at = app.world.now().max(read.updated_at.plus(1));
        let write = tenant.update_agent(&next, &read, Some(session.key.id));
        match app.write_through(account, write).await {
            Ok(()) => return Ok(next),
            Err(WriteError::Moved) => {}
            Err(error) => return Err(Failure::of_write(error, Thing::Agent)),
        }
    }
    Err(Failure::Contended(Thing::Agent))
}

/// Archives: calls end, the slug is free, the ledger stays readable by id.
///
/// # Errors
/// [`Failure`].
pub async fn archive<W: World>(app: &App<W>, session: &Session, agent: &str) -> Result<(), Failure> {
    let read = get(app, session, agent).await?;
    let account = session.account.id;
    let tenant = app.world.directory().tenant(account);
    let archived = app.write_through(account, tenant.archive_agent(read.id, app.world.now())).await?;
    if archived { Ok(()) } else { Err(Failure::Missing(Thing::Agent)) }
}
