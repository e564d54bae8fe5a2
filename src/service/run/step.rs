//! A step of a run: the model is asked by a governed call, and what it says is shown as it comes.

use serde_json::{Value, json};

use super::tools;
use crate::domain::message::{ChatReply, ChatRequest, Event, Finish, Message, ToolChoice};
use crate::domain::money::Nanos;
use crate::domain::run::delta::Streaming;
use crate::domain::run::happening::{Answered, Fault};
use crate::domain::run::machine::MAX_PIECES;
use crate::domain::run::state::Failure;
use crate::domain::run::tool::How;
use crate::domain::thread::effect::{ModelCall, Outcome, Progress};
use crate::domain::time::Millis;
use crate::ports::{Performed, World};
use crate::service::App;
use crate::service::call::via::Via;
use crate::service::call::{
    self, Answer, Asked, Caller, Ending, Error, Passed, Receipt, Relay, RunCredential, Served, Step,
};

/// What a model is asked whose run has reached a limit.
const LAST_WORD: &str = "This run has reached its limit and ends now. Call no more tools: say in a few sentences what was done \
                         and what is left.";

/// The most bytes of all arguments of a step's tool calls.
const MAX_ARGUMENTS: usize = 256 * 1_024;

/// A step on its way.
#[derive(Clone, Copy)]
struct Begun {
    at: Millis,
    /// What is said of errors is read by a caller who is none of the account's.
    is_of_stranger: bool,
}

/// Asks the model for the next step of a run.
pub async fn ask<W: World>(app: &App<W>, object: &impl Performed, id: &str, asked: ModelCall) -> Outcome {
    let ModelCall { account, run, terms, step, attempt, messages, left_out, closing, left } = asked;
    let begun = Begun { at: app.world.now(), is_of_stranger: terms.started_by.is_stranger() };
    let credential = RunCredential::of_kept_run(account, terms.agent, terms.version, terms.started_by);
    let caller = Caller::run(credential.of_child(terms.parent.is_some())).in_run(run);
    let caller = caller.after(Via::of_run(app, terms.via.as_deref()));
    let resolved = match call::resolve(app, &caller).await {
        Ok(resolved) => resolved,
        Err(error) => return unanswered(app, error, begun, Nanos::ZERO, json!({ "started_at": begun.at })),
    };
    let offered = tools::offered(&resolved.bundle, &terms);
    // After its tools a model may have nothing to say. Elsewhere it is asked once more.
    let has_tools_before = matches!(messages.last(), Some(Message::Tool { .. }));
    let heard =
        Heard { offered: &offered, may_be_empty: has_tools_before || closing.is_some() || attempt > 1 };
    let mut request = ChatRequest { messages, ..ChatRequest::default() };
    terms.manner.lay_on(step, &mut request);
    request.tools = offered.iter().map(tools::Offer::tool).collect();
    if closing.is_some() {
        request.messages.push(Message::user(LAST_WORD));
        request.tool_choice = if request.tools.is_empty() { ToolChoice::Auto } else { ToolChoice::None };
    }
    let asked = Asked {
        request,
        variables: Passed::Variables(terms.variables),
        model: terms.manner.model,
        stream: true,
        sent: None,
        most: left,
    };
    let (call, outcome) = match call::run(app, &caller, resolved, asked).await {
        Err(unserved) => {
            let journal =
                json!({ "started_at": begun.at, "call_id": unserved.call.map(|call| call.to_string()) });
            (unserved.call, unanswered(app, unserved.error, begun, unserved.cost, journal))
        }
        Ok(mut served) => {
            served.warnings.extend(left_out.warning());
            (Some(served.call), relay(app, object, id, served, heard, begun).await)
        }
    };
    outcome.settled(call.and_then(|call| app.settlements.of(account, call)))
}

/// What an answer is held to.
#[derive(Clone, Copy)]
struct Heard<'a> {
    offered: &'a [tools::Offer],
    may_be_empty: bool,
}

/// Relays an answer to the run's watchers, and takes it whole.
async fn relay<W: World>(
    app: &App<W>,
    object: &impl Performed,
    id: &str,
    served: Served<W>,
    heard: Heard<'_>,
    begun: Begun,
) -> Outcome {
    let Served { call, model, warnings, answer, .. } = served;
    let mut journal = json!({
        "call_id": call.to_string(), "model": model, "started_at": begun.at, "warnings": &warnings,
    });
    let (reply, receipt, broken) = match answer {
        Answer::Whole { reply, receipt } => (reply, receipt, None),
        Answer::Replay { events, receipt } => (gathered(object, id, events), receipt, None),
        Answer::Stream(relay) => read(object, id, *relay).await,
    };
    journal["cost_usd"] = json!(receipt.cost);
    journal["usage"] = json!(receipt.usage);
    if let Some(error) = broken {
        return unanswered(app, error, begun, receipt.cost, journal);
    }
    let choice = reply.choices.into_iter().next().unwrap_or_default();
    let has_stopped = matches!(choice.finish, Finish::Stop | Finish::ToolCalls);
    if choice.parts.is_empty() && has_stopped && !heard.may_be_empty {
        journal["error"] = "the model answered nothing".into();
        return Outcome::Unanswered { fault: Fault::Empty, cost: receipt.cost, journal, settlement: None };
    }
    let arguments: usize = choice.calls().map(|call| call.arguments.len()).sum();
    if choice.parts.len() > MAX_PIECES as usize || arguments > MAX_ARGUMENTS {
        let fault = Fault::Final(Failure::new(
            "upstream_error",
            "The model answered in more pieces, or with longer arguments of tools, than are kept.",
        ));
        return Outcome::Unanswered { fault, cost: receipt.cost, journal, settlement: None };
    }
    let plan: Vec<How> = choice.calls().map(|call| tools::how(heard.offered, call)).collect();
    let answered = Answered {
        parts: choice.parts,
        finish: choice.finish,
        plan,
        usage: receipt.usage,
        cost: receipt.cost,
        warnings,
    };
    Outcome::Answered { answered, journal, settlement: None }
}

async fn read<W: World>(
    object: &impl Performed,
    id: &str,
    mut relay: Relay<W>,
) -> (ChatReply, Receipt, Option<Error>) {
    let mut streaming = Streaming::default();
    let mut broken = None;
    loop {
        match relay.next().await {
            Some(Step::Events(events)) => broken = broken.or(show(object, id, &mut streaming, events)),
            Some(Step::End(Ending::Done(receipt))) => return (streaming.finish(), receipt, broken),
            Some(Step::End(Ending::Failed { error, receipt })) => {
                return (streaming.finish(), receipt, Some(error));
            }
            None => return (streaming.finish(), Receipt::FREE, Some(Error::Unavailable)),
        }
    }
}

fn gathered(object: &impl Performed, id: &str, events: Vec<Event>) -> ChatReply {
    let mut streaming = Streaming::default();
    show(object, id, &mut streaming, events);
    streaming.finish()
}

/// Shows watchers what was said. An answer that is too long is read on, because its end has the bill.
fn show(object: &impl Performed, id: &str, streaming: &mut Streaming, events: Vec<Event>) -> Option<Error> {
    let mut deltas = Vec::new();
    let mut broken = None;
    for event in events {
        match streaming.push(event) {
            Ok(delta) => deltas.extend(delta),
            Err(error) => broken = Some(Error::Upstream(error.to_string())),
        }
    }
    if !deltas.is_empty() {
        object.progress(id, Progress::Said(deltas));
    }
    broken
}

fn unanswered<W: World>(
    app: &App<W>,
    error: Error,
    begun: Begun,
    cost: Nanos,
    mut journal: Value,
) -> Outcome {
    let said = if begun.is_of_stranger {
        app.world.log(&format!("a run of a stranger's: {error}"));
        error.clone().for_stranger().to_string()
    } else {
        error.to_string()
    };
    journal["error"] = json!(said);
    Outcome::Unanswered { fault: fault(&error, &said, app.world.now()), cost, journal, settlement: None }
}

/// What an error of a call means for its run, in the words that its caller reads.
fn fault(error: &Error, said: &str, now: Millis) -> Fault {
    let failure = |code: &str| Failure::new(code, said);
    let in_seconds = |s: u32| Some(now.plus(i64::from(s) * 1_000));
    match error {
        Error::BudgetExceeded { resets_at, .. } => Fault::Budget { resets_at: *resets_at },
        Error::RunBudget { .. } => Fault::RunBudget,
        Error::Concurrency { .. } => Fault::Transient { failure: failure("concurrency_exceeded"), at: None },
        Error::Rate(quota) => {
            Fault::Transient { failure: failure("rate_limited"), at: in_seconds(quota.reset_s) }
        }
        Error::Busy { is_limited, retry_after_s, given, .. } if !given.is_unpaid => {
            let code = if *is_limited { "upstream_rate_limited" } else { "upstream_error" };
            Fault::Transient { failure: failure(code), at: retry_after_s.and_then(in_seconds) }
        }
        Error::Upstream(_) => Fault::Transient { failure: failure("upstream_error"), at: None },
        Error::UpstreamTimeout => Fault::Transient { failure: failure("upstream_timeout"), at: None },
        Error::Unavailable => Fault::Transient { failure: failure("unavailable"), at: None },
        Error::Unauthenticated(_) | Error::KeyNotForAgent | Error::KeyLacksScope(_) => {
            Fault::Final(failure("unauthenticated"))
        }
        Error::AccountSuspended => Fault::Final(failure("account_suspended")),
        Error::NotActive { .. } => Fault::Final(failure("agent_not_active")),
        Error::Archived(_) => Fault::Final(failure("agent_archived")),
        Error::NoSuchAgent | Error::NoSuchVersion(_) => Fault::Final(failure("not_found")),
        Error::Rejected { .. } => Fault::Final(failure("upstream_rejected")),
        Error::NoSuchModel { .. } | Error::BrokenLine(_) => Fault::Final(failure("model_not_found")),
        Error::Unsupported(_) => Fault::Final(failure("unsupported_capability")),
        Error::Unpriced { .. } => Fault::Final(failure("unpriced_model")),
        Error::Variables(_) | Error::NotTaken(_) => Fault::Final(failure("validation_failed")),
        Error::Unreachable(_) | Error::UpstreamDenies(_) => Fault::Final(failure("upstream_denied")),
        _ => Fault::Final(failure("invalid_request")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_tried_again_and_what_stays_ends_the_run() {
        let busy = |is_unpaid| Error::Busy {
            message: "later".to_owned(),
            is_limited: true,
            retry_after_s: Some(7),
            given: Box::new(call::Given { is_unpaid, ..call::Given::default() }),
        };
        let now = Millis(1_000);
        assert!(matches!(fault(&busy(false), "", now), Fault::Transient { at: Some(Millis(8_000)), .. }));
        assert!(matches!(fault(&busy(true), "", now), Fault::Final(_)));
        assert!(matches!(fault(&Error::UpstreamTimeout, "", now), Fault::Transient { at: None, .. }));
        assert!(matches!(fault(&Error::AccountSuspended, "", now), Fault::Final(_)));
    }
}
