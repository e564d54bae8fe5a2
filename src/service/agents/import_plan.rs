//! What a file would do to the account as it is now.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::agent::{Agent, Draft, Kept, Save};
use crate::domain::field_error::{FieldError, FieldErrors};
use crate::domain::ids::AgentId;
use crate::domain::slug::Slug;
use crate::ports::{AgentRef, Agents, Directory, Unavailable, World};
use crate::service::App;
use crate::service::authenticate::Session;
use crate::service::failure::Failure;

use super::create::new_agent;
use super::given::DefaultModel;
use super::ground::Ground;
use super::import_candidate::Candidate;
use super::import_order::{Import, Item, Mode, Outcome};
use super::{import_foreign, import_identity};
use crate::wire::file::foreign::Need;

/// The whole agents read at once.
const PAGE: usize = 50;
/// What is answered, and what is written: nothing when any agent is invalid.
pub struct Plan {
    pub items: Vec<Item>,
    pub saves: Vec<Save>,
}

/// Where an agent of the file goes.
struct Place {
    id: AgentId,
    slug: Slug,
    /// The agent that has the slug, in mode `update`.
    read: Option<Agent>,
    is_skipped: bool,
}

pub async fn plan<W: World>(app: &App<W>, session: &Session, import: &Import) -> Result<Plan, Failure> {
    let tenant = app.world.directory().tenant(session.account.id);
    let default = DefaultModel::of(app, session);
    let mut candidates: Vec<Candidate> =
        import.entries.iter().map(|entry| Candidate::of(entry, import, &default)).collect();
    import_foreign::models(&tenant, &mut candidates, import.model.as_deref()).await?;
    if import.strict {
        candidates.iter_mut().for_each(Candidate::refuse_losses);
    }
    import_identity::settle(&tenant, import, &mut candidates).await?;
    each_slug_once(&mut candidates);
    let places = places(app, session, import, &mut candidates).await?;
    import_foreign::link(&mut candidates);
    let ground = ground(app, session, &candidates, &places).await?;
    let mut plan = Plan { items: Vec::new(), saves: Vec::new() };
    for mut candidate in candidates {
        let place = candidate.slug.as_ref().and_then(|slug| places.get(slug));
        import_foreign::drop_unmet(&mut candidate, &ground, place.map(|place| place.id));
        let (item, save) = candidate.settle(app, place, &ground);
        plan.items.push(item);
        plan.saves.extend(save);
    }
    if plan.items.iter().any(|item| matches!(item.outcome, Outcome::Invalid(_))) {
        plan.saves.clear();
        plan.items.iter_mut().for_each(|item| item.agent = None);
    }
    Ok(plan)
}

impl Candidate {
    /// What becomes of it, and how it is written.
    fn settle<W: World>(
        mut self,
        app: &App<W>,
        place: Option<&Place>,
        ground: &Ground,
    ) -> (Item, Option<Save>) {
        let written = self.draft.take().map(|draft| self.write(app, draft, place, ground));
        let slug = match (&written, place) {
            (Some(Ok(_)), Some(place)) => Some(place.slug.to_string()),
            _ => self.shown.clone(),
        };
        let slug = slug.or_else(|| self.slug.as_ref().map(Slug::to_string));
        let written = written.unwrap_or_else(|| Err(Vec::new()));
        let own = self.slug.filter(|_| !self.is_derived);
        let renamed_from = own.filter(|own| place.is_some_and(|place| place.slug != *own));
        let (slug, renamed_from, outcome, save) = match (self.faults.finish(), written) {
            (Ok(()), Ok((outcome, save))) => (slug, renamed_from, outcome, save),
            (faults, written) => {
                let mut errors = FieldErrors::default();
                errors.join(faults);
                errors.join_new(written.map(|_| ()));
                let errors = errors.finish().err().unwrap_or_default();
                (self.shown.or(slug), None, Outcome::Invalid(errors), None)
            }
        };
        let agent = save.as_ref().map(|save: &Save| save.agent.clone());
        let secrets = agent.iter().flat_map(|agent| agent.definition.secrets.each());
        let awaited = secrets.filter(|(_, _, kept)| kept.is_awaited());
        let secret = |(tool, header, _): (&str, &str, &Kept)| Need {
            kind: "secret",
            name: format!("{tool}.{header}"),
            version: None,
        };
        self.needs.extend(awaited.map(secret));
        let (name, system, report, needs) = (self.name, self.system, self.report, self.needs);
        (Item { slug, name, renamed_from, outcome, agent, system, report, needs }, save)
    }

    fn write<W: World>(
        &self,
        app: &App<W>,
        mut draft: Draft,
        place: Option<&Place>,
        ground: &Ground,
    ) -> Result<(Outcome, Option<Save>), Vec<FieldError>> {
        let read = place.and_then(|place| place.read.as_ref());
        if let Some(read) = read {
            self.given.keep(&mut draft, read);
        }
        let draft = match read {
            Some(read) => ground.check_over(&app.world, draft, read),
            None => ground.check(&app.world, draft, place.map(|place| place.id)),
        };
        let draft = draft.map_err(faults_of)?;
        let Some(place) = place.filter(|place| !place.is_skipped) else {
            return Ok((Outcome::Skipped, None));
        };
        match read {
            Some(read) => Ok(update(app, draft, read)),
            None => {
                let draft = Draft { slug: Some(place.slug.clone()), ..draft };
                let agent = new_agent(app, draft).map_err(faults_of)?;
                Ok((Outcome::Created, Some(Save::insert(Agent { id: place.id, ..agent }))))
            }
        }
    }
}

/// What is wrong with an agent, besides its fields the want of a key to seal its secrets with.
fn faults_of(failure: Failure) -> Vec<FieldError> {
    match failure {
        Failure::Invalid(errors) => errors,
        other => vec![FieldError { field: "tools".to_owned(), message: other.to_string() }],
    }
}

fn update<W: World>(app: &App<W>, draft: Draft, read: &Agent) -> (Outcome, Option<Save>) {
    let mut next = Agent {
        definition: draft.definition,
        labels: draft.labels,
        budget: draft.budget,
        status: draft.status,
        ..read.clone()
    };
    if next == *read {
        return (Outcome::Skipped, None);
    }
    next.version += u32::from(next.definition != read.definition);
    next.updated_at = app.world.now().max(read.updated_at.plus(1));
    (Outcome::Updated, Some(Save::update(next, read.clone())))
}

fn each_slug_once(candidates: &mut [Candidate]) {
    let mut seen = BTreeSet::new();
    for candidate in candidates.iter_mut().filter(|candidate| !candidate.is_there) {
        let slug = candidate.slug.clone();
        if slug.is_some_and(|slug| !seen.insert(slug)) {
            candidate.faults.add("slug", "stands twice in the file");
        }
    }
}

/// Where each slug of the file goes.
async fn places<W: World>(
    app: &App<W>,
    session: &Session,
    import: &Import,
    candidates: &mut [Candidate],
) -> Result<BTreeMap<Slug, Place>, Failure> {
    let mode = import.mode;
    let tenant = app.world.directory().tenant(session.account.id);
    let wanted: BTreeSet<Slug> = candidates.iter().filter_map(|candidate| candidate.slug.clone()).collect();
    let names: Vec<AgentRef> = wanted.iter().cloned().map(AgentRef::Slug).collect();
    let there: BTreeMap<Slug, AgentId> =
        tenant.agents_named(&names).await?.into_iter().map(|(id, slug)| (slug, id)).collect();
    let mut read = match mode {
        Mode::Update => whole(&tenant, there.values().copied().collect()).await?,
        Mode::Skip | Mode::Rename => BTreeMap::new(),
    };
    let mut free = match mode {
        Mode::Rename => {
            let is_taken = |slug: &&Slug| there.contains_key(slug) || import.taken.contains(slug);
            let taken: Vec<Slug> = wanted.iter().filter(is_taken).cloned().collect();
            let used = wanted.union(&import.taken).cloned().collect();
            let free = import_identity::free_slugs(&tenant, used, &taken).await?;
            taken.into_iter().zip(free).filter_map(|(slug, free)| Some((slug, free?))).collect()
        }
        Mode::Skip | Mode::Update => BTreeMap::new(),
    };
    if mode == Mode::Rename {
        for candidate in candidates {
            if candidate
                .slug
                .as_ref()
                .is_some_and(|slug| there.contains_key(slug) && !free.contains_key(slug))
            {
                candidate
                    .faults
                    .add("slug", format!("and the next {} after it are taken", import_identity::MAX_NUMBER));
            }
        }
    }
    let now = app.world.now();
    let place = |slug: Slug| {
        let fresh = || AgentId::new(now, app.world.random());
        let place = match there.get(&slug) {
            Some(id) if mode == Mode::Skip => {
                Place { id: *id, slug: slug.clone(), read: None, is_skipped: true }
            }
            Some(id) if mode == Mode::Update => {
                Place { id: *id, slug: slug.clone(), read: read.remove(id), is_skipped: false }
            }
            _ => {
                let slug = free.remove(&slug).unwrap_or_else(|| slug.clone());
                Place { id: fresh(), slug, read: None, is_skipped: false }
            }
        };
        (slug, place)
    };
    Ok(wanted.into_iter().map(place).collect())
}

async fn whole(tenant: &impl Agents, ids: Vec<AgentId>) -> Result<BTreeMap<AgentId, Agent>, Unavailable> {
    let mut all = BTreeMap::new();
    for ids in ids.chunks(PAGE) {
        all.extend(tenant.agents_of(ids).await?.into_iter().map(|agent| (agent.id, agent)));
    }
    Ok(all)
}

/// The account's agents that the file hands off to, and the file's own before them.
async fn ground<W: World>(
    app: &App<W>,
    session: &Session,
    candidates: &[Candidate],
    places: &BTreeMap<Slug, Place>,
) -> Result<Ground, Failure> {
    let drafts = || candidates.iter().filter_map(|candidate| candidate.draft.as_ref());
    let named: BTreeSet<&String> = drafts().flat_map(|draft| &draft.handoff_targets).collect();
    let is_elsewhere = |name: &&&String| Slug::parse(name).map_or(true, |slug| !places.contains_key(&slug));
    let names: Vec<String> =
        named.iter().filter(|name| is_elsewhere(name)).map(|name| (*name).clone()).collect();
    let lines: Vec<&str> = drafts().flat_map(|draft| draft.definition.lines()).collect();
    let ground = Ground::read(app, session, &names, &lines).await?;
    let ground = ground.awaiting_secrets();
    Ok(ground.with(places.iter().map(|(slug, place)| (slug.clone(), place.id))))
}
