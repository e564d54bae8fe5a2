//! An account's agents: creating, reading, changing, archiving.
//!
//! A change replaces the row as it was read, and is retried when another writer was faster. A change of the
//! definition makes the next version; one of the slug, the labels, the status or the budget does not. What
//! changes nothing is not written.

mod archive;
mod change;
mod create;
mod discover;
mod duplicate;
mod export;
mod given;
mod ground;
mod import;
mod import_candidate;
mod import_foreign;
mod import_identity;
mod import_namesakes;
mod import_order;
mod import_plan;
mod import_teams;
mod import_traits;
mod lifecycle;
mod list;
mod source;
mod versions;

pub use archive::{Handoffs, archive, restore};
pub use change::patch;
pub use create::{Made, create, validate};
pub use discover::{Discovery, Fault, discover};
pub use duplicate::{Copy, duplicate};
pub use export::Export;
pub(in crate::service) use export::slugs_of;
pub(in crate::service) use ground::line_of;
pub use import::{Imported, MAX_AGENTS, import};
pub use import_order::{Import, Item, Mode, Outcome};
pub use lifecycle::set_status;
pub use list::{Narrow, list, list_callable};
pub use source::{Source, read};
pub use versions::{Difference, Span, compare, rollback, version, versions};

use serde_json::{Map, Value, json};

use crate::domain::agent::{Agent, Fields, Save, parse_slug};
use crate::domain::change::{Action, Subject};
use crate::domain::field_error::{FieldError, FieldErrors, beside};
use crate::domain::slug::Slug;
use crate::ports::{AgentRef, Agents, Directory, SaveAgents, World, WriteError};

use super::App;
use super::authenticate::Session;
use super::failure::{Failure, Thing};
use super::retry::{retry, written_at};
use ground::Ground;

/// Which state of an agent a change may be made over.
#[derive(Clone, Debug, Default)]
pub enum IfMatch {
    /// Whatever there is.
    #[default]
    Any,
    /// One with one of these tags ([`Agent::tag`]).
    Tags(Vec<String>),
    /// `If-None-Match: *`: none.
    None,
}

impl IfMatch {
    fn check(&self, agent: &Agent) -> Result<(), Failure> {
        match self {
            Self::Any => Ok(()),
            Self::Tags(tags) if tags.contains(&agent.tag()) => Ok(()),
            Self::Tags(_) | Self::None => Err(Failure::Precondition(Thing::Agent)),
        }
    }
}

/// The slug that a body asks for, which has these faults besides.
///
/// # Errors
/// [`Failure::Invalid`].
pub fn slug_of(asked: Option<&str>, faults: Vec<FieldError>) -> Result<Option<Slug>, Failure> {
    let mut errors = FieldErrors::default();
    let slug = errors.take("slug", asked.map(parse_slug).transpose());
    Ok(beside(faults, errors.finish_with(slug))?)
}

/// # Errors
/// [`Failure`].
pub async fn get<W: World>(app: &App<W>, session: &Session, agent: &str) -> Result<Agent, Failure> {
    let named = AgentRef::parse(agent).ok_or(Failure::Missing(Thing::Agent))?;
    let found = app.world.directory().tenant(session.account.id).agent(&named).await?;
    found.ok_or(Failure::Missing(Thing::Agent))
}

/// One in use, or by id an archived one.
async fn find_ever<W: World>(app: &App<W>, session: &Session, agent: &str) -> Result<Agent, Failure> {
    match (get(app, session, agent).await, AgentRef::parse(agent)) {
        (Err(missing @ Failure::Missing(_)), Some(id @ AgentRef::Id(_))) => {
            let tenant = app.world.directory().tenant(session.account.id);
            tenant.archived_agent(&id).await?.ok_or(missing)
        }
        (found, _) => found,
    }
}

/// An agent's fields as JSON, its hand-off targets by id.
fn written(agent: &Agent) -> Map<String, Value> {
    let targets = agent.definition.handoff_targets.iter().map(ToString::to_string).collect();
    match json!(Fields::of(agent, targets)) {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// A state of an agent for the change log.
fn logged(agent: &Agent) -> Value {
    let mut fields = written(agent);
    fields.insert("version".to_owned(), agent.version.into());
    fields.insert("status".to_owned(), agent.status().name().into());
    fields.into()
}

/// How an agent is to be changed.
struct Change<'a, N, E> {
    action: Action,
    if_match: &'a IfMatch,
    /// The agents that the edit must know of, and the model line.
    needs: N,
    edit: E,
}

/// Replaces an agent by what `edit` makes of it; retried when another writer was faster.
async fn change<W, N, E>(
    app: &App<W>,
    session: &Session,
    agent: &str,
    change: Change<'_, N, E>,
) -> Result<Agent, Failure>
where
    W: World,
    N: Fn(&Agent) -> Result<(Vec<String>, String), Failure> + Send + Sync,
    E: Fn(&Agent, &Ground) -> Result<Agent, Failure> + Send + Sync,
{
    retry(app, || change_once(app, session, agent, &change)).await
}

async fn change_once<W, N, E>(
    app: &App<W>,
    session: &Session,
    agent: &str,
    change: &Change<'_, N, E>,
) -> Result<Agent, Failure>
where
    W: World,
    N: Fn(&Agent) -> Result<(Vec<String>, String), Failure> + Send + Sync,
    E: Fn(&Agent, &Ground) -> Result<Agent, Failure> + Send + Sync,
{
    let read = get(app, session, agent).await?;
    change.if_match.check(&read)?;
    let (names, line) = (change.needs)(&read)?;
    let ground = Ground::read(app, session, &names, &[&line]).await?;
    let mut next = (change.edit)(&read, &ground)?;
    if next == read {
        return Ok(read);
    }
    next.version = read.version + u32::from(next.definition != read.definition);
    next.updated_at = written_at(app.world.now(), Some(read.updated_at));
    let saved = save(app, session, change.action, &[Save::update(next.clone(), read)]).await;
    saved.map_err(|error| Failure::of_write(error, Thing::Agent))?;
    Ok(next)
}

/// Changes what is neither checked nor a version.
pub(super) async fn adjust<W: World>(
    app: &App<W>,
    session: &Session,
    agent: &str,
    if_match: &IfMatch,
    edit: impl Fn(&Agent) -> Result<Agent, Failure> + Send + Sync,
) -> Result<Agent, Failure> {
    let needs = |_: &Agent| Ok((Vec::new(), String::new()));
    let edit = |read: &Agent, _: &Ground| edit(read);
    change(app, session, agent, Change { action: Action::Update, if_match, needs, edit }).await
}

/// Writes agents with their lines in the change log, all or none. `action` is what an update of an agent in
/// use is called.
async fn save<W: World>(
    app: &App<W>,
    session: &Session,
    action: Action,
    saves: &[Save],
) -> Result<(), WriteError> {
    let line = |save: &Save| {
        let action = match &save.read {
            None => Action::Create,
            Some(read) => match (read.archived_at, save.agent.archived_at) {
                (None, Some(_)) => Action::Archive,
                (Some(_), None) => Action::Restore,
                _ => action,
            },
        };
        let before = save.read.as_ref();
        let mut after = logged(&save.agent);
        // Of two values that are shown alike it says that they are not the same.
        if before.is_some_and(|read| read.definition.secrets != save.agent.definition.secrets) {
            after["secrets_changed"] = true.into();
        }
        let (before, after) = (before.map(logged), Some(after));
        app.change(session.actor(), action, Subject::AGENT, save.agent.id, before, after)
    };
    let changes: Vec<_> = saves.iter().map(line).collect();
    let tenant = app.world.directory().tenant(session.account.id);
    app.write_through(session.account.id, tenant.save_agents(saves, session.actor(), &changes)).await
}
