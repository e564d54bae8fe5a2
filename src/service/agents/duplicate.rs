//! Copying an agent.

use super::ground::Ground;
use super::{find_ever, save};
use crate::domain::agent::{Agent, Definition, Draft, Save, Status, can_be_slug, copied_name, numbered_slug};
use crate::domain::change::Action;
use crate::domain::ids::AgentId;
use crate::domain::slug::Slug;
use crate::ports::{AgentList, AgentRef, Agents, Directory, World, WriteError};
use crate::service::App;
use crate::service::authenticate::Session;
use crate::service::failure::{Failure, Thing};
use crate::service::retry::retry;

/// How many names or slugs are tried at once.
const CHUNK: u32 = 64;
/// The most copies of one agent that a number distinguishes.
const MAX_COPIES: u32 = 16_384;

/// What a copy is to be called; what is left out is found.
#[derive(Clone, Debug, Default)]
pub struct Copy {
    pub name: Option<String>,
    pub slug: Option<Slug>,
}

/// Makes an agent like this one: with its definition, its labels and the terms of its budget, of which nothing is spent;
/// without its history. A copy of an archived agent begins as a draft.
///
/// # Errors
/// [`Failure::Taken`] when the slug that is asked for is; [`Failure::Invalid`] when such an agent could not be created
/// today; and the others.
pub async fn duplicate<W: World>(
    app: &App<W>,
    session: &Session,
    agent: &str,
    copy: &Copy,
) -> Result<Agent, Failure> {
    retry(app, || copy_once(app, session, agent, copy, copy.slug.as_ref())).await
}

/// [`Failure::Contended`] when another copy took the name or the slug that was found for this one.
async fn copy_once<W: World>(
    app: &App<W>,
    session: &Session,
    agent: &str,
    copy: &Copy,
    asked: Option<&Slug>,
) -> Result<Agent, Failure> {
    let source = find_ever(app, session, agent).await?;
    let made = draw_up(app, session, &source, copy, asked).await?;
    match save(app, session, Action::Create, &[Save::insert(made.clone())]).await {
        Ok(()) => Ok(made),
        Err(WriteError::Taken) if asked.is_none() => Err(Failure::Contended(Thing::Agent)),
        Err(error) => Err(Failure::of_write(error, Thing::Agent)),
    }
}

/// [`Failure::Contended`] when another copy took the name meanwhile.
async fn draw_up<W: World>(
    app: &App<W>,
    session: &Session,
    source: &Agent,
    copy: &Copy,
    asked: Option<&Slug>,
) -> Result<Agent, Failure> {
    let tenant = app.world.directory().tenant(session.account.id);
    let name = match &copy.name {
        Some(name) => name.clone(),
        None => free_name(&tenant, &source.definition.name).await?,
    };
    let targets: Vec<String> = source.definition.handoff_targets.iter().map(AgentId::to_string).collect();
    let draft = Draft {
        faults: Vec::new(),
        slug: asked.cloned(),
        definition: Definition { name, ..source.definition.clone() },
        handoff_targets: targets.clone(),
        labels: source.labels.clone(),
        budget: source.budget,
        status: if source.archived_at.is_some() { Status::Draft } else { source.status },
    };
    let ground = Ground::read(app, session, &targets, &draft.definition.lines().collect::<Vec<_>>()).await?;
    let mut draft = ground.check(&app.world, draft, None)?;
    if draft.slug.is_none() {
        let base = Slug::from_name(&draft.definition.name).unwrap_or_else(|| source.slug.clone());
        let slug = free_slug(&tenant, &base).await?;
        // Where the slug of this name is taken, another copy may just have taken the name with it.
        if slug != base && copy.name.is_none() {
            let free = free_name(&tenant, &source.definition.name).await?;
            if free != draft.definition.name {
                return Err(Failure::Contended(Thing::Agent));
            }
        }
        draft.slug = Some(slug);
    }
    super::create::new_agent(app, draft)
}

async fn free_name(tenant: &impl AgentList, name: &str) -> Result<String, Failure> {
    for first in (1..MAX_COPIES).step_by(CHUNK as usize) {
        let names: Vec<String> = (first..first + CHUNK).map(|n| copied_name(name, n)).collect();
        let taken = tenant.names_taken(&names).await?;
        if let Some(free) = names.into_iter().find(|name| !taken.contains(name)) {
            return Ok(free);
        }
    }
    Err(Failure::Full(Thing::Agent, MAX_COPIES as usize))
}

async fn free_slug(tenant: &impl Agents, base: &Slug) -> Result<Slug, Failure> {
    for first in (1..MAX_COPIES).step_by(CHUNK as usize) {
        let slugs = (first..first + CHUNK).filter_map(|n| numbered_slug(base, n)).filter(can_be_slug);
        let slugs: Vec<Slug> = slugs.collect();
        let names: Vec<AgentRef> = slugs.iter().cloned().map(AgentRef::Slug).collect();
        let taken = tenant.agents_named(&names).await?;
        if let Some(free) = slugs.into_iter().find(|slug| taken.iter().all(|(_, taken)| taken != slug)) {
            return Ok(free);
        }
    }
    Err(Failure::Full(Thing::Agent, MAX_COPIES as usize))
}
