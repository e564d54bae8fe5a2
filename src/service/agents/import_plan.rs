//! What a file would do to the account as it is now.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::agent::{Agent, Draft, Fields, Save, Status, parse_slug};
use crate::domain::field_error::{FieldError, FieldErrors};
use crate::domain::ids::AgentId;
use crate::domain::slug::Slug;
use crate::ports::{AgentRef, Agents, Directory, Unavailable, World};
use crate::service::App;
use crate::service::authenticate::Session;
use crate::service::failure::Failure;
use crate::wire::file::Entry;

use super::create::new_agent;
use super::given::DefaultModel;
use super::ground::Ground;
use super::import_order::{Import, Item, Mode, Outcome};

/// The whole agents read at once.
const PAGE: usize = 50;
/// The most slugs asked for at once.
const MAX_NAMES: usize = 10_000;
/// The highest number that is put after a slug to find a free one.
const MAX_NUMBER: usize = 10_000;

/// What is answered, and what is written: nothing when any agent is invalid.
pub struct Plan {
    pub items: Vec<Item>,
    pub saves: Vec<Save>,
}

/// An agent of the file.
struct Candidate {
    /// As the file names it.
    shown: Option<String>,
    slug: Option<Slug>,
    draft: Option<Draft>,
    given: Given,
    faults: FieldErrors,
}

/// What the file says of that which otherwise stays.
#[derive(Clone, Copy, Default)]
struct Given {
    budget: bool,
    labels: bool,
    status: bool,
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
    let default = DefaultModel::of(app, session);
    let candidate = |entry| Candidate::of(entry, &default);
    let mut candidates: Vec<Candidate> = import.entries.iter().map(candidate).collect();
    each_slug_once(&mut candidates);
    let places = places(app, session, import.mode, &mut candidates).await?;
    let ground = ground(app, session, &candidates, &places).await?;
    let mut plan = Plan { items: Vec::new(), saves: Vec::new() };
    for candidate in candidates {
        let place = candidate.slug.as_ref().and_then(|slug| places.get(slug));
        let (item, save) = candidate.settle(app, place, &ground);
        plan.items.push(item);
        plan.saves.extend(save);
    }
    if plan.items.iter().any(|item| matches!(item.outcome, Outcome::Invalid(_))) {
        plan.saves.clear();
    }
    Ok(plan)
}

impl Candidate {
    fn of(entry: &Entry, default: &DefaultModel) -> Self {
        let mut faults = FieldErrors::default();
        let shown = entry.slug.clone();
        let fields = match &entry.fields {
            Ok(fields) => {
                let model = fields.model.clone().unwrap_or_else(|| default.line.clone());
                Fields { model: Some(model), ..fields.clone() }
            }
            Err(errors) => {
                faults.join(Err(errors.clone()));
                return Self { shown, slug: None, draft: None, given: Given::default(), faults };
            }
        };
        let given = Given {
            budget: fields.budget.is_some(),
            labels: fields.labels.is_some(),
            status: fields.status.is_some(),
        };
        let has_slug = fields.slug.is_some();
        let draft = fields.understand();
        let slug = match &draft.slug {
            None if !has_slug && !draft.definition.name.is_empty() => {
                let made = Slug::from_name(&draft.definition.name);
                let made = made.ok_or_else(|| "give a slug: none can be made of this name".to_owned());
                faults.take("slug", made.and_then(|slug| parse_slug(slug.as_str())))
            }
            slug => slug.clone(),
        };
        Self { shown, slug, draft: Some(draft), given, faults }
    }

    /// What becomes of it, and how it is written.
    fn settle<W: World>(
        mut self,
        app: &App<W>,
        place: Option<&Place>,
        ground: &Ground,
    ) -> (Item, Option<Save>) {
        let written = self.draft.take().map(|draft| self.write(app, draft, place, ground));
        let (written, slug) = match (written, place) {
            (Some(Ok(written)), Some(place)) => (Ok(written), Some(place.slug.to_string())),
            (Some(Err(errors)), _) => (Err(errors), self.shown.clone()),
            (Some(Ok(_)) | None, _) => (Err(Vec::new()), self.shown.clone()),
        };
        let slug = slug.or_else(|| self.slug.as_ref().map(Slug::to_string));
        let renamed_from = self.slug.filter(|own| place.is_some_and(|place| place.slug != *own));
        match (self.faults.finish(), written) {
            (Ok(()), Ok((outcome, save))) => (Item { slug, renamed_from, outcome }, save),
            (faults, written) => {
                let errors = [faults.err().unwrap_or_default(), written.err().unwrap_or_default()].concat();
                (
                    Item { slug: self.shown.or(slug), renamed_from: None, outcome: Outcome::Invalid(errors) },
                    None,
                )
            }
        }
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
        let draft = ground.check(draft, place.map(|place| place.id))?;
        let Some(place) = place.filter(|place| !place.is_skipped) else {
            return Ok((Outcome::Skipped, None));
        };
        match read {
            Some(read) => Ok(update(app, draft, read)),
            None => {
                let draft = Draft { slug: Some(place.slug.clone()), ..draft };
                let agent = new_agent(app, draft).map_err(|failure| match failure {
                    Failure::Invalid(errors) => errors,
                    other => vec![FieldError { field: "slug".to_owned(), message: other.to_string() }],
                })?;
                Ok((Outcome::Created, Some(Save::insert(Agent { id: place.id, ..agent }))))
            }
        }
    }
}

impl Given {
    /// What the file does not say of an agent stays as it is, as far as it is no definition.
    fn keep(self, draft: &mut Draft, read: &Agent) {
        if !self.budget {
            draft.budget = read.budget;
        }
        if !self.labels {
            draft.labels.clone_from(&read.labels);
        }
        if !self.status {
            draft.status = read.status;
        }
        if draft.status != Status::Archived && !read.status.leads_to(draft.status) {
            let what = format!("does not lead from {} to {}", read.status.name(), draft.status.name());
            draft.faults.push(FieldError { field: "status".to_owned(), message: what });
        }
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
    for candidate in candidates {
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
    mode: Mode,
    candidates: &mut [Candidate],
) -> Result<BTreeMap<Slug, Place>, Failure> {
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
        Mode::Rename => free_slugs(&tenant, &wanted, there.keys().cloned().collect()).await?,
        Mode::Skip | Mode::Update => BTreeMap::new(),
    };
    if mode == Mode::Rename {
        for candidate in candidates {
            if candidate
                .slug
                .as_ref()
                .is_some_and(|slug| there.contains_key(slug) && !free.contains_key(slug))
            {
                candidate.faults.add("slug", format!("and the next {MAX_NUMBER} after it are taken"));
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

/// For each slug that is taken the first free one of `slug-2`, `slug-3` …, none of them `wanted` by the file.
async fn free_slugs(
    tenant: &impl Agents,
    wanted: &BTreeSet<Slug>,
    mut taken: Vec<Slug>,
) -> Result<BTreeMap<Slug, Slug>, Unavailable> {
    let mut found: BTreeMap<Slug, Slug> = BTreeMap::new();
    let mut used = wanted.clone();
    let mut from = 2;
    while !taken.is_empty() && from <= MAX_NUMBER {
        let to = from + (MAX_NAMES / taken.len()).clamp(1, 200);
        let asked: Vec<AgentRef> = taken
            .iter()
            .flat_map(|slug| (from..to).filter_map(|n| numbered(slug, n)))
            .map(AgentRef::Slug)
            .collect();
        used.extend(tenant.agents_named(&asked).await?.into_iter().map(|(_, slug)| slug));
        taken.retain(|slug| {
            let free = (from..to).filter_map(|n| numbered(slug, n)).find(|slug| !used.contains(slug));
            if let Some(free) = &free {
                used.insert(free.clone());
                found.insert(slug.clone(), free.clone());
            }
            free.is_none()
        });
        from = to;
    }
    Ok(found)
}

/// `slug-n`, cut where it would be too long.
fn numbered(slug: &Slug, n: usize) -> Option<Slug> {
    let end = format!("-{n}");
    let room = slug.as_str().len().min(Slug::MAX_LEN - end.len());
    Slug::parse(&format!("{}{end}", slug.as_str()[..room].trim_end_matches('-'))).ok()
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
    let lines: Vec<&str> = drafts().map(|draft| draft.definition.model.as_str()).collect();
    let ground = Ground::read(app, session, &names, &lines).await?;
    Ok(ground.with(places.iter().map(|(slug, place)| (slug.clone(), place.id))))
}
