//! Which agent of the account an agent of a file is: what the file says, never a slug that two names share.
//!
//! A slug in the file is the identity. Without one the name is: the account's agent of that name is meant, whatever its slug;
//! if there is none, the slug is made of the name, and numbered where another agent has it. See [`Namesakes`] for what tells
//! agents of one name apart.

use std::collections::BTreeSet;

use crate::domain::agent::{can_be_slug, made_slug, numbered_slug};
use crate::domain::slug::Slug;
use crate::ports::{AgentRef, Agents, Unavailable};

use super::import_candidate::Candidate;
use super::import_namesakes::{Meant, Namesakes, is_made_of};
use super::import_order::{Import, Mode};
use super::import_teams;

/// The most slugs that a fault names.
const MAX_SHOWN: usize = 10;
/// The most slugs asked for at once.
const MAX_NAMES: usize = 10_000;
/// The highest number that is put after a slug to find a free one.
pub const MAX_NUMBER: usize = 10_000;

/// Gives each candidate the slug of the agent that it is, or a free one.
pub async fn settle(
    tenant: &impl Agents,
    import: &Import,
    candidates: &mut [Candidate],
) -> Result<(), Unavailable> {
    let mode = import.mode;
    let slugs: BTreeSet<Slug> = candidates.iter().filter_map(|candidate| candidate.slug.clone()).collect();
    let asked: Vec<AgentRef> = slugs.into_iter().map(AgentRef::Slug).collect();
    let there: BTreeSet<Slug> =
        tenant.agents_named(&asked).await?.into_iter().map(|(_, slug)| slug).collect();
    let given = candidates
        .iter()
        .filter(|candidate| !candidate.is_derived)
        .filter_map(|candidate| candidate.slug.clone());
    let mut used: BTreeSet<Slug> = given.chain(import.taken.iter().cloned()).collect();
    if mode != Mode::Rename {
        candidates.iter_mut().for_each(|candidate| candidate.refuse_taken(&import.taken));
    }
    each_once(candidates);
    // Of those that are another agent of the file by slug, or of another file, none is meant by name.
    let mut there_by_name = Namesakes::of(tenant, candidates, &used).await?;
    if mode != Mode::Rename {
        import_teams::settle(candidates, &there_by_name);
    }
    let meant = there_by_name.meant(candidates, &import.taken, mode == Mode::Update);
    let mut pending = Vec::new();
    for (i, (candidate, meant)) in candidates.iter_mut().zip(meant).enumerate() {
        let Some(slug) = candidate.slug.clone() else { continue };
        // Whichever it is, it is made once more.
        let is_again = candidate.is_derived && mode == Mode::Rename;
        match if is_again { Meant::New } else { meant } {
            Meant::One(own) if candidate.is_derived => candidate.slug = Some(own),
            Meant::Several(own) if candidate.is_derived => {
                candidate.slug = None;
                candidate.faults.add("slug", several(&own));
            }
            // It is left out, so it does not matter what its slug would be.
            Meant::One(own) if mode == Mode::Skip && !there.contains(&slug) => {
                candidate.slug = Some(own);
                candidate.is_there = true;
            }
            _ if !candidate.is_derived => {}
            _ if there.contains(&slug) || !can_be_slug(&slug) || !used.insert(slug.clone()) => {
                pending.push((i, slug));
            }
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

/// Refuses one that another of the file is as well: of its name, with the same origin, or ours and without one.
fn each_once(candidates: &mut [Candidate]) {
    let mut seen = BTreeSet::new();
    for candidate in candidates.iter_mut().filter(|candidate| candidate.is_derived) {
        if candidate.system.is_some() && candidate.origin.is_none() {
            continue;
        }
        if !seen.insert((candidate.name.clone(), candidate.origin.clone())) {
            candidate.slug = None;
            let what = "stands twice in the file: the name is another agent's, give a slug";
            candidate.faults.add("slug", what);
        }
    }
}

impl Candidate {
    /// What its file calls it is another file's agent.
    fn refuse_taken(&mut self, taken: &BTreeSet<Slug>) {
        if let Some(slug) = self.slug.as_ref().filter(|slug| !self.is_derived && taken.contains(slug)) {
            self.faults.add("slug", format!("`{slug}` is that of another file's agent: give it another"));
        }
    }
}

/// The slug of a new agent of this name: the one that is made of it, numbered where an agent of another name or a path has it.
pub async fn slug_for(tenant: &impl Agents, name: &str) -> Result<Option<Slug>, Unavailable> {
    let Some(made) = made_slug(name) else { return Ok(None) };
    let called = tenant.agents_titled(&[name]).await?;
    // Whoever sends the same once more means the agent that was made of it.
    if let Some((_, slug, _)) = called.into_iter().find(|(_, slug, _)| is_made_of(slug, &made)) {
        return Ok(Some(slug));
    }
    let is_taken = !tenant.agents_named(&[AgentRef::Slug(made.clone())]).await?.is_empty();
    if !is_taken && can_be_slug(&made) {
        return Ok(Some(made));
    }
    let free = free_slugs(tenant, BTreeSet::from([made.clone()]), &[made]).await?;
    Ok(free.into_iter().next().flatten())
}

/// That a name is no identity.
fn several(of: &[Slug]) -> String {
    let slugs: Vec<&str> = of.iter().take(MAX_SHOWN).map(Slug::as_str).collect();
    let more = of.len().saturating_sub(MAX_SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("is needed: the account has several agents of this name, {}{more}", slugs.join(", "))
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
