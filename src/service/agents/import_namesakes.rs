//! Which agents of the account those of a file are that have their names.
//!
//! A name is an identity as long as nothing says more. Where the source gives its agents ids, or teams, they are kept with
//! the agent, and one that was kept with another id is another agent. Those of a file that only share their name are told
//! apart by their order.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::agent::{Agent, made_slug};
use crate::domain::ids::AgentId;
use crate::domain::slug::Slug;
use crate::ports::{Agents, Unavailable};
use crate::wire::file::foreign::{Origin, is_team};
use crate::wire::file::kept_at;

use super::import_candidate::Candidate;
use super::import_traits::Traits;

/// The whole agents read at once.
const PAGE: usize = 50;

/// The account's agents by name.
pub(super) struct Namesakes(BTreeMap<String, Vec<Namesake>>);

struct Namesake {
    slug: Slug,
    /// What was kept of it at the paths at which agents of the file have their origins.
    kept: BTreeMap<String, String>,
    /// Of one of which something may be kept.
    traits: Option<Traits>,
    is_taken: bool,
}

/// What an agent of the file is in the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meant {
    New,
    One(Slug),
    /// Nothing says which of these.
    Several(Vec<Slug>),
}

impl Namesakes {
    /// Those of the account without the ones that are others by their slugs.
    pub async fn of(
        tenant: &impl Agents,
        candidates: &[Candidate],
        others: &BTreeSet<Slug>,
    ) -> Result<Self, Unavailable> {
        let names: BTreeSet<&str> =
            candidates.iter().filter_map(|candidate| candidate.name.as_deref()).collect();
        let names: Vec<&str> = names.into_iter().collect();
        let titled = tenant.agents_titled(&names).await?;
        let known: BTreeSet<&str> = candidates
            .iter()
            .filter(|candidate| candidate.origin.is_some())
            .filter_map(|candidate| candidate.name.as_deref())
            .collect();
        let asked = titled.iter().filter(|(.., name)| known.contains(name.as_str())).map(|(id, ..)| *id);
        let mut kept = kept(tenant, asked.collect(), candidates).await?;
        let mut called: BTreeMap<String, Vec<Namesake>> = BTreeMap::new();
        for (id, slug, name) in titled.into_iter().filter(|(_, slug, _)| !others.contains(slug)) {
            let (kept, traits) = kept.remove(&id).unzip();
            let kept = kept.unwrap_or_default();
            called.entry(name).or_default().push(Namesake { slug, kept, traits, is_taken: false });
        }
        for (name, there) in &mut called {
            // In the order in which their slugs are numbered.
            let made = made_slug(name);
            let is_made = |slug: &Slug| made.as_ref().is_some_and(|made| is_made_of(slug, made));
            there.sort_by_cached_key(|one| (!is_made(&one.slug), one.slug.as_str().len(), one.slug.clone()));
        }
        Ok(Self(called))
    }

    /// What each of the candidates is whose slug was made of its name; of others, whose name they have. `taken` are slugs of
    /// other files' agents.
    pub fn meant(&mut self, candidates: &[Candidate], taken: &BTreeSet<Slug>, is_exact: bool) -> Vec<Meant> {
        let mut meant: Vec<Meant> = candidates
            .iter()
            .map(|candidate| self.by_origin(candidate).map_or(Meant::New, Meant::One))
            .collect();
        let mut alike: BTreeMap<&str, usize> = BTreeMap::new();
        for name in candidates.iter().filter(|one| one.is_derived).filter_map(|one| one.name.as_deref()) {
            *alike.entry(name).or_default() += 1;
        }
        for (candidate, meant) in candidates.iter().zip(&mut meant).filter(|(_, meant)| **meant == Meant::New)
        {
            let (Some(name), Some(made)) = (candidate.name.as_deref(), &candidate.slug) else { continue };
            let is_one_of_many = candidate.is_derived && alike.get(name).is_some_and(|count| *count > 1);
            *meant = match self.0.get_mut(name) {
                Some(there) if is_one_of_many => in_order(there, candidate),
                Some(there) => alone(there, candidate, made, (is_exact, taken.contains(made))),
                None => Meant::New,
            };
        }
        meant
    }

    /// The teams whose members have these names, by the names under which they are kept, as far as those are asked for.
    pub fn teams(
        &self,
        members: BTreeSet<&String>,
        is_asked: impl Fn(&str) -> bool,
    ) -> BTreeMap<String, BTreeMap<String, Traits>> {
        let mut teams: BTreeMap<String, BTreeMap<String, Traits>> = BTreeMap::new();
        for name in members {
            for one in self.0.get(name).into_iter().flatten() {
                let kept = one.kept.iter().find(|(path, team)| is_team(path) && is_asked(team));
                if let (Some((_, team)), Some(traits)) = (kept, one.traits) {
                    teams.entry(team.clone()).or_default().insert(name.clone(), traits);
                }
            }
        }
        teams
    }

    /// The agent that was kept with the candidate's origin.
    fn by_origin(&mut self, candidate: &Candidate) -> Option<Slug> {
        let origin = candidate.origin.as_ref().filter(|_| candidate.is_derived)?;
        let there = self.0.get_mut(candidate.name.as_deref()?)?;
        let own = there
            .iter_mut()
            .find(|one| !one.is_taken && one.kept.get(&origin.path) == Some(&origin.value))?;
        own.is_taken = true;
        Some(own.slug.clone())
    }
}

impl Namesake {
    /// Whether nothing says that it is another one.
    fn may_be(&self, candidate: &Candidate) -> bool {
        let is_other = |origin: &Origin| self.kept.contains_key(&origin.path);
        !self.is_taken && !candidate.origin.as_ref().is_some_and(is_other)
    }
}

/// The only one of the name in its file. Where another file's agent has the slug of the name, the numbered ones are those of
/// the files after it, in their order.
fn alone(
    there: &[Namesake],
    candidate: &Candidate,
    made: &Slug,
    (is_exact, is_taken): (bool, bool),
) -> Meant {
    let own: Vec<&Slug> = there.iter().filter(|one| one.may_be(candidate)).map(|one| &one.slug).collect();
    match own.as_slice() {
        [] => Meant::New,
        own if own.contains(&made) => Meant::One(made.clone()),
        [first] => Meant::One((*first).clone()),
        [first, ..] if !is_exact || (is_taken && is_made_of(first, made)) => Meant::One((*first).clone()),
        own => Meant::Several(own.iter().map(|slug| (*slug).clone()).collect()),
    }
}

/// One of several of the name: the first that is left.
fn in_order(there: &mut [Namesake], candidate: &Candidate) -> Meant {
    match there.iter_mut().find(|one| one.may_be(candidate)) {
        Some(own) => {
            own.is_taken = true;
            Meant::One(own.slug.clone())
        }
        None => Meant::New,
    }
}

/// Whether it is this slug, or this one with a number.
pub(super) fn is_made_of(slug: &Slug, made: &Slug) -> bool {
    let number = slug.as_str().strip_prefix(made.as_str());
    number.is_some_and(|rest| {
        rest.is_empty() || rest.strip_prefix('-').is_some_and(|n| n.parse::<u32>().is_ok())
    })
}

/// What was kept of these agents at the paths of the candidates' origins, and what else tells them apart.
async fn kept(
    tenant: &impl Agents,
    ids: Vec<AgentId>,
    candidates: &[Candidate],
) -> Result<BTreeMap<AgentId, (BTreeMap<String, String>, Traits)>, Unavailable> {
    let origins = candidates.iter().filter_map(|candidate| candidate.origin.as_ref());
    let paths: BTreeSet<&str> = origins.map(|origin| origin.path.as_str()).collect();
    let kept_of = |agent: &Agent| {
        let at =
            |path: &&str| Some(((*path).to_owned(), kept_at(&agent.definition.config, path)?.to_owned()));
        (paths.iter().filter_map(at).collect(), Traits::of(&agent.definition))
    };
    let mut all = BTreeMap::new();
    for ids in ids.chunks(PAGE) {
        all.extend(tenant.agents_of(ids).await?.iter().map(|agent| (agent.id, kept_of(agent))));
    }
    Ok(all)
}
