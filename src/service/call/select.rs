//! Which entries of the line a request can go to.

use std::sync::Arc;

use super::Asked;
use super::bundle::{Bundle, Candidate, names_model};
use super::error::{Error, Lack};
use crate::domain::admission::command::Scope;
use crate::domain::extra;
use crate::domain::field_error::FieldErrors;
use crate::domain::message::ChatRequest;
use crate::domain::money::Nanos;
use crate::domain::routing::{Needs, Plan};

/// How long an attempt may take when the line does not say.
const DEFAULT_TIMEOUT_MS: u64 = 10 * 60_000;

/// The entries that can serve a request, in the line's order, but for those whose context is probably too small, and those that the
/// call puts last: they come last. At least one.
pub struct Selection {
    pub candidates: Vec<Arc<Candidate>>,
    pub needs: Needs,
}

impl Selection {
    /// # Errors
    /// [`Error::NoSuchModel`] when the client named another model; [`Error::Unsupported`], [`Error::NotTaken`] or
    /// [`Error::Unpriced`] when no entry is left; [`Error::BrokenLine`] when the line itself is broken.
    pub fn new(bundle: &Bundle, asked: &Asked, instructions: &str) -> Result<Self, Error> {
        let named = named(bundle, asked.model.as_deref())?;
        let needs = Needs::of(&asked.request, instructions, asked.stream);
        let mut candidates = Vec::with_capacity(named.len());
        let mut lacks = Vec::new();
        let mut unpriced = None;
        let mut only_extras = true;
        let capped = cap(bundle, asked.most);
        for candidate in named {
            let mut missing = needs.lacking(&candidate.dialect, candidate.model.as_ref());
            only_extras &= missing.is_empty();
            missing.extend(needs.refused_extras(&candidate.dialect).map(|name| format!("`{name}`")));
            if !missing.is_empty() {
                lacks.push(Lack { model: candidate.label.clone(), missing });
            } else if candidate.model.is_none() && (capped.is_some() || is_given(candidate)) {
                let (provider, code) = (candidate.provider.clone(), candidate.code.clone());
                unpriced = Some(Error::Unpriced { of: capped, provider, code });
            } else {
                candidates.push(candidate.clone());
            }
        }
        candidates.sort_by_key(|candidate| {
            // The one that was put last first is the first of these.
            let is_last = asked.last.iter().position(|last| *last == candidate.label);
            let place = is_last.map_or(0, |place| place + 1);
            // What was seen outweighs a guess.
            (place, needs.is_likely_too_long(candidate.model.as_ref()))
        });
        match (candidates.is_empty(), unpriced) {
            (false, _) => Ok(Self { candidates, needs }),
            (true, Some(error)) if lacks.is_empty() => Err(error),
            (true, None) if only_extras => Err(not_taken(&asked.request)),
            (true, _) => Err(Error::Unsupported(lacks)),
        }
    }

    /// The entry that is tried first.
    pub fn first(&self) -> &Candidate {
        &self.candidates[0]
    }

    pub fn plan(&self, candidate: &Candidate, request: &ChatRequest) -> Plan {
        Plan::new(request, &candidate.params, &self.needs, &candidate.dialect, candidate.model.as_ref())
    }

    /// How long all attempts together may take.
    pub fn timeout_ms(&self) -> u64 {
        self.candidates.iter().map(|candidate| timeout_ms(candidate)).sum()
    }
}

/// Whose limit bounds what a call may cost, so that a price is needed.
pub fn cap(bundle: &Bundle, most: Option<Nanos>) -> Option<Scope> {
    match (bundle.agent.budget, bundle.limits.monthly_spend) {
        (Some(_), _) => Some(Scope::Agent),
        (None, Some(_)) => Some(Scope::Plan),
        // A run's own limit needs a price as much.
        (None, None) => most.map(|_| Scope::Agent),
    }
}

/// Whether the platform answers, and pays.
pub fn is_given(candidate: &Candidate) -> bool {
    candidate.is_of_platform && candidate.server.is_ok()
}

/// The extras that must not be left out, which every entry lacks some of.
fn not_taken(request: &ChatRequest) -> Error {
    let mut errors = FieldErrors::default();
    let refusable = request.extras.refusable();
    for (_, extra) in extra::TABLE.iter().enumerate().filter(|(place, _)| refusable >> place & 1 == 1) {
        let words = if extra.is_taken_anywhere() {
            "is not taken by any model of this agent's line: leave it out"
        } else {
            "is not taken here, because it is billed beyond tokens and no budget could hold it: leave it out"
        };
        errors.add(extra.name, words);
    }
    Error::NotTaken(errors.finish().err().unwrap_or_default())
}

/// How long an attempt at this entry may take.
pub fn timeout_ms(candidate: &Candidate) -> u64 {
    candidate.params.timeout_ms.unwrap_or(DEFAULT_TIMEOUT_MS)
}

/// The entries that the client's model name stands for: all for the agent's own name.
fn named<'a>(bundle: &'a Bundle, model: Option<&str>) -> Result<Vec<&'a Arc<Candidate>>, Error> {
    let all = bundle.candidates.as_ref().map_err(|why| Error::BrokenLine(why.clone()))?;
    let agent = &bundle.agent;
    let Some(name) = model.filter(|name| *name != agent.slug.as_str() && *name != agent.id.to_string())
    else {
        return Ok(all.iter().collect());
    };
    let named: Vec<_> = all.iter().filter(|candidate| names_model(candidate, name)).collect();
    if named.is_empty() { Err(bundle.no_such_model(name)) } else { Ok(named) }
}
