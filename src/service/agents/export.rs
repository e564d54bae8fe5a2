//! Reading agents out of the account, page by page, as files carry them: without ids, owners and times, hand-offs by
//! slug.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::agent::{Agent, Fields, Tool};
use crate::domain::field_error::FieldErrors;
use crate::domain::ids::AgentId;
use crate::domain::slug::Slug;
use crate::ports::{AgentFilter, AgentList, AgentPosition, AgentRef, Agents, Directory, World};
use crate::service::App;
use crate::service::authenticate::Session;
use crate::service::failure::Failure;

/// Agents read at once: first, at least, at most.
const FIRST_PAGE: u32 = 25;
const PAGE: std::ops::RangeInclusive<u32> = 5..=200;
/// Bytes of instructions on a page under which the next one is larger, and over which it is smaller. Twice as many, each
/// three times in memory, are far from the platform's 128 MB.
const SMALL: usize = 256 * 1024;
const LARGE: usize = 2 * 1024 * 1024;
/// The most agents that one request may name.
const MAX_NAMED: usize = 1_000;

/// What is yet to be read.
#[derive(Debug)]
pub struct Export {
    rest: Rest,
    page: u32,
}

impl From<Rest> for Export {
    fn from(rest: Rest) -> Self {
        Self { rest, page: FIRST_PAGE }
    }
}

#[derive(Debug)]
enum Rest {
    /// All agents in use, newest first, after this one.
    All(Option<AgentPosition>),
    /// These, in this order.
    Named(std::vec::IntoIter<AgentId>),
    Nothing,
}

impl Export {
    /// Of these agents, by slug or id; of all in use when none are named.
    ///
    /// # Errors
    /// [`Failure::Invalid`] on field `agents` for each that there is not.
    pub async fn begin<W: World>(
        app: &App<W>,
        session: &Session,
        named: Option<&str>,
    ) -> Result<Self, Failure> {
        let Some(named) = named else { return Ok(Rest::All(None).into()) };
        let names: Vec<&str> = named.split(',').map(str::trim).collect();
        if names.len() > MAX_NAMED {
            return Err(Failure::invalid("agents", "names at most 1000; leave it out to export all"));
        }
        let refs: Vec<AgentRef> = names.iter().filter_map(|name| AgentRef::parse(name)).collect();
        let found = app.world.directory().tenant(session.account.id).agents_named(&refs).await?;
        let mut errors = FieldErrors::default();
        let mut ids = Vec::new();
        let by_name: BTreeMap<String, AgentId> =
            found.iter().flat_map(|(id, slug)| [(id.to_string(), *id), (slug.to_string(), *id)]).collect();
        for name in names {
            let id = AgentRef::parse(name).and_then(|name| by_name.get(&name.to_string()));
            match id {
                None => errors.add("agents", format!("`{name:.64}` is no agent of this account")),
                Some(id) if ids.contains(id) => {}
                Some(id) => ids.push(*id),
            }
        }
        errors.finish()?;
        Ok(Rest::Named(ids.into_iter()).into())
    }

    /// The next few; `None` at the end. An agent that went meanwhile is left out.
    ///
    /// # Errors
    /// [`Failure::Unavailable`].
    pub async fn next<W: World>(
        &mut self,
        app: &App<W>,
        session: &Session,
    ) -> Result<Option<Vec<Fields>>, Failure> {
        let tenant = app.world.directory().tenant(session.account.id);
        let agents = match &mut self.rest {
            Rest::Nothing => return Ok(None),
            Rest::All(after) => {
                let found = tenant.find_agents(&AgentFilter::default(), self.page, *after).await?;
                let is_full = found.agents.len() >= self.page as usize;
                *after = found.stopped_at.or(found.agents.last().filter(|_| is_full).map(AgentPosition::of));
                found.agents
            }
            Rest::Named(ids) => {
                let page = self.page.min(FIRST_PAGE) as usize;
                tenant.agents_of(&ids.take(page).collect::<Vec<_>>()).await?
            }
        };
        let is_last = match &self.rest {
            Rest::All(after) => after.is_none(),
            Rest::Named(ids) => ids.len() == 0,
            Rest::Nothing => true,
        };
        if is_last {
            self.rest = Rest::Nothing;
        }
        let bytes: usize = agents.iter().map(|agent| agent.definition.instructions.len()).sum();
        let page = if bytes > LARGE { self.page / 2 } else { self.page * (1 + u32::from(bytes < SMALL)) };
        self.page = page.clamp(*PAGE.start(), *PAGE.end());
        let slugs = slugs_of(app, session, &agents).await?;
        Ok(Some(agents.iter().map(|agent| written(agent, &slugs)).collect()))
    }
}

/// As a file has it: of a secret not even its end.
fn written(agent: &Agent, slugs: &BTreeMap<AgentId, Slug>) -> Fields {
    let targets = agent.definition.handoff_targets.iter();
    let mut fields = Fields::of(agent, targets.filter_map(|id| slugs.get(id)).map(Slug::to_string).collect());
    fields.tools.iter_mut().flatten().for_each(Tool::forget_secrets);
    fields
}

/// The slugs of all that these agents hand off to.
pub(in crate::service) async fn slugs_of<W: World>(
    app: &App<W>,
    session: &Session,
    agents: &[Agent],
) -> Result<BTreeMap<AgentId, Slug>, Failure> {
    let ids: BTreeSet<AgentId> =
        agents.iter().flat_map(|agent| agent.definition.handoff_targets.iter().copied()).collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let names: Vec<AgentRef> = ids.into_iter().map(AgentRef::Id).collect();
    let found = app.world.directory().tenant(session.account.id).agents_named(&names).await?;
    Ok(found.into_iter().collect())
}
