//! Changing an agent as a client writes it: its fields, and whether it is in use, in one write or none.

use serde_json::{Map, Value};

use super::archive::{gone_targets, is_handed_to_by_none};
use super::create::{Made, made};
use super::discover::{Discovery, discover};
use super::given::{Changed, DefaultModel, IS_ACTIVE, change_of};
use super::ground::Ground;
use super::{IfMatch, get, save, written};
use crate::domain::agent::{Agent, Save};
use crate::domain::change::Action;
use crate::domain::ids::AgentId;
use crate::domain::patch::Patch;
use crate::ports::{AgentRef, Agents, Directory, World};
use crate::service::App;
use crate::service::authenticate::Session;
use crate::service::failure::{Failure, Thing};
use crate::service::retry::{retry, written_at};

/// What a client is shown of an agent: all of it, where what was discovered of it is passed along.
pub type Shows<'a> = &'a (dyn Fn(&Agent, Option<Discovery>) -> Map<String, Value> + Send + Sync);

/// Lays a change over an agent, archives it or restores it, as far as the change says so. What is only shown may stand in it.
///
/// # Errors
/// [`Failure`], and nothing is written; [`Failure::Precondition`] when the agent is not as `if_match` wants it.
pub async fn patch<W: World>(
    app: &App<W>,
    session: &Session,
    agent: &str,
    patch: &Patch,
    shows: Shows<'_>,
    if_match: &IfMatch,
) -> Result<Made, Failure> {
    retry(app, || patch_once(app, session, agent, patch, shows, if_match)).await
}

async fn patch_once<W: World>(
    app: &App<W>,
    session: &Session,
    agent: &str,
    patch: &Patch,
    shows: Shows<'_>,
    if_match: &IfMatch,
) -> Result<Made, Failure> {
    let read = find(app, session, agent, patch).await?;
    if_match.check(&read)?;
    let default = DefaultModel::of(app, session);
    let discovery = match patch {
        // Operations may test whatever is shown.
        Patch::Operations(_) => discover(app, session.account.id, std::slice::from_ref(&read)).await?.pop(),
        Patch::Merge(_) => None,
    };
    let shown = shows(&read, discovery);
    let Changed { draft, is_active } = change_of(patch, written(&read), &shown, &default)?;
    let ground =
        Ground::read(app, session, &draft.handoff_targets, &draft.definition.lines().collect::<Vec<_>>())
            .await?;
    let tenant = app.world.directory().tenant(session.account.id);
    let own: Vec<String> = read.definition.handoff_targets.iter().map(AgentId::to_string).collect();
    if read.archived_at.is_some() && draft.handoff_targets == own {
        let gone = gone_targets(&tenant, &read).await?;
        if !gone.is_empty() {
            return Err(Failure::HandsToGone(gone.iter().map(AgentId::to_string).collect()));
        }
    }
    let draft = ground.check_over(&app.world, draft, &read)?;
    let slug = draft.slug.clone().unwrap_or_else(|| read.slug.clone());
    let at = written_at(app.world.now(), Some(read.updated_at));
    let mut next = Agent {
        slug,
        definition: draft.definition,
        labels: draft.labels,
        budget: draft.budget,
        archived_at: (is_active == Some(false)).then_some(at),
        ..read.clone()
    };
    if next == read {
        return made(app, session, read).await;
    }
    if next.archived_at.is_some() {
        is_handed_to_by_none(&tenant, &read).await?;
    }
    next.version = read.version + u32::from(next.definition != read.definition);
    next.updated_at = at;
    // What there is to say is known before the write: after it nothing may fail.
    let made = made(app, session, next).await?;
    let saved = save(app, session, Action::Update, &[Save::update(made.agent.clone(), read)]).await;
    saved.map_err(|error| Failure::of_write(error, Thing::Agent))?;
    Ok(made)
}

/// The agent in use; where there is none and the change puts it to use, the archived one.
async fn find<W: World>(
    app: &App<W>,
    session: &Session,
    agent: &str,
    patch: &Patch,
) -> Result<Agent, Failure> {
    let restores = matches!(patch, Patch::Merge(fields) if fields.get(IS_ACTIVE) == Some(&Value::Bool(true)));
    match (get(app, session, agent).await, AgentRef::parse(agent)) {
        (Err(missing @ Failure::Missing(_)), Some(named)) if restores => {
            let tenant = app.world.directory().tenant(session.account.id);
            tenant.archived_agent(&named).await?.ok_or(missing)
        }
        (found, _) => found,
    }
}
