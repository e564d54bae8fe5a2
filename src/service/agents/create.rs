//! Creating an agent, and checking whether it could be.

use serde_json::{Map, Value};

use super::ground::Ground;
use super::save;
use crate::domain::agent::{Agent, Draft, Fields, Save, can_be_slug};
use crate::domain::change::Action;
use crate::domain::field_error::FieldErrors;
use crate::domain::ids::AgentId;
use crate::domain::json;
use crate::domain::slug::Slug;
use crate::ports::{AgentRef, Agents, Directory, World};
use crate::service::App;
use crate::service::authenticate::Session;
use crate::service::declared;
use crate::service::failure::{Failure, Thing};
use crate::service::retry::retry;

/// # Errors
/// [`Failure`]; without an agent having been made, unless the directory lost its answer.
pub async fn create<W: World>(
    app: &App<W>,
    session: &Session,
    fields: &Map<String, Value>,
) -> Result<Agent, Failure> {
    // One that it hands off to may go between the check and the write.
    retry(app, || create_once(app, session, fields)).await
}

async fn create_once<W: World>(
    app: &App<W>,
    session: &Session,
    fields: &Map<String, Value>,
) -> Result<Agent, Failure> {
    let agent = draw_up(app, session, fields).await?;
    let saved = save(app, session, Action::Create, &[Save::insert(agent.clone())]).await;
    saved.map_err(|error| Failure::of_write(error, Thing::Agent))?;
    Ok(agent)
}

/// Everything that [`create`] checks, with nothing saved.
///
/// # Errors
/// [`Failure`].
pub async fn validate<W: World>(
    app: &App<W>,
    session: &Session,
    fields: &Map<String, Value>,
) -> Result<Agent, Failure> {
    let agent = draw_up(app, session, fields).await?;
    let tenant = app.world.directory().tenant(session.account.id);
    match tenant.agent(&AgentRef::Slug(agent.slug.clone())).await? {
        Some(_) => Err(Failure::Taken(Thing::Agent)),
        None => Ok(agent),
    }
}

async fn draw_up<W: World>(
    app: &App<W>,
    session: &Session,
    fields: &Map<String, Value>,
) -> Result<Agent, Failure> {
    let fields: Fields = json::read(&declared::fill(app, session, fields).await?.into())?;
    let names = fields.handoff_targets.clone().unwrap_or_default();
    let draft = fields.understand();
    let ground = Ground::read(app, session, &names, &[&draft.definition.model]).await?;
    let draft = ground.check(draft, None)?;
    new_agent(app, draft)
}

/// A checked draft as an agent's first version.
pub(super) fn new_agent<W: World>(app: &App<W>, draft: Draft) -> Result<Agent, Failure> {
    let mut errors = FieldErrors::default();
    let slug = match draft.slug {
        Some(slug) => Some(slug),
        None => {
            let made = Slug::from_name(&draft.definition.name).filter(can_be_slug);
            errors.take("slug", made.ok_or("give a slug: none can be made of this name"))
        }
    };
    let slug = errors.finish_with(slug)?;
    let now = app.world.now();
    Ok(Agent {
        id: AgentId::new(now, app.world.random()),
        slug,
        version: 1,
        definition: draft.definition,
        status: draft.status,
        labels: draft.labels,
        budget: draft.budget,
        created_at: now,
        updated_at: now,
        archived_at: None,
    })
}
