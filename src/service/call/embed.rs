//! A governed call for vectors: admitted, sent along the agent's line for embeddings, settled.

use std::sync::Arc;

use super::attempt::{self, Failure};
use super::bundle::{Bundle, Candidate, names_model};
use super::error::{Error, Lack};
use super::failures::Failures;
use super::in_flight::{InFlight, Receipt};
use super::select::{self, Selection};
use super::via::Via;
use super::{MAX_CALL_MS, MAX_STALE, Quota, Unserved, ask, question, refused, resolve};
use crate::domain::admission::command::{Admission, CallStatus, Rate};
use crate::domain::embedding::{Embed, Vector};
use crate::domain::flag::Flag;
use crate::domain::ids::CallId;
use crate::domain::model::Capability;
use crate::domain::money::Nanos;
use crate::domain::provider::Wire;
use crate::domain::routing::{Needs, Plan};
use crate::ports::World;
use crate::service::App;
use crate::service::call::{Caller, Resolved};
use crate::wire::provider::embeddings;

/// What was made.
pub struct Embedded {
    pub call: CallId,
    pub bundle: Arc<Bundle>,
    pub rate: Option<Quota>,
    /// `provider:code` of the model that answered.
    pub model: String,
    pub admit_ms: u64,
    pub upstream_ms: u64,
    /// One for each input.
    pub vectors: Vec<Vector>,
    pub receipt: Receipt,
}

/// Has texts made vectors; `model` is as the client names it.
///
/// # Errors
/// [`Unserved`]; whatever was held is settled then.
pub async fn embed<W: World>(
    app: &App<W>,
    caller: &Caller,
    mut resolved: Resolved,
    asked: &Embed,
    model: Option<&str>,
) -> Result<Embedded, Unserved> {
    let started = app.world.now();
    let call = CallId::new(started, app.world.random());
    let (selection, flight, rate) = 'admitted: {
        for _ in 0..MAX_STALE {
            let selection = match select(&resolved.bundle, asked, model) {
                Ok(selection) => selection,
                Err(refused) if resolve::is_current(app, resolved.account, resolved.epoch).await? => {
                    return Err(refused.into());
                }
                // What stood in the way may have been mended since the rows were read.
                Err(_) => {
                    resolved = super::resolve(app, caller).await?;
                    continue;
                }
            };
            let plan = plan(&selection, selection.first());
            let asking = question::of(&resolved, &selection, &plan, call);
            let is_batched = resolved.bundle.flags.has(Flag::BatchedAdmissions);
            match ask(app, resolved.account, asking.clone(), is_batched).await? {
                Admission::Granted { amount, rate } => {
                    let via = caller.via().cloned().unwrap_or_else(|| Via::begun(app));
                    let flight = InFlight::new(app, &resolved, asking, amount, app.world.now(), via);
                    break 'admitted (selection, flight, rate);
                }
                Admission::Refused(refusal) => return Err(refused(app, refusal).into()),
                Admission::Stale { epoch } => {
                    app.cache.begin(resolved.account, epoch);
                    resolved = super::resolve(app, caller).await?;
                }
            }
        }
        app.world.log(&format!("account {} changes faster than it can be read", resolved.account));
        return Err(Error::Unavailable.into());
    };
    let admitted = flight.admitted_at;
    let served = serve(flight, &selection, asked).await;
    let (model, vectors, receipt) =
        served.map_err(|(error, cost)| Unserved { error, call: Some(call), cost })?;
    Ok(Embedded {
        call,
        bundle: resolved.bundle,
        rate: rate.map(|rate: Rate| Quota::of(rate, app.world.now())),
        model,
        admit_ms: admitted.since(started),
        upstream_ms: app.world.now().since(admitted),
        vectors,
        receipt,
    })
}

/// Tries the entries in order until one answers.
async fn serve<W: World>(
    mut flight: InFlight<W>,
    selection: &Selection,
    asked: &Embed,
) -> Result<(String, Vec<Vector>, Receipt), (Error, Nanos)> {
    let most = i64::try_from(selection.timeout_ms().min(MAX_CALL_MS)).unwrap_or(0);
    let deadline = flight.admitted_at.plus(most);
    let mut failures = Failures::default();
    let line = &selection.candidates;
    for (n, candidate) in line.iter().enumerate() {
        if n > 0
            && let Err(error) = flight.move_to(candidate, &plan(selection, candidate)).await
        {
            if !flight.has_charges() {
                failures = Failures::default();
                failures.note(error);
            }
            break;
        }
        match attempt::embed(&flight, line, candidate, asked, deadline).await {
            Ok((vectors, seen)) => {
                let receipt = flight.receipt(candidate, &selection.needs, &seen);
                flight.settle(CallStatus::Ok, &receipt, None);
                return Ok((candidate.label.clone(), vectors, receipt));
            }
            Err(Failure { ran, goes_on, error }) => {
                flight.charge(candidate, &selection.needs, ran);
                failures.note(error);
                if !goes_on {
                    break;
                }
            }
        }
    }
    let cost = flight.settle_failed();
    Err((failures.shown(), cost))
}

fn plan(selection: &Selection, candidate: &Candidate) -> Plan {
    Plan::of_input(&selection.needs, candidate.model.as_ref())
}

/// The entries of the line that can do it; at least one.
fn select(bundle: &Bundle, asked: &Embed, model: Option<&str>) -> Result<Selection, Error> {
    let line = bundle.embeddings.as_ref().ok_or(Error::NoEmbeddings)?;
    let line = line.as_ref().map_err(|why| Error::BrokenLine(why.clone()))?;
    let agent = &bundle.agent;
    let name = model.filter(|name| *name != agent.slug.as_str() && *name != agent.id.to_string());
    let named: Vec<_> =
        line.iter().filter(|candidate| name.is_none_or(|name| names_model(candidate, name))).collect();
    if let Some(name) = name.filter(|_| named.is_empty()) {
        return Err(bundle.no_such_among(line, name));
    }
    let capped = select::cap(bundle, None);
    let (mut candidates, mut lacks, mut unpriced) = (Vec::new(), Vec::new(), None);
    for candidate in named {
        let missing = lacking(candidate, asked);
        if !missing.is_empty() {
            lacks.push(Lack { model: candidate.label.clone(), missing });
        } else if candidate.model.is_none() && (capped.is_some() || select::is_given(candidate)) {
            let (provider, code) = (candidate.provider.clone(), candidate.code.clone());
            unpriced = Some(Error::Unpriced { of: capped, provider, code });
        } else {
            candidates.push(candidate.clone());
        }
    }
    match (candidates.is_empty(), unpriced) {
        (false, _) => Ok(Selection { candidates, needs: Needs::of_input(asked.inputs.bound()) }),
        (true, Some(error)) if lacks.is_empty() => Err(error),
        (true, _) => Err(Error::Unsupported(lacks)),
    }
}

fn lacking(candidate: &Candidate, asked: &Embed) -> Vec<String> {
    let wire = candidate.server.as_ref().map_or(Wire::OpenAi, |server| server.wire);
    let mut lacking = embeddings::lacking(wire, asked);
    let is_known = candidate.model.as_ref();
    if is_known.is_some_and(|model| !model.capabilities.has(Capability::Embeddings)) && lacking.is_empty() {
        lacking.push(Capability::Embeddings.name().to_owned());
    }
    lacking
}
