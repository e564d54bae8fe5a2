//! Which agent of the account an agent of a file is: what the file says, never a slug that two names share.
//!
//! A slug in the file is the identity. Without one the name is: the account's agent of that name is meant, whatever its slug;
//! if there is none, the slug is made of the name, and numbered where another agent has it.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::agent::numbered_slug;
use crate::domain::slug::Slug;
use crate::ports::{AgentRef, Agents, Unavailable};

use super::import_candidate::Candidate;
use super::import_order::Mode;

/// The most slugs asked for at once.
const MAX_NAMES: usize = 10_000;
/// The highest number that is put after a slug to find a free one.
pub const MAX_NUMBER: usize = 10_000;

/// Gives each candidate the slug of the agent that it is, or a free one.
pub async fn settle(
    tenant: &impl Agents,
    mode: Mode,
    candidates: &mut [Candidate],
) -> Result<(), Unavailable> {
    let names: BTreeSet<&str> = candidates.iter().filter_map(|candidate| candidate.name.as_deref()).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let called: BTreeMap<String, Slug> =
        tenant.agents_titled(&names).await?.into_iter().map(|(_, slug, name)| (name, slug)).collect();
    let slugs: BTreeSet<Slug> = candidates.iter().filter_map(|candidate| candidate.slug.clone()).collect();
    let asked: Vec<AgentRef> = slugs.into_iter().map(AgentRef::Slug).collect();
    let there: BTreeSet<Slug> =
        tenant.agents_named(&asked).await?.into_iter().map(|(_, slug)| slug).collect();
    let given = candidates
        .iter()
        .filter(|candidate| !candidate.is_derived)
        .filter_map(|candidate| candidate.slug.clone());
    let mut used: BTreeSet<Slug> = given.collect();
    let mut names: BTreeSet<String> = BTreeSet::new();
    let mut pending = Vec::new();
    for (i, candidate) in candidates.iter_mut().enumerate() {
        let Some(slug) = candidate.slug.clone() else { continue };
        let own = candidate.name.as_deref().and_then(|name| called.get(name));
        match own {
            Some(own) if candidate.is_derived => candidate.slug = Some(own.clone()),
            // It is left out, so it does not matter what its slug would be.
            Some(own) if mode == Mode::Skip && !there.contains(&slug) => {
                candidate.slug = Some(own.clone());
                candidate.is_there = true;
            }
            _ if !candidate.is_derived => {}
            _ if candidate.name.as_ref().is_some_and(|name| !names.insert(name.clone())) => {
                candidate.slug = None;
                candidate
                    .faults
                    .add("slug", "stands twice in the file: the name is another agent's, give a slug");
            }
            _ if there.contains(&slug) || !used.insert(slug.clone()) => pending.push((i, slug)),
            _ => {}
        }
    }
    used.extend(there);
    let bases: Vec<Slug> = pending.iter().map(|(_, slug)| slug.clone()).collect();
    for ((i, base), free) in pending.into_iter().zip(free_slugs(tenant, used, &bases).await?) {
        let Some(candidate) = candidates.get_mut(i) else { continue };
        match free {
            Some(free) => candidate.slug = Some(free),
            None => candidate
                .faults
                .add("slug", format!("`{base}` and the next {MAX_NUMBER} after it are taken: give a slug")),
        }
    }
    Ok(())
}

/// For each slug that is taken the first free one of `slug-2`, `slug-3` …: none that is used, and none twice.
pub async fn free_slugs(
    tenant: &impl Agents,
    mut used: BTreeSet<Slug>,
    taken: &[Slug],
) -> Result<Vec<Option<Slug>>, Unavailable> {
    let mut found: Vec<Option<Slug>> = vec![None; taken.len()];
    let mut from = 2;
    while found.iter().any(Option::is_none) && from <= MAX_NUMBER {
        let open = || taken.iter().zip(&found).filter(|(_, free)| free.is_none()).map(|(slug, _)| slug);
        let bases: BTreeSet<&Slug> = open().collect();
        let to = from + (MAX_NAMES / bases.len().max(1)).clamp(1, 200);
        let numbers = |slug: &Slug| (from..to).filter_map(|n| numbered(slug, n)).collect::<Vec<_>>();
        let asked: Vec<AgentRef> = bases.iter().flat_map(|slug| numbers(slug)).map(AgentRef::Slug).collect();
        used.extend(tenant.agents_named(&asked).await?.into_iter().map(|(_, slug)| slug));
        for (slug, free) in taken.iter().zip(&mut found).filter(|(_, free)| free.is_none()) {
            *free = numbers(slug).into_iter().find(|slug| !used.contains(slug));
            used.extend(free.clone());
        }
        from = to;
    }
    Ok(found)
}

fn numbered(slug: &Slug, n: usize) -> Option<Slug> {
    u32::try_from(n).ok().and_then(|n| numbered_slug(slug, n))
}
