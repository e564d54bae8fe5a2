//! A governed call: admitted against the budget, sent along the model line, relayed, settled.
//!
//! [`resolve`] finds out who calls what; [`run`] does the rest. From the moment of admission an [`InFlight`] owns the
//! hold and settles it exactly once, however the call ends.

pub mod admissions;
mod again;
mod attempt;
pub mod bundle;
mod callable;
mod caller;
mod count;
mod embed;
mod error;
mod failures;
mod in_flight;
mod input;
mod instructions;
mod key;
mod question;
pub mod reach;
mod relay;
mod resolve;
mod select;
mod tokens;
mod until;
pub mod via;
mod warnings;

use std::sync::Arc;

use bytes::Bytes;

pub use bundle::names_model;
pub use callable::{Callable, callable};
pub use caller::{Caller, RunCredential, Starter};
pub use embed::{Embedded, embed};
pub use error::{Error, Given, KeyFault, Lack, Quota};
pub use in_flight::Receipt;
pub use input::field_of;
pub use instructions::Passed;
pub use key::{account_of, check_key};
pub use relay::{Ending, Relay, Step};
pub use resolve::{Resolved, answers, resolve, resolve_current};
pub use tokens::{Tokens, tokens};
pub use until::Until;
pub use warnings::unknown_fields;

use crate::domain::admission::command::{Admission, Admit, CallStatus, Rate, Refusal};
use crate::domain::flag::Flag;
use crate::domain::ids::{AccountId, CallId};
use crate::domain::kept::Kept;
use crate::domain::message::{ChatReply, ChatRequest, Event, Message, replay};
use crate::domain::money::Nanos;
use crate::domain::warning::Warning;
use crate::ports::World;
use crate::service::App;
use crate::service::retry::Policy;
use crate::service::tool::is_run;
use again::{Found, Place};
use attempt::{Attempt, Failure, Made};
use bundle::Bundle;
use failures::Failures;
use in_flight::InFlight;
use select::Selection;
use via::Via;

/// A call as the client asked for it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Without the agent's instructions.
    pub request: ChatRequest,
    /// What fills the variables of the agent's instructions.
    pub variables: Passed,
    /// The model that the client named, where its protocol names one.
    pub model: Option<String>,
    pub stream: bool,
    /// As it came; `None` where no answer that is kept may be given.
    pub sent: Option<Sent>,
    /// The most that the call may cost; `None`: what the budgets allow.
    pub most: Option<Nanos>,
    /// Entries of the line, as `provider:code`, that come behind the others.
    pub last: Vec<String>,
}

impl Asked {
    /// Whether the question is ours, and none to the agent.
    pub const fn is_ours(&self) -> bool {
        matches!(self.variables, Passed::Instead(_))
    }
}

/// A request's body as it came.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Equal bodies of one protocol mean the same.
    pub protocol: &'static str,
    pub body: Bytes,
}

/// A call that is being served.
pub struct Served<W: World> {
    pub call: CallId,
    pub bundle: Arc<Bundle>,
    /// How the plan's calls a minute stand.
    pub rate: Option<Quota>,
    /// `provider:code` of the model that answers.
    pub model: String,
    /// What was not done as the client asked.
    pub warnings: Vec<Warning>,
    /// `None`: the agent's answers are not kept.
    pub cache: Option<Cache>,
    pub admit_ms: u64,
    pub upstream_ms: u64,
    pub answer: Answer<W>,
}

pub enum Answer<W: World> {
    Whole {
        reply: ChatReply,
        receipt: Receipt,
    },
    Stream(Box<Relay<W>>),
    /// A kept answer, for a client that wants a stream.
    Replay {
        events: Vec<Event>,
        receipt: Receipt,
    },
}

/// Whether an answer was kept from an earlier call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cache {
    Hit,
    Miss,
}

/// How often a call is resolved again because the account was just changed.
const MAX_STALE: u32 = 8;
/// How often the object is asked, when asking fails: it may be restarting.
const ASKS: Policy = Policy { tries: 4, first_pause_ms: 50, most_ms: 200, jitter_percent: 25 };
/// The longest a call may take, all attempts together.
const MAX_CALL_MS: u64 = 15 * 60_000;
/// Between a call's end and its settlement.
const GRACE_MS: u64 = 10_000;

/// A call that was not served.
#[derive(Debug)]
pub struct Unserved {
    pub error: Error,
    /// Where it was admitted: the ledger has a row of it.
    pub call: Option<CallId>,
    /// What it cost all the same, or may have.
    pub cost: Nanos,
}

impl From<Error> for Unserved {
    fn from(error: Error) -> Self {
        Self { error, call: None, cost: Nanos::ZERO }
    }
}

/// Serves a call of a resolved caller.
///
/// # Errors
/// [`Unserved`]; whatever was held is settled then.
pub async fn run<W: World>(
    app: &App<W>,
    caller: &Caller,
    resolved: Resolved,
    asked: Asked,
) -> Result<Served<W>, Unserved> {
    let started = app.world.now();
    let call = CallId::new(started, app.world.random());
    let Admitted { resolved, selection, instructions, question, granted, rate, found } =
        admit(app, caller, resolved, &asked, call).await?;
    let admitted = app.world.now();
    let via = caller.via().cloned().unwrap_or_else(|| Via::begun(app));
    let flight =
        InFlight::new(app, &resolved, question, granted, admitted, via).of_run(caller.run_id(), asked.most);
    let flight = flight.heard(caller.until());
    let cache = found.as_ref().map(Found::is);
    let (model, warnings, answer) = match found {
        Some(Found::Kept(kept)) => again(flight, kept, asked.stream),
        found => {
            let place = found.and_then(Found::place);
            let mut request = asked.request;
            request.messages.insert(0, Message::system(instructions));
            let served = serve(flight, selection, request, asked.stream, place).await;
            served.map_err(|(error, cost)| Unserved { error, call: Some(call), cost })?
        }
    };
    Ok(Served {
        call,
        bundle: resolved.bundle,
        rate: rate.map(|rate| Quota::of(rate, app.world.now())),
        model,
        warnings,
        cache,
        admit_ms: admitted.since(started),
        upstream_ms: app.world.now().since(admitted),
        answer,
    })
}

/// Gives a kept answer again: it uses and costs nothing, and the ledger has a row of it.
fn again<W: World>(flight: InFlight<W>, kept: Kept, stream: bool) -> (String, Vec<Warning>, Answer<W>) {
    let receipt = Receipt::FREE;
    flight.settle(CallStatus::Ok, &receipt, None);
    let Kept { model, mut warnings, reply } = kept;
    let answer = if stream {
        Answer::Replay { events: replay(reply), receipt }
    } else {
        warnings.extend(left_out(&reply));
        Answer::Whole { reply, receipt }
    };
    (model, warnings, answer)
}

/// What a whole answer had and has no longer; a stream says it itself.
fn left_out(reply: &ChatReply) -> impl Iterator<Item = Warning> + '_ {
    reply.about.left_out.iter().map(|name| Warning::not_carried(name))
}

struct Admitted {
    resolved: Resolved,
    selection: Selection,
    /// Filled.
    instructions: String,
    question: Admit,
    granted: Nanos,
    rate: Option<Rate>,
    /// `None` for an agent that keeps no answers.
    found: Option<Found>,
}

/// Admits the call to the first entry that can serve it, under configuration that is in force now; a call that was
/// answered before is admitted for nothing.
async fn admit<W: World>(
    app: &App<W>,
    caller: &Caller,
    mut resolved: Resolved,
    asked: &Asked,
    call: CallId,
) -> Result<Admitted, Error> {
    for _ in 0..MAX_STALE {
        let prepared = instructions::fill(&resolved, asked, app.world.now()).and_then(|instructions| {
            // A run was begun with what fits, and goes on with what it hears.
            if !caller.is_run() && !asked.is_ours() {
                input::check(&resolved, asked)?;
            }
            Ok((Selection::new(&resolved.bundle, asked, &instructions)?, instructions))
        });
        let (selection, instructions) = match prepared {
            Ok(prepared) => prepared,
            Err(refused) if resolve::is_current(app, resolved.account, resolved.epoch).await? => {
                return Err(refused);
            }
            // What stood in the way may have been mended since the rows were read.
            Err(_) => {
                resolved = resolve_again(app, caller, asked).await?;
                continue;
            }
        };
        let found = again::look_up(app, &resolved, &selection, &instructions, asked).await;
        let plan = selection.plan(selection.first(), &asked.request);
        let mut question = question::of(&resolved, &selection, &plan, call);
        question::within(&mut question, asked.most)?;
        if let Some(Found::Kept(kept)) = &found {
            question = Admit { want: Nanos::ZERO, floor: Nanos::ZERO, model: kept.model.clone(), ..question };
        }
        let is_batched = resolved.bundle.flags.has(Flag::BatchedAdmissions);
        match ask(app, resolved.account, question.clone(), is_batched).await? {
            Admission::Granted { amount: granted, rate } => {
                return Ok(Admitted { resolved, selection, instructions, question, granted, rate, found });
            }
            Admission::Refused(refusal) => return Err(refused(app, refusal)),
            Admission::Stale { epoch } => {
                app.cache.begin(resolved.account, epoch);
                resolved = resolve_again(app, caller, asked).await?;
            }
        }
    }
    app.world.log(&format!("account {} changes faster than it can be read", resolved.account));
    Err(Error::Unavailable)
}

/// A client's call that turns out to be a run is not made here.
async fn resolve_again<W: World>(app: &App<W>, caller: &Caller, asked: &Asked) -> Result<Resolved, Error> {
    let resolved = resolve(app, caller).await?;
    let is_run = !caller.is_run() && !asked.is_ours() && is_run(&resolved.bundle.agent.definition);
    if is_run { Err(Error::IsRun) } else { Ok(resolved) }
}

/// Asks the account's object, batched with other calls or alone; again when it does not answer: the question names its call,
/// so asking twice holds once.
async fn ask<W: World>(
    app: &App<W>,
    account: AccountId,
    mut question: Admit,
    is_batched: bool,
) -> Result<Admission, Error> {
    let mut tries = ASKS.begin();
    let mut asked = match is_batched {
        true => admissions::ask(app, account, &mut question).await,
        false => admissions::ask_alone(app, account, &mut question).await,
    };
    loop {
        match asked {
            Ok(answer) => return Ok(answer),
            Err(error) if !tries.again(&app.world).await => return Err(resolve::unavailable(app, &error)),
            Err(_) => asked = admissions::ask_alone(app, account, &mut question).await,
        }
    }
}

fn refused<W: World>(app: &App<W>, refusal: Refusal) -> Error {
    match refusal {
        Refusal::Budget { of, period, limit, remaining, resets_at, is_held } => {
            Error::BudgetExceeded { of, limit, remaining, period, resets_at, is_held }
        }
        Refusal::Concurrency { limit, of } => Error::Concurrency { of, limit },
        Refusal::Rate { limit, resets_at } => {
            Error::Rate(Quota::of(Rate { limit, remaining: 0, resets_at }, app.world.now()))
        }
        Refusal::Lapsed => Error::Unavailable,
    }
}

/// Tries the entries in order until one answers.
async fn serve<W: World>(
    mut flight: InFlight<W>,
    selection: Selection,
    mut request: ChatRequest,
    stream: bool,
    mut place: Option<Place>,
) -> Result<(String, Vec<Warning>, Answer<W>), (Error, Nanos)> {
    let base = request.sampling.clone();
    let deadline =
        flight.admitted_at.plus(i64::try_from(selection.timeout_ms().min(MAX_CALL_MS)).unwrap_or(0));
    let mut failures = Failures::default();
    let line = &selection.candidates;
    for (n, candidate) in line.iter().enumerate() {
        request.sampling = base.clone();
        let plan = selection.plan(candidate, &request);
        if n > 0
            && let Err(error) = flight.move_to(candidate, &plan).await
        {
            if !flight.has_charges() {
                failures = Failures::default();
                failures.note(error);
            }
            break;
        }
        candidate.params.fill(&mut request.sampling);
        match attempt::make(&flight, line, candidate, &plan, &mut request, stream, deadline).await {
            Ok(Made { attempt, warnings }) => {
                let mut warnings = warnings::of_client(warnings, (&base, &request.sampling), &request.extras);
                let answer = match attempt {
                    Attempt::Whole { mut reply, seen } => {
                        attempt::clean_about(line, &mut reply.about);
                        let receipt = flight.receipt(candidate, &selection.needs, &seen);
                        if let Some(place) = place {
                            place.keep(flight.app(), &reply, &candidate.label, &warnings);
                        }
                        warnings.extend(left_out(&reply));
                        flight.settle(CallStatus::Ok, &receipt, None);
                        Answer::Whole { reply, receipt }
                    }
                    Attempt::Stream(opened) => {
                        let gathering = place.map(|place| place.gather(&warnings));
                        let entry = (candidate.clone(), line.clone());
                        let relay =
                            Relay::new(flight, entry, selection.needs, plan.choices, opened, gathering);
                        Answer::Stream(Box::new(relay))
                    }
                };
                return Ok((candidate.label.clone(), warnings, answer));
            }
            Err(Failure { ran, goes_on, error }) => {
                // What an entry answers only because another failed is not kept: that one may be well in a moment.
                place = None;
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
