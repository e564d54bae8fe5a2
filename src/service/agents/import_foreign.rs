//! What only the account can tell of agents that move here from another system: which models their words mean, and which
//! agents they may hand off to.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::ids::AgentId;
use crate::domain::model_line::MAX_ENTRIES;
use crate::domain::model_name::{Catalogue, Missed, Sure};
use crate::domain::slug::Slug;
use crate::ports::{Agents, Aliases, Models, Unavailable};
use crate::wire::file::foreign::{Need, Origin};
use crate::wire::file::parameters::with_parameters;

use super::ground::{self, Ground};
use super::import_candidate::Candidate;

/// How many unknown models are compared with the whole catalogue.
const MAX_OFFERS: usize = 50;
const NO_PARAMETERS: &str = "the model that it is given takes no parameters";

/// Turns the models of foreign agents into lines: the catalogue's, else what the source says of the provider or what the
/// code's beginning does. One that means nothing is `instead`, or a fault that offers the nearest lines.
pub async fn models(
    tenant: &(impl Agents + Aliases + Models),
    candidates: &mut [Candidate],
    instead: Option<&str>,
) -> Result<(), Unavailable> {
    let is_foreign = |candidate: &Candidate| candidate.system.is_some() && !candidate.line().is_empty();
    // What names no provider may be an alias, which takes no parameters, or a model as people write them.
    let is_bare = |candidate: &Candidate| candidate.system.is_none() && candidate.is_bare(|_| false);
    if !candidates.iter().any(|candidate| is_foreign(candidate) || is_bare(candidate)) {
        return Ok(());
    }
    let aliases = tenant.aliases().await?;
    let aliases: BTreeSet<&str> = aliases.iter().map(|alias| alias.name.as_str()).collect();
    let is_alias = |name: &str| aliases.contains(name);
    candidates
        .iter_mut()
        .filter(|candidate| is_bare(candidate))
        .for_each(|candidate| candidate.bare(is_alias));
    let is_bare = |candidate: &Candidate| candidate.system.is_none() && candidate.is_bare(is_alias);
    if !candidates.iter().any(|candidate| is_foreign(candidate) || is_bare(candidate)) {
        return Ok(());
    }
    let catalogue = ground::catalogue(tenant).await?;
    for candidate in candidates.iter_mut().filter(|candidate| is_bare(candidate)) {
        candidate.guess(&catalogue, is_alias);
    }
    let mut offers = MAX_OFFERS;
    for candidate in candidates.iter_mut().filter(|candidate| is_foreign(candidate)) {
        let written = candidate.line().to_owned();
        let is_strict = candidate.system.is_some_and(|system| system.name == "system-agents");
        let line = match (line(&catalogue, &written, is_strict, is_alias), instead) {
            (Ok(Found { line, unlisted, unsaid }), _) => {
                let note = unlisted.as_deref().map(unlisted_note);
                candidate.report.model(&line, note.as_deref());
                unsaid.iter().for_each(|name| candidate.report.lose(name, NO_PARAMETERS));
                line
            }
            (Err((name, _)), Some(instead)) => {
                let parameters = parameters_of(&written);
                let line = match is_alias(instead) || parameters.is_empty() {
                    true => instead.to_owned(),
                    false => with_parameters(instead, &parameters),
                };
                if is_alias(instead) {
                    parameters.iter().for_each(|(name, _)| candidate.report.lose(name, NO_PARAMETERS));
                }
                candidate.report.model(&line, Some(&format!("`{name:.64}` is no model that is known here")));
                line
            }
            (Err((name, missed)), None) => {
                // The nearest of all models are looked for so often and no more.
                match offers.checked_sub(1) {
                    Some(left) => {
                        offers = left;
                        candidate.faults.add("model", catalogue.missed(name, missed));
                    }
                    None => {
                        candidate.faults.add("model", format!("`{name:.64}` is no model that is known here"))
                    }
                }
                written
            }
        };
        if let Some(draft) = &mut candidate.draft {
            draft.definition.model = line;
        }
    }
    Ok(())
}

impl Candidate {
    fn line(&self) -> &str {
        self.draft.as_ref().map_or("", |draft| &draft.definition.model)
    }

    /// Whether its line has an entry that names no provider and is no alias.
    fn is_bare(&self, is_alias: impl Fn(&str) -> bool) -> bool {
        let mut names = self
            .line()
            .split(',')
            .take(MAX_ENTRIES)
            .map(|entry| entry.split('?').next().unwrap_or_default().trim());
        names.any(|name| !name.is_empty() && !name.contains(':') && !is_alias(name))
    }

    /// Where the catalogue lacks a model of its line that only one provider's are called like, that one's is meant.
    fn guess(&mut self, catalogue: &Catalogue, is_alias: impl Fn(&str) -> bool) {
        let Self { draft: Some(draft), report, .. } = self else { return };
        if let Ok(Found { line, unlisted: Some(code), .. }) =
            line(catalogue, &draft.definition.model, false, is_alias)
        {
            report.model(&line, Some(&unlisted_note(&code)));
            draft.definition.model = line;
        }
    }

    /// Takes the parameters from the aliases in its line.
    fn bare(&mut self, is_alias: impl Fn(&str) -> bool) {
        let Self { draft: Some(draft), report, .. } = self else { return };
        let line = &mut draft.definition.model;
        // What is too long is refused as that.
        if line.split(',').nth(MAX_ENTRIES).is_some() {
            return;
        }
        let mut unsaid = BTreeSet::new();
        let bare = |entry| match str::split_once(entry, '?') {
            Some((name, _)) if is_alias(name.trim()) => {
                unsaid.extend(parameters_of(entry).into_iter().map(|(name, _)| name.to_owned()));
                name
            }
            _ => entry,
        };
        let entries: Vec<&str> = line.split(',').map(bare).collect();
        if !unsaid.is_empty() {
            *line = entries.join(",");
            unsaid.iter().for_each(|name| report.lose(name, NO_PARAMETERS));
        }
    }
}

fn unlisted_note(code: &str) -> String {
    format!("`{code:.64}` is not in the catalogue, so it has no price here")
}

/// What a file's models are here.
struct Found {
    line: String,
    /// The first model that the catalogue does not have.
    unlisted: Option<String>,
    /// Parameters of aliases, which take none.
    unsaid: Vec<String>,
}

/// The parameters of a line's first model.
fn parameters_of(line: &str) -> Vec<(&str, String)> {
    let first = line.split(',').next().unwrap_or_default();
    let pairs = first.split_once('?').map_or("", |(_, query)| query).split('&');
    pairs.filter_map(|pair| pair.split_once('=')).map(|(name, value)| (name, value.to_owned())).collect()
}

/// The line of these models; else the one that names none, or several.
fn line<'a>(
    catalogue: &Catalogue,
    written: &'a str,
    is_strict: bool,
    is_alias: impl Fn(&str) -> bool,
) -> Result<Found, (&'a str, Missed)> {
    let mut found = Found { line: written.to_owned(), unlisted: None, unsaid: Vec::new() };
    let mut entries = Vec::new();
    // What is too long is refused as that, and not looked up entry by entry.
    if written.split(',').nth(MAX_ENTRIES).is_some() {
        return Ok(found);
    }
    for entry in written.split(',').map(str::trim) {
        let (name, query) = entry.split_once('?').map_or((entry, ""), |(name, query)| (name, query));
        let model = match catalogue.find(name) {
            _ if is_alias(name) => name.to_owned(),
            Ok(named) if named.sure == Sure::Listed => named.model,
            Ok(named) if !is_strict => {
                found.unlisted.get_or_insert_with(|| named.model.clone());
                named.model
            }
            // A provider that only the account knows.
            Err(_) if !is_strict && name.contains(':') => {
                found.unlisted.get_or_insert_with(|| name.to_owned());
                name.to_owned()
            }
            Err(missed) => return Err((name, missed)),
            Ok(_) => return Err((name, Missed::None)),
        };
        if is_alias(name) {
            found.unsaid.extend(parameters_of(entry).into_iter().map(|(name, _)| name.to_owned()));
        }
        entries.push(if query.is_empty() || is_alias(name) { model } else { format!("{model}?{query}") });
    }
    Ok(Found { line: entries.join(", "), ..found })
}

/// Hand-offs that name agents by their file's own words name them by slug.
pub fn link(candidates: &mut [Candidate]) {
    let has_keys = |candidate: &Candidate| candidate.system.is_some() || !candidate.keys.is_empty();
    let words = Words::of(candidates.iter().filter(|candidate| has_keys(candidate)));
    for candidate in candidates.iter_mut().filter(|candidate| has_keys(candidate)) {
        let is_foreign = candidate.system.is_some();
        let origin = candidate.origin.clone();
        let find = |name: &str| words.find(name, origin.as_ref());
        candidate.needs.retain(|need| need.kind != "agent" || find(&need.name).is_none());
        let Some(draft) = &mut candidate.draft else { continue };
        for target in &mut draft.handoff_targets {
            let made = || Slug::from_name(stem(target)).filter(|_| is_foreign && says_all(stem(target)));
            if let Some(slug) = find(target).cloned().or_else(made) {
                *target = slug.to_string();
            }
        }
        let mut seen = BTreeSet::new();
        draft.handoff_targets.retain(|target| seen.insert(target.clone()));
    }
}

/// What the agents of a file are called in it.
#[derive(Default)]
struct Words {
    /// Those of one team.
    near: BTreeMap<Origin, BTreeMap<String, Slug>>,
    exact: BTreeMap<String, Slug>,
    /// Without what is no letter and no digit; `None` where several agents read alike then.
    folded: BTreeMap<String, Option<Slug>>,
}

impl Words {
    fn of<'a>(candidates: impl Iterator<Item = &'a Candidate>) -> Self {
        let mut words = Self::default();
        for candidate in candidates {
            let Some(slug) = &candidate.slug else { continue };
            for key in candidate.keys.iter().chain(&candidate.name) {
                if let Some(origin) = candidate.origin.clone().filter(Origin::is_shared) {
                    words.near.entry(origin).or_default().entry(key.clone()).or_insert_with(|| slug.clone());
                }
                words.exact.entry(key.clone()).or_insert_with(|| slug.clone());
                let folded = words.folded.entry(folded(key)).or_insert_with(|| Some(slug.clone()));
                folded.take_if(|other| other != slug);
            }
        }
        words
    }

    /// The agent of this name: of the same team before all others, and as it is written, else as it reads where one alone
    /// reads so.
    fn find(&self, name: &str, origin: Option<&Origin>) -> Option<&Slug> {
        let near = origin.and_then(|origin| self.near.get(origin)?.get(name));
        let folded = folded(name);
        let alike = || self.folded.get(&folded).filter(|_| !folded.is_empty())?.as_ref();
        near.or_else(|| self.exact.get(name)).or_else(alike)
    }
}

/// Whether a slug that is made of this name loses no more of it than how its words are parted.
fn says_all(name: &str) -> bool {
    name.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.'))
}

/// Targets that neither the file nor the account has are needs; the agent moves without them.
pub fn drop_unmet(candidate: &mut Candidate, ground: &Ground, own: Option<AgentId>) {
    let Some(draft) = candidate.draft.as_mut().filter(|_| candidate.system.is_some()) else { return };
    let needs = &mut candidate.needs;
    draft.handoff_targets.retain(|target| match ground.find(target) {
        Some(id) => own != Some(id),
        None => {
            needs.push(Need { kind: "agent", name: target.clone(), version: None });
            false
        }
    });
    needs.retain(|need| need.kind != "agent" || ground.find(&need.name).is_none());
}

/// `sub_agents/contract_matching_agent.yaml` and `Contract Matching Agent` are one.
fn folded(key: &str) -> String {
    stem(key).chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// A name, or a file's without its folders and ending.
fn stem(key: &str) -> &str {
    let name = key.rsplit('/').next().unwrap_or(key);
    [".yaml", ".yml", ".json", ".md"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)
}
