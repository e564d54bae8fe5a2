//! Creating an agent, and checking whether it could be.

use serde_json::{Map, Value};

use super::discover::{Fault, discover};
use super::given::{DefaultModel, Given};
use super::ground::Ground;
use super::import_identity;
use super::save;
use crate::domain::agent::{Agent, Draft, Save};
use crate::domain::change::Action;
use crate::domain::field_error::FieldErrors;
use crate::domain::ids::AgentId;
use crate::domain::plan::Feature;
use crate::domain::warning::{Code, Warning};
use crate::ports::{AgentRef, Agents, Directory, Plans, World};
use crate::service::App;
use crate::service::authenticate::Session;
use crate::service::declared;
use crate::service::failure::{Failure, Thing};
use crate::service::retry::retry;
use crate::service::tool::is_run;

/// An agent that is created, or could be, with what is to be known of it.
#[derive(Debug)]
pub struct Made {
    pub agent: Agent,
    pub warnings: Vec<Warning>,
    /// Why calls of it, or of a model of its line, could not work now.
    pub faults: Vec<Fault>,
}

/// # Errors
/// [`Failure`]; without an agent having been made, unless the directory lost its answer.
pub async fn create<W: World>(
    app: &App<W>,
    session: &Session,
    fields: Map<String, Value>,
) -> Result<Made, Failure> {
    let given = Given::of_new(fields, session);
    // One that it hands off to may go between the check and the write.
    retry(app, || create_once(app, session, &given)).await
}

async fn create_once<W: World>(app: &App<W>, session: &Session, given: &Given) -> Result<Made, Failure> {
    let made = draw_up(app, session, given).await?;
    let saved = save(app, session, Action::Create, &[Save::insert(made.agent.clone())]).await;
    saved.map_err(|error| Failure::of_write(error, Thing::Agent))?;
    Ok(made)
}

/// Everything that [`create`] checks, with nothing saved.
///
/// # Errors
/// [`Failure`].
pub async fn validate<W: World>(
    app: &App<W>,
    session: &Session,
    fields: Map<String, Value>,
) -> Result<Made, Failure> {
    let made = draw_up(app, session, &Given::of_new(fields, session)).await?;
    let tenant = app.world.directory().tenant(session.account.id);
    if tenant.agent(&AgentRef::Slug(made.agent.slug.clone())).await?.is_some() {
        return Err(Failure::Taken(Thing::Agent));
    }
    plan_allows(app, session, &[Save::insert(made.agent.clone())], 0).await?;
    Ok(made)
}

/// What the write of these agents would be refused for by the account's plan, when so many more are written before.
///
/// # Errors
/// [`Failure::PlanLacks`], [`Failure::PlanFull`].
pub(super) async fn plan_allows<W: World>(
    app: &App<W>,
    session: &Session,
    saves: &[Save],
    planned: usize,
) -> Result<(), Failure> {
    let more = saves.iter().filter(|save| save.adds()).count();
    if more == 0 && !saves.iter().any(Save::opens) {
        return Ok(());
    }
    let tenant = app.world.directory().tenant(session.account.id);
    let limits = tenant.limits().await?;
    if saves.iter().any(Save::opens) && !limits.features.has(Feature::PublicAgents) {
        return Err(Failure::PlanLacks(Feature::PublicAgents));
    }
    if let Some(most) = limits.agents.filter(|_| more > 0) {
        let used = tenant.usage(0, app.world.now()).await?.agents as usize;
        let fewer = saves.iter().filter(|save| save.removes()).count();
        if is_full(most, [used, planned, more], fewer) {
            return Err(Failure::PlanFull(Thing::Agent, most));
        }
    }
    Ok(())
}

/// Whether these are more agents than the plan has room for. Whoever asks says how many are planned, and wasm counts to 2³².
fn is_full(most: u32, agents: [usize; 3], fewer: usize) -> bool {
    let sum = agents.into_iter().fold(0, usize::saturating_add);
    sum > (most as usize).saturating_add(fewer)
}

async fn draw_up<W: World>(app: &App<W>, session: &Session, given: &Given) -> Result<Made, Failure> {
    let default = DefaultModel::of(app, session);
    let (filled, secrets) = match declared::fill(app, session, &given.fields).await {
        Err(Failure::Invalid(faults)) => return Err(given.faults_beside(faults).into()),
        filled => filled?,
    };
    let warning = default.warning("model").filter(|_| filled.get("model").is_none_or(Value::is_null));
    let mut draft = given.draft(filled, &default)?;
    draft.definition.secrets = secrets;
    let ground =
        Ground::read(app, session, &draft.handoff_targets, &draft.definition.lines().collect::<Vec<_>>())
            .await?;
    let mut draft = ground.check(&app.world, draft, None)?;
    if draft.slug.is_none() {
        let tenant = app.world.directory().tenant(session.account.id);
        draft.slug = import_identity::slug_for(&tenant, &draft.definition.name).await?;
    }
    let agent = new_agent(app, draft)?;
    let mut made = made(app, session, agent).await?;
    made.warnings.extend(warning);
    Ok(made)
}

/// An agent as it is, or is to be, with why calls of it, or of a model of its line, could not work now.
///
/// # Errors
/// [`Failure`].
pub(super) async fn made<W: World>(app: &App<W>, session: &Session, agent: Agent) -> Result<Made, Failure> {
    let found = discover(app, session.account.id, std::slice::from_ref(&agent)).await?;
    let faults = found.into_iter().flat_map(|discovery| discovery.faults).collect();
    let warnings = idle_cache("cache", &agent).into_iter().collect();
    Ok(Made { agent, warnings, faults })
}

/// That an agent keeps no answers though it has a cache: its calls are runs, whose tools may do something each time.
pub(super) fn idle_cache(field: &str, agent: &Agent) -> Option<Warning> {
    let definition = &agent.definition;
    let is_idle = definition.cache.is_some() && is_run(definition);
    let what = "does nothing: an agent with tools that run here, with `memory` or with an `output` gives no answer again";
    is_idle.then(|| Warning::new(field, Code::NoEffect, what))
}

/// A checked draft as an agent's first version.
pub(super) fn new_agent<W: World>(app: &App<W>, draft: Draft) -> Result<Agent, Failure> {
    let mut errors = FieldErrors::default();
    let slug =
        errors.take("slug", draft.slug.ok_or("give a slug: all that can be made of this name are taken"));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_full_however_many_are_planned() {
        assert!(is_full(100, [1, usize::MAX, 1], 0));
        assert!(is_full(100, [100, 0, 1], 0));
        assert!(!is_full(100, [100, 0, 1], 1));
        assert!(!is_full(u32::MAX, [100, 1, 1], 1));
    }
}
