//! A step of a run: the model is asked by a governed call, and what it says is shown as it comes.

use serde_json::{Map, Value, json};

use super::tools;
use crate::domain::message::{ChatRequest, Event, Finish, Message, ResponseFormat, Sampling, ToolChoice};
use crate::domain::money::Nanos;
use crate::domain::run::delta::{Delta, Streaming};
use crate::domain::run::happening::{Answered, Fault};
use crate::domain::run::machine::MAX_PIECES;
use crate::domain::run::state::Failure;
use crate::domain::run::tool::How;
use crate::domain::thread::effect::{Items, ModelCall, Outcome, Progress};
use crate::domain::thread::window::{LeftOut, Sent, has_media, leave_out_media};
use crate::domain::time::Millis;
use crate::ports::{Performed, World};
use crate::service::call::via::Via;
use crate::service::call::{
    self, Answer, Asked, Caller, Ending, Error, Passed, Receipt, Relay, Resolved, RunCredential, Served,
    Step, Unserved, Until,
};
use crate::service::{App, settlements};

/// What a model is asked whose run has reached a limit.
const LAST_WORD: &str = "This run has reached its limit and ends now. Call no more tools: say in a few sentences what was done \
                         and what is left.";

/// The most tools that a journal names of a request.
const MAX_NAMED: usize = 50;

/// The most bytes of all arguments of a step's tool calls.
const MAX_ARGUMENTS: usize = 256 * 1_024;

/// How long a model is heard after the end of its run.
const HEARD_FOR_MS: u64 = 10_000;

/// A step on its way.
#[derive(Clone, Copy)]
struct Begun {
    at: Millis,
    /// What is said of errors is read by a caller who is none of the account's.
    is_of_stranger: bool,
}

/// Asks the model for the next step of a run.
pub async fn ask<W: World>(app: &App<W>, object: &impl Performed, id: &str, asked: ModelCall) -> Outcome {
    let ModelCall { account, run, terms, step, attempt, broke_off, sent: transcript, items, closing, left } =
        asked;
    let begun = Begun { at: app.world.now(), is_of_stranger: terms.started_by.is_stranger() };
    let credential = RunCredential::of_kept_run(account, terms.agent, terms.version, terms.started_by);
    let caller = Caller::run(credential.of_child(terms.parent.is_some())).in_run(run);
    let caller = caller.after(Via::of_run(app, terms.via.as_deref())).heard(until_unwanted(app, object, id));
    let resolved = match call::resolve(app, &caller).await {
        Ok(resolved) => resolved,
        Err(error) => return unanswered(app, error, begun, Nanos::ZERO, json!({ "started_at": begun.at })),
    };
    let Sent { messages, earlier, mut left_out } = transcript;
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
    let journal = json!({ "started_at": begun.at, "sent": sent(&request, items, closing.is_some()) });
    let asked = Asked {
        request,
        variables: Passed::Variables(terms.variables),
        model: terms.manner.model,
        stream: true,
        sent: None,
        most: left,
        last: broke_off,
    };
    let served = serve(app, &caller, resolved, asked, (earlier, &mut left_out)).await;
    let (call, outcome) = match served {
        Err(unserved) => {
            let mut journal = journal;
            journal["call_id"] = json!(unserved.call.map(|call| call.to_string()));
            (unserved.call, unanswered(app, unserved.error, begun, unserved.cost, journal))
        }
        Ok(mut served) => {
            served.warnings.extend(left_out.warning());
            (Some(served.call), relay(app, object, id, served, heard, (begun, journal)).await)
        }
    };
    outcome.settled(call.and_then(|call| app.settlements.of(account, call)))
}

/// Once its run is over a call is heard only so long for its bill: what hangs must not keep its place and its money.
fn until_unwanted<W: World>(app: &App<W>, object: &impl Performed, id: &str) -> Until {
    let (unwanted, world) = (object.unwanted(id), app.world.clone());
    Until::this(async move {
        unwanted.await;
        world.sleep(HEARD_FOR_MS).await;
    })
}

/// Serves a step's call. What no entry of the line takes of what was said before the run must not end every run from then on:
/// the images, files and sounds of so many messages are left out then, as the catalogue or the providers say it.
async fn serve<W: World>(
    app: &App<W>,
    caller: &Caller,
    resolved: Resolved,
    asked: Asked,
    (earlier, left_out): (usize, &mut LeftOut),
) -> Result<Served<W>, Unserved> {
    let plain = has_media(&asked.request.messages[..earlier]).then(|| asked.clone());
    let account = resolved.account;
    let served = call::run(app, caller, resolved, asked).await;
    let (Some(mut plain), Err(unserved)) = (plain, &served) else { return served };
    if !may_be_of_media(unserved) {
        return served;
    }
    if let Some(call) = unserved.call {
        settlements::deliver_apart(app, account, call);
    }
    left_out.media = leave_out_media(&mut plain.request.messages[..earlier]);
    let resolved = call::resolve(app, caller).await?;
    call::run(app, caller, resolved, plain).await
}

/// Whether another question without images, files and sounds may do better, and this one has cost nothing.
fn may_be_of_media(unserved: &Unserved) -> bool {
    let may_be = match unserved.error {
        Error::Unsupported(_) | Error::UpstreamDenies(_) => true,
        Error::Rejected { status, .. } => matches!(status, 400 | 413 | 415 | 422),
        _ => false,
    };
    may_be && unserved.cost == Nanos::ZERO
}

/// What a model is sent, for the journal: no text of it, which the thread's items have, and no value that a client may have
/// written at any length.
fn sent(request: &ChatRequest, items: Option<Items>, is_last_word: bool) -> Value {
    let Sampling { temperature, top_p, max_output_tokens, stop, seed, reasoning_effort, n: _ } =
        &request.sampling;
    let format = match &request.response_format {
        ResponseFormat::Text => None,
        ResponseFormat::JsonObject => Some("json_object"),
        ResponseFormat::JsonSchema { .. } => Some("json_schema"),
    };
    let parameters = [
        ("temperature", json!(temperature)),
        ("top_p", json!(top_p)),
        ("max_output_tokens", json!(max_output_tokens)),
        ("seed", json!(seed)),
        ("reasoning_effort", json!(reasoning_effort)),
        ("stop", json!(Some(stop.len()).filter(|count| *count > 0))),
        ("response_format", json!(format)),
    ];
    let parameters = parameters.into_iter().filter(|(_, value)| !value.is_null());
    let parameters: Map<String, Value> = parameters.map(|(name, value)| (name.to_owned(), value)).collect();
    let tools: Vec<&str> = request.tools.iter().map(|tool| &*tool.name).take(MAX_NAMED).collect();
    json!({
        "items": items, "messages": request.messages.len(), "is_last_word": is_last_word,
        "parameters": parameters, "tools": tools, "tool_count": request.tools.len(),
    })
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
    (begun, mut journal): (Begun, Value),
) -> Outcome {
    let Served { call, model, warnings, answer, .. } = served;
    journal["call_id"] = json!(call.to_string());
    journal["model"] = json!(model);
    journal["warnings"] = json!(&warnings);
    let mut shown = Shown { object, id, streaming: Streaming::default(), unsaid: Vec::new() };
    let (reply, receipt, broken) = match answer {
        Answer::Whole { reply, receipt } => (Some(reply), receipt, None),
        Answer::Replay { events, receipt } => (None, receipt, shown.show(events)),
        Answer::Stream(relay) => {
            let (receipt, broken) = read(&mut shown, *relay).await;
            (None, receipt, broken)
        }
    };
    let Shown { streaming, unsaid, .. } = shown;
    let reply = reply.unwrap_or_else(|| streaming.finish());
    journal["cost_usd"] = json!(receipt.cost);
    journal["usage"] = json!(receipt.usage);
    if let Some(error) = broken {
        let mut outcome = unanswered(app, error, begun, receipt.cost, journal);
        if let Outcome::Unanswered { fault: Fault::Transient { broke_off, .. }, .. } = &mut outcome {
            *broke_off = Some(model);
        }
        return outcome;
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
    Outcome::Answered { answered, unsaid, journal, settlement: None }
}

async fn read<W: World>(
    shown: &mut Shown<'_, impl Performed>,
    mut relay: Relay<W>,
) -> (Receipt, Option<Error>) {
    let mut broken = None;
    loop {
        match relay.next().await {
            Some(Step::Events(events)) => broken = broken.or(shown.show(events)),
            Some(Step::End(Ending::Done(receipt))) => return (receipt, broken),
            Some(Step::End(Ending::Failed { error, receipt })) => return (receipt, Some(error)),
            None => return (Receipt::FREE, Some(Error::Unavailable)),
        }
    }
}

/// What the model says, shown to the run's watchers as it comes.
struct Shown<'a, P> {
    object: &'a P,
    id: &'a str,
    streaming: Streaming,
    /// What the thread could not take.
    unsaid: Vec<Delta>,
}

impl<P: Performed> Shown<'_, P> {
    /// An answer that is too long is read on, because its end has the bill.
    fn show(&mut self, events: Vec<Event>) -> Option<Error> {
        let mut broken = None;
        for event in events {
            match self.streaming.push(event) {
                Ok(deltas) => self.unsaid.extend(deltas),
                Err(error) => broken = Some(Error::Upstream(error.to_string())),
            }
        }
        if !self.unsaid.is_empty() {
            let said = Progress::Said(std::mem::take(&mut self.unsaid));
            if let Err(Progress::Said(unsaid)) = self.object.progress(self.id, said) {
                self.unsaid = unsaid;
            }
        }
        broken
    }
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
    let [noise] = app.world.random();
    Outcome::Unanswered {
        fault: fault(&error, &said, app.world.now(), noise),
        cost,
        journal,
        settlement: None,
    }
}

/// What an error of a call means for its run, in the words that its caller reads.
fn fault(error: &Error, said: &str, now: Millis, noise: u8) -> Fault {
    let failure = |code: &str| Failure::new(code, said);
    let transient = |code, at| Fault::Transient { failure: failure(code), at, broke_off: None };
    let in_seconds = |s: u32| Some(now.plus(i64::from(s) * 1_000));
    match error {
        // Others of the agent or the account hold for a moment what most of them will not spend.
        Error::BudgetExceeded { is_held: true, .. } => Fault::Place { at: None, noise },
        Error::BudgetExceeded { resets_at, .. } => Fault::Budget { resets_at: *resets_at },
        Error::RunBudget { .. } => Fault::RunBudget,
        Error::Concurrency { .. } => Fault::Place { at: None, noise },
        Error::Rate(quota) => Fault::Place { at: in_seconds(quota.reset_s), noise },
        Error::Busy { is_limited, retry_after_s, given, .. } if !given.is_unpaid => {
            let code = if *is_limited { "upstream_rate_limited" } else { "upstream_error" };
            transient(code, retry_after_s.and_then(in_seconds))
        }
        Error::Upstream(_) => transient("upstream_error", None),
        Error::UpstreamTimeout => transient("upstream_timeout", None),
        Error::Unavailable => transient("unavailable", None),
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
        assert!(matches!(fault(&busy(false), "", now, 0), Fault::Transient { at: Some(Millis(8_000)), .. }));
        assert!(matches!(fault(&busy(true), "", now, 0), Fault::Final(_)));
        assert!(matches!(fault(&Error::UpstreamTimeout, "", now, 0), Fault::Transient { at: None, .. }));
        assert!(matches!(fault(&Error::AccountSuspended, "", now, 0), Fault::Final(_)));
    }
}
