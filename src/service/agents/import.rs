//! Importing agents from a file: all of it or nothing.
//!
//! Every agent of the file is checked before any is written, against the account as it will be: agents of the
//! file are given their ids first, so they may hand off to each other in cycles. When the account changes
//! meanwhile, all is planned again.

use crate::domain::change::Action;
use crate::domain::warning::Warning;
use crate::ports::{World, WriteError};
use crate::service::App;
use crate::service::authenticate::Session;
use crate::service::failure::{Failure, Thing};
use crate::service::retry::{CONTENDED, Policy};

use super::create::{idle_cache, plan_allows};
use super::discover::{Fault, discover};
use super::given::DefaultModel;
use super::import_order::{Import, Item};
use super::import_plan::{Plan, plan};
use super::save;
use crate::wire::file::Entry;

/// The most agents of one file.
pub const MAX_AGENTS: usize = 1_000;
/// How often all is planned: less often than a single row is retried, because each time it is the whole file.
const PLANS: Policy = Policy { tries: 8, ..CONTENDED };

/// What became of a file.
#[derive(Debug)]
pub struct Imported {
    pub items: Vec<Item>,
    pub warnings: Vec<Warning>,
    /// What calls of agents would meet, each once, with the first agent's place.
    pub faults: Vec<(usize, Fault)>,
}

/// The most faults that are named.
const MAX_FAULTS: usize = 100;
/// The most agents of which the same warning is given.
const MAX_ALIKE: usize = 20;

/// Writes what the file has, unless any of it is invalid; returns what became, or would become, of each
/// agent.
///
/// # Errors
/// [`Failure`]; nothing is then written, unless the directory lost its answer.
pub async fn import<W: World>(app: &App<W>, session: &Session, import: &Import) -> Result<Imported, Failure> {
    if import.entries.len() > MAX_AGENTS {
        let many = format!("there are {}; at most {MAX_AGENTS} are taken in at once", import.entries.len());
        return Err(Failure::invalid("agents", &many));
    }
    let mut warnings = defaulted(app, session, import);
    let mut tries = PLANS.begin();
    loop {
        let Plan { items, saves } = plan(app, session, import).await?;
        if import.dry_run {
            plan_allows(app, session, &saves, import.planned).await?;
        }
        let is_done = import.dry_run || saves.is_empty();
        match if is_done { Ok(()) } else { save(app, session, Action::Update, &saves).await } {
            Ok(()) => {
                let faults = not_ready(app, session, &items).await?;
                let written =
                    items.iter().enumerate().filter_map(|(i, item)| Some((i, item.agent.as_ref()?)));
                let idle = written.filter_map(|(i, agent)| idle_cache(&format!("agents[{i}].cache"), agent));
                warnings.extend(idle.take(MAX_ALIKE));
                return Ok(Imported { items, warnings, faults });
            }
            Err(WriteError::Moved | WriteError::Taken) => {
                if !tries.again(&app.world).await {
                    return Err(Failure::Contended(Thing::Agent));
                }
            }
            Err(error) => return Err(Failure::of_write(error, Thing::Agent)),
        }
    }
}

/// That agents get the platform's default model.
fn defaulted<W: World>(app: &App<W>, session: &Session, import: &Import) -> Vec<Warning> {
    if import.model.is_some() {
        return Vec::new();
    }
    let default = DefaultModel::of(app, session);
    let has_none = |entry: &Entry| entry.fields.as_ref().is_some_and(|fields| fields.model.is_none());
    let without = import.entries.iter().enumerate().filter(|(_, entry)| has_none(entry));
    let mut warnings: Vec<Warning> =
        without.filter_map(|(i, _)| default.warning(&format!("agents[{i}].model"))).collect();
    let more = warnings.len().saturating_sub(MAX_ALIKE);
    warnings.truncate(MAX_ALIKE);
    if let Some(last) = warnings.last_mut().filter(|_| more > 0) {
        last.message.push_str(&format!("; so it is with {more} more agents"));
    }
    warnings
}

/// What calls of the agents that are written would meet.
async fn not_ready<W: World>(
    app: &App<W>,
    session: &Session,
    items: &[Item],
) -> Result<Vec<(usize, Fault)>, Failure> {
    let written = items.iter().enumerate().filter_map(|(i, item)| Some((i, item.agent.clone()?)));
    let (places, agents): (Vec<usize>, Vec<_>) = written.unzip();
    let found = discover(app, session.account.id, &agents).await?;
    let mut faults: Vec<(usize, Fault)> = Vec::new();
    for (i, fault) in
        places.into_iter().zip(found).flat_map(|(i, one)| one.faults.into_iter().map(move |f| (i, f)))
    {
        if faults.len() < MAX_FAULTS && faults.iter().all(|(_, known)| *known != fault) {
            faults.push((i, fault));
        }
    }
    Ok(faults)
}
